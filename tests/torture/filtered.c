// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * filtered [-b NAME SECONDS] UID COMMAND... - run it as UID under filters with every flag
 *
 * Four of them: two with listeners, whose answers are of every kind and chosen at random
 * (go on, redirect to the same, to a pinned copy of the path, to another number, a value,
 * an error), and two without.  Says at the end how often each kind was given; ends with
 * status 0 when the last process under the filters is gone, whatever became of COMMAND.
 *
 * -b: SECONDS after the first call of a process whose name begins with NAME the command is
 * interrupted, and killed if it is there a minute later.  How long it takes to start is not
 * counted; where there is no such call the status is 1.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "uapi.h"

#define THREADS 2
#define PAGE 4096u

enum answer { GO_ON, SAME, PINNED, OTHER_NUMBER, VALUE, ERROR, GONE, ANSWERS };

static const char *const answer_names[] = { "go on", "the same", "pinned", "another number",
					    "value", "error", "gone" };
static atomic_ulong answers[ANSWERS];
static uid_t user;	/* whose calls they are: no answer is a lie */
static const char *begins;	/* whose first call begins the time, or NULL */
static unsigned int time_limit;
static atomic_bool begun;
static volatile pid_t watched;

struct shared {
	int listener[2];	/* descriptors, while the table is shared */
	int ready[2];
};

static void die(const char *what)
{
	fprintf(stderr, "filtered: %s: %s\n", what, strerror(errno));
	_exit(2);
}

#define LOAD(what) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, what))
#define ON(nr, what) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), BPF_STMT(BPF_RET | BPF_K, what)
#define BEGIN \
	LOAD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0), \
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW), LOAD(nr)
#define END BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static int install(struct sock_filter *filter, size_t n, unsigned long flags)
{
	struct sock_fprog program = { (unsigned short)n, filter };
	int fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);

	if (fd < 0)
		die("seccomp");
	return fd;
}

#define INSTALL(flags, ...) ({ \
	struct sock_filter filter_[] = { BEGIN, __VA_ARGS__, END }; \
	install(filter_, sizeof(filter_) / sizeof(filter_[0]), flags); })

static void install_all(struct shared *shared)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		die("no_new_privs");
	shared->listener[0] = INSTALL(SECCOMP_FILTER_FLAG_NEW_LISTENER |
		SECCOMP_FILTER_FLAG_REDIRECT | SECCOMP_FILTER_FLAG_CHAIN |
		SECCOMP_FILTER_FLAG_WAIT_KILLABLE | SECCOMP_FILTER_FLAG_KILL_ORPHANS,
		ON(SYS_openat, SECCOMP_RET_USER_NOTIF), ON(SYS_open, SECCOMP_RET_USER_NOTIF),
		ON(SYS_getuid, SECCOMP_RET_USER_NOTIF), ON(SYS_stat, SECCOMP_RET_USER_NOTIF),
		ON(SYS_clone, SECCOMP_RET_USER_NOTIF), ON(SYS_execve, SECCOMP_RET_USER_NOTIF),
		ON(SYS_poll, SECCOMP_RET_USER_NOTIF));
	INSTALL(SECCOMP_FILTER_FLAG_CHAIN | SECCOMP_FILTER_FLAG_LOG,
		ON(SYS_acct, SECCOMP_RET_ERRNO | EPERM));
	shared->listener[1] = INSTALL(SECCOMP_FILTER_FLAG_NEW_LISTENER |
		SECCOMP_FILTER_FLAG_REDIRECT | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
		ON(SYS_openat, SECCOMP_RET_USER_NOTIF), ON(SYS_mkdir, SECCOMP_RET_USER_NOTIF),
		ON(SYS_unlink, SECCOMP_RET_USER_NOTIF), ON(SYS_dup, SECCOMP_RET_USER_NOTIF),
		ON(SYS_clock_nanosleep, SECCOMP_RET_USER_NOTIF),
		ON(SYS_nanosleep, SECCOMP_RET_USER_NOTIF),
		ON(SYS_ppoll, SECCOMP_RET_USER_NOTIF));
	INSTALL(SECCOMP_FILTER_FLAG_SPEC_ALLOW | SECCOMP_FILTER_FLAG_TSYNC |
		SECCOMP_FILTER_FLAG_TSYNC_ESRCH, ON(SYS_swapoff, SECCOMP_RET_ERRNO | EPERM),
		ON(SYS_swapon, SECCOMP_RET_TRAP));
}

static int become_command(struct shared *shared, uid_t uid, char **command)
{
	install_all(shared);
	if (write(shared->ready[1], "!", 1) != 1 || unshare(CLONE_FILES))
		die("unshare");
	close_range(3, ~0u, 0);
	if (setgroups(0, NULL) || setgid(uid) || setuid(uid))
		die("setuid");
	execvp(command[0], command);
	die(command[0]);
	return 1;
}

/* Which argument is a path, or -1. */
static int path_argument(int nr)
{
	switch (nr) {
	case SYS_openat:
		return 1;
	case SYS_open:
	case SYS_stat:
	case SYS_mkdir:
	case SYS_unlink:
		return 0;
	default:
		return -1;
	}
}

/* Without which no program starts, or none goes on. */
static int may_fail(int nr)
{
	return nr == SYS_stat || nr == SYS_unlink || nr == SYS_dup ||
	       nr == SYS_poll || nr == SYS_nanosleep || nr == SYS_clock_nanosleep;
}

