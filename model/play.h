/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * play.h - what the supervisor of a played scenario (play.c) and its task (play_task.c) share
 *
 * The task has the memory and the descriptors of the supervisor.  It is a process of its
 * own, with its own handlers and filters.  When it has become another program there is only
 * struct shared left that both have, at the same place: the program is this one, with another
 * entry, and without the C library.
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
	volatile bool forked, execed;
	uint64_t child[6];
};

/* What the second thread has been asked for. */
enum { THREAD_ENDS, THREAD_WAITS, THREAD_INSTALLS, THREAD_CLOSES };

struct shared {
	struct scenario s;
	bool threads;
	volatile int asked;		/* a futex; 0 also where the first thread is gone */
	volatile int subject;		/* a filter, a descriptor */
	volatile int execs;
	struct sock_filter insn[MAX_FILTERS][PROGRAM_MAX];
	struct sock_fprog program[MAX_FILTERS];
	unsigned long flags[MAX_FILTERS];
	volatile long installed[MAX_FILTERS];
	volatile int ready, go, thread_done;	/* futexes */
	volatile int current, done;
	struct seen seen[MAX_CALLS];
	char stack[65536] __attribute__((aligned(64)));
	char thread_stack[65536] __attribute__((aligned(64)));
} __attribute__((aligned(4096)));

/* Descriptors of both: the file of struct shared, and of the page of NAMES behind it. */
#define FD_SHARED 105

extern struct shared shared;
extern int sigchld_fd;			/* a signalfd, of the supervisor */
extern int pin_fd;			/* the memfd of PIN */

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

/* Ask the second thread, and wake it up; it raises thread_done. */
static inline void ask_thread(int what, int subject)
{
	shared.subject = subject;
	shared.thread_done = 0;
	shared.asked = what;
	raw(SYS_futex, (long)&shared.asked, FUTEX_WAKE, 1, 0);
}

/* The task: makes the calls of shared.s, and ends. */
int task(void *unused);
/* Where it begins when it is a program. */
void task_entry(void);
void on_signal(int sig, siginfo_t *info, void *context);

#endif
