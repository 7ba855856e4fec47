// SPDX-License-Identifier: LGPL-2.1-or-later
/* A scenario by the model: what filters return, what calls give, what comes out. */
#include "scenario.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NR_NONE 12345			/* in no table */

const int numbers[NUMBERS] = {
	NR_NONE, SYS_lseek, SYS_read, SYS_getppid, SYS_pause, SYS_vfork, SYS_readlink, SYS_execve,
};

static const int narrow_numbers[NUMBERS] = { NR_NONE, 19, 3, 64, 29, 190, 85, 11 };

int number_in(int nr, bool narrow)
{
	for (int i = 0; narrow && i < NUMBERS; i++)
		if (numbers[i] == nr)
			return narrow_numbers[i];
	return nr;
}

/* ---- programs ---- */

static bool under_test(int nr, bool narrow)
{
	for (int i = 0; i < NUMBERS; i++)
		if ((narrow ? narrow_numbers : numbers)[i] == nr)
			return true;
	return false;
}

static bool matches(const struct rule *r, const struct model_call *call, bool narrow)
{
	uint32_t half;

	if (r->call != ANY && number_in(numbers[r->call], narrow) != call->nr)
		return false;
	if (r->half == ANY)
		return true;
	half = (uint32_t)(call->args[r->half / 2] >> (r->half & 1 ? 32 : 0));
	switch (r->relation) {
	case RULE_EQUAL:
		return half == r->value;
	case RULE_AT_LEAST:
		return half >= r->value;
	case RULE_ANY_BIT:
		return half & r->value;
	}
	return false;
}

static uint32_t program_returns(const struct filter *f, const struct model_call *call, bool narrow)
{
	if (!under_test(call->nr, narrow))
		return SECCOMP_RET_ALLOW;
	for (int i = 0; i < f->rules; i++)
		if (matches(&f->rule[i], call, narrow))
			return f->rule[i].returns;
	return f->otherwise;
}

#define ADD(...) (insn[n++] = (struct sock_filter)__VA_ARGS__)

/* The same for the kernel, for the calls of one table. */
static int program_for(const struct filter *f, const int *table, struct sock_filter *insn)
{
	static const uint16_t jump[] = { BPF_JEQ, BPF_JGE, BPF_JSET };
	int n = 0;

	ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
	for (int i = 0; i < NUMBERS; i++)
		ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)table[i], NUMBERS - i, 0));
	ADD(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	for (int i = 0; i < f->rules; i++) {
		const struct rule *r = &f->rule[i];

		ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
		if (r->call != ANY)
			ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)table[r->call], 0,
				     r->half == ANY ? 1 : 3));
		if (r->half != ANY) {
			ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
				     (uint32_t)(offsetof(struct seccomp_data, args) +
						4U * r->half)));
			ADD(BPF_JUMP(BPF_JMP | jump[r->relation] | BPF_K, r->value, 0, 1));
		}
		ADD(BPF_STMT(BPF_RET | BPF_K, r->returns));
	}
	ADD(BPF_STMT(BPF_RET | BPF_K, f->otherwise));
	return n;
}

int program_of(const struct filter *f, struct sock_filter *insn)
{
	int n = 0, wide;

	ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)));
	n++;
	wide = program_for(f, numbers, insn + n);
	insn[n - 1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_I386,
						   (uint8_t)wide, 0);
	n += wide;
	return n + program_for(f, narrow_numbers, insn + n);
}

#undef ADD

/* ---- what calls do that run ---- */

static struct model_run world_read(const struct model_call *call)
{
	if ((unsigned int)call->args[0] != FD_SLEEP)
		return (struct model_run){ .value = -EBADF };
	if (!call->args[2])
		return (struct model_run){ .value = 0 };
	return (struct model_run){ .sleeps = true, .value = 1 };
}

/* The name at an address, or -1. */
static int name_at(uint64_t address)
{
	if (IN_PIN(address))
		return ALL_NAMES - 1 - (int)((address - PIN) / NAME_SPACE);
	if (address >= NAMES && address < NAMES + ALL_NAMES * NAME_SPACE)
		return (int)((address - NAMES) / NAME_SPACE);
	return -1;
}

