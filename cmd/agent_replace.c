/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One agent takes another one's place, without a service manager: the new one
 * connects to the socket and asks; the old one has what was received answered, and
 * sends its socket and its listeners.  Each is a part: the length of a text, the
 * text, a descriptor.  The text of the socket is "socket", that of a listener what
 * the runtime sent and the agent knows; "end" comes last.  The old one goes on where the
 * new one does not say that it has all of it.
 *
 * Of several new ones at once each has its turn.  Who comes second is told "again": it
 * connects again, and waits in the queue of the socket for who listens there then, the
 * first one or the old one.  Who is told "kept" gets nothing.  Who is told nothing and hung
 * up on finds out whether the other end has died: then nobody serves what has come but the
 * new one, and where nothing has come it looks who listens now.
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
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent.h"
#include "bytes.h"
#include "cleanup.h"
#include "command.h"

static const char taken[] = "taken", again[] = "again", kept[] = "kept";

#define STOP_MS 5000
#define ANSWER_MS 4000
static_assert(AGENT_HEAR_OUT_MS + STOP_MS + ANSWER_MS < AGENT_TAKE_OVER_MS,
	      "the old one gives up first");

/* Who is asked. Owner: ask(). */
struct asked {
	struct bytes_way way;
	int process;	/* a pidfd of who listened, then of who sends; -1: not known */
	bool gone;	/* who sent had ended when the first part was read */
};

/* Owner: take_everything(). */
struct part {
	char *text;
	int fd;		/* or -1 */
	pid_t sender;	/* or 0: not known */
};

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

/* The first of the descriptors; no more than one is sent. */
static int take_descriptor(const struct cmsghdr *c)
{
	size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	int fd = -1;

	while (n--) {
		cleanup_close(&fd);
		memcpy(&fd, CMSG_DATA(c) + n * sizeof(int), sizeof(int));
	}
	return fd;
}

/* A part begins with its length, or the beginning of that, and its descriptor. */
static ssize_t receive_length(const struct bytes_way *from, uint32_t *len, struct part *part)
{
	struct iovec iov = { len, sizeof(*len) };
	char control[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct ucred sender;
	struct cmsghdr *c;
	ssize_t n = bytes_wait(from->sock, POLLIN, from->until);

	if (n)
		return n;
	n = recvmsg(from->sock, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n <= 0)
		return n ? -errno : -EPIPE;
	for (c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_RIGHTS)
			part->fd = take_descriptor(c);
		if (c->cmsg_type != SCM_CREDENTIALS)
			continue;
		memcpy(&sender, CMSG_DATA(c), sizeof(sender));
		part->sender = sender.pid;
	}
	return message.msg_flags & MSG_CTRUNC ? -EMFILE : n;
}

/* The text is the caller's, and so is the descriptor, also where it fails. */
static int receive_part(const struct bytes_way *from, struct part *part)
{
	uint32_t len;
	ssize_t n;
	int err;

	*part = (struct part){ .fd = -1 };
	n = receive_length(from, &len, part);
	if (n < 0)
		return (int)n;
	err = bytes_read(from, (char *)&len + n, sizeof(len) - (size_t)n);
	if (err)
		return err;
	if (len > AGENT_STATE_MAX)
		return -EPROTO;
	part->text = malloc(len + 1);
	if (!part->text)
		return -ENOMEM;
	err = bytes_read(from, part->text, len);
	part->text[err ? 0 : len] = '\0';
	return err;
}

/* Is the other end ours, or root's?  *pid is its process, where that can be told. */
static bool is_trusted(int connection, pid_t *pid)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	*pid = 0;
	if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &len) ||
	    (peer.uid && peer.uid != geteuid()))
		return false;
	*pid = peer.pid;
	return true;
}

/* Why it gets nothing.  Nothing was sent before: there is room, or it is gone. */
static void send_word(int connection, const char *word)
{
	const struct bytes_way to = { .sock = connection, .peer = -1, .until = bytes_now() };

	send_part(&to, word, -1);
}

