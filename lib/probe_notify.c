/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * probe_notify.c - listeners
 *
 * A target installs the filter, and its child makes four calls that name
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
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arena.h"
#include "cleanup.h"
#include "probe.h"
#include "probe_reach.h"
#include "uapi.h"

/* What is asked for, which nobody has, and what is got instead. */
static const char asked[] = "/pointsman/probe";
static const char given[] = "/";

/* The mode of an open that makes no file. */
enum step { STEP_PATH = 1, STEP_NUMBER, STEP_FD, STEP_WATCH };

struct exchange {
	struct probe *probe;
	int pair[2]; /* the target's end, the supervisor's */
	struct stat given, end; /* of what the calls should get: given, and pair[1] */
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

/*
 * The kernel looks at the flags first, then at the filter, which is none.  Who
 * is killed for this could not install a filter either.
 */
bool probe_flags(struct probe *probe)
{
	bool all = true;

	for (size_t i = 0; i < NFLAGS; i++) {
		int *fact = &probe->fact[flags[i].fact];

		*fact = PROBE_TRYING;
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			SECCOMP_FILTER_FLAG_NEW_LISTENER | flags[i].flag, NULL);
		*fact = errno == EFAULT ? 0 : -errno;
		all = all && !*fact;
	}
	return all;
}

static unsigned long known_flags(const struct probe *probe)
{
	unsigned long known = 0;

	for (size_t i = 0; i < NFLAGS; i++)
		if (!probe->fact[flags[i].fact])
			known |= flags[i].flag;
	return known;
}

/* A listener for the opens of the four steps; every other call passes. */
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
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, STEP_WATCH, 0, 1),
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
	struct msghdr message = { .msg_iov = &byte,
				  .msg_iovlen = 1,
				  .msg_control = room,
				  .msg_controllen = sizeof(room) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return sendmsg(sock, &message, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

/* Returns the descriptor, or -1: nobody sends one any more. */
static int receive_fd(int sock)
{
	char byte, room[CMSG_SPACE(sizeof(int))];
	struct iovec bytes = { &byte, 1 };
	struct msghdr message = { .msg_iov = &bytes,
				  .msg_iovlen = 1,
				  .msg_control = room,
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
	char watched;
	long got;

	got = syscall(SYS_openat, AT_FDCWD, asked, O_PATH | O_CLOEXEC, STEP_PATH);
	confirm(x->probe, PROBE_REDIRECT, is_file(got, &x->given));
	got = syscall(SYS_openat, AT_FDCWD, asked, O_PATH | O_CLOEXEC, STEP_NUMBER);
	confirm(x->probe, PROBE_NUMBER, got == getpid());
	got = syscall(SYS_openat, AT_FDCWD, asked, O_PATH | O_CLOEXEC, STEP_FD);
	confirm(x->probe, PROBE_ADDFD, is_file(got, &x->end));
	/* It would hear of the end of nobody. */
	if (got >= 0)
		close((int)got);
	syscall(SYS_openat, AT_FDCWD, asked, O_PATH | O_CLOEXEC, STEP_WATCH);
	recv(x->pair[0], &watched, sizeof(watched), 0);
	_exit(0);
}

static _Noreturn void be_target(const struct exchange *x, unsigned long with)
{
	struct probe *probe = x->probe;
	int listener;
	pid_t child;

	probe->fact[PROBE_CHILD] = 0;
	close(x->pair[1]);
	/* As after an execve; what may not be dumped may not be read. */
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	probe->fact[PROBE_NO_NEW_PRIVS] = PROBE_TRYING;
	if (!probe_keep(probe, PROBE_NO_NEW_PRIVS, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)))
		_exit(0);
	probe->fact[PROBE_TOGETHER] = PROBE_TRYING;
	listener = install(with);
	if (!probe_keep(probe, PROBE_TOGETHER, listener))
		_exit(0);
	probe->fact[PROBE_RECV] = PROBE_TRYING;
	if (!probe_keep(probe, PROBE_RECV, send_fd(x->pair[0], listener)))
		_exit(0);
	close(listener);
	probe->fact[PROBE_RECV] = PROBE_TRYING;
	child = probe_fork();
	if (child == 0)
		be_grandchild(x);
	waitpid(child, NULL, 0);
	_exit(0);
}

/* Pin the other path, and let the open run on it.  True where it was answered. */
static bool try_redirect(struct probe *probe, int listener, uint64_t id)
{
	struct seccomp_notif_resp_redirect answer = {
		.id = id,
		.flags = SECCOMP_REDIRECT_FLAG_CONTINUE,
		.args_mask = 1u << 1,
		.ptr_mask = 1u << 1,
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
		.id = id,
		.nr = SYS_getpid,
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
		.id = id,
		.flags = SECCOMP_ADDFD_FLAG_SEND,
		.srcfd = (uint32_t)fd,
		.newfd_flags = O_CLOEXEC,
	};

	probe->fact[PROBE_ADDFD] = PROBE_TRYING;
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &answer) >= 0)
		return true;
	probe->fact[PROBE_ADDFD] = -errno;
	return false;
}

