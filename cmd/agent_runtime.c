/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Under the filter, and before the container's program, comes the end of the
 * runtime: runc's waits to be started by opening a FIFO of the host, which has no
 * name in the container.  A policy that denies a path denies what has no name, and
 * the container would never start.  So this one open is let through: of a FIFO
 * without a name, by the container's first process, as long as that runs the
 * program which it ran when the listener was handed over.
 */
#define _GNU_SOURCE
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent.h"

void runtime_know(struct agent_runtime *runtime, pid_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	runtime->pid = stat(path, &runtime->program) ? 0 : pid;
}

static bool is_runtime(const struct agent_runtime *runtime, const struct pm_call *call)
{
	struct stat now;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/exe", call->tgid);
	return runtime->pid && call->tgid == runtime->pid && !stat(path, &now) &&
	       now.st_dev == runtime->program.st_dev && now.st_ino == runtime->program.st_ino;
}

static bool is_start(const struct agent_runtime *runtime, struct pm_call *call)
{
	const uint32_t write = PM_BIT(PM_CLASS_OPEN_WRITE);
	const struct pm_where *where;

	if (strcmp(call->name, "openat") || call->nitems != 1 || call->items[0].classes != write ||
	    !is_runtime(runtime, call))
		return false;
	where = pm_item_where(call, &call->items[0]);
	return where && where->exists && where->anonymous && where->magic &&
	       S_ISFIFO(where->st.st_mode);
}

static bool wants(void *data, const char *syscall, uint32_t classes)
{
	const struct agent_layer *layer = data;

	return layer->policy->wants(layer->policy->data, syscall, classes);
}

/* What becomes of a call is for the profile to say, as it is of one that is made. */
static void judge(const struct agent_layer *layer, const struct pm_call *call,
		  struct pm_verdict *verdict)
{
	uint32_t action = oci_judge_asks(layer->judge, call);

	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
	case SECCOMP_RET_USER_NOTIF:
		return;
	case SECCOMP_RET_ERRNO:
		/* An error of 0 is success without the call. */
		verdict->action = action & SECCOMP_RET_DATA ? PM_DENY : PM_VALUE;
		verdict->err = (int)(action & SECCOMP_RET_DATA);
		break;
	default:
		verdict->action = PM_KILL;
	}
	verdict->rule = "built-in: the container's profile";
	verdict->source = NULL;
}

static int decide(void *data, struct pm_call *call, struct pm_verdict *verdict)
{
	const struct agent_layer *layer = data;
	int err;

	if (is_start(layer->runtime, call)) {
		verdict->rule = "built-in: the runtime starts the container";
		return 0;
	}
	err = layer->policy->decide(layer->policy->data, call, verdict);
	if (!err && layer->judge &&
	    (verdict->action == PM_ALLOW || verdict->action == PM_REDIRECT))
		judge(layer, call, verdict);
	return err;
}

void runtime_wrap(const struct agent_runtime *runtime, struct pm_layer *policy,
		  const struct oci_judge *profile, struct agent_layer *layer)
{
	layer->runtime = runtime;
	layer->judge = profile;
	layer->policy = policy;
	layer->layer = *policy;
	layer->layer.data = layer;
	layer->layer.wants = wants;
	layer->layer.decide = decide;
}
