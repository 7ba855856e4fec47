/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * policy.h - policy files and their short forms, as layers
 */
#ifndef POINTSMAN_POLICY_H
#define POINTSMAN_POLICY_H

#include <pointsman/pointsman.h>

struct policy;

/*
 * Read a policy file.  Returns 0 with *out set, owned by the caller, or a
 * negative errno with *error set to one line without a newline, owned by the
 * caller, "FILE:LINE:COLUMN: what is wrong, and what was expected" (FILE:
 * alone where the file cannot be read).
 */
int policy_load(const char *file, struct policy **out, char **error);

/*
 * Its two halves, for who reads a file once, and makes a policy of it where its
 * paths lead elsewhere: policy_read() leaves the caller *len bytes, policy_parse()
 * makes a policy of them, name standing for the file in messages.
 */
int policy_read(const char *file, char **bytes, size_t *len, char **error);
int policy_parse(const char *name, const char *bytes, size_t len, struct policy **out,
		 char **error);
void policy_free(struct policy *policy);

/*
 * A policy from the short forms of the command line, in their order; default
 * allow.  policy_add_*() take the option's argument as it was written.
 * Return 0, -ENOMEM, or -EINVAL with *error as "--path: what is wrong".
 */
int policy_new(const char *name, struct policy **out);
int policy_add_path(struct policy *policy, const char *arg, char **error);	/* FROM=TO */
int policy_add_exec(struct policy *policy, const char *arg, char **error);	/* FROM=TO */
int policy_add_connect(struct policy *policy, const char *arg, char **error);	/* ADDR=ADDR */
int policy_add_deny(struct policy *policy, const char *arg, char **error);	/* PATTERN[:ERRNO] */
int policy_add_syscall(struct policy *policy, const char *arg, char **error);	/* NAME=NAME */

/* The policy as a layer; valid as long as the policy. */
struct pm_layer *policy_layer(struct policy *policy);
/* PM_UNSAFE_* that the policy asks to leave out. */
unsigned int policy_unsafe(const struct policy *policy);

/*
 * A step of a decision: a rule is asked about one class of one thing that the call
 * names.  Strings are the policy's.
 */
struct policy_step {
	const struct pm_item *item;	/* NULL: the call as a whole, which names nothing */
	enum pm_class class;		/* of item */
	const char *rule;		/* "rules[3]"; NULL: no rule has matched, this is the default */
	const char *source;		/* "policy.yaml:12", or NULL */
	const char *why_not;		/* what keeps the rule from matching; NULL: it decides */
	bool guards;			/* it decides since files would get other names */
	enum pm_action action;		/* of the rule or default */
	int err;
	int64_t value;
};

/*
 * Have somebody told of each step, in order, by the code that decides; NULL: nobody.
 * watch lives as long as the policy.
 */
struct policy_watch {
	void *data;
	void (*tell)(void *data, const struct policy_step *step);
};
void policy_watch(struct policy *policy, const struct policy_watch *watch);

/*
 * A Landlock rule set of the trees that all these policies allow: a backstop
 * below the redirects.  Policies whose default for a class is not deny
 * restrict nothing in it.  policy_landlock_prepare() returns a rule set's
 * descriptor (close-on-exec), -ENOENT where nothing would be restricted,
 * -EOPNOTSUPP without Landlock, or another negative errno; what it could not
 * express it says in *note (owned by the caller, or NULL), and in *classes the
 * PM_BIT()s of those that it holds: a call of them that is led elsewhere fails.
 * policy_landlock_restrict() applies it to the calling thread, which has
 * no_new_privs set; 0 or a negative errno.
 */
int policy_landlock_prepare(struct policy *const *policies, size_t n, uint32_t *classes,
			    char **note);
int policy_landlock_restrict(int ruleset);

#endif
