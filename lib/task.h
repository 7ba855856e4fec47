/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * task.h - the threads under the supervisor, their processes and their
 * address spaces, as ptrace reports them
 */
#ifndef POINTSMAN_TASK_H
#define POINTSMAN_TASK_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "arena.h"
#include "flight.h"
#include "regs.h"
#include "resolve.h"

struct thread;

/*
 * An address space.
 *
 * Owner: the processes in it (vfork and CLONE_VM share one).  A forked one
 * starts with the arena and the addresses of its parent, of which what was
 * verified stays so where the copy can be no other.
 */
struct space {
	unsigned int refs;
	struct arena *arena;		/* a reference, or NULL */
	uint64_t at[WIDTHS];		/* 0: not mapped */
	bool verified[WIDTHS];
	bool kept;			/* some of it is, or was, kept from being copied by fork */
	bool offered;			/* its program was to map it, and may not have */
	bool late;			/* verified while somebody else may have been in a fork of it */
	uint64_t stack;			/* where that of its image began, 0: not known */
	bool rings;			/* has had rings of io_setup, see ptrace_own.c */
	bool forked;			/* a process was made with a copy of it */
	pid_t maker;			/* the thread that is mapping it, or 0 */
	struct thread *waiting;		/* threads stopped at a call until it is done */
};

/* Owner: its threads. */
struct process {
	pid_t tgid;
	unsigned int threads;
	struct space *space;		/* a reference */
	/* Another process may change its descriptors or its working directory: a listener too. */
	bool entangled;
	/* It installed filters of its own, which see redirected calls too. */
	bool filters;
	/* One of those may ask for a tracer, which a listener keeps from being heard. */
	bool asks_tracer;
	/* It restricted itself (Landlock): what it opens is no longer for the supervisor to open. */
	bool confined;
};

enum state {
	STATE_NEW,	/* attached, and not yet known whose child it is, or not yet stopped */
	STATE_FREE,	/* runs, or stops for something else than a call */
	STATE_CALL,	/* in a call that was decided on; ends with the exit stop */
	STATE_DIVERTED,	/* makes a call that was decided on once more, for the tracer to see */
	STATE_GIVING,	/* running calls of ours, see give.h */
	STATE_WAITING,	/* stopped at a call until the arena is there */
	STATE_DEAD,	/* its death was reported before its birth */
};

struct giving;

/* Owner: the table. */
struct thread {
	struct thread *next;		/* in its bucket */
	struct thread *next_waiting;
	pid_t tid;
	struct process *process;	/* NULL while its parent is unknown */
	enum state state;
	bool stopped_early;		/* STATE_NEW: its first stop came before its parent's event */
	int early_signal;
	bool orphan;			/* STATE_NEW: nobody is left who could tell of its birth */
	bool every_call;		/* stops at every call: a filter of it has a listener */
	bool wants_arena;		/* it comes before the next call, whatever that is */
	bool at_entry;			/* every_call: decided at the entry stop of this call */
	unsigned int retries;		/* of a call that met a swapped link */
	bool reissued;			/* the next stop is another try of the same call */
	bool stop_later;		/* STATE_GIVING: its process was stopped meanwhile */
	uint64_t blocked;		/* its signal mask, between two steps of a call */
	/* Its last call ran under another number, and may have been trapped by a filter of its own. */
	bool may_be_trapped;
	int made_nr, ran_nr;
	struct rlimit *descriptors;	/* the process's own limit, while it is raised for the arena */
	int refuse;			/* negative errno: the arena could not be made for its call */
	struct flight *flight;		/* STATE_CALL, STATE_DIVERTED */
	bool interrupted;		/* its last call ran, and was, by a signal */
	/* STATE_DIVERTED, and while it is busy with the arena for that: the call has its mark. */
	bool marked;
	struct giving *giving;		/* STATE_GIVING */
	/* Of its view, as long as this many changes have been made. */
	struct pm_view_known known;
	uint64_t known_at;
	uint64_t directory_at;	/* so many times had a working directory been changed then */
	/* A forked child's registers are mended at its first stop. */
	struct regs *mend_original, *mend_substituted;
	uint32_t mend_arch;
	cpu_set_t *processors;		/* it may run on these; NULL: it was never placed */
};

#define TASK_BUCKETS 4096

struct tasks {
	struct thread *bucket[TASK_BUCKETS];
	size_t count;
	size_t strangers;	/* stopped, and nobody has announced them yet */
	unsigned int patience;	/* so many stops more may come before they are asked about */
};

struct thread *task_find(struct tasks *tasks, pid_t tid);
/* NULL: no memory. */
struct thread *task_add(struct tasks *tasks, pid_t tid);
void task_remove(struct tasks *tasks, struct thread *thread);
/* A thread takes another number (exec by a thread that is not the leader). */
void task_rename(struct tasks *tasks, struct thread *thread, pid_t tid);

struct process *process_new(pid_t tgid, struct space *space);
void thread_join(struct thread *thread, struct process *process);
/* It has no call any more: what was held for that is given back. */
void thread_drop_flight(struct thread *thread);

struct space *space_new(void);
/* A copy, as fork makes it.  sure: MADV_DONTFORK would have been seen. */
struct space *space_fork(const struct space *from, bool sure);
/*
 * The arena is, or is not, where it was thought to be.  The thread that asked is stopped
 * at a call of its own; alone: nobody else is in its address space.
 */
void space_verify(struct space *space, enum width width, bool mapped, bool alone);
struct space *space_get(struct space *space);
void space_put(struct space *space);
/* Is nobody but one thread of this process in its address space? */
bool space_alone(const struct process *process);
/* Where its stack began, if nobody but one thread of this process can be using it; else 0. */
uint64_t space_own_stack(const struct process *process);

#endif
