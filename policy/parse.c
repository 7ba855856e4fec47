/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * parse.c - policy files
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"

int parse_errno(struct parse *parse, const struct node *node, const char *text, int *out)
{
	struct nearest nearest = { .word = text };
	int err = errno_parse(text);

	if (err < 0) {
		errno_nearest(&nearest);
		return complain(parse, node,
				"'%s' is no errno, expected a name such as EACCES or 1..4095%s",
				text, nearest_hint(&nearest));
	}
	*out = err;
	return 0;
}

int parse_number(struct parse *parse, const struct node *node, const char *text, uint64_t *out)
{
	if (number_parse(text, out))
		return complain(parse, node, "'%s' is no number, expected decimal, 0x hexadecimal "
				"or 0 octal, of 64 bits", text);
	return 0;
}

int parse_arg_index(struct parse *parse, const struct node *arg, const char *text,
		    unsigned int *out)
{
	if (!text)
		return complain_together(
			parse, arg, "args: no index, expected 'index: 0' .. 'index: 5'");
	if (text[0] < '0' || text[0] > '5' || text[1])
		return complain(parse, tree_value(arg, "index"), "index: '%s', expected 0..5",
				text);
	*out = (unsigned int)(text[0] - '0');
	return 0;
}

int parse_class(struct parse *parse, const struct node *node, const char *name, uint32_t *out)
{
	char text[512];

	*out = classes_by_name(name);
	if (*out)
		return 0;
	classes_hint(name, text, sizeof(text));
	if (*text)
		return complain(parse, node, "'%s' is no class%s", name, text);
	classes_list(text, sizeof(text));
	return complain(parse, node, "'%s' is no class, expected one of: %s", name, text);
}

int parse_syscall(struct parse *parse, const struct node *node, const char *name)
{
	struct nearest nearest = { .word = name };
	const char *flaw = syscall_flaw(name);

	if (!flaw)
		return 0;
	syscall_nearest(&nearest);
	return complain(parse, node, "'%s' %s%s", name, flaw, nearest_hint(&nearest));
}

int parse_absolute(struct parse *parse, const struct node *node, const char *path)
{
	if (path[0] != '/')
		return complain(parse, node, "'%s', expected an absolute path", path);
	return 0;
}

int parse_address(struct parse *parse, const struct node *node, const char *text,
		  struct address *out)
{
	char *why = NULL;
	int err;

	err = address_parse(text, out, &why);
	if (err == -EINVAL && why)
		err = complain(parse, node, "%s", why);
	free(why);
	return err;
}

/* "FILE:LINE" of a node. */
static char *source_of(const struct parse *parse, const struct node *node)
{
	char *source;

	return asprintf(&source, "%s:%zu", parse->name, node->line) < 0 ? NULL : source;
}

static int parse_outcome(struct parse *parse, const struct node *node,
			 const struct file_outcome *file, struct fallback *out)
{
	int n = file->allow + file->kill + !!file->deny;

	if (n != 1)
		return complain_together(parse, node, "%s, expected one of allow, deny, kill",
				n ? "several outcomes" : "no outcome");
	out->action = file->allow ? PM_ALLOW : file->kill ? PM_KILL : PM_DENY;
	if (!file->deny)
		return 0;
	return parse_errno(parse, tree_value(node, "deny"), file->deny, &out->err);
}

static int set_fallback(struct parse *parse, uint32_t classes, const struct node *node,
			const struct fallback *fallback)
{
	for (int class = 0; class < PM_NCLASSES; class++) {
		struct fallback *to = &parse->policy->fallback[class];

		if (!(classes & PM_BIT(class)))
			continue;
		free(to->source);
		*to = *fallback;
		to->source = source_of(parse, node);
		if (!to->source)
			return -ENOMEM;
	}
	return 0;
}

static int parse_fallbacks(struct parse *parse, const struct node *root,
			   const struct file_policy *file)
{
	const struct node *node = tree_value(root, "default");
	struct fallback fallback = { 0 };
	int err = 0;

	if (file->fallback) {
		err = parse_outcome(parse, node, file->fallback, &fallback);
		if (!err)
			err = set_fallback(parse, CLASSES_ALL, node, &fallback);
	}
	node = tree_value(root, "defaults");
	if (!err && file->fallbacks.n && node->kind != NODE_MAP)
		return complain(parse, node, "defaults: a list, expected CLASS: OUTCOME");
	for (uint32_t i = 0; i < file->fallbacks.n && !err; i++) {
		const struct file_class_outcome *outcome = &file->fallbacks.outcomes[i];
		uint32_t classes;

		err = parse_class(parse, node->items[i * 2], outcome->name, &classes);
		if (err)
			return err;
		fallback = (struct fallback){ 0 };
		err = parse_outcome(parse, tree_nth(node, i), &outcome->value, &fallback);
		if (!err)
			err = set_fallback(parse, classes, tree_nth(node, i), &fallback);
	}
	return err;
}

