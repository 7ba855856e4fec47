/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_agent.c - anything at the agent's socket, and anything from an agent whose place
 * another one takes
 *
 * What is taken has an id and a real listener; what is refused leaves nothing behind, no
 * descriptor either.
 *
 * The input: a byte for who reads (a runtime's message, or a hand-over), then messages: a
 * byte for the number of descriptors, one for their kinds, two for the length, the bytes.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent_replace.c"
#include "quiet.h"

#define MOST 250u	/* the kernel takes 253 in one message */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the rest of the agent is asked for. */
void agent_resume(struct agent *agent, struct agent_container *containers)
{
	agent->containers = containers;
}

bool agent_stop_all(struct agent *agent, int64_t until)
{
	(void)agent;
	(void)until;
	return true;
}

/* No descriptor that is sent here is a socket: any will do. */
bool agent_is_listening(int fd)
{
	(void)fd;
	return true;
}

void agent_block_signals(sigset_t *before)
{
	sigemptyset(before);
}

int agent_listen_on(int fd)
{
	(void)fd;
	return 0;
}

const struct agent_policy *agent_find_policy(const struct agent_options *options,
					     const char *metadata)
{
	static const struct agent_policy any;

	(void)options;
	return metadata ? &any : NULL;
}

static int listener = -1, null = -1;

/* Of a filter that allows everything. */
static void open_both(void)
{
	struct sock_filter allow = { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW };
	struct sock_fprog program = { 1, &allow };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		abort();
	listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
				SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (listener < 0 || null < 0)
		abort();
}

/* Which descriptor would be the next. */
static int next_descriptor(void)
{
	int fd = dup(null);

	close(fd);
	return fd;
}

static ssize_t send_one(int to, const uint8_t *bytes, size_t len, unsigned int n, uint8_t kinds)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(MOST * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)bytes, len };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n > MOST)
		n = MOST;
	if (n) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(n * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(n * sizeof(int));
		for (unsigned int i = 0; i < n; i++) {
			int fd = kinds >> (i % 8) & 1 ? listener : null;

			memcpy(CMSG_DATA(&control.header) + i * sizeof(int), &fd, sizeof(fd));
		}
	}
	return sendmsg(to, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void check_container(const struct agent_container *container)
{
	if (!container->id || !container->id[0] || container->pid < 0 ||
	    !agent_is_listener(container->listener) || !container->text)
		abort();
}

/* As receive() of agent_loop.c does: 1 where nothing more is to be had from it. */
static int receive_one(struct agent_connection *connection)
{
	struct agent_container *container;
	int got = agent_receive(connection);

	if (!got)
		return 0;
	if (got > 0 && !agent_is_request(connection)) {
		container = agent_container_of(connection);
		if (container) {
			check_container(container);
			agent_container_free(container);
		}
	}
	return 1;
}

static void take_all(int from)
{
	struct asked asked = { .way = { .sock = from, .peer = -1, .until = bytes_now() + 1000 },
			       .process = -1 };
	struct agent agent = { .socket = -1, .signals = -1 };
	struct agent_container *next;

	take_everything(&agent, &asked);
	cleanup_close(&asked.process);
	cleanup_close(&agent.socket);
	for (struct agent_container *c = agent.containers; c; c = next) {
		next = c->next;
		check_container(c);
		agent_container_free(c);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct agent_connection connection = { 0 };
	int pair[2], before, over = 0;
	bool takes;

	if (!size)
		return 0;
	if (listener < 0)
		open_both();
	before = next_descriptor();
	takes = *data++ & 1;
	size--;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		abort();
	connection.fd = pair[1];
	while (size >= 4 && !over) {
		size_t len = data[2] | (size_t)data[3] << 8;

		if (len > size - 4)
			len = size - 4;
		send_one(pair[0], data + 4, len, data[0], data[1]);
		data += 4 + len;
		size -= 4 + len;
		if (!takes)
			over = receive_one(&connection);
	}
	shutdown(pair[0], SHUT_WR);
	if (takes)
		take_all(pair[1]);
	else
		for (int i = 0; i < 1000 && !over; i++)
			over = receive_one(&connection);
	if (!takes && !over)
		abort();
	agent_connection_clear(&connection);
	if (takes)
		close(pair[1]);
	close(pair[0]);
	if (next_descriptor() != before)
		abort();
	return 0;
}
