/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * nomem TARGET COMMAND... - what the library does where memory, threads or descriptors
 * are short: the first request fails, then the second, until none is left that could
 *
 *	run layer|handler|serve|serve-handler WHAT PROGRAM [N]
 *				PROGRAM of nomem_target.c under a supervisor; WHAT is short,
 *				see nomem_run.c; N: this one only
 *	churn			what a supervisor holds
 *	calls layer|handler	the functions on a call
 *	layer			pm_handler_layer()
 *	answer			pm_request_answer()
 *
 * Prints how far it came.  Faults are named on standard error.
 */
#define _GNU_SOURCE
#include "nomem.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "starve.h"

#define MANY 20		/* faults that are named */
#define LIMIT 60	/* seconds that one run may take */

char *target;
static _Atomic long *faults;	/* shared by all processes */
static volatile sig_atomic_t late;

void fault(long n, const char *format, ...)
{
	va_list ap;

	if (++*faults > MANY)
		return;
	fprintf(stderr, "n = %ld: ", n);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
}

size_t descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	if (!dir)
		abort();
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void alarmed(int signal)
{
	(void)signal;
	late = 1;
}

/* All that are left, whoever started them, are children of ours. */
static void kill_children(void)
{
	FILE *children = fopen("/proc/thread-self/children", "re");
	int pid;

	while (children && fscanf(children, "%d", &pid) == 1)
		kill(pid, SIGKILL);
	if (children)
		fclose(children);
}

void run_apart(long n, void (*body)(void *data), void *data, struct ended *ended)
{
	pid_t first = fork(), pid;
	int status;

	if (first < 0)
		abort();
	if (first == 0) {
		body(data);
		_exit(125);
	}
	*ended = (struct ended){ .killed = true };
	late = 0;
	alarm(LIMIT);
	while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		if (late) {
			fault(n, "it hangs");
			late = 0;
			kill_children();
			alarm(1);
		}
		if (pid <= 0)
			continue;
		if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
			fault(n, "a process died of SIG%s", sigabbrev_np(WTERMSIG(status)));
		if (pid == first)
			*ended = (struct ended){ .killed = WIFSIGNALED(status),
						 .status = WEXITSTATUS(status) };
	}
	alarm(0);
}

static int command(int argc, char **argv)
{
	const char *name = argc > 2 ? argv[2] : "";

	if (!strcmp(name, "run") && argc > 5)
		return sweep_run(argv[3], argv[4], argv[5], argc > 6 ? atol(argv[6]) : 0);
	if (!strcmp(name, "churn"))
		return sweep_churn();
	if (!strcmp(name, "calls") && argc > 3)
		return sweep_calls(!strcmp(argv[3], "handler"));
	if (!strcmp(name, "layer"))
		return sweep_layer();
	if (!strcmp(name, "answer"))
		return sweep_answer();
	return 125;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = alarmed };
	int status;

	/* Supervisors are nobody's children: here they become ours. */
	if (argc < 2 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) ||
	    sigaction(SIGALRM, &action, NULL))
		return 125;
	target = argv[1];
	starve_init();
	faults = shared(sizeof(*faults));
	status = command(argc, argv);
	if (*faults > MANY)
		fprintf(stderr, "and %ld more\n", *faults - MANY);
	return *faults ? 1 : status;
}
