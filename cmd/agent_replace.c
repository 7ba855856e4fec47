/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One agent takes another one's place, without a service manager: the new one
 * connects to the socket and asks; the old one has what was received answered, and
 * sends its socket and its listeners.  Each is a part: the length of a text, the
 * text, a descriptor.  The text of the socket is "socket", that of a listener what
 * the runtime sent and the agent knows; "end" comes last.  The old one goes on where the
 * new one does not say that it has all of it.
 *
 * Neither waits for the other one without a limit.  The old one may hear runtimes out
 * first (agent_loop.c), and lets those that serve come to an end; then containers wait
 * for as long as the new one takes.  The new one waits for all of these together.
 */
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent.h"
#include "bytes.h"
#include "cleanup.h"
#include "command.h"

static const char taken[] = "taken";

#define STOP_MS 5000
#define ANSWER_MS 4000
#define TAKE_OVER_SECONDS 20
static_assert(AGENT_HEAR_OUT_MS + STOP_MS + ANSWER_MS < TAKE_OVER_SECONDS * 1000,
	      "the old one gives up first");

/* The descriptor goes with the length. */
static int send_part(const struct bytes_way *to, const char *text, int fd)
{
	uint32_t len = (uint32_t)strlen(text);
	struct iovec iov = { &len, sizeof(len) };
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;
	ssize_t n;
	int err;

	if (fd >= 0) {
		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	while ((n = sendmsg(to->sock, &message, MSG_NOSIGNAL | MSG_DONTWAIT)) < 0 &&
	       errno == EAGAIN) {
		err = bytes_wait(to->sock, POLLOUT, to->until);
		if (err)
			return err;
	}
	return n != sizeof(len) ? -EPIPE : bytes_write(to, text, len);
}

/* A part begins with its length, or the beginning of that, and its descriptor. */
static ssize_t receive_length(const struct bytes_way *from, uint32_t *len, int *fd)
{
	struct iovec iov = { len, sizeof(*len) };
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	ssize_t n = bytes_wait(from->sock, POLLIN, from->until);

	if (n)
		return n;
	n = recvmsg(from->sock, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n <= 0)
		return n ? -errno : -EPIPE;
	c = CMSG_FIRSTHDR(&message);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(c), sizeof(int));
	return message.msg_flags & MSG_CTRUNC ? -EMFILE : n;
}

/* *text is the caller's; *fd too, -1 where none came. */
static int receive_part(const struct bytes_way *from, char **text, int *fd)
{
	uint32_t len;
	ssize_t n;
	int err;

	*fd = -1;
	*text = NULL;
	n = receive_length(from, &len, fd);
	if (n < 0)
		return (int)n;
	err = bytes_read(from, (char *)&len + n, sizeof(len) - (size_t)n);
	if (err)
		return err;
	if (len > AGENT_STATE_MAX)
		return -EPROTO;
	*text = malloc(len + 1);
	if (!*text)
		return -ENOMEM;
	err = bytes_read(from, *text, len);
	(*text)[err ? 0 : len] = '\0';
	return err;
}

/* Is the other end ours, or root's? */
static bool is_trusted(int connection)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return !getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &len) &&
	       (!peer.uid || peer.uid == geteuid());
}

static int send_everything(const struct agent *agent, const struct bytes_way *to)
{
	int err = send_part(to, "socket", agent->socket);

	for (const struct agent_container *c = agent->containers; !err && c; c = c->next)
		err = send_part(to, c->text, c->listener);
	return err ? err : send_part(to, "end", -1);
}

/*
 * Who has said this serves from then on.  It cannot any more once the connection is shut
 * down, so that it is either heard, or has failed to say it.
 */
static bool has_taken(const struct bytes_way *from)
{
	char answer[sizeof(taken)] = "";

	bytes_wait(from->sock, POLLIN, from->until);
	shutdown(from->sock, SHUT_RDWR);
	return recv(from->sock, answer, sizeof(answer), MSG_DONTWAIT) == sizeof(answer) &&
	       !memcmp(answer, taken, sizeof(taken));
}

bool agent_hand_over(struct agent *agent, int connection)
{
	struct bytes_way to = { .sock = connection, .peer = -1 };
	struct agent_container *containers;

	if (!is_trusted(connection)) {
		complain("agent: somebody else asked for what this agent serves");
		return false;
	}
	if (agent_stop_all(agent, bytes_now() + STOP_MS)) {
		to.until = bytes_now() + ANSWER_MS;
		if (!send_everything(agent, &to) && has_taken(&to))
			return true;
		complain("agent: who asked to take this agent's place has gone; it goes on");
	} else {
		complain(
			"agent: a container's process does not come to an end: it is not handed over, and this agent goes on");
	}
	containers = agent->containers;
	agent->containers = NULL;
	agent_resume(agent, containers);
	return false;
}

static int take_part(struct agent *agent, char *text, int fd)
{
	struct agent_container *container;

	if (agent->socket < 0) {
		bool is_socket = fd >= 0 && !strcmp(text, "socket") && agent_is_listening(fd);

		free(text);
		agent->socket = fd;
		return is_socket ? agent_listen_on(fd) : -EPROTO;
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

static int take_everything(struct agent *agent, const struct bytes_way *from)
{
	int err = bytes_write(from, AGENT_REQUEST, strlen(AGENT_REQUEST));

	while (!err) {
		char *text;
		int fd;

		err = receive_part(from, &text, &fd);
		if (!err && agent->socket >= 0 && fd < 0 && !strcmp(text, "end")) {
			free(text);
			return bytes_write(from, taken, sizeof(taken));
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

/* A queue that is full is waited for by connect(2) itself. */
static int connect_to(const struct agent *agent, int fd)
{
	const struct timeval limit = { .tv_sec = TAKE_OVER_SECONDS };
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", agent->options.socket);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)))
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		return errno == ECONNREFUSED ? -ENOENT : errno == EAGAIN ? -ETIMEDOUT : -errno;
	return is_trusted(fd) ? 0 : -EPERM;
}

static void say_why(const char *path, int err)
{
	static const char cannot[] = "agent: cannot take the place of the agent at";

	if (err == -ETIMEDOUT)
		complain(
			"%s '%s': nothing is handed over within %d seconds; what it serves stays with it: try again, or end who listens there",
			cannot, path, TAKE_OVER_SECONDS);
	else if (err == -EPIPE || err == -ECONNRESET)
		complain(
			"%s '%s': it has hung up (an agent says why); what it serves stays with it",
			cannot, path);
	else if (err == -EPROTO)
		complain("%s '%s': who listens there is no agent of pointsman", cannot, path);
	else if (err == -EPERM)
		complain("%s '%s': who listens there is neither root nor this user", cannot, path);
	else
		complain("%s '%s': %s", cannot, path, strerror(-err));
}

int agent_take_over(struct agent *agent)
{
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct bytes_way from = { .sock = fd, .peer = -1,
				  .until = bytes_now() + TAKE_OVER_SECONDS * INT64_C(1000) };
	int err = connect_to(agent, fd);

	if (err == -ENOENT)
		return err;
	if (!err)
		err = take_everything(agent, &from);
	if (err)
		say_why(agent->options.socket, err);
	return err;
}
