/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * courier.h - brings a descriptor of the supervisor into a target
 *
 * The target makes a datagram socket; the message with the descriptor is put
 * into it by one of two ways, whichever the first target lets us use: the
 * supervisor takes the target's socket with pidfd_getfd(2), names it and sends
 * the message to it (needs Linux 5.6 and a container profile that lets it;
 * works across network namespaces), or the target names its socket itself and
 * the supervisor sends to that name.
 *
 * The kernel chooses the name (autobind).  So no address of a call that is run
 * in a target lies in memory that another thread could write: what it could
 * make of the two bytes of a family names nothing.
 */
#ifndef POINTSMAN_COURIER_H
#define POINTSMAN_COURIER_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>

struct courier {
	int sender;		/* a socket of ours for the second way, else -1 */
};

static inline bool courier_by_name(const struct courier *courier)
{
	return courier->sender >= 0;
}

/* Finds out, on a process that has fd open, which way works.  0 or -errno. */
int courier_start(struct courier *courier, pid_t tgid, int fd);
void courier_stop(struct courier *courier);

/*
 * Leave fd in the socket that thread tid of process tgid has as its
 * descriptor, by the first way.  Returns 0 or -errno.
 */
int courier_send(pid_t tid, pid_t tgid, int socket, int fd);

/*
 * Leave fd in the socket of this name, by the second way.  It is the program
 * that says which, so it may be that of another one that the program knows; a
 * name that the kernel has not chosen is refused.  Returns 0 or -errno.
 */
int courier_send_to(const struct courier *courier, const struct sockaddr_un *name, socklen_t len,
		    int fd);

/* A duplicate of a descriptor of the thread's, by pidfd_getfd(2); or -errno. */
int courier_fetch(pid_t tid, pid_t tgid, int theirs);

/*
 * Is the thread's descriptor theirs the file that ours is?  other is one of the thread's
 * that is not.  False also where kcmp(2) does not tell one from the other.
 */
bool courier_brought(pid_t tid, int theirs, int other, int ours);

/* Between two of our own: leave fd in a socket that is connected.  0 or -errno. */
int courier_pass(int via, int fd);
/* And take it out, close-on-exec.  The descriptor, -ECHILD where none came, or -errno. */
int courier_take(int via);
/* The same where one is there; else -EAGAIN. */
int courier_take_now(int via);

#endif
