/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "courier.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
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

int courier_fetch(pid_t tid, pid_t tgid, int theirs)
{
	auto_close int pidfd = open_pidfd(tid, tgid);
	int fd;

	if (pidfd < 0)
		return pidfd;
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, theirs, 0);
	return fd < 0 ? -errno : fd;
}

bool courier_brought(pid_t tid, int theirs, int other, int ours)
{
	pid_t self = getpid();

	return syscall(SYS_kcmp, self, tid, KCMP_FILE, ours, theirs) == 0 &&
	       syscall(SYS_kcmp, self, tid, KCMP_FILE, ours, other) > 0;
}

int courier_start(struct courier *courier, pid_t tgid, int fd)
{
	auto_close int taken = courier_fetch(tgid, tgid, fd);

	courier->sender = -1;
	if (taken >= 0)
		return 0;
	courier->sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return courier->sender < 0 ? -errno : 0;
}

void courier_stop(struct courier *courier)
{
	cleanup_close(&courier->sender);
	courier->sender = -1;
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

int courier_send(pid_t tid, pid_t tgid, int socket, int fd)
{
	auto_close int taken = courier_fetch(tid, tgid, socket);
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(name);

	if (taken < 0)
		return taken;
	if (bind(taken, (struct sockaddr *)&name, sizeof(sa_family_t)) ||
	    getsockname(taken, (struct sockaddr *)&name, &len))
		return -errno;
	return send_descriptor(taken, &name, len, fd);
}

int courier_send_to(const struct courier *courier, const struct sockaddr_un *name, socklen_t len,
		    int fd)
{
	/* As unix_autobind() of the kernel makes them: a NUL and five hexadecimal digits. */
	if (len != offsetof(struct sockaddr_un, sun_path) + 6 || name->sun_family != AF_UNIX ||
	    name->sun_path[0])
		return -EPERM;
	for (int i = 1; i < 6; i++)
		if (!isxdigit((unsigned char)name->sun_path[i]))
			return -EPERM;
	return send_descriptor(courier->sender, name, len, fd);
}

int courier_pass(int via, int fd)
{
	return send_descriptor(via, NULL, 0, fd);
}

static int take(int via, int flags)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec data = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control.room) };
	ssize_t len;
	int fd;

	do
		len = recvmsg(via, &message, MSG_CMSG_CLOEXEC | flags);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return -errno;
	if (!len || !CMSG_FIRSTHDR(&message) || control.header.cmsg_type != SCM_RIGHTS)
		return -ECHILD;
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

int courier_take(int via)
{
	return take(via, 0);
}

int courier_take_now(int via)
{
	return take(via, MSG_DONTWAIT);
}
