// SPDX-License-Identifier: LGPL-2.1-or-later
/* What differs between two results; the smallest scenario that does; and how it is told. */
#include "scenario.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

/* ---- what differs ---- */

static bool same_call(const struct model_call *a, const struct model_call *b)
{
	return a->nr == b->nr && !memcmp(a->args, b->args, sizeof(a->args));
}

static bool same_event(const struct model_event *a, const struct model_event *b)
{
	return a->kind == b->kind && a->filter == b->filter && a->data == b->data &&
	       same_call(&a->call, &b->call);
}

static bool same_frame(const struct model_frame *a, const struct model_frame *b)
{
	return a->kind == b->kind && a->signal == b->signal && a->data == b->data &&
	       a->nr == b->nr && a->result == b->result &&
	       !memcmp(a->args, b->args, sizeof(a->args));
}

static bool same_result(const struct result *expected, const struct result *got)
{
	const struct model_outcome *a = &expected->outcome, *b = &got->outcome;

	if (a->end != b->end || a->frames != b->frames || expected->events != got->events)
		return false;
	for (int i = 0; i < a->frames; i++)
		if (!same_frame(&a->frame[i], &b->frame[i]))
			return false;
	for (int i = 0; i < expected->events; i++)
		if (!same_event(&expected->event[i], &got->event[i]))
			return false;
	if (a->forked != b->forked)
		return false;
	if (a->forked && memcmp(a->child, b->child, sizeof(a->child)))
		return false;
	if (a->end != MODEL_RETURNED)
		return true;
	if (a->execed != b->execed)
		return false;
	/* Which number a child has is nobody's to say. */
	if (a->forked ? b->result <= 0 : a->result != b->result)
		return false;
	return !memcmp(a->args, b->args, sizeof(a->args));
}

int scenario_differs(const struct results *expected, const struct results *got)
{
	if (memcmp(expected->installed, got->installed, sizeof(got->installed)))
		return 0;
	for (int c = 0; c < expected->calls && c < got->calls; c++)
		if (!same_result(&expected->result[c], &got->result[c]))
			return c;
	if (expected->calls != got->calls || got->stuck)
		return expected->calls < got->calls ? expected->calls - 1 : got->calls - 1;
	return -1;
}

/* ---- the smallest ---- */

#define REMOVE(array, i, n) \
	memmove(&(array)[i], &(array)[(i) + 1], sizeof((array)[0]) * (size_t)((n) - (i) - 1))

/* Make one of the things smaller that *n counts down to. */
#define TRY(what) do { if ((*n)-- == 0) { what; return; } } while (0)

static void reduce_change(struct model_change *change, int *n)
{
	TRY(change->changes_nr = false; change->nr = 0);
	for (int i = 0; i < 6; i++)
		TRY(change->mask &= ~(1U << i); change->args[i] = 0);
}

static void reduce_call(struct one *one, int *n)
{
	TRY(one->call.args[0] = FD_NONE);
	TRY(one->call.args[1] = BUFFER);
	for (int i = 2; i < 6; i++)
		TRY(one->call.args[i] = 0);
	for (int i = 0; i < MAX_STEPS; i++) {
		struct step *step = &one->step[i];

		TRY(memset(&step->answer, 0, sizeof(step->answer)));
		TRY(memset(&step->trace, 0, sizeof(step->trace)));
		TRY(step->sleep = MODEL_NO_SIGNAL);
		TRY(step->late = false);
		TRY(step->answer.first = MODEL_NO_SIGNAL);
		TRY(step->answer.then = MODEL_NO_SIGNAL);
		TRY(step->trace.then = MODEL_NO_SIGNAL);
		reduce_change(&step->answer.change, n);
		if (*n < 0)
			return;
		reduce_change(&step->trace.change, n);
		if (*n < 0)
			return;
	}
}

static void reduce_filter(struct filter *f, int *n)
{
	for (int i = 0; i < f->rules; i++) {
		TRY(REMOVE(f->rule, i, f->rules); f->rules--;
		    memset(&f->rule[f->rules], 0, sizeof(f->rule[0])));
		TRY(f->rule[i].half = ANY; f->rule[i].value = 0; f->rule[i].relation = 0);
		TRY(f->rule[i].call = ANY);
		TRY(f->rule[i].returns = SECCOMP_RET_ALLOW);
	}
	TRY(f->otherwise = SECCOMP_RET_ALLOW);
	TRY(f->listener = false; f->redirects = false; f->sync = false;
	    f->flags &= MODEL_CHAIN);
	TRY(f->redirects = false);
	TRY(f->sync = false);
	TRY(f->by = f->by == LATE ? BY_THREAD : BY_TASK);
	for (unsigned int bit = 1; bit <= MODEL_KILL_ORPHANS; bit <<= 1)
		TRY(f->flags &= ~bit);
}

