// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * exhaustive [FILTERS [FILTERS-WITH-TRACER]] - every stack of up to so many filters, over
 * three calls
 *
 * A filter has a chain flag or not, a listener or not, and for each of the three calls one
 * of the eight actions; a listener has for each call one answer: a value, an error, CONTINUE,
 * a redirect to each of the calls.  A tracer skips the call, or lets it go on as each of
 * the calls.  Two calls differ in an argument only, the third in its number too.
 *
 * The flags and the places of the listeners are gone through one by one; what filters and
 * listeners say is decided where the model asks for it first (choices.h).  The runs are
 * weighed with the number of stacks that they stand for, and the sum must be the number of
 * all stacks, three times: no stack was left out, and none was counted twice.
 *
 * What must hold for every run is written without a look at the model.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "choices.h"
#include "model.h"

#define DEPTH 4
#define CALLS 3
#define EVENTS 32
#define ENOUGH 10
#define ASKED_MAX 256			/* no run is that long that ends */

static const uint32_t actions[] = {
	SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP,
	SECCOMP_RET_ERRNO, SECCOMP_RET_TRACE, SECCOMP_RET_LOG, SECCOMP_RET_ALLOW,
	SECCOMP_RET_USER_NOTIF,
};

#define ACTIONS 8
#define NOTIF 7				/* the last, since it comes with answers */

enum answer { VALUE, ERROR, CONTINUE, TO_FIRST };	/* TO_FIRST + c: redirect to c */

#define ANSWERS (TO_FIRST + CALLS)
#define WITHOUT ACTIONS			/* what a filter can say of a call */
#define WITH (ACTIONS - 1 + ANSWERS)	/* … where it has a listener */
#define TRACES (1 + CALLS)		/* skip, or go on as call c */

/* A filter's marks in what the task sees. */
#define DATA(i, c) (100 + 10 * (i) + (c))

#define UNDECIDED (-1)

struct event {
	enum { ASKED, STOPPED } kind;
	int filter, call, said;
};

struct stack {
	struct model_world world;	/* the first: what the callbacks get */
	struct choices choices;
	bool chain[DEPTH], listener[DEPTH];
	int says[DEPTH][CALLS];		/* an index of actions, or NOTIF + an answer */
	int traces[CALLS];
	int asked;			/* how often a filter was */
	int events;
	struct event event[EVENTS];
};

static struct model_call call_of(int c)
{
	return (struct model_call){ .nr = c == 2 ? 20 : 10, .args = { 7, 1000 + (uint64_t)c, 8 } };
}

static int index_of(const struct model_call *call)
{
	int c = (int)call->args[1] - 1000;

	if (c < 0 || c >= CALLS || call->nr != call_of(c).nr)
		abort();
	return c;
}

static struct model_change change_to(int c)
{
	struct model_call call = call_of(c);

	return (struct model_change){ .mask = 1U << 1, .args = { 0, call.args[1] },
				      .changes_nr = true, .nr = call.nr };
}

static uint64_t runs_made;
static int failures;

static void show(const struct stack *s, int c, const char *why)
{
	printf("# %s: call %d\n", why, c);
	for (int i = 0; i < s->world.filters; i++) {
		printf("#   F%d%s%s", i, s->chain[i] ? " chain" : "",
		       s->listener[i] ? " listener" : "");
		for (int to = 0; to < CALLS; to++)
			printf(" %d", s->says[i][to]);
		printf("\n");
	}
	for (int e = 0; e < s->events && e < EVENTS; e++)
		printf("#   %s F%d call %d said %d\n",
		       s->event[e].kind == ASKED ? "asked" : "stopped", s->event[e].filter,
		       s->event[e].call, s->event[e].said);
}

/* ---- the world: decided when it is asked for ---- */

static unsigned int flags(struct model_world *w, int i)
{
	return ((struct stack *)w)->chain[i] ? MODEL_CHAIN : 0;
}

static bool listens(struct model_world *w, int i)
{
	return ((struct stack *)w)->listener[i];
}

static int decided(struct stack *s, int i, int c)
{
	if (s->says[i][c] == UNDECIDED)
		s->says[i][c] = (int)choose(&s->choices, s->listener[i] ? WITH : WITHOUT);
	return s->says[i][c];
}

static uint32_t action_of(int said)
{
	return actions[said < NOTIF ? said : NOTIF];
}

