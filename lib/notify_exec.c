/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * execve looks its program up by name, and a link on the way may have been
 * swapped since it was decided on.  So the thread is traced from before the
 * answer until it stops in the new image, before the first instruction of it:
 * what runs there is looked at.  Nothing else is traced.
 *
 * Where somebody else traces the thread (a debugger in the run), the program is
 * executed from its directory instead, which the target is handed as a
 * descriptor, and by a name in it that may be no link.  That the descriptor still
 * is that directory holds where nobody shares it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "cleanup.h"
#include "notify.h"
#include "peer.h"
#include "resolve_own.h"
#include "settle.h"

/* The directory of the program, through no link; *name is the program's in it.  Or -errno. */
static int open_directory(const struct pm_call *call, const struct pm_where *where,
			  const char **name)
{
	auto_close int root = -1, found = -1;
	auto_free char *directory = NULL;
	char path[64], *slash;

	snprintf(path, sizeof(path), "/proc/%d/root", call->tid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -errno;
	if (where->name[0] != '/')
		return -EPERM;
	directory = strdup(where->name);
	if (!directory)
		return -ENOMEM;
	slash = strrchr(directory, '/');
	*slash = '\0';
	*name = where->name + (slash - directory) + 1;
	found = open_how_path(root, *directory ? directory + 1 : ".", O_DIRECTORY,
			      RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH);
	if (found < 0)
		return found;
	/* A descriptor that can be handed over is one for reading. */
	return settle_open_again(call->tid, found, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Have it run as execveat from this descriptor of the target's. */
static int run_from(struct pm_call *call, struct pm_item *program, int directory, const char *name)
{
	uint64_t args[6] = { (uint64_t)directory, 0, 0, 0, AT_SYMLINK_NOFOLLOW };
	auto_free int8_t *registers = calloc(call->nitems, sizeof(*registers));
	int err;

	if (!registers)
		return -ENOMEM;
	for (size_t i = 0; i < call->nitems; i++) {
		const struct pm_item *item = &call->items[i];

		registers[i] = item == program ? 1 :
			       !strcmp(item->role, "argv") ? 2 :
			       !strcmp(item->role, "envp") ? 3 : -1;
	}
	err = pm_call_run_as(call, pm_syscall_number(call->arch, "execveat"), args, registers,
			     NULL, 0, 0);
	return err ? err : pm_call_run_text(call, program, name);
}

static int run_from_directory(const struct notice *notice)
{
	struct flight *flight = notice->flight;
	struct pm_call *call = &flight->call;
	struct pm_item *program = pm_call_item(call, PM_ITEM_PATH, NULL);
	const struct pm_where *where = program ? pm_item_where(call, program) : NULL;
	auto_close int directory = -1;
	const char *name = NULL;
	struct stat st;
	int number;

	if (!where || !where->exists || flight->program.misc)
		return -EPERM;
	directory = open_directory(call, where, &name);
	if (directory < 0)
		return directory;
	if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) ||
	    st.st_dev != flight->program.dev || st.st_ino != flight->program.ino)
		return -EACCES;
	/* It goes with the old image, and stays where execve fails after all. */
	number = reply_lend(notice, directory, O_CLOEXEC);
	return number < 0 ? number : run_from(call, program, number, name);
}

int exec_watch(const struct notice *notice, bool lonely, bool *watched)
{
	const long options = PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	pid_t tid = (pid_t)notice->kernel->pid;
	int err;

	*watched = !ptrace(PTRACE_SEIZE, tid, NULL, (void *)options);
	if (*watched)
		return 0;
	if (!lonely || !peer_is_traced(tid))
		return -EPERM;
	err = script_expand(&notice->flight->call);
	return err ? err : run_from_directory(notice);
}

/* True when it is let go of; otherwise it stops once more, or ends. */
static bool stopped(const struct notice *notice, pid_t tid, int status)
{
	int signal = WSTOPSIG(status);

	switch (status >> 16) {
	case PTRACE_EVENT_EXEC:
		caller_executed(notice->notify, notice->caller);
		if (!program_runs(&notice->flight->program, tid)) {
			kill(tid, SIGKILL);
			return false;
		}
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
	/* Who is killed in the stop cannot be let go of: its end is waited for, as its parent
	 * hears of that after its tracer only. */
	return !ptrace(PTRACE_DETACH, tid, NULL, (void *)(long)signal);
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
