// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sockets TEST MODE - what is connected and sent to a redirected address arrives once
 *
 * SIGNALS_SERVER is an IPv4 address to listen at, SIGNALS_PEER one to connect to it.
 */
#define _GNU_SOURCE
#include "signals.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#define MESSAGES 4 /* of a sendmmsg */
#define PACE 50000 /* ns */

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_un un;
};

static union address server, peer;
static socklen_t address_len;

/* The socket of the server, at an address that the policy puts in the place of the peer's. */
static int serve(int family, int type)
{
	int fd = socket(family, type | SOCK_CLOEXEC, 0);

	memset(&server, 0, sizeof(server));
	memset(&peer, 0, sizeof(peer));
	server.any.sa_family = peer.any.sa_family = (sa_family_t)family;
	if (family == AF_UNIX) {
		snprintf(server.un.sun_path, sizeof(server.un.sun_path), "%s",
			 getenv("SIGNALS_SERVER_NAME"));
		snprintf(peer.un.sun_path, sizeof(peer.un.sun_path), "%s",
			 getenv("SIGNALS_PEER_NAME"));
		address_len = sizeof(struct sockaddr_un);
	} else {
		check(inet_pton(AF_INET, getenv("SIGNALS_SERVER"), &server.in.sin_addr) == 1);
		check(inet_pton(AF_INET, getenv("SIGNALS_PEER"), &peer.in.sin_addr) == 1);
		address_len = sizeof(struct sockaddr_in);
	}
	check(fd >= 0);
	check(!bind(fd, &server.any, address_len));
	if (family == AF_INET) {
		check(!getsockname(fd, &server.any, &address_len));
		peer.in.sin_port = server.in.sin_port;
	}
	return fd;
}

static atomic_bool over;
static int listener;

/* Connections come in their order, each with its number; it is sent back. */
static void *accept_all(void *data)
{
	unsigned long *count = data, number;

	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		check(fd >= 0);
		pace(PACE);
		check(read(fd, &number, sizeof(number)) == sizeof(number));
		/* The last one is not of the client's count. */
		if (number == ~0ul) {
			close(fd);
			return NULL;
		}
		check(number == *count);
		++*count;
		check(write(fd, &number, sizeof(number)) == sizeof(number));
		close(fd);
	}
}

static void connect_last(int family)
{
	const unsigned long last = ~0ul;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	check(fd >= 0);
	check(!connect(fd, &server.any, address_len));
	check(write(fd, &last, sizeof(last)) == sizeof(last));
	close(fd);
}

/* TCP: an interrupted connect goes on by itself. */
static void finish_connect(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int err;

	while (poll(&poll_fd, 1, -1) < 0)
		check(errno == EINTR);
	check(!getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) && !err);
}

static void exchange(int fd, unsigned long number)
{
	unsigned long before, got;
	ssize_t result;

	do {
		before = ticks;
		result = write(fd, &number, sizeof(number));
	} while (!ended(result, before));
	check(result == sizeof(number));
	do {
		before = ticks;
		result = read(fd, &got, sizeof(got));
	} while (!ended(result, before));
	check(result == sizeof(got) && got == number);
}

static void connect_to(int family)
{
	/* No address is kept busy. */
	const struct linger linger = { .l_onoff = 1 };
	unsigned long served = 0, n;
	struct helper *helper;

	listener = serve(family, SOCK_STREAM);
	check(!listen(listener, family == AF_UNIX ? 0 : 64));
	helper = helper_start(accept_all, &served);
	signals_begin();
	for (n = 0; another(n); n++) {
		int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		unsigned long before;
		bool done;

		check(fd >= 0);
		do {
			before = ticks;
			done = ended(connect(fd, &peer.any, address_len), before);
			if (!done && family == AF_INET) {
				finish_connect(fd);
				done = true;
			}
		} while (!done);
		exchange(fd, n);
		check(!setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
		check(!close(fd));
	}
	signals_end();
	connect_last(family);
	helper_join(helper);
	check(served == n);
}

static void test_connect(void)
{
	connect_to(AF_INET);
}

/* One that keeps the only place in the queue taken, so that connects have to wait. */
static void *connect_beside(void *data)
{
	unsigned long *count = data;

	while (!atomic_load(&over)) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		char byte = 'b';

		check(fd >= 0);
		check(!connect(fd, &server.any, address_len));
		check(write(fd, &byte, 1) == 1);
		close(fd);
		++*count;
	}
	return NULL;
}