static uint32_t returns(struct model_world *w, int i, const struct model_call *call)
{
	struct stack *s = (struct stack *)w;
	int c = index_of(call);
	uint32_t action = action_of(decided(s, i, c));
	bool has_data = action == SECCOMP_RET_TRAP || action == SECCOMP_RET_ERRNO;

	if (++s->asked > ASKED_MAX) {
		show(s, c, "it does not end");
		exit(1);
	}
	return action | (has_data ? DATA(i, c) : 0);
}

static void record(struct stack *s, int kind, int i, int c, int said)
{
	if (s->events < EVENTS)
		s->event[s->events] = (struct event){ kind, i, c, said };
	s->events++;
}

static struct model_answer answers(struct model_world *w, int i, const struct model_call *call)
{
	struct stack *s = (struct stack *)w;
	int c = index_of(call);
	int said = s->says[i][c] - NOTIF;

	record(s, ASKED, i, c, said);
	switch (said) {
	case VALUE:
		return (struct model_answer){ .kind = MODEL_VALUE, .value = DATA(i, c) };
	case ERROR:
		return (struct model_answer){ .kind = MODEL_ERROR, .value = -DATA(i, c) };
	case CONTINUE:
		return (struct model_answer){ .kind = MODEL_CONTINUE };
	default:
		return (struct model_answer){ .kind = MODEL_REDIRECT,
					      .change = change_to(said - TO_FIRST) };
	}
}

static struct model_trace traces(struct model_world *w, const struct model_call *call)
{
	struct stack *s = (struct stack *)w;
	int c = index_of(call);

	if (s->traces[c] == UNDECIDED)
		s->traces[c] = (int)choose(&s->choices, TRACES);
	if (s->traces[c] == 0)
		return (struct model_trace){ .skips = true, .value = DATA(9, c) };
	return (struct model_trace){ .change = change_to(s->traces[c] - 1) };
}

static struct model_run runs(struct model_world *w, const struct model_call *call)
{
	(void)w;
	return (struct model_run){ .value = 1 + index_of(call) };
}

static void told(struct model_world *w, const struct model_event *event)
{
	if (event->kind == MODEL_SAW_STOP)
		record((struct stack *)w, STOPPED, event->filter, index_of(&event->call), 0);
}

/* ---- what must hold ---- */

static const char *broken(const char *what, bool holds)
{
	return holds ? NULL : what;
}

/* Where the filter is evaluated: 0 is the outermost segment. */
static int place(const struct stack *s, int i)
{
	for (int outer = 0; outer < i; outer++)
		if (!s->chain[outer])
			return outer;
	return i;
}

static int action_rank(uint32_t action)
{
	return (int32_t)action < 0 ? -1 : (int)(action >> 16);
}

/*
 * No call runs that a filter outside the last redirect refuses.  Where a tracer has seen it
 * since, that is said of its segment and of those outside: the ones inside let pass what it
 * was before, as on a stock kernel.
 */
static const char *nobody_outside_refuses(const struct stack *s, const struct model_outcome *o)
{
	int outside = s->world.filters, ran, traced = -1, last_place;

	if (!o->ran)
		return NULL;
	ran = index_of(&o->run);
	last_place = outside ? place(s, outside - 1) : -1;
	for (int e = 0; e < s->events; e++) {
		const struct event *event = &s->event[e];

		if (event->kind == STOPPED) {
			traced = event->filter;
			last_place = place(s, traced);
		} else if (event->said >= TO_FIRST) {
			outside = event->filter;
			traced = -1;
			last_place = outside ? place(s, outside - 1) : -1;
		}
	}
	for (int p = 0; p <= last_place; p++) {
		int least = action_rank(SECCOMP_RET_ALLOW), whose = -1;

		for (int i = outside - 1; i >= 0; i--) {
			if (place(s, i) != p)
				continue;
			if (s->says[i][ran] == UNDECIDED)
				return "a filter was not asked about the call that ran";
			if (action_rank(action_of(s->says[i][ran])) < least) {
				least = action_rank(action_of(s->says[i][ran]));
				whose = i;
			}
		}
		if (least < action_rank(SECCOMP_RET_USER_NOTIF))
			return "a call ran that a filter refuses";
		if (least == action_rank(SECCOMP_RET_USER_NOTIF) &&
		    (!s->listener[whose] || s->says[whose][ran] != NOTIF + CONTINUE))
			return "a call ran without its listener's leave";
		if (least == action_rank(SECCOMP_RET_TRACE) && traced < 0)
			return "a call ran that no tracer has seen";
	}
	return NULL;
}