/* The n'th way to make it smaller; *n is not below 0 afterwards where there is none. */
static void reduce(struct scenario *s, int *n)
{
	for (int c = 0; c < s->calls; c++)
		TRY(REMOVE(s->one, c, s->calls); s->calls--;
		    memset(&s->one[s->calls], 0, sizeof(s->one[0])));
	for (int i = 0; i < s->filters; i++)
		TRY(REMOVE(s->filter, i, s->filters); s->filters--;
		    memset(&s->filter[s->filters], 0, sizeof(s->filter[0])));
	TRY(s->tracer = false);
	for (int i = 0; i < s->filters; i++) {
		reduce_filter(&s->filter[i], n);
		if (*n < 0)
			return;
	}
	for (int c = 0; c < s->calls; c++) {
		reduce_call(&s->one[c], n);
		if (*n < 0)
			return;
	}
}

static bool differs(const struct scenario *s)
{
	struct results expected, got;

	if (!s->calls || !scenario_expect(s, &expected))
		return false;
	scenario_play(s, &got);
	return scenario_differs(&expected, &got) >= 0;
}

int scenario_shrink(struct scenario *s)
{
	int played = 0;
	bool smaller = true;

	while (smaller) {
		smaller = false;
		for (int way = 0;; way++) {
			struct scenario less = *s;
			int n = way;

			reduce(&less, &n);
			if (n >= 0)
				break;
			if (!memcmp(&less, s, sizeof(less)))
				continue;
			played++;
			if (!differs(&less))
				continue;
			*s = less;
			smaller = true;
			way--;		/* what was the next way is this one now */
		}
	}
	return played;
}

/* ---- as a program ---- */

static void print_change(FILE *out, const char *name, const struct model_change *change)
{
	if (!change->mask && !change->changes_nr)
		return;
	fprintf(out, " .%s = { .mask = %#x, .args = {", name, change->mask);
	for (int i = 0; i < 6; i++)
		fprintf(out, "%s %#" PRIx64, i ? "," : "", change->args[i]);
	fprintf(out, " }");
	if (change->changes_nr)
		fprintf(out, ", .changes_nr = true, .nr = %d", change->nr);
	fprintf(out, " },");
}

static void print_filter(FILE *out, const struct filter *f)
{
	static const char *const relations[] = { "RULE_EQUAL", "RULE_AT_LEAST", "RULE_ANY_BIT" };

	fprintf(out, "\t\t\t{ .flags = 0");
	fprintf(out, "%s%s%s%s,", f->flags & MODEL_CHAIN ? " | MODEL_CHAIN" : "",
		f->flags & MODEL_KILLABLE_RECV ? " | MODEL_KILLABLE_RECV" : "",
		f->flags & MODEL_KILLABLE ? " | MODEL_KILLABLE" : "",
		f->flags & MODEL_KILL_ORPHANS ? " | MODEL_KILL_ORPHANS" : "");
	if (f->listener)
		fprintf(out, " .listener = true,");
	if (f->redirects)
		fprintf(out, " .redirects = true,");
	if (f->sync)
		fprintf(out, " .sync = true,");
	if (f->by != BY_TASK)
		fprintf(out, " .by = %s,", f->by == LATE ? "LATE" : "BY_THREAD");
	fprintf(out, "\n\t\t\t  .otherwise = %#x,\n", f->otherwise);
	if (f->rules)
		fprintf(out, "\t\t\t  .rules = %d, .rule = {\n", f->rules);
	for (int i = 0; i < f->rules; i++) {
		const struct rule *r = &f->rule[i];

		fprintf(out, "\t\t\t\t{ .call = %d, .half = %d, .relation = %s, .value = %#x,"
			" .returns = %#x },\n", r->call, r->half, relations[r->relation], r->value,
			r->returns);
	}
	fprintf(out, "%s\t\t\t},\n", f->rules ? "\t\t\t  },\n" : "");
}

static void print_step(FILE *out, const struct step *step)
{
	static const char *const kinds[] = { "MODEL_CONTINUE", "MODEL_VALUE", "MODEL_ERROR",
					     "MODEL_REDIRECT", "MODEL_CLOSE" };
	const struct model_answer *a = &step->answer;
	const struct model_trace *t = &step->trace;

	fprintf(out, "\t\t\t\t{ .answer = { .kind = %s,", kinds[a->kind]);
	if (a->value)
		fprintf(out, " .value = %ld,", a->value);
	print_change(out, "change", &a->change);
	if (a->first || a->then)
		fprintf(out, " .first = %d, .then = %d,", a->first, a->then);
	fprintf(out, "%s },\n", a->unseen ? " .unseen = true" : "");
	fprintf(out, "\t\t\t\t  .trace = { .skips = %d, .value = %ld, .then = %d,", t->skips,
		t->value, t->then);
	print_change(out, "change", &t->change);
	fprintf(out, " },\n\t\t\t\t  .sleep = %d%s },\n", step->sleep,
		step->late ? ", .late = true" : "");
}

