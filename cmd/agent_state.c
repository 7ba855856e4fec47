/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an agent has found out of a container beside what the runtime said: which
 * process it is, and the profile that its filter was made of.  It goes with the
 * listener to the next agent, in a member of the message, since it may not be found
 * any more: the process has ended and left children, config.json was changed.
 *
 * A process is known by its number and the time of its start.  Where it has ended,
 * another one of the same container shows what the container sees.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "audit_json.h"
#include "cleanup.h"
#include "command.h"

/* When a process was started, in ticks since boot; 0: there is none. */
static uint64_t start_of(pid_t pid)
{
	char path[32], text[1024], *at;
	auto_close int fd = -1;
	uint64_t start = 0;
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (len < 0)
		return 0;
	text[len] = '\0';
	/* The name ends with the last bracket; 20 fields later. */
	at = strrchr(text, ')');
	for (int i = 0; at && i < 20; i++)
		at = strchr(at + 1, ' ');
	if (at)
		sscanf(at, "%" SCNu64, &start);
	return start;
}

static bool lives(const struct agent_container *container)
{
	return container->pid && container->started &&
	       start_of(container->pid) == container->started;
}

/* Has it ended already, before anybody served it? */
static bool is_over(const struct agent_container *container)
{
	struct pollfd listener = { .fd = container->listener };

	return poll(&listener, 1, 0) > 0 && listener.revents & (POLLHUP | POLLERR);
}

static bool is_same_bundle(const struct agent_container *a, const struct agent_container *b)
{
	return a->bundle && b->bundle && !strcmp(a->bundle, b->bundle);
}

/*
 * Another listener of the container, whose process lives; NULL: none.  Ids are those
 * of one directory of a runtime: two containers can have the same.  *both: they have.
 */
static const struct agent_container *find_other(const struct agent *agent,
						const struct agent_container *container, bool *both)
{
	const struct agent_container *found = NULL;

	*both = false;
	for (const struct agent_container *c = agent->containers; c; c = c->next) {
		if (c == container || strcmp(c->id, container->id) || !lives(c))
			continue;
		if (container->named && !is_same_bundle(c, container))
			continue;
		if (found && !is_same_bundle(found, c))
			*both = true;
		found = c;
	}
	return *both ? NULL : found;
}

static int copy(char **to, const char *from)
{
	char *text = from ? strdup(from) : NULL;

	if (from && !text)
		return -ENOMEM;
	free(*to);
	*to = text;
	return 0;
}

/*
 * crun 1.8.1 says neither pid nor bundle of what it executes in a container that runs:
 * they are those of the container of this id, which is served already.
 */
static int find_process(struct agent_container *container, const struct agent_container *other)
{
	if (container->pid && !container->started)
		container->started = start_of(container->pid);
	container->runtime = lives(container) ? container->pid : 0;
	if (container->runtime)
		return 0;
	if (!other)
		return -ESRCH;
	container->pid = other->pid;
	container->started = other->started;
	if (container->named)
		return 0;
	container->named = true;
	return copy(&container->bundle, other->bundle);
}

/* What was executed in a container has its profile, whatever config.json says by now. */
static int find_profile(struct agent_container *container, const struct agent_container *other)
{
	if (container->profile)
		return 0;
	if (container->runs && other && other->profile)
		return copy(&container->profile, other->profile);
	return oci_profile_read(container->bundle, container->id, &container->profile);
}

static int write_down(struct agent_container *container)
{
	json_object *message = json_tokener_parse(container->text), *ours = json_object_new_object();
	struct json json = { .failed = !message };
	const char *text;
	int err = -ENOMEM;

	json_put(&json, ours, "pid", json_object_new_int(container->pid));
	json_put(&json, ours, "started", json_object_new_uint64(container->started));
	if (container->bundle)
		json_put(&json, ours, "bundle", json_object_new_string(container->bundle));
	json_put(&json, ours, "profile", json_object_new_string(container->profile));
	json_put(&json, message, AGENT_MEMBER, ours);
	text = json.failed ? NULL : json_object_to_json_string_ext(message, JSON_C_TO_STRING_PLAIN);
	if (text && strlen(text) > AGENT_STATE_MAX)
		err = -EMSGSIZE;
	else if (text)
		err = copy(&container->text, text);
	json_object_put(message);
	return err;
}

int agent_know(const struct agent *agent, struct agent_container *container)
{
	bool both;
	const struct agent_container *other = find_other(agent, container, &both);
	int err = find_process(container, other);

	if (err == -ESRCH && is_over(container))
		return err;
	if (err == -ESRCH && both)
		complain("agent: container %s: its state has no pid, and two containers of this id are served",
			 container->id);
	else if (err == -ESRCH)
		complain(container->named ?
				 "agent: container %s: its process has ended, and no other one of it is known" :
				 "agent: container %s: its state has no pid, and no container of this id is served",
			 container->id);
	if (err == -ESRCH)
		return err;
	if (!err) {
		err = find_profile(container, other);
		if (err)
			return err;
		err = write_down(container);
	}
	if (err)
		complain("agent: container %s: %s", container->id, strerror(-err));
	return err;
}
