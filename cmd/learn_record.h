/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * learn_record.h - what the calls of an audit named, and the policy that allows it
 */
#ifndef POINTSMAN_LEARN_RECORD_H
#define POINTSMAN_LEARN_RECORD_H

#include <stdio.h>

#include <json-c/json.h>

#include "learn_tree.h"

/* What has no path: addresses, what is anonymous, strings. */
struct learned_name {
	int class;			/* enum pm_class */
	char *text;			/* as a policy says it */
	struct used used;
};

/*
 * Owner: whoever holds the struct; learned_clear().
 */
struct learned {
	const char *cwd, *home;
	struct name_node *root;
	struct learned_name *addresses, *anonymous, *strings;
	size_t naddresses, nanonymous, nstrings;
	unsigned long long calls;	/* that counted */
};

/* Returns 0 or -ENOMEM. */
int learned_init(struct learned *learned, const char *cwd, const char *home);
void learned_clear(struct learned *learned);

/* A line of an audit, of type "call".  Returns 0 or -ENOMEM. */
int learned_add(struct learned *learned, json_object *call);

/*
 * learn_write.c: fold, and write the rules, each with so many blanks before its dash.
 * Returns 0 or -ENOMEM.
 */
int learned_write(struct learned *learned, FILE *to, int indent);

#endif
