/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fork.h"

/* All that is tried takes milliseconds, a second on an emulated machine. */
#define LIMIT_SECONDS 10

struct probe *probe_new(void)
{
	struct probe *probe = mmap(NULL, sizeof(*probe), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (probe == MAP_FAILED)
		return NULL;
	probe->limit = LIMIT_SECONDS;
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
	pid_t parent = getpid(), now, child = fork_steady(0);

	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Where a filter refuses to say, the limit ends who is left alone. */
	now = getppid();
	if (now >= 0 && now != parent)
		_exit(1);
	return 0;
}

void probe_try(struct probe *probe, enum probe_fact fact, long (*try)(void))
{
	pid_t child = probe_fork();

	if (child < 0)
		probe_keep(probe, fact, -1);
	if (child)
		return;
	probe->fact[fact] = PROBE_TRYING;
	probe_keep(probe, fact, try());
	_exit(0);
}

/*
 * Orphans are handed to us; at the limit the whole group is ended, we too.  Without one
 * we end, and with us those who have us for a parent, and with them theirs.
 */
static void reap_all(struct probe *probe, const sigset_t *child, bool group)
{
	struct timespec now, end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += probe->limit;
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
		if (!group)
			_exit(1);
		kill(0, SIGKILL);
	}
}

/* The limit on the size of files is not meant for a supervisor either. */
static void raise_file_size(void)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	if (!setrlimit(RLIMIT_FSIZE, &limit) || getrlimit(RLIMIT_FSIZE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_FSIZE, &limit);
}

static _Noreturn void be_apart(struct probe *probe, void (*body)(struct probe *probe), bool group)
{
	const struct rlimit none = { 0, 0 };
	sigset_t child;

	group = group && !setpgid(0, 0);
	probe->apart = true;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	setrlimit(RLIMIT_CORE, &none);
	raise_file_size();
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_SETMASK, &child, NULL);
	body(probe);
	reap_all(probe, &child, group);
	_exit(0);
}

static int try_apart(struct probe *probe, void (*body)(struct probe *probe), bool group)
{
	pid_t child;
	int status;

	if (probe->fact[PROBE_CHILD])
		probe->fact[PROBE_CHILD] = PROBE_TRYING;
	child = probe_fork();
	if (child < 0)
		return -errno;
	if (child == 0)
		be_apart(probe, body, group);
	/* ECHILD: SIGCHLD is ignored, and it has gone all the same. */
	wait_apart(child, &status);
	return 0;
}

int probe_apart(struct probe *probe, void (*body)(struct probe *probe))
{
	int err;

	probe->apart = false;
	err = try_apart(probe, body, true);
	/* A filter may kill for setpgid(2), which nothing but this needs. */
	return err || probe->apart ? err : try_apart(probe, body, false);
}

/* What a backend needs, in the order in which it would be missed. */
struct need {
	enum probe_fact fact, or ; /* one of the two, or twice the same */
	const char *what;
};

static const struct need ptrace_needs[] = {
	{ PROBE_CHILD, PROBE_CHILD, "no process can be made to try what is needed" },
	{ PROBE_PROC, PROBE_PROC, "/proc is not mounted" },
	{ PROBE_MEMFD, PROBE_MEMFD, "no sealed memory can be made" },
	{ PROBE_NO_NEW_PRIVS, PROBE_NO_NEW_PRIVS, "no_new_privs cannot be set" },
	{ PROBE_FILTER, PROBE_FILTER, "no filter can be installed" },
	{ PROBE_SEIZE, PROBE_SEIZE, "ptrace is not permitted here" },
	{ PROBE_TRACE, PROBE_TRACE, "a traced call cannot be changed" },
};

