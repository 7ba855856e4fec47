// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * layers - the library's chain of layers against the model
 *
 * A layer is a chain filter with a listener of its own: what the layer decides is what the
 * filter returns (LOG, KILL) or the listener answers.  Every stack of up to four layers,
 * which say one of eight things about each of three calls; the layers must be asked in the
 * same order about the same calls, and the same must come out.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain.h"
#include "choices.h"
#include "model.h"

#define DEPTH 4
#define CALLS 3

enum says { ALLOW, LOG, DENY, VALUE, KILL, TO_FIRST };	/* TO_FIRST + c: redirect to c */

#define SAYS (TO_FIRST + CALLS)
#define UNDECIDED (-1)
#define MARK(i, c) (100 + 10 * (i) + (c))

/* Who was asked about what. */
struct asked {
	int n, layer[DEPTH + 1], call[DEPTH + 1];
};

struct stack;

/* A layer knows by its address which one it is. */
struct mine {
	struct stack *stack;
	int layer;
};

struct stack {
	struct model_world world;	/* the first: what the callbacks get */
	struct choices choices;
	int says[DEPTH][CALLS];		/* 0 is the outermost layer */
	struct asked by_model, by_chain;
	bool log, redirected, blind;
	struct mine mine[DEPTH];
	struct pm_layer layers[DEPTH];
	struct pm_layer *list[DEPTH];	/* the innermost first */
};

static void note(struct asked *asked, int layer, int call)
{
	if (asked->n <= DEPTH) {
		asked->layer[asked->n] = layer;
		asked->call[asked->n] = call;
	}
	asked->n++;
}

/* ---- the model's side ---- */

static unsigned int flags(struct model_world *w, int i)
{
	(void)w, (void)i;
	return MODEL_CHAIN;
}

static bool listens(struct model_world *w, int i)
{
	(void)w, (void)i;
	return true;
}

static uint32_t returns(struct model_world *w, int i, const struct model_call *call)
{
	struct stack *s = (struct stack *)w;
	int c = (int)call->args[0];

	if (s->says[i][c] == UNDECIDED)
		s->says[i][c] = (int)choose(&s->choices, SAYS);
	note(&s->by_model, i, c);
	switch (s->says[i][c]) {
	case ALLOW:
		return SECCOMP_RET_ALLOW;
	case LOG:
		return SECCOMP_RET_LOG;
	case KILL:
		return SECCOMP_RET_KILL_PROCESS;
	default:
		return SECCOMP_RET_USER_NOTIF;
	}
}

static struct model_answer answers(struct model_world *w, int i, const struct model_call *call)
{
	int c = (int)call->args[0], says = ((struct stack *)w)->says[i][c];

	if (says == DENY)
		return (struct model_answer){ .kind = MODEL_ERROR, .value = -MARK(i, c) };
	if (says == VALUE)
		return (struct model_answer){ .kind = MODEL_VALUE, .value = MARK(i, c) };
	((struct stack *)w)->redirected = true;
	return (struct model_answer){ .kind = MODEL_REDIRECT,
				      .change = { .mask = 1,
						  .args = { (uint64_t)(says - TO_FIRST) } } };
}

static struct model_trace traces(struct model_world *w, const struct model_call *call)
{
	(void)w, (void)call;
	abort();
}

static struct model_run runs(struct model_world *w, const struct model_call *call)
{
	(void)w, (void)call;
	return (struct model_run){ .value = 0 };
}

static void told(struct model_world *w, const struct model_event *event)
{
	((struct stack *)w)->log |= event->kind == MODEL_SAW_LOG;
}

/* ---- the library's side ---- */

