/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * parse_redirect.c - what the redirects of a policy file change
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"

#define MAX_UNIX 107	/* what sockaddr_un holds beside a NUL */

static int check_only_trees(struct parse *parse, const struct node *node,
			    const struct match *match)
{
	bool trees = match->npatterns && !match->anonymous.n;

	for (size_t i = 0; i < match->npatterns; i++)
		trees &= match->patterns[i].kind == PATTERN_TREE;
	if (!trees)
		return complain_together(parse, node,
				"redirect to a tree, expected a rule that matches trees and no "
				"other files");
	return 0;
}

static int parse_target(struct parse *parse, const struct node *node,
			const struct file_redirect *file, struct rule *rule)
{
	const char *key = file->path ? "path" : file->tree ? "tree" : "program";
	const char *text = file->path ? file->path : file->tree ? file->tree : file->program;
	uint32_t possible = file->program ? PM_BIT(PM_CLASS_EXEC) : CLASSES_PATH;
	struct redirect *redirect = &rule->redirect;
	int err;

	if (!text)
		return 0;
	if (!!file->path + !!file->tree + !!file->program > 1)
		return complain_together(parse, node,
				"redirect: several targets, expected one of path, tree, program");
	node = tree_value(node, key);
	if (rule->whole_call || rule->match.classes & ~possible)
		return complain_together(parse, node, "redirect to a %s, expected a rule for %s only", key,
				file->program ? "class exec" : "classes of files");
	if (file->tree) {
		err = check_only_trees(parse, node, &rule->match);
		if (err)
			return err;
		redirect->keep_rest = true;
	}
	err = parse_absolute(parse, node, text);
	if (!err)
		err = name_init(&redirect->path, text);
	redirect->has_path = !err;
	return err;
}

/* The kernel holds a socket to the family that it was made with. */
static int check_family(struct parse *parse, const struct node *node, const struct rule *rule)
{
	unsigned int to = address_family(&rule->redirect.address);
	const struct match *match = &rule->match;

	for (size_t i = 0; i < match->naddresses; i++) {
		unsigned int from = address_family(&match->addresses[i]);

		if (match->addresses[i].kind == ADDRESS_IP && to != AF_UNIX)
			continue;
		/* IPv4 has a form that an IPv6 socket takes. */
		if (from != to && !(from == AF_INET6 && to == AF_INET))
			return complain_together(parse, node, "redirect to an address of another family, "
					"expected that of what the rule matches");
	}
	return 0;
}

static int parse_new_address(struct parse *parse, const struct node *node, const char *text,
			     struct rule *rule)
{
	struct address *address = &rule->redirect.address;
	int err;

	if (rule->whole_call || rule->match.classes & ~CLASSES_ADDRESS)
		return complain_together(parse, node,
				"redirect to an address, expected a rule for classes of addresses "
				"only");
	err = parse_address(parse, node, text, address);
	if (err)
		return err;
	rule->redirect.has_address = true;
	if (!address_is_one(address))
		return complain(parse, node, "'%s' is more than one address, expected one", text);
	if (address->spelling && strlen(address->spelling) > MAX_UNIX)
		return complain(parse, node, "'%s' is too long, expected %d bytes at most", text,
				MAX_UNIX);
	return check_family(parse, node, rule);
}

static int parse_new_env(struct parse *parse, const struct node *node,
			 const struct file_redirect *file, struct redirect *redirect)
{
	const struct node *set = tree_value(node, "env-set");
	const struct node *unset = tree_value(node, "env-unset");

	for (uint32_t i = 0; i < file->env_set.n; i++) {
		const struct file_pair *pair = &file->env_set.pairs[i];
		char *variable;
		int err;

		if (set->kind != NODE_MAP)
			return complain(parse, set, "env-set: expected NAME: VALUE");
		if (!pair->name || !*pair->name || strchr(pair->name, '='))
			return complain(parse, set->items[i * 2], "'%s' is no name of a variable",
					pair->name ? pair->name : "");
		if (asprintf(&variable, "%s=%s", pair->name, pair->value) < 0)
			return -ENOMEM;
		err = texts_add(&redirect->env_set, variable);
		free(variable);
		if (err)
			return err;
	}
	for (uint32_t i = 0; i < file->env_unset.n; i++) {
		const char *name = file->env_unset.texts[i];

		if (!*name || strchr(name, '='))
			return complain(parse, tree_entry(unset, i),
					"'%s' is no name of a variable", name);
		for (uint32_t j = 0; j < file->env_set.n; j++)
			if (!strcmp(file->env_set.pairs[j].name, name))
				return complain(parse, tree_entry(unset, i),
						"'%s' in env-set and env-unset, expected one of them",
						name);
	}
	return texts_copy(&redirect->env_unset, file->env_unset.texts, file->env_unset.n);
}

