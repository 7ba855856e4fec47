/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * match.c - does a rule match what a call names?
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"

bool rule_names_syscall(const struct rule *rule, const char *syscall)
{
	const struct texts *syscalls = &rule->match.syscalls;

	return !syscalls->n || texts_have(syscalls, syscall);
}

/* For the signed types the order of the numbers is that of the result. */
static uint64_t read_arg(const struct arg_test *test, uint64_t arg)
{
	switch (test->type) {
	case ARG_INT:
		return (uint64_t)(int64_t)(int32_t)(uint32_t)arg;
	case ARG_UINT:
		return (uint32_t)arg;
	default:
		return arg;
	}
}

bool arg_less(enum arg_type type, uint64_t a, uint64_t b)
{
	if (type == ARG_INT || type == ARG_LONG)
		return (int64_t)a < (int64_t)b;
	return a < b;
}

static bool args_match(const struct match *match, const struct pm_call *call)
{
	for (size_t i = 0; i < match->nargs; i++) {
		const struct arg_test *test = &match->args[i];
		uint64_t value = read_arg(test, call->args[test->index]) & test->mask;

		if ((test->has_equal && value != test->equal) ||
		    (test->has_min && arg_less(test->type, value, test->min)) ||
		    (test->has_max && arg_less(test->type, test->max, value)))
			return false;
	}
	return true;
}

bool match_names(const struct match *match, const struct pm_where *where)
{
	if (where->anonymous) {
		for (size_t i = 0; i < match->anonymous.n; i++)
			if (!fnmatch(match->anonymous.v[i], where->name, 0))
				return true;
		return false;
	}
	for (size_t i = 0; i < match->npatterns; i++)
		if (pattern_matches(&match->patterns[i], where->name) ||
		    (where->self_name && pattern_matches(&match->patterns[i], where->self_name)))
			return true;
	return false;
}

static bool path_matches(const struct match *match, struct pm_call *call, struct pm_item *item)
{
	bool matches = !match->nspellings;

	if (!match->npatterns && !match->anonymous.n && !match->nspellings)
		return true;
	if (item->kind != PM_ITEM_PATH)
		return false;
	for (size_t i = 0; i < match->nspellings && !matches; i++)
		matches = glob_matches(&match->spellings[i], (const char *)item->data);
	if (!matches || (!match->npatterns && !match->anonymous.n))
		return matches;
	return match_names(match, pm_item_where(call, item));
}

static enum address_use use_of(enum pm_class class)
{
	if (class == PM_CLASS_BIND)
		return ADDRESS_BIND;
	return class == PM_CLASS_SEND ? ADDRESS_SEND : ADDRESS_CONNECT;
}

/* Where the path of an AF_UNIX address leads; *has is whether there is one. */
static int resolve_unix(struct pm_call *call, const struct pm_item *item, enum pm_class class,
			struct pm_where *where, bool *has)
{
	char *path;
	int err;

	*has = false;
	err = address_unix_path(item->data, item->len, &path);
	if (err)
		return err == -ENOENT ? 0 : err;
	err = pm_call_resolve(call, path, class == PM_CLASS_BIND, where);
	free(path);
	*has = !err;
	return err;
}

int address_leads_on(const struct address *address, struct pm_call *call,
		     const struct pm_item *item, enum pm_class class)
{
	struct pm_where where;
	bool has;
	int err;

	if (address->kind != ADDRESS_UNIX_PATH)
		return 0;
	err = resolve_unix(call, item, class, &where, &has);
	if (err || !has)
		return err;
	err = !where.name || !pattern_matches(&address->path, where.name);
	pm_where_free(&where);
	return err;
}

static int address_rule_matches(const struct match *match, struct pm_call *call,
				const struct pm_item *item, enum pm_class class)
{
	struct pm_where where;
	bool has = false, by_path = false;
	int result = 0;

	if (!match->naddresses)
		return 1;
	if (item->kind != PM_ITEM_SOCKADDR)
		return 0;
	for (size_t i = 0; i < match->naddresses; i++)
		by_path |= match->addresses[i].kind == ADDRESS_UNIX_PATH;
	if (by_path) {
		result = resolve_unix(call, item, class, &where, &has);
		if (result)
			return result;
	}
	for (size_t i = 0; i < match->naddresses && !result; i++)
		result = address_matches(&match->addresses[i], use_of(class), item->data,
					 item->len, has ? where.name : NULL);
	if (has)
		pm_where_free(&where);
	return result;
}

static bool argv_matches(const struct match *match, char *const *argv, size_t argc)
{
	if (match->has_argc && (argc < match->argc_min || argc > match->argc_max))
		return false;
	if (match->argv_whole && argc != match->nargv)
		return false;
	for (size_t i = 0; i < match->nargv; i++) {
		const struct named_glob *want = &match->argv[i];

		if (want->index >= argc || fnmatch(want->glob, argv[want->index], 0))
			return false;
	}
	return true;
}

/* A variable may be there more than once: which one counts is the program's affair. */
static bool variable_matches(char *const *envp, size_t n, const char *name, const char *glob)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < n; i++)
		if (!strncmp(envp[i], name, len) && envp[i][len] == '=' &&
		    (!glob || !fnmatch(glob, envp[i] + len + 1, 0)))
			return true;
	return false;
}

static bool program_matches(const struct match *match, struct pm_call *call)
{
	const struct pm_item *argv, *envp;
	char **env;
	size_t nenv;

	if (match->nargv || match->has_argc) {
		argv = pm_call_item(call, PM_ITEM_STRV, "argv");
		if (!argv_matches(match, argv ? argv->strv : NULL, argv ? argv->nstr : 0))
			return false;
	}
	if (!match->nenv && !match->env_absent.n)
		return true;
	envp = pm_call_item(call, PM_ITEM_STRV, "envp");
	env = envp ? envp->strv : NULL;
	nenv = envp ? envp->nstr : 0;
	for (size_t i = 0; i < match->nenv; i++)
		if (!variable_matches(env, nenv, match->env[i].name, match->env[i].glob))
			return false;
	for (size_t i = 0; i < match->env_absent.n; i++)
		if (variable_matches(env, nenv, match->env_absent.v[i], NULL))
			return false;
	return true;
}

int rule_matches(const struct rule *rule, struct pm_call *call, struct pm_item *item,
		 enum pm_class class)
{
	const struct match *match = &rule->match;

	if (!rule_names_syscall(rule, call->name) || !args_match(match, call))
		return 0;
	if (rule->whole_call)
		return 1;
	if (!item || !(match->classes & PM_BIT(class)))
		return 0;
	if (!program_matches(match, call) || !path_matches(match, call, item))
		return 0;
	return address_rule_matches(match, call, item, class);
}

const char *rule_mismatch(const struct rule *rule, struct pm_call *call, struct pm_item *item,
			  enum pm_class class)
{
	const struct match *match = &rule->match;

	if (!rule_names_syscall(rule, call->name))
		return "another system call";
	if (!args_match(match, call))
		return "other arguments";
	if (!item)
		return "the call names nothing";
	if (!(match->classes & PM_BIT(class)))
		return "another class";
	if (!program_matches(match, call))
		return "other arguments or environment of the program";
	if (!path_matches(match, call, item))
		return match->nspellings ? "another file, or spelled otherwise" : "another file";
	return "another address";
}
