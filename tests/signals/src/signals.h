/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * signals.h - what the programs of tests/signals share
 *
 *	PROGRAM TEST MODE
 *
 * Each is run twice: by itself, where all is as it seems, and under a policy that
 * redirects what it does (signals.sh).  What it checks holds in both runs, whenever
 * signals come: a call has had its effect once and says so, or fails with an errno
 * that the kernel has for it and has had none.  MODE says which signals come:
 *
 *	restart	1000 a second at each thread that asks, with a handler of SA_RESTART
 *	plain	the same without SA_RESTART
 *	ignored	1000 a second, which the program ignores
 *	stops	SIGSTOP and SIGCONT from outside (storm.c)
 *
 * A check that fails says so on standard error and ends the process with 1.  What
 * was made is printed, "made WHERE HOW-MANY", to be counted from outside.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define check(what)                                                                   \
	do {                                                                          \
		if (!(what)) {                                                        \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #what, \
				strerror(errno));                                     \
			_exit(1);                                                     \
		}                                                                     \
	} while (0)

#define array_size(array) (sizeof(array) / sizeof((array)[0]))

enum mode { MODE_RESTART, MODE_PLAIN, MODE_IGNORED, MODE_STOPS };

/* A test that a program has by its name. */
struct test {
	const char *name;
	void (*run)(void);
};

/* Runs the one that argv[1] names. */
int signals_main(const struct test *tests, size_t n, int argc, char **argv);

extern enum mode mode;
/* Are the signals such as no call may fail for?  It may do a part of what it is to do. */
bool unnoticed(void);
extern bool supervised; /* are we under the policy? */
extern unsigned long rounds; /* of a loop: SIGNALS_ROUNDS */
/* Below the directory SIGNALS_FROM.  Each thread has four answers at a time. */
const char *place(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* How many there were; a handler that asks for some puts it back to what it was. */
extern _Thread_local unsigned int places;

/* What storm.c and the program that it stops know of each other. */
struct shared {
	atomic_int pid; /* of the program, 0 when it is not to be stopped */
	atomic_ulong progress; /* of the program */
	atomic_ulong stops; /* how many there were */
};
/* The mapping of the file SIGNALS_SHARED. */
struct shared *shared_map(void);

/*
 * Signals come at the calling thread from now on, or no more.  How many came to it is
 * in ticks, where there is a handler.
 */
extern _Thread_local volatile unsigned long ticks;
void signals_begin(void);
void signals_end(void);
/* For handlers that take longer than a tick may: the next one comes after so long, and no other. */
void signals_again(long nanoseconds);

/* Is there another round to do?  There is until enough signals have come. */
bool another(unsigned long done);

/*
 * A call that waits for something outside has ended: with its result, which is for
 * the caller to check (true), or interrupted, if it may be, and then by a signal: ticks
 * were before when it was made (false).
 */
bool ended(ssize_t result, unsigned long before);
/* How often it was interrupted. */
extern _Thread_local unsigned long interrupted;

/* Threads without signals, which serve the one that is tested. */
struct helper;
struct helper *helper_start(void *(*run)(void *), void *data);
void helper_join(struct helper *helper);
/*
 * Sleep, to let the other one wait: longer and longer, until it has been interrupted
 * for once where it can be, however slow the machine is.
 */
void pace(long nanoseconds);

uint64_t now(void); /* of CLOCK_MONOTONIC, in ns */

#endif
