/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A runtime connects, sends the container process state of the OCI runtime
 * specification (config-linux.md, "The Container Process State") as one JSON
 * object with descriptors beside it, and closes.  "fds" names the descriptors, in
 * their order; that called "seccompFd" is the listener.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent.h"
#include "cleanup.h"
#include "command.h"

#define LISTENER_NAME "seccompFd"

/* The descriptors of a message; those that there is no room for are closed. */
static void take_descriptors(struct agent_connection *connection, struct msghdr *message)
{
	const size_t room = sizeof(connection->fds) / sizeof(connection->fds[0]);
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (connection->nfds < room)
				connection->fds[connection->nfds++] = fd;
			else
				close(fd);
		}
	}
}

/* Is the text a whole JSON value?  1, 0, or -EINVAL. */
static int is_whole(const struct agent_connection *connection)
{
	struct json_tokener *tokener = json_tokener_new();
	enum json_tokener_error error;

	if (!tokener)
		return -ENOMEM;
	json_object_put(json_tokener_parse_ex(tokener, connection->text, (int)connection->len));
	error = json_tokener_get_error(tokener);
	json_tokener_free(tokener);
	return error == json_tokener_success ? 1 : error == json_tokener_continue ? 0 : -EINVAL;
}

int agent_receive(struct agent_connection *connection)
{
	char control[CMSG_SPACE(sizeof(connection->fds))];
	struct iovec text;
	struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };
	ssize_t len;

	if (!connection->text)
		connection->text = malloc(AGENT_TEXT_MAX + 1);
	if (!connection->text)
		return -ENOMEM;
	text = (struct iovec){ connection->text + connection->len,
			       AGENT_TEXT_MAX - connection->len };
	len = recvmsg(connection->fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (len < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	take_descriptors(connection, &message);
	if (message.msg_flags & MSG_CTRUNC)
		return connection->nfds < sizeof(connection->fds) / sizeof(connection->fds[0]) ?
			       -EMFILE : -EMSGSIZE;
	connection->len += (size_t)len;
	connection->text[connection->len] = '\0';
	if (!len)
		return connection->len ? -EPROTO : -ENODATA;
	if (connection->len == AGENT_TEXT_MAX)
		return -EMSGSIZE;
	return is_whole(connection);
}

void agent_connection_clear(struct agent_connection *connection)
{
	cleanup_close(&connection->fd);
	for (size_t i = 0; i < connection->nfds; i++)
		close(connection->fds[i]);
	free(connection->text);
	*connection = (struct agent_connection){ .fd = -1 };
}

bool agent_is_request(const struct agent_connection *connection)
{
	return connection->len == strlen(AGENT_REQUEST) &&
	       !memcmp(connection->text, AGENT_REQUEST, connection->len);
}

bool agent_is_listener(int fd)
{
	static const char is[] = "anon_inode:seccomp notify";
	char path[32], text[sizeof(is)];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = readlink(path, text, sizeof(text));
	return len == (ssize_t)sizeof(is) - 1 && !memcmp(text, is, sizeof(is) - 1);
}

void agent_container_free(struct agent_container *container)
{
	cleanup_close(&container->listener);
	cleanup_close(&container->state);
	free(container->text);
	free(container->id);
	free(container->bundle);
	free(container->metadata);
	free(container->profile);
	free(container);
}

/* A copy of a member that is a string; NULL where there is none. */
static char *text_of(json_object *object, const char *name)
{
	json_object *member;

	if (!json_object_object_get_ex(object, name, &member) ||
	    !json_object_is_type(member, json_type_string))
		return NULL;
	return strdup(json_object_get_string(member));
}

/* What is wrong with it, or NULL. */
static const char *read_state(struct agent_container *container, json_object *message)
{
	auto_free char *status = NULL;
	json_object *state, *pid;

	if (!json_object_is_type(message, json_type_object))
		return "it is no JSON object";
	if (!json_object_object_get_ex(message, "state", &state) ||
	    !json_object_is_type(state, json_type_object))
		return "it has no state";
	container->id = text_of(state, "id");
	container->bundle = text_of(state, "bundle");
	container->metadata = text_of(message, "metadata");
	if (!container->id || !container->id[0])
		return "its state has no id";
	if (!json_object_object_get_ex(message, "pid", &pid) ||
	    !json_object_is_type(pid, json_type_int) || json_object_get_int(pid) < 0)
		return "it has no pid";
	container->pid = json_object_get_int(pid);
	container->named = container->pid;
	status = text_of(state, "status");
	container->runs = status && !strcmp(status, "running");
	return NULL;
}

/* What write_down() of agent_state.c wrote. */
static void read_ours(struct agent_container *container, json_object *message)
{
	json_object *ours, *member;

	if (!json_object_object_get_ex(message, AGENT_MEMBER, &ours))
		return;
	if (json_object_object_get_ex(ours, "pid", &member) && json_object_get_int(member) > 0)
		container->pid = json_object_get_int(member);
	if (json_object_object_get_ex(ours, "started", &member))
		container->started = json_object_get_uint64(member);
	free(container->bundle);
	container->bundle = text_of(ours, "bundle");
	container->profile = text_of(ours, "profile");
	container->named = true;
}

struct agent_container *agent_container_new(char *text, int listener, bool ours)
{
	struct agent_container *container = calloc(1, sizeof(*container));
	json_object *message;
	const char *wrong;

	if (!container || !text) {
		complain("agent: %s", strerror(ENOMEM));
		if (listener >= 0)
			close(listener);
		free(text);
		free(container);
		return NULL;
	}
	container->text = text;
	container->listener = listener;
	container->state = -1;
	message = json_tokener_parse(text);
	wrong = read_state(container, message);
	if (!wrong && ours)
		read_ours(container, message);
	json_object_put(message);
	if (!wrong && listener < 0)
		wrong = "it brings no descriptor called " LISTENER_NAME;
	if (!wrong && !agent_is_listener(listener))
		wrong = "its " LISTENER_NAME " is no listener of seccomp";
	if (!wrong)
		return container;
	complain("agent: a container process state is refused: %s", wrong);
	agent_container_free(container);
	return NULL;
}

/* Which of the descriptors is the listener?  Its index, or -1. */
static int listener_index(const char *text)
{
	json_object *message = json_tokener_parse(text), *names;
	int index = -1;

	if (json_object_object_get_ex(message, "fds", &names) &&
	    json_object_is_type(names, json_type_array))
		for (size_t i = 0; i < json_object_array_length(names) && index < 0; i++) {
			const char *name =
				json_object_get_string(json_object_array_get_idx(names, i));

			if (name && !strcmp(name, LISTENER_NAME))
				index = (int)i;
		}
	json_object_put(message);
	return index;
}

struct agent_container *agent_container_of(struct agent_connection *connection)
{
	char *text = connection->text;
	int index = listener_index(text), listener = -1;

	if (index >= 0 && (size_t)index < connection->nfds)
		listener = steal_fd(&connection->fds[index]);
	if (listener >= 0)
		connection->fds[index] = connection->fds[--connection->nfds];
	connection->text = NULL;
	agent_connection_clear(connection);
	return agent_container_new(text, listener, false);
}
