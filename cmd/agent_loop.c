/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Told to end, or asked to hand over, the agent first hears those out who have
 * connected: a runtime that has sent its listener has none any more, and whoever
 * connects later finds who listens next.  Only then are the processes stopped that
 * serve, so that no container waits for a runtime that is slow.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"
#include "bytes.h"
#include "cleanup.h"
#include "command.h"
#include "fork.h"

/* Runtimes that have connected and not said everything: more are not listened to. */
#define CONNECTIONS 64
/* Descriptors that one of them takes: its own, the listener, the state, and one in between. */
#define DESCRIPTORS 4
static void start(struct agent *agent, struct agent_container *container, const char *event)
{
	container->server = fork_steady(0);
	if (!container->server)
		agent_serve(agent, container, event);
	if (container->server < 0) {
		complain("agent: container %s: no process for it: %s", container->id,
			 strerror(errno));
		container->server = 0;
	}
}

/* What nobody serves is let go of: the kernel then does what it does without a listener. */
static void drop(struct agent *agent, struct agent_container *container)
{
	struct agent_container **at = &agent->containers;

	while (*at != container)
		at = &(*at)->next;
	*at = container->next;
	agent->full = false;
	manager_forget(container->kept);
	agent_container_free(container);
}

static void serve(struct agent *agent, struct agent_container *container, const char *event)
{
	bool known = !agent_know(agent, container);

	container->policy = agent_find_policy(&agent->options, container->metadata);
	if (known && container->policy) {
		if (!container->kept[0])
			manager_keep(container);
		start(agent, container, event);
	} else if (known && container->metadata) {
		complain("agent: container %s: no policy is called '%s'", container->id,
			 container->metadata);
	} else if (known) {
		complain("agent: container %s: no listenerMetadata says which policy", container->id);
	}
	if (!container->server)
		drop(agent, container);
}

static void add(struct agent *agent, struct agent_container *container)
{
	container->next = agent->containers;
	agent->containers = container;
}

void agent_add(struct agent *agent, struct agent_container *container, const char *event)
{
	add(agent, container);
	serve(agent, container, event);
}

/* All are there before the first is served: it may need to know another one. */
void agent_resume(struct agent *agent, struct agent_container *containers)
{
	struct agent_container *next;

	for (; containers; containers = next) {
		next = containers->next;
		add(agent, containers);
	}
	for (containers = agent->containers; containers; containers = next) {
		next = containers->next;
		if (!containers->server)
			serve(agent, containers, "resume");
	}
}

/* For all that has connected, and one more.  What has no room is lost when it is received. */
static bool has_room(const struct agent *agent)
{
	int fds[(CONNECTIONS + 1) * DESCRIPTORS];
	size_t n = 0, want = (agent->nconnections + 1) * DESCRIPTORS;
	bool room;

	while (n < want && (fds[n] = fcntl(agent->socket, F_DUPFD_CLOEXEC, 0)) >= 0)
		n++;
	room = n == want;
	while (n)
		close(fds[--n]);
	return room;
}

/* False: nobody waits, or there is no room. */
static bool accept_one(struct agent *agent)
{
	int fd;

	agent->full = !has_room(agent);
	if (agent->full)
		complain("agent: too many descriptors are open: runtimes wait until a container has ended");
	fd = agent->full ? -1 : accept4(agent->socket, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return false;
	agent->connections[agent->nconnections++] = (struct agent_connection){ .fd = fd };
	return true;
}

static void remove_connection(struct agent *agent, size_t i)
{
	agent->full = false;
	agent_connection_clear(&agent->connections[i]);
	agent->connections[i] = agent->connections[--agent->nconnections];
}

static bool is_ending(const struct agent *agent)
{
	return agent->told || agent->successor >= 0;
}

/* One at a time: who comes second waits for who listens then. */
static void hear_out_for(struct agent *agent, struct agent_connection *successor)
{
	if (!is_ending(agent))
		agent->heard_out = bytes_now() + AGENT_HEAR_OUT_MS;
	if (agent->successor < 0)
		agent->successor = steal_fd(&successor->fd);
	else
		agent_put_off(successor->fd);
}

static void receive(struct agent *agent, size_t i)
{
	struct agent_connection *connection = &agent->connections[i];
	struct agent_container *container;
	int got = agent_receive(connection);

	if (!got)
		return;
	if (got < 0) {
		if (got != -ENODATA)
			complain("agent: a runtime's message cannot be read: %s", strerror(-got));
	} else if (agent_is_request(connection)) {
		hear_out_for(agent, connection);
	} else {
		container = agent_container_of(connection);
		if (container)
			agent_add(agent, container, "begin");
	}
	remove_connection(agent, i);
}

static void tell_end(struct agent_container *container, int status)
{
	if (WIFSIGNALED(status))
		complain("agent: container %s: its process was killed by signal %d; its listener is closed",
			 container->id, WTERMSIG(status));
	else if (WEXITSTATUS(status) != AGENT_OVER && WEXITSTATUS(status) != AGENT_STOPPED)
		complain("agent: container %s: its process has failed; its listener is closed",
			 container->id);
}

/*
 * Who has ended.  With keep, those that have stopped are kept, to be served by somebody
 * else.  Without, a stranger told them to, or they were late: they are served on.
 */
static void reap(struct agent *agent, bool keep)
{
	struct agent_container *container;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (container = agent->containers; container; container = container->next)
			if (container->server == pid)
				break;
		if (!container)
			continue;
		container->server = 0;
		tell_end(container, status);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != AGENT_STOPPED)
			drop(agent, container);
		else if (!keep)
			serve(agent, container, "resume");
	}
}

