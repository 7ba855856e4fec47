/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "courier.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cleanup.h"
#include "error.h"

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

/* A thread may have a descriptor table of its own: ask for it, where it can be named. */
static int open_pidfd(pid_t tid, pid_t tgid)
{
	int fd = (int)syscall(SYS_pidfd_open, tid, tid == tgid ? 0 : PIDFD_THREAD);

	if (fd < 0 && errno == EINVAL)
		fd = (int)syscall(SYS_pidfd_open, tgid, 0);
	return fd < 0 ? -errno : fd;
}

static int take_socket(pid_t tid, pid_t tgid, int theirs)
{
	auto_close int pidfd = open_pidfd(tid, tgid);
	int fd;

	if (pidfd < 0)
		return pidfd;
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, theirs, 0);
	return fd < 0 ? -errno : fd;
}

static int listen_abstract(struct courier *courier)
{
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unsigned char random[16];
	char *text = courier->name.sun_path + 1;

	if (fd < 0 || getrandom(random, sizeof(random), 0) != sizeof(random))
		return -errno;
	courier->name = (struct sockaddr_un){ .sun_family = AF_UNIX };
	text += sprintf(text, "pointsman-");
	for (size_t i = 0; i < sizeof(random); i++)
		text += sprintf(text, "%02x", random[i]);
	courier->name_len = (socklen_t)(text - (char *)&courier->name);
	if (bind(fd, (struct sockaddr *)&courier->name, courier->name_len) || listen(fd, 64))
		return -errno;
	courier->listener = steal_fd(&fd);
	return 0;
}

int courier_start(struct courier *courier, pid_t tgid, int fd)
{
	auto_close int taken = take_socket(tgid, tgid, fd);

	*courier = (struct courier){ .connect = taken < 0, .listener = -1 };
	return courier->connect ? listen_abstract(courier) : 0;
}

void courier_stop(struct courier *courier)
{
	cleanup_close(&courier->listener);
	courier->listener = -1;
}

static int send_descriptor(int via, const struct sockaddr_un *to, socklen_t to_len, int fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)),
				  .cmsg_level = SOL_SOCKET,
				  .cmsg_type = SCM_RIGHTS } };
	char byte = 0;
	struct iovec data = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = { .msg_name = (void *)to,
				  .msg_namelen = to_len,
				  .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control.room) };

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(via, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* The target's datagram socket gets a name of the kernel's choice and is sent to itself. */
static int send_by_taking(pid_t tid, pid_t tgid, int theirs, int fd)
{
	auto_close int taken = take_socket(tid, tgid, theirs);
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(name);

	if (taken < 0)
		return taken;
	if (bind(taken, (struct sockaddr *)&name, sizeof(sa_family_t)) ||
	    getsockname(taken, (struct sockaddr *)&name, &len))
		return -errno;
	return send_descriptor(taken, &name, len, fd);
}

/* The target has connected already, or never will: nothing is waited for. */
static int send_by_accepting(struct courier *courier, pid_t tgid, int fd)
{
	for (;;) {
		auto_close int peer = accept4(courier->listener, NULL, NULL,
					      SOCK_CLOEXEC | SOCK_NONBLOCK);
		struct ucred who;
		socklen_t len = sizeof(who);

		if (peer < 0)
			return -errno;
		if (!getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &who, &len) && who.pid == tgid)
			return send_descriptor(peer, NULL, 0, fd);
	}
}

int courier_send(struct courier *courier, pid_t tid, pid_t tgid, int socket, int fd)
{
	return courier->connect ? send_by_accepting(courier, tgid, fd) :
				  send_by_taking(tid, tgid, socket, fd);
}
