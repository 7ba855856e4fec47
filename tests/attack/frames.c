// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * frames TRIES DIR - signal frames that make another call of one that was decided on
 *
 * A thread opens DIR/fifo, which waits; a signal interrupts it, and its handler changes
 * what will be restarted: the registers in the frame (the path, the number), the text that
 * they point to, an error that asks the kernel for a restart; or it leaves the frame for
 * good.  Each time but one DIR/evil is what is asked for in the end, and must be refused.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#include "race.h"

enum way { PATH, TEXT, NUMBER, RESTART, LEAVE, BLOCK, NOTHING, WAYS };

static volatile enum way way;
static volatile bool waits, done;
static char evil[4096], text[4096], fifo[4096];
static sigjmp_buf before;
static int writer = -1;

static volatile long delay;	/* until the signal, in microseconds */

/* Later each time: it is to come when the call waits, and not before it is made. */
static void set_timer(void)
{
	const struct itimerval soon = { .it_value = { .tv_usec = delay } };

	if (delay < 400000)
		delay = delay * 2;
	setitimer(ITIMER_REAL, &soon, NULL);
}

/* Is the call that is interrupted to be made once more? */
static bool restarts(const greg_t *regs)
{
	static const unsigned char instruction[] = { 0x0f, 0x05 };

	return !memcmp((void *)regs[REG_RIP], instruction, 2) && regs[REG_RAX] == SYS_openat;
}

static void on_alarm(int signal, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)signal;
	(void)info;
	if (done)
		return;
	if (!waits || !restarts(regs)) {
		set_timer();
		return;
	}
	done = true;
	switch (way) {
	case PATH:
		regs[REG_RSI] = (greg_t)(uintptr_t)evil;
		break;
	case TEXT:
		strcpy(text, evil);
		break;
	case NUMBER:
		regs[REG_RAX] = SYS_open;
		regs[REG_RDI] = (greg_t)(uintptr_t)evil;
		regs[REG_RSI] = O_RDONLY;
		break;
	case RESTART:
		/* As if it had been interrupted there: the kernel is not to believe it. */
		regs[REG_RIP] += 2;
		regs[REG_RAX] = -512;
		regs[REG_RSI] = (greg_t)(uintptr_t)evil;
		break;
	case BLOCK:
		/* To go on with a call of which no block says how. */
		regs[REG_RAX] = SYS_restart_syscall;
		regs[REG_RSI] = (greg_t)(uintptr_t)evil;
		break;
	case LEAVE:
		siglongjmp(before, 1);
	default:
		writer = open(fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		break;
	}
}

static long try(struct race *race)
{
	strcpy(text, fifo);
	done = waits = false;
	delay = 300;
	set_timer();
	if (sigsetjmp(before, 1)) {
		race_opened(race, (int)syscall(SYS_openat, AT_FDCWD, evil, O_RDONLY | O_CLOEXEC));
		return 0;
	}
	waits = true;
	race_opened(race, (int)syscall(SYS_openat, AT_FDCWD, text, O_RDONLY | O_CLOEXEC));
	done = true;
	if (writer >= 0)
		close(writer);
	writer = -1;
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_sigaction = on_alarm, .sa_flags = SA_SIGINFO | SA_RESTART };
	struct race race = { 0 };
	struct stat st;

	if (argc != 3) {
		fprintf(stderr, "usage: frames TRIES DIR\n");
		return 2;
	}
	snprintf(evil, sizeof(evil), "%s/evil", argv[2]);
	snprintf(fifo, sizeof(fifo), "%s/fifo", argv[2]);
	if (stat(evil, &st) || (mkfifo(fifo, 0600) && errno != EEXIST) ||
	    sigaction(SIGALRM, &action, NULL))
		attack_die("%s", fifo);
	race.evil_ino = st.st_ino;
	for (unsigned long i = 0; i < strtoul(argv[1], NULL, 10); i++) {
		way = (enum way)(i % WAYS);
		try(&race);
	}
	race_print(&race);
	return 0;
}
