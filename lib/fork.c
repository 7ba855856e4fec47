/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "fork.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t fork_steady(unsigned long flags)
{
	sigset_t all, before;
	pid_t child;
	int err;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	child = flags ? (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0) : fork();
	err = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = err;
	return child;
}

pid_t wait_apart(pid_t child, int *status)
{
	for (;;) {
		pid_t pid = waitpid(child, status, WUNTRACED);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0 || !WIFSTOPPED(*status))
			return pid;
		kill(child, SIGCONT);
	}
}

/* The one between ends at once.  It leaves the group, so that its child need not. */
static int fork_twice(unsigned long flags)
{
	pid_t between = fork_steady(flags);
	int status;

	if (between < 0)
		return -errno;
	if (between == 0) {
		pid_t child;

		setsid();
		child = fork_steady(flags);
		if (child == 0)
			return 1;
		_exit(child < 0 ? errno : 0);
	}
	if (wait_apart(between, &status) < 0)
		return errno == ECHILD ? 0 : -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}

int fork_apart(unsigned long flags)
{
	int reaps = 0, result;

	prctl(PR_GET_CHILD_SUBREAPER, &reaps, 0, 0, 0);
	if (!reaps)
		return fork_twice(flags);
	prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	result = fork_twice(flags);
	if (result <= 0)
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	return result;
}
