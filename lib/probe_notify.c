/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A target installs the filter, and its child makes three calls that name
 * themselves by an argument which the kernel does not look at.  The supervisor
 * is a sibling of the target: no ancestor of anything that it reads (Yama), as
 * that of a run.  The grandchild says what it got.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arena.h"
#include "cleanup.h"
#include "probe.h"
#include "uapi.h"

#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

#define ALL_FLAGS (SECCOMP_FILTER_FLAG_REDIRECT | SECCOMP_FILTER_FLAG_CHAIN | \
		   SECCOMP_FILTER_FLAG_WAIT_KILLABLE | SECCOMP_FILTER_FLAG_KILL_ORPHANS)

/* What is asked for, which nobody has, and what is got instead. */
static const char asked[] = "/pointsman/probe";
static const char given[] = "/";

/* The mode of an open that makes no file. */
enum step { STEP_PATH = 1, STEP_NUMBER, STEP_FD };

struct exchange {
	struct probe *probe;
	int pair[2];		/* the target's end, the supervisor's */
	struct stat given, end;	/* of what the calls should get: given, and pair[1] */
};

static const struct {
	enum probe_fact fact;
	unsigned long flag;
} flags[] = {
	{ PROBE_FLAG_REDIRECT, SECCOMP_FILTER_FLAG_REDIRECT },
	{ PROBE_FLAG_CHAIN, SECCOMP_FILTER_FLAG_CHAIN },
	{ PROBE_FLAG_WAIT_KILLABLE, SECCOMP_FILTER_FLAG_WAIT_KILLABLE },
	{ PROBE_FLAG_KILL_ORPHANS, SECCOMP_FILTER_FLAG_KILL_ORPHANS },
};
#define NFLAGS (sizeof(flags) / sizeof(flags[0]))

/* The kernel looks at the flags first, then at the filter, which is none. */
static int try_flag(unsigned long flag)
{
	syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER | flag, NULL);
	return errno == EFAULT ? 0 : -errno;
}

/* A listener for the opens of the three steps; every other call passes. */
static int install(unsigned long with)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[3])),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, STEP_PATH, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, STEP_FD, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			    SECCOMP_FILTER_FLAG_NEW_LISTENER | with, &program);
}

