/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * decide.c - what a policy says of a call
 *
 * A facet is one class of one thing that a call names: open(2) with O_RDWR has
 * two of one file, rename(2) one of each of two files.  Each facet is decided
 * by the first rule that matches it, or by the default of its class; a rule
 * that speaks of the whole call matches every facet, in its place.  The
 * strictest outcome of all facets is the call's: kill, then deny, then value,
 * then the redirects of all facets together, then allow; of equals that of the
 * earlier rule, and rules before defaults.
 *
 * Where a redirect leads is the rule's word for it, and not asked about again.
 * A link there may lead on, and a new program may name an interpreter: these
 * nobody has spoken of, so they are decided on in a further round.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"

#define NO_RULE SIZE_MAX
#define ROUNDS	40	/* as many links as a path may have */

/* A facet and the rule that decides on it. */
struct facet {
	struct pm_item *item;	/* NULL: of a call that names nothing */
	enum pm_class class;
	size_t rule;		/* its index, or NO_RULE */
};

/*
 * A decision: lives in policy_decide().
 */
struct decision {
	const struct policy *policy;
	const struct policy_watch *watch;
	struct pm_call *call;
	struct facet *facets;
	size_t nfacets;
	/* Which items this round is about; NULL: all, and the call as a whole. */
	bool *open;
	bool changed;		/* by redirects */
	unsigned int done;	/* arguments that rules have set */
	size_t program;		/* the rule that acted on the program, or NO_RULE */
};

bool policy_wants(void *data, const char *syscall, uint32_t classes)
{
	const struct policy *policy = data;

	if (policy->wants & classes)
		return true;
	for (size_t i = 0; i < policy->named.n; i++) {
		const struct rule *rule = policy->rules[policy->named.rules[i]];

		if (rule_names_syscall(rule, syscall) &&
		    (rule->whole_call || rule->match.classes & classes))
			return true;
	}
	return false;
}

/*
 * O_CREAT of what is there makes nothing.  To ask a descriptor for its own
 * state by an empty path is fstat(2), which names nothing.
 */
static bool counts(struct pm_call *call, struct pm_item *item, enum pm_class class)
{
	const uint32_t opens = PM_BIT(PM_CLASS_OPEN_READ) | PM_BIT(PM_CLASS_OPEN_WRITE);

	if (!(item->classes & PM_BIT(class)))
		return false;
	if (class == PM_CLASS_METADATA && item->empty_ok && !item->len)
		return false;
	/* What is opened by a handle has no path. */
	if (class != PM_CLASS_CREATE || !(item->classes & opens) || item->kind != PM_ITEM_PATH)
		return true;
	return !pm_item_where(call, item)->exists;
}

static int find_facets(struct decision *decision)
{
	struct pm_call *call = decision->call;
	size_t most = 1;

	for (size_t i = 0; i < call->nitems; i++)
		most += (size_t)__builtin_popcount(call->items[i].classes & CLASSES_ALL);
	decision->facets = calloc(most, sizeof(*decision->facets));
	if (!decision->facets)
		return -ENOMEM;
	decision->nfacets = 0;
	for (size_t i = 0; i < call->nitems; i++)
		for (int class = 0; class < PM_NCLASSES; class++)
			if ((!decision->open || decision->open[i]) &&
			    counts(call, &call->items[i], (enum pm_class)class))
				decision->facets[decision->nfacets++] = (struct facet){
					.item = &call->items[i],
					.class = (enum pm_class)class,
				};
	/* A call that names nothing is asked about once, as a whole. */
	if (!decision->nfacets && !decision->open)
		decision->nfacets = 1;
	return 0;
}

/* Tell who watches what this rule, or the default, says of the facet. */
static void tell(const struct decision *decision, const struct facet *facet, const char *why_not,
		 bool guards)
{
	struct policy_step step = {
		.item = facet->item, .class = facet->class, .why_not = why_not, .guards = guards,
	};

	if (facet->rule != NO_RULE) {
		const struct rule *rule = decision->policy->rules[facet->rule];

		step.rule = rule->name;
		step.source = rule->source;
		step.action = rule->action;
		step.err = rule->err;
		step.value = rule->value;
	} else if (facet->item) {
		const struct fallback *fallback = &decision->policy->fallback[facet->class];

		step.source = fallback->source;
		step.action = fallback->action;
		step.err = fallback->err;
	}
	decision->watch->tell(decision->watch->data, &step);
}

/*
 * Which rules to ask: for a file with a name those that may mean it, where that is
 * all that a rule goes by.  False: all of them.
 */
static bool narrow(const struct decision *decision, const struct facet *facet,
		   struct candidates *candidates)
{
	const struct index *index = &decision->policy->index;
	const struct pm_where *where;

