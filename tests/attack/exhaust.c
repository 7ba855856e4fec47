// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * exhaust WHAT GOOD EVIL SECONDS - use up what decisions need, and see what comes of them
 *
 * GOOD may be opened, EVIL may not.  While there is nothing left both are opened again and
 * again, for SECONDS; afterwards, when there is enough again, GOOD must open.  Prints
 *
 *	tries=N refused=N ran=N other=N wins=N
 *
 * refused: EACCES for EVIL; ran: GOOD was opened; other: an error of what is not there any
 * more.  A win is EVIL, opened.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define STACK 16384

struct counts {
	atomic_ulong tries, refused, ran, other, wins;
	atomic_uint tasks;
	atomic_bool stop;
	atomic_int last_error;
};

static struct counts *counts;	/* of all processes */
static const char *good, *evil;

/* A slow machine has enough of less. */
static unsigned int many(unsigned int n)
{
	return getenv("PM_RACE_PART") ? n / 10 : n;
}

/* By itself, so that nothing but the call can fail. */
static void try_both(void)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, good, O_RDONLY | O_CLOEXEC);

	counts->tries++;
	if (fd >= 0) {
		counts->ran++;
		close(fd);
	} else {
		counts->other++;
		counts->last_error = errno;
	}
	fd = (int)syscall(SYS_openat, AT_FDCWD, evil, O_RDONLY | O_CLOEXEC);
	counts->tries++;
	if (fd >= 0) {
		counts->wins++;
		close(fd);
	} else if (errno == EACCES) {
		counts->refused++;
	} else {
		counts->other++;
		counts->last_error = errno;
	}
}

static void *try_for_long(void *data)
{
	(void)data;
	counts->tasks++;
	while (!counts->stop)
		try_both();
	return NULL;
}

/* As many threads as there may be, each in calls. */
static void threads(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	check(!pthread_attr_init(&attr) && !pthread_attr_setstacksize(&attr, STACK));
	for (unsigned int i = 0; i < many(2000) && !counts->stop; i++)
		if (pthread_create(&thread, &attr, try_for_long, NULL))
			break;
}

/* As many processes as there may be, each with an address space that is new. */
static void processes(void)
{
	for (unsigned int i = 0; i < many(500) && !counts->stop; i++) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (!pid) {
			try_for_long(NULL);
			_exit(0);
		}
	}
}

/* No descriptor is left, and one is, by turns. */
static void descriptors(void)
{
	struct rlimit limit = { 64, 64 };
	pid_t pid = fork();

	check(pid >= 0);
	if (pid)
		return;
	check(!setrlimit(RLIMIT_NOFILE, &limit));
	/* The first call of another address space wants some too. */
	for (int i = 0; !counts->stop; i++) {
		int last = -1, fd;

		while ((fd = dup(STDERR_FILENO)) >= 0)
			last = fd;
		pid = fork();
		if (!pid) {
			for (int j = 0; j < 20; j++)
				try_both();
			_exit(0);
		}
		waitpid(pid, NULL, 0);
		for (int j = 0; j < 20; j++)
			try_both();
		/* A program that has one free descriptor, and two. */
		close(last);
		if (i & 1)
			close(last - 1);
		pid = fork();
		if (!pid) {
			for (int j = 0; j < 20; j++)
				try_both();
			_exit(0);
		}
		waitpid(pid, NULL, 0);
		close_range(3, ~0u, 0);
	}
	_exit(0);
}

/* No room for a mapping, in an address space that has no pins yet. */
static void memory(void)
{
	pid_t pid = fork();

	check(pid >= 0);
	if (pid)
		return;
	while (!counts->stop) {
		struct rlimit limit = { 1 << 20, RLIM_INFINITY };

		check(!setrlimit(RLIMIT_AS, &limit));
		check_forget_pins();
		pid = fork();
		if (!pid) {
			for (int j = 0; j < 20; j++)
				try_both();
			_exit(0);
		}
		if (pid > 0)
			waitpid(pid, NULL, 0);
		limit.rlim_cur = RLIM_INFINITY;
		check(!setrlimit(RLIMIT_AS, &limit));
		for (int j = 0; j < 20; j++)
			try_both();
	}
	_exit(0);
}

/* The longest arguments there may be, by many threads at a time: all of an arena. */
static void *long_arguments(void *data)
{
	size_t size = 127 << 10, n = 14;
	char *text = malloc(size), *argv[16] = { NULL };

	(void)data;
	check(text);
	memset(text, 'x', size - 1);
	text[size - 1] = '\0';
	for (size_t i = 0; i < n; i++)
		argv[i] = text;
	counts->tasks++;
	while (!counts->stop) {
		pid_t pid = vfork();

		if (!pid) {
			execve("/nonexistent/program", argv, argv + n);
			_exit(0);
		}
		if (pid > 0)
			waitpid(pid, NULL, 0);
		execve(good, argv, argv + n);	/* it may not be executed */
		try_both();
	}
	return NULL;
}

