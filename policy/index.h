/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * index.h - the rules that a name may be meant by
 *
 * However many rules a policy has, few mean one file.  Rules that mean paths and
 * trees are found by these, for the name itself and for each directory above it;
 * all others (globs, addresses, whole calls) are always asked.
 */
#ifndef POINTSMAN_INDEX_H
#define POINTSMAN_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rule;

/* Indices of rules, in their order. */
struct index_list {
	const char *name;	/* a form of a name of theirs, which lives as long as they */
	size_t *rules;
	size_t n, room;
};

/*
 * Owner: the policy; zeroed is empty.  Rules are added in their order.
 */
struct index {
	struct index_list *slots;	/* a hash table, at most half full */
	size_t nslots, used;
	struct index_list others;	/* not found by a name */
	uint32_t classes;		/* of those that are */
};

/* Return 0 or -ENOMEM. */
int index_list_add(struct index_list *list, size_t i);

/* Return 0 or -ENOMEM, after which the index is of no use. */
int index_add(struct index *index, const struct rule *rule, size_t i);
void index_clear(struct index *index);

#define INDEX_LISTS 64

/*
 * A walk over rules in their order, each at most once.
 *
 * Owner: who asks, on the stack.
 */
struct candidates {
	const struct index_list *lists[INDEX_LISTS];
	size_t at[INDEX_LISTS];
	size_t n;
};

/* Begin with the rules that are always asked. */
void candidates_begin(const struct index *index, struct candidates *candidates);
/*
 * And those for a clean name.  False: it is not absolute, or they are more than can be
 * held; ask all rules.
 */
bool candidates_add(const struct index *index, const char *name, struct candidates *candidates);
/* The next rule, or SIZE_MAX. */
size_t candidates_next(struct candidates *candidates);

#endif
