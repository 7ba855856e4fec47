// SPDX-License-Identifier: LGPL-2.1-or-later
/* What differs, made small, and printed. */
#define _GNU_SOURCE
#include "layers.h"

#include <inttypes.h>
#include <pointsman/pointsman.h>
#include <string.h>
#include <sys/syscall.h>

static bool same_call(const struct model_call *a, const struct model_call *b)
{
	return a->nr == b->nr && !memcmp(a->args, b->args, sizeof(a->args));
}

/* A pid, or a descriptor, is what it is. */
static bool same_value(int nr, int64_t expected, int64_t got)
{
	if ((nr == SYS_vfork || nr == SYS_openat || nr == SYS_getppid) && expected == 1)
		return got > 0;
	return expected == got;
}

static bool same_frame(int nr, const struct model_frame *a, const struct model_frame *b)
{
	return a->kind == b->kind && a->signal == b->signal &&
	       same_value(nr, a->result, b->result) && !memcmp(a->args, b->args, sizeof(a->args));
}

static bool same_note(const struct note *a, const struct note *b)
{
	if (a->kind != b->kind)
		return false;
	/* A path that was pinned is somewhere; a call that sleeps has none. */
	if (!same_call(&a->call, &b->call))
		return false;
	if (a->kind == NOTE_RESULT)
		return a->layer == b->layer && a->action == b->action &&
		       same_value(a->call.nr, a->value, b->value);
	return a->layer == b->layer && a->action == b->action && a->log == b->log &&
	       a->value == b->value;
}

/* How many there are when it is killed. */
static int needed(const struct result *r)
{
	int n = r->notes;

	while (n && r->note[n - 1].kind != NOTE_ASKED && r->note[n - 1].kind != NOTE_SLEEP)
		n--;
	return n;
}

static bool same_result(const struct result *e, const struct result *g)
{
	const struct model_outcome *a = &e->outcome, *b = &g->outcome;
	bool killed = a->end != MODEL_RETURNED;
	int nr = a->ran ? a->run.nr : -1;

	/* With which signal a verdict kills is the backend's affair. */
	if (a->end == MODEL_KILLED_SIGKILL ? b->end != a->end :
					     killed != (b->end != MODEL_RETURNED))
		return false;
	if (a->frames != b->frames || a->frames > MODEL_FRAMES || e->notes > MAX_NOTES)
		return false;
	for (int i = 0; i < a->frames; i++)
		if (!same_frame(nr, &a->frame[i], &b->frame[i]))
			return false;
	/* Who was killed meanwhile is still decided on, by somebody who need not be done yet. */
	if (a->end == MODEL_KILLED_SIGKILL ? needed(e) > g->notes : e->notes != g->notes)
		return false;
	for (int i = 0; i < e->notes && i < g->notes; i++)
		if (!same_note(&e->note[i], &g->note[i]))
			return false;
	if (killed)
		return true;
	if (a->forked != b->forked || (a->forked && memcmp(a->child, b->child, sizeof(a->child))))
		return false;
	return same_value(nr, a->result, b->result) && e->found == g->found &&
	       !memcmp(a->args, b->args, sizeof(a->args));
}

int stack_differs(const struct results *expected, const struct results *got)
{
	for (int c = 0; c < got->calls; c++)
		if (!same_result(&expected->result[c], &got->result[c]))
			return c;
	if (got->stuck || got->calls != expected->calls)
		return got->calls < expected->calls ? got->calls : got->calls - 1;
	return -1;
}

/* ---- smaller ---- */

static bool still_differs(const struct stack *s, int *played)
{
	static struct results expected, got;

	stack_expect(s, &expected);
	stack_play(s, &expected, &got);
	++*played;
	return stack_differs(&expected, &got) >= 0;
}

/* Keep a change where it still differs. */
static void try(struct stack *s, const struct stack *smaller, int *played)
{
	if (memcmp(s, smaller, sizeof(*s)) && still_differs(smaller, played))
		*s = *smaller;
}

static void drop_layer(struct stack *s, int layer)
{
	for (int i = layer; i + 1 < s->layers; i++) {
		s->layer[i] = s->layer[i + 1];
		for (int c = 0; c < s->calls; c++)
			s->one[c].opinion[i] = s->one[c].opinion[i + 1];
	}
	s->layers--;
}

static void shrink_says(struct stack *s, struct stack *t, struct says *says, int *played)
{
	*says = (struct says){ 0 };
	try(s, t, played);
	*t = *s;
	says->log = false;
	try(s, t, played);
	*t = *s;
	for (unsigned int i = 0; i < 6 && says->what == SAY_CHANGE; i++) {
		says->change.mask &= ~(1U << i);
		try(s, t, played);
		*t = *s;
	}
}

