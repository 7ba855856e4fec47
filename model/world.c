// SPDX-License-Identifier: LGPL-2.1-or-later
/* world.c - what the calls of both plays meet */
#define _GNU_SOURCE
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

struct model_run world_lseek(const struct model_call *call)
{
	unsigned int whence = (unsigned int)call->args[2];
	long offset = (long)call->args[1];

	switch ((unsigned int)call->args[0]) {
	case FD_SLEEP:
		return (struct model_run){ .value = whence > 4 ? -EINVAL : -ESPIPE };
	case FD_SMALL:
	case FD_LARGE:
		if (whence > 4)
			return (struct model_run){ .value = -EINVAL };
		if (whence == SEEK_END)
			offset += (unsigned int)call->args[0] == FD_SMALL ? SIZE_SMALL :
									    SIZE_LARGE;
		return (struct model_run){ .value = offset };
	default:
		return (struct model_run){ .value = -EBADF };
	}
}

int sized_file(int fd, off_t size)
{
	char path[64];
	int memory = memfd_create("size", MFD_CLOEXEC), file;

	if (memory < 0 || ftruncate(memory, size))
		return -errno;
	/* For lseek() alone: what is read from it would be a matter of who was there first. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
	file = open(path, O_WRONLY | O_CLOEXEC);
	if (file < 0 || dup2(file, fd) < 0)
		return -errno;
	close(file);
	close(memory);
	return 0;
}
