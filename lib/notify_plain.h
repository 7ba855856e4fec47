/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * notify_plain.h - answers where the kernel has no redirect, or the filter did
 * not ask for it
 *
 * The kernel can then only run the call that was made, from memory that the
 * program may have changed since it was read.  So what was inspected never runs:
 * the supervisor does it in the target's place, or it is refused.
 *
 *	open		opened here as the target, handed over by ADDFD
 *	connect		made here, on a duplicate of the target's socket
 *	the others	those of which nothing was read go on; EPERM, which the
 *			observer is told as "built-in: no redirect here"
 *
 * notify_plain.c	which of these
 * plain_open.c		open
 * plain_connect.c	connect
 * plain_wait.c		what may last, as long as the target waits for it
 * identity.c		as the target
 */
#ifndef POINTSMAN_NOTIFY_PLAIN_H
#define POINTSMAN_NOTIFY_PLAIN_H

#include <sys/socket.h>

#include "notify.h"

#define PLAIN_REFUSED "built-in: no redirect here"

/* Answer a call that the layers let run.  May last as long as the call would. */
void plain_call(const struct notice *notice);

/*
 * plain_open.c.  plain_open_check() says whether it can be done, and changes
 * nothing: 0, the negative errno with which the call fails, or 1 where it must
 * not be done here.  plain_open() does it: a descriptor or a negative errno;
 * -EAGAIN: what was decided on is no longer there, to be decided on anew.
 */
int plain_open_check(struct pm_call *call);
int plain_open(const struct notice *notice);

/* plain_connect.c.  0 or a negative errno. */
int plain_connect(const struct notice *notice);

/* A duplicate of a descriptor of the target's, or a negative errno. */
int plain_descriptor(const struct pm_call *call, int number);

/*
 * An address as it is used here.
 *
 * Owner: the caller; fd is of the socket that a path leads to, kept open, or -1.
 */
struct plain_address {
	struct sockaddr_storage data;
	socklen_t len;
	int fd;
};

/* From an item that was decided on.  0 or a negative errno. */
int plain_find_address(struct pm_call *call, const struct pm_item *item,
		       struct plain_address *address);

/*
 * plain_wait.c.  From plain_wait() to plain_wait_end() the calling thread's
 * system calls are interrupted (EINTR) now and then.  plain_go_on() says
 * whether to make the call again: the target still waits.
 */
struct plain_wait {
	timer_t timer;
};
int plain_wait(struct plain_wait *wait);
void plain_wait_end(struct plain_wait *wait);
bool plain_go_on(const struct notice *notice);
/*
 * After a wait that ended with EINTR, before which nothing was done: have the target
 * make its call again, where the listener is handed on.  False: it is to be answered.
 */
bool plain_again(const struct notice *notice);

#endif
