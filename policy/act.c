/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * act.c - what a redirect does to a call
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"

/* What follows the tree in which the rule found the file; NULL: it did not. */
static const char *rest_below(const struct match *match, const char *path)
{
	const char *rest;

	for (size_t i = 0; path && i < match->npatterns; i++) {
		rest = name_rest(&match->patterns[i].name, path);
		if (rest)
			return rest;
	}
	return NULL;
}

/* Is the file what the redirect would lead to already? */
static bool is_there(const struct redirect *redirect, const char *path)
{
	if (!path)
		return false;
	return redirect->keep_rest ? name_rest(&redirect->path, path) != NULL :
				     name_is(&redirect->path, path);
}

/* A new string, or NULL. */
static char *join(const char *to, const char *rest, const char *end)
{
	const size_t sizes[] = { strlen(to), strlen(rest), strlen(end) + 1 };
	char *path = malloc(sizes[0] + sizes[1] + sizes[2]);

	if (!path)
		return NULL;
	memcpy(path, to, sizes[0]);
	memcpy(path + sizes[0], rest, sizes[1]);
	memcpy(path + sizes[0] + sizes[1], end, sizes[2]);
	return path;
}

/*
 * A tree may have links below it, and a name that had one on its way when the policy was
 * read has it still: those are walked at once.
 */
static bool leads_straight(const struct redirect *redirect, struct pm_call *call,
			   struct pm_item *item)
{
	return !redirect->keep_rest && redirect->path.nforms == 1 &&
	       pm_item_leads_straight(call, item);
}

static int act_on_path(const struct rule *rule, struct pm_call *call, struct pm_item *item,
		       struct acted *acted)
{
	const struct redirect *redirect = &rule->redirect;
	const struct pm_where *where = pm_item_where(call, item);
	const char *to = redirect->path.form[0], *rest = "", *end = "";
	char *path;
	int err;

	if (is_there(redirect, where->name) || is_there(redirect, where->self_name))
		return 0;
	if (redirect->keep_rest) {
		rest = rest_below(&rule->match, where->name);
		if (!rest)
			rest = rest_below(&rule->match, where->self_name);
		if (!rest)
			return -EINVAL;
		if (*rest && !strcmp(to, "/"))
			to = "";
	}
	/* "dir/" and "dir/." ask for a directory, "dir/." for one by no name of its own. */
	if (where->slash)
		end = where->dots ? "/." : "/";
	path = join(to, rest, end);
	if (!path)
		return -ENOMEM;
	err = pm_call_set_path(call, item, path);
	free(path);
	if (err)
		return err;
	acted->changed = acted->path = true;
	if (acted->alone && leads_straight(redirect, call, item))
		return 0;
	where = pm_item_where(call, item);
	acted->beyond = !is_there(redirect, where->name) && !is_there(redirect, where->self_name);
	return 0;
}

static int act_on_address(const struct rule *rule, struct pm_call *call, struct pm_item *item,
			  enum pm_class class, struct acted *acted)
{
	enum address_use use = class == PM_CLASS_BIND ? ADDRESS_BIND :
			       class == PM_CLASS_SEND ? ADDRESS_SEND :
							ADDRESS_CONNECT;
	struct sockaddr_storage to;
	int len, err;

	len = address_replace(&rule->redirect.address, use, item->data, item->len, &to);
	if (len < 0)
		return len;
	if ((size_t)len == item->len && !memcmp(&to, item->data, (size_t)len))
		return 0;
	err = pm_call_set_sockaddr(call, item, &to, (size_t)len);
	if (err)
		return err;
	acted->changed = true;
	err = address_leads_on(&rule->redirect.address, call, item, class);
	acted->beyond = err > 0;
	return err < 0 ? err : 0;
}

/* A new vector of texts that are others'. */
static int set_strv(struct pm_call *call, struct pm_item *item, char **strv, bool *changed)
{
	int err = pm_call_set_strv(call, item, strv);

	if (!err)
		*changed = true;
	return err;
}

static int act_on_argv(const struct redirect *redirect, struct pm_call *call, bool *changed)
{
	const struct texts *prepend = &redirect->argv_prepend;
	struct pm_item *argv;
	size_t n = 0;
	char **strv;
	int err;

	if (!redirect->argv.n && !prepend->n)
		return 0;
	argv = pm_call_item(call, PM_ITEM_STRV, "argv");
	if (!argv)
		return -EINVAL;
	strv = calloc(prepend->n + redirect->argv.n + argv->nstr + 1, sizeof(*strv));
	if (!strv)
		return -ENOMEM;
	for (size_t i = 0; i < prepend->n; i++)
		strv[n++] = prepend->v[i];
	for (size_t i = 0; i < redirect->argv.n; i++)
		strv[n++] = redirect->argv.v[i];
	for (size_t i = 0; !redirect->argv.n && i < argv->nstr; i++)
		strv[n++] = argv->strv[i];
	err = set_strv(call, argv, strv, changed);
	free(strv);
	return err;
}

