/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* relay_loop.c - the relay itself: a thread for each connection */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "relay.h"

#define PATIENCE 10000	/* ms until whoever asked for a port has connected to it */

/* Owner: its thread. */
struct connection {
	int listener;
	struct sockaddr_in meant;
};

/* Room for one descriptor, aligned as the kernel wants it. */
union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

int hand_over(int relay, int listener, const struct sockaddr_in *meant)
{
	union control control = { 0 };
	struct iovec data = { .iov_base = (void *)meant, .iov_len = sizeof(*meant) };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	control.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)),
					   .cmsg_level = SOL_SOCKET,
					   .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&control.header), &listener, sizeof(int));
	return sendmsg(relay, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* False at the end. */
static bool take(int sock, struct connection *connection)
{
	union control control = { 0 };
	struct iovec data = { .iov_base = &connection->meant,
			      .iov_len = sizeof(connection->meant) };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	if (recvmsg(sock, &message, MSG_CMSG_CLOEXEC) <= 0 || !CMSG_FIRSTHDR(&message))
		return false;
	memcpy(&connection->listener, CMSG_DATA(&control.header), sizeof(int));
	return true;
}

/* What there is, one way.  The end is handed on; after it *from is -1. */
static long pass(int *from, int to)
{
	char bytes[16384];
	ssize_t len = read(*from, bytes, sizeof(bytes)), done = 0;

	while (done < len) {
		ssize_t n = send(to, bytes + done, (size_t)(len - done), MSG_NOSIGNAL);

		if (n < 0)
			break;
		done += n;
	}
	if (len > 0 && done == len)
		return (long)len;
	shutdown(to, SHUT_WR);
	*from = -1;
	return done;
}

static void pump(int near, int far, long count[2])
{
	struct pollfd ends[2] = { { .fd = near, .events = POLLIN },
				  { .fd = far, .events = POLLIN } };

	while ((ends[0].fd >= 0 || ends[1].fd >= 0) && poll(ends, 2, -1) > 0) {
		if (ends[0].revents)
			count[0] += pass(&ends[0].fd, far);
		if (ends[1].revents)
			count[1] += pass(&ends[1].fd, near);
	}
}

static void *serve(void *data)
{
	struct connection *connection = data;
	struct pollfd asked = { .fd = connection->listener, .events = POLLIN };
	char name[INET_ADDRSTRLEN];
	long count[2] = { 0, 0 };
	int far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), near = -1;

	if (poll(&asked, 1, PATIENCE) == 1)
		near = accept4(connection->listener, NULL, NULL, SOCK_CLOEXEC);
	close(connection->listener);
	inet_ntop(AF_INET, &connection->meant.sin_addr, name, sizeof(name));
	if (near >= 0 && connect(far, (struct sockaddr *)&connection->meant,
				 sizeof(connection->meant)))
		fprintf(stderr, "relay: %s: %s\n", name, strerror(errno));
	else if (near >= 0) {
		pump(near, far, count);
		fprintf(stderr, "relay: %s: %ld bytes there, %ld back\n", name, count[0],
			count[1]);
	}
	close(near);
	close(far);
	free(connection);
	return NULL;
}

_Noreturn void relay(int sock)
{
	struct connection connection;
	int null = open("/dev/null", O_RDWR);

	/* Whoever reads what the command writes is not to wait for us. */
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	setsid();
	while (take(sock, &connection)) {
		struct connection *own = malloc(sizeof(*own));
		pthread_t thread;

		if (own)
			*own = connection;
		if (own && !pthread_create(&thread, NULL, serve, own)) {
			pthread_detach(thread);
			continue;
		}
		free(own);
		close(connection.listener);
	}
	/* The others go on until they are done. */
	pthread_exit(NULL);
}