struct counts {
	unsigned long beside, ours;
};

static void *accept_slowly(void *data)
{
	struct counts *counts = data;

	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		char byte;

		check(fd >= 0);
		pace(PACE);
		check(read(fd, &byte, 1) == 1);
		close(fd);
		if (byte == 'e')
			return NULL;
		if (byte == 'b')
			counts->beside++;
		else
			counts->ours++;
	}
}

/* A connect that waits for a place in the queue; what it was told is what the server sees. */
static void test_connect_wait(void)
{
	struct counts counts = { 0 };
	unsigned long beside = 0, n = 0;
	struct helper *helper, *acceptor;
	char byte = 'o';
	int fd;

	listener = serve(AF_UNIX, SOCK_STREAM);
	check(!listen(listener, 0));
	acceptor = helper_start(accept_slowly, &counts);
	helper = helper_start(connect_beside, &beside);
	signals_begin();
	while (another(n) || (mode == MODE_PLAIN && !interrupted)) {
		unsigned long before = ticks;

		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		check(fd >= 0);
		/* Not one that is interrupted in what follows. */
		if (ended(connect(fd, &peer.any, address_len), before)) {
			check(send(fd, &byte, 1, MSG_DONTWAIT) == 1);
			n++;
		}
		close(fd);
	}
	signals_end();
	atomic_store(&over, true);
	helper_join(helper);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	byte = 'e';
	check(fd >= 0 && !connect(fd, &server.any, address_len));
	check(write(fd, &byte, 1) == 1);
	close(fd);
	helper_join(acceptor);
	check(counts.ours == n && counts.beside == beside);
}

/*
 * Numbers from first on, by one of the three calls.  Returns how many were sent, or -1;
 * the lengths that sendmmsg writes are checked.
 */
static int send_numbers(int fd, unsigned long first, unsigned int which)
{
	unsigned long numbers[MESSAGES];
	struct iovec vectors[MESSAGES];
	struct mmsghdr messages[MESSAGES];
	int sent;

	for (unsigned int i = 0; i < MESSAGES; i++) {
		numbers[i] = first + i;
		vectors[i] = (struct iovec){ &numbers[i], sizeof(numbers[i]) };
		messages[i] = (struct mmsghdr){ .msg_hdr = { .msg_name = &peer,
							     .msg_namelen = address_len,
							     .msg_iov = &vectors[i],
							     .msg_iovlen = 1 } };
	}
	switch (which % 3) {
	case 0:
		sent = (int)sendto(fd, numbers, sizeof(numbers[0]), 0, &peer.any, address_len);
		check(sent == -1 || sent == sizeof(numbers[0]));
		return sent == -1 ? -1 : 1;
	case 1:
		sent = (int)sendmsg(fd, &messages[0].msg_hdr, 0);
		check(sent == -1 || sent == sizeof(numbers[0]));
		return sent == -1 ? -1 : 1;
	default:
		sent = sendmmsg(fd, messages, MESSAGES, 0);
		for (int i = 0; i < MESSAGES; i++)
			check(messages[i].msg_len == (i < sent ? sizeof(numbers[0]) : 0));
		return sent;
	}
}

static unsigned long receive(int fd)
{
	unsigned long number;
	ssize_t result;

	do
		result = recv(fd, &number, sizeof(number), 0);
	while (result == -1 && errno == EINTR && mode == MODE_PLAIN);
	check(result == sizeof(number));
	return number;
}

/* UDP: nothing of it waits, so nothing is interrupted, and all is sent. */
static void test_send(void)
{
	int receiver = serve(AF_INET, SOCK_DGRAM);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const unsigned long last = ~0ul;
	unsigned long sent = 0;

	check(fd >= 0);
	signals_begin();
	for (unsigned long n = 0; another(n); n++) {
		int got = send_numbers(fd, sent, (unsigned int)(n % 3));
		unsigned int seen = 0;

		check(got == (n % 3 == 2 ? MESSAGES : 1));
		for (int i = 0; i < got; i++) {
			unsigned long number = receive(receiver);

			/* Each of them once; the kernel does not promise their order. */
			check(number >= sent && number < sent + (unsigned long)got);
			check(!(seen & 1u << (number - sent)));
			seen |= 1u << (number - sent);
		}
		sent += (unsigned long)got;
	}
	signals_end();
	check(sendto(fd, &last, sizeof(last), 0, &server.any, address_len) == sizeof(last));
	check(receive(receiver) == last);
}

