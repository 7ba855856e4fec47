/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The rules of semantics.md, section 3, for layers: every stack of up to four
 * layers of every verdict, compared with a model that says in four lines what
 * happens.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "chain.h"

#define DEPTH 4

/* What a layer of the test says, and whether it was asked. */
struct fake {
	enum pm_action says;
	bool log;
	int fails;
	unsigned int asked;
	uint64_t saw;	/* the first argument, as it was when it was asked */
	unsigned int turn;	/* the how many'th to be asked, from 1 */
	const struct pm_verdict *verdict;	/* in place of all that, or NULL */
	const char *becomes;	/* REDIRECT: the name of the call from then on */
};

static unsigned int turns;

static int decide(void *data, struct pm_call *call, struct pm_verdict *verdict)
{
	struct fake *fake = data;

	fake->asked++;
	fake->turn = ++turns;
	fake->saw = call->args[0];
	if (fake->fails)
		return fake->fails;
	if (fake->verdict) {
		*verdict = *fake->verdict;
		return 0;
	}
	verdict->action = fake->says;
	verdict->log = fake->log;
	verdict->err = EACCES;
	verdict->value = 7;
	verdict->rule = "fake";
	if (fake->says == PM_REDIRECT)
		call->args[0]++;
	if (fake->says == PM_REDIRECT && fake->becomes)
		call->name = fake->becomes;
	return 0;
}

struct told {
	unsigned int calls, verdicts, others;
	int fail_at;	/* the event that fails, counted from 1 */
	int fails;	/* with this */
};

static int tell(void *data, const struct pm_event *event)
{
	struct told *told = data;

	if (event->kind == PM_EVENT_CALL)
		told->calls++;
	else if (event->kind == PM_EVENT_VERDICT)
		told->verdicts++;
	else
		told->others++;
	return (int)(told->calls + told->verdicts) == told->fail_at ? told->fails : 0;
}

struct stack {
	struct fake fakes[DEPTH];
	struct pm_layer layers[DEPTH];
	struct pm_layer *list[DEPTH];
	struct told told;
	struct pm_observer observer;
	struct pm_options options;
	struct pm_call call;
	struct outcome outcome;
};

static void prepare(struct stack *stack, const enum pm_action *says, size_t n)
{
	memset(stack, 0, sizeof(*stack));
	for (size_t i = 0; i < n; i++) {
		stack->fakes[i].says = says[i];
		stack->layers[i] = (struct pm_layer){ .name = "fake", .data = &stack->fakes[i],
						      .decide = decide };
		stack->list[i] = &stack->layers[i];
	}
	stack->observer = (struct pm_observer){ .data = &stack->told, .tell = tell };
	stack->options = (struct pm_options){ .layers = stack->list, .nlayers = n,
					      .observer = &stack->observer };
	stack->call = (struct pm_call){ .name = "openat" };
}

static void run(struct stack *stack)
{
	chain_decide(&stack->options, &stack->call, &stack->outcome);
}