static int parse_action(struct parse *parse, const struct node *node, const struct file_rule *file,
			struct rule *rule)
{
	int n = file->allow + file->kill + !!file->deny + !!file->value + !!file->redirect;

	if (n != 1)
		return complain_together(
			parse, node, "%s, expected one of allow, deny, kill, value, redirect",
			n ? "several actions" : "no action");
	rule->log = file->log;
	if (file->deny) {
		rule->action = PM_DENY;
		return parse_errno(parse, tree_value(node, "deny"), file->deny, &rule->err);
	}
	if (file->value) {
		rule->action = PM_VALUE;
		if (number_parse_signed(file->value, &rule->value))
			return complain(parse, tree_value(node, "value"),
					"value: '%s', expected a signed number of 64 bits",
					file->value);
		return 0;
	}
	if (file->redirect) {
		rule->action = PM_REDIRECT;
		return parse_redirect(parse, tree_value(node, "redirect"), file->redirect, rule);
	}
	rule->action = file->kill ? PM_KILL : PM_ALLOW;
	return 0;
}

static int parse_rule(struct parse *parse, const struct node *node, const struct file_rule *file,
		      struct rule *rule)
{
	const struct match *match = &rule->match;
	int err;

	err = parse_match(parse, node, file, &rule->match);
	if (err)
		return err;
	rule->whole_call = match->syscalls.n && !match->classes;
	return parse_action(parse, node, file, rule);
}

static int parse_rules(struct parse *parse, const struct node *node,
		       const struct file_rules *file)
{
	char name[32];
	int err = 0;

	for (uint32_t i = 0; i < file->n && !err; i++) {
		const struct node *at = tree_entry(node, i);
		char *source = source_of(parse, at);
		struct rule *rule;

		snprintf(name, sizeof(name), "rules[%u]", (unsigned int)i);
		rule = source ? rule_new(name, source) : NULL;
		free(source);
		if (!rule)
			return -ENOMEM;
		err = parse_rule(parse, at, &file->rules[i], rule);
		if (err)
			rule_free(rule);
		else
			err = policy_add_rule(parse->policy, rule);
	}
	return err;
}

/* What a default refuses is wanted, whatever the rules say. */
static void want_refused(struct policy *policy)
{
	for (int class = 0; class < PM_NCLASSES; class++)
		if (policy->fallback[class].action != PM_ALLOW)
			policy->wants |= PM_BIT(class);
}

/* Who lets others change what was allowed cannot refuse anything either. */
static int check_races(struct parse *parse, const struct node *root)
{
	const struct policy *policy = parse->policy;
	const struct node *node = tree_value(root, "unsafe");

	if (!(policy->unsafe & PM_UNSAFE_RACES))
		return 0;
	for (size_t i = 0; i < policy->nrules; i++)
		if (policy->rules[i]->action != PM_ALLOW && policy->rules[i]->action != PM_REDIRECT)
			return complain_together(parse, node,
						 "races: only for a policy that redirects, but %s refuses",
						 policy->rules[i]->name);
	for (int class = 0; class < PM_NCLASSES; class++)
		if (policy->fallback[class].action != PM_ALLOW)
			return complain_together(parse, node,
						 "races: only for a policy that redirects, but the default for %s refuses",
						 pm_class_name((enum pm_class)class));
	return 0;
}

static int parse_policy(struct parse *parse, const struct node *root,
			const struct file_policy *file)
{
	int err;

	if (!file->version)
		return complain_together(parse, root, "no version, expected 'version: 1'");
	if (strcmp(file->version, "1"))
		return complain(parse, tree_value(root, "version"),
				"version: '%s', expected 1", file->version);
	for (uint32_t i = 0; i < file->unsafe.n; i++)
		parse->policy->unsafe |= (unsigned int)file->unsafe.what[i];
	err = parse_fallbacks(parse, root, file);
	want_refused(parse->policy);
	if (!err)
		err = parse_rules(parse, tree_value(root, "rules"), &file->rules);
	return err ? err : check_races(parse, root);
}

int parse_tree(const char *name, const struct node *root, struct policy **out,
	       struct complaint *complaint)
{
	struct parse parse = { .name = name, .complaint = complaint };
	struct file_policy *file = NULL;
	int err;

	*out = NULL;
	err = schema_load(name, root, &file, complaint);
	if (!err)
		err = policy_new(name, &parse.policy);
	if (!err)
		err = parse_policy(&parse, root, file);
	if (file)
		schema_free(file);
	if (err)
		policy_free(parse.policy);
	else
		*out = parse.policy;
	return err;
}

int policy_parse(const char *name, const char *bytes, size_t len, struct policy **out,
		 char **error)
{
	struct complaint complaint = { 0 };
	struct node *root = NULL;
	int err;

	*out = NULL;
	err = tree_read(name, bytes, len, &root, &complaint);
	if (!err)
		err = parse_tree(name, root, out, &complaint);
	tree_free(root);
	*error = complaint.text;
	return err;
}
