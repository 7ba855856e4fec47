/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * play.h - what the supervisor of a played scenario (play.c) and its task (play_task.c) share
 *
 * The task has the memory and the descriptors of the supervisor.  It is a process of its
 * own, with its own handlers and filters.
 */
#ifndef MODEL_PLAY_H
#define MODEL_PLAY_H

#include <linux/filter.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>

#include "scenario.h"

/* One for each call. */
struct seen {
	struct registers after;
	volatile int frames;
	struct model_frame frame[MODEL_FRAMES];
	volatile bool forked;
	uint64_t child[6];
};

struct shared {
	const struct scenario *s;
	struct sock_filter insn[MAX_FILTERS][PROGRAM_MAX];
	struct sock_fprog program[MAX_FILTERS];
	unsigned long flags[MAX_FILTERS];
	volatile long installed[MAX_FILTERS];
	volatile int ready, go;		/* futexes */
	volatile int current, done;
	struct seen seen[MAX_CALLS];
	char stack[65536] __attribute__((aligned(64)));
};

extern struct shared shared;

/* No errno: the task shares it with the supervisor. */
static inline long raw(long nr, long a, long b, long c, long d)
{
	register long r10 asm("r10") = d;
	long ret;

	asm volatile("syscall"
		     : "=a"(ret)
		     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10)
		     : "rcx", "r11", "memory");
	return ret;
}

static inline void raise_to_one(volatile int *futex)
{
	*futex = 1;
	raw(SYS_futex, (long)futex, FUTEX_WAKE, 1, 0);
}

static inline void wait_for_one(volatile int *futex)
{
	while (!*futex)
		raw(SYS_futex, (long)futex, FUTEX_WAIT, 0, 0);
}

/* The task: makes the calls of shared.s, and ends. */
int task(void *unused);
void on_signal(int sig, siginfo_t *info, void *context);

#endif
