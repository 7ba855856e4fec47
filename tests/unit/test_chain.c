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
};

static int decide(void *data, struct pm_call *call, struct pm_verdict *verdict)
{
	struct fake *fake = data;

	fake->asked++;
	fake->saw = call->args[0];
	if (fake->fails)
		return fake->fails;
	verdict->action = fake->says;
	verdict->log = fake->log;
	verdict->err = EACCES;
	verdict->value = 7;
	if (fake->says == PM_REDIRECT)
		call->args[0]++;
	return 0;
}

struct told {
	unsigned int calls, verdicts, others;
	int fail_at;	/* the event that fails, counted from 1 */
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
	return (int)(told->calls + told->verdicts) == told->fail_at ? -ENOSPC : 0;
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
	size_t asked = 0;

	prepare(&stack, says, n);
	run(&stack);
	while (asked < n) {
		assert_int_equal(stack.fakes[asked].saw, redirects);
		redirects += says[asked] == PM_REDIRECT;
		if (says[asked] != PM_ALLOW)
			expected = says[asked];
		if (says[asked] > PM_REDIRECT && ++asked)
			break;
		asked++;
	}
	assert_int_equal(stack.outcome.verdict.action, expected);
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

static void error_of_the_observer_denies(void **state)
{
	const enum pm_action says[] = { PM_ALLOW, PM_REDIRECT };

	(void)state;
	for (int at = 1; at <= 3; at++) {
		struct stack stack;

		prepare(&stack, says, 2);
		stack.told.fail_at = at;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_stack),
		cmocka_unit_test(error_of_a_layer_denies),
		cmocka_unit_test(error_of_the_observer_denies),
		cmocka_unit_test(log_of_any_layer_is_kept),
		cmocka_unit_test(built_in_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