static int send_fd(int sock, int fd)
{
	char room[CMSG_SPACE(sizeof(fd))] = { 0 };
	struct iovec byte = { "f", 1 };
	struct msghdr message = { .msg_iov = &byte, .msg_iovlen = 1, .msg_control = room,
				  .msg_controllen = sizeof(room) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return sendmsg(sock, &message, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

/* Returns the descriptor, or -1: nobody sends one any more. */
static int receive_fd(int sock)
{
	char byte, room[CMSG_SPACE(sizeof(int))];
	struct iovec bytes = { &byte, 1 };
	struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = room,
				  .msg_controllen = sizeof(room) };
	struct cmsghdr *header;
	int fd = -1;

	if (recvmsg(sock, &message, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

/*
 * The supervisor has said what it did; only the grandchild knows whether that
 * had the effect.  EBADE: it had another one.
 */
static void confirm(struct probe *probe, enum probe_fact fact, bool right)
{
	if (probe->fact[fact] == PROBE_TRYING)
		probe->fact[fact] = right ? 0 : -EBADE;
}

static bool is_file(long fd, const struct stat *expected)
{
	struct stat st;

	return fd >= 0 && !fstat((int)fd, &st) && st.st_dev == expected->st_dev &&
	       st.st_ino == expected->st_ino;
}

static _Noreturn void be_grandchild(const struct exchange *x)
{
	long got;

	got = syscall(SYS_openat, AT_FDCWD, asked, O_PATH | O_CLOEXEC, STEP_PATH);
	confirm(x->probe, PROBE_REDIRECT, is_file(got, &x->given));
	got = syscall(SYS_openat, AT_FDCWD, asked, O_PATH | O_CLOEXEC, STEP_NUMBER);
	confirm(x->probe, PROBE_NUMBER, got == getpid());
	got = syscall(SYS_openat, AT_FDCWD, asked, O_PATH | O_CLOEXEC, STEP_FD);
	confirm(x->probe, PROBE_ADDFD, is_file(got, &x->end));
	_exit(0);
}

static _Noreturn void be_target(const struct exchange *x, unsigned long with)
{
	struct probe *probe = x->probe;
	int listener;
	pid_t child;

	close(x->pair[1]);
	/* As after an execve; what may not be dumped may not be read. */
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	if (!probe_keep(probe, PROBE_NO_NEW_PRIVS, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)))
		_exit(0);
	probe->fact[PROBE_TOGETHER] = PROBE_TRYING;
	listener = install(with);
	if (!probe_keep(probe, PROBE_TOGETHER, listener) || send_fd(x->pair[0], listener))
		_exit(0);
	close(listener);
	probe->fact[PROBE_RECV] = PROBE_TRYING;
	child = probe_fork();
	if (child == 0)
		be_grandchild(x);
	waitpid(child, NULL, 0);
	_exit(0);
}

/* Reads what the grandchild asks for, once in each of two ways. */
static void try_reading(struct probe *probe, pid_t pid, uint64_t addr)
{
	char text[sizeof(asked)], name[64];
	struct iovec here = { text, sizeof(text) }, there = { (void *)addr, sizeof(text) };
	auto_close int fd = -1;
	ssize_t got;

	got = process_vm_readv(pid, &here, 1, &there, 1, 0);
	if (probe_keep(probe, PROBE_READ_VM, got) && memcmp(text, asked, sizeof(text)))
		probe->fact[PROBE_READ_VM] = -EBADE;
	memset(text, 0, sizeof(text));
	snprintf(name, sizeof(name), "/proc/%d/mem", pid);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? -1 : pread(fd, text, sizeof(text), (off_t)addr);
	if (probe_keep(probe, PROBE_READ_MEM, got) && memcmp(text, asked, sizeof(text)))
		probe->fact[PROBE_READ_MEM] = -EBADE;
}

static void try_pidfds(struct probe *probe, pid_t pid, int their_fd)
{
	auto_close int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	auto_close int thread = -1;
	auto_close int theirs = -1;

	probe_keep(probe, PROBE_PIDFD, pidfd);
	thread = (int)syscall(SYS_pidfd_open, pid, PIDFD_THREAD);
	probe_keep(probe, PROBE_PIDFD_THREAD, thread);
	if (pidfd < 0)
		return;
	probe->fact[PROBE_PIDFD_GETFD] = PROBE_TRYING;
	theirs = (int)syscall(SYS_pidfd_getfd, pidfd, their_fd, 0);
	probe_keep(probe, PROBE_PIDFD_GETFD, theirs);
}

/* Pin the other path, and let the open run on it.  True where it was answered. */
static bool try_redirect(struct probe *probe, int listener, uint64_t id)
{
	struct seccomp_notif_resp_redirect answer = {
		.id = id, .flags = SECCOMP_REDIRECT_FLAG_CONTINUE,
		.args_mask = 1u << 1, .ptr_mask = 1u << 1,
	};
	struct seccomp_notif_pin_install pin = { .id = id, .size = ARENA_SIZE };
	struct arena *arena;
	bool answered = false;
	int err = arena_new(&arena);

	probe->fact[PROBE_MEMFD] = err;
	if (err)
		return false;
	memcpy(arena->map, given, sizeof(given));
	pin.memfd = answer.memfd = (uint32_t)arena->fd;
	if (probe_keep(probe, PROBE_PIN, ioctl(listener, SECCOMP_IOCTL_NOTIF_PIN_INSTALL, &pin))) {
		answer.args[1] = pin.target_addr;
		answer.ptr_len[1] = sizeof(given);
		probe->fact[PROBE_REDIRECT] = PROBE_TRYING;
		answered = !ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND_REDIRECT, &answer);
		if (!answered)
			probe->fact[PROBE_REDIRECT] = -errno;
	}
	arena_put(arena);
	return answered;
}

static bool try_number(struct probe *probe, int listener, uint64_t id)
{
	struct seccomp_notif_resp_redirect answer = {
		.id = id, .nr = SYS_getpid,
		.flags = SECCOMP_REDIRECT_FLAG_CONTINUE | SECCOMP_REDIRECT_FLAG_NR,
	};

	probe->fact[PROBE_NUMBER] = PROBE_TRYING;
	if (!ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND_REDIRECT, &answer))
		return true;
	probe->fact[PROBE_NUMBER] = -errno;
	return false;
}

static bool try_addfd(struct probe *probe, int listener, uint64_t id, int fd)
{
	struct seccomp_notif_addfd answer = {
		.id = id, .flags = SECCOMP_ADDFD_FLAG_SEND, .srcfd = (uint32_t)fd,
		.newfd_flags = O_CLOEXEC,
	};

	probe->fact[PROBE_ADDFD] = PROBE_TRYING;
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &answer) >= 0)
		return true;
	probe->fact[PROBE_ADDFD] = -errno;
	return false;
}

