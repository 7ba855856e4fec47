/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * landlock.c - a Landlock rule set that holds all that the policies allow
 *
 * It is a backstop: what the policies let pass must pass here too, so each
 * part of it errs on the side of more.  A class is restricted where some
 * policy's default for it is not allow.  What may run in a restricted class is
 * what the allow rules of such a policy name, and what any policy redirects
 * to.  An unrestricted class reaches everything.  Each right of Landlock is
 * needed by some classes; a right that one of them needs everywhere is left
 * alone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "interpreter.h"
#include "landlock.h"
#include "rules.h"

#define MAKE (LL_MAKE_CHAR | LL_MAKE_DIR | LL_MAKE_REG | LL_MAKE_SOCK | LL_MAKE_FIFO | \
	      LL_MAKE_BLOCK | LL_MAKE_SYM)
#define REMOVE (LL_REMOVE_DIR | LL_REMOVE_FILE)
#define OF_FILES (LL_EXECUTE | LL_WRITE_FILE | LL_READ_FILE | LL_TRUNCATE)
#define MAX_SCRIPTS 4	/* a script whose interpreter is a script ... */

/*
 * The rights that a class needs: on a file itself, and on the directory that
 * its name is in.  link(2) needs REFER on both sides: that of the file (link)
 * and that of the new name (create).
 */
static const struct {
	enum pm_class class;
	uint64_t on_file, on_directory;
} needs[] = {
	{ PM_CLASS_OPEN_READ, LL_READ_FILE | LL_READ_DIR, 0 },
	{ PM_CLASS_OPEN_WRITE, LL_WRITE_FILE | LL_TRUNCATE, 0 },
	{ PM_CLASS_EXEC, LL_EXECUTE | LL_READ_FILE, 0 },
	{ PM_CLASS_CREATE, 0, MAKE | LL_REFER },
	{ PM_CLASS_REMOVE, 0, REMOVE },
	{ PM_CLASS_RENAME, 0, MAKE | REMOVE | LL_REFER },
	{ PM_CLASS_LINK, 0, LL_REFER },
	{ PM_CLASS_BIND, 0, LL_MAKE_SOCK },
};

/* Rights on what is at and below a path. */
struct grant {
	char *path;
	uint64_t rights;
};

/*
 * A plan for a rule set.
 *
 * Owner: policy_landlock_prepare().
 */
struct plan {
	struct policy *const *policies;
	size_t npolicies;
	struct grant *grants;
	size_t ngrants;
	uint64_t everywhere;	/* rights that are needed everywhere */
	bool any_program;	/* programs that are not known one by one */
	uint32_t held;		/* classes that the rule set restricts, when it is made */
	char *note;
};

__attribute__((format(printf, 2, 3)))
static int add_note(struct plan *plan, const char *format, ...)
{
	char *what, *more;
	va_list args;
	int len;

	va_start(args, format);
	len = vasprintf(&what, format, args);
	va_end(args);
	if (len < 0)
		return -ENOMEM;
	if (!plan->note) {
		plan->note = what;
		return 0;
	}
	len = asprintf(&more, "%s; %s", plan->note, what);
	free(what);
	if (len < 0)
		return -ENOMEM;
	free(plan->note);
	plan->note = more;
	return 0;
}

