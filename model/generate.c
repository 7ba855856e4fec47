// SPDX-License-Identifier: LGPL-2.1-or-later
/* A scenario from a number.  The same number makes the same one. */
#include "scenario.h"

#include <linux/seccomp.h>
#include <string.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct random {
	uint64_t state;
	bool stock;			/* RANDOM_STOCK */
	bool tracer;
};

/* splitmix64 */
static uint64_t next(struct random *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static unsigned int below(struct random *r, unsigned int n)
{
	return (unsigned int)(next(r) >> 33) % n;
}

static bool percent(struct random *r, unsigned int n)
{
	return below(r, 100) < n;
}

/* ---- what is in a register ---- */

static uint64_t some_argument(struct random *r, int i)
{
	static const uint64_t any[] = {
		0, 1, 0xffffffff, 0x100000000, 0x8000000080000000, ~0ULL, 0x1234567887654321,
	};
	static const uint64_t whence[] = { 0, 2, 64 };
	static const uint64_t fds[] = {
		FD_SMALL, FD_LARGE, FD_SMALL, FD_LARGE, FD_NONE, FD_SLEEP, FD_SLEEP,
		FD_LARGE | 1ULL << 32,	/* whose upper half the call does not look at */
	};

	switch (i) {
	case 0:
		if (percent(r, 25))
			return NAMES + NAME_SPACE * below(r, ALL_NAMES);
		if (percent(r, 5))
			return NAMES + NAME_SPACE * NAME_PROGRAM;
		return fds[below(r, COUNT(fds))];
	case 1:
		return BUFFER + 16 * below(r, 8);
	case 2:
		return whence[below(r, COUNT(whence))];
	default:
		return any[below(r, COUNT(any))];
	}
}

/* An index of numbers[]: most are those that depend on arguments and cost little. */
static uint8_t some_number(struct random *r)
{
	static const uint8_t often[] = { 0, 1, 1, 1, 1, 1, 3, 3, 2, 6, 6, 7 };
	unsigned int p = below(r, 100);

	if (p < 2)
		return 5;
	return p < 4 ? 4 : often[below(r, COUNT(often))];
}

static struct model_call some_call(struct random *r)
{
	struct model_call call = { .nr = numbers[some_number(r)] };

	for (int i = 0; i < 6; i++)
		call.args[i] = some_argument(r, i);
	/* Most of those that are to become another program can. */
	if (call.nr == numbers[7] && percent(r, 70)) {
		call.args[0] = NAMES + NAME_SPACE * NAME_PROGRAM;
		call.args[2] = percent(r, 50) ? 0 : BUFFER;
	}
	return call;
}

static struct model_change some_change(struct random *r)
{
	struct model_change change = { .mask = below(r, 64) & below(r, 64) };

	if (percent(r, 5))
		change.mask = 63;
	for (int i = 0; i < 6; i++)
		if (change.mask & 1U << i)
			change.args[i] = some_argument(r, i);
	change.changes_nr = percent(r, 50);
	if (change.changes_nr)
		change.nr = numbers[some_number(r)];
	/* A zero is also what a new program finds in a register. */
	if (change.nr == numbers[7] && percent(r, 70)) {
		change.mask |= 5;
		change.args[0] = NAMES + NAME_SPACE * NAME_PROGRAM;
		change.args[2] = 0;
	}
	/* A redirect cannot ask for a number that no table has. */
	if (change.nr == numbers[0])
		change.nr = numbers[1];
	return change;
}

/* ---- filters ---- */

/* Different in every filter and rule, so that it can be told who said so. */
static uint32_t some_value(struct random *r, bool listener, unsigned int mark)
{
	unsigned int p = below(r, 1000);

	if (p < (listener ? 450U : 20U))
		return SECCOMP_RET_USER_NOTIF | mark;
	/* Those that let the call go on make more happen. */
	if (p < (r->tracer ? 750U : 500U))
		return SECCOMP_RET_TRACE | mark;
	if (p < 820)
		return SECCOMP_RET_ALLOW | (percent(r, 20) ? mark : 0);
	if (p < 870)
		return SECCOMP_RET_LOG | mark;
	if (p < 930)
		return SECCOMP_RET_ERRNO | (percent(r, 5) ? 0xf000 : 0) | mark;
	if (p < 980)
		return SECCOMP_RET_TRAP | mark;
	if (p < 988)
		return SECCOMP_RET_KILL_PROCESS | mark;
	if (p < 996)
		return SECCOMP_RET_KILL_THREAD | mark;
	return 0x00100000 | mark;	/* no action: kills, but less strict than ERRNO */
}

static struct rule some_rule(struct random *r, bool listener, unsigned int mark)
{
	struct rule rule = { .call = ANY, .half = ANY, .returns = some_value(r, listener, mark) };

	if (percent(r, 85))
		rule.call = some_number(r);
	if (rule.call == ANY || percent(r, 50)) {
		rule.half = (uint8_t)below(r, 12);
		rule.relation = below(r, 3);
		rule.value = (uint32_t)(some_argument(r, rule.half / 2) >>
					(rule.half & 1 ? 32 : 0));
	}
	return rule;
}

static unsigned int some_flags(struct random *r, bool listener)
{
	unsigned int flags = 0;

	if (!r->stock && percent(r, 60))
		flags |= MODEL_CHAIN;
	if (!listener)
		return flags;
	if (percent(r, 30))
		flags |= MODEL_KILLABLE_RECV;
	if (!r->stock && percent(r, 25))
		flags |= MODEL_KILLABLE;
	if (!r->stock && percent(r, 25))
		flags |= MODEL_KILL_ORPHANS;
	return flags;
}

static void some_filter(struct random *r, struct filter *f, int i)
{
	/* A duplicate is refused: not every second stack has to show that. */
	f->listener = percent(r, r->stock ? 40 : 65);
	f->flags = some_flags(r, f->listener);
	f->redirects = f->listener && !r->stock && percent(r, 90);
	f->sync = f->listener && percent(r, 30);
	f->rules = (int)below(r, MAX_RULES + 1);
	for (int n = 0; n < f->rules; n++)
		f->rule[n] = some_rule(r, f->listener, 100U + 10U * (unsigned int)i +
							       (unsigned int)n);
	f->otherwise = percent(r, 50) ? SECCOMP_RET_ALLOW :
					some_value(r, f->listener, 109U + 10U * (unsigned int)i);
}

/* Of some stacks the inner part is installed by a second thread, some of that late. */
static void some_installers(struct random *r, struct scenario *s)
{
	int by_task = (int)below(r, (unsigned int)s->filters + 1);
	int early = by_task + (int)below(r, (unsigned int)(s->filters - by_task) + 1);

	for (int i = by_task; i < s->filters; i++)
		s->filter[i].by = i < early ? BY_THREAD : LATE;
}

/* ---- what others do ---- */

static enum model_signal some_signal(struct random *r)
{
	unsigned int p = below(r, 100);

	return p < 3 ? MODEL_SIGNAL_KILLS : p < 50 ? MODEL_SIGNAL_RESTARTS :
						     MODEL_SIGNAL_INTERRUPTS;
}

static struct model_answer some_answer(struct random *r, int n)
{
	struct model_answer answer = { .kind = MODEL_CONTINUE };
	unsigned int p = below(r, 100);

	if (p < 12) {
		answer.kind = MODEL_VALUE;
		answer.value = 1000 + n;
	} else if (p < 24) {
		answer.kind = MODEL_ERROR;
		answer.value = -(200 + n);
	} else if (p < 26) {
		answer.kind = MODEL_CLOSE;
		answer.unseen = percent(r, 50);
	} else if (p < 90 && !r->stock) {
		answer.kind = MODEL_REDIRECT;
		answer.change = some_change(r);
		if (answer.change.mask & 1 && percent(r, 40))
			answer.change.args[0] = PIN + NAME_SPACE * below(r, ALL_NAMES);
	}
	/* Where there is a signal it may not come to that; for the close that would matter. */
	if (answer.kind != MODEL_CLOSE && percent(r, 5))
		answer.first = some_signal(r);
	if (answer.kind != MODEL_CLOSE && percent(r, 5))
		answer.then = some_signal(r);
	return answer;
}

static struct model_trace some_trace(struct random *r, int n)
{
	struct model_trace trace = { .skips = percent(r, 15) };

	if (trace.skips)
		trace.value = 2000 + n;
	else if (percent(r, 60))
		trace.change = some_change(r);
	if (percent(r, 5))
		trace.then = some_signal(r);
	return trace;
}

void scenario_random(struct scenario *s, uint64_t seed, uint64_t number, unsigned int kind)
{
	struct random r = { .state = seed * 0xd1342543de82ef95 + number,
			    .stock = kind & RANDOM_STOCK };

	r.state = next(&r);
	memset(s, 0, sizeof(*s));
	s->filters = 1 + (int)below(&r, MAX_FILTERS);
	s->tracer = r.tracer = percent(&r, 30);
	for (int i = 0; i < s->filters; i++)
		some_filter(&r, &s->filter[i], i);
	if (percent(&r, 50))
		some_installers(&r, s);
	s->calls = MAX_CALLS;
	for (int c = 0; c < s->calls; c++) {
		s->one[c].call = some_call(&r);
		s->one[c].narrow = percent(&r, 20);
		s->one[c].call.nr = number_in(s->one[c].call.nr, s->one[c].narrow);
		for (int n = 0; n < MAX_STEPS; n++) {
			s->one[c].step[n].answer = some_answer(&r, n);
			s->one[c].step[n].trace = some_trace(&r, n);
			if (percent(&r, 50))
				s->one[c].step[n].sleep = some_signal(&r);
			s->one[c].step[n].late = percent(&r, 60);
		}
	}
}
