/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * resolve_target.h - a process with a view of its own, that tells the truth
 *
 * It opens what it is asked to and answers what it got, so that what the
 * resolver says of its view can be compared with the kernel.
 */
#ifndef POINTSMAN_RESOLVE_TARGET_H
#define POINTSMAN_RESOLVE_TARGET_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "resolve_own.h"

struct question {
	int dirfd, flags; /* flags of open(2), O_PATH is added */
	uint64_t resolve;
	char path[3 * PATH_MAX];
};

struct answer {
	int err;
	struct stat st;
	char text[PATH_MAX]; /* what /proc/self/fd/N says */
};

/* Owner: the test; target_end(). */
struct target {
	pid_t pid;
	int ask;
	int fds; /* that the test had open before */
};

static inline int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static inline void answer_one(const struct question *question, struct answer *answer)
{
	struct open_how how = { .flags = (uint64_t)question->flags | O_PATH | O_CLOEXEC,
				.resolve = question->resolve };
	char link[64];
	int fd, tries = 100;

	memset(answer, 0, sizeof(*answer));
	if (!*question->path && question->resolve == 0 && question->flags & O_EXCL) {
		/* The base itself. */
		if (fstatat(question->dirfd, "", &answer->st, AT_EMPTY_PATH))
			answer->err = errno;
		return;
	}
	how.flags &= ~(uint64_t)O_EXCL;
	do
		fd = (int)syscall(SYS_openat2, question->dirfd, question->path, &how, sizeof(how));
	while (fd < 0 && errno == EAGAIN && --tries);
	if (fd < 0) {
		answer->err = errno;
		return;
	}
	if (fstat(fd, &answer->st))
		answer->err = errno;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, answer->text, sizeof(answer->text) - 1) < 0)
		answer->text[0] = '\0';
	close(fd);
}

/* What the child is after setup(data): 0 is sent once it is ready, or an errno. */
static inline void target_main(int ask, int (*setup)(void *data), void *data)
{
	static struct question question;
	struct answer answer;
	int err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	err = setup ? setup(data) : 0;
	if (write(ask, &err, sizeof(err)) != sizeof(err) || err)
		_exit(1);
	while (read(ask, &question, sizeof(question)) == sizeof(question)) {
		answer_one(&question, &answer);
		if (write(ask, &answer, sizeof(answer)) != sizeof(answer))
			break;
	}
	_exit(0);
}

/* flags: of clone(2).  Returns 0, or the errno of setup or of clone. */
static inline int target_start(struct target *target, int flags, int (*setup)(void *data),
			       void *data)
{
	int pair[2], err;
	struct place root;

	/* It stays open. */
	supervisor_root(&root);
	target->fds = count_fds();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return errno;
	target->pid = (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
	if (target->pid < 0) {
		err = errno;
		close(pair[0]);
		close(pair[1]);
		return err;
	}
	if (!target->pid) {
		close(pair[0]);
		target_main(pair[1], setup, data);
	}
	close(pair[1]);
	target->ask = pair[0];
	if (read(target->ask, &err, sizeof(err)) != sizeof(err))
		err = ECHILD;
	if (err) {
		close(target->ask);
		waitpid(target->pid, NULL, 0);
	}
	return err;
}

/* Returns how many descriptors the test has more than before. */
static inline int target_end(struct target *target)
{
	close(target->ask);
	waitpid(target->pid, NULL, 0);
	return count_fds() - target->fds;
}

static inline void target_ask(struct target *target, int dirfd, const char *path, int flags,
			      uint64_t resolve, struct answer *answer)
{
	static struct question question;

	question = (struct question){ .dirfd = dirfd, .flags = flags, .resolve = resolve };
	snprintf(question.path, sizeof(question.path), "%s", path);
	if (write(target->ask, &question, sizeof(question)) != sizeof(question) ||
	    read(target->ask, answer, sizeof(*answer)) != sizeof(*answer))
		answer->err = ECHILD;
}

/* Write a line to a file, as the maps of a user namespace want it. */
static inline int put_line(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = fd < 0 || write(fd, line, strlen(line)) < 0 ? errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

/* In the child: mounts of its own, as root or as an ordinary user. */
static inline int own_mounts(void)
{
	char line[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(CLONE_NEWNS)) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
			return errno;
		snprintf(line, sizeof(line), "0 %d 1", uid);
		if (put_line("/proc/self/uid_map", line) ||
		    put_line("/proc/self/setgroups", "deny"))
			return EPERM;
		snprintf(line, sizeof(line), "0 %d 1", gid);
		if (put_line("/proc/self/gid_map", line))
			return EPERM;
	}
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ? errno : 0;
}

/* In the child: may it chroot? */
static inline int own_root(const char *dir)
{
	int err;

	if (!chroot(dir))
		return 0;
	err = own_mounts();
	if (!err && chroot(dir))
		err = errno;
	return err;
}

#endif