static int add_grant(struct plan *plan, const char *path, uint64_t rights)
{
	struct grant *more;

	if (!rights)
		return 0;
	if (!strcmp(path, "/")) {
		plan->everywhere |= rights;
		return 0;
	}
	for (size_t i = 0; i < plan->ngrants; i++) {
		if (!strcmp(plan->grants[i].path, path)) {
			plan->grants[i].rights |= rights;
			return 0;
		}
	}
	more = reallocarray(plan->grants, plan->ngrants + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	plan->grants = more;
	more[plan->ngrants].path = strdup(path);
	more[plan->ngrants].rights = rights;
	return more[plan->ngrants].path ? (plan->ngrants++, 0) : -ENOMEM;
}

static int grant_directory(struct plan *plan, const char *path, uint64_t rights)
{
	char *dir = strdup(path), *slash;
	int err;

	if (!dir)
		return -ENOMEM;
	slash = strrchr(dir, '/');
	slash[slash == dir] = '\0';
	err = add_grant(plan, dir, rights);
	free(dir);
	return err;
}

static bool is_restricted(const struct plan *plan, enum pm_class class)
{
	for (size_t i = 0; i < plan->npolicies; i++)
		if (plan->policies[i]->fallback[class].action != PM_ALLOW)
			return true;
	return false;
}

/* The classes of the calls that a rule about whole calls, or their registers, is about. */
static uint32_t classes_of_calls(const struct rule *rule)
{
	uint32_t classes = 0;

	if (!rule->match.syscalls.n)
		return CLASSES_ALL;
	for (size_t i = 0; i < rule->match.syscalls.n; i++)
		classes |= pm_syscall_classes(rule->match.syscalls.v[i]);
	return classes;
}

/* Classes in which a rule may let anything at all happen. */
static uint32_t classes_anywhere(const struct rule *rule)
{
	const struct match *match = &rule->match;
	uint32_t classes = 0;

	if (rule->action != PM_ALLOW && rule->action != PM_REDIRECT)
		return 0;
	if (rule->whole_call)
		classes = classes_of_calls(rule);
	/* Other registers or another number make another call of it. */
	if (rule->action == PM_REDIRECT && rule->redirect.nargs)
		classes |= classes_of_calls(rule);
	if (rule->action == PM_REDIRECT && rule->redirect.syscall)
		classes |= pm_syscall_classes(rule->redirect.syscall);
	if (rule->redirect.has_path || rule->redirect.has_address)
		return classes;
	if (!match->npatterns && !match->anonymous.n && !match->naddresses)
		classes |= match->classes;
	return classes;
}

/* May the file at path be another one later, by what the policies allow? */
static bool may_be_replaced(const struct plan *plan, const char *path)
{
	static const enum pm_class classes[] = { PM_CLASS_CREATE, PM_CLASS_RENAME };

	for (size_t c = 0; c < 2; c++) {
		if (!is_restricted(plan, classes[c]))
			return true;
		for (size_t i = 0; i < plan->npolicies; i++) {
			const struct policy *policy = plan->policies[i];

			for (size_t r = 0; r < policy->nrules; r++) {
				const struct rule *rule = policy->rules[r];

				if (classes_anywhere(rule) & PM_BIT(classes[c]))
					return true;
				if (rule->action != PM_ALLOW ||
				    !(rule->match.classes & PM_BIT(classes[c])))
					continue;
				for (size_t p = 0; p < rule->match.npatterns; p++)
					if (pattern_matches(&rule->match.patterns[p], path))
						return true;
			}
		}
	}
	return false;
}

/* What the kernel opens to run a program is not asked about: it must be let through. */
static int grant_interpreters(struct plan *plan, const char *program)
{
	char *path = strdup(program), *next = NULL;
	int err = path ? 0 : -ENOMEM;

	for (int i = 0; !err && i < MAX_SCRIPTS; i++) {
		err = interpreter_of(path, &next);
		if (err)
			break;
		free(path);
		path = next;
		if (path[0] == '/')
			err = add_grant(plan, path, LL_EXECUTE | LL_READ_FILE);
	}
	free(path);
	return err == -ENOMEM ? err : 0;
}

/* A file that there is no use to name: its directory, unless that is all there is. */
static int grant_missing(struct plan *plan, const char *path, uint64_t rights)
{
	const char *slash = strrchr(path, '/');
	char *dir = strndup(path, (size_t)(slash - path));
	struct stat st;
	int err;

	if (!dir)
		return -ENOMEM;
	if (slash != path && !stat(dir, &st))
		err = add_grant(plan, dir, rights);
	else
		err = add_note(plan, "no rule for %s: it is not there", path);
	free(dir);
	return err;
}

/* One file, in one class. */
static int grant_file(struct plan *plan, const char *path, enum pm_class class, uint64_t rights)
{
	struct stat st;
	int err = 0;

	if (stat(path, &st))
		return grant_missing(plan, path, rights);
	if (class == PM_CLASS_EXEC)
		err = grant_interpreters(plan, path);
	if (err)
		return err;
	if (S_ISDIR(st.st_mode))
		return add_grant(plan, path, rights & LL_READ_DIR);
	if (S_ISREG(st.st_mode) && may_be_replaced(plan, path))
		return grant_directory(plan, path, rights);
	return add_grant(plan, path, rights & OF_FILES);
}

static int grant_name(struct plan *plan, const struct name *name, bool tree, size_t need)
{
	int err = 0;

	for (size_t i = 0; i < name->nforms && !err; i++) {
		const char *path = name->form[i];
		struct stat st;

		if (tree && (stat(path, &st) || S_ISDIR(st.st_mode))) {
			if (needs[need].class == PM_CLASS_EXEC)
				plan->any_program = true;
			err = add_grant(plan, path,
					needs[need].on_file | needs[need].on_directory);
			continue;
		}
		if (needs[need].on_file)
			err = grant_file(plan, path, needs[need].class, needs[need].on_file);
		if (!err)
			err = grant_directory(plan, path, needs[need].on_directory);
	}
	return err;
}

static int grant_pattern(struct plan *plan, const struct pattern *pattern, size_t need)
{
	char *dir, *clean;
	size_t rest;
	int err;

	if (pattern->kind != PATTERN_GLOB)
		return grant_name(plan, &pattern->name, pattern->kind == PATTERN_TREE, need);
	if (needs[need].class == PM_CLASS_EXEC)
		plan->any_program = true;
	dir = glob_directory(pattern->globs[0].text, &rest);
	clean = dir ? path_clean(dir) : NULL;
	err = clean ? add_grant(plan, clean, needs[need].on_file | needs[need].on_directory) :
		      -ENOMEM;
	free(clean);
	free(dir);
	return err;
}

/* Sockets are files where they have paths. */
static int grant_address(struct plan *plan, const struct address *address, size_t need)
{
	if (address->kind == ADDRESS_UNIX ||
	    (address->kind == ADDRESS_FAMILY && address->family == AF_UNIX)) {
		plan->everywhere |= needs[need].on_directory;
		return 0;
	}
	return address->kind == ADDRESS_UNIX_PATH ? grant_pattern(plan, &address->path, need) : 0;
}

/* What a rule may let happen in a class; denies tells whether its policy restricts it. */
static int grant_rule(struct plan *plan, const struct rule *rule, size_t need, bool denies)
{
	const struct redirect *redirect = &rule->redirect;
	const struct match *match = &rule->match;
	uint32_t bit = PM_BIT(needs[need].class);
	int err = 0;

	if (classes_anywhere(rule) & bit && (denies || rule->action == PM_REDIRECT)) {
		plan->everywhere |= needs[need].on_file | needs[need].on_directory;
		return 0;
	}
	if (!(match->classes & bit))
		return 0;
	if (redirect->has_path)
		return grant_name(plan, &redirect->path, redirect->keep_rest, need);
	if (redirect->has_address)
		return grant_address(plan, &redirect->address, need);
	if (!denies || (rule->action != PM_ALLOW && rule->action != PM_REDIRECT))
		return 0;
	for (size_t i = 0; i < match->npatterns && !err; i++)
		err = grant_pattern(plan, &match->patterns[i], need);
	for (size_t i = 0; i < match->naddresses && !err; i++)
		err = grant_address(plan, &match->addresses[i], need);
	return err;
}

static int grant_class(struct plan *plan, size_t need)
{
	int err = 0;

	if (!is_restricted(plan, needs[need].class)) {
		plan->everywhere |= needs[need].on_file | needs[need].on_directory;
		return 0;
	}
	for (size_t i = 0; i < plan->npolicies; i++) {
		const struct policy *policy = plan->policies[i];
		bool denies = policy->fallback[needs[need].class].action != PM_ALLOW;

		for (size_t r = 0; r < policy->nrules && !err; r++)
			err = grant_rule(plan, policy->rules[r], need, denies);
	}
	return err;
}

/* Where programs are not known one by one, neither are their loaders. */
static int grant_loaders(struct plan *plan)
{
	glob_t found = { 0 };
	int err = 0;

	if (glob("/lib{,32,64,x32}/ld{-*,.so*}", GLOB_BRACE, NULL, &found) == GLOB_NOSPACE)
		return -ENOMEM;
	for (size_t i = 0; i < found.gl_pathc && !err; i++)
		err = add_grant(plan, found.gl_pathv[i], LL_EXECUTE | LL_READ_FILE);
	globfree(&found);
	return err ? err : add_note(plan, "loaders of programs are let through in /lib only");
}

static int open_ruleset(uint64_t *handled)
{
	int fd;

	/* TRUNCATE came later than the rest. */
	for (;;) {
		fd = (int)syscall(LL_SYS_CREATE_RULESET, handled, sizeof(*handled), 0);
		if (fd >= 0)
			return fd;
		if (errno != EINVAL || !(*handled & LL_TRUNCATE))
			break;
		*handled &= ~LL_TRUNCATE;
	}
	return errno == ENOSYS || errno == EINVAL ? -EOPNOTSUPP : -errno;
}

static int add_rule(struct plan *plan, int ruleset, const char *path, uint64_t rights)
{
	struct ll_path_beneath beneath = { .allowed_access = rights };
	struct stat st;
	int err = 0;

	beneath.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (beneath.parent_fd < 0)
		return add_note(plan, "no rule for %s: %s", path, strerror(errno));
	if (fstat(beneath.parent_fd, &st))
		err = -errno;
	else if (!S_ISDIR(st.st_mode))
		beneath.allowed_access &= OF_FILES;
	if (!err && beneath.allowed_access &&
	    syscall(LL_SYS_ADD_RULE, ruleset, LL_RULE_PATH_BENEATH, &beneath, 0))
		/* EBADFD: a file that has no place in a tree, which Landlock lets through. */
		err = errno == EBADFD ? 0 : -errno;
	close(beneath.parent_fd);
	return err;
}

static int fill_ruleset(struct plan *plan, int ruleset, uint64_t handled)
{
	int err = 0;

	if (plan->everywhere & LL_REFER)
		err = add_rule(plan, ruleset, "/", LL_REFER);
	for (size_t i = 0; i < plan->ngrants && !err; i++)
		if (plan->grants[i].rights & handled)
			err = add_rule(plan, ruleset, plan->grants[i].path,
				       plan->grants[i].rights & handled);
	return err;
}

/*
 * The classes that are denied by default and whose every right is restricted.
 * To make or move a name takes the right to make it, with that to come from
 * elsewhere or without; of the file that a link is made to nothing else counts.
 */
static void find_held(struct plan *plan, uint64_t handled)
{
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		uint64_t rights = needs[i].on_file | needs[i].on_directory;

		if (rights != LL_REFER)
			rights &= ~LL_REFER;
		if (is_restricted(plan, needs[i].class) && !(rights & ~handled) &&
		    !(rights & plan->everywhere))
			plan->held |= PM_BIT(needs[i].class);
	}
}

