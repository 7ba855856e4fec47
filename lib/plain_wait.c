/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The opening of a FIFO and the connection of a socket may last for ever, and
 * nobody says that the target has been interrupted meanwhile, or is gone.  A
 * timer interrupts the thread, which then looks.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "notify_plain.h"

/* How long a thread stays after its target, at the most. */
#define LOOK_NS 50000000L

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
