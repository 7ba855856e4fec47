/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ptrace.h - the supervisor behind the ptrace backend, and its stages
 *
 * ptrace_start.c	attaches to the process that will be the program
 * ptrace_loop.c	takes every stop to the stage that it belongs to
 * ptrace_call.c	a call, from its stop to the form in which it runs
 * ptrace_answer.c	a call that does not run
 * ptrace_note.c	calls that come by a notification
 * ptrace_open.c	an open that is answered by a descriptor
 * ptrace_arena.c	the arena, and files that the target is handed
 * ptrace_return.c	a call returns, or has become another program
 * ptrace_own.c		calls that the supervisor itself has to see
 * ptrace_family.c	births, execs and deaths
 * ptrace_place.c	on which processor
 */
#ifndef POINTSMAN_PTRACE_H
#define POINTSMAN_PTRACE_H

#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <time.h>

#include <pointsman/pointsman.h>

#include "courier.h"
#include "filter.h"
#include "landmarks.h"
#include "task.h"

/* One thread is kept on the supervisor's processor, or none: see ptrace_place.c. */
struct placing {
	bool off;
	cpu_set_t own;			/* where the supervisor may run */
	struct thread *last;		/* who has called, and how often, without another one */
	unsigned int calls;
	struct thread *volatile placed;	/* or NULL */
	int processor;
	struct view_changes shown;	/* calls in flight that could show it */
	timer_t timer;
	volatile sig_atomic_t ticks, busy;
};

#define REDIRECTED 64

/*
 * Owner: the supervisor process, one for its life.
 */
struct supervisor {
	const struct pm_options *options;
	struct tasks tasks;
	struct courier courier;
	pid_t program;		/* the process that runs the program, while it lives */
	bool only_asks;		/* no layer uses the descriptors of files */
	bool no_vectors;	/* nobody looks at argv and envp */
	bool guard;		/* no mseal: calls that could move the arena stop */
	bool openat2;		/* the kernel has it, and lets the targets use it */
	uint64_t calls;
	struct view_changes changes;
	struct view_changes directories;	/* calls that can change a working directory */
	struct placing placing;
	struct filter_table tables[WIDTHS];
	/*
	 * The listener of what is answered without a stop, or 0; what tells of stops beside it; and
	 * the epoll(7) that tells of both, and of changes to the landmarks.
	 */
	int listener, stops, events;
	bool awaits;		/* the program is about to hand it over */
	uint64_t next_notice;	/* the number of the next notification */
	struct landmarks landmarks;
	unsigned int filter;	/* FILTER_* of its own */
	bool watched;		/* somebody may be asked whether a file may be opened */
	uint32_t redirected[REDIRECTED];	/* paths of opens that were redirected last, by a hash */
	sigset_t waiting;	/* what is blocked while it is waited for both */
};

/* Let a stopped thread go on.  A thread that is gone is not an error. */
void thread_resume(struct thread *thread, int signal);
/* Fail closed: what went wrong with a thread ends its process. */
void thread_kill(struct thread *thread);
/* The call at whose filter it has stopped does not run, and answers value. */
void thread_skip(struct thread *thread, int64_t value);
static inline bool gone(int err)
{
	return err == -ESRCH;
}

/* ptrace_call.c */
void call_stop(struct supervisor *supervisor, struct thread *thread,
	       const struct __ptrace_syscall_info *info, bool entry);

/* The same of a call that has come by a notification. */
void call_notice(struct supervisor *supervisor, struct thread *thread,
		 const struct __ptrace_syscall_info *info, const struct note *note);
/* The stop of one that was diverted. */
void call_diverted(struct supervisor *supervisor, struct thread *thread,
		   const struct __ptrace_syscall_info *info);

/*
 * ptrace_note.c.  The program hands its listener over, in a call that it makes to be seen:
 * note_hand_over() in the program, 0 or -errno, and what the supervisor does at its stop.
 */
int note_hand_over(int listener);
bool note_is_hand_over(const struct supervisor *supervisor,
		       const struct __ptrace_syscall_info *info);
void note_take(struct supervisor *supervisor, struct thread *thread,
	       const struct __ptrace_syscall_info *info);
/* Answer notifications until a thread may have stopped or ended; or those that are there. */
void note_wait(struct supervisor *supervisor);
void note_look(struct supervisor *supervisor);
/* So many are dealt with of the one kind before it is looked for the other. */
#define NOTE_TURNS 16
/*
 * The call is decided on, and only the thread itself can run it from a pin: it makes it once
 * more, with a mark by which the filter stops it.
 */
