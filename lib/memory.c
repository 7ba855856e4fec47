/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "call_private.h"
#include "changes.h"
#include "cleanup.h"

/*
 * Some containers refuse process_vm_readv(2) and its twin and not ptrace(2):
 * the same bytes are in /proc/TID/mem.
 */
static bool refused(ssize_t done)
{
	return done < 0 && (errno == EPERM || errno == ENOSYS);
}

static int open_memory(pid_t tid, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", tid);
	return open(path, flags | O_CLOEXEC);
}

static ssize_t read_file(pid_t tid, uint64_t addr, void *buf, size_t len)
{
	auto_close int fd = open_memory(tid, O_RDONLY);
	ssize_t done;

	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -EPERM;
	done = pread(fd, buf, len, (off_t)addr);
	return done < 0 ? (errno == EIO ? -EFAULT : -errno) : done;
}

static ssize_t read_some(void *data, uint64_t addr, void *buf, size_t len)
{
	pid_t tid = *(const pid_t *)data;
	struct iovec local = { .iov_base = buf, .iov_len = len };
	struct iovec remote = { .iov_base = (void *)(uintptr_t)addr, .iov_len = len };
	ssize_t done = process_vm_readv(tid, &local, 1, &remote, 1, 0);

	if (refused(done))
		return read_file(tid, addr, buf, len);
	return done < 0 ? -errno : done;
}

struct pm_reader memory_reader(pid_t *tid)
{
	return (struct pm_reader){ .data = tid, .read = read_some };
}

int memory_read(pid_t tid, uint64_t from, void *to, size_t len)
{
	ssize_t done = read_some(&tid, from, to, len);

	return done == (ssize_t)len ? 0 : done < 0 ? (int)done : -EFAULT;
}

static int write_file(pid_t tid, uint64_t to, const void *from, size_t len)
{
	auto_close int fd = open_memory(tid, O_WRONLY);

	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -EPERM;
	return pwrite(fd, from, len, (off_t)to) == (ssize_t)len ? 0 : -EFAULT;
}

int memory_write(pid_t tid, uint64_t to, const void *from, size_t len)
{
	struct iovec local = { .iov_base = (void *)from, .iov_len = len };
	struct iovec remote = { .iov_base = (void *)(uintptr_t)to, .iov_len = len };
	ssize_t done = process_vm_writev(tid, &local, 1, &remote, 1, 0);

	if (refused(done))
		return write_file(tid, to, from, len);
	return done == (ssize_t)len ? 0 : done < 0 ? -errno : -EFAULT;
}

/* May the thread write to all of this itself?  /proc/TID/mem does not ask. */
static bool is_writable(FILE *maps, uint64_t from, size_t len)
{
	auto_free char *line = NULL;
	uint64_t start, end, left = len;
	size_t room = 0;
	char may_write;

	while (left && getline(&line, &room, maps) > 0) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*c%c", &start, &end, &may_write) != 3 ||
		    end <= from)
			continue;
		if (start > from || may_write != 'w')
			return false;
		left -= end - from < left ? end - from : left;
		from = end;
	}
	return !left;
}

int memory_write_standing(pid_t tid, uint64_t to, const void *from, size_t len,
			  const struct standing *standing)
{
	auto_close int mem = open_memory(tid, O_WRONLY);
	char path[64];
	FILE *maps;
	int err = 0;

	if (mem < 0)
		return errno == ENOENT ? -ESRCH : -EPERM;
	snprintf(path, sizeof(path), "/proc/%d/maps", tid);
	maps = fopen(path, "re");
	if (!maps)
		return errno == ENOENT ? -ESRCH : -EPERM;
	/* Both are of the address space that the number stood for when they were opened. */
	if (!standing->stands(standing->data))
		err = -ESRCH;
	else if (!is_writable(maps, to, len) || pwrite(mem, from, len, (off_t)to) != (ssize_t)len)
		err = -EFAULT;
	fclose(maps);
	return err;
}

int pm_call_write(struct pm_call *call, uint64_t addr, const void *from, size_t len)
{
	if (!len)
		return 0;
	/* Who does not ask whether it was written down must not answer as if it were. */
	if (call->priv->changes)
		return changes_note_always(call, CHANGE_MEMORY, addr, from, len);
	if (call->priv->standing.stands)
		return memory_write_standing(call->tid, addr, from, len, &call->priv->standing);
	return memory_write(call->tid, addr, from, len);
}
