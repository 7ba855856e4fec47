/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * relay PORT COMMAND [ARGUMENT...] - a command whose connections to PORT, of
 * whatever address, go through a relay that it knows nothing of
 *
 * For each connect(2) the supervisor makes a socket that listens on a port of its
 * own, hands it to the relay with the address that was meant, and leads the call to
 * that port.  So the relay knows which connection is which, and no protocol has to
 * tell it.  The relay is a process of its own: it has data to bring to its end when
 * the command, and with it the supervisor, is gone.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <pointsman/pointsman.h>

#include "relay.h"

/* Owner: main(); the supervisor has its copy. */
struct rule {
	uint16_t port;
	int relay;	/* to hand_over() to */
};

static bool wants(void *data, const char *syscall, uint32_t classes)
{
	(void)data;
	(void)classes;
	return !strcmp(syscall, "connect");
}

/* A socket that listens on the loopback address, and where. */
static int listen_somewhere(struct sockaddr_in *here)
{
	socklen_t len = sizeof(*here);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*here = (struct sockaddr_in){ .sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (fd >= 0 && !bind(fd, (struct sockaddr *)here, sizeof(*here)) && !listen(fd, 1) &&
	    !getsockname(fd, (struct sockaddr *)here, &len))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static int decide(void *data, struct pm_call *call, struct pm_verdict *verdict)
{
	const struct rule *rule = data;
	struct sockaddr_in meant, here;
	struct pm_arg addr;
	int fd, err;

	if (pm_call_arg(call, "sockaddr", &addr) || addr.len < sizeof(meant))
		return 0;
	memcpy(&meant, addr.item->data, sizeof(meant));
	/* The port is in the same place for IPv6, for which there is no relay. */
	if (meant.sin_port != htons(rule->port) ||
	    (meant.sin_family != AF_INET && meant.sin_family != AF_INET6))
		return 0;
	if (meant.sin_family == AF_INET6)
		return -ENETUNREACH;
	fd = listen_somewhere(&here);
	if (fd < 0)
		return -ENETUNREACH;
	err = hand_over(rule->relay, fd, &meant);
	close(fd);
	if (!err)
		err = pm_call_set_sockaddr(call, addr.item, &here, sizeof(here));
	if (err)
		return err;
	verdict->action = PM_REDIRECT;
	verdict->rule = "relay";
	return 0;
}

/* Nobody's child, so that the command finds none that it did not make. */
static int start_relay(void)
{
	int pair[2];
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -1;
	child = fork();
	if (child < 0)
		return -1;
	if (child == 0) {
		if (fork())
			_exit(0);
		close(pair[0]);
		relay(pair[1]);
	}
	waitpid(child, NULL, 0);
	close(pair[1]);
	return pair[0];
}

int main(int argc, char **argv)
{
	struct rule rule;
	struct pm_layer layer = { .name = "relay", .data = &rule, .wants = wants,
				  .decide = decide };
	struct pm_layer *layers[] = { &layer };
	struct pm_options options = { .layers = layers, .nlayers = 1 };
	enum pm_stage stage;

	if (argc < 3 || atoi(argv[1]) <= 0 || atoi(argv[1]) > UINT16_MAX) {
		fputs("Usage: relay PORT COMMAND [ARGUMENT...]\n", stderr);
		return 125;
	}
	rule.port = (uint16_t)atoi(argv[1]);
	rule.relay = start_relay();
	if (rule.relay < 0) {
		fprintf(stderr, "relay: cannot start it: %s\n", strerror(errno));
		return 125;
	}
	pm_exec(&options, argv[2], argv + 2, &stage);
	fprintf(stderr, "relay: %s\n", pm_error());
	return 125;
}