void note_divert(struct thread *thread);
/* At any stop on the way there; where it has come to; and where the mark is in the way. */
void note_mark(struct thread *thread);
void note_arrived(struct thread *thread);
void note_unmark(struct thread *thread);
/* A signal is about to be delivered: it is on another way. */
void note_signalled(const struct supervisor *supervisor, struct thread *thread, int signal);
void note_astray(const struct supervisor *supervisor, struct thread *thread);

/*
 * ptrace_open.c.  Open it and answer, where the thread itself would have opened the same;
 * else false.
 */
bool open_answered(struct supervisor *supervisor, struct thread *thread);
/* Does access(2) answer the thread what it answers the supervisor? */
bool open_asks_alike(const struct supervisor *s, struct thread *thread);

/*
 * ptrace_answer.c.  All end the flight and let the thread go on.  err is a
 * negative errno.
 */
void answer_value(struct thread *thread, bool entry, int64_t value);
void answer_final(struct supervisor *supervisor, struct thread *thread, bool entry);
void answer_refuse(struct supervisor *supervisor, struct thread *thread, bool entry, int err,
		   const char *rule);
void answer_failure(struct supervisor *supervisor, struct thread *thread, bool entry, int err);

/*
 * ptrace_arena.c.  Is the arena there, for calls of this table?  1: yes.  0:
 * the thread has been made busy with it, or waits.  -errno: it cannot be.
 */
int arena_need(struct supervisor *supervisor, struct thread *thread, uint32_t arch);
/* At the first call of a program: the arena is there before anything else is. */
int arena_first(struct supervisor *supervisor, struct thread *thread, uint32_t arch);
void call_given(struct supervisor *supervisor, struct thread *thread, int64_t result);

/* ptrace_return.c */
void call_return(struct supervisor *supervisor, struct thread *thread,
		 const struct __ptrace_syscall_info *info);
/* Its return was not to be seen (a vsyscall): nothing of it is in flight any more. */
void call_vanished(struct thread *thread);
void call_executed(struct supervisor *supervisor, struct thread *thread);
/* SIGSYS comes: a handler must find the call that was made, not what it had become. */
void call_trapped(struct thread *thread);
/* The next of several steps is in its call, where signals may come again.  0 or -errno. */
int call_issued(struct thread *thread);

/* Let no signal come to a stopped thread until it is released, at another stop.  0 or -errno. */
int signals_hold(struct thread *thread);
int signals_release(struct thread *thread);

/* ptrace_own.c: a call that the supervisor itself has to see. */
enum own {
	OWN_PASS,	/* nothing to say: the layers, or let it run */
	OWN_FOLLOW,	/* as PASS, but see how it returns */
	OWN_DENY,	/* *err */
	OWN_VALUE,	/* answers 0 without running */
};
/* It can change a working directory: none is known until its return. */
void own_directory(struct supervisor *s, struct flight *flight);
enum own own_call(struct supervisor *supervisor, struct thread *thread,
		  struct flight *flight, int *err);

/* ptrace_family.c */
void family_born(struct supervisor *supervisor, struct thread *parent, int event);
void family_first_stop(struct supervisor *supervisor, struct thread *thread, int signal);
void family_executed(struct supervisor *supervisor, pid_t tgid);
void family_gone(struct supervisor *supervisor, pid_t tid);
/* A thread has stopped that no birth has announced. */
void family_stranger(struct supervisor *supervisor, pid_t tid, int signal);
/*
 * Flags for the next waitpid(2).  With WNOHANG and nothing to come: family_unannounced()
 * asks who the parents of strangers are.
 */
int family_patience(struct supervisor *supervisor);
void family_unannounced(struct supervisor *supervisor);
/* Threads that waited for the arena of this address space look again. */
void family_wake(struct supervisor *supervisor, struct space *space);

/* ptrace_place.c */
void place_start(struct placing *placing, const struct pm_options *options);
/* At a call of this thread: it may be placed, and no other is. */
void place_call(struct placing *placing, struct thread *thread);
/* None is, for now. */
void place_apart(struct placing *placing);
/* None is before this call, which could show it, is over. */
void place_show(struct placing *placing, struct flight *flight);
/* Where it opens a file that shows it, none is from now on. */
void place_opening(struct placing *placing, const struct pm_call *call);
/* From now on the placed are let go by time only while this mask is in force. */
void place_hold(const struct placing *placing, sigset_t *mask);
/* The child begins with the processors that its parent has. */
void place_born(struct placing *placing, const struct thread *parent, pid_t child);
/* It has executed a program, and with that taken the number of another thread. */
void place_renamed(struct placing *placing, const struct thread *thread);
void place_gone(struct placing *placing, struct thread *thread);

/* ptrace_loop.c: until no target is left. */
void supervise(struct supervisor *supervisor);

#endif