static int parse_new_program(struct parse *parse, const struct node *node,
			     const struct file_redirect *file, struct rule *rule)
{
	struct redirect *redirect = &rule->redirect;
	int err;

	if (!file->argv.n && !file->argv_prepend.n && !file->env_set.n && !file->env_unset.n)
		return 0;
	if (rule->whole_call || rule->match.classes != PM_BIT(PM_CLASS_EXEC))
		return complain_together(parse, node,
				"redirect of arguments or environment, expected a rule for class "
				"exec only");
	if (file->argv.n && file->argv_prepend.n)
		return complain_together(parse, tree_value(node, "argv-prepend"),
				"argv and argv-prepend, expected one of them");
	err = texts_copy(&redirect->argv, file->argv.texts, file->argv.n);
	if (!err)
		err = texts_copy(&redirect->argv_prepend, file->argv_prepend.texts,
				 file->argv_prepend.n);
	return err ? err : parse_new_env(parse, node, file, redirect);
}

static int parse_new_args(struct parse *parse, const struct node *node,
			  const struct file_args *file, struct redirect *redirect)
{
	unsigned int seen = 0;

	redirect->args = calloc((size_t)file->n + 1, sizeof(*redirect->args));
	if (!redirect->args)
		return -ENOMEM;
	for (uint32_t i = 0; i < file->n; i++) {
		const struct node *at = tree_entry(node, i);
		struct arg_change *change = &redirect->args[i];
		int err;

		err = parse_arg_index(parse, at, file->args[i].index, &change->index);
		if (err)
			return err;
		if (!file->args[i].value)
			return complain_together(parse, at, "args: no value, expected 'value: NUMBER'");
		if (seen & 1u << change->index)
			return complain(parse, at, "args: index %u for the second time",
					change->index);
		seen |= 1u << change->index;
		err = parse_number(parse, tree_value(at, "value"), file->args[i].value,
				   &change->value);
		if (err)
			return err;
		redirect->nargs++;
	}
	return 0;
}

static int parse_new_syscall(struct parse *parse, const struct node *node, const char *name,
			     struct redirect *redirect)
{
	int err;

	err = parse_syscall(parse, node, name);
	if (err)
		return err;
	if (syscall_owns_registers(name))
		return complain(parse, node, "'%s' cannot be redirected to", name);
	redirect->syscall = strdup(name);
	return redirect->syscall ? 0 : -ENOMEM;
}

int parse_redirect(struct parse *parse, const struct node *node, const struct file_redirect *file,
		   struct rule *rule)
{
	struct redirect *redirect = &rule->redirect;
	int err;

	if (node->kind == NODE_MAP && !node->nitems)
		return complain_together(parse, node,
				"redirect: nothing, expected one of path, tree, address, program, "
				"argv, argv-prepend, env-set, env-unset, args, syscall");
	for (size_t i = 0; i < rule->match.syscalls.n; i++)
		if (syscall_owns_registers(rule->match.syscalls.v[i]))
			return complain(parse, node, "'%s' cannot be redirected",
					rule->match.syscalls.v[i]);
	err = parse_target(parse, node, file, rule);
	if (!err && file->address)
		err = parse_new_address(parse, tree_value(node, "address"), file->address, rule);
	if (!err)
		err = parse_new_program(parse, node, file, rule);
	if (!err)
		err = parse_new_args(parse, tree_value(node, "args"), &file->args, redirect);
	if (!err && file->syscall)
		err = parse_new_syscall(parse, tree_value(node, "syscall"), file->syscall,
					redirect);
	return err;
}
