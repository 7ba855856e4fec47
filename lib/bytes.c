/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "bytes.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define NOTHING UINT64_MAX	/* the length of NULL */

void bytes_put(struct bytes *bytes, const void *from, size_t len)
{
	size_t room = bytes->room ? bytes->room : 1024;
	unsigned char *grown;

	if (bytes->err)
		return;
	while (room - bytes->len < len)
		room *= 2;
	if (room != bytes->room) {
		grown = realloc(bytes->at, room);
		if (!grown) {
			bytes->err = -ENOMEM;
			return;
		}
		bytes->at = grown;
		bytes->room = room;
	}
	if (len)
		memcpy(bytes->at + bytes->len, from, len);
	bytes->len += len;
}

void bytes_put_block(struct bytes *bytes, const void *from, size_t len)
{
	uint64_t head = from ? len : NOTHING;

	bytes_put(bytes, &head, sizeof(head));
	if (from)
		bytes_put(bytes, from, len);
}

void bytes_put_text(struct bytes *bytes, const char *text)
{
	bytes_put_block(bytes, text, text ? strlen(text) + 1 : 0);
}

void bytes_clear(struct bytes *bytes)
{
	free(bytes->at);
	*bytes = (struct bytes){ 0 };
}

void bytes_get(struct bytes_left *left, void *to, size_t len)
{
	if (left->torn || left->len < len) {
		left->torn = true;
		memset(to, 0, len);
		return;
	}
	memcpy(to, left->at, len);
	left->at += len;
	left->len -= len;
}

const void *bytes_get_block(struct bytes_left *left, size_t *len)
{
	const unsigned char *block;
	uint64_t head;

	*len = 0;
	bytes_get(left, &head, sizeof(head));
	if (left->torn || head == NOTHING)
		return NULL;
	if (head > left->len) {
		left->torn = true;
		return NULL;
	}
	block = left->at;
	left->at += head;
	left->len -= head;
	*len = head;
	return block;
}

const char *bytes_get_text(struct bytes_left *left)
{
	size_t len;
	const char *text = bytes_get_block(left, &len);

	if (text && (!len || text[len - 1])) {
		left->torn = true;
		return NULL;
	}
	return text;
}

int64_t bytes_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A descriptor of -1 is none to poll(2). */
static int wait_for(const struct bytes_way *way, short events)
{
	struct pollfd pollers[] = {
		{ .fd = way->sock, .events = events },
		{ .fd = way->peer, .events = POLLIN },
	};
	int64_t left;

	do {
		left = way->until - bytes_now();
		if (left <= 0)
			return -ETIMEDOUT;
	} while (poll(pollers, 2, left < INT32_MAX ? (int)left : INT32_MAX) <= 0);
	/* What it has said before counts. */
	return pollers[0].revents ? 0 : -EPIPE;
}

int bytes_wait(int sock, short events, int64_t until)
{
	return wait_for(&(struct bytes_way){ .sock = sock, .peer = -1, .until = until }, events);
}

/* All of it, one way or the other. */
static int carry(const struct bytes_way *way, unsigned char *at, size_t len, bool out)
{
	while (len) {
		ssize_t n = out ? send(way->sock, at, len, MSG_DONTWAIT | MSG_NOSIGNAL) :
				  recv(way->sock, at, len, MSG_DONTWAIT);
		int err;

		if (n > 0) {
			at += n;
			len -= (size_t)n;
			continue;
		}
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return -EPIPE;
		err = wait_for(way, out ? POLLOUT : POLLIN);
		if (err)
			return err;
	}
	return 0;
}

int bytes_write(const struct bytes_way *to, const void *data, size_t len)
{
	return carry(to, (unsigned char *)data, len, true);
}

int bytes_read(const struct bytes_way *from, void *data, size_t len)
{
	return carry(from, data, len, false);
}

int bytes_send(const struct bytes_way *to, const struct bytes *bytes)
{
	uint64_t head = bytes->len;
	int err = bytes->err;

	if (!err)
		err = bytes_write(to, &head, sizeof(head));
	return err ? err : bytes_write(to, bytes->at, bytes->len);
}

int bytes_receive(const struct bytes_way *from, struct bytes *bytes, size_t limit)
{
	uint64_t head;
	int err;

	*bytes = (struct bytes){ 0 };
	err = bytes_read(from, &head, sizeof(head));
	if (err)
		return err;
	if (head > limit)
		return -EMSGSIZE;
	bytes->at = malloc(head + 1);
	if (!bytes->at)
		return -ENOMEM;
	bytes->len = bytes->room = head;
	err = bytes_read(from, bytes->at, bytes->len);
	if (err)
		bytes_clear(bytes);
	return err;
}
