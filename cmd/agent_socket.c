/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A service manager hands descriptors over as sd_listen_fds(3) documents it:
 * LISTEN_PID is who they are for, LISTEN_FDS how many there are from descriptor 3 on,
 * LISTEN_FDNAMES their names with colons between them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent.h"
#include "cleanup.h"
#include "command.h"

#define FIRST_FD 3

bool agent_is_listening(int fd)
{
	int value = 0, domain = 0;
	socklen_t len = sizeof(value);

	return !getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &len) && value &&
	       !getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &len) && value == SOCK_STREAM &&
	       !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) && domain == AF_UNIX;
}

/* The name of the i'th descriptor; "" where it has none. */
static void name_of(const char *names, long i, char name[32])
{
	size_t len;

	while (names && i-- > 0) {
		names = strchr(names, ':');
		names = names ? names + 1 : NULL;
	}
	len = names ? strcspn(names, ":") : 0;
	snprintf(name, 32, "%.*s", (int)len, names ? names : "");
}

/* What make_state() of agent_manager.c made.  The caller frees it. */
static char *read_state(int fd)
{
	char *text = malloc(AGENT_STATE_MAX + 1);
	ssize_t len = text ? pread(fd, text, AGENT_STATE_MAX, 0) : -1;

	if (len < 0) {
		free(text);
		return NULL;
	}
	text[len] = '\0';
	return text;
}

static bool is_state(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && seals & F_SEAL_WRITE;
}

/* What a service manager hands over. */
struct handed {
	const char *names;
	long count;
};

/* The descriptor of this kind that was kept under the same name as which; -1: none. */
static int find_kept(const struct handed *handed, long which, bool (*is)(int fd))
{
	char name[32], other[32];

	name_of(handed->names, which, name);
	for (long i = 0; i < handed->count; i++) {
		name_of(handed->names, i, other);
		if (i != which && !strcmp(name, other) && is(FIRST_FD + (int)i))
			return FIRST_FD + (int)i;
	}
	return -1;
}

/* A listener that was kept, and its state.  False: it is of no use. */
static bool resume(struct agent *agent, const struct handed *handed, long which)
{
	struct agent_container *container;
	int state = find_kept(handed, which, is_state);
	char name[32];

	name_of(handed->names, which, name);
	if (state < 0) {
		complain("agent: no state was kept for the listener '%s'", name);
		return false;
	}
	container = agent_container_new(read_state(state),
					fcntl(FIRST_FD + (int)which, F_DUPFD_CLOEXEC, FIRST_FD), true);
	if (!container)
		return false;
	snprintf(container->kept, sizeof(container->kept), "%s", name);
	container->next = agent->containers;
	agent->containers = container;
	return true;
}

/* A socket, a listener or its state; of nothing else, nor of a part of these, is use made. */
static void take_one(struct agent *agent, const struct handed *handed, long which)
{
	int fd = FIRST_FD + (int)which;
	char name[32];

	name_of(handed->names, which, name);
	if (agent_is_listening(fd)) {
		if (agent->socket >= 0) {
			complain("agent: the service manager hands over a second socket, '%s'; it is closed",
				 name);
			return;
		}
		agent->socket = fd;
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	} else if (agent_is_listener(fd)) {
		if (!resume(agent, handed, which))
			manager_forget(name);
	} else if (!is_state(fd)) {
		complain("agent: what the service manager hands over as '%s' is of no use; it is closed",
			 name);
	} else if (find_kept(handed, which, agent_is_listener) < 0) {
		/* The container ended while nobody served it, and the manager let go of the listener. */
		manager_forget(name);
	}
}

/* A decimal number and nothing else; -1: it is none. */
static long number(const char *text)
{
	char *end;
	long value;

	if (!text || *text < '0' || *text > '9')
		return -1;
	errno = 0;
	value = strtol(text, &end, 10);
	return errno || *end ? -1 : value;
}

int agent_inherit(struct agent *agent)
{
	struct handed handed = { .names = getenv("LISTEN_FDNAMES") };

	if (number(getenv("LISTEN_PID")) == agent->pid && getenv("LISTEN_FDS")) {
		handed.count = number(getenv("LISTEN_FDS"));
		if (handed.count < 0 || handed.count > INT_MAX - FIRST_FD) {
			complain("agent: LISTEN_FDS: '%s' is no number of descriptors",
				 getenv("LISTEN_FDS"));
			return -EINVAL;
		}
	}
	for (long i = 0; i < handed.count; i++)
		if (fcntl(FIRST_FD + (int)i, F_SETFD, FD_CLOEXEC)) {
			complain("agent: descriptor %ld of the service manager is not there",
				 FIRST_FD + i);
			return -EBADF;
		}
	for (long i = 0; i < handed.count; i++)
		take_one(agent, &handed, i);
	for (long i = 0; i < handed.count; i++)
		if (FIRST_FD + (int)i != agent->socket)
			close(FIRST_FD + (int)i);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return 0;
}