static void check_against_model(const enum pm_action *says, size_t n)
{
	struct stack stack;
	enum pm_action expected = PM_ALLOW;
	uint64_t redirects = 0;
	/* Whose verdict it is: the last that was no plain allow, else the outermost's. */
	size_t asked = 0, whose = n - 1;

	prepare(&stack, says, n);
	turns = 0;
	run(&stack);
	while (asked < n) {
		assert_int_equal(stack.fakes[asked].saw, redirects);
		assert_int_equal(stack.fakes[asked].turn, asked + 1);
		redirects += says[asked] == PM_REDIRECT;
		if (says[asked] != PM_ALLOW) {
			expected = says[asked];
			whose = asked;
		}
		if (says[asked] > PM_REDIRECT && ++asked)
			break;
		asked++;
	}
	assert_int_equal(stack.outcome.verdict.action, expected);
	assert_ptr_equal(stack.outcome.layer, n ? &stack.layers[whose] : NULL);
	if (n) {
		assert_string_equal(stack.outcome.verdict.rule, "fake");
		assert_int_equal(stack.outcome.verdict.err, EACCES);
		assert_int_equal(stack.outcome.verdict.value, 7);
	}
	assert_int_equal(stack.call.args[0], redirects);
	assert_int_equal(stack.told.calls, 1);
	assert_int_equal(stack.told.verdicts, asked);
	assert_int_equal(stack.told.others, 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(stack.fakes[i].asked, i < asked);
}

static void every_stack(void **state)
{
	const enum pm_action all[] = { PM_ALLOW, PM_REDIRECT, PM_DENY, PM_VALUE, PM_KILL };

	(void)state;
	for (size_t n = 0; n <= DEPTH; n++) {
		size_t stacks = 1;

		for (size_t i = 0; i < n; i++)
			stacks *= 5;
		for (size_t stack = 0; stack < stacks; stack++) {
			enum pm_action says[DEPTH];
			size_t rest = stack;

			for (size_t i = 0; i < n; i++, rest /= 5)
				says[i] = all[rest % 5];
			check_against_model(says, n);
		}
	}
}

static void error_of_a_layer_denies(void **state)
{
	const enum pm_action says[] = { PM_ALLOW, PM_ALLOW, PM_ALLOW };
	struct stack stack;

	(void)state;
	prepare(&stack, says, 3);
	stack.fakes[1].fails = -ENOMEM;
	run(&stack);
	assert_int_equal(stack.outcome.verdict.action, PM_DENY);
	assert_int_equal(stack.outcome.verdict.err, ENOMEM);
	assert_int_equal(stack.fakes[2].asked, 0);
}

/* What is none would be a result to the target, or worse. */
static void no_verdict_denies(void **state)
{
	const struct {
		struct pm_verdict said;
		int fails;
	} cases[] = {
		{ { .action = PM_DENY }, 0 },
		{ { .action = PM_DENY, .err = 4096 }, 0 },
		{ { .action = PM_DENY, .err = -EACCES }, 0 },
		{ { .action = PM_KILL + 1 }, 0 },
		{ { .action = (enum pm_action)-1 }, 0 },
		{ { .action = PM_ALLOW }, EACCES },
		{ { .action = PM_ALLOW }, -4096 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const enum pm_action says[] = { PM_ALLOW, PM_ALLOW };
		struct stack stack;

		prepare(&stack, says, 2);
		stack.fakes[0].verdict = &cases[i].said;
		stack.fakes[0].fails = cases[i].fails;
		run(&stack);
		assert_int_equal(stack.outcome.verdict.action, PM_DENY);
		assert_int_equal(stack.outcome.verdict.err, EPERM);
		assert_ptr_equal(stack.outcome.layer, &stack.layers[0]);
		assert_int_equal(stack.fakes[1].asked, 0);
	}
	for (int i = 0; i < 2; i++) {
		const enum pm_action says[] = { PM_ALLOW };
		struct stack stack;

		prepare(&stack, says, 1);
		stack.told.fail_at = 1;
		stack.told.fails = i ? ENOSPC : -4096;
		run(&stack);
		assert_int_equal(stack.outcome.verdict.action, PM_DENY);
		assert_int_equal(stack.outcome.verdict.err, EPERM);
	}
}

static void error_of_the_observer_denies(void **state)
{
	const enum pm_action says[] = { PM_ALLOW, PM_REDIRECT };

	(void)state;
	for (int at = 1; at <= 3; at++) {
		struct stack stack;

		prepare(&stack, says, 2);
		stack.told.fail_at = at;
		stack.told.fails = -ENOSPC;
		run(&stack);
		assert_int_equal(stack.outcome.verdict.action, PM_DENY);
		assert_int_equal(stack.outcome.verdict.err, ENOSPC);
	}
}

static void log_of_any_layer_is_kept(void **state)
{
	const enum pm_action says[] = { PM_ALLOW, PM_ALLOW, PM_DENY };
	struct stack stack;

	(void)state;
	prepare(&stack, says, 3);
	stack.fakes[0].log = true;
	run(&stack);
	assert_true(stack.outcome.verdict.log);
	assert_ptr_equal(stack.outcome.layer, &stack.layers[2]);
}

/* A log is no verdict: the next layer is asked, and what it says counts. */
static void log_is_passed_on(void **state)
{
	const enum pm_action all[] = { PM_ALLOW, PM_REDIRECT, PM_DENY, PM_VALUE, PM_KILL };

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const enum pm_action says[] = { PM_ALLOW, all[i] };

		for (int logs = 0; logs < 4; logs++) {
			struct stack stack;

			prepare(&stack, says, 2);
			stack.fakes[0].log = logs & 1;
			stack.fakes[1].log = logs & 2;
			run(&stack);
			assert_int_equal(stack.outcome.verdict.action, all[i]);
			assert_int_equal(stack.outcome.verdict.log, logs != 0);
			assert_int_equal(stack.fakes[1].asked, 1);
		}
	}
}

/* What is refused by the library is outside of all layers: it sees what they left. */
static void built_in_sees_redirects(void **state)
{
	const enum pm_action to[] = { PM_REDIRECT, PM_ALLOW };
	const enum pm_action answered[] = { PM_VALUE };
	struct stack stack;

	(void)state;
	prepare(&stack, to, 2);
	stack.fakes[0].becomes = "io_uring_setup";
	run(&stack);
	assert_int_equal(stack.outcome.verdict.action, PM_DENY);
	assert_int_equal(stack.outcome.verdict.err, ENOSYS);
	assert_null(stack.outcome.layer);

	prepare(&stack, to, 2);
	stack.call.name = "io_uring_setup";
	stack.fakes[0].becomes = "getpid";
	run(&stack);
	assert_int_equal(stack.outcome.verdict.action, PM_REDIRECT);

	/* A layer's own answer comes first. */
	prepare(&stack, answered, 1);
	stack.call.name = "io_uring_setup";
	run(&stack);
	assert_int_equal(stack.outcome.verdict.action, PM_VALUE);
	assert_ptr_equal(stack.outcome.layer, &stack.layers[0]);
}

static void built_in_refusals(void **state)
{
	const enum pm_action says[] = { PM_ALLOW };
	struct stack stack;

	(void)state;
	prepare(&stack, says, 1);
	stack.call.name = "io_uring_setup";
	run(&stack);
	assert_int_equal(stack.outcome.verdict.action, PM_DENY);
	assert_int_equal(stack.outcome.verdict.err, ENOSYS);
	assert_null(stack.outcome.layer);

	prepare(&stack, says, 1);
	stack.call.name = "open_by_handle_at";
	run(&stack);
	assert_int_equal(stack.outcome.verdict.err, EPERM);

	prepare(&stack, says, 1);
	stack.options.unsafe = PM_UNSAFE_IO_URING;
	stack.call.name = "io_uring_setup";
	run(&stack);
	assert_int_equal(stack.outcome.verdict.action, PM_ALLOW);
}

#define THREADS 4
#define TURNS 200

/* Who is inside of a decide() or a tell() now, and how many there ever were at once. */
struct crowd {
	atomic_int inside, most;
	pthread_barrier_t all;	/* concurrent: nobody goes on before all are here */
	bool meet;
	const struct pm_options *options;
};

static int enter(struct crowd *crowd)
{
	int inside = atomic_fetch_add(&crowd->inside, 1) + 1, most = atomic_load(&crowd->most);

	while (inside > most && !atomic_compare_exchange_weak(&crowd->most, &most, inside))
		;
	if (crowd->meet)
		pthread_barrier_wait(&crowd->all);
	else
		for (int i = 0; i < 20; i++)
			sched_yield();
	atomic_fetch_sub(&crowd->inside, 1);
	return 0;
}

static int crowd_decide(void *data, struct pm_call *call, struct pm_verdict *verdict)
{
	(void)call;
	(void)verdict;
	return enter(data);
}

static int crowd_tell(void *data, const struct pm_event *event)
{
	(void)event;
	return enter(data);
}

static void *call_again(void *data)
{
	const struct crowd *crowd = data;

	for (int i = 0; i < TURNS; i++) {
		struct pm_call call = { .name = "openat" };
		struct outcome outcome;

		chain_decide(crowd->options, &call, &outcome);
		if (outcome.verdict.action != PM_ALLOW)
			return "denied";
	}
	return NULL;
}

static void call_from_threads(struct crowd *crowd)
{
	pthread_t threads[THREADS];

	pthread_barrier_init(&crowd->all, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, call_again, crowd), 0);
	for (int i = 0; i < THREADS; i++) {
		void *failed;

		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	pthread_barrier_destroy(&crowd->all);
}

/* Two layers and the observer, all on the same data: one thread is in any of them. */
static void one_thread_at_a_time(void **state)
{
	struct crowd crowd = { 0 };
	struct pm_layer layer = { .name = "one", .data = &crowd, .decide = crowd_decide };
	struct pm_layer *layers[] = { &layer, &layer };
	struct pm_observer observer = { .data = &crowd, .tell = crowd_tell };
	struct pm_options options = { .layers = layers, .nlayers = 2, .observer = &observer };

	(void)state;
	crowd.options = &options;
	call_from_threads(&crowd);
	assert_int_equal(atomic_load(&crowd.most), 1);
}

/* Those that bear it are all inside at once: none could go on otherwise. */
static void concurrent_layers_meet(void **state)
{
	struct crowd crowd = { .meet = true };
	struct pm_layer layer = { .name = "all", .data = &crowd, .decide = crowd_decide,
				  .concurrent = true };
	struct pm_layer *layers[] = { &layer };
	struct pm_observer observer = { .data = &crowd, .tell = crowd_tell, .concurrent = true };
	struct pm_options options = { .layers = layers, .nlayers = 1, .observer = &observer };

	(void)state;
	crowd.options = &options;
	call_from_threads(&crowd);
	assert_int_equal(atomic_load(&crowd.most), THREADS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_stack),
		cmocka_unit_test(error_of_a_layer_denies),
		cmocka_unit_test(no_verdict_denies),
		cmocka_unit_test(error_of_the_observer_denies),
		cmocka_unit_test(log_of_any_layer_is_kept),
		cmocka_unit_test(log_is_passed_on),
		cmocka_unit_test(built_in_sees_redirects),
		cmocka_unit_test(built_in_refusals),
		cmocka_unit_test(one_thread_at_a_time),
		cmocka_unit_test(concurrent_layers_meet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
