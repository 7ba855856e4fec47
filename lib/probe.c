/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* All that is tried takes milliseconds, a second on an emulated machine. */
#define LIMIT_SECONDS 10

struct probe *probe_new(void)
{
	struct probe *probe = mmap(NULL, sizeof(*probe), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (probe == MAP_FAILED)
		return NULL;
	for (int fact = 0; fact < PROBE_NFACTS; fact++)
		probe->fact[fact] = PROBE_UNTRIED;
	return probe;
}

void probe_free(struct probe *probe)
{
	if (probe)
		munmap(probe, sizeof(*probe));
}

bool probe_keep(struct probe *probe, enum probe_fact fact, long result)
{
	probe->fact[fact] = result < 0 ? -errno : 0;
	return result >= 0;
}

int probe_fork(void)
{
	pid_t parent = getpid(), child = fork();

	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	return 0;
}

/* Orphans are handed to us; at the limit the whole group is ended, we too. */
static void reap_all(struct probe *probe, const sigset_t *child)
{
	struct timespec now, end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += LIMIT_SECONDS;
	for (;;) {
		struct timespec left;
		pid_t pid;

		while ((pid = waitpid(-1, NULL, WNOHANG | __WALL)) > 0)
			;
		if (pid < 0)
			return;
		clock_gettime(CLOCK_MONOTONIC, &now);
		left = (struct timespec){ .tv_sec = end.tv_sec - now.tv_sec };
		if (left.tv_sec > 0 && (sigtimedwait(child, NULL, &left) > 0 || errno == EINTR))
			continue;
		probe->late = true;
		kill(0, SIGKILL);
	}
}

static _Noreturn void be_apart(struct probe *probe, void (*body)(struct probe *probe))
{
	const struct rlimit none = { 0, 0 };
	sigset_t child;

	setpgid(0, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	setrlimit(RLIMIT_CORE, &none);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_SETMASK, &child, NULL);
	body(probe);
	reap_all(probe, &child);
	_exit(0);
}

int probe_apart(struct probe *probe, void (*body)(struct probe *probe))
{
	pid_t child = probe_fork();

	if (child < 0)
		return -errno;
	if (child == 0)
		be_apart(probe, body);
	/* ECHILD: SIGCHLD is ignored, and it has gone all the same. */
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}
