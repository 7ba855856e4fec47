/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * identity.h - to do something in a target's place, as the target
 *
 * rights.h is for looking: it takes rights away.  What is done for a target (a
 * file that is made, a socket that is connected) also belongs to whom it names:
 * the owner of the file, the credentials that the other end sees.  So the
 * calling thread, and no other one, takes the target's effective and file system
 * ids, its groups, its umask, and of its own capabilities those that the target
 * has, too.
 */
#ifndef POINTSMAN_IDENTITY_H
#define POINTSMAN_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ids.h"

/* Cleared before its first use. */
struct identity {
	struct ids ids;		/* owned; identity_free() */
	uint64_t capabilities;	/* effective, in its own user namespace */
	int elsewhere;		/* a descriptor of that where it is not ours, else -1; owned */
	gid_t *room;		/* of one to go back to: for as many groups as it has; owned */
};

/* A thread's.  Returns 0, -ESRCH, -EACCES where that cannot be said, -ENOMEM, -EMFILE. */
int identity_of(pid_t tid, struct identity *identity);
void identity_free(struct identity *identity);

/*
 * From now on, and until identity_leave(), in the calling thread; of another user
 * namespace without capabilities.  Returns 0, or -EACCES where this cannot be had,
 * -ENOMEM, -EMFILE: nothing has changed then.  own is filled with what to go back to.  Nobody but this
 * thread may change its ids meanwhile.  Leaving cannot fail.
 */
int identity_take(const struct identity *identity, struct identity *own);
void identity_leave(struct identity *own);

/*
 * Do act(data) as the target: in the calling thread, whose own identity is back
 * afterwards, or, for one of another user namespace, in a process of its own that
 * joins that.  act returns a descriptor (gives), 0, or a negative errno; so does
 * this, or -EACCES where the identity cannot be had, -EAGAIN, -ENOMEM, -EMFILE.
 */
int identity_do(const struct identity *identity, bool gives, int (*act)(void *data), void *data);

/* Are its network, IPC and UTS namespaces those of the calling thread? */
bool identity_same_namespaces(pid_t tid);

#endif
