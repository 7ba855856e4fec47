// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The supervised program.  A child of it makes the calls; where that dies another one goes
 * on with the next call.
 */
#define _GNU_SOURCE
#include "layers.h"

#include <linux/futex.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <sys/wait.h>
#include <unistd.h>

static struct shared *shared;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	static const int order[] = { REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9 };
	const greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	struct seen *seen = &shared->seen[shared->current];
	struct model_frame *frame = &seen->frame[seen->frames % MODEL_FRAMES];

	(void)info;
	memset(frame, 0, sizeof(*frame));
	frame->kind = MODEL_FRAME_SIGNAL;
	frame->signal = sig == SIGUSR1 ? MODEL_SIGNAL_RESTARTS : MODEL_SIGNAL_INTERRUPTS;
	frame->result = regs[REG_RAX];
	for (int i = 0; i < 6; i++)
		frame->args[i] = (uint64_t)regs[order[i]];
	seen->frames = seen->frames + 1;
}

/* Which one was it?  By its length.  A value that a layer has made up is none. */
static int found(long result, unsigned int filled)
{
	struct stat st;

	if (result < 0)
		return 0;
	if (filled)
		return (int)filled;
	if (result <= 2 || fstat((int)result, &st))
		return 0;
	close((int)result);
	return (int)st.st_size;
}

static void one_call(int c, pid_t me)
{
	struct seen *seen = &shared->seen[c];
	struct registers in = { .nr = (uint64_t)shared->call[c].nr };
	unsigned char *buffer = (unsigned char *)BUFFER;
	unsigned int filled = 0;

	for (int i = 0; i < 6; i++)
		in.args[i] = shared->call[c].args[i];
	memset(buffer, 0, 256);
	shared->step = 0;
	shared->current = c;
	if (shared->sleeps[c]) {
		shared->watch = 1;
		syscall(SYS_futex, &shared->watch, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
	make_call(&in, &seen->after);
	if (!seen->after.nr && syscall(SYS_gettid) != me) {
		/* The child of vfork(), on the stack of its parent. */
		for (int i = 0; i < 6; i++)
			seen->child[i] = seen->after.args[i];
		seen->forked = true;
		_exit(0);
	}
	if (seen->forked)
		waitpid((pid_t)seen->after.nr, NULL, __WALL);
	while (filled < 256 && buffer[filled])
		filled++;
	if (in.nr == SYS_readlinkat || in.nr == SYS_openat)
		seen->found = found((long)seen->after.nr, filled);
	shared->done = c + 1;
}

static void child(int from)
{
	pid_t me = (pid_t)syscall(SYS_gettid);
	sigset_t chld;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	shared->task = me;
	for (int c = from; c < shared->calls; c++)
		one_call(c, me);
	_exit(0);
}

int task_main(struct shared *with)
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };

	shared = with;
	if (mmap((void *)BUFFER, 4096, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED ||
	    mmap((void *)NAMES, 4096, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED)
		return 2;
	for (int i = 0; i < ALL_NAMES; i++)
		strcpy((char *)NAMES + i * NAME_SPACE, names[i]);
	sigfillset(&action.sa_mask);
	if (sigaction(SIGUSR2, &action, NULL))
		return 2;
	action.sa_flags |= SA_RESTART;
	if (sigaction(SIGUSR1, &action, NULL))
		return 2;
	while (shared->done < shared->calls) {
		int status, from = shared->done;
		pid_t pid = fork();

		if (pid < 0)
			return 2;
		if (!pid)
			child(from);
		if (waitpid(pid, &status, 0) != pid)
			return 2;
		shared->task = 0;
		if (shared->done == shared->calls)
			break;
		/* It died in the call that it was making. */
		shared->seen[shared->done].ended = status;
		if (!status)
			return 2;
		shared->done = shared->done + 1;
	}
	return 0;
}