static bool any_served(const struct agent *agent)
{
	const struct agent_container *container = agent->containers;

	while (container && !container->server)
		container = container->next;
	return container;
}

bool agent_stop_all(struct agent *agent, int64_t until)
{
	struct signalfd_siginfo info;

	for (struct agent_container *c = agent->containers; c; c = c->next)
		if (c->server)
			kill(c->server, SIGTERM);
	for (reap(agent, true); any_served(agent); reap(agent, true)) {
		if (bytes_wait(agent->signals, POLLIN, until))
			return false;
		if (read(agent->signals, &info, sizeof(info)) == sizeof(info) &&
		    info.ssi_signo != SIGCHLD)
			agent->told = true;
	}
	return true;
}

static void take_signal(struct agent *agent)
{
	struct signalfd_siginfo info;

	if (read(agent->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGCHLD) {
		reap(agent, false);
		return;
	}
	/* Told twice, it waits for no runtime. */
	agent->heard_out = bytes_now() + (agent->told ? 0 : AGENT_HEAR_OUT_MS);
	if (agent->told)
		return;
	/* Who has connected by now may be who takes our place. */
	while (!is_ending(agent) && agent->nconnections < CONNECTIONS && accept_one(agent))
		;
	manager_tell("STOPPING=1");
	agent->told = true;
}

static void finish(struct agent *agent)
{
	auto_close int successor = steal_fd(&agent->successor);

	while (agent->nconnections) {
		complain("agent: a runtime has not said everything, and is not waited for");
		remove_connection(agent, agent->nconnections - 1);
	}
	if (successor >= 0)
		agent->ends = agent_hand_over(agent, successor);
	if (agent->ends || !agent->told)
		return;
	agent_stop_all(agent, INT64_MAX);
	agent->ends = true;
}

static void signals_heard(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
}

void agent_block_signals(sigset_t *before)
{
	sigset_t set;

	signals_heard(&set);
	sigprocmask(SIG_BLOCK, &set, before);
}

static int prepare(struct agent *agent)
{
	struct agent_container *kept = agent->containers;
	sigset_t set;

	/* Nobody has to read what is complained of. */
	signal(SIGPIPE, SIG_IGN);
	agent_block_signals(NULL);
	signals_heard(&set);
	agent->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	agent->connections = calloc(CONNECTIONS, sizeof(*agent->connections));
	if (agent->signals < 0 || !agent->connections) {
		complain("agent: %s", strerror(errno));
		return -ENOMEM;
	}
	agent->containers = NULL;
	agent_resume(agent, kept);
	return 0;
}

static int time_left(const struct agent *agent)
{
	int64_t left = agent->heard_out - bytes_now();

	if (!is_ending(agent))
		return -1;
	return left > 0 ? (int)left : 0;
}

static void once(struct agent *agent)
{
	bool listens = !is_ending(agent) && !agent->full && agent->nconnections < CONNECTIONS;
	struct pollfd any[CONNECTIONS + 2] = {
		{ .fd = agent->signals, .events = POLLIN },
		{ .fd = listens ? agent->socket : -1, .events = POLLIN },
	};
	size_t n = agent->nconnections;

	for (size_t i = 0; i < n; i++)
		any[i + 2] = (struct pollfd){ .fd = agent->connections[i].fd, .events = POLLIN };
	if (poll(any, n + 2, time_left(agent)) < 0)
		return;
	/* From the last on, since one that is done is replaced by the last. */
	for (size_t i = n; i-- > 0;)
		if (any[i + 2].revents)
			receive(agent, i);
	if (any[1].revents)
		accept_one(agent);
	if (any[0].revents)
		take_signal(agent);
	if (is_ending(agent) && (!agent->nconnections || !time_left(agent)))
		finish(agent);
}

int agent_loop(struct agent *agent)
{
	int status = EXIT_POINTSMAN;

	if (!prepare(agent)) {
		manager_tell("READY=1");
		while (!agent->ends)
			once(agent);
		status = EXIT_SUCCESS;
	}
	free(agent->connections);
	return status;
}
