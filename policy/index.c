/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * index.c - the rules that a name may be meant by
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index.h"
#include "rules.h"

#define HASH_START UINT64_C(0xcbf29ce484222325)

/* FNV-1a, for a name that grows. */
static uint64_t hash_on(uint64_t hash, char c)
{
	return (hash ^ (unsigned char)c) * UINT64_C(0x100000001b3);
}

static uint64_t hash_of(const char *name)
{
	uint64_t hash = HASH_START;

	while (*name)
		hash = hash_on(hash, *name++);
	return hash;
}

/* Where the list of a name is or would be; len of its bytes count. */
static struct index_list *find(const struct index *index, uint64_t hash, const char *name,
			       size_t len)
{
	size_t at = hash & (index->nslots - 1);

	for (;; at = (at + 1) & (index->nslots - 1)) {
		struct index_list *list = &index->slots[at];

		if (!list->name || (!strncmp(list->name, name, len) && !list->name[len]))
			return list;
	}
}

static int grow(struct index *index)
{
	struct index more = { .nslots = index->nslots ? index->nslots * 2 : 16 };

	more.slots = calloc(more.nslots, sizeof(*more.slots));
	if (!more.slots)
		return -ENOMEM;
	for (size_t i = 0; i < index->nslots; i++) {
		struct index_list *list = &index->slots[i];

		if (list->name)
			*find(&more, hash_of(list->name), list->name, strlen(list->name)) = *list;
	}
	free(index->slots);
	index->slots = more.slots;
	index->nslots = more.nslots;
	return 0;
}

int index_list_add(struct index_list *list, size_t i)
{
	if (list->n && list->rules[list->n - 1] == i)
		return 0;
	if (list->n == list->room) {
		size_t room = list->room ? list->room * 2 : 2;
		size_t *rules = reallocarray(list->rules, room, sizeof(*rules));

		if (!rules)
			return -ENOMEM;
		list->rules = rules;
		list->room = room;
	}
	list->rules[list->n++] = i;
	return 0;
}

static int add_name(struct index *index, const char *name, size_t i)
{
	struct index_list *list;

	if (index->used * 2 >= index->nslots && grow(index))
		return -ENOMEM;
	list = find(index, hash_of(name), name, strlen(name));
	index->used += !list->name;
	list->name = name;
	return index_list_add(list, i);
}

/* Does the rule mean nothing but files with names that begin with those of its patterns? */
static bool has_names(const struct rule *rule)
{
	for (size_t i = 0; i < rule->match.npatterns; i++)
		if (rule->match.patterns[i].kind == PATTERN_GLOB)
			return false;
	return !rule->whole_call && rule->match.npatterns;
}

int index_add(struct index *index, const struct rule *rule, size_t i)
{
	int err = 0;

	if (!has_names(rule))
		return index_list_add(&index->others, i);
	for (size_t p = 0; p < rule->match.npatterns; p++) {
		const struct name *name = &rule->match.patterns[p].name;

		for (size_t f = 0; f < name->nforms && !err; f++)
			err = add_name(index, name->form[f], i);
	}
	index->classes |= rule->match.classes;
	return err;
}

void index_clear(struct index *index)
{
	for (size_t i = 0; i < index->nslots; i++)
		free(index->slots[i].rules);
	free(index->slots);
	free(index->others.rules);
	*index = (struct index){ 0 };
}

void candidates_begin(const struct index *index, struct candidates *candidates)
{
	candidates->n = 0;
	if (!index->others.n)
		return;
	candidates->lists[0] = &index->others;
	candidates->at[0] = 0;
	candidates->n = 1;
}

static bool add_list(const struct index *index, uint64_t hash, const char *name, size_t len,
		     struct candidates *candidates)
{
	const struct index_list *list = find(index, hash, name, len);

	if (!list->name)
		return true;
	if (candidates->n == INDEX_LISTS)
		return false;
	candidates->lists[candidates->n] = list;
	candidates->at[candidates->n++] = 0;
	return true;
}

bool candidates_add(const struct index *index, const char *name, struct candidates *candidates)
{
	uint64_t hash = hash_on(HASH_START, '/');

	if (!index->nslots)
		return true;
	/* Of a path that leads nowhere. */
	if (name[0] != '/')
		return false;
	if (!add_list(index, hash, "/", 1, candidates))
		return false;
	for (size_t len = 1; name[len]; len++) {
		hash = hash_on(hash, name[len]);
		if ((name[len + 1] == '/' || !name[len + 1]) &&
		    !add_list(index, hash, name, len + 1, candidates))
			return false;
	}
	return true;
}

size_t candidates_next(struct candidates *candidates)
{
	size_t next = SIZE_MAX;

	for (size_t i = 0; i < candidates->n; i++) {
		const struct index_list *list = candidates->lists[i];

		if (candidates->at[i] < list->n && list->rules[candidates->at[i]] < next)
			next = list->rules[candidates->at[i]];
	}
	for (size_t i = 0; i < candidates->n; i++) {
		const struct index_list *list = candidates->lists[i];

		if (candidates->at[i] < list->n && list->rules[candidates->at[i]] == next)
			candidates->at[i]++;
	}
	return next;
}