/* What is denied by default and not held by the rule set. */
static int note_unheld(struct plan *plan)
{
	char list[512] = "";
	size_t len = 0;

	for (int class = 0; class < PM_NCLASSES; class++) {
		bool held = !is_restricted(plan, (enum pm_class)class) ||
			    plan->held & PM_BIT(class);

		if (!held && len < sizeof(list))
			len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
						len ? ", " : "",
						pm_class_name((enum pm_class)class));
	}
	return len ? add_note(plan, "not restricted by it: %s", list) : 0;
}

static int make_plan(struct plan *plan)
{
	int err = 0;

	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]) && !err; i++)
		err = grant_class(plan, i);
	if (!err && plan->any_program && !(plan->everywhere & LL_EXECUTE))
		err = grant_loaders(plan);
	return err;
}

static int make_ruleset(struct plan *plan)
{
	uint64_t handled;
	int fd, err;

	err = make_plan(plan);
	if (err)
		return err;
	handled = LL_ALL & ~plan->everywhere;
	/* REFER is denied by every rule set that does not speak of it. */
	if (!(handled & ~LL_REFER))
		return -ENOENT;
	handled |= LL_REFER;
	fd = open_ruleset(&handled);
	if (fd < 0)
		return fd;
	err = fill_ruleset(plan, fd, handled);
	if (!err) {
		find_held(plan, handled);
		err = note_unheld(plan);
	}
	if (!err)
		err = add_note(plan, "no file system can be mounted under it, and no file moved or "
			       "linked to where more is allowed");
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

int policy_landlock_prepare(struct policy *const *policies, size_t n, uint32_t *classes,
			    char **note)
{
	struct plan plan = { .policies = policies, .npolicies = n };
	int result;

	result = make_ruleset(&plan);
	for (size_t i = 0; i < plan.ngrants; i++)
		free(plan.grants[i].path);
	free(plan.grants);
	if (result < 0) {
		free(plan.note);
		plan.note = NULL;
	}
	*note = plan.note;
	*classes = result < 0 ? 0 : plan.held;
	return result;
}

int policy_landlock_restrict(int ruleset)
{
	return syscall(LL_SYS_RESTRICT_SELF, ruleset, 0) ? -errno : 0;
}
