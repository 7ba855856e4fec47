/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * doubt.c - what a policy says and cannot have been meant
 *
 * Rules that nothing can match, rules that decide nothing since earlier ones do,
 * redirects to the same, patterns where none is read as one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"

/*
 * Lives in doubt_rules().
 */
struct doubt {
	const char *name;
	const struct policy *policy;
	const struct node *rules;
	struct flaws *flaws;
};

#define warn(doubt, at, ...) flaws_warn((doubt)->flaws, (doubt)->name, at, __VA_ARGS__)

/* The list of a key of a rule; NULL where the rule does not say it. */
static const struct node *value_of(const struct node *rule, const char *key)
{
	const struct node *value = tree_value(rule, key);

	return value == rule ? NULL : value;
}

static size_t count(const struct node *list)
{
	return !list ? 0 : list->kind == NODE_LIST ? list->nitems : 1;
}

/* Where the rule says its alternative of this number; their order is that of parse_match.c. */
static const struct node *alternative_at(const struct node *rule, size_t alternative)
{
	static const char *const keys[] = { "path", "tree", "glob", "anonymous", "address" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct node *list = value_of(rule, keys[i]);

		if (alternative < count(list))
			return tree_entry(list, alternative);
		alternative -= count(list);
	}
	return rule;
}

/* The classes in which the rule can be asked at all. */
static uint32_t classes_of(const struct rule *rule)
{
	uint32_t possible = 0;

	if (!rule->match.syscalls.n)
		return rule->match.classes;
	for (size_t i = 0; i < rule->match.syscalls.n; i++)
		possible |= pm_syscall_classes(rule->match.syscalls.v[i]);
	return rule->match.classes & possible;
}

/* Rules that come first, by their lines. */
struct earlier {
	size_t lines[3];
	size_t n;		/* all of them */
	bool let;		/* one of them refuses nothing */
};

static void add_earlier(struct earlier *earlier, const struct rule *rule, size_t line)
{
	for (size_t i = 0; i < earlier->n && i < 3; i++)
		if (earlier->lines[i] == line)
			return;
	if (earlier->n < 3)
		earlier->lines[earlier->n] = line;
	earlier->n++;
	earlier->let |= rule->action != PM_DENY && rule->action != PM_KILL;
}

static void say_earlier(const struct earlier *earlier, char *out, size_t size)
{
	size_t len = (size_t)snprintf(out, size, "line%s ", earlier->n > 1 ? "s" : "");

	for (size_t i = 0; i < earlier->n && i < 3; i++)
		len += (size_t)snprintf(out + len, size - len, "%s%zu", i ? ", " : "",
					earlier->lines[i]);
	if (earlier->n > 3)
		snprintf(out + len, size - len, " and others");
}

/* Do earlier rules decide on all of one alternative of a rule? */
static bool is_shadowed(const struct doubt *doubt, size_t at, size_t alternative,
			struct earlier *earlier)
{
	const struct rule *rule = doubt->policy->rules[at];
	uint32_t classes = rule->whole_call ? PM_BIT(PM_NCLASSES) : classes_of(rule);

	for (unsigned int class = 0; class <= PM_NCLASSES; class++) {
		size_t i = 0;

		if (!(classes & PM_BIT(class)))
			continue;
		while (i < at && !cover_rule(doubt->policy->rules[i], rule, class, alternative))
			i++;
		if (i == at)
			return false;
		add_earlier(earlier, doubt->policy->rules[i], tree_entry(doubt->rules, i)->line);
	}
	return classes;
}

static int doubt_shadowed(const struct doubt *doubt, size_t at, const struct node *node)
{
	const struct rule *rule = doubt->policy->rules[at];
	size_t n = cover_alternatives(rule), shadowed = 0;
	struct earlier all = { 0 };
	bool guards = (rule->action == PM_DENY || rule->action == PM_KILL) && rule->match.npatterns;
	bool *is = calloc(n, sizeof(*is));
	char lines[128];
	int err = 0;

	if (!is)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct earlier earlier = { 0 };

		is[i] = is_shadowed(doubt, at, i, &earlier);
		shadowed += is[i];
		for (size_t e = 0; is[i] && e < earlier.n && e < 3; e++)
			add_earlier(&all, rule, earlier.lines[e]);
		all.let |= earlier.let;
	}
	if (shadowed == n) {
		say_earlier(&all, lines, sizeof(lines));
		err = warn(doubt, node, "this rule decides nothing, %s decide%s before it%s", lines,
			   all.n > 1 ? "" : "s",
			   guards && all.let ? " (it still keeps files from being given other names)" :
					       "");
		free(is);
		return err;
	}
	for (size_t i = 0; i < n && !err; i++) {
		const struct node *place = alternative_at(node, i);
		struct earlier earlier = { 0 };

		if (!is[i] || !is_shadowed(doubt, at, i, &earlier))
			continue;
		say_earlier(&earlier, lines, sizeof(lines));
		err = warn(doubt, place, "'%s' decides nothing, %s decide%s before it",
			   place->text ? place->text : "", lines, earlier.n > 1 ? "" : "s");
	}
	free(is);
	return err;
}

