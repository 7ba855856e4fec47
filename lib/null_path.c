/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* null_path.c - where a path that is NULL is "", which kernels do not agree on */
#define _GNU_SOURCE
#include "call_private.h"

#include <fcntl.h>
#include <linux/stat.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cleanup.h"

static enum {
	NOWHERE,
	FOR_DESCRIPTORS,	/* with AT_EMPTY_PATH and nothing else that leads elsewhere */
	WHEREVER_EMPTY,		/* wherever "" is allowed */
} taken;

static bool takes_null(int dirfd)
{
	struct stat st;

	return !syscall(SYS_newfstatat, dirfd, NULL, &st, AT_EMPTY_PATH);
}

static void find_out(void)
{
	auto_close int root = open("/", O_PATH | O_CLOEXEC);

	if (takes_null(AT_FDCWD))
		taken = WHEREVER_EMPTY;
	else if (root >= 0 && takes_null(root))
		taken = FOR_DESCRIPTORS;
}

bool shape_null_is_empty(const struct pm_call *call, const struct pm_shape *shape)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	uint32_t flags;

	if (!(shape->options & PM_SHAPE_NULL_EMPTY) || !shape_empty_ok(call, shape))
		return false;
	pthread_once(&once, find_out);
	if (taken != FOR_DESCRIPTORS)
		return taken == WHEREVER_EMPTY;
	/* vfs_empty_path() of Linux 6.12, and who asks it. */
	flags = (uint32_t)call->args[shape->flags - 1];
	if (!strcmp(call->name, "statx"))
		flags &= ~(uint32_t)(AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE);
	else if (strcmp(call->name, "newfstatat") && strcmp(call->name, "fstatat64"))
		return false;
	return flags == AT_EMPTY_PATH && (int)call->args[shape->dirfd - 1] >= 0;
}
