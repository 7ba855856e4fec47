/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * probe_around.c - what is around this process, and in the way of tracing
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

#include "probe.h"

/* A number in a file of /proc, after a name where it has one; -1 where it is not there. */
static int read_number(const char *file, const char *name)
{
	FILE *from = fopen(file, "re");
	int value = -1;
	char line[256];

	while (from && fgets(line, sizeof(line), from))
		if (!strncmp(line, name, strlen(name)) &&
		    sscanf(line + strlen(name), "%d", &value) == 1)
			break;
	if (from)
		fclose(from);
	return value;
}

static void find_tracer(struct probe *probe, pid_t of)
{
	char file[64];
	int tracer;
	FILE *from;

	snprintf(file, sizeof(file), "/proc/%d/status", of);
	tracer = read_number(file, "TracerPid:");
	probe->tracer = tracer > 0 ? tracer : 0;
	if (!probe->tracer)
		return;
	snprintf(file, sizeof(file), "/proc/%d/comm", tracer);
	from = fopen(file, "re");
	if (from && fgets(probe->tracer_name, sizeof(probe->tracer_name), from))
		probe->tracer_name[strcspn(probe->tracer_name, "\n")] = '\0';
	if (from)
		fclose(from);
}

/*
 * What may not be dumped cannot be traced: a pointsman says that it has made a
 * program so, and has not.  One that traces refuses every ptrace(2), where the
 * kernel says that there is nobody of that number.  Both are seen from inside a
 * pid namespace too.
 */
static void try_dumpable(struct probe *probe)
{
	probe->guarded =
		!prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1;
	probe->shut = ptrace(PTRACE_CONT, 0, NULL, NULL) && errno == EPERM;
}

int probe_around(struct probe *probe, pid_t program)
{
	probe->ptrace_scope = read_number("/proc/sys/kernel/yama/ptrace_scope", "");
	probe->io_uring_disabled = read_number("/proc/sys/kernel/io_uring_disabled", "");
	probe->filters = read_number("/proc/self/status", "Seccomp_filters:");
	probe->no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
	find_tracer(probe, program);
	return probe_apart(probe, try_dumpable);
}

void probe_explain_ptrace(const struct probe *probe, int err, char *why, size_t size)
{
	static const char refused[] = "ptrace is not permitted here";

	if (err == -EPERM && probe->guarded && probe->shut)
		snprintf(why, size,
			 "%s: a pointsman around this one traces it, and a process has one "
			 "tracer; give that one this policy too, run outside of it, or run that one "
			 "with --backend notify on a kernel that has redirects",
			 refused);
	else if (err == -EPERM && probe->tracer)
		snprintf(why, size,
			 "%s: process %d (%s) traces this one, and a process has one tracer; "
			 "run outside of it",
			 refused, probe->tracer, probe->tracer_name);
	else if (err == -EPERM && probe->ptrace_scope >= 2)
		snprintf(why, size, "%s: Yama's ptrace_scope is %d", refused, probe->ptrace_scope);
	else
		snprintf(why, size, "%s: %s", refused, strerror(-err));
}

void pm_probe_ptrace_refused(pid_t program, int err, char *why, size_t size)
{
	struct probe *probe = probe_new();

	if (probe && !probe_around(probe, program))
		probe_explain_ptrace(probe, err, why, size);
	else
		snprintf(why, size, "ptrace is not permitted here: %s", strerror(-err));
	probe_free(probe);
}
