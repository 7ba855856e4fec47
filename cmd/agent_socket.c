/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The socket is made here, or by the service manager, which hands descriptors
 * over as sd_listen_fds(3) documents it: LISTEN_PID is who they are for,
 * LISTEN_FDS how many there are from descriptor 3 on, LISTEN_FDNAMES their names
 * with colons between them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent.h"
#include "cleanup.h"
#include "command.h"

#define FIRST_FD 3
#define BACKLOG 128

static bool is_listening(int fd)
{
	int value = 0, domain = 0;
	socklen_t len = sizeof(value);

	return !getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &len) && value &&
	       !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) && domain == AF_UNIX;
}

/* A path that nobody listens at any more is in the way. */
static int remove_stale(const struct sockaddr_un *address)
{
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (lstat(address->sun_path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	if (!connect(fd, (const struct sockaddr *)address, sizeof(*address)))
		return -EADDRINUSE;
	if (errno != ECONNREFUSED)
		return -errno;
	return unlink(address->sun_path) ? -errno : 0;
}

int agent_listen(struct agent *agent)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = agent->options.socket;
	auto_close int fd = -1;
	mode_t before;
	int err;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	err = remove_stale(&address);
	if (err == -EADDRINUSE) {
		complain("agent: somebody listens at '%s'; --replace takes an agent's place", path);
		return err;
	}
	fd = err ? -1 : socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (!err && fd < 0)
		err = -errno;
	/* A runtime that connects says which policy a container has: root's, or ours. */
	before = umask(0177);
	if (!err && bind(fd, (const struct sockaddr *)&address, sizeof(address)))
		err = -errno;
	umask(before);
	if (!err && listen(fd, BACKLOG))
		err = -errno;
	if (err) {
		complain("agent: cannot listen at '%s': %s", path, strerror(-err));
		return err;
	}
	agent->socket = steal_fd(&fd);
	return 0;
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

/* A listener that was kept, and the state that was kept under the same name. */
static void resume(struct agent *agent, int listener, const char *names, long count, long which)
{
	struct agent_container *container;
	char name[32], other[32];
	int state = -1;

	name_of(names, which, name);
	for (long i = 0; i < count && state < 0; i++) {
		name_of(names, i, other);
		if (i != which && !strcmp(name, other) &&
		    fcntl(FIRST_FD + (int)i, F_GET_SEALS) & F_SEAL_WRITE)
			state = FIRST_FD + (int)i;
	}
	if (state < 0) {
		complain("agent: no state was kept for the listener '%s'", name);
		close(listener);
		return;
	}
	container = agent_container_new(read_state(state), listener, true);
	if (!container)
		return;
	snprintf(container->kept, sizeof(container->kept), "%s", name);
	container->next = agent->containers;
	agent->containers = container;
}

int agent_inherit(struct agent *agent)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES");
	long count = fds ? strtol(fds, NULL, 10) : 0;

	if (!pid || strtol(pid, NULL, 10) != getpid())
		count = 0;
	for (long i = 0; i < count; i++)
		if (fcntl(FIRST_FD + (int)i, F_SETFD, FD_CLOEXEC)) {
			complain("agent: descriptor %ld of the service manager is not there",
				 FIRST_FD + i);
			return -EBADF;
		}
	for (long i = 0; i < count; i++) {
		int fd = FIRST_FD + (int)i;

		if (is_listening(fd) && agent->socket < 0) {
			agent->socket = fd;
			fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
		} else if (agent_is_listener(fd)) {
			resume(agent, fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD), names, count, i);
		}
	}
	for (long i = 0; i < count; i++)
		if (FIRST_FD + (int)i != agent->socket)
			close(FIRST_FD + (int)i);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return 0;
}