	/* Who watches is told of each rule. */
	if (decision->watch || PM_BIT(facet->class) & NAMING_CLASSES)
		return false;
	candidates_begin(index, candidates);
	if (!facet->item || facet->item->kind != PM_ITEM_PATH ||
	    !(index->classes & PM_BIT(facet->class)))
		return true;
	where = pm_item_where(decision->call, facet->item);
	return !where->anonymous && candidates_add(index, where->name, candidates) &&
	       (!where->self_name || candidates_add(index, where->self_name, candidates));
}

static int find_rule(const struct decision *decision, struct facet *facet)
{
	const struct policy *policy = decision->policy;
	struct candidates candidates;
	bool narrowed = narrow(decision, facet, &candidates);

	for (size_t i = 0;; i++) {
		const struct rule *rule;
		int matches;
		bool guards;

		facet->rule = narrowed ? candidates_next(&candidates) : i;
		if (facet->rule >= policy->nrules)
			break;
		rule = policy->rules[facet->rule];
		matches = rule_matches(rule, decision->call, facet->item, facet->class);
		if (matches < 0)
			return matches;
		guards = !matches && guard_refuses(rule, decision->call, facet->item, facet->class);
		if (decision->watch)
			tell(decision, facet,
			     matches || guards ? NULL :
						 rule_mismatch(rule, decision->call, facet->item,
							       facet->class),
			     guards);
		if (matches || guards)
			return 0;
	}
	facet->rule = NO_RULE;
	if (decision->watch)
		tell(decision, facet, NULL, false);
	return 0;
}

static enum pm_action action_of(const struct decision *decision, const struct facet *facet)
{
	if (facet->rule != NO_RULE)
		return decision->policy->rules[facet->rule]->action;
	/* Defaults speak of classes: what has none is let alone. */
	return facet->item ? decision->policy->fallback[facet->class].action : PM_ALLOW;
}

static unsigned int strictness(enum pm_action action)
{
	static const unsigned int order[] = {
		[PM_ALLOW] = 0, [PM_REDIRECT] = 1, [PM_VALUE] = 2, [PM_DENY] = 3, [PM_KILL] = 4,
	};

	return order[action];
}

/* O_CREAT of a file that is there: it makes the file where that goes meanwhile. */
static bool makes_again(const struct decision *decision, size_t i)
{
	const uint32_t opens = PM_BIT(PM_CLASS_OPEN_READ) | PM_BIT(PM_CLASS_OPEN_WRITE);
	struct pm_item *item = &decision->call->items[i];

	return (!decision->open || decision->open[i]) && item->classes & opens &&
	       item->classes & PM_BIT(PM_CLASS_CREATE) &&
	       !counts(decision->call, item, PM_CLASS_CREATE);
}

/* What the policy would not let be made shall not be. */
static int forbid_creates(const struct decision *whole)
{
	const struct decision asked = { .policy = whole->policy, .call = whole->call,
					.open = whole->open };
	const struct decision *decision = &asked;
	int err = 0;

	for (size_t i = 0; i < decision->call->nitems && !err; i++) {
		struct facet facet = { .item = &decision->call->items[i], .class = PM_CLASS_CREATE };

		if (!makes_again(decision, i))
			continue;
		err = find_rule(decision, &facet);
		if (!err && strictness(action_of(decision, &facet)) > strictness(PM_REDIRECT))
			pm_call_forbid_create(decision->call);
	}
	return err;
}

/* The facet whose outcome is the call's. */
static const struct facet *find_strictest(const struct decision *decision)
{
	const struct facet *best = &decision->facets[0];

	for (size_t i = 1; i < decision->nfacets; i++) {
		const struct facet *facet = &decision->facets[i];
		unsigned int now = strictness(action_of(decision, facet));
		unsigned int then = strictness(action_of(decision, best));

		if (now > then || (now == then && facet->rule < best->rule))
			best = facet;
	}
	return best;
}

static bool asks_for_log(const struct decision *decision)
{
	for (size_t i = 0; i < decision->nfacets; i++)
		if (decision->facets[i].rule != NO_RULE &&
		    decision->policy->rules[decision->facets[i].rule]->log)
			return true;
	return false;
}

/* The rule that redirects this facet's item: the earliest of all its facets, which lie together. */
static const struct facet *find_redirect(const struct decision *decision, size_t *i)
{
	struct pm_item *item = decision->facets[*i].item;
	const struct facet *first = NULL;

	for (; *i < decision->nfacets && decision->facets[*i].item == item; ++*i) {
		const struct facet *facet = &decision->facets[*i];

		if (action_of(decision, facet) == PM_REDIRECT &&
		    (!first || facet->rule < first->rule))
			first = facet;
	}
	return item ? first : NULL;
}

/*
 * This item is now another program, and its interpreters are new: they are
 * open.  An interpreter that was changed becomes the program.
 */
