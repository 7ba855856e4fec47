/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * probe_reach.c - reaching into a process that is no descendant and not traced
 *
 * Whoever decides on the calls of a program reads what they name.  Yama lets
 * only ancestors do that where ptrace_scope is 1.
 */
#define _GNU_SOURCE
#include "probe_reach.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"

#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

static const char secret[] = "pointsman was here";

/* EBADE: it says that it has read, and has not. */
static void compare(struct probe *probe, enum probe_fact fact, ssize_t got, const char *text,
		    const char *what, size_t len)
{
	if (probe_keep(probe, fact, got) && ((size_t)got != len || memcmp(text, what, len)))
		probe->fact[fact] = -EBADE;
}

void probe_reach_into(struct probe *probe, pid_t pid, uint64_t addr, const char *what, size_t len)
{
	char text[64] = "", name[64];
	struct iovec here = { text, len }, there = { (void *)addr, len };
	auto_close int fd = -1;
	ssize_t got;

	probe->fact[PROBE_READ_VM] = PROBE_TRYING;
	got = process_vm_readv(pid, &here, 1, &there, 1, 0);
	compare(probe, PROBE_READ_VM, got, text, what, len);
	memset(text, 0, sizeof(text));
	snprintf(name, sizeof(name), "/proc/%d/mem", pid);
	probe->fact[PROBE_READ_MEM] = PROBE_TRYING;
	fd = open(name, O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? -1 : pread(fd, text, len, (off_t)addr);
	compare(probe, PROBE_READ_MEM, got, text, what, len);
}

void probe_open_pidfds(struct probe *probe, pid_t pid, int their_fd)
{
	auto_close int thread = -1;
	auto_close int pidfd = -1;
	auto_close int theirs = -1;

	probe->fact[PROBE_PIDFD] = PROBE_TRYING;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	probe_keep(probe, PROBE_PIDFD, pidfd);
	probe->fact[PROBE_PIDFD_THREAD] = PROBE_TRYING;
	thread = (int)syscall(SYS_pidfd_open, pid, PIDFD_THREAD);
	probe_keep(probe, PROBE_PIDFD_THREAD, thread);
	if (pidfd < 0)
		return;
	probe->fact[PROBE_PIDFD_GETFD] = PROBE_TRYING;
	theirs = (int)syscall(SYS_pidfd_getfd, pidfd, their_fd, 0);
	probe_keep(probe, PROBE_PIDFD_GETFD, theirs);
}

/* Says who it is, and waits until it has been looked at. */
static _Noreturn void be_child(int sock)
{
	pid_t self = getpid();
	char end;

	if (send(sock, &self, sizeof(self), MSG_NOSIGNAL) == sizeof(self))
		recv(sock, &end, sizeof(end), 0);
	_exit(0);
}

static _Noreturn void be_parent(int sock)
{
	pid_t child;

	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	child = probe_fork();
	if (child == 0)
		be_child(sock);
	waitpid(child, NULL, 0);
	_exit(0);
}

static _Noreturn void be_reader(struct probe *probe, int sock, int their_fd)
{
	pid_t pid;

	if (recv(sock, &pid, sizeof(pid), 0) != sizeof(pid))
		_exit(0);
	probe_reach_into(probe, pid, (uintptr_t)secret, secret, sizeof(secret));
	probe_open_pidfds(probe, pid, their_fd);
	probe->fact[PROBE_KCMP] = PROBE_TRYING;
	probe_keep(probe, PROBE_KCMP, syscall(SYS_kcmp, getpid(), pid, KCMP_VM, 0, 0));
	_exit(0);
}

void probe_reach(struct probe *probe)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		probe_keep(probe, PROBE_READ_VM, -1);
		return;
	}
	if (probe_fork() == 0) {
		close(pair[1]);
		be_parent(pair[0]);
	}
	if (probe_fork() == 0) {
		close(pair[0]);
		be_reader(probe, pair[1], pair[0]);
	}
	close(pair[0]);
	close(pair[1]);
}
