/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * probe.h - what works here, found out by trying and never by a version
 *
 * Each fact is tried in a process of its own, which does to a child of a child
 * what a supervisor would do: a filter around us, a security module or a
 * namespace that refuses something refuses it there.  Nothing is installed in
 * the caller.  A process that a filter kills for trying leaves its fact at
 * PROBE_TRYING.
 */
#ifndef POINTSMAN_PROBE_H
#define POINTSMAN_PROBE_H

#include <stdbool.h>
#include <stddef.h>

enum probe_fact {
	PROBE_PROC,		/* /proc is mounted and shows this process */
	PROBE_NO_NEW_PRIVS,	/* no_new_privs can be set */
	PROBE_FILTER,		/* a filter can be installed */
	PROBE_LISTENER,		/* and gives a listener, when asked for one */
	PROBE_FLAG_REDIRECT,	/* the kernel knows the flag */
	PROBE_FLAG_CHAIN,
	PROBE_FLAG_WAIT_KILLABLE,
	PROBE_FLAG_KILL_ORPHANS,
	PROBE_CHAIN,		/* CHAIN has an effect: a second listener inside the first */
	PROBE_TOGETHER,		/* a filter with all of these flags that the kernel knows */
	PROBE_RECV,		/* the call of a grandchild arrives at its listener */
	PROBE_SYNC,		/* sync wake-up */
	PROBE_READ_VM,		/* its memory by process_vm_readv(2) */
	PROBE_READ_MEM,		/* by /proc/PID/mem */
	PROBE_PIDFD,
	PROBE_PIDFD_THREAD,
	PROBE_PIDFD_GETFD,
	PROBE_MEMFD,		/* sealed memory */
	PROBE_PIN,		/* mapped into it (PIN_INSTALL) */
	PROBE_REDIRECT,		/* its call ran on another path (SEND_REDIRECT) */
	PROBE_NUMBER,		/* as another call */
	PROBE_ADDFD,		/* it was answered with a descriptor */
	PROBE_NFACTS
};

/* What is not 0 (it works) or a negative errno (it does not, and why). */
enum {
	PROBE_UNTRIED = 1,	/* something that it needs does not work */
	PROBE_TRYING = 2,	/* who tried it did not come back */
};

/* Owner: who made it; shared with the processes that try. */
struct probe {
	int fact[PROBE_NFACTS];
	bool late;		/* tries were ended at their limit */
};

/* Returns NULL where there is no memory. */
struct probe *probe_new(void);
void probe_free(struct probe *probe);

/*
 * Calls body(probe) in a child, and returns when that and all descendants of it
 * are gone; ends them after ten seconds.  Returns 0 or -errno.
 */
int probe_apart(struct probe *probe, void (*body)(struct probe *probe));

/* fork(2), for body: the child dies with its parent. */
int probe_fork(void);

/* Keeps a result, -1 with errno, as the fact.  Returns whether it works. */
bool probe_keep(struct probe *probe, enum probe_fact fact, long result);

/*
 * Does the notify backend work here?  Tries all that it needs, end to end, on a
 * grandchild of the caller that is no descendant of the supervisor; a kernel
 * without redirects is known before any process is made.  Returns 0, or a
 * negative errno with one line in why (size bytes, cut short) that says what is
 * missing; -ECHILD where a filter killed for it, -ETIMEDOUT.
 */
int pm_probe_notify(char *why, size_t size);

#endif
