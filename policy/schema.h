/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * schema.h - what a policy file may say, and a file as it says it
 *
 * docs/policy.md tells what each key means.  A list that was not given has no
 * entries, a text that was not given is NULL.
 */
#ifndef POINTSMAN_SCHEMA_H
#define POINTSMAN_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include "tree.h"

/* One or several texts. */
struct file_texts {
	char **texts;
	uint32_t n;
};

/* "NAME: VALUE" for any names; name is NULL where a list was given. */
struct file_pair {
	char *name;
	char *value;
};

struct file_pairs {
	struct file_pair *pairs;
	uint32_t n;
};

/* A test of an argument (all but value), or its change (index and value). */
struct file_arg {
	char *index, *as;
	char *equal, *mask, *min, *max;
	char *value;
};

struct file_args {
	struct file_arg *args;
	uint32_t n;
};

struct file_redirect {
	char *path, *tree, *address, *program, *syscall;
	struct file_texts argv, argv_prepend, env_unset;
	struct file_pairs env_set;
	struct file_args args;
};

struct file_outcome {
	int allow, kill;
	char *deny;
};

struct file_class_outcome {
	char *name;
	struct file_outcome value;
};

struct file_class_outcomes {
	struct file_class_outcome *outcomes;
	uint32_t n;
};

struct file_rule {
	/* Which calls. */
	struct file_texts classes, syscalls;
	/* What they name. */
	struct file_texts path, tree, glob, anonymous, spelling, address;
	struct file_pairs argv, env;
	struct file_texts env_absent;
	char *argc;
	struct file_args args;
	/* What happens. */
	int allow, kill, log;
	char *deny, *value;
	struct file_redirect *redirect;
};

struct file_rules {
	struct file_rule *rules;
	uint32_t n;
};

struct file_unsafe {
	int *what;	/* PM_UNSAFE_* */
	uint32_t n;
};

struct file_policy {
	char *version;
	struct file_outcome *fallback;	/* "default" */
	struct file_class_outcomes fallbacks;	/* "defaults" */
	struct file_unsafe unsafe;
	struct file_rules rules;
};

/*
 * What the tree says, by the schema.  Returns 0, -ENOMEM, or -EINVAL with a
 * complaint.
 */
int schema_load(const char *name, const struct node *tree, struct file_policy **out,
		struct complaint *complaint);
void schema_free(struct file_policy *policy);

#endif
