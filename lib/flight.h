/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * flight.h - a call in flight: what every backend does with it, from its
 * reading to what the observer is told
 */
#ifndef POINTSMAN_FLIGHT_H
#define POINTSMAN_FLIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "call.h"
#include "chain.h"
#include "note.h"
#include "regs.h"
#include "script.h"

/*
 * Calls in flight that can change how a thread sees the tree, or what it may do there; and
 * how many of them there were.
 */
struct view_changes {
	unsigned int now;
	uint64_t made;
};

/* A call in flight. Owner: its thread. */
struct flight {
	struct pm_call call;
	struct pm_run run;
	struct outcome outcome;
	struct slot slot;
	struct regs original, substituted;
	size_t step;			/* of run */
	bool issued;			/* the next step is in the registers, not yet in a call */
	bool as_made;			/* number and arguments are still those of the registers */
	bool told;			/* the observer knows of the call */
	bool tell;			/* RESULT is wanted */
	bool beside;			/* makes a child of its parent's, not yet announced */
	bool listener;			/* installs a filter with a listener */
	bool filter;			/* installs a filter */
	bool asks_tracer;		/* that may ask for a tracer */
	bool undecided;			/* diverted before anybody has decided on it */
	bool forced;			/* the result is forced_result, at the exit stop */
	bool no_links;			/* ELOOP can mean that a link was swapped in */
	bool no_create;			/* ENOENT can mean that the file went */
	int64_t forced_result;
	struct program program;		/* what execve must run */
	struct view_changes *changes;	/* it is one of these, or NULL */
	struct note note;		/* it came by this, and not by a stop */
	bool diverted;			/* it came by one, and runs at a stop after all */
};

/* As it was made; NULL: no memory.  flight_free() gives back all of it. */
struct flight *flight_new(const struct pm_options *options, pid_t tgid, pid_t tid, uint32_t arch,
			  int nr, const uint64_t args[6], uint64_t id);
void flight_free(struct flight *flight);

/*
 * Read what its pointers name, from the memory of its thread; its vectors only where they are
 * wanted.  As pm_call_read().
 */
int flight_read(struct flight *flight, bool vectors);

/*
 * Ask the layers.  Returns 0, or the error that the kernel would give before it
 * came to what they are asked about: nobody was told then.
 */
int flight_decide(const struct pm_options *options, struct flight *flight);

/* Do the layers let it run? */
bool flight_runs(const struct flight *flight);

/* Does it run as it was made, whatever becomes of that meanwhile (PM_UNSAFE_RACES)? */
bool flight_runs_as_made(const struct pm_options *options, const struct flight *flight);

/*
 * Tell what will happen, before it does: what keeps the file the same, and 0 or
 * the positive errno with which it fails though it was allowed.  A failure of the
 * observer is a denial.
 */
void flight_tell(const struct pm_options *options, struct flight *flight, const char *holds,
		 int fails);
void flight_tell_result(const struct pm_options *options, struct flight *flight, int64_t result);

/* The library denies it, err a negative errno; the observer is told of the call. */
void flight_refuse(const struct pm_options *options, struct flight *flight, int err,
		   const char *rule);

#endif
