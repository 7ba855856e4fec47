// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * placed WHAT: a thread whose calls stop again and again may run where it may run without
 * pointsman, by whatever it asks; PLACED_BEFORE has how many processors that are
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define ROUNDS 40
#define ENOUGH 50	/* calls after which a thread is placed */

static int before;
static char *self;

static void work(void)
{
	for (int i = 0; i < ENOUGH; i++)
		close(open(check_from, O_RDONLY | O_CLOEXEC));
}

static int processors(pid_t tid)
{
	cpu_set_t mask;

	CPU_ZERO(&mask);
	check(syscall(SYS_sched_getaffinity, tid, sizeof(mask), &mask) > 0);
	return CPU_COUNT(&mask);
}

/* By reading, which nobody is asked for. */
static int processors_told(const char *file)
{
	char line[256], *at;
	int count = 0;
	FILE *status = fopen(file, "re");

	check(status);
	while (fgets(line, sizeof(line), status))
		if (!strncmp(line, "Cpus_allowed:", 13))
			for (at = line + 13; *at; at++)
				if (*at != ',' && *at > ' ')
					count += __builtin_popcount((unsigned int)strtoul(
						(char[]){ *at, '\0' }, NULL, 16));
	fclose(status);
	return count;
}

static void wait_for(pid_t pid)
{
	int status;

	check(waitpid(pid, &status, __WALL) == pid);
	check(WIFEXITED(status) && !WEXITSTATUS(status));
}

static void test_self(char **args)
{
	(void)args;
	for (int i = 0; i < ROUNDS; i++) {
		work();
		check(processors(0) == before);
	}
}

static pid_t execute_in_child(void)
{
	pid_t pid = vfork();

	if (!pid) {
		execl(self, self, "image", NULL);
		_exit(1);
	}
	return pid;
}

static void test_children(char **args)
{
	(void)args;
	for (int i = 0; i < ROUNDS; i++) {
		pid_t pid;

		work();
		pid = i % 2 ? fork() : (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
		check(pid >= 0);
		if (!pid) {
			check(processors(0) == before);
			_exit(0);
		}
		wait_for(pid);
		work();
		wait_for(execute_in_child());
	}
}

static void *ask(void *data)
{
	(void)data;
	check(processors(0) == before);
	return NULL;
}

static void test_threads(char **args)
{
	(void)args;
	for (int i = 0; i < ROUNDS; i++) {
		pthread_t thread;

		work();
		check(!pthread_create(&thread, NULL, ask, NULL));
		check(!pthread_join(thread, NULL));
		check(processors(0) == before);
	}
}

static void test_image(char **args)
{
	(void)args;
	check(processors(0) == before);
	work();
	check(processors_told("/proc/thread-self/status") == before);
}

static void *execute(void *data)
{
	(void)data;
	work();
	execl(self, self, "image", NULL);
	return NULL;
}

/* Another program, in the thread that is placed, which takes another number. */
static void test_executed(char **args)
{
	(void)args;
	for (int i = 0; i < ROUNDS; i++) {
		pid_t pid = fork();
		pthread_t thread;

		check(pid >= 0);
		if (!pid) {
			check(!pthread_create(&thread, NULL, execute, NULL));
			pthread_join(thread, NULL);
			_exit(1);
		}
		wait_for(pid);
	}
}

/* Who works is asked about by another one, which does nothing else. */
static void test_watched(char **args)
{
	int *done = check_shared(sizeof(*done));
	pid_t watched = getpid(), pid = fork();

	(void)args;
	check(pid >= 0);
	if (!pid) {
		for (int i = 0; i < 20 * ROUNDS; i++)
			check(processors(watched) == before);
		__atomic_store_n(done, 1, __ATOMIC_SEQ_CST);
		_exit(0);
	}
	while (!__atomic_load_n(done, __ATOMIC_SEQ_CST) && !waitpid(pid, NULL, WNOHANG))
		work();
	check(__atomic_load_n(done, __ATOMIC_SEQ_CST));
}

/* What it sets itself stays as it is, and is what its children have. */
static void test_sets(char **args)
{
	cpu_set_t all, one;
	pid_t pid;

	(void)args;
	check(!sched_getaffinity(0, sizeof(all), &all));
	CPU_ZERO(&one);
	for (int i = 0; !CPU_COUNT(&one); i++)
		if (CPU_ISSET(i, &all))
			CPU_SET(i, &one);
	for (int i = 0; i < ROUNDS; i++) {
		work();
		check(!sched_setaffinity(0, sizeof(one), &one));
		work();
		check(processors(0) == 1);
		pid = fork();
		check(pid >= 0);
		if (!pid) {
			check(processors(0) == 1);
			_exit(0);
		}
		wait_for(pid);
		check(!sched_setaffinity(0, sizeof(all), &all));
		check(processors(0) == before);
	}
}

/* Another user, whom the supervisor could not let go where it is none that may. */
static void test_user(char **args)
{
	(void)args;
	work();
	check(!setresuid(65534, 65534, 65534));
	for (int i = 0; i < ROUNDS; i++) {
		work();
		check(processors(0) == before);
	}
	check(processors_told("/proc/thread-self/status") == before);
}

/* Says who it is, works until it is told by a file, and then rests until it is told to end. */
static void test_works(char **args)
{
	struct timespec now, end;

	(void)args;
	printf("%d\n", getpid());
	fflush(stdout);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += 60;
	do {
		work();
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (access(args[0], F_OK) && now.tv_sec < end.tv_sec);
	/* Its last stops are those of a thread that is placed. */
	work();
	printf("rests\n");
	fflush(stdout);
	getchar();
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		{ "self", test_self },
		{ "children", test_children },
		{ "threads", test_threads },
		{ "image", test_image },
		{ "executed", test_executed },
		{ "watched", test_watched },
		{ "sets", test_sets },
		{ "user", test_user },
		{ "works", test_works },
	};

	self = argv[0];
	before = atoi(getenv("PLACED_BEFORE"));
	return check_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
