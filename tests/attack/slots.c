// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * slots try TRIES PROGRAM EVIL		arguments that are read long after they were decided on
 * slots one-slot TRIES PROGRAM EVIL	the same of a program that is its own supervisor, which
 *					uses the same place for one call after the other
 *
 * PROGRAM is leased to us, so that who executes it sleeps before the kernel has read the
 * arguments; meanwhile other threads of it make calls whose arguments are full of another
 * word, many more than there are places.  Then the lease is given back.  A win is a program
 * that was not given "good", or EVIL, opened; one that was refused, or killed before
 * its first instruction, is counted as other.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "race.h"

#define CALLS 500u	/* of others, while one sleeps */
#define NOT_EXECUTED 99

static struct page {
	atomic_uint calls;
	atomic_bool in_execve;
	char slot[4096];
} *page;

static const char *program;
static bool one_slot;

static void fill(char *at, size_t size)
{
	for (size_t i = 0; i < size; i++)
		at[i] = "evil"[i % 5];	/* and its NUL */
}

/* Addresses that nobody has: all their bytes are decided on, and read. */
static void *make_calls(void *data)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)data;
	fill(name.sun_path + 1, sizeof(name.sun_path) - 1);
	for (;;) {
		connect(fd, (struct sockaddr *)&name, sizeof(name));
		if (one_slot)
			fill(page->slot + 8, sizeof(page->slot) - 8);
		atomic_fetch_add(&page->calls, 1);
	}
	return NULL;
}

static _Noreturn void be_executed(void)
{
	char *argv[] = { (char *)"report", (char *)"good", NULL };
	pthread_t thread;

	for (int i = 0; i < 3; i++)
		if (pthread_create(&thread, NULL, make_calls, NULL))
			attack_die("pthread_create");
	while (atomic_load(&page->calls) < 10)
		sched_yield();
	if (one_slot)
		argv[1] = strcpy(page->slot + 16, "good");
	atomic_store(&page->in_execve, true);
	execve(program, argv, argv + 2);
	_exit(NOT_EXECUTED);
}

/* Somebody wants it; there is no time by which that has to be. */
static void await_break(const sigset_t *set)
{
	siginfo_t info;

	while (sigwaitinfo(set, &info) < 0)
		;
}

/* Has it ended already? */
static bool is_over(pid_t pid)
{
	siginfo_t info = { 0 };

	return !waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid;
}

/* Is it something that it waits for? */
static bool sleeps(pid_t pid)
{
	char path[64], state = 0, line[512], *at;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	at = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
	if (at)
		state = at[2];
	fclose(file);
	return state == 'S' || state == 'D';
}

static void try(struct race *race, const sigset_t *set)
{
	int fd = open(program, O_RDONLY | O_CLOEXEC), status;
	unsigned int from;
	pid_t pid;

	memset(page, 0, sizeof(*page));
	if (fd < 0 || fcntl(fd, F_SETSIG, SIGUSR1) || fcntl(fd, F_SETLEASE, F_WRLCK))
		attack_die("lease of %s", program);
	pid = fork();
	if (pid < 0)
		attack_die("fork");
	if (!pid)
		be_executed();
	await_break(set);
	while (!is_over(pid) && (!atomic_load(&page->in_execve) || !sleeps(pid)))
		sched_yield();
	from = atomic_load(&page->calls);
	while (!is_over(pid) && atomic_load(&page->calls) - from < CALLS)
		sched_yield();
	if (fcntl(fd, F_SETLEASE, F_UNLCK))
		attack_die("giving back");
	close(fd);
	if (waitpid(pid, &status, 0) != pid)
		attack_die("waitpid");
	race_count(race, status == 10 << 8 ? RAN :
			 status == SIGKILL || status == NOT_EXECUTED << 8 ? OTHER : WIN);
}

int main(int argc, char **argv)
{
	struct race race = { 0 };
	unsigned long tries;
	sigset_t set;

	if (argc != 5 || (strcmp(argv[1], "try") && strcmp(argv[1], "one-slot"))) {
		fprintf(stderr, "usage: slots try|one-slot TRIES PROGRAM EVIL\n");
		return 2;
	}
	one_slot = !strcmp(argv[1], "one-slot");
	tries = strtoul(argv[2], NULL, 10);
	program = argv[3];
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		attack_die("mmap");
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (unsigned long i = 0; i < tries; i++) {
		try(&race, &set);
		if (!one_slot)
			race_count(&race, open(argv[4], O_RDONLY | O_CLOEXEC) < 0 ?
				   race_outcome(-1) : WIN);
	}
	race_print(&race);
	return 0;
}
