// SPDX-License-Identifier: GPL-2.0
/*
 * path FROM TO PROGRAM [ARG…]: runs PROGRAM; where it opens FROM, it gets TO.
 *
 * Each path that it opens is read, and the call runs with what was read (or with
 * TO) in a pin: it never reads the program's own memory again, so that nothing
 * can change between the decision and the call. PROGRAM is one that has one
 * thread and starts no others, such as cat; calls of others are refused.
 *
 * Ends with the status of PROGRAM, 1 where it was killed, 2 where it did not start.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "demo.h"

#define PATH_ARG 1		/* of openat */

struct supervisor {
	const char *from, *to;
	int listener;
	pid_t task;		/* the one that made the first notification */
	int memfd;
	char *arena;		/* the memfd, writable here only */
	__u64 pin;		/* where it is in the task; 0: not yet */
	int opens, redirected;
};

/* A page, which only the mapping that is made here can write. */
static int arena_make(struct supervisor *s)
{
	s->memfd = memfd_create("arena", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (s->memfd < 0 || ftruncate(s->memfd, PATH_MAX))
		return -errno;
	s->arena = mmap(NULL, PATH_MAX, PROT_READ | PROT_WRITE, MAP_SHARED,
			s->memfd, 0);
	if (s->arena == MAP_FAILED)
		return -errno;
	if (fcntl(s->memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE))
		return -errno;
	return 0;
}

/* The string at @address of the task, with its NUL, into the arena. */
static int path_read(struct supervisor *s, __u64 address)
{
	char name[32], text[PATH_MAX];
	ssize_t n;
	int fd;

	snprintf(name, sizeof(name), "/proc/%d/mem", s->task);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = pread(fd, text, sizeof(text), address);
	close(fd);
	if (n <= 0)
		return -EFAULT;
	if (!memchr(text, 0, n))
		return n == sizeof(text) ? -ENAMETOOLONG : -EFAULT;
	/*
	 * The call before this one has long read its bytes: this task, and no
	 * other, makes the calls, and it has come to the next one.
	 */
	memcpy(s->arena, text, n);
	return 0;
}

static int pin(struct supervisor *s, __u64 id)
{
	struct seccomp_notif_pin_install install = {
		.id = id, .memfd = s->memfd, .size = PATH_MAX,
	};

	if (s->pin)
		return 0;
	if (ioctl(s->listener, SECCOMP_IOCTL_NOTIF_PIN_INSTALL, &install))
		return -errno;
	s->pin = install.target_addr;
	return 0;
}

static int answer(struct supervisor *s, const struct seccomp_notif *req)
{
	struct seccomp_notif_resp_redirect answer = {
		.id = req->id,
		.flags = SECCOMP_REDIRECT_FLAG_CONTINUE,
		.args_mask = 1 << PATH_ARG,
		.ptr_mask = 1 << PATH_ARG,
		.memfd = s->memfd,
	};
	int ret;

	if (!s->task)
		s->task = req->pid;
	if ((pid_t)req->pid != s->task)
		return -EPERM;
	ret = path_read(s, req->data.args[PATH_ARG]);
	if (!ret)
		ret = pin(s, req->id);
	if (ret)
		return ret;
	s->opens++;
	if (!strcmp(s->arena, s->from)) {
		memcpy(s->arena, s->to, strlen(s->to) + 1);
		s->redirected++;
	}
	answer.args[PATH_ARG] = s->pin;
	answer.ptr_len[PATH_ARG] = strlen(s->arena) + 1;
	return notification_redirect(s->listener, &answer);
}

static int supervise(struct supervisor *s)
{
	struct seccomp_notif req;
	int ret = arena_make(s);

	while (!ret) {
		ret = notification_receive(s->listener, &req);
		if (ret == -ENOENT || ret == -EINTR) {
			ret = 0;
			continue;
		}
		if (ret)
			break;
		ret = answer(s, &req);
		if (ret)
			ret = notification_refuse(s->listener, req.id, -ret);
		/* It was killed. */
		if (ret == -ENOENT)
			ret = 0;
	}
	return ret == -EPIPE ? 0 : ret;
}

/* The listener is in the table of descriptors that both share until exec. */
static void start(int tell, char **argv)
{
	int listener;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	listener = filter_install(SECCOMP_FILTER_FLAG_NEW_LISTENER |
				  SECCOMP_FILTER_FLAG_REDIRECT |
				  SECCOMP_FILTER_FLAG_WAIT_KILLABLE |
				  SECCOMP_FILTER_FLAG_KILL_ORPHANS,
				  SYS_openat, SECCOMP_RET_USER_NOTIF);
	if (write(tell, &listener, sizeof(listener)) == sizeof(listener) &&
	    listener >= 0)
		execv(argv[0], argv);
	_exit(2);
}

int main(int argc, char **argv)
{
	struct supervisor s = { 0 };
	int told[2], status, ret;
	pid_t pid;

	if (argc < 4 || strlen(argv[2]) >= PATH_MAX) {
		fprintf(stderr, "usage: path FROM TO PROGRAM [ARG...]\n");
		return 2;
	}
	s.from = argv[1];
	s.to = argv[2];
	if (pipe2(told, O_CLOEXEC)) {
		perror("path: pipe");
		return 2;
	}
	pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (!pid)
		start(told[1], argv + 3);
	if (pid < 0 || read(told[0], &s.listener, sizeof(s.listener)) !=
			       sizeof(s.listener)) {
		perror("path: start");
		return 2;
	}
	ret = s.listener < 0 ? s.listener : supervise(&s);
	if (ret) {
		fprintf(stderr, "path: %s\n", strerror(-ret));
		kill(pid, SIGKILL);
	}
	if (waitpid(pid, &status, 0) != pid || ret)
		return 2;
	fprintf(stderr, "   (%d opens, all from a pin at %#llx; redirected: %d)\n",
		s.opens, (unsigned long long)s.pin, s.redirected);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