static int open_interpreters(struct decision *decision, size_t changed)
{
	struct pm_call *call = decision->call;
	bool beyond = decision->open[changed];
	bool *more;
	int err;

	err = pm_call_follow_program(call);
	if (err)
		return err;
	more = reallocarray(decision->open, call->nitems + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	decision->open = more;
	more[call->nitems] = false;
	for (size_t i = 0; i < call->nitems; i++)
		if (call->items[i].kind == PM_ITEM_PATH)
			more[i] = call->items[i].arg == PM_NO_REGISTER || beyond;
	return 0;
}

/* Do all redirects of this round change no more of the call than what it names? */
static bool redirects_items_alone(const struct decision *decision)
{
	for (size_t i = 0; i < decision->nfacets; i++) {
		const struct facet *facet = &decision->facets[i];

		if (action_of(decision, facet) == PM_REDIRECT &&
		    !acts_on_items_alone(&decision->policy->rules[facet->rule]->redirect))
			return false;
	}
	return true;
}

/* Says for the next round which items are open. */
static int redirect_items(struct decision *decision)
{
	struct pm_call *call = decision->call;
	size_t program = NO_RULE;	/* the index of the item that is now another program */
	bool alone = redirects_items_alone(decision);
	int err = 0;

	free(decision->open);
	decision->open = calloc(call->nitems + 1, sizeof(*decision->open));
	if (!decision->open)
		return -ENOMEM;
	for (size_t i = 0; i < decision->nfacets && !err;) {
		const struct facet *first = find_redirect(decision, &i);
		struct acted acted = { .alone = alone };
		size_t item;

		/* The interpreters of what ran before do not run any more. */
		if (!first || (program != NO_RULE && first->item->arg == PM_NO_REGISTER))
			continue;
		item = (size_t)(first->item - call->items);
		err = act_on_item(decision->policy->rules[first->rule], call, first->item,
				  first->class, decision->program == first->rule, &acted);
		decision->changed |= acted.changed;
		decision->open[item] = acted.beyond;
		if (first->class != PM_CLASS_EXEC)
			continue;
		decision->program = first->rule;
		if (acted.path)
			program = item;
	}
	return !err && program != NO_RULE ? open_interpreters(decision, program) : err;
}

/* Registers and the number: each rule once, in the order of the rules. */
static int redirect_call(struct decision *decision)
{
	size_t next = 0, last = NO_RULE;
	int err = 0;

	while (!err) {
		next = NO_RULE;
		for (size_t i = 0; i < decision->nfacets; i++) {
			const struct facet *facet = &decision->facets[i];

			if (action_of(decision, facet) == PM_REDIRECT && facet->rule < next &&
			    (last == NO_RULE || facet->rule > last))
				next = facet->rule;
		}
		if (next == NO_RULE)
			break;
		err = act_on_call(decision->policy->rules[next], decision->call, &decision->done,
				  &decision->changed);
		last = next;
	}
	return err;
}

static void fill(const struct decision *decision, const struct facet *facet,
		 struct pm_verdict *verdict)
{
	const struct policy *policy = decision->policy;

	verdict->action = action_of(decision, facet);
	verdict->log = asks_for_log(decision);
	verdict->rule = "default";
	if (facet->rule != NO_RULE) {
		const struct rule *rule = policy->rules[facet->rule];

		verdict->rule = rule->name;
		verdict->source = rule->source;
		verdict->err = rule->err;
		verdict->value = rule->value;
	} else if (facet->item) {
		verdict->source = policy->fallback[facet->class].source;
		verdict->err = policy->fallback[facet->class].err;
	}
}

/* One round.  Returns 1 where another one is to follow, 0 or a negative errno. */
static int decide_open(struct decision *decision, struct pm_verdict *verdict)
{
	struct pm_verdict now = { .log = verdict->log };
	bool first = !decision->open, more = false;
	int err;

	err = find_facets(decision);
	for (size_t i = 0; i < decision->nfacets && !err; i++)
		err = find_rule(decision, &decision->facets[i]);
	if (err || !decision->nfacets)
		return err;
	fill(decision, find_strictest(decision), &now);
	now.log |= verdict->log;
	verdict->log = now.log;
	/* What a later round allows or redirects is still the first one's redirect. */
	if (first || strictness(now.action) > strictness(PM_REDIRECT))
		*verdict = now;
	if (strictness(now.action) > strictness(PM_REDIRECT))
		return 0;
	err = forbid_creates(decision);
	if (err || now.action != PM_REDIRECT)
		return err;
	err = redirect_items(decision);
	if (!err)
		err = redirect_call(decision);
	for (size_t i = 0; !err && i < decision->call->nitems; i++)
		more |= decision->open[i];
	return err ? err : more;
}

int policy_decide(void *data, struct pm_call *call, struct pm_verdict *verdict)
{
	struct decision decision = { .policy = data, .call = call, .program = NO_RULE };
	int more;

	decision.watch = decision.policy->watch;
	for (unsigned int round = 0;; round++) {
		more = decide_open(&decision, verdict);
		free(decision.facets);
		decision.facets = NULL;
		if (more > 0 && round == ROUNDS)
			more = -ELOOP;
		if (more <= 0)
			break;
	}
	free(decision.open);
	if (!more && verdict->action == PM_REDIRECT && !decision.changed)
		verdict->action = PM_ALLOW;
	return more;
}
