/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A connection in the target's place: the socket is the target's, the address
 * is the one that was read and decided on.  The path of a socket is looked up in
 * the target's view, and what it leads to is connected to.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "cleanup.h"
#include "identity.h"
#include "notify_plain.h"

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

/*
 * A thread may have descriptors of its own, which are the process's only where the
 * kernel says so, or has pidfds of threads.
 */
int plain_descriptor(const struct pm_call *call, int number)
{
	bool shared = call->tid == call->tgid ||
		      !syscall(SYS_kcmp, call->tgid, call->tid, KCMP_FILES, 0, 0);
	auto_close int pidfd = (int)syscall(SYS_pidfd_open, shared ? call->tgid : call->tid,
					    shared ? 0 : PIDFD_THREAD);
	int fd;

	if (pidfd < 0)
		return -errno;
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
	return fd < 0 ? -errno : fd;
}

static bool has_path(const struct pm_item *item)
{
	sa_family_t family = AF_UNSPEC;

	if (item->len >= sizeof(family))
		memcpy(&family, item->data, sizeof(family));
	return family == AF_UNIX && item->len > offsetof(struct sockaddr_un, sun_path) &&
	       item->data[offsetof(struct sockaddr_un, sun_path)];
}

/* The descriptor of what the path leads to stands for it. */
static int find_path(struct pm_call *call, const struct pm_item *item, struct plain_address *address)
{
	const size_t start = offsetof(struct sockaddr_un, sun_path);
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1] = "";
	struct sockaddr_un *un = (struct sockaddr_un *)&address->data;
	struct pm_where where;
	int err;

	if (item->len > sizeof(*un))
		return -EINVAL;
	memcpy(path, item->data + start, item->len - start);
	err = pm_call_resolve(call, path, false, &where);
	if (err)
		return err;
	err = where.err ? -where.err : where.exists ? 0 : -ENOENT;
	address->fd = steal_fd(&where.fd);
	pm_where_free(&where);
	un->sun_family = AF_UNIX;
	snprintf(un->sun_path, sizeof(un->sun_path), "/proc/thread-self/fd/%d", address->fd);
	address->len = sizeof(*un);
	return err;
}

int plain_find_address(struct pm_call *call, const struct pm_item *item,
		       struct plain_address *address)
{
	if (!item || item->len > sizeof(address->data))
		return -EINVAL;
	if (has_path(item))
		return find_path(call, item, address);
	memcpy(&address->data, item->data, item->len);
	address->len = (socklen_t)item->len;
	return 0;
}

/* What is done as the target. */
struct connecting {
	const struct notice *notice;
	int fd;
	const struct plain_address *address;
};

/* Where the target is interrupted and asks again, the kernel goes on with the first attempt. */
static int do_connect(void *data)
{
	const struct connecting *connecting = data;
	const struct plain_address *address = connecting->address;
	struct plain_wait wait;
	int err = plain_wait(&wait);

	if (err)
		return err;
	do {
		err = connect(connecting->fd, (const struct sockaddr *)&address->data,
			      address->len) ? -errno : 0;
	} while (err == -EINTR && plain_go_on(connecting->notice));
	plain_wait_end(&wait);
	return err;
}

int plain_connect(const struct notice *notice)
{
	struct pm_call *call = &notice->flight->call;
	struct plain_address address = { .fd = -1 };
	auto_close int fd = plain_descriptor(call, (int)call->args[0]);
	struct connecting connecting = { .notice = notice, .fd = fd, .address = &address };
	struct identity theirs;
	int err = fd < 0 ? fd : plain_find_address(call, pm_call_item(call, PM_ITEM_SOCKADDR, NULL),
						      &address);

	if (!err)
		err = identity_of(call->tid, &theirs);
	if (!err) {
		/* The number may be another thread's by now. */
		err = notice_stands(notice) ?
			      identity_do(&theirs, false, do_connect, &connecting) :
			      -ESRCH;
		identity_free(&theirs);
	}
	cleanup_close(&address.fd);
	return err;
}
