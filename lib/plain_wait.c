/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The opening of a FIFO and the connection of a socket may last for ever, and
 * nobody says that the target has been interrupted meanwhile, or is gone.  A
 * timer interrupts the thread, which then looks.
 *
 * Where the listener is handed on meanwhile, the call is made again: whoever has the
 * listener then goes on with it.  The kernel goes on with a connection that has begun.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "notify_plain.h"

/* How long a thread stays after its target, at the most. */
#define LOOK_NS 50000000L

/* The kernel's own: not for programs to see. */
#define ERESTARTSYS 512

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

/* One that a program does not use by chance: the last. */
static int interruption(void)
{
	return SIGRTMAX;
}

static void interrupt(int signal)
{
	(void)signal;
}

static void install(void)
{
	struct sigaction action = { .sa_handler = interrupt };	/* without SA_RESTART */

	sigaction(interruption(), &action, NULL);
}

static void let_through(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, interruption());
	pthread_sigmask(how, &set, NULL);
}

int plain_wait(struct plain_wait *wait)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const struct itimerspec often = { .it_interval.tv_nsec = LOOK_NS,
					  .it_value.tv_nsec = LOOK_NS };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID,
				  .sigev_signo = interruption() };

	pthread_once(&once, install);
	event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
	if (timer_create(CLOCK_MONOTONIC, &event, &wait->timer))
		return -errno;
	let_through(SIG_UNBLOCK);
	timer_settime(wait->timer, 0, &often, NULL);
	return 0;
}

void plain_wait_end(struct plain_wait *wait)
{
	timer_delete(wait->timer);
	let_through(SIG_BLOCK);
}

bool plain_go_on(const struct notice *notice)
{
	return !lent_ends(notice->notify) && notice_stands(notice);
}

/*
 * It is stopped for a moment, on its way out of a call that is to be restarted: the
 * program sees no more of that than of job control.  The stop is asked for first, so
 * that there is no way back into the program without it; where signals end the wait it
 * has ended by that already, and the answer comes too late.
 */
bool plain_again(const struct notice *notice)
{
	pid_t tid = (pid_t)notice->kernel->pid;
	int status, signal;

	if (!lent_ends(notice->notify) || ptrace(PTRACE_SEIZE, tid, NULL, NULL))
		return false;
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL)) {
		ptrace(PTRACE_DETACH, tid, NULL, NULL);
		return false;
	}
	reply_value(notice, -ERESTARTSYS);
	while (waitpid(tid, &status, __WALL | __WNOTHREAD) < 0)
		if (errno != EINTR)
			return true;
	signal = WIFSTOPPED(status) && status >> 16 != PTRACE_EVENT_STOP ? WSTOPSIG(status) : 0;
	ptrace(PTRACE_DETACH, tid, NULL, (void *)(long)signal);
	return true;
}