static struct model_run world_readlink(const struct model_call *call)
{
	int size = (int)call->args[2], name = name_at(call->args[0]);

	if (size <= 0)
		return (struct model_run){ .value = -EINVAL };
	if (name < 0)
		return (struct model_run){ .value = -EFAULT };
	return (struct model_run){ .value = size < LINK_LEN(name) ? size : LINK_LEN(name) };
}

/* The vectors: there is nothing in BUFFER when a call begins, and no vector is one, too. */
static struct model_run world_execve(const struct model_call *call)
{
	int name = name_at(call->args[0]);

	if (name < 0)
		return (struct model_run){ .value = -EFAULT };
	if (name != NAME_PROGRAM)
		return (struct model_run){ .value = -ENOENT };
	for (int i = 1; i <= 2; i++)
		if (call->args[i] && (call->args[i] < BUFFER || call->args[i] >= BUFFER + 128))
			return (struct model_run){ .value = -EFAULT };
	return (struct model_run){ .execs = true };
}

/* A call of the 32-bit table has the lower halves of its registers. */
static struct model_call as_wide(const struct model_call *call)
{
	struct model_call wide = { .nr = call->nr };

	for (int i = 0; i < NUMBERS; i++)
		if (narrow_numbers[i] == call->nr)
			wide.nr = numbers[i];
	for (int i = 0; i < 6; i++)
		wide.args[i] = (uint32_t)call->args[i];
	return wide;
}

static struct model_run world_runs(const struct model_call *call)
{
	switch (call->nr) {
	case SYS_lseek:
		return world_lseek(call);
	case SYS_read:
		return world_read(call);
	case SYS_readlink:
		return world_readlink(call);
	case SYS_execve:
		return world_execve(call);
	case SYS_getppid:
		return (struct model_run){ .value = getpid() };
	case SYS_pause:
		return (struct model_run){ .sleeps = true, .interrupted = MODEL_RESTARTNOHAND,
					   .then = MODEL_SIGNAL_INTERRUPTS };
	case SYS_vfork:
		return (struct model_run){ .forks = true, .value = 1 };
	default:
		return (struct model_run){ .value = -ENOSYS };
	}
}

/* ---- by the model ---- */

struct world {
	struct model_world world;	/* the first: what the callbacks get */
	const struct scenario *s;
	int filter[MAX_FILTERS];	/* those that are installed */
	struct results *results;
	bool closed[MAX_FILTERS];
	const struct one *one;
	int step;
	struct result *result;
};

static const struct filter *filter_of(struct model_world *w, int i)
{
	struct world *world = (struct world *)w;

	return &world->s->filter[world->filter[i]];
}

static unsigned int flags(struct model_world *w, int i)
{
	return filter_of(w, i)->flags;
}

static bool listens(struct model_world *w, int i)
{
	return filter_of(w, i)->listener && !((struct world *)w)->closed[i];
}

static uint32_t returns(struct model_world *w, int i, const struct model_call *call)
{
	return program_returns(filter_of(w, i), call, ((struct world *)w)->one->narrow);
}

static const struct step *next_step(struct world *w)
{
	static const struct step nothing;

	return w->step < MAX_STEPS ? &w->one->step[w->step++] : &nothing;
}

struct model_change change_in(const struct model_change *change, bool narrow)
{
	struct model_change is = *change;

	if (!narrow)
		return is;
	is.nr = number_in(change->nr, true);
	for (int i = 0; i < 6; i++)
		is.args[i] = (uint32_t)change->args[i];
	return is;
}

/*
 * "A listener in a filter whose chain flag is absent or without effect excludes every other
 * listener in its segment, as on a stock kernel; chain filters whose flag has effect have one
 * each."  On a stock kernel one that is closed excludes none.
 */
static int may_be_installed(const struct world *w, const struct filter *f)
{
	bool chained = true, listener = false;

	for (int i = 0; i < w->world.filters; i++) {
		const struct filter *outer = &w->s->filter[w->filter[i]];

		chained = chained && (outer->flags & MODEL_CHAIN);
		listener |= outer->listener && !w->closed[i] && !chained;
	}
	chained = chained && (f->flags & MODEL_CHAIN);
	return f->listener && listener && !chained ? -EBUSY : 0;
}

