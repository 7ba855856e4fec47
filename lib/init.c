/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "init.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

/* Reap what there is.  True when the program was among it: *status is its exit status. */
static bool reap(pid_t program, int *status)
{
	bool ended = false;
	int how;
	pid_t pid;

	while ((pid = waitpid(-1, &how, WNOHANG)) > 0) {
		if (pid != program)
			continue;
		ended = true;
		*status = WIFSIGNALED(how) ? 128 + WTERMSIG(how) : WEXITSTATUS(how);
	}
	return ended;
}

/* What a terminal sends reaches the program by itself: it is in our group. */
static bool to_hand_on(const siginfo_t *info)
{
	return info->si_signo != SIGCHLD && info->si_code <= 0;
}

static _Noreturn void wait_for(pid_t program, const sigset_t *all)
{
	int status = 0;

	for (;;) {
		siginfo_t info;

		if (sigwaitinfo(all, &info) < 0)
			continue;
		if (to_hand_on(&info))
			kill(program, info.si_signo);
		if (reap(program, &status))
			_exit(status);
	}
}

int init_step_aside(void)
{
	sigset_t all, before;
	pid_t program;
	int err;

	if (getpid() != 1)
		return 0;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	program = fork();
	err = errno;
	if (program > 0)
		wait_for(program, &all);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return program < 0 ? -err : 0;
}
