/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bench_call - what one call costs the program that makes it
 *
 *	bench_call [-d MS] [-n COUNT] [-e TEXT] [-c CHILDREN] [-t THREADS] [-r] [-w] WORK [ARG...]
 *
 * Makes the call once and looks at what came of it, then times batches of it for MS
 * milliseconds.  Prints nanoseconds per call, the median of the batches and their least,
 * how many calls it has made, and, with -r, nanoseconds of processor time of the programs
 * that it executed and of what they left behind, for each.  -n: one batch of COUNT calls.  -e: what was opened, or reached, must be this.
 * -c, -t: so many child processes, or threads, live meanwhile and do nothing.  -w: says "ready"
 * and reads a byte from standard input before the batches, and another one after them, so
 * that somebody can count meanwhile what else happens.
 *
 * What is timed goes through the C library, where fakechroot stands.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCHES 500
#define BATCHES_MAX 4096

extern char **environ;

/* What is done, and on what.  One for the whole run. */
struct job {
	const char *expected;	/* or NULL */
	char **args;
	int fd;			/* what the work opened before */
	struct sockaddr_in address;
	uint64_t made;		/* calls, until now */
	bool reaps;		/* what the programs leave behind is waited for */
};

struct work {
	const char *name;
	int args;		/* so many, or more where negative */
	void (*prepare)(struct job *job);
	void (*check)(struct job *job);
	void (*once)(struct job *job);
};

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void must_be(const struct job *job, const char *what)
{
	if (job->expected && strcmp(what, job->expected))
		errx(3, "%s: not what it should lead to, but '%s'", job->args[0], what);
}

static void open_check(struct job *job)
{
	char text[256];
	int fd = open(job->args[0], O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (len < 0)
		err(1, "%s", job->args[0]);
	close(fd);
	text[len] = '\0';
	must_be(job, text);
}

static void open_once(struct job *job)
{
	int fd = open(job->args[0], O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", job->args[0]);
	close(fd);
}

static void stat_check(struct job *job)
{
	struct stat st;

	if (stat(job->args[0], &st))
		err(1, "%s", job->args[0]);
	if (job->expected && (size_t)st.st_size != strlen(job->expected))
		errx(3, "%s: stat says another file", job->args[0]);
}

static void stat_once(struct job *job)
{
	struct stat st;

	if (stat(job->args[0], &st))
		err(1, "%s", job->args[0]);
}

static void fstat_prepare(struct job *job)
{
	job->fd = open(job->args[0], O_RDONLY | O_CLOEXEC);
	if (job->fd < 0)
		err(1, "%s", job->args[0]);
}

static void fstat_once(struct job *job)
{
	struct stat st;

	if (fstatat(job->fd, "", &st, AT_EMPTY_PATH))
		err(1, "fstatat");
}

static void nothing_once(struct job *job)
{
	(void)job;
	syscall(SYS_getppid);
}

/* UDP: to connect sends nothing, and can be done again. */
static void connect_prepare(struct job *job)
{
	job->address = (struct sockaddr_in){ .sin_family = AF_INET,
					     .sin_port = htons((uint16_t)atoi(job->args[1])) };
	if (!inet_aton(job->args[0], &job->address.sin_addr))
		errx(1, "%s: no address", job->args[0]);
	job->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (job->fd < 0)
		err(1, "socket");
}

static void connect_once(struct job *job)
{
	if (connect(job->fd, (struct sockaddr *)&job->address, sizeof(job->address)))
		err(1, "connect");
}

static void connect_check(struct job *job)
{
	struct sockaddr_in reached;
	socklen_t len = sizeof(reached);
	char text[64];

	connect_once(job);
	if (getpeername(job->fd, (struct sockaddr *)&reached, &len))
		err(1, "getpeername");
	snprintf(text, sizeof(text), "%s:%d", inet_ntoa(reached.sin_addr),
		 ntohs(reached.sin_port));
	must_be(job, text);
}

static void wait_for(pid_t pid, const char *what)
{
	int status;

	if (waitpid(pid, &status, 0) < 0)
		err(1, "waitpid");
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		errx(1, "%s: status 0x%x", what, status);
}

/* fork(2), as a shell does, not vfork. */
static void exec_once(struct job *job)
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (!pid) {
		execv(job->args[0], job->args);
		_exit(127);
	}
	wait_for(pid, job->args[0]);
}

static const struct work works[] = {
	{ "open", 1, NULL, open_check, open_once },
	{ "stat", 1, NULL, stat_check, stat_once },
	{ "fstat", 1, fstat_prepare, fstat_once, fstat_once },
	{ "nothing", 0, NULL, nothing_once, nothing_once },
	{ "connect", 2, connect_prepare, connect_check, connect_once },
	{ "exec", -1, NULL, exec_once, exec_once },
};

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Orphans come to this process: wait until all have ended. */
static void reap(void)
{
	while (wait(NULL) > 0 || errno == EINTR)
		;
}

/* Nanoseconds of all that has been waited for. */
static double used(void)
{
	struct rusage usage;

	getrusage(RUSAGE_CHILDREN, &usage);
	return ((double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec) * 1e9 +
	       ((double)usage.ru_utime.tv_usec + (double)usage.ru_stime.tv_usec) * 1e3;
}

/* Nanoseconds per call of one batch. */
static double batch(const struct work *work, struct job *job, uint64_t count)
{
	uint64_t begin = now(), end;

	for (uint64_t i = 0; i < count; i++)
		work->once(job);
	end = now();
	job->made += count;
	if (job->reaps)
		reap();
	return (double)(end - begin) / (double)count;
}

static void say(const struct job *job, double median, double least)
{
	printf("%.1f %.1f %llu", median, least, (unsigned long long)job->made);
	if (job->reaps)
		printf(" %.1f", used() / (double)job->made);
	printf("\n");
}

static void time_batches(const struct work *work, struct job *job, uint64_t ns)
{
	static double took[BATCHES_MAX];
	uint64_t begin = now(), count = 1;
	size_t n = 0;
	double one;

	/* So many calls that a batch lasts its share, found by doubling. */
	while ((one = batch(work, job, count)) * (double)count < (double)ns / BATCHES / 2 &&
	       now() - begin < ns)
		count *= 2;
	begin = now();
	do {
		took[n++] = batch(work, job, count);
	} while (n < BATCHES_MAX && (n < 3 || now() - begin < ns));
	qsort(took, n, sizeof(took[0]), by_size);
	one = n % 2 ? took[n / 2] : (took[n / 2 - 1] + took[n / 2]) / 2;
	say(job, one, took[0]);
}

static void *idle(void *data)
{
	(void)data;
	for (;;)
		pause();
	return NULL;
}

/* A child: a program of its own that has made a call that is looked at, and waits. */
static _Noreturn void be_child(void)
{
	struct stat st;

	if (stat("/", &st) || write(STDOUT_FILENO, "", 1) != 1)
		_exit(1);
	close(STDOUT_FILENO);
	for (;;)
		pause();
}

/* All of them wait when this returns; they end with this process. */
static void have_children(char *self, int count)
{
	int ready[2];
	char byte;

	if (pipe2(ready, O_CLOEXEC))
		err(1, "pipe2");
	for (int i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (pid)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ready[1], STDOUT_FILENO);
		execl(self, self, "child", NULL);
		_exit(127);
	}
	close(ready[1]);
	for (int i = 0; i < count; i++)
		if (read(ready[0], &byte, 1) != 1)
			errx(1, "a child did not come to wait");
	close(ready[0]);
}

static void have_threads(int count)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (int i = 0; i < count; i++) {
		int failed = pthread_create(&thread, &attr, idle, NULL);

		if (failed)
			errx(1, "pthread_create: %s", strerror(failed));
	}
}