void agent_put_off(int connection)
{
	send_word(connection, again);
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
	pid_t who;

	if (!is_trusted(connection, &who)) {
		complain("agent: somebody else asked for what this agent serves");
		send_word(connection, kept);
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
		send_word(connection, kept);
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
		return is_socket ? 0 : -EPROTO;
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

/*
 * We serve from then on: who tells us to end is heard by agent_loop(), so that what is
 * served comes to its end, or goes to who waits for it.
 */
static int say_taken(const struct bytes_way *to)
{
	sigset_t before;
	int err;

	agent_block_signals(&before);
	err = bytes_write(to, taken, sizeof(taken));
	if (err)
		sigprocmask(SIG_SETMASK, &before, NULL);
	return err;
}

static void know_process(struct asked *asked, pid_t pid)
{
	cleanup_close(&asked->process);
	asked->process = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
}

/* The first part.  Who connected while one listened may be answered by the next one. */
static int begin(struct asked *asked, const struct part *part)
{
	if (part->fd < 0 && !strcmp(part->text, again))
		return -EALREADY;
	if (part->fd < 0 && !strcmp(part->text, kept))
		return -EBUSY;
	know_process(asked, part->sender);
	asked->gone = part->sender > 0 && asked->process < 0 && errno == ESRCH;
	return 0;
}

static int take_everything(struct agent *agent, struct asked *asked)
{
	int err = bytes_write(&asked->way, AGENT_REQUEST, strlen(AGENT_REQUEST));

	while (!err) {
		struct part part;

		err = receive_part(&asked->way, &part);
		if (!err && agent->socket < 0)
			err = begin(asked, &part);
		if (!err && agent->socket >= 0 && part.fd < 0 && !strcmp(part.text, "end")) {
			free(part.text);
			return say_taken(&asked->way);
		}
		if (!err) {
			err = take_part(agent, part.text, part.fd);
			continue;
		}
		cleanup_close(&part.fd);
		free(part.text);
	}
	return err;
}

/* A queue that is full is waited for by connect(2) itself. */
static int connect_to(const struct agent *agent, struct asked *asked)
{
	const int64_t left = asked->way.until - bytes_now();
	const struct timeval limit = { .tv_sec = left / 1000, .tv_usec = left % 1000 * 1000 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int yes = 1, fd = asked->way.sock;
	pid_t who;

	/* No time at all would be no limit. */
	if (left <= 0)
		return -ETIMEDOUT;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", agent->options.socket);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)))
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		return errno == ECONNREFUSED ? -ENOENT : errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)))
		return -errno;
	if (!is_trusted(fd, &who))
		return -EPERM;
	know_process(asked, who);
	return 0;
}

/*
 * Has who hung up died?  A process has closed its sockets a moment before it has ended;
 * and an agent that has been told to end has hung up before.
 */
static bool has_ended(const struct asked *asked)
{
	if (asked->gone)
		return true;
	return asked->process >= 0 && !bytes_wait(asked->process, POLLIN, asked->way.until);
}

static bool is_hung_up(int err)
{
	return err == -EPIPE || err == -ECONNRESET;
}

/* As agent_take_over(), and -EALREADY: who listens is to be asked again. */
static int ask(struct agent *agent, int64_t until)
{
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct asked asked = { .way = { .sock = fd, .peer = -1, .until = until }, .process = -1 };
	int err = connect_to(agent, &asked);

	if (!err)
		err = take_everything(agent, &asked);
	if (is_hung_up(err) && has_ended(&asked)) {
		err = agent->socket < 0 ? -EALREADY : 0;
		if (!err)
			complain(
				"agent: the agent at '%s' has died while it handed over: what it had sent by then is served",
				agent->options.socket);
	}
	cleanup_close(&asked.process);
	return err;
}

static void say_why(const char *path, int err)
{
	static const char cannot[] = "agent: cannot take the place of the agent at";

	if (err == -ETIMEDOUT)
		complain(
			"%s '%s': nothing is handed over within %d seconds; what it serves stays with it: try again, or end who listens there",
			cannot, path, AGENT_TAKE_OVER_MS / 1000);
	else if (err == -EBUSY)
		complain("%s '%s': it goes on, and says why; what it serves stays with it", cannot,
			 path);
	else if (is_hung_up(err))
		complain("%s '%s': it has hung up; what it serves stays with it", cannot, path);
	else if (err == -EPROTO)
		complain("%s '%s': who listens there is no agent of pointsman", cannot, path);
	else if (err == -EPERM)
		complain("%s '%s': who listens there is neither root nor this user", cannot, path);
	else
		complain("%s '%s': %s", cannot, path, strerror(-err));
}

int agent_take_over(struct agent *agent, int64_t until)
{
	int err;

	do
		err = ask(agent, until);
	while (err == -EALREADY);
	/* Not before it is ours: the old one may go on.  It listens in any case. */
	if (!err)
		agent_listen_on(agent->socket);
	else if (err != -ENOENT)
		say_why(agent->options.socket, err);
	return err;
}
