/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * model.h - what becomes of one system call of one task with filters
 *
 * Sections 3 to 5 of the semantics as a pure program: which filters run, and on what;
 * what the registers are afterwards; what signals do.  It makes no system call and keeps
 * no state.  All that the rules leave to others (what a filter returns, what a listener
 * answers, what a tracer does, what a call gives that runs, which signal comes when) is
 * asked of a world.  Out comes what the task sees, and, in the world's tell(), what the
 * others saw, in order.
 *
 * An exec is the end of a call like another, after which the registers are those of the new
 * program.  The stack may grow while a call waits (TSYNC by another thread): what the world
 * says of it then is for the next evaluation.
 *
 * Not in it: the errors of the two ioctls.  An answer is one that the kernel takes.  An
 * address in a pin is a value like another.
 *
 * Numbers of calls are those of one table.  Filters are counted from the outermost, 0.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <stdbool.h>
#include <stdint.h>

/* The registers of a call, as filters see them. */
struct model_call {
	int nr;
	uint64_t args[6];
};

enum model_flag {
	MODEL_CHAIN = 1,
	MODEL_KILLABLE_RECV = 2,	/* WAIT_KILLABLE_RECV */
	MODEL_KILLABLE = 4,		/* WAIT_KILLABLE */
	MODEL_KILL_ORPHANS = 8,
};

enum model_signal {
	MODEL_NO_SIGNAL,
	MODEL_SIGNAL_RESTARTS,		/* its handler has SA_RESTART */
	MODEL_SIGNAL_INTERRUPTS,	/* its handler has not */
	MODEL_SIGNAL_KILLS,
};

/* What is put in place of registers: by a redirect, or by a tracer. */
struct model_change {
	unsigned int mask;		/* bit i: args[i] */
	uint64_t args[6];
	bool changes_nr;
	int nr;
};

/* What a listener does with a notification. */
struct model_answer {
	enum {
		MODEL_CONTINUE,
		MODEL_VALUE,
		MODEL_ERROR,
		MODEL_REDIRECT,
		MODEL_CLOSE,		/* it is closed instead, before it was received or after */
	} kind;
	long value;			/* VALUE; ERROR: a number below 0 */
	struct model_change change;	/* REDIRECT */
	enum model_signal first;	/* comes before the notification is received */
	enum model_signal then;		/* comes between that and the answer */
	bool unseen;			/* CLOSE: it is not received */
};

/* What a tracer does at the stop of a filter. */
struct model_trace {
	bool skips;			/* the call; the task sees value */
	long value;
	struct model_change change;
	enum model_signal then;		/* comes before it goes on */
};

/* What a call does that runs. */
struct model_run {
	bool sleeps;			/* until a signal, or until value is there */
	bool forks;			/* a child starts with a copy of the registers */
	bool execs;			/* another program starts, whose registers are all 0 */
	long value;
	enum model_signal then;		/* sleeps: what comes; else value comes */
	/* How it takes a signal; forks: RESTARTNOINTR, where one is pending. */
	enum { MODEL_RESTARTSYS, MODEL_RESTARTNOHAND } interrupted;
};

/* What others than the task see, in order. */
struct model_event {
	enum {
		MODEL_SAW_NOTIFICATION,	/* received by the listener of a filter */
		MODEL_SAW_UNRECEIVED,	/* it is there for that listener to receive */
		MODEL_SAW_STOP,		/* a tracer's, with the data of a filter */
		MODEL_SAW_LOG,
		MODEL_SAW_SLEEP,	/* the call that runs sleeps */
	} kind;
	int filter;
	unsigned int data;
	struct model_call call;		/* but for UNRECEIVED */
};

/* What the handler of a signal sees in its frame. */
struct model_frame {
	enum { MODEL_FRAME_NONE, MODEL_FRAME_SIGSYS, MODEL_FRAME_SIGNAL } kind;
	enum model_signal signal;
	unsigned int data;		/* SIGSYS: of the filter */
	int nr;				/* SIGSYS: si_syscall */
	long result;			/* the register of the result */
	uint64_t args[6];
};

#define MODEL_FRAMES 8

/* What the task sees of it. */
struct model_outcome {
	enum {
		MODEL_RETURNED,
		MODEL_KILLED_SIGSYS,
		MODEL_KILLED_SIGKILL,
		MODEL_KILLED_UNHANDLED,	/* by a signal that a new program found pending */
	} end;
	long result;			/* the register */
	uint64_t args[6];
	bool ran;			/* something did, at last */
	struct model_call run;
	bool forked, execed;
	uint64_t child[6];		/* the registers that it starts with */
	int frames;
	struct model_frame frame[MODEL_FRAMES];
	unsigned int evaluations;	/* 1, and one more for each restart */
	unsigned int segments;		/* that were run in the last evaluation */
	/*
	 * A signal was pending when the task began to wait for a listener who may
	 * receive the notification before the task finds the signal, or after: what
	 * comes out depends on who is faster.
	 */
	bool race;
};

struct model_world {
	int filters;			/* that the next evaluation runs */
	bool tracer;
	unsigned int (*flags)(struct model_world *, int filter);
	/* Does the filter have a listener that is open? */
	bool (*listens)(struct model_world *, int filter);
	/* A value as the filter's program returns it. */
	uint32_t (*returns)(struct model_world *, int filter, const struct model_call *);
	struct model_answer (*answers)(struct model_world *, int filter, const struct model_call *);
	struct model_trace (*traces)(struct model_world *, const struct model_call *);
	struct model_run (*runs)(struct model_world *, const struct model_call *);
	void (*tell)(struct model_world *, const struct model_event *);	/* NULL: nobody */
};

/* What becomes of the call that a task makes. */
void model_call(struct model_world *world, const struct model_call *made,
		struct model_outcome *outcome);

#endif
