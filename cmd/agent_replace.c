/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One agent takes another one's place, without a service manager: the new one
 * connects to the socket and asks; the old one has what was received answered, and
 * sends its socket and its listeners.  Each is a part: the length of a text, the
 * text, a descriptor.  The text of the socket is "socket", that of a listener what
 * the runtime sent and the agent knows; "end" comes last.  The old one goes on where the new one
 * does not say that it has all of it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent.h"
#include "cleanup.h"
#include "command.h"

static const char taken[] = "taken";

/* Containers wait for as long as the new one takes. */
#define ANSWER_SECONDS 10

static int send_all(int to, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = send(to, at, len, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return -errno;
		at += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* The descriptor goes with the length. */
static int send_part(int to, const char *text, int fd)
{
	uint32_t len = (uint32_t)strlen(text);
	struct iovec iov = { &len, sizeof(len) };
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (fd >= 0) {
		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	if (sendmsg(to, &message, MSG_NOSIGNAL) != sizeof(len))
		return -EPIPE;
	return send_all(to, text, len);
}

static int receive_all(int from, void *data, size_t len)
{
	char *at = data;

	while (len) {
		ssize_t n = recv(from, at, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EPIPE;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/* *text is the caller's; *fd too, -1 where none came. */
static int receive_part(int from, char **text, int *fd)
{
	uint32_t len;
	struct iovec iov = { &len, sizeof(len) };
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	int err;

	*fd = -1;
	*text = NULL;
	if (recvmsg(from, &message, MSG_CMSG_CLOEXEC | MSG_WAITALL) != sizeof(len))
		return -EPIPE;
	if (message.msg_flags & MSG_CTRUNC)
		return -EMFILE;
	c = CMSG_FIRSTHDR(&message);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(c), sizeof(int));
	if (len > AGENT_STATE_MAX)
		return -EMSGSIZE;
	*text = malloc(len + 1);
	if (!*text)
		return -ENOMEM;
	err = receive_all(from, *text, len);
	(*text)[err ? 0 : len] = '\0';
	return err;
}

/* Is it ours, or root's? */
static bool may_ask(int connection)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return !getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &len) &&
	       (!peer.uid || peer.uid == geteuid());
}

static int send_everything(const struct agent *agent, int connection)
{
	char answer[sizeof(taken)];
	int err = send_part(connection, "socket", agent->socket);

	for (const struct agent_container *c = agent->containers; !err && c; c = c->next)
		err = send_part(connection, c->text, c->listener);
	if (!err)
		err = send_part(connection, "end", -1);
	if (!err)
		err = receive_all(connection, answer, sizeof(answer));
	return err;
}

bool agent_hand_over(struct agent *agent, int connection)
{
	const struct timeval limit = { .tv_sec = ANSWER_SECONDS };
	struct agent_container *stopped;

	setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (!may_ask(connection)) {
		complain("agent: somebody else asked for what this agent serves");
		return false;
	}
	agent_stop_all(agent);
	if (!send_everything(agent, connection))
		return true;
	complain("agent: who asked to take this agent's place has gone; it goes on");
	stopped = agent->containers;
	agent->containers = NULL;
	agent_resume(agent, stopped);
	return false;
}

static int take_part(struct agent *agent, char *text, int fd)
{
	struct agent_container *container;

	if (agent->socket < 0) {
		free(text);
		agent->socket = fd;
		return fd < 0 ? -EPROTO : 0;
	}
	container = agent_container_new(text, fd, true);
	if (!container)
		return -EPROTO;
	container->next = agent->containers;
	agent->containers = container;
	/* It was served: it stays with who knows its policy. */
	if (agent_find_policy(&agent->options, container->metadata))
		return 0;
	complain("agent: container %s: no policy is called '%s'", container->id,
		 container->metadata ? container->metadata : "");
	return -EINVAL;
}

static int take_everything(struct agent *agent, int connection)
{
	int err = send_all(connection, AGENT_REQUEST, strlen(AGENT_REQUEST));

	while (!err) {
		char *text;
		int fd;

		err = receive_part(connection, &text, &fd);
		if (!err && fd < 0 && !strcmp(text, "end")) {
			free(text);
			return send_all(connection, taken, sizeof(taken));
		}
		if (!err) {
			err = take_part(agent, text, fd);
			continue;
		}
		cleanup_close(&fd);
		free(text);
	}
	return err;
}

int agent_take_over(struct agent *agent)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int err;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", agent->options.socket);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address))) {
		err = -errno;
		if (err == -ENOENT || err == -ECONNREFUSED)
			return -ENOENT;
	} else {
		err = take_everything(agent, fd);
	}
	if (err)
		complain("agent: cannot take the place of the agent at '%s': %s",
			 agent->options.socket, strerror(-err));
	return err;
}
