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
#include <sys/types.h>

enum probe_fact {
	PROBE_CHILD,		/* processes can be made that try the others */
	PROBE_PROC,		/* /proc is mounted and shows this process */
	PROBE_NO_NEW_PRIVS,	/* no_new_privs can be set */
	PROBE_FILTER,		/* a filter can be installed */
	PROBE_MEMFD,		/* sealed memory can be made */
	PROBE_MSEAL,		/* a mapping can be sealed, and /proc says so */
	PROBE_OPENAT2,
	PROBE_LANDLOCK,
	PROBE_KCMP,
	PROBE_IO_URING,		/* as a program without pointsman has it */

	PROBE_SEIZE,		/* another process can be traced */
	PROBE_TRACE,		/* its child stops at its filter, is read, and runs another call */

	/* Of a grandchild of the one that tries, which is not traced. */
	PROBE_READ_VM,		/* its memory is read by process_vm_readv(2) */
	PROBE_READ_MEM,		/* by /proc/PID/mem */
	PROBE_PIDFD,
	PROBE_PIDFD_THREAD,
	PROBE_PIDFD_GETFD,

	PROBE_LISTENER,		/* a filter gives a listener */
	PROBE_HELD,		/* one whose calls no signal interrupts once they are received */
	PROBE_FLAG_REDIRECT,	/* the kernel knows the flag */
	PROBE_FLAG_CHAIN,
	PROBE_FLAG_WAIT_KILLABLE,
	PROBE_FLAG_KILL_ORPHANS,
	PROBE_CHAIN,		/* CHAIN has an effect: a second listener inside the first */
	PROBE_TOGETHER,		/* a listener with all of these flags that the kernel knows */
	PROBE_RECV,		/* the call of a grandchild arrives at it */
	PROBE_SYNC,		/* sync wake-up */
	PROBE_PIN,		/* memory is mapped into it (PIN_INSTALL) */
	PROBE_REDIRECT,		/* its call ran on another path (SEND_REDIRECT) */
	PROBE_NUMBER,		/* as another call */
	PROBE_ADDFD,		/* it was answered with a descriptor */
	PROBE_WATCH,		/* it was traced from its call to its return, as an execve is */
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
	int limit;		/* seconds that a try may take */
	bool late;		/* one had not ended by then, and was ended */
	bool apart;		/* the process that tries, or makes others try, has come so far */

	int landlock;		/* the version of its interface, or -1 */

	/* Around this process; -1 where the kernel does not say. */
	int ptrace_scope;	/* Yama's */
	int io_uring_disabled;
	int no_new_privs;	/* is set already */
	int filters;
	bool guarded;		/* a pointsman answers for prctl(PR_SET_DUMPABLE) */
	bool shut;		/* every ptrace(2) is refused with EPERM */
	pid_t tracer;		/* of us; 0: none, or it is not in our pid namespace */
	char tracer_name[16];
};

/* Returns NULL where there is no memory. */
struct probe *probe_new(void);
void probe_free(struct probe *probe);

/*
 * Calls body(probe) in a child, and returns when that and all descendants of it
 * are gone; ends them at the limit.  Returns 0 or -errno.
 */
int probe_apart(struct probe *probe, void (*body)(struct probe *probe));

/*
 * For body.  fork(2), with a child that dies with its parent; a child whose
 * work is one try; and what keeps a result, -1 with errno, as a fact, and says
 * whether it works.
 */
int probe_fork(void);
void probe_try(struct probe *probe, enum probe_fact fact, long (*try)(void));
bool probe_keep(struct probe *probe, enum probe_fact fact, long result);

/* Which flags the kernel knows.  Makes no process; returns whether it is all of them. */
bool probe_flags(struct probe *probe);

/* What is tried of one kind, for body; of a listener, with the flags that are known. */
void probe_listener(struct probe *probe);
void probe_reach(struct probe *probe);
void probe_ptrace(struct probe *probe);

/* All but the facts; program is who would be traced.  Returns 0 or -errno. */
int probe_around(struct probe *probe, pid_t program);
/* Everything.  Returns 0 or -errno. */
int probe_all(struct probe *probe);

/*
 * Of what probe_all() found out: does a backend work?  Returns 0, or a negative
 * errno with one line in why (size bytes, cut short) that says what is missing;
 * -ECHILD where a filter killed for it, -ECANCELED where something that is no need of
 * it kept it from being tried, -ETIMEDOUT where it did not end.
 */
int probe_says_ptrace(const struct probe *probe, char *why, size_t size);
int probe_says_notify(const struct probe *probe, char *why, size_t size);

/* Of what probe_around() found out: what is in the way of ptrace(2), which failed with err. */
void probe_explain_ptrace(const struct probe *probe, int err, char *why, size_t size);

/*
 * The same for who has probed nothing and was refused to trace this program: one
 * line, with the way out where there is one.
 */
void pm_probe_ptrace_refused(pid_t program, int err, char *why, size_t size);

/*
 * Does the notify backend work here?  Tries all that it needs, end to end, and
 * nothing else; a kernel without redirects is known before any process is made.
 * Returns as probe_says_notify().
 */
int pm_probe_notify(char *why, size_t size);

#endif
