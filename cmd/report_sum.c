/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "report_sum.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

static uint64_t hash_span(uint64_t hash, const struct span *span)
{
	for (size_t i = 0; span->at && i < span->len; i++)
		hash = (hash ^ (unsigned char)span->at[i]) * 0x100000001b3ull;
	return (hash ^ 0xff) * 0x100000001b3ull;
}

static bool same_piece(const struct kind *kind, const struct piece *piece,
		       const struct span *span)
{
	return piece->len == (span->at ? span->len : 0) &&
	       !memcmp(kind->bytes + piece->at, span->at ? span->at : "", piece->len);
}

/* What makes a kind: these members, as they are written. */
static const struct {
	enum member member;
	size_t piece;
	bool of_rule;		/* makes a rule too */
} parts[] = {
	{ MEMBER_CALL, offsetof(struct kind, call), false },
	{ MEMBER_DEEP, offsetof(struct kind, deep), false },
	{ MEMBER_RAN, offsetof(struct kind, ran), false },
	{ MEMBER_RAN_CALL, offsetof(struct kind, ran_call), false },
	{ MEMBER_ERRNO, offsetof(struct kind, error), true },
	{ MEMBER_VALUE, offsetof(struct kind, value), true },
	{ MEMBER_RULE, offsetof(struct kind, rule), true },
	{ MEMBER_SOURCE, offsetof(struct kind, source), true },
	{ MEMBER_LAYER, offsetof(struct kind, layer), true },
};
#define NPARTS (sizeof(parts) / sizeof(parts[0]))

static const struct piece *piece_of(const struct kind *kind, size_t part)
{
	return (const struct piece *)(const void *)((const char *)kind + parts[part].piece);
}

static bool same_kind(const struct kind *kind, enum outcome_kind outcome,
		      const struct span members[NMEMBERS], bool rule)
{
	if (kind->outcome != outcome)
		return false;
	for (size_t i = 0; i < NPARTS; i++)
		if ((!rule || parts[i].of_rule) &&
		    !same_piece(kind, piece_of(kind, i), &members[parts[i].member]))
			return false;
	return true;
}

static struct kind *new_kind(enum outcome_kind outcome, const struct span members[NMEMBERS],
			     bool rule)
{
	struct kind *kind = calloc(1, sizeof(*kind));
	size_t len = 1;

	if (!kind)
		return NULL;
	for (size_t i = 0; i < NPARTS; i++)
		if (!rule || parts[i].of_rule)
			len += members[parts[i].member].len;
	kind->bytes = malloc(len);
	if (!kind->bytes) {
		free(kind);
		return NULL;
	}
	len = 0;
	for (size_t i = 0; i < NPARTS; i++) {
		const struct span *span = &members[parts[i].member];
		struct piece *piece = (struct piece *)(void *)((char *)kind + parts[i].piece);

		if (rule && !parts[i].of_rule)
			continue;
		*piece = (struct piece){ (uint32_t)len, (uint32_t)(span->at ? span->len : 0) };
		if (piece->len)
			memcpy(kind->bytes + len, span->at, piece->len);
		len += piece->len;
	}
	kind->outcome = outcome;
	kind->first = INT64_MAX;
	return kind;
}

/* *out is NULL where there are too many already. */
static int find_kind(struct kind **buckets, size_t *n, size_t most, size_t *bytes, enum outcome_kind outcome,
		     const struct span members[NMEMBERS], bool rule, struct kind **out)
{
	uint64_t hash = 0xcbf29ce484222325ull + outcome;
	size_t len = 0;
	struct kind **bucket;

	for (size_t i = 0; i < NPARTS; i++) {
		if (rule && !parts[i].of_rule)
			continue;
		hash = hash_span(hash, &members[parts[i].member]);
		len += members[parts[i].member].len;
	}
	bucket = &buckets[hash % BUCKETS];
	for (*out = *bucket; *out; *out = (*out)->next)
		if (same_kind(*out, outcome, members, rule))
			return 0;
	if (*n >= most || len > MAX_KIND_BYTES || *bytes + len > MAX_BYTES)
		return 0;
	*bytes += len;
	*out = new_kind(outcome, members, rule);
	if (!*out)
		return -ENOMEM;
	(*out)->next = *bucket;
	*bucket = *out;
	++*n;
	return 0;
}

