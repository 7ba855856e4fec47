/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A datagram of "NAME=VALUE" lines to the socket that NOTIFY_SOCKET names, as
 * sd_notify(3) documents it for implementations of their own; descriptors to be
 * kept go beside FDSTORE=1.  The manager hands them to the next process of the
 * service together with the sockets.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent.h"
#include "cleanup.h"
#include "command.h"

/* The address of the manager; 0: there is none. */
static socklen_t find_manager(struct sockaddr_un *address)
{
	const char *name = getenv("NOTIFY_SOCKET");
	size_t len = name ? strlen(name) : 0;

	if ((len && name[0] != '/' && name[0] != '@') || len >= sizeof(address->sun_path))
		return 0;
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (!len)
		return 0;
	memcpy(address->sun_path, name, len);
	if (name[0] == '@')
		address->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

static int send_message(const char *text, const int *fds, size_t nfds)
{
	struct sockaddr_un address;
	struct iovec iov = { (void *)(uintptr_t)text, strlen(text) };
	char control[CMSG_SPACE(2 * sizeof(int))] = { 0 };
	struct msghdr message = { .msg_name = &address, .msg_namelen = find_manager(&address),
				  .msg_iov = &iov, .msg_iovlen = 1 };
	auto_close int socket_fd = -1;
	struct cmsghdr *c;

	if (!message.msg_namelen)
		return 0;
	socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (socket_fd < 0)
		return -errno;
	if (nfds) {
		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
	}
	return sendmsg(socket_fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

void manager_tell(const char *message)
{
	int err = send_message(message, NULL, 0);

	if (err)
		complain("agent: the service manager cannot be told: %s", strerror(-err));
}

bool manager_keeps(void)
{
	struct sockaddr_un address;

	return find_manager(&address);
}

/* What is known of a container, for the next of us: sealed, so that it is what it was. */
static int make_state(const char *text)
{
	auto_close int fd = memfd_create("container", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t len = strlen(text);

	if (fd < 0 || write(fd, text, len) != (ssize_t)len ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE))
		return -1;
	return steal_fd(&fd);
}

void manager_keep(struct agent_container *container)
{
	char text[64];
	uint64_t name;
	int err = 0;

	if (!manager_keeps())
		return;
	container->state = make_state(container->text);
	if (container->state < 0 || getrandom(&name, sizeof(name), 0) != sizeof(name))
		err = -ENOMEM;
	if (!err) {
		const int fds[] = { container->listener, container->state };

		snprintf(container->kept, sizeof(container->kept), "container-%016llx",
			 (unsigned long long)name);
		snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s", container->kept);
		err = send_message(text, fds, 2);
	}
	if (err)
		complain("agent: container %s: the service manager does not keep it: %s",
			 container->id, strerror(-err));
}

void manager_forget(const char *name)
{
	char text[64];

	if (!name[0])
		return;
	snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	manager_tell(text);
}