static void hold(void)
{
	char byte;

	if (read(STDIN_FILENO, &byte, 1) != 1)
		errx(1, "nobody says that it may go on");
}

static _Noreturn void usage(void)
{
	errx(2, "usage: bench_call [-d MS] [-n COUNT] [-e TEXT] [-c CHILDREN] [-t THREADS] [-r] [-w] "
		"open|stat|fstat|nothing|connect|exec [ARG...]");
}

int main(int argc, char **argv)
{
	const struct work *work = NULL;
	struct job job = { .fd = -1 };
	int children = 0, threads = 0, opt;
	uint64_t ns = 100000000, count = 0;
	bool waits = false;
	double one;

	if (argc == 2 && !strcmp(argv[1], "child"))
		be_child();
	while ((opt = getopt(argc, argv, "+d:n:e:c:t:rw")) >= 0) {
		switch (opt) {
		case 'd':
			ns = (uint64_t)atoll(optarg) * 1000000u;
			break;
		case 'n':
			count = (uint64_t)atoll(optarg);
			break;
		case 'e':
			job.expected = optarg;
			break;
		case 'c':
			children = atoi(optarg);
			break;
		case 't':
			threads = atoi(optarg);
			break;
		case 'r':
			job.reaps = true;
			prctl(PR_SET_CHILD_SUBREAPER, 1);
			break;
		case 'w':
			waits = true;
			break;
		default:
			usage();
		}
	}
	for (size_t i = 0; optind < argc && i < sizeof(works) / sizeof(works[0]); i++)
		if (!strcmp(works[i].name, argv[optind]))
			work = &works[i];
	if (!work || (work->args >= 0 ? argc - optind - 1 != work->args : argc - optind < 2))
		usage();
	job.args = argv + optind + 1;
	if (work->prepare)
		work->prepare(&job);
	have_threads(threads);
	have_children(argv[0], children);
	work->check(&job);
	job.made = 1;
	if (waits) {
		puts("ready");
		fflush(stdout);
		hold();
	}
	if (count) {
		one = batch(work, &job, count);
		say(&job, one, one);
	} else {
		time_batches(work, &job, ns);
	}
	fflush(stdout);
	if (waits)
		hold();
	/* Threads and children go with this process. */
	_exit(0);
}
