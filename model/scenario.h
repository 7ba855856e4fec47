/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * scenario.h - a stack of filters, calls that a task makes below it, and what everybody
 * does about them: by the model, and by the kernel that runs
 *
 *   scenario_random()   makes one, of a number
 *   scenario_expect()   asks the model what comes out
 *   scenario_play()     does it: a task, a supervisor, a tracer
 *   scenario_differs()  compares
 *   scenario_shrink()   makes a scenario that differs as small as it can be
 *   scenario_print()    writes it as a C program that does it again
 *
 * What calls do that run is the same in both: see world_runs() in scenario.c.
 */
#ifndef MODEL_SCENARIO_H
#define MODEL_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "world.h"

#define MAX_FILTERS 5
#define MAX_RULES 3
#define MAX_CALLS 24
#define MAX_STEPS 5
#define MAX_EVENTS 24
#define ANY 255

/*
 * One rule of a program: for the call (an index of numbers[], or ANY) with an argument of
 * which a half (0 … 11, or ANY) is in a relation to a value.
 */
struct rule {
	uint8_t call, half;
	enum { RULE_EQUAL, RULE_AT_LEAST, RULE_ANY_BIT } relation;
	uint32_t value;
	uint32_t returns;
};

struct filter {
	unsigned int flags;		/* enum model_flag */
	bool listener, redirects;
	/*
	 * By the task itself; by its second thread, for all threads (TSYNC); or by that one
	 * when a step says so.  The thread is there from the first that is not the task's, and
	 * all are for all threads from then on; what follows one that comes late is late too.
	 */
	enum { BY_TASK, BY_THREAD, LATE } by;
	bool sync;			/* SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP */
	int rules;
	struct rule rule[MAX_RULES];
	uint32_t otherwise;		/* for a number under test; all others are allowed */
};

/* What is done about the n'th thing that happens to a call, whatever it is. */
struct step {
	struct model_answer answer;
	struct model_trace trace;
	enum model_signal sleep;
	bool late;			/* the next filter is installed, while the task waits for that */
};

struct one {
	bool narrow;			/* by int 0x80, from 64-bit code; call.nr is of the other table */
	struct model_call call;
	struct step step[MAX_STEPS];
};

struct scenario {
	int filters;
	struct filter filter[MAX_FILTERS];	/* 0 is the outermost */
	bool tracer;
	int calls;
	struct one one[MAX_CALLS];
};

/* What became of one call. */
struct result {
	struct model_outcome outcome;
	int events;
	struct model_event event[MAX_EVENTS];
	int redirects;			/* by the model */
};

struct results {
	int installed[MAX_FILTERS];	/* 0, or -errno */
	int tried;			/* by the model: how many filters; the others came too late */
	int calls;			/* that were made: the last may have killed the task */
	struct result result[MAX_CALLS];
	const char *stuck;		/* NULL: all went as it should, by itself */
};

/* The calls under test.  An index of it stands for a call in rules. */
#define NUMBERS 8
extern const int numbers[NUMBERS];
/* The same in the 32-bit table. */
int number_in(int nr, bool narrow);
/* How many filters are installed before the first call. */
int early_filters(const struct scenario *s);
/* Is the next one installed at this step?  Not where nobody receives it. */
bool late_at_answer(const struct step *step);
/* A change of a call of that table: other values do not fit there. */
struct model_change change_in(const struct model_change *change, bool narrow);

/* Descriptors and memory that the task has; see scenario_prepare(). */
#define FD_SLEEP_END 101		/* the other end of FD_SLEEP */
#define FD_NONE 104
#define BUFFER 0x40000000UL		/* a page */
/*
 * A page of paths, each of a link of its own, for readlink() and execve(): the last one leads
 * to the program of the task, the others nowhere.  The pin, in which they are in another
 * order, is made when a redirect first needs it, and stays until an exec.
 */
#define NAMES 0x50000000UL
#define PIN 0x60000000UL
#define NAME_SPACE 64
#define ALL_NAMES 7
#define NAME_PROGRAM (ALL_NAMES - 1)
#define LINK_LEN(name) (3 + (name))
#define IN_PIN(value) ((value) >= PIN && (value) < PIN + ALL_NAMES * NAME_SPACE)

enum random_kind {
	RANDOM_STOCK = 1,		/* nothing that a stock kernel does not have */
};

void scenario_random(struct scenario *s, uint64_t seed, uint64_t number, unsigned int kind);

/* False where it depends on who is faster: it is not to be played. */
bool scenario_expect(const struct scenario *s, struct results *results);

/* Once, before the first play.  0 or -errno. */
int scenario_prepare(void);
void scenario_play(const struct scenario *s, struct results *results);

/* The first call that differs, or -1; where the installation does, 0. */
int scenario_differs(const struct results *expected, const struct results *got);

/* Plays it again and again; s still differs afterwards.  Returns how often it was played. */
int scenario_shrink(struct scenario *s);

void scenario_print(FILE *out, const struct scenario *s);
void results_print(FILE *out, const struct results *expected, const struct results *got, int call);

/* Play, compare, tell: what a printed scenario does in its main(). */
int scenario_check(const struct scenario *s);

/* Are numbers behind a table refused to a redirect, and none in it?  Says what is not. */
bool edges_hold(void);

/* May a filter have a listener beside one whose listener is closed?  Says what is not so. */
bool closed_excludes_none(void);

/* A filter's program, for the kernel: returns how many instructions it has. */
#define PROGRAM_MAX 80
struct sock_filter;
int program_of(const struct filter *f, struct sock_filter *insn);

#endif
