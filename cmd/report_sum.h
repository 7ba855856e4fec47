/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * report_sum.h - an audit, summed up line by line
 *
 * What is kept is bounded, however long the audit is: kinds of calls, processes and
 * bad lines over a limit are only counted.
 */
#ifndef POINTSMAN_REPORT_SUM_H
#define POINTSMAN_REPORT_SUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report_scan.h"

enum {
	MAX_KINDS = 20000,	/* of calls that were not just allowed */
	MAX_RULES = 10000,
	MAX_PROCESSES = 20000,
	MAX_RUNS = 200,
	MAX_BAD = 100,
	MAX_KIND_BYTES = 16384,	/* of what is told of one */
	MAX_BYTES = 64 << 20,	/* of all of them */
	MAX_PROGRAMS = 3,	/* by which a kind of call was made */
	MAX_EXECS = 6,		/* programs that a process was: the first ones and the last */
};

enum outcome_kind { WAS_ALLOWED, WAS_REDIRECTED, WAS_DENIED, WAS_ANSWERED, WAS_KILLED, NOUTCOMES };

/* A text as the audit has it, JSON; its member is at an offset of the whole. */
struct piece {
	uint32_t at, len;
};

/* Calls that are the same but for when and by whom. */
struct kind {
	struct kind *next;	/* in its bucket */
	enum outcome_kind outcome;
	unsigned long long count;
	int64_t first, last;
	char *bytes;
	struct piece call, deep, ran, ran_call, error, value, rule, source, layer;
	char *programs[MAX_PROGRAMS];	/* JSON; NULL: no more */
	bool more_programs;
};

struct process {
	struct process *next;	/* in its bucket */
	int64_t pid, parent;	/* parent is 0 where nothing tells it */
	size_t number;		/* in the order of appearance */
	bool began;		/* a run: it was pointsman before the command */
	int64_t first, last;
	char *programs[MAX_EXECS];	/* JSON, one after the other */
	size_t nprograms;		/* more than MAX_EXECS: those between the last two are left out */
	unsigned long long counts[NOUTCOMES];
	/* For the tree. */
	struct process *above, *children, *sibling, **end;
};

struct bad_line {
	size_t number;
	const char *why;
	const char *file;
};

#define BUCKETS 8192

/*
 * Owner: whoever holds the struct; sum_clear().
 */
struct sum {
	size_t lines;
	unsigned long long calls, failed, counts[NOUTCOMES];
	int64_t first, last;
	struct kind *kinds[BUCKETS];
	size_t nkinds, kind_bytes;
	unsigned long long other_kinds;		/* calls */
	struct kind *rules[BUCKETS];		/* kinds without what is named */
	size_t nrules;
	unsigned long long other_rules;
	struct process *processes[BUCKETS];
	size_t nprocesses;
	unsigned long long other_processes;	/* calls of them */
	char *runs[MAX_RUNS];			/* start lines */
	size_t nruns;
	struct bad_line bad[MAX_BAD];
	size_t nbad;
};

/* Take a line in, without its newline; file is its name, to be kept.  0 or -ENOMEM. */
int sum_line(struct sum *sum, const char *file, size_t number, const char *line, size_t len);
void sum_clear(struct sum *sum);

/*
 * Hang each process below its parent, in the order of appearance.  Returns the first of
 * those that have none; NULL: there are no processes, or no memory.  sum_walk() goes on
 * from one to the next, and counts how deep that is.
 */
struct process *sum_tree(const struct sum *sum);
struct process *sum_walk(struct process *at, size_t *depth);

#endif
