// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * storm [-g] COMMAND... - run it, and stop and continue the program in it 1000 times a second
 *
 * The program says which process it is (struct shared of signals.h).  With -g it is all of
 * its process group, from when it says that it runs to the end.
 */
#define _GNU_SOURCE
#include "signals.h"

#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define HALF 500000 /* ns: a stop lasts as long as the time between two */

static void sleep_half(void)
{
	const struct timespec half = { 0, HALF };

	nanosleep(&half, NULL);
}

/* Has the command ended?  Then so have we. */
static void look(pid_t command)
{
	int status;
	pid_t pid = waitpid(command, &status, WNOHANG);

	check(pid >= 0);
	if (pid)
		exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void send_signal(int pidfd, int signal)
{
	/* It may have just ended. */
	check(!syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) || errno == ESRCH);
}

static pid_t start(char **argv, bool group)
{
	pid_t command = fork();

	check(command >= 0);
	if (!command) {
		if (group)
			setpgid(0, 0);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (group)
		setpgid(command, command);
	return command;
}

/* Until look() has ended it all: the group is there as long as its leader is. */
static void stop_group(pid_t command)
{
	/* The program says that it runs by a file. */
	while (access("started", F_OK)) {
		look(command);
		sched_yield();
	}
	for (unsigned long n = 1;; n++) {
		check(!kill(-command, SIGSTOP));
		sleep_half();
		check(!kill(-command, SIGCONT));
		/* Sometimes long enough for something to be done, on any machine. */
		for (int i = 0; i < (n % 100 ? 1 : 100); i++)
			sleep_half();
		look(command);
	}
}

static void stop_program(pid_t command)
{
	struct shared *shared = shared_map();
	unsigned long before;
	int pidfd;
	pid_t pid;

	while (!(pid = atomic_load(&shared->pid))) {
		look(command);
		sched_yield();
	}
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	check(pidfd >= 0);
	before = atomic_load(&shared->progress);
	for (;;) {
		look(command);
		if (!atomic_load(&shared->pid)) {
			sched_yield();
			continue;
		}
		send_signal(pidfd, SIGSTOP);
		sleep_half();
		send_signal(pidfd, SIGCONT);
		sleep_half();
		/* Where a machine is too slow to do anything in that time, it gets the time that it takes. */
		if (atomic_fetch_add(&shared->stops, 1) % 100 == 99) {
			while (atomic_load(&shared->pid) &&
			       atomic_load(&shared->progress) == before) {
				look(command);
				sched_yield();
			}
			before = atomic_load(&shared->progress);
		}
	}
}

int main(int argc, char **argv)
{
	bool group = argc > 1 && !strcmp(argv[1], "-g");

	argv += 1 + group;
	check(*argv);
	if (group)
		stop_group(start(argv, true));
	else
		stop_program(start(argv, false));
	return 1;
}