static const struct need notify_needs[] = {
	{ PROBE_CHILD, PROBE_CHILD, "no process can be made to try what is needed" },
	{ PROBE_PROC, PROBE_PROC, "/proc is not mounted" },
	{ PROBE_NO_NEW_PRIVS, PROBE_NO_NEW_PRIVS, "no_new_privs cannot be set" },
	{ PROBE_TOGETHER, PROBE_TOGETHER, "no listener can be installed" },
	{ PROBE_RECV, PROBE_RECV, "a listener is not told of calls" },
	{ PROBE_READ_VM, PROBE_READ_MEM, "the memory of a program's child cannot be read" },
	{ PROBE_PIDFD, PROBE_PIDFD, "pidfd_open(2) does not work" },
	{ PROBE_PIDFD_THREAD, PROBE_PIDFD_THREAD, "pidfd_open(2) does not know PIDFD_THREAD" },
	{ PROBE_MEMFD, PROBE_MEMFD, "no sealed memory can be made" },
	{ PROBE_PIN, PROBE_PIN, "memory cannot be pinned" },
	{ PROBE_REDIRECT, PROBE_REDIRECT, "a call cannot be redirected" },
	{ PROBE_NUMBER, PROBE_NUMBER, "a call cannot be redirected to another" },
	{ PROBE_ADDFD, PROBE_ADDFD, "a call cannot be answered with a descriptor" },
	{ PROBE_WATCH, PROBE_WATCH, "an execve cannot be watched by ptrace" },
};

static int say(int err, char *why, size_t size, const char *what)
{
	const char *because = strerror(-err);

	if (err == -EBUSY)
		because = "another one is around this process";
	else if (err == -ECHILD)
		because = "who tries it is killed";
	else if (err == -ECANCELED)
		because = "it could not be tried";
	else if (err == -EBADE)
		because = "it has another effect";
	else if (err == -ETIMEDOUT)
		because = "it did not end";
	snprintf(why, size, "%s: %s", what, because);
	return err;
}

static int find_missing(const struct probe *probe, const struct need *needs, size_t count,
			char *why, size_t size)
{
	for (size_t i = 0; i < count; i++) {
		int err = probe->fact[needs[i].fact];

		if (!err || !probe->fact[needs[i].or ])
			continue;
		if (err > 0)
			err = probe->late ? -ETIMEDOUT :
			      err == PROBE_TRYING ? -ECHILD : -ECANCELED;
		if (needs[i].fact == PROBE_SEIZE && err == -EPERM) {
			probe_explain_ptrace(probe, err, why, size);
			return err;
		}
		return say(err, why, size, needs[i].what);
	}
	return 0;
}

int probe_says_ptrace(const struct probe *probe, char *why, size_t size)
{
	int err = find_missing(probe, ptrace_needs,
			       sizeof(ptrace_needs) / sizeof(ptrace_needs[0]), why, size);

	/* Who traces us and not our children, which have been tried. */
	if (!err && probe->tracer) {
		err = -EPERM;
		probe_explain_ptrace(probe, err, why, size);
	}
	return err;
}

/* EINVAL: a flag is not known. */
int probe_says_notify(const struct probe *probe, char *why, size_t size)
{
	for (int fact = PROBE_FLAG_REDIRECT; fact <= PROBE_FLAG_KILL_ORPHANS; fact++) {
		int err = probe->fact[fact];

		if (!err)
			continue;
		if (err != -EINVAL)
			return say(err > 0 ? -ECHILD : err, why, size, "no listener can be installed");
		snprintf(why, size, "this kernel's seccomp(2) has no redirects");
		return -EOPNOTSUPP;
	}
	return find_missing(probe, notify_needs, sizeof(notify_needs) / sizeof(notify_needs[0]),
			    why, size);
}

int pm_probe_notify(char *why, size_t size)
{
	struct probe *probe = probe_new();
	int err = 0;

	if (!probe)
		return say(-ENOMEM, why, size, "nothing can be tried");
	probe_keep(probe, PROBE_PROC, access("/proc/self/fd", X_OK));
	/* Where that was not all, it costs no process. */
	if (probe_flags(probe))
		err = probe_apart(probe, probe_listener);
	if (err)
		say(err, why, size, "nothing can be tried");
	else
		err = probe_says_notify(probe, why, size);
	probe_free(probe);
	return err;
}