static int decide(void *data, struct pm_call *call, struct pm_verdict *verdict)
{
	struct mine *mine = data;
	int i = mine->layer, c = (int)call->args[0], says = mine->stack->says[i][c];

	note(&mine->stack->by_chain, i, c);
	switch (says) {
	case UNDECIDED:
		mine->stack->blind = true;
		return 0;
	case LOG:
		verdict->log = true;
		/* fall through */
	case ALLOW:
		verdict->action = PM_ALLOW;
		return 0;
	case DENY:
		verdict->action = PM_DENY;
		verdict->err = MARK(i, c);
		return 0;
	case VALUE:
		verdict->action = PM_VALUE;
		verdict->value = MARK(i, c);
		return 0;
	case KILL:
		verdict->action = PM_KILL;
		return 0;
	default:
		verdict->action = PM_REDIRECT;
		call->args[0] = (uint64_t)(says - TO_FIRST);
		return 0;
	}
}

static bool same(const struct stack *s, const struct model_outcome *o, const struct outcome *chain,
		 const struct pm_call *call)
{
	const struct pm_verdict *verdict = &chain->verdict;

	if (s->blind || s->by_chain.n != s->by_model.n || s->by_chain.n > DEPTH ||
	    memcmp(&s->by_chain, &s->by_model, sizeof(s->by_chain)))
		return false;
	if (verdict->log != s->log)
		return false;
	if (o->end != MODEL_RETURNED)
		return verdict->action == PM_KILL;
	if (o->ran)
		return verdict->action == (s->redirected ? PM_REDIRECT : PM_ALLOW) &&
		       call->args[0] == o->run.args[0];
	return o->result < 0 ? verdict->action == PM_DENY && verdict->err == -o->result :
	       verdict->action == PM_VALUE && (long)verdict->value == o->result;
}

static bool all_stacks(int n)
{
	struct stack s = { .world = { .filters = n, .flags = flags, .listens = listens,
				      .returns = returns, .answers = answers, .traces = traces,
				      .runs = runs, .tell = told } };
	uint64_t stacks = 1, cases = 0, seen = 0, failed = 0;

	for (int i = 0; i < n; i++) {
		s.mine[i] = (struct mine){ &s, i };
		s.layers[i] = (struct pm_layer){ .name = "layer", .data = &s.mine[i],
						 .decide = decide };
		s.list[n - 1 - i] = &s.layers[i];
	}
	for (int i = 0; i < n * CALLS; i++)
		stacks *= SAYS;
	for (int c = 0; c < CALLS; c++) {
		memset(&s.choices, 0, sizeof(s.choices));
		do {
			const struct pm_options options = { .layers = s.list, .nlayers = (size_t)n };
			const struct model_call made = { .nr = 1, .args = { (uint64_t)c } };
			struct pm_call call = { .name = "openat", .args = { (uint64_t)c } };
			struct model_outcome expected;
			struct outcome outcome;
			uint64_t weight = 1;

			memset(s.says, UNDECIDED, sizeof(s.says));
			memset(&s.by_model, 0, sizeof(s.by_model));
			memset(&s.by_chain, 0, sizeof(s.by_chain));
			s.log = s.redirected = s.blind = false;
			model_call(&s.world, &made, &expected);
			chain_decide(&options, &call, &outcome);
			if (!same(&s, &expected, &outcome, &call) && failed++ < 3) {
				printf("# call %d:", c);
				for (int i = 0; i < n * CALLS; i++)
					printf(" %d", s.says[i / CALLS][i % CALLS]);
				printf(": action %d, ran %d, result %ld\n",
				       outcome.verdict.action, expected.ran, expected.result);
			}
			for (int i = 0; i < n * CALLS; i++)
				if (s.says[i / CALLS][i % CALLS] == UNDECIDED)
					weight *= SAYS;
			seen += weight;
			cases++;
		} while (choices_next(&s.choices));
	}
	if (seen != CALLS * stacks)
		failed++;
	printf("%sok - %d layers as the model says: %" PRIu64 " stacks, %" PRIu64 " cases, %" PRIu64
	       " runs\n", failed ? "not " : "", n, stacks, seen, cases);
	return !failed;
}

int main(void)
{
	bool good = true;

	for (int n = 0; n <= DEPTH; n++)
		good &= all_stacks(n);
	printf("1..%d\n", DEPTH + 1);
	return !good;
}
