/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * execve looks its program up by name, and a link on the way may have been
 * swapped since it was decided on.  So the thread is traced from before the
 * answer until it stops in the new image, before the first instruction of it:
 * what runs there is looked at.  Nothing else is traced.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "notify.h"

int exec_watch(const struct notice *notice)
{
	const long options = PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;

	return ptrace(PTRACE_SEIZE, (pid_t)notice->kernel->pid, NULL, (void *)options) ? -errno : 0;
}

/* True when it is let go of. */
static bool stopped(const struct notice *notice, pid_t tid, int status)
{
	int signal = WSTOPSIG(status);

	switch (status >> 16) {
	case PTRACE_EVENT_EXEC:
		if (!program_runs(&notice->flight->program, tid))
			kill(tid, SIGKILL);
		caller_executed(notice->notify, notice->caller);
		signal = 0;
		break;
	case PTRACE_EVENT_STOP:
		signal = 0;
		break;
	default:
		/* A signal came first; the stop that was asked for is still to come. */
		ptrace(PTRACE_CONT, tid, NULL, (void *)(long)signal);
		return false;
	}
	ptrace(PTRACE_DETACH, tid, NULL, (void *)(long)signal);
	return true;
}

/*
 * The answer has been given, or refused: it ends in a stop of exec or, where
 * that has failed, in one on the way back.  Another number may stop than was
 * seized, of a process that had threads.
 */
void exec_follow(const struct notice *notice)
{
	int status;
	pid_t tid;

	ptrace(PTRACE_INTERRUPT, (pid_t)notice->kernel->pid, NULL, NULL);
	for (;;) {
		tid = waitpid(-1, &status, __WALL | __WNOTHREAD);
		if (tid < 0 && errno == EINTR)
			continue;
		if (tid < 0 || !WIFSTOPPED(status) || stopped(notice, tid, status))
			return;
	}
}