/*
 * What a stock kernel does: the least of all values decides, the first asked on a tie,
 * and the innermost is asked first; after a tracer once more, and then TRACE passes.
 */
static const char *as_stock(const struct stack *s, int c, const struct model_outcome *o)
{
	for (int round = 0;; round++) {
		int who = s->world.filters - 1;
		int said;

		for (int i = who; i >= 0; i--)
			if (s->says[i][c] == UNDECIDED)
				return "stock: a filter was not asked";
		for (int i = who - 1; i >= 0; i--)
			if (action_rank(action_of(s->says[i][c])) <
			    action_rank(action_of(s->says[who][c])))
				who = i;
		said = who < 0 ? 6 : s->says[who][c];
		switch (said) {
		case 0:
		case 1:
			return broken("stock: killed", o->end == MODEL_KILLED_SIGSYS);
		case 2:
			return broken("stock: trap", o->frames == 1 && !o->ran &&
				      o->frame[0].kind == MODEL_FRAME_SIGSYS &&
				      o->frame[0].data == DATA((unsigned int)who, (unsigned int)c));
		case 3:
			return broken("stock: errno", !o->ran && o->result == -DATA(who, c));
		case 4:
			if (round)
				break;
			if (!s->world.tracer)
				return broken("stock: no tracer", !o->ran && o->result == -ENOSYS);
			if (!s->traces[c])
				return broken("stock: skipped", !o->ran && o->result == DATA(9, c));
			c = s->traces[c] - 1;
			continue;
		case NOTIF + VALUE:
			if (!s->listener[who])
				return broken("stock: nobody", !o->ran && o->result == -ENOSYS);
			return broken("stock: value", !o->ran && o->result == DATA(who, c));
		case NOTIF + ERROR:
			return broken("stock: error", !o->ran && o->result == -DATA(who, c));
		}
		return broken("stock: runs", o->ran && index_of(&o->run) == c &&
			      o->result == 1 + c);
	}
}

static bool said_by(const struct stack *s, int i, int said)
{
	for (int c = 0; c < CALLS; c++)
		if (s->says[i][c] == said)
			return true;
	return false;
}

/* What stops a call was said, by a filter, the listener asked last, or the tracer. */
static const char *somebody_said_so(const struct stack *s, const struct model_outcome *o)
{
	const struct event *last = s->events ? &s->event[s->events - 1] : NULL;
	bool trap = o->frames > 0;
	long mark = (trap ? (long)o->frame[0].data : o->result < 0 ? -o->result : o->result) - 100;
	int i = (int)mark / 10, c = (int)mark % 10;

	if (o->ran)
		return NULL;
	if (o->end == MODEL_KILLED_SIGSYS || (!trap && o->result == -ENOSYS)) {
		for (int by = 0; by < s->world.filters; by++)
			if (o->end == MODEL_KILLED_SIGSYS ?
			    said_by(s, by, 0) || said_by(s, by, 1) :
			    (!s->world.tracer && said_by(s, by, 4)) ||
			    (!s->listener[by] && said_by(s, by, NOTIF)))
				return NULL;
		return "nobody stops the call";
	}
	if (last && last->kind == STOPPED && o->result == DATA(9, last->call))
		return NULL;
	if (mark < 0 || i >= s->world.filters || c >= CALLS)
		return "a result that nobody gives";
	if (trap || (o->result < 0 && s->says[i][c] == 3))
		return broken("a result that no filter gives", s->says[i][c] == (trap ? 2 : 3));
	return broken("a result that the listener does not give",
		      last && last->kind == ASKED && last->filter == i && last->call == c &&
		      last->said == (o->result < 0 ? ERROR : VALUE));
}

static const char *check(const struct stack *s, int c, const struct model_outcome *o)
{
	unsigned int asked[DEPTH] = { 0 }, redirects = 0, stops = 0;
	bool chains = false;
	const char *why;

	if (s->events > EVENTS)
		return "more events than there can be";
	for (int e = 0; e < s->events; e++) {
		const struct event *event = &s->event[e];

		stops += event->kind == STOPPED;
		if (event->kind != ASKED)
			continue;
		redirects += event->said >= TO_FIRST;
		if (asked[event->filter]++)
			return "a listener was asked twice";
	}
	/* Each step goes outwards, but for those after a stop: one until there is a redirect. */
	if (stops > redirects + 1 || o->segments > (unsigned int)s->world.filters + stops)
		return "more steps than there can be";
	if (!stops && o->end == MODEL_RETURNED &&
	    memcmp(o->args, call_of(c).args, sizeof(o->args)))
		return "the task does not see the registers that it loaded";
	if (!stops && o->frames && o->frame[0].nr != call_of(c).nr)
		return "the task does not see the number that it loaded";
	why = nobody_outside_refuses(s, o);
	if (!why)
		why = somebody_said_so(s, o);
	if (why)
		return why;
	for (int i = 0; i < s->world.filters; i++)
		chains |= s->chain[i];
	return chains || redirects ? NULL : as_stock(s, c, o);
}