static char *copy(const struct span *span)
{
	return span->at ? strndup(span->at, span->len) : strdup("\"?\"");
}

static bool same_text(const char *text, const struct span *span)
{
	return strlen(text) == span->len && !memcmp(text, span->at, span->len);
}

static int count_kind(struct kind *kind, int64_t time, const struct span *program)
{
	kind->count++;
	if (time >= 0 && time < kind->first)
		kind->first = time;
	if (time > kind->last)
		kind->last = time;
	if (!program->at)
		return 0;
	for (size_t i = 0; i < MAX_PROGRAMS; i++) {
		if (!kind->programs[i]) {
			kind->programs[i] = copy(program);
			return kind->programs[i] ? 0 : -ENOMEM;
		}
		if (same_text(kind->programs[i], program))
			return 0;
	}
	kind->more_programs = true;
	return 0;
}

/* A number is used again: another parent, or the beginning of a run, is another process. */
static struct process *find_process(struct sum *sum, int64_t pid, int64_t parent)
{
	struct process *process = sum->processes[(uint64_t)pid % BUCKETS];

	while (process && process->pid != pid)
		process = process->next;
	if (process && parent && process->parent && process->parent != parent)
		return NULL;
	return process;
}

static int add_process(struct sum *sum, int64_t pid, int64_t parent, struct process **out)
{
	struct process **bucket = &sum->processes[(uint64_t)pid % BUCKETS];

	*out = NULL;
	if (sum->nprocesses >= MAX_PROCESSES)
		return 0;
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	**out = (struct process){ .next = *bucket, .pid = pid, .parent = parent,
				  .number = sum->nprocesses++, .first = INT64_MAX };
	*bucket = *out;
	return 0;
}

/* JSON; "?" where the audit does not say it. */
static bool is_pointsman(const char *program)
{
	static const char end[] = "/pointsman\"";
	size_t len = strlen(program);

	return len >= sizeof(end) - 1 && !strcmp(program + len - (sizeof(end) - 1), end);
}

/* A process becomes another program: where there is no more room, in place of the last one. */
static int add_program(struct process *process, const struct span *program)
{
	size_t last = process->nprograms < MAX_EXECS ? process->nprograms : MAX_EXECS;
	char *text;

	if (last && program->at && same_text(process->programs[last - 1], program))
		return 0;
	text = copy(program);
	if (!text)
		return -ENOMEM;
	if (process->began && process->nprograms == 1 && is_pointsman(process->programs[0])) {
		free(process->programs[0]);
		process->nprograms = last = 0;
	}
	if (last == MAX_EXECS)
		free(process->programs[--last]);
	process->programs[last] = text;
	process->nprograms++;
	return 0;
}

static int count_process(struct sum *sum, const struct span members[NMEMBERS],
			 enum outcome_kind outcome, int64_t time)
{
	int64_t pid = span_number(&members[MEMBER_TGID], 0);
	int64_t parent = span_number(&members[MEMBER_PPID], 0);
	const struct span *program = &members[members[MEMBER_EXE].at ? MEMBER_EXE : MEMBER_COMM];
	struct process *process;
	int err;

	process = find_process(sum, pid, parent);
	if (!process) {
		err = add_process(sum, pid, parent, &process);
		if (err)
			return err;
		if (!process) {
			sum->other_processes++;
			return 0;
		}
	}
	if (!process->parent)
		process->parent = parent;
	process->counts[outcome]++;
	if (time >= 0 && time < process->first)
		process->first = time;
	if (time > process->last)
		process->last = time;
	return add_program(process, program);
}

