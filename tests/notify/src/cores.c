/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cores ROUNDS CALLS - is who makes a call on one processor served beside who makes one
 * on another?
 *
 * Two programs open a file CALLS times each, one after the other and then both at
 * once, ROUNDS times.  Each round says how long both took, and of how many calls the
 * decision began while another one was being decided on by another processor.  Where
 * CORES_SUPERVISED is set somebody else is the supervisor, and nothing is counted.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <pointsman/pointsman.h>

/* Of the supervisor. */
static atomic_uint deciding, beside, all;

static bool wants(void *data, const char *syscall, uint32_t classes)
{
	(void)data;
	(void)classes;
	return !strcmp(syscall, "openat") || !strcmp(syscall, "uname");
}

/* uname(2) says what was counted since it was called last. */
static int say(struct pm_call *call, struct pm_verdict *verdict)
{
	struct utsname counts = { 0 };
	int err;

	snprintf(counts.sysname, sizeof(counts.sysname), "%u", atomic_exchange(&beside, 0));
	snprintf(counts.nodename, sizeof(counts.nodename), "%u", atomic_exchange(&all, 0));
	err = pm_call_write(call, call->args[0], &counts, sizeof(counts));
	*verdict = (struct pm_verdict){ .action = err ? PM_DENY : PM_VALUE, .err = -err };
	return 0;
}

static int decide(void *data, struct pm_call *call, struct pm_verdict *verdict)
{
	struct pm_item *item;

	(void)data;
	if (!strcmp(call->name, "uname"))
		return say(call, verdict);
	if (atomic_fetch_add(&deciding, 1))
		atomic_fetch_add(&beside, 1);
	atomic_fetch_add(&all, 1);
	item = pm_call_item(call, PM_ITEM_PATH, NULL);
	if (item)
		pm_item_where(call, item);
	atomic_fetch_sub(&deciding, 1);
	return 0;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void die(const char *what)
{
	perror(what);
	_exit(1);
}

static pid_t begin(int calls)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid)
		return pid;
	for (int i = 0; i < calls; i++) {
		int fd = open("/dev/null", O_RDONLY);

		if (fd < 0)
			die("open");
		close(fd);
	}
	_exit(0);
}

static void end(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status)
		die("waitpid");
}

static void compare(int calls)
{
	struct utsname apart, together;
	double start = now(), middle, last;
	pid_t first;

	end(begin(calls));
	end(begin(calls));
	middle = now();
	if (uname(&apart))
		die("uname");
	first = begin(calls);
	end(begin(calls));
	end(first);
	last = now();
	if (uname(&together))
		die("uname");
	printf("apart %.3f s, together %.3f s, %.2f times as fast", middle - start, last - middle,
	       (middle - start) / (last - middle));
	if (isdigit(apart.sysname[0]))
		printf("; beside another: %s of %s, %s of %s", apart.sysname, apart.nodename,
		       together.sysname, together.nodename);
	puts("");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct pm_layer layer = { .wants = wants, .decide = decide, .concurrent = true };
	struct pm_options options = { .layers = (struct pm_layer *[]){ &layer }, .nlayers = 1,
				      .backend = "notify" };
	enum pm_stage stage;
	struct utsname name;

	if (argc != 3)
		return 125;
	if (getenv("CORES_SUPERVISED")) {
		/* What was decided on before is not counted. */
		if (uname(&name))
			die("uname");
		for (int i = 0; i < atoi(argv[1]); i++)
			compare(atoi(argv[2]));
		return 0;
	}
	setenv("CORES_SUPERVISED", "1", 1);
	pm_exec(&options, "/proc/self/exe", argv, &stage);
	fprintf(stderr, "cores: %s\n", pm_error());
	return 125;
}