static void install_next(struct world *w)
{
	int i = w->results->tried;

	if (i == w->s->filters)
		return;
	w->results->tried++;
	w->results->installed[i] = may_be_installed(w, &w->s->filter[i]);
	if (!w->results->installed[i])
		w->filter[w->world.filters++] = i;
}

int early_filters(const struct scenario *s)
{
	int i = 0;

	while (i < s->filters && s->filter[i].by != LATE)
		i++;
	return i;
}

bool late_at_answer(const struct step *step)
{
	return step->late && step->answer.first == MODEL_NO_SIGNAL &&
	       !(step->answer.kind == MODEL_CLOSE && step->answer.unseen);
}

static struct model_answer answers(struct model_world *w, int i, const struct model_call *call)
{
	const struct step *step = next_step((struct world *)w);
	struct model_answer answer = step->answer;

	(void)call;
	if (late_at_answer(step))
		install_next((struct world *)w);
	/* A listener that cannot redirect lets the call go on. */
	if (answer.kind == MODEL_REDIRECT && !filter_of(w, i)->redirects)
		answer.kind = MODEL_CONTINUE;
	if (answer.kind == MODEL_CLOSE)
		((struct world *)w)->closed[i] = true;
	answer.change = change_in(&answer.change, ((struct world *)w)->one->narrow);
	((struct world *)w)->result->redirects +=
		answer.kind == MODEL_REDIRECT && !answer.first && !answer.then;
	return answer;
}

static struct model_trace traces(struct model_world *w, const struct model_call *call)
{
	const struct step *step = next_step((struct world *)w);
	struct model_trace trace = step->trace;

	(void)call;
	if (step->late)
		install_next((struct world *)w);
	trace.change = change_in(&trace.change, ((struct world *)w)->one->narrow);
	return trace;
}

static struct model_run runs(struct model_world *w, const struct model_call *call)
{
	struct model_call wide = ((struct world *)w)->one->narrow ? as_wide(call) : *call;
	struct model_run run = world_runs(&wide);
	enum model_signal then;

	if (run.sleeps) {
		/* Where a signal is pending nothing is done about it, and no step is used up. */
		then = ((struct world *)w)->step < MAX_STEPS ?
			       ((struct world *)w)->one->step[((struct world *)w)->step].sleep :
			       MODEL_NO_SIGNAL;
		if (then != MODEL_NO_SIGNAL)
			run.then = then;
	}
	return run;
}

static void told(struct model_world *w, const struct model_event *event)
{
	struct world *world = (struct world *)w;
	struct model_event seen = *event;

	if (seen.kind == MODEL_SAW_LOG)
		return;
	if (seen.kind == MODEL_SAW_SLEEP)
		next_step(world);
	if (seen.kind == MODEL_SAW_STOP || seen.kind == MODEL_SAW_SLEEP)
		seen.filter = 0;
	else
		seen.filter = world->filter[seen.filter];
	if (world->result->events < MAX_EVENTS)
		world->result->event[world->result->events] = seen;
	world->result->events++;
}

bool scenario_expect(const struct scenario *s, struct results *results)
{
	struct world w = { .world = { .tracer = s->tracer, .flags = flags, .listens = listens,
				      .returns = returns, .answers = answers, .traces = traces,
				      .runs = runs, .tell = told },
			   .s = s, .results = results };

	memset(results, 0, sizeof(*results));
	while (results->tried < early_filters(s))
		install_next(&w);
	while (results->calls < s->calls) {
		struct result *result = &results->result[results->calls];

		w.one = &s->one[results->calls];
		w.step = 0;
		w.result = result;
		model_call(&w.world, &w.one->call, &result->outcome);
		if (result->outcome.race || result->events > MAX_EVENTS ||
		    result->outcome.frames > MODEL_FRAMES)
			return false;
		results->calls++;
		if (result->outcome.end != MODEL_RETURNED)
			break;
	}
	return true;
}