static void *receive_all(void *data)
{
	unsigned long expect = 0, number;
	int fd = *(int *)data;

	while ((number = receive(fd)) != ~0ul) {
		check(number == expect);
		expect++;
		if (!(expect % 4))
			pace(PACE);
	}
	*(unsigned long *)data = expect;
	return NULL;
}

/* AF_UNIX: who sends waits for a place in the queue. */
static void test_send_wait(void)
{
	union {
		int fd;
		unsigned long received;
	} receiver = { .fd = serve(AF_UNIX, SOCK_DGRAM) };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsigned long n = 0, sent = 0;
	const unsigned long last = ~0ul;
	struct helper *helper;

	check(fd >= 0);
	helper = helper_start(receive_all, &receiver);
	signals_begin();
	while (another(n) || (mode == MODE_PLAIN && !interrupted)) {
		unsigned long before = ticks;
		unsigned int which = (unsigned int)(n % 3);
		int got = send_numbers(fd, sent, which);

		if (!ended(got, before))
			continue;
		/* Fewer where a signal, or a stop, came while one waited, and then not the first. */
		check(got == (which == 2 ? MESSAGES : 1) ||
		      (got > 0 && which == 2 && (unnoticed() || ticks != before)));
		sent += (unsigned long)got;
		n++;
	}
	signals_end();
	check(sendto(fd, &last, sizeof(last), 0, &server.any, address_len) == sizeof(last));
	helper_join(helper);
	check(receiver.received == sent);
}

static unsigned char byte_at(uint64_t position)
{
	return (unsigned char)(position * 0x9e3779b97f4a7c15 >> 56);
}

static void *read_stream(void *data)
{
	static unsigned char buf[10000];
	uint64_t position = 0;
	int fd = *(int *)data;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			check(buf[i] == byte_at(position++));
		pace(PACE);
	}
	check(!n);
	close(fd);
	*(uint64_t *)data = position;
	return NULL;
}

/*
 * A stream through sendmmsg: where a signal comes while a message waits, a part of it
 * is sent, and then no other, so that nothing is missing in the middle.
 */
static void test_send_stream(void)
{
	static unsigned char bytes[MESSAGES][20000];
	struct mmsghdr messages[MESSAGES];
	struct iovec vectors[MESSAGES];
	struct helper *helper;
	unsigned long n = 0;
	uint64_t said = 0;
	int ends[2];
	union {
		int fd;
		uint64_t received;
	} reader;

	check(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	check(!setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &(int){ 8192 }, sizeof(int)));
	reader.fd = ends[0];
	helper = helper_start(read_stream, &reader);
	signals_begin();
	while (another(n)) {
		unsigned long before = ticks;
		uint64_t at = said;
		int got;

		for (int i = 0; i < MESSAGES; i++) {
			for (size_t k = 0; k < sizeof(bytes[i]); k++)
				bytes[i][k] = byte_at(at++);
			vectors[i] = (struct iovec){ bytes[i], sizeof(bytes[i]) };
			messages[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &vectors[i],
								     .msg_iovlen = 1 } };
		}
		got = sendmmsg(ends[1], messages, MESSAGES, 0);
		if (!ended(got, before))
			continue;
		for (int i = 0; i < got; i++) {
			check(messages[i].msg_len == sizeof(bytes[i]) || i == got - 1);
			said += messages[i].msg_len;
		}
		check(got == MESSAGES || unnoticed() || ticks != before);
		n++;
	}
	signals_end();
	close(ends[1]);
	helper_join(helper);
	check(reader.received == said);
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		{ "connect", test_connect },
		{ "connect-wait", test_connect_wait },
		{ "send", test_send },
		{ "send-wait", test_send_wait },
		{ "send-stream", test_send_stream },
	};

	return signals_main(tests, array_size(tests), argc, argv);
}