void scenario_print(FILE *out, const struct scenario *s)
{
	fprintf(out, "#include \"scenario.h\"\n\nint main(void)\n{\n"
		"\tstatic const struct scenario s = {\n\t\t.filters = %d,\n"
		"\t\t.filter = {\n", s->filters);
	for (int i = 0; i < s->filters; i++)
		print_filter(out, &s->filter[i]);
	fprintf(out, "\t\t},\n\t\t.tracer = %d,\n\t\t.calls = %d,\n\t\t.one = {\n", s->tracer,
		s->calls);
	for (int c = 0; c < s->calls; c++) {
		const struct one *one = &s->one[c];
		static const struct step nothing;

		fprintf(out, "\t\t\t{ .narrow = %d, .call = { .nr = %d, .args = {", one->narrow,
			one->call.nr);
		for (int i = 0; i < 6; i++)
			fprintf(out, "%s %#" PRIx64, i ? "," : "", one->call.args[i]);
		fprintf(out, " } },\n\t\t\t  .step = {\n");
		for (int i = 0, last = 0; i < MAX_STEPS; i++) {
			if (memcmp(&one->step[i], &nothing, sizeof(nothing)))
				for (; last <= i; last++)
					print_step(out, &one->step[last]);
		}
		fprintf(out, "\t\t\t  } },\n");
	}
	fprintf(out, "\t\t},\n\t};\n\n\treturn scenario_check(&s);\n}\n");
}

/* ---- for people ---- */

static void print_args(FILE *out, const uint64_t *args)
{
	for (int i = 0; i < 6; i++)
		fprintf(out, " %#" PRIx64, args[i]);
}

static void print_result(FILE *out, const char *who, const struct result *r)
{
	static const char *const ends[] = { "returned", "killed by SIGSYS", "killed by SIGKILL",
					    "killed by a signal without a handler" };
	static const char *const kinds[] = { "notification", "unreceived", "stop", "log", "sleep" };
	const struct model_outcome *o = &r->outcome;

	fprintf(out, "/* %s: %s%s", who, o->execed ? "another program, " : "", ends[o->end]);
	if (o->end == MODEL_RETURNED) {
		fprintf(out, " %ld, registers", o->result);
		print_args(out, o->args);
	}
	fprintf(out, "\n");
	for (int i = 0; i < r->events && i < MAX_EVENTS; i++) {
		const struct model_event *e = &r->event[i];

		fprintf(out, " *   %s, filter %d, data %u, call %d", kinds[e->kind], e->filter,
			e->data, e->call.nr);
		print_args(out, e->call.args);
		fprintf(out, "\n");
	}
	for (int i = 0; i < o->frames && i < MODEL_FRAMES; i++) {
		const struct model_frame *f = &o->frame[i];

		fprintf(out, " *   frame %s %d, data %u, si_syscall %d, result %ld, registers",
			f->kind == MODEL_FRAME_SIGSYS ? "SIGSYS" : "signal", f->signal, f->data,
			f->nr, f->result);
		print_args(out, f->args);
		fprintf(out, "\n");
	}
	if (o->forked) {
		fprintf(out, " *   child");
		print_args(out, o->child);
		fprintf(out, "\n");
	}
	fprintf(out, " */\n");
}

void results_print(FILE *out, const struct results *expected, const struct results *got, int call)
{
	if (got->stuck)
		fprintf(out, "/* %s */\n", got->stuck);
	for (int i = 0; i < MAX_FILTERS; i++)
		if (expected->installed[i] != got->installed[i])
			fprintf(out, "/* filter %d: installed %d, should be %d */\n", i,
				got->installed[i], expected->installed[i]);
	print_result(out, "by the rules", &expected->result[call]);
	print_result(out, "the kernel", &got->result[call]);
}

int scenario_check(const struct scenario *s)
{
	struct results expected, got;
	int err = scenario_prepare(), call;

	if (err) {
		fprintf(stderr, "cannot be played here: %s\n", strerror(-err));
		return 2;
	}
	if (!scenario_expect(s, &expected)) {
		fprintf(stderr, "what comes out depends on who is faster\n");
		return 2;
	}
	scenario_play(s, &got);
	call = scenario_differs(&expected, &got);
	if (call < 0)
		return 0;
	printf("call %d\n", call);
	results_print(stdout, &expected, &got, call);
	return 1;
}
