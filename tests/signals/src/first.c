// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * first calls stops - programs are stopped while their threads make the first calls
 *
 * Whoever stops a program waits until it is told that it has stopped.  The program has
 * four threads, which open a redirected file at the same moment, and has made no call
 * before that the policy is about: it is linked statically, and its threads are made by
 * clone(2).
 */
#define _GNU_SOURCE
#include "signals.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define THREADS 4
#define STACK 16384
#define STOPS 8 /* of each program, at most */

static const char *name, *expect;
static atomic_int ready, done;

/* It has no memory of its own but its stack: no libc beyond calls that do not fail. */
static int open_first(void *data)
{
	char buf[16] = "";
	long fd;

	(void)data;
	atomic_fetch_add(&ready, 1);
	while (atomic_load(&ready) < THREADS)
		;
	fd = syscall(SYS_openat, AT_FDCWD, name, O_RDONLY | O_CLOEXEC, 0);
	check(fd >= 0);
	check(read((int)fd, buf, sizeof(buf)) == (ssize_t)strlen(expect) && !strcmp(buf, expect));
	atomic_fetch_add(&done, 1);
	for (;;)
		syscall(SYS_exit, 0);
}

static int run_program(void)
{
	static char stacks[THREADS][STACK] __attribute__((aligned(16)));

	name = getenv("FIRST_FILE");
	expect = getenv("FIRST_EXPECT");
	for (int i = 0; i < THREADS; i++)
		check(clone(open_first, stacks[i] + STACK,
			    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
				    CLONE_SYSVSEM,
			    NULL) > 0);
	while (atomic_load(&done) < THREADS)
		sched_yield();
	return 0;
}

static void stop_program(pid_t pid, unsigned long n)
{
	int status;

	for (unsigned long i = 0; i < STOPS; i++) {
		for (volatile unsigned long spin = 0; spin < (n + i) * 7919 % 100000; spin++)
			;
		check(!kill(pid, SIGSTOP));
		check(waitpid(pid, &status, WUNTRACED) == pid);
		if (!WIFSTOPPED(status))
			break;
		check(WSTOPSIG(status) == SIGSTOP);
		check(!kill(pid, SIGCONT));
	}
	if (WIFSTOPPED(status))
		check(waitpid(pid, &status, 0) == pid);
	check(WIFEXITED(status) && !WEXITSTATUS(status));
}

static void test_calls(void)
{
	unsigned long programs = rounds / 10 + 1;

	check(!setenv("FIRST_FILE", place("file"), 1));
	check(!setenv("FIRST_EXPECT", supervised ? "to\n" : "from\n", 1));
	for (unsigned long n = 0; n < programs; n++) {
		pid_t pid = fork();

		check(pid >= 0);
		if (!pid) {
			execl("/proc/self/exe", "first", NULL);
			_exit(127);
		}
		stop_program(pid, n);
	}
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		{ "calls", test_calls },
	};

	if (argc == 1)
		return run_program();
	return signals_main(tests, array_size(tests), argc, argv);
}