static void arena(void)
{
	pthread_t thread;

	for (int i = 0; i < 48; i++)
		if (pthread_create(&thread, NULL, long_arguments, NULL))
			break;
}

/* Calls that wait in the kernel with what they were decided on, and never end. */
static void *wait_in_open(void *data)
{
	counts->tasks++;
	for (;;)
		if (open(data, O_RDONLY | O_CLOEXEC) < 0 && errno != EINTR)
			usleep(1000);
	return NULL;
}

static void pending(void)
{
	static char fifo[4096];
	pthread_attr_t attr;
	pthread_t thread;

	snprintf(fifo, sizeof(fifo), "%s.fifo", good);
	check(!mkfifo(fifo, 0600) || errno == EEXIST);
	check(!pthread_attr_init(&attr) && !pthread_attr_setstacksize(&attr, STACK));
	for (unsigned int i = 0; i < many(1500) && !counts->stop; i++)
		if (pthread_create(&thread, &attr, wait_in_open, fifo))
			break;
	threads();
}

/* Processes that are killed in the middle of what they do, without an end. */
static void deaths(void)
{
	pid_t pid = fork();

	check(pid >= 0);
	if (pid)
		return;
	while (!counts->stop) {
		pid = fork();
		if (!pid) {
			threads();
			for (;;)
				try_both();
		}
		if (pid < 0)
			continue;
		for (int i = 0; i < 50; i++)
			try_both();
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	_exit(0);
}

/* Nothing special: what is used up is not ours. */
static void nothing(void)
{
	pid_t pid = fork();

	check(pid >= 0);
	if (!pid) {
		try_for_long(NULL);
		_exit(0);
	}
}

static const struct {
	const char *name;
	void (*start)(void);
} whats[] = {
	{ "threads", threads },
	{ "processes", processes },
	{ "descriptors", descriptors },
	{ "memory", memory },
	{ "arena", arena },
	{ "pending", pending },
	{ "deaths", deaths },
	{ "nothing", nothing },
};

static void wait_seconds(int seconds)
{
	struct timespec left = { .tv_sec = seconds };

	while (nanosleep(&left, &left))
		;
}

int main(int argc, char **argv)
{
	bool decided;
	size_t i = 0;
	pid_t pid;
	int fd;

	if (argc == 2 && !strcmp(argv[1], "list")) {
		for (i = 0; i < sizeof(whats) / sizeof(whats[0]) - 1; i++)
			puts(whats[i].name);
		return 0;
	}
	while (argc == 5 && i < sizeof(whats) / sizeof(whats[0]) && strcmp(whats[i].name, argv[1]))
		i++;
	if (argc != 5 || i == sizeof(whats) / sizeof(whats[0])) {
		fprintf(stderr, "usage: exhaust WHAT GOOD EVIL SECONDS | exhaust list\n");
		return 2;
	}
	good = argv[2];
	evil = argv[3];
	counts = check_shared(sizeof(*counts));
	fd = open(evil, O_RDONLY | O_CLOEXEC);
	decided = fd < 0;
	if (fd >= 0)
		close(fd);
	/* All of it is in a group that ends together. */
	pid = fork();
	check(pid >= 0);
	if (!pid) {
		setpgid(0, 0);
		whats[i].start();
		pause();
		_exit(0);
	}
	setpgid(pid, pid);
	wait_seconds(atoi(argv[4]));
	/*
	 * Where there is little of everything, something comes of it all the same: of both kinds,
	 * where somebody decides.
	 */
	while (counts->tries < 20 || (decided && !(counts->refused && counts->ran))) {
		check(!waitpid(pid, NULL, WNOHANG));
		sched_yield();
	}
	counts->stop = true;
	kill(-pid, SIGKILL);
	check(waitpid(pid, NULL, 0) == pid);
	fd = open(good, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && strcmp(argv[1], "nothing")) {
		fprintf(stderr, "afterwards: %s\n", strerror(errno));
		return 1;
	}
	if (open(evil, O_RDONLY | O_CLOEXEC) >= 0)
		counts->wins++;
	printf("tries=%lu refused=%lu ran=%lu other=%lu wins=%lu\n", counts->tries,
	       counts->refused, counts->ran, counts->other, counts->wins);
	fprintf(stderr, "tasks %u, last error %s\n", counts->tasks,
		counts->last_error ? strerrorname_np(counts->last_error) : "none");
	return 0;
}