static enum outcome_kind outcome_of(const struct span *verdict)
{
	return span_is(verdict, "redirect") ? WAS_REDIRECTED :
	       span_is(verdict, "deny")	    ? WAS_DENIED :
	       span_is(verdict, "value")    ? WAS_ANSWERED :
	       span_is(verdict, "kill")	    ? WAS_KILLED :
					      WAS_ALLOWED;
}

/*
 * What a page shows of what is named, as JSON: calls that differ in the rest are the same
 * to a reader.  An environment is long, and another one for each process.  NULL: what is
 * named is no object, or there is no memory, and it stays as it is.
 */
static char *shown_of(const struct span *deep)
{
	static const char *const unseen[] = { "arg", "classes", "missing", "nofollow" };
	char *text = strndup(deep->at, deep->len), *out = NULL;
	json_object *object = text ? json_tokener_parse(text) : NULL;

	if (json_object_is_type(object, json_type_object)) {
		json_object_object_del(object, "envp");
		json_object_object_foreach(object, role, item) {
			(void)role;
			if (!json_object_is_type(item, json_type_object))
				continue;
			for (size_t i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++)
				json_object_object_del(item, unseen[i]);
			if (json_object_object_get_ex(item, "name", NULL))
				json_object_object_del(item, "text");
		}
		out = strdup(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
	}
	json_object_put(object);
	free(text);
	return out;
}

/* Calls that were not just allowed, told apart by what they name. */
static int sum_kind(struct sum *sum, struct span members[NMEMBERS], enum outcome_kind outcome,
		    int64_t time)
{
	struct span inner[NMEMBERS], ran = members[MEMBER_RAN];
	char *deep = NULL, *ran_deep = NULL;
	struct kind *kind;
	int err;

	/* Its registers are others each time. */
	members[MEMBER_RAN] = (struct span){ 0 };
	if (ran.at && scan_object(&ran, inner)) {
		members[MEMBER_RAN] = inner[MEMBER_DEEP];
		members[MEMBER_RAN_CALL] = inner[MEMBER_CALL];
	}
	if (members[MEMBER_DEEP].at) {
		deep = shown_of(&members[MEMBER_DEEP]);
		if (deep)
			members[MEMBER_DEEP] = (struct span){ deep, strlen(deep) };
	}
	if (members[MEMBER_RAN].at) {
		ran_deep = shown_of(&members[MEMBER_RAN]);
		if (ran_deep)
			members[MEMBER_RAN] = (struct span){ ran_deep, strlen(ran_deep) };
	}
	err = find_kind(sum->kinds, &sum->nkinds, MAX_KINDS, &sum->kind_bytes, outcome, members,
			false, &kind);
	if (!err && kind)
		err = count_kind(kind, time,
				 &members[members[MEMBER_EXE].at ? MEMBER_EXE : MEMBER_COMM]);
	else if (!err)
		sum->other_kinds++;
	free(deep);
	free(ran_deep);
	return err;
}

static int sum_rule(struct sum *sum, struct span members[NMEMBERS], enum outcome_kind outcome,
		    int64_t time)
{
	struct kind *rule;
	int err;

	if (!members[MEMBER_RULE].at)
		return 0;
	err = find_kind(sum->rules, &sum->nrules, MAX_RULES, &sum->kind_bytes, outcome, members,
			true, &rule);
	if (!err && rule)
		err = count_kind(rule, time, &(struct span){ 0 });
	else if (!err)
		sum->other_rules++;
	return err;
}

static int sum_call(struct sum *sum, struct span members[NMEMBERS])
{
	enum outcome_kind outcome = outcome_of(&members[MEMBER_VERDICT]);
	int64_t time = span_time(&members[MEMBER_TIME]);
	int err;

	sum->calls++;
	sum->counts[outcome]++;
	sum->failed += members[MEMBER_FAILS].at != NULL;
	if (time >= 0 && (!sum->first || time < sum->first))
		sum->first = time;
	if (time > sum->last)
		sum->last = time;
	err = count_process(sum, members, outcome, time);
	if (!err)
		err = sum_rule(sum, members, outcome, time);
	if (!err && outcome != WAS_ALLOWED)
		err = sum_kind(sum, members, outcome, time);
	return err;
}

static int sum_start(struct sum *sum, const char *line, size_t len,
		     const struct span members[NMEMBERS])
{
	struct process *process;
	int err;

	if (sum->nruns < MAX_RUNS) {
		sum->runs[sum->nruns] = strndup(line, len);
		if (!sum->runs[sum->nruns])
			return -ENOMEM;
	}
	sum->nruns++;
	err = add_process(sum, span_number(&members[MEMBER_PID], 0), 0, &process);
	if (!err && process)
		process->began = true;
	return err;
}

int sum_line(struct sum *sum, const char *file, size_t number, const char *line, size_t len)
{
	struct span members[NMEMBERS];
	const char *why;

	if (!len)
		return 0;
	sum->lines++;
	why = scan_line(line, len, members);
	if (why) {
		if (sum->nbad < MAX_BAD)
			sum->bad[sum->nbad] = (struct bad_line){ number, why, file };
		sum->nbad++;
		return 0;
	}
	if (span_is(&members[MEMBER_TYPE], "call"))
		return sum_call(sum, members);
	if (span_is(&members[MEMBER_TYPE], "start"))
		return sum_start(sum, line, len, members);
	return 0;
}

static int compare_processes(const void *a, const void *b)
{
	const struct process *one = *(struct process *const *)a;
	const struct process *other = *(struct process *const *)b;

	return one->number < other->number ? -1 : one->number > other->number;
}

/*
 * The parent of a process: the one of that number that appeared last before it.  So
 * nothing is above itself.
 */
static struct process *find_parent(const struct sum *sum, const struct process *child)
{
	struct process *found = NULL;

	if (!child->parent)
		return NULL;
	for (struct process *at = sum->processes[(uint64_t)child->parent % BUCKETS]; at;
	     at = at->next)
		if (at->pid == child->parent && at->number < child->number &&
		    (!found || at->number > found->number))
			found = at;
	return found;
}

struct process *sum_tree(const struct sum *sum)
{
	struct process **list = calloc(sum->nprocesses + 1, sizeof(struct process *));
	struct process *tops = NULL, **end = &tops;
	size_t n = 0;

	for (size_t i = 0; list && i < BUCKETS; i++)
		for (struct process *at = sum->processes[i]; at; at = at->next)
			list[n++] = at;
	if (n)
		qsort(list, n, sizeof(*list), compare_processes);
	for (size_t i = 0; i < n; i++) {
		list[i]->above = find_parent(sum, list[i]);
		list[i]->end = &list[i]->children;
		list[i]->sibling = NULL;
		if (list[i]->above) {
			*list[i]->above->end = list[i];
			list[i]->above->end = &list[i]->sibling;
		} else {
			*end = list[i];
			end = &list[i]->sibling;
		}
	}
	free(list);
	return tops;
}

struct process *sum_walk(struct process *at, size_t *depth)
{
	if (at->children) {
		++*depth;
		return at->children;
	}
	while (at && !at->sibling) {
		at = at->above;
		if (at)
			--*depth;
	}
	return at ? at->sibling : NULL;
}

static void clear_kinds(struct kind **buckets)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		while (buckets[i]) {
			struct kind *kind = buckets[i];

			buckets[i] = kind->next;
			for (size_t p = 0; p < MAX_PROGRAMS; p++)
				free(kind->programs[p]);
			free(kind->bytes);
			free(kind);
		}
	}
}

void sum_clear(struct sum *sum)
{
	clear_kinds(sum->kinds);
	clear_kinds(sum->rules);
	for (size_t i = 0; i < BUCKETS; i++) {
		while (sum->processes[i]) {
			struct process *process = sum->processes[i];

			sum->processes[i] = process->next;
			for (size_t p = 0; p < MAX_EXECS; p++)
				free(process->programs[p]);
			free(process);
		}
	}
	for (size_t i = 0; i < sum->nruns && i < MAX_RUNS; i++)
		free(sum->runs[i]);
}