/*
 * Let go on, and stopped on its way back: as lib/notify_exec.c looks at what an
 * execve has started.
 */
static void watch(struct probe *probe, int listener, uint64_t id, pid_t pid)
{
	struct seccomp_notif_resp answer = { .id = id, .error = -ENOENT };
	int status = 0;

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) || waitpid(pid, &status, __WALL) != pid)
		probe_keep(probe, PROBE_WATCH, -1);
	else if (!WIFSTOPPED(status))
		probe->fact[PROBE_WATCH] = -EBADE;
	else
		probe_keep(probe, PROBE_WATCH, ptrace(PTRACE_DETACH, pid, NULL, NULL));
}

/* It stays until it is told that it has been looked at. */
static bool try_watch(const struct exchange *x, int listener, uint64_t id, pid_t pid)
{
	bool seized;

	x->probe->fact[PROBE_WATCH] = PROBE_TRYING;
	seized = probe_keep(x->probe, PROBE_WATCH, ptrace(PTRACE_SEIZE, pid, NULL, NULL));
	if (seized)
		watch(x->probe, listener, id, pid);
	send(x->pair[1], "w", 1, MSG_NOSIGNAL);
	return seized;
}

static void answer_step(const struct exchange *x, int listener, const struct seccomp_notif *call)
{
	struct seccomp_notif_resp refusal = { .id = call->id, .error = -EPERM };
	struct probe *probe = x->probe;
	pid_t pid = (pid_t)call->pid;
	bool answered = false;

	switch (call->data.args[3]) {
	case STEP_PATH:
		probe_reach_into(probe, pid, call->data.args[1], asked, sizeof(asked));
		probe_open_pidfds(probe, pid, x->pair[0]);
		answered = try_redirect(probe, listener, call->id);
		break;
	case STEP_NUMBER:
		answered = try_number(probe, listener, call->id);
		break;
	case STEP_FD:
		answered = try_addfd(probe, listener, call->id, x->pair[1]);
		break;
	case STEP_WATCH:
		answered = try_watch(x, listener, call->id, pid);
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
	probe_keep(probe, PROBE_SYNC,
		   ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS,
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

/* Somebody is missing: the others find their socket closed. */
static void fork_both(const struct exchange *x, unsigned long with)
{
	pid_t pid = probe_fork();

	if (pid == 0)
		be_supervisor(x);
	if (pid > 0)
		pid = probe_fork();
	if (pid == 0)
		be_target(x, with);
	if (pid < 0)
		probe_keep(x->probe, PROBE_CHILD, -1);
}

void probe_listener(struct probe *probe)
{
	struct exchange x = { .probe = probe };

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, x.pair)) {
		probe_keep(probe, PROBE_CHILD, -1);
		return;
	}
	if (stat(given, &x.given) || fstat(x.pair[1], &x.end))
		probe_keep(probe, PROBE_CHILD, -1);
	else
		fork_both(&x, known_flags(probe));
	close(x.pair[0]);
	close(x.pair[1]);
}
