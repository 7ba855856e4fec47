// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Runs the command and carries its streams.  They are pipes (or one terminal),
 * never the port itself: a program may open /dev/stderr again, or look whether a
 * stream is a pipe.  When the command ends, all its descendants are killed; then
 * what the streams still hold is sent.
 */

#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* init's ends of the command's streams; -1 where closed. */
struct relay {
	int in, out, err;
	bool in_ended; /* the host has no more input */
	uint8_t pending[FRAME_MAX]; /* input that the pipe had no room for */
	size_t pending_at, pending_size;
	pid_t command;
	int status;
	bool done;
};

static void pipe_must(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC) < 0)
		fail("pipe: %s", strerror(errno));
}

__attribute__((noreturn)) static void command_exec(const struct spec *spec)
{
	const char *name = spec->args[0];
	sigset_t none;
	int error;

	/* The shell's PATH rules are those of the passed environment. */
	environ = spec->env;
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (chdir(spec->cwd) < 0) {
		dprintf(STDERR_FILENO, "vm: %s: %s\n", spec->cwd, strerror(errno));
		_exit(126);
	}
	execvp(name, spec->args);
	error = errno;
	dprintf(STDERR_FILENO, "vm: %s: %s\n", name, strerror(error));
	_exit(error == ENOENT || error == ENOTDIR ? 127 : 126);
}

static void stream_install(int fd, int at)
{
	if (dup2(fd, at) < 0)
		_exit(126);
}

static void start_with_pipes(struct relay *relay, const struct spec *spec)
{
	int in[2] = { -1, -1 }, out[2], err[2];

	if (spec->in == SPEC_STDIN_PIPE)
		pipe_must(in);
	else
		in[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (in[0] < 0)
		fail("/dev/null: %s", strerror(errno));
	pipe_must(out);
	pipe_must(err);

	relay->command = fork();
	if (relay->command < 0)
		fail("fork: %s", strerror(errno));
	if (relay->command == 0) {
		setsid();
		stream_install(in[0], STDIN_FILENO);
		stream_install(out[1], STDOUT_FILENO);
		stream_install(err[1], STDERR_FILENO);
		command_exec(spec);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	relay->in = in[1];
	relay->out = out[0];
	relay->err = err[0];
	if (relay->in >= 0)
		fcntl(relay->in, F_SETFL, O_NONBLOCK);
}

static void start_with_terminal(struct relay *relay, const struct spec *spec)
{
	struct winsize size = { .ws_row = spec->rows, .ws_col = spec->columns };
	int terminal;

	relay->command = forkpty(&terminal, NULL, NULL, &size);
	if (relay->command < 0)
		fail("forkpty: %s", strerror(errno));
	if (relay->command == 0)
		command_exec(spec);
	fcntl(terminal, F_SETFD, FD_CLOEXEC);
	relay->out = terminal;
	relay->in = fcntl(terminal, F_DUPFD_CLOEXEC, 0);
	if (relay->in < 0)
		fail("dup: %s", strerror(errno));
	relay->err = -1;
}

static void stream_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Returns false at the end of the stream. */
static bool stream_forward(int *fd, enum frame_type type)
{
	static uint8_t data[FRAME_MAX];
	ssize_t n;

	if (*fd < 0)
		return false;
	n = read(*fd, data, sizeof(data));
	if (n > 0) {
		port_send(type, data, (size_t)n);
		return true;
	}
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	/* EIO is how a terminal ends. */
	stream_close(fd);
	return false;
}

static void input_push(struct relay *relay)
{
	ssize_t n;

	if (relay->in < 0) {
		relay->pending_size = 0;
		return;
	}
	if (relay->pending_size > 0) {
		n = write(relay->in, relay->pending + relay->pending_at,
			  relay->pending_size);
		if (n > 0) {
			relay->pending_at += (size_t)n;
			relay->pending_size -= (size_t)n;
		} else if (errno != EAGAIN && errno != EINTR) {
			/* Nobody reads any more. */
			relay->pending_size = 0;
			stream_close(&relay->in);
		}
	}
	if (relay->pending_size == 0 && relay->in_ended)
		stream_close(&relay->in);
}

static void input_take(struct relay *relay, const uint8_t *data, size_t size)
{
	/* A port read may hold several frames: they are short then. */
	memmove(relay->pending, relay->pending + relay->pending_at,
		relay->pending_size);
	relay->pending_at = 0;
	if (relay->pending_size + size > sizeof(relay->pending))
		fail("the host sends more input than asked for");
	memcpy(relay->pending + relay->pending_size, data, size);
	relay->pending_size += size;
	input_push(relay);
}

static void frame_take(void *ctx, enum frame_type type, const uint8_t *data,
		       size_t size)
{
	struct relay *relay = ctx;
	struct winsize window = { 0 };
	uint16_t cells[2];

	switch (type) {
	case FRAME_STDIN:
		input_take(relay, data, size);
		return;
	case FRAME_STDIN_END:
		relay->in_ended = true;
		input_push(relay);
		return;
	case FRAME_WINDOW:
		if (size != sizeof(cells))
			fail("bad window size");
		memcpy(cells, data, sizeof(cells));
		window.ws_row = cells[0];
		window.ws_col = cells[1];
		if (relay->out >= 0)
			ioctl(relay->out, TIOCSWINSZ, &window);
		return;
	default:
		fail("unknown frame %d", type);
	}
}

/* Takes up the dead; orphans of the command are init's children too. */
static void children_reap(struct relay *relay)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != relay->command)
			continue;
		relay->status = status;
		relay->done = true;
	}
}

static int signals_open(void)
{
	sigset_t child;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		fail("signalfd: %s", strerror(errno));
	return fd;
}

static void relay_turn(struct relay *relay, int signals)
{
	struct signalfd_siginfo info;
	/* The port is left alone while input waits: so the host waits too. */
	struct pollfd fds[] = {
		{ .fd = relay->pending_size ? -1 : port_fd(), .events = POLLIN },
		{ .fd = relay->pending_size ? relay->in : -1, .events = POLLOUT },
		{ .fd = relay->out, .events = POLLIN },
		{ .fd = relay->err, .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
	};

	if (poll(fds, ARRAY_SIZE(fds), -1) < 0) {
		if (errno == EINTR)
			return;
		fail("poll: %s", strerror(errno));
	}
	if (fds[2].revents)
		stream_forward(&relay->out, FRAME_STDOUT);
	if (fds[3].revents)
		stream_forward(&relay->err, FRAME_STDERR);
	if (fds[1].revents)
		input_push(relay);
	if (fds[0].revents & POLLIN)
		port_receive(frame_take, relay);
	else if (fds[0].revents)
		fail("virtio port: the host has gone");
	if (fds[4].revents) {
		while (read(signals, &info, sizeof(info)) == sizeof(info))
			;
		children_reap(relay);
	}
}

int relay_run(const struct spec *spec)
{
	static struct relay relay = { .in = -1, .out = -1, .err = -1 };
	int signals = signals_open();

	if (spec->in == SPEC_STDIN_TTY)
		start_with_terminal(&relay, spec);
	else
		start_with_pipes(&relay, spec);

	while (!relay.done)
		relay_turn(&relay, signals);

	/* All but init; a process that cannot die meets the time limit. */
	kill(-1, SIGKILL);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	stream_close(&relay.in);
	while (stream_forward(&relay.out, FRAME_STDOUT))
		;
	while (stream_forward(&relay.err, FRAME_STDERR))
		;
	close(signals);
	return relay.status;
}
