/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "memory.h"

#include <errno.h>
#include <sys/uio.h>

static ssize_t read_some(void *data, uint64_t addr, void *buf, size_t len)
{
	pid_t tid = *(const pid_t *)data;
	struct iovec local = { .iov_base = buf, .iov_len = len };
	struct iovec remote = { .iov_base = (void *)(uintptr_t)addr, .iov_len = len };
	ssize_t done = process_vm_readv(tid, &local, 1, &remote, 1, 0);

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

int memory_write(pid_t tid, uint64_t to, const void *from, size_t len)
{
	struct iovec local = { .iov_base = (void *)from, .iov_len = len };
	struct iovec remote = { .iov_base = (void *)(uintptr_t)to, .iov_len = len };
	ssize_t done = process_vm_writev(tid, &local, 1, &remote, 1, 0);

	return done == (ssize_t)len ? 0 : done < 0 ? -errno : -EFAULT;
}