/* Of the calls all but the last one have gone well: most differ by themselves. */
int stack_shrink(struct stack *s)
{
	static struct stack t;
	static struct results expected, got;
	int played = 1, call;

	stack_expect(s, &expected);
	stack_play(s, &expected, &got);
	call = stack_differs(&expected, &got);
	if (call < 0)
		return played;
	s->calls = call + 1;
	t = *s;
	t.calls = 1;
	t.one[0] = s->one[call];
	try(s, &t, &played);
	for (int i = s->layers - 1; i >= 0 && s->layers > 1; i--) {
		t = *s;
		drop_layer(&t, i);
		try(s, &t, &played);
	}
	for (int i = 0; i < s->layers; i++) {
		struct one *one = &t.one[t.calls - 1];

		t = *s;
		t.layer[i].handler = false;
		try(s, &t, &played);
		t = *s;
		one->opinion[i].rules = 0;
		try(s, &t, &played);
		t = *s;
		for (int n = 0; n < one->opinion[i].rules; n++)
			shrink_says(s, &t, &one->opinion[i].rule[n].says, &played);
		shrink_says(s, &t, &one->opinion[i].otherwise, &played);
	}
	for (int n = 0; n < MAX_STEPS; n++) {
		t = *s;
		t.one[t.calls - 1].step[n] = (struct step){ 0 };
		try(s, &t, &played);
	}
	return played;
}

/* ---- for people ---- */

static void print_args(FILE *out, const uint64_t *args)
{
	for (int i = 0; i < 6; i++)
		fprintf(out, " %#" PRIx64, args[i]);
}

static void print_says(FILE *out, const struct says *says)
{
	static const char *const what[] = { "allow", "change", "deny", "value", "kill", "fail" };

	fprintf(out, "%s%s", what[says->what], says->log ? " log" : "");
	if (says->what == SAY_DENY || says->what == SAY_FAIL)
		fprintf(out, " %d", says->err);
	if (says->what == SAY_VALUE)
		fprintf(out, " %" PRId64, says->value);
	if (says->what == SAY_CHANGE) {
		if (says->change.changes_nr)
			fprintf(out, " number %d", says->change.nr);
		for (int i = 0; i < 6; i++)
			if (says->change.mask & 1U << i)
				fprintf(out, " args[%d]=%#" PRIx64, i, says->change.args[i]);
	}
	fprintf(out, "\n");
}

void stack_print(FILE *out, const struct stack *s)
{
	for (int c = s->calls > 1 ? s->calls - 1 : 0; c < s->calls; c++) {
		const struct one *one = &s->one[c];

		fprintf(out, "# call %d of %d: number %d, args", c + 1, s->calls, one->call.nr);
		print_args(out, one->call.args);
		fprintf(out, "\n");
		for (int i = 0; i < s->layers; i++) {
			const struct opinion *o = &one->opinion[i];

			fprintf(out, "#  layer %d%s, wants %#x\n", i,
				s->layer[i].handler ? ", a handler" : "", s->layer[i].wants);
			for (int n = 0; n < o->rules; n++) {
				const struct rule *rule = &o->rule[n];

				fprintf(out, "#   number %d, half %d of args is %#x: ",
					rule->call == ANY ? -1 : numbers[rule->call],
					rule->half == ANY ? -1 : rule->half, rule->value);
				print_says(out, &rule->says);
			}
			fprintf(out, "#   else: ");
			print_says(out, &o->otherwise);
		}
		for (int n = 0; n < MAX_STEPS; n++)
			if (one->step[n].asked || one->step[n].sleep)
				fprintf(out,
					"#  step %d: signal %d where a layer is asked, %d in "
					"sleep\n",
					n, one->step[n].asked, one->step[n].sleep);
	}
}

static void print_result(FILE *out, const char *who, const struct result *r)
{
	static const char *const ends[] = { "returned", "killed", "killed" };
	static const char *const kinds[] = {
		"call", "asked", "verdict", "answer", "sleep", "result"
	};
	const struct model_outcome *o = &r->outcome;

	fprintf(out, "# %s: %s", who, ends[o->end]);
	if (o->end == MODEL_RETURNED) {
		fprintf(out, " %ld, found %d, registers", o->result, r->found);
		print_args(out, o->args);
	}
	fprintf(out, "\n");
	for (int i = 0; i < r->notes && i < MAX_NOTES; i++) {
		const struct note *n = &r->note[i];

		fprintf(out, "#   %s, layer %d, action %d%s, value %" PRId64 ", call %d",
			kinds[n->kind], n->layer, n->action, n->log ? " log" : "", n->value,
			n->call.nr);
		print_args(out, n->call.args);
		fprintf(out, "\n");
	}
	for (int i = 0; i < o->frames && i < MODEL_FRAMES; i++) {
		fprintf(out, "#   signal %d, result %ld, registers", o->frame[i].signal,
			o->frame[i].result);
		print_args(out, o->frame[i].args);
		fprintf(out, "\n");
	}
	if (o->forked) {
		fprintf(out, "#   child");
		print_args(out, o->child);
		fprintf(out, "\n");
	}
}

void stack_print_results(FILE *out, const struct results *expected, const struct results *got,
			 int call)
{
	if (got->stuck)
		fprintf(out, "# %s\n", got->stuck);
	print_result(out, "by the rules", &expected->result[call]);
	print_result(out, "the library", &got->result[call]);
}
