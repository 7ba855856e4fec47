/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * layers.h - layers of the library, calls that a program makes below them, and what comes
 * out: by the rules, and by a supervised program
 *
 *   stack_random()	makes one, of a number
 *   stack_expect()	asks the model what comes out
 *   stack_play()	does it: pm_exec(), a program, signals
 *   stack_differs()	compares
 *   stack_shrink()	makes a stack that differs as small as it can be
 *
 * To the model a layer is a chain filter with a listener of its own whose notifications
 * only a fatal signal interrupts: what the layer decides is what the listener answers.
 *
 * A path is an address to the model.  In the program it lies there; what a layer sees, or
 * puts in its place, is a text, which stands for the address where the program has it.
 */
#ifndef MODEL_LAYERS_H
#define MODEL_LAYERS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "world.h"

#define MAX_LAYERS 5
#define MAX_RULES 3
#define MAX_CALLS 300
#define MAX_STEPS 6
#define MAX_NOTES 64
/* A signal a step, and one that ends pause(). */
_Static_assert(MAX_STEPS + 1 <= MODEL_FRAMES, "a frame has no room");
#define ANY 255

/* The calls under test.  The last two name a path. */
enum { LSEEK, READ, GETPPID, PAUSE, VFORK, READLINKAT, OPENAT, NUMBERS };
extern const int numbers[NUMBERS];

/* What the program has. */
#define FD_NONE 104
#define FD_DIR 105 /* the same names as in the working directory */
#define BUFFER 0x40000000UL /* a page */
#define NAMES 0x50000000UL /* a page of paths */
#define NAME_SPACE 64
#define ALL_NAMES 10
extern const char *const names[ALL_NAMES];
/* "link N" is what link N leads to, here or in FD_DIR; a file of N has so many bytes. */
#define NAME_LINKS 4 /* the first are links, the next files */
#define NAME_FILES 8
#define LINK_LEN(name, dir) (10 + 10 * (dir) + (name))
#define FILE_LEN(name, dir) (100 + 100 * (dir) + (name))

/* What a layer does about a call. */
struct says {
	enum { SAY_ALLOW, SAY_CHANGE, SAY_DENY, SAY_VALUE, SAY_KILL, SAY_FAIL } what;
	bool log;
	int err; /* DENY, FAIL */
	int64_t value;
	struct model_change change; /* CHANGE; a path: args[1], an address in NAMES */
};

struct rule {
	uint8_t call, half; /* of numbers[]; of an argument; or ANY */
	uint32_t value;
	struct says says;
};

/* What a layer says of one call under test. */
struct opinion {
	int rules;
	struct rule rule[MAX_RULES];
	struct says otherwise;
};

struct layer {
	unsigned int wants; /* bit n: numbers[n] */
	bool handler; /* decides in a process of its own */
	bool concurrent;
};

/* What others do about the n'th thing that happens: a layer is asked, or a call sleeps. */
struct step {
	enum model_signal asked, sleep;
};

struct one {
	struct model_call call;
	struct opinion opinion[MAX_LAYERS];
	struct step step[MAX_STEPS];
};

struct stack {
	bool silent; /* the backend does not tell of all results: none counts */
	int layers;
	struct layer layer[MAX_LAYERS]; /* 0 is the innermost */
	int calls;
	struct one one[MAX_CALLS];
};

/* What is seen beside the program, in order. */
struct note {
	enum {
		NOTE_CALL, /* the observer is told */
		NOTE_ASKED, /* layer is asked */
		NOTE_VERDICT, /* the observer is told what it said, and what it made of it */
		NOTE_ANSWER, /* ... and what comes of it; layer decided */
		NOTE_SLEEP, /* the call that runs sleeps */
		NOTE_RESULT, /* the observer is told */
	} kind;
	int layer;
	int action; /* VERDICT, ANSWER: enum pm_action */
	bool log;
	int64_t value; /* what is denied with, answered, or the result */
	struct model_call call; /* as it stands; SLEEP: what the kernel has */
};

struct result {
	struct model_outcome outcome; /* but for what ran: see found */
	int found; /* readlinkat, openat: what; else 0 */
	int notes;
	struct note note[MAX_NOTES];
};

struct results {
	int calls;
	const char *stuck;
	struct result result[MAX_CALLS];
};

void stack_random(struct stack *s, uint64_t seed, uint64_t number);
void stack_expect(const struct stack *s, struct results *results);

/* Of a call, as the layer sees it. */
const struct says *layer_says(const struct stack *s, int layer, int call_index,
			      const struct model_call *call);

/* Once, before the first play: 0 or -errno.  Of program: what is run with "task" and a number. */
int stack_prepare(const char *program, const char *backend);
void stack_play(const struct stack *s, const struct results *expected, struct results *got);

/* The first call that differs, or -1. */
int stack_differs(const struct results *expected, const struct results *got);
int stack_shrink(struct stack *s);
void stack_print(FILE *out, const struct stack *s);
void stack_print_results(FILE *out, const struct results *expected, const struct results *got,
			 int call);

/* ---- between stack_play() and the program ---- */

struct seen {
	struct registers after;
	volatile int ended; /* the status of who made it, where that is dead */
	volatile int frames;
	struct model_frame frame[MODEL_FRAMES];
	volatile bool forked;
	uint64_t child[6];
	int found;
};

struct shared {
	int calls;
	struct model_call call[MAX_CALLS];
	bool sleeps[MAX_CALLS];
	volatile int current, done, step, watch;
	volatile pid_t task;
	volatile int notes[MAX_CALLS];
	struct note note[MAX_CALLS][MAX_NOTES];
	struct seen seen[MAX_CALLS];
};

/* The program: makes the calls of shared. */
int task_main(struct shared *shared);

#endif
