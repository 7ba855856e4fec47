/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * notify.h - the supervisor behind a listener of seccomp, and its stages
 *
 * notify_start.c	installs the filter, and begins to serve its listener
 * notify_serve.c	threads that receive notifications
 * notify_call.c	a call, from its notification to its answer
 * notify_reply.c		the answers, in the kernel's words
 * notify_exec.c	execve runs the file that was decided on
 * notify_send.c	sendmmsg, message by message
 * notify_task.c	who calls: threads, processes, address spaces
 * notify_lent.c	serves a listener that somebody else has installed
 * notify_plain.c	answers without the redirect, see notify_plain.h
 */
#ifndef POINTSMAN_NOTIFY_H
#define POINTSMAN_NOTIFY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <pointsman/pointsman.h>

#include "arena.h"
#include "filter.h"
#include "flight.h"
#include "uapi.h"

/*
 * An address space, and the arena that was mapped into it for calls of each
 * width.  That it still is there is not known: the kernel looks, at each answer.
 *
 * Owner: the processes in it, by reference, under the lock of the tasks; the
 * arena is made and mapped under making.
 */
struct home {
	unsigned int refs;
	pthread_mutex_t making;
	struct arena *arena;
	_Atomic uint64_t at[WIDTHS];	/* 0: not mapped */
};

/* Owner: its threads, by reference.  Changed under the lock of the tasks. */
struct peer {
	struct peer *next;	/* in its bucket */
	unsigned int refs;	/* one is the table's until it is dead */
	pid_t tgid;
	int pidfd;
	struct home *home;	/* a reference, or NULL: no call has needed one */
	atomic_bool threads;	/* has made threads */
	atomic_bool entangled;	/* another process may change its descriptors or working directory */
	bool entangles;		/* so may its children's */
};

/* Owner: the table, and who has it from task_get(), by reference. */
struct caller {
	struct caller *next;	/* in its bucket */
	atomic_uint refs;	/* made by who has the lock */
	pid_t tid;
	int pidfd;		/* of a thread that is not the first; else -1 */
	struct peer *peer;	/* a reference */
	/* What its last call reads: free to be used again when it makes another. */
	struct slot slot;
};

#define NOTIFY_BUCKETS 1024

struct callers {
	pthread_mutex_t lock;
	struct caller *threads[NOTIFY_BUCKETS];
	struct peer *processes[NOTIFY_BUCKETS];
	int deaths;		/* an epoll of all pidfds, and of end */
	int end;		/* an eventfd: enough */
	bool entangled;		/* some process shares with one that nobody knows */
};

/* Owner: who serves; one for each listener. */
struct notify {
	const struct pm_options *options;
	int listener;
	bool own;		/* its filter is ours, and told of births */
	bool redirect;		/* the kernel has it, and the filter asks for it */
	bool openat2;
	pid_t program;		/* of run, while it lives; else 0 */
	struct callers callers;
	_Atomic uint64_t calls;
	struct filter_table tables[WIDTHS];
	/* The threads of notify_serve.c. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned int all;
	atomic_uint waiting;	/* for a notification */
	unsigned int may_wait;	/* no more than so many */
	unsigned int idle;	/* until they are wanted */
	unsigned int wanted;	/* of the idle ones, not yet up */
	atomic_bool done;
	/* notify_lent.c: receiving can be ended.  NULL where it cannot. */
	struct lent *lent;
};

/* notify_start.c: fill in what is not the caller's to say.  0 or -errno. */
int notify_init(struct notify *notify);
void notify_clear(struct notify *notify);

/* notify_serve.c: until no target is left under the filter. */
void notify_serve(struct notify *notify);

/*
 * notify_lent.c.  What a thread of notify_serve.c does around its life and around
 * each wait; nothing where n->lent is NULL.  lent_wait() returns false where
 * nothing is to be received any more.
 */
struct receiver {
	struct receiver *next;
	pthread_t thread;
};
void lent_enter(struct notify *notify, struct receiver *receiver);
void lent_leave(struct notify *notify, struct receiver *receiver);
bool lent_wait(struct notify *notify);
void lent_waited(struct notify *notify);
/* Is the listener to be handed on?  What lasts is to be given up. */
bool lent_ends(const struct notify *notify);

/* notify_call.c: deal with one. */
void notify_call(struct notify *notify, const struct seccomp_notif *notice);

/* What is being done about one notification. Owner: notify_call(). */
struct notice {
	struct notify *notify;
	const struct seccomp_notif *kernel;
	struct caller *caller;
	struct flight *flight;
};

/*
 * notify_reply.c.  Who has gone meanwhile needs no answer; that is no error.
 * reply_redirect() returns 0, or -EFAULT where the pin is not in the address
 * space of the thread (any more), or another error of SEND_REDIRECT.
 */
void reply_continue(const struct notice *notice);
void reply_value(const struct notice *notice, int64_t value);
int reply_redirect(const struct notice *notice, const struct pm_step *step, uint32_t pinned,
		    const struct slot *slot, uint64_t slot_at);
/* fd, which is closed here, is the call's result.  Its number there, or -errno. */
int reply_descriptor(const struct notice *notice, int fd, unsigned int flags);
/* fd, which stays ours, becomes a descriptor there; the call still waits. */
int reply_lend(const struct notice *notice, int fd, unsigned int flags);
/* The layers' final word, and what the library itself refuses. */
void reply_final(const struct notice *notice);
void reply_refuse(const struct notice *notice, int err, const char *rule);
/* Allowed, and yet it fails. */
void reply_failure(const struct notice *notice, int err);
/* Does the notification still stand? */
bool notice_stands(const struct notice *notice);

/*
 * notify_task.c.  Who made this call; NULL where it is gone, or where there is
 * no memory or descriptor for it.
 */
int callers_init(struct callers *callers);
void callers_clear(struct callers *callers);
struct caller *caller_get(struct notify *notify, pid_t tid);
void caller_put(struct notify *notify, struct caller *caller);
/* Nobody else can change its descriptors or its working directory. */
bool caller_lonely(const struct notify *notify, const struct caller *caller);
/* Its call makes a child with these flags. */
void caller_births(struct notify *notify, struct caller *caller, uint64_t flags);
/* It runs another program. */
void caller_executed(struct notify *notify, struct caller *caller);
/*
 * Room of size bytes in the thread's address space, mapped for calls of this
 * width, held until the thread makes another call.  *at is where the thread sees
 * it.  fresh: the arena that was there is not.  Returns 0 or a negative errno.
 */
int caller_room(const struct notice *notice, size_t size, bool fresh, uint64_t *at);
/* A thread's body: the dead are forgotten, until callers_end(). */
void *callers_bury(void *notify);
void callers_end(struct callers *callers);

/*
 * notify_exec.c.  Before an execve is laid out: see to it that what it runs is
 * what was decided on.  Returns 0 or a negative errno.  *watched: exec_follow()
 * has to be called after the answer, whatever that is.
 */
int exec_watch(const struct notice *notice, bool lonely, bool *watched);
void exec_follow(const struct notice *notice);

/* notify_send.c: the messages of a sendmmsg.  Answers. */
void send_messages(const struct notice *notice);

#endif
