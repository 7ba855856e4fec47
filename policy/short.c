/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * short.c - the short forms of the command line
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "rules.h"

__attribute__((format(printf, 3, 4)))
static int complain(char **error, const char *option, const char *format, ...)
{
	va_list args;
	char *what;
	int len;

	va_start(args, format);
	len = vasprintf(&what, format, args);
	va_end(args);
	if (len < 0)
		return -ENOMEM;
	len = asprintf(error, "%s: %s", option, what);
	free(what);
	if (len < 0) {
		*error = NULL;
		return -ENOMEM;
	}
	return -EINVAL;
}

/* FROM=TO, at the first "=" that no backslash comes before; "\=" in FROM is "=". */
static int split(const char *option, const char *form, const char *arg, char **from, char **to,
		 char **error)
{
	char *at, *copy = malloc(strlen(arg) + 1);

	if (!copy)
		return -ENOMEM;
	for (at = copy; *arg && *arg != '='; arg++) {
		if (arg[0] == '\\' && arg[1] == '=')
			arg++;
		*at++ = *arg;
	}
	*at = '\0';
	if (*arg != '=' || at == copy || !arg[1]) {
		int err = complain(error, option, "%s, expected %s",
				   *arg != '='	 ? "no '='" :
				   at == copy ? "nothing before '='" :
						"nothing after '='", form);

		free(copy);
		return err;
	}
	*from = copy;
	*to = strdup(arg + 1);
	if (!*to) {
		free(copy);
		*from = NULL;
	}
	return *to ? 0 : -ENOMEM;
}