static void answer_step(const struct exchange *x, int listener, const struct seccomp_notif *call)
{
	struct seccomp_notif_resp refusal = { .id = call->id, .error = -EPERM };
	struct probe *probe = x->probe;
	pid_t pid = (pid_t)call->pid;
	bool answered = false;

	switch (call->data.args[3]) {
	case STEP_PATH:
		try_reading(probe, pid, call->data.args[1]);
		try_pidfds(probe, pid, x->pair[0]);
		answered = try_redirect(probe, listener, call->id);
		break;
	case STEP_NUMBER:
		answered = try_number(probe, listener, call->id);
		break;
	case STEP_FD:
		answered = try_addfd(probe, listener, call->id, x->pair[1]);
		break;
	}
	if (!answered)
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &refusal);
}

/* Until target and grandchild are gone: none is left in a call. */
static _Noreturn void be_supervisor(const struct exchange *x)
{
	struct probe *probe = x->probe;
	struct pollfd polls[2] = { { .events = POLLIN }, { .events = POLLIN } };
	int listener;

	close(x->pair[0]);
	listener = receive_fd(x->pair[1]);
	if (listener < 0)
		_exit(0);
	probe_keep(probe, PROBE_SYNC, ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS,
					    SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP));
	polls[0].fd = listener;
	polls[1].fd = x->pair[1];
	while (poll(polls, 2, -1) >= 0 && !polls[1].revents) {
		struct seccomp_notif call = { 0 };

		if (polls[0].revents & POLLIN &&
		    probe_keep(probe, PROBE_RECV, ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call)))
			answer_step(x, listener, &call);
	}
	_exit(0);
}

static void hold_exchange(struct probe *probe, unsigned long with)
{
	struct exchange x = { .probe = probe };

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, x.pair) || stat(given, &x.given) ||
	    fstat(x.pair[1], &x.end)) {
		probe->fact[PROBE_TOGETHER] = -errno;
		return;
	}
	if (probe_fork() == 0)
		be_supervisor(&x);
	if (probe_fork() == 0)
		be_target(&x, with);
	close(x.pair[0]);
	close(x.pair[1]);
}

static void exchange_with_all(struct probe *probe)
{
	hold_exchange(probe, ALL_FLAGS);
}

/* What the notify backend needs, in the order in which it is tried. */
static const struct {
	enum probe_fact fact, or;	/* one of the two */
	const char *what;
} needs[] = {
	{ PROBE_NO_NEW_PRIVS, PROBE_NO_NEW_PRIVS, "no_new_privs cannot be set" },
	{ PROBE_TOGETHER, PROBE_TOGETHER, "no listener can be installed" },
	{ PROBE_RECV, PROBE_RECV, "a listener is not told of calls" },
	{ PROBE_READ_VM, PROBE_READ_MEM, "the memory of a program's child cannot be read" },
	{ PROBE_PIDFD, PROBE_PIDFD, "pidfd_open(2) does not work" },
	{ PROBE_PIDFD_THREAD, PROBE_PIDFD_THREAD, "pidfd_open(2) does not know PIDFD_THREAD" },
	{ PROBE_MEMFD, PROBE_MEMFD, "no sealed memory can be made" },
	{ PROBE_PIN, PROBE_PIN, "memory cannot be pinned" },
	{ PROBE_REDIRECT, PROBE_REDIRECT, "a call cannot be redirected" },
	{ PROBE_NUMBER, PROBE_NUMBER, "a call cannot be redirected to another" },
	{ PROBE_ADDFD, PROBE_ADDFD, "a call cannot be answered with a descriptor" },
};

static int say(int err, char *why, size_t size, const char *what)
{
	const char *because = strerror(-err);

	if (err == -EBUSY)
		because = "another one is around this process";
	else if (err == -ECHILD)
		because = "who tries it is killed";
	else if (err == -EBADE)
		because = "it has another effect";
	else if (err == -ETIMEDOUT)
		because = "the try did not end";
	snprintf(why, size, "%s: %s", what, because);
	return err;
}

int pm_probe_notify(char *why, size_t size)
{
	struct probe *probe;
	int err = 0;

	for (size_t i = 0; i < NFLAGS && !err; i++)
		err = try_flag(flags[i].flag);
	if (err == -EINVAL) {
		snprintf(why, size, "this kernel's seccomp(2) has no redirects");
		return -EOPNOTSUPP;
	}
	if (err)
		return say(err, why, size, "seccomp(2) is refused");
	if (access("/proc/self/fd", X_OK))
		return say(-errno, why, size, "/proc is not mounted");
	probe = probe_new();
	err = probe ? probe_apart(probe, exchange_with_all) : -ENOMEM;
	if (err)
		say(err, why, size, "nothing can be tried");
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]) && !err; i++) {
		err = probe->fact[needs[i].fact];
		if (err && needs[i].or != needs[i].fact && !probe->fact[needs[i].or])
			err = 0;
		if (err > 0)
			err = probe->late ? -ETIMEDOUT : -ECHILD;
		if (err)
			say(err, why, size, needs[i].what);
	}
	probe_free(probe);
	return err;
}