static size_t length_of_name(const char *variable)
{
	return strcspn(variable, "=");
}

static bool is_replaced(const struct redirect *redirect, const char *variable)
{
	size_t len = length_of_name(variable);

	for (size_t i = 0; i < redirect->env_unset.n; i++)
		if (strlen(redirect->env_unset.v[i]) == len &&
		    !memcmp(redirect->env_unset.v[i], variable, len))
			return true;
	for (size_t i = 0; i < redirect->env_set.n; i++)
		if (length_of_name(redirect->env_set.v[i]) == len &&
		    !memcmp(redirect->env_set.v[i], variable, len))
			return true;
	return false;
}

static int act_on_env(const struct redirect *redirect, struct pm_call *call, bool *changed)
{
	struct pm_item *envp;
	size_t n = 0;
	char **strv;
	int err;

	if (!redirect->env_set.n && !redirect->env_unset.n)
		return 0;
	envp = pm_call_item(call, PM_ITEM_STRV, "envp");
	if (!envp)
		return redirect->env_set.n ? -EINVAL : 0;
	strv = calloc(envp->nstr + redirect->env_set.n + 1, sizeof(*strv));
	if (!strv)
		return -ENOMEM;
	for (size_t i = 0; i < envp->nstr; i++)
		if (!is_replaced(redirect, envp->strv[i]))
			strv[n++] = envp->strv[i];
	if (n == envp->nstr && !redirect->env_set.n) {
		free(strv);
		return 0;
	}
	for (size_t i = 0; i < redirect->env_set.n; i++)
		strv[n++] = redirect->env_set.v[i];
	err = set_strv(call, envp, strv, changed);
	free(strv);
	return err;
}

/*
 * The arguments that a script's interpreter gets are made by the kernel: they
 * are not there to be changed.
 */
static int act_on_program(const struct redirect *redirect, struct pm_call *call,
			  const struct pm_item *item, bool *changed)
{
	int err;

	if (item->arg == PM_NO_REGISTER && (redirect->argv.n || redirect->argv_prepend.n))
		return -EACCES;
	err = act_on_argv(redirect, call, changed);
	return err ? err : act_on_env(redirect, call, changed);
}

int act_on_item(const struct rule *rule, struct pm_call *call, struct pm_item *item,
		enum pm_class class, bool again, struct acted *acted)
{
	const struct redirect *redirect = &rule->redirect;
	int err = 0;

	if (redirect->has_address && item->kind == PM_ITEM_SOCKADDR)
		return act_on_address(rule, call, item, class, acted);
	if (item->kind != PM_ITEM_PATH)
		return 0;
	/* argv and environment first: they leave what where was found. */
	if (class == PM_CLASS_EXEC && !again)
		err = act_on_program(redirect, call, item, &acted->changed);
	if (!err && redirect->has_path)
		err = act_on_path(rule, call, item, acted);
	return err;
}

static int act_on_number(const struct redirect *redirect, struct pm_call *call, bool *changed)
{
	int nr = pm_syscall_number(call->arch, redirect->syscall);
	int err;

	if (nr < 0)
		return -ENOSYS;
	if (nr == call->nr)
		return 0;
	err = pm_call_set_nr(call, nr);
	if (!err)
		*changed = true;
	return err;
}

bool acts_on_items_alone(const struct redirect *redirect)
{
	return !redirect->nargs && !redirect->syscall;
}

int act_on_call(const struct rule *rule, struct pm_call *call, unsigned int *done, bool *changed)
{
	const struct redirect *redirect = &rule->redirect;
	unsigned int set = 0;
	int err = 0;

	for (size_t i = 0; i < redirect->nargs && !err; i++) {
		const struct arg_change *change = &redirect->args[i];

		if (*done & 1u << change->index || call->args[change->index] == change->value)
			continue;
		err = pm_call_set_arg(call, change->index, change->value);
		if (!err)
			*changed = true;
		set |= 1u << change->index;
	}
	if (!err && redirect->syscall && !(*done & ACT_NUMBER)) {
		err = act_on_number(redirect, call, changed);
		set |= ACT_NUMBER;
	}
	*done |= set;
	return err;
}