/* Arguments and variables that cannot be as the rule wants them. */
static int doubt_program(const struct doubt *doubt, const struct match *match,
			 const struct node *node)
{
	for (size_t i = 0; i < match->nargv && match->has_argc; i++)
		if (match->argv[i].index >= match->argc_max ||
		    (match->argv_whole && match->nargv < match->argc_min))
			return warn(doubt, tree_value(node, "argc"),
				    "argc: not as many as argv asks for: never so");
	for (size_t i = 0; i < match->nenv; i++)
		if (texts_have(&match->env_absent, match->env[i].name))
			return warn(doubt, tree_value(node, "env-absent"),
				    "'%s' is to be there (env) and not to be there: never so",
				    match->env[i].name);
	return 0;
}

static int doubt_args(const struct doubt *doubt, const struct match *match,
		      const struct node *node)
{
	for (size_t i = 0; i < match->nargs; i++) {
		for (size_t j = 0; j < i; j++) {
			const struct arg_test *a = &match->args[j], *b = &match->args[i];
			uint64_t both = a->mask & b->mask;

			if (a->index == b->index && a->type == b->type && a->has_equal &&
			    b->has_equal && (a->equal & both) != (b->equal & both))
				return warn(doubt, tree_entry(tree_value(node, "args"), i),
					    "args: argument %u is to be two numbers: never so",
					    a->index);
		}
	}
	return 0;
}

static bool exists(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

/* What has something above it that is no directory. */
static int doubt_directory(const struct doubt *doubt, const struct node *at, const char *path)
{
	char *dir = strdup(path), *slash;
	struct stat st;
	int err = 0;

	if (!dir)
		return -ENOMEM;
	while ((slash = strrchr(dir, '/')) && slash != dir) {
		*slash = '\0';
		if (stat(dir, &st))
			continue;
		if (!S_ISDIR(st.st_mode))
			err = warn(doubt, at, "'%s': '%s' is no directory here, so nothing is below it",
				   path, dir);
		break;
	}
	free(dir);
	return err;
}

static int doubt_names(const struct doubt *doubt, const struct match *match,
		       const struct node *node)
{
	int err = 0;

	for (size_t i = 0; i < match->npatterns && !err; i++) {
		const struct pattern *pattern = &match->patterns[i];
		const struct node *at = alternative_at(node, i);

		if (pattern->kind == PATTERN_GLOB)
			continue;
		if (strpbrk(at->text, "*?[") && !exists(at->text))
			err = warn(doubt, at, "'%s' is not read as a pattern, expected glob: '%s'%s",
				   at->text, at->text,
				   pattern->kind == PATTERN_TREE ? " (with /** for all below)" : "");
		else
			err = doubt_directory(doubt, at, pattern->name.form[0]);
	}
	return err;
}

static int doubt_redirect(const struct doubt *doubt, const struct rule *rule,
			  const struct node *node)
{
	const struct match *match = &rule->match;
	const struct redirect *redirect = &rule->redirect;

	if (rule->action != PM_REDIRECT || !redirect->has_path || match->anonymous.n ||
	    match->npatterns != 1 || match->patterns[0].kind == PATTERN_GLOB ||
	    redirect->keep_rest != (match->patterns[0].kind == PATTERN_TREE))
		return 0;
	if (!name_is(&match->patterns[0].name, redirect->path.form[0]) || redirect->argv.n ||
	    redirect->argv_prepend.n || redirect->env_set.n || redirect->env_unset.n ||
	    redirect->nargs || redirect->syscall)
		return 0;
	return warn(doubt, tree_value(node, "redirect"),
		    "redirect to what the rule matches: it changes nothing");
}

/* A default of a class that a later one replaces. */
static int doubt_defaults(const struct doubt *doubt, const struct node *root)
{
	const struct node *defaults = value_of(root, "defaults");
	int err = 0;

	for (size_t i = 0; defaults && defaults->kind == NODE_MAP && i < defaults->nitems && !err;
	     i += 2) {
		uint32_t classes = classes_by_name(defaults->items[i]->text);
		size_t last = 0;

		for (size_t j = i + 2; j < defaults->nitems; j += 2) {
			uint32_t later = classes_by_name(defaults->items[j]->text);

			/* The same key twice is an error already. */
			if (!strcmp(defaults->items[j]->text, defaults->items[i]->text))
				later = 0;
			if (classes & later)
				last = defaults->items[j]->line;
			classes &= ~later;
		}
		if (!classes)
			err = warn(doubt, defaults->items[i],
				   "'%s' counts for nothing, line %zu has the same later",
				   defaults->items[i]->text, last);
	}
	return err;
}

int doubt_rules(const char *name, const struct node *root, const struct policy *policy,
		struct flaws *flaws)
{
	struct doubt doubt = { name, policy, tree_value(root, "rules"), flaws };
	int err;

	err = doubt_defaults(&doubt, root);
	for (size_t i = 0; i < policy->nrules && !err; i++) {
		const struct node *node = tree_entry(doubt.rules, i);
		const struct rule *rule = policy->rules[i];

		err = doubt_program(&doubt, &rule->match, node);
		if (!err)
			err = doubt_args(&doubt, &rule->match, node);
		if (!err)
			err = doubt_names(&doubt, &rule->match, node);
		if (!err)
			err = doubt_redirect(&doubt, rule, node);
		if (!err)
			err = doubt_shadowed(&doubt, i, node);
	}
	return err;
}