/* ---- all of them ---- */

/* How many stacks this run stands for: those that say anything where it did not look. */
static uint64_t weight(const struct stack *s)
{
	uint64_t stacks = 1;

	for (int c = 0; c < CALLS; c++) {
		for (int i = 0; i < s->world.filters; i++)
			if (s->says[i][c] == UNDECIDED)
				stacks *= s->listener[i] ? WITH : WITHOUT;
		if (s->world.tracer && s->traces[c] == UNDECIDED)
			stacks *= TRACES;
	}
	return stacks;
}

/* All that filters and listeners can say, for one choice of flags, and one call. */
static uint64_t all_that_is_said(struct stack *s, int c)
{
	const struct model_call call = call_of(c);
	uint64_t stacks = 0;

	memset(&s->choices, 0, sizeof(s->choices));
	do {
		struct model_outcome outcome;
		const char *why;

		memset(s->says, UNDECIDED, sizeof(s->says));
		memset(s->traces, UNDECIDED, sizeof(s->traces));
		s->events = s->asked = 0;
		model_call(&s->world, &call, &outcome);
		why = check(s, c, &outcome);
		if (why) {
			show(s, c, why);
			if (++failures == ENOUGH)
				exit(1);
		}
		stacks += weight(s);
		runs_made++;
	} while (choices_next(&s->choices));
	return stacks;
}

/* "One listener per segment is allowed": what the kernel lets be installed. */
static bool can_be(const struct stack *s)
{
	for (int i = 0; i < s->world.filters; i++)
		for (int j = 0; j < i; j++)
			if (s->listener[i] && s->listener[j] && place(s, i) == place(s, j))
				return false;
	return true;
}

static void all_stacks(int filters, bool tracer)
{
	struct stack s = { .world = { .filters = filters, .tracer = tracer, .flags = flags,
				      .listens = listens, .returns = returns, .answers = answers,
				      .traces = traces, .runs = runs, .tell = told } };
	uint64_t stacks = 0, seen = 0, before = runs_made;
	int failed = failures;

	for (int bits = 0; bits < 1 << (2 * filters); bits++) {
		uint64_t these = 1;

		for (int i = 0; i < filters; i++) {
			s.chain[i] = bits >> (2 * i) & 1;
			s.listener[i] = bits >> (2 * i + 1) & 1;
		}
		if (!can_be(&s))
			continue;
		for (int c = 0; c < CALLS; c++) {
			for (int i = 0; i < filters; i++)
				these *= s.listener[i] ? WITH : WITHOUT;
			these *= tracer ? TRACES : 1;
		}
		stacks += these;
		for (int c = 0; c < CALLS; c++)
			seen += all_that_is_said(&s, c);
	}
	if (seen != CALLS * stacks) {
		printf("# %" PRIu64 " stacks, seen %" PRIu64 "\n", stacks, seen);
		failures++;
	}
	printf("%sok - %d filters, %s tracer: %" PRIu64 " stacks, %" PRIu64 " cases, %" PRIu64
	       " runs\n", failures == failed ? "" : "not ", filters, tracer ? "a" : "no", stacks,
	       seen, runs_made - before);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int without = argc > 1 ? atoi(argv[1]) : DEPTH;
	int with = argc > 2 ? atoi(argv[2]) : 3;

	if (without < 0 || with < 0 || without > DEPTH || with > DEPTH) {
		fprintf(stderr, "usage: exhaustive [FILTERS [FILTERS-WITH-TRACER]]\n");
		return 2;
	}
	for (int n = 0; n <= without; n++)
		all_stacks(n, false);
	for (int n = 0; n <= with; n++)
		all_stacks(n, true);
	printf("1..%d\n", without + with + 2);
	printf("# %" PRIu64 " runs\n", runs_made);
	return failures != 0;
}
