/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * courier.h - brings a descriptor of the supervisor into a target
 *
 * The target makes a socket; the message with the descriptor is put into it
 * by one of two ways, whichever the first target lets us use: the supervisor
 * takes the target's socket with pidfd_getfd(2) and sends the message to it
 * (needs Linux 5.6 and a container profile that lets it; works across network
 * namespaces), or the target connects to the supervisor's abstract socket.
 */
#ifndef POINTSMAN_COURIER_H
#define POINTSMAN_COURIER_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>

struct courier {
	bool connect;		/* the second way */
	int listener;		/* of it, else -1 */
	struct sockaddr_un name;
	socklen_t name_len;
};

/* Finds out, on a process that has fd open, which way works.  0 or -errno. */
int courier_start(struct courier *courier, pid_t tgid, int fd);
void courier_stop(struct courier *courier);

/*
 * Leave fd in the socket that thread tid of process tgid has as its
 * descriptor.  Returns 0 or -errno.
 */
int courier_send(struct courier *courier, pid_t tid, pid_t tgid, int socket, int fd);

#endif
