/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rights.h - to look at files with the rights of another thread
 *
 * A supervisor with the capabilities of root sees more than a program that has
 * given them up.  What such a program may not see must not be told to it by
 * the way its calls fail.
 */
#ifndef POINTSMAN_RIGHTS_H
#define POINTSMAN_RIGHTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ids.h"

/* Whose rights the supervisor's thread has.  Cleared before its first use. */
struct rights {
	bool differ;	/* those of the other thread are less than ours */
	bool here;	/* it was found to be in our user namespace */
	bool taken;	/* and are in force now */
	struct ids ids;	/* owned; rights_free() */
	bool elsewhere;	/* it may pass over permissions, but in a user namespace of its own */
	pid_t tid;
};

/*
 * Find out what our own are: before the first thread of several does.  Returns 0,
 * -EACCES, -ENOMEM, -EMFILE.
 */
int rights_know(void);

/*
 * Find out what rights the thread has.  here: it is known to be in our user namespace.
 * Returns 0, -ESRCH where it is gone, -EACCES where that cannot be said, -ENOMEM, -EMFILE.
 */
int rights_of(pid_t tid, bool here, struct rights *rights);
/* The same of what access(2) goes by: its real ids, and the capabilities that go with them. */
int rights_of_real(pid_t tid, bool here, struct rights *rights);
/*
 * Secure bits have been set somewhere, which are not told of a thread: its effective ids are
 * taken for its real ones.
 */
void rights_note_secure_bits(void);

/*
 * From now on, and no longer.  Do nothing where the rights do not differ.
 * rights_take() returns 0 or -EACCES; rights_leave() cannot fail.
 */
int rights_take(struct rights *rights);
void rights_leave(struct rights *rights);
void rights_free(struct rights *rights);

/* What a thread of our user namespace may do, compared with the supervisor. */
struct likeness {
	bool ids;	/* it has the same ids and groups */
	bool opens;	/* it opens files with the same rights, but for CAP_SYS_PTRACE */
	bool asks;	/* access(2) asks for it with the same rights */
};
/* ids: those are known to be the same. */
struct likeness rights_compare(pid_t tid, bool ids);

/* May it pass over the permissions of what these own, in its namespace? */
bool rights_reach(const struct rights *rights, uid_t uid, gid_t gid);

#endif