/* A directory, or spelled as one. */
static bool is_tree(const char *path)
{
	struct stat st;

	if (path[strlen(path) - 1] == '/')
		return true;
	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* What is not there becomes what it leads to. */
static bool is_tree_to(const char *from, const char *to)
{
	struct stat st;

	return is_tree(from) || (lstat(from, &st) && is_tree(to));
}

/* For a message on what follows the first "=" and has another one. */
static const char *hint_of(const char *to)
{
	return strchr(to, '=') ? "; an '=' of what comes before is written '\\='" : "";
}

static int check_absolute(const char *option, const char *path, char **error)
{
	if (path[0] == '/')
		return 0;
	return complain(error, option, "'%s', expected an absolute path%s", path, hint_of(path));
}

static int add_pattern(struct rule *rule, enum pattern_kind kind, const char *text)
{
	struct match *match = &rule->match;
	int err;

	match->patterns = calloc(1, sizeof(*match->patterns));
	if (!match->patterns)
		return -ENOMEM;
	err = pattern_init(match->patterns, kind, text);
	match->npatterns = !err;
	return err;
}

static int fill_path(struct rule *rule, const char *from, const char *to, bool tree)
{
	int err;

	rule->action = PM_REDIRECT;
	rule->redirect.keep_rest = tree;
	err = add_pattern(rule, tree ? PATTERN_TREE : PATTERN_PATH, from);
	if (err)
		return err;
	err = name_init(&rule->redirect.path, to);
	rule->redirect.has_path = !err;
	return err;
}

/* Takes rule. */
static int finish(struct policy *policy, struct rule *rule, int err)
{
	if (!err)
		return policy_add_rule(policy, rule);
	rule_free(rule);
	return err;
}

static int add_file_rule(struct policy *policy, const char *option, const char *arg,
			 uint32_t classes, bool trees, char **error)
{
	struct rule *rule = NULL;
	char *from = NULL, *to = NULL;
	int err;

	*error = NULL;
	err = split(option, "FROM=TO", arg, &from, &to, error);
	if (!err)
		err = check_absolute(option, from, error);
	if (!err)
		err = check_absolute(option, to, error);
	if (!err) {
		rule = rule_new(option, NULL);
		err = rule ? fill_path(rule, from, to, trees && is_tree_to(from, to)) : -ENOMEM;
		if (rule) {
			rule->match.classes = classes;
			err = finish(policy, rule, err);
		}
	}
	free(from);
	free(to);
	return err;
}

int policy_add_path(struct policy *policy, const char *arg, char **error)
{
	return add_file_rule(policy, "--path", arg, CLASSES_PATH, true, error);
}

int policy_add_exec(struct policy *policy, const char *arg, char **error)
{
	return add_file_rule(policy, "--exec", arg, PM_BIT(PM_CLASS_EXEC), false, error);
}

/* hint comes after what is wrong. */
static int parse_address(const char *option, const char *text, const char *hint,
			 struct address *out, char **error)
{
	char *why = NULL;
	int err;

	err = address_parse(text, out, &why);
	if (err == -EINVAL && why)
		err = complain(error, option, "%s%s", why, hint);
	free(why);
	return err;
}

static int add_address(struct rule *rule, const char *option, const char *text,
		       const char *hint, char **error)
{
	struct match *match = &rule->match;
	int err;

	match->addresses = calloc(1, sizeof(*match->addresses));
	if (!match->addresses)
		return -ENOMEM;
	err = parse_address(option, text, hint, match->addresses, error);
	match->naddresses = !err;
	return err;
}

static int fill_connect(struct rule *rule, const char *from, const char *to, char **error)
{
	struct address *target = &rule->redirect.address;
	const struct address *source;
	unsigned int family;
	int err;

	rule->action = PM_REDIRECT;
	rule->match.classes = PM_BIT(PM_CLASS_CONNECT);
	err = add_address(rule, "--connect", from, "", error);
	if (!err)
		err = parse_address("--connect", to, hint_of(to), target, error);
	if (err)
		return err;
	rule->redirect.has_address = true;
	if (!address_is_one(target) || (target->spelling && strlen(target->spelling) > 107))
		return complain(error, "--connect", "'%s', expected one address to lead to", to);
	source = rule->match.addresses;
	family = address_family(target);
	if (source->kind == ADDRESS_IP ? family == AF_UNIX :
	    address_family(source) != family &&
		    !(source->kind == ADDRESS_IP6 && family == AF_INET))
		return complain(error, "--connect", "'%s' and '%s' are of different families", from,
				to);
	return 0;
}

int policy_add_connect(struct policy *policy, const char *arg, char **error)
{
	struct rule *rule = NULL;
	char *from = NULL, *to = NULL;
	int err;

	*error = NULL;
	err = split("--connect", "ADDR=ADDR", arg, &from, &to, error);
	if (!err) {
		rule = rule_new("--connect", NULL);
		err = rule ? fill_connect(rule, from, to, error) : -ENOMEM;
	}
	if (rule)
		err = finish(policy, rule, err);
	free(from);
	free(to);
	return err;
}

static bool is_errno_in_capitals(const char *text)
{
	char name[32];
	size_t len = strlen(text);

	if (len >= sizeof(name))
		return false;
	for (size_t i = 0; i <= len; i++)
		name[i] = (char)toupper((unsigned char)text[i]);
	return errno_by_name(name) > 0;
}

/*
 * Does what follows the last colon of a name look like an errno without being
 * spelled as one?  A number may be the port of an address.
 */
static bool is_unclear(const char *pattern, const char *end)
{
	bool name = pattern[0] == '/' || !strncmp(pattern, "unix:/", 6) ||
		    !strncmp(pattern, "unix:@", 6);

	return name && (!end[strspn(end, "0123456789")] || is_errno_in_capitals(end));
}

/* Cut ":ERRNO" off pattern, where it has one: only a name in capitals is taken for it. */
static int take_errno(char *pattern, int *out, char **error)
{
	char *colon = strrchr(pattern, ':');
	int err;

	*out = EACCES;
	if (!colon)
		return 0;
	if (colon[1] != 'E' ||
	    colon[1 + strspn(colon + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")])
		return is_unclear(pattern, colon + 1) ?
			       complain(error, "--deny",
					"'%s' after ':', expected a name such as EACCES; a name that "
					"ends in ':%s' is written with ':EACCES' after it",
					colon + 1, colon + 1) :
			       0;
	err = errno_by_name(colon + 1);
	if (err < 0) {
		struct nearest nearest = { .word = colon + 1 };

		errno_nearest(&nearest);
		return complain(error, "--deny",
				"'%s' is no errno, expected a name such as EACCES%s", colon + 1,
				nearest_hint(&nearest));
	}
	*colon = '\0';
	*out = err;
	return 0;
}

static int fill_deny(struct rule *rule, const char *pattern, char **error)
{
	enum pattern_kind kind = PATTERN_PATH;

	rule->action = PM_DENY;
	if (!*pattern)
		return complain(error, "--deny", "nothing, expected PATTERN[:ERRNO]");
	if (pattern[0] != '/') {
		bool address = strchr("0123456789[*", pattern[0]) || strchr(pattern, ':');

		rule->match.classes = CLASSES_ADDRESS;
		return add_address(rule, "--deny", pattern,
				   address ? "" : ", or an absolute path", error);
	}
	rule->match.classes = CLASSES_PATH;
	if (glob_special(pattern) && glob_flaw(pattern, true))
		return complain(error, "--deny", "'%s' has %s: never so", pattern,
				glob_flaw(pattern, true));
	if (glob_special(pattern))
		kind = PATTERN_GLOB;
	else if (is_tree(pattern))
		kind = PATTERN_TREE;
	return add_pattern(rule, kind, pattern);
}

int policy_add_deny(struct policy *policy, const char *arg, char **error)
{
	struct rule *rule;
	char *pattern;
	int err;

	*error = NULL;
	pattern = strdup(arg);
	rule = rule_new("--deny", NULL);
	if (!pattern || !rule) {
		free(pattern);
		rule_free(rule);
		return -ENOMEM;
	}
	err = take_errno(pattern, &rule->err, error);
	if (!err)
		err = fill_deny(rule, pattern, error);
	free(pattern);
	return finish(policy, rule, err);
}

static int fill_syscall(struct rule *rule, const char *from, const char *to, char **error)
{
	const char *both[] = { from, to };

	for (size_t i = 0; i < 2; i++) {
		if (syscall_flaw(both[i])) {
			struct nearest nearest = { .word = both[i] };

			syscall_nearest(&nearest);
			return complain(error, "--syscall", "'%s' %s%s", both[i],
					syscall_flaw(both[i]), nearest_hint(&nearest));
		}
		if (syscall_owns_registers(both[i]))
			return complain(error, "--syscall", "'%s' cannot be redirected%s", both[i],
					i ? " to" : "");
	}
	rule->whole_call = true;
	rule->action = PM_REDIRECT;
	rule->redirect.syscall = strdup(to);
	return rule->redirect.syscall ? texts_add(&rule->match.syscalls, from) : -ENOMEM;
}

int policy_add_syscall(struct policy *policy, const char *arg, char **error)
{
	struct rule *rule = NULL;
	char *from = NULL, *to = NULL;
	int err;

	*error = NULL;
	err = split("--syscall", "NAME=NAME", arg, &from, &to, error);
	if (!err) {
		rule = rule_new("--syscall", NULL);
		err = rule ? fill_syscall(rule, from, to, error) : -ENOMEM;
	}
	if (rule)
		err = finish(policy, rule, err);
	free(from);
	free(to);
	return err;
}