/* A copy of the path in a file of its own, which is mapped into the caller for good. */
static int redirect_pinned(int listener, const struct seccomp_notif *notif, int which)
{
	struct seccomp_notif_pin_install pin = { .id = notif->id, .size = PAGE };
	struct seccomp_notif_resp_redirect resp = { .id = notif->id,
						    .flags = SECCOMP_REDIRECT_FLAG_CONTINUE };
	char path[PAGE] = "";
	struct iovec to = { path, sizeof(path) - 1 };
	struct iovec from = { (void *)(uintptr_t)notif->data.args[which], sizeof(path) - 1 };
	int fd = memfd_create("torture", MFD_CLOEXEC | MFD_ALLOW_SEALING), err = -1;

	from.iov_len = PAGE - (notif->data.args[which] & (PAGE - 1));
	if (from.iov_len > to.iov_len)
		from.iov_len = to.iov_len;
	if (fd >= 0 && process_vm_readv((pid_t)notif->pid, &to, 1, &from, 1, 0) > 0 &&
	    strlen(path) < from.iov_len && write(fd, path, PAGE) == PAGE &&
	    !fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK)) {
		pin.memfd = resp.memfd = (uint32_t)fd;
		resp.args_mask = resp.ptr_mask = 1u << which;
		resp.ptr_len[which] = strlen(path) + 1;
		err = ioctl(listener, SECCOMP_IOCTL_NOTIF_PIN_INSTALL, &pin);
		resp.args[which] = pin.target_addr;
		if (!err)
			err = ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND_REDIRECT, &resp);
	}
	if (fd >= 0)
		close(fd);
	return err;
}

static int redirect(int listener, const struct seccomp_notif *notif, int nr)
{
	struct seccomp_notif_resp_redirect resp = { .id = notif->id, .args_mask = 63, .nr = nr,
		.flags = SECCOMP_REDIRECT_FLAG_CONTINUE |
			 (nr ? SECCOMP_REDIRECT_FLAG_NR : 0) };

	memcpy(resp.args, notif->data.args, sizeof(resp.args));
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND_REDIRECT, &resp);
}

static enum answer answer(int listener, const struct seccomp_notif *notif, unsigned int random)
{
	struct seccomp_notif_resp resp = { .id = notif->id };
	int which = path_argument(notif->data.nr);
	enum answer how = GO_ON;

	if (random < 30)
		how = SAME;
	else if (random < 50 && which >= 0)
		how = PINNED;
	else if (random < 60 && notif->data.nr == SYS_getuid)
		how = OTHER_NUMBER;
	else if (random < 65 && notif->data.nr == SYS_getuid)
		how = VALUE;
	else if (random < 67 && may_fail(notif->data.nr))
		how = ERROR;
	if (how == SAME && !redirect(listener, notif, 0))
		return how;
	if (how == PINNED && !redirect_pinned(listener, notif, which))
		return how;
	if (how == OTHER_NUMBER && !redirect(listener, notif, SYS_geteuid))
		return how;
	if (how == VALUE)
		resp.val = user;
	else if (how == ERROR)
		resp.error = -EAGAIN;
	else
		how = GO_ON;
	if (how == GO_ON)
		resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp) ? GONE : how;
}

static bool has_begun(pid_t pid)
{
	char path[64], comm[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, comm, sizeof(comm) - 1) < 0)
		comm[0] = 0;
	close(fd);
	return !strncmp(comm, begins, strlen(begins));
}

/* SIGALRM: the time is over; and the minute after it. */
static void time_is_over(int sig)
{
	static volatile sig_atomic_t interrupted;

	(void)sig;
	if (!watched)
		return;
	kill(watched, interrupted ? SIGKILL : SIGINT);
	interrupted = 1;
	alarm(60);
}

static void *serve(void *data)
{
	int listener = (int)(intptr_t)data;
	unsigned int random = 2463534242u + (unsigned int)listener;

	for (;;) {
		struct pollfd ready = { .fd = listener, .events = POLLIN };
		struct seccomp_notif notif = { 0 };

		if (poll(&ready, 1, -1) < 0)
			die("poll");
		if (ready.revents & POLLHUP && !(ready.revents & POLLIN))
			return NULL;
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &notif))
			continue;
		if (begins && !begun && has_begun((pid_t)notif.pid) && !atomic_exchange(&begun, true)) {
			printf("begun\n");
			alarm(time_limit);
		}
		random ^= random << 13;
		random ^= random >> 17;
		random ^= random << 5;
		atomic_fetch_add(&answers[answer(listener, &notif, random % 100)], 1);
	}
}

int main(int argc, char **argv)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_t threads[2 * THREADS];
	unsigned int n = 0;
	pid_t pid;
	char byte;

	if (argc > 3 && !strcmp(argv[1], "-b")) {
		begins = argv[2];
		time_limit = (unsigned int)atoi(argv[3]);
		argc -= 3;
		argv += 3;
	}
	if (argc < 3 || (begins && !time_limit)) {
		fprintf(stderr, "usage: filtered [-b NAME SECONDS] UID COMMAND...\n");
		return 2;
	}
	if (shared == MAP_FAILED || pipe(shared->ready))
		die("pipe");
	user = (uid_t)atoi(argv[1]);
	pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (pid < 0)
		die("clone");
	if (!pid)
		_exit(become_command(shared, user, argv + 2));
	if (read(shared->ready[0], &byte, 1) != 1)
		die("the command");
	watched = pid;
	sigaction(SIGALRM, &(struct sigaction){ .sa_handler = time_is_over }, NULL);
	/* It is to have none of ours when it goes on: what is shared ends with its unshare(2). */
	for (int i = 0; i < 2; i++)
		for (int j = 0; j < THREADS; j++)
			if (pthread_create(&threads[n++], NULL, serve,
					   (void *)(intptr_t)shared->listener[i]))
				die("pthread_create");
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	watched = 0;
	for (unsigned int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < ANSWERS; i++)
		printf("%s: %lu\n", answer_names[i], answers[i]);
	return begins && !begun;
}
