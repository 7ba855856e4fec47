/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bytes.h - a message between two processes of one image: numbers as they lie in
 * memory, one after the other
 */
#ifndef POINTSMAN_BYTES_H
#define POINTSMAN_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Owner: whoever puts; bytes_clear().  Once err is set nothing more is put. */
struct bytes {
	unsigned char *at;
	size_t len, room;
	int err;
};

void bytes_put(struct bytes *bytes, const void *from, size_t len);
/* A length, and that many bytes; NULL is told from none. */
void bytes_put_block(struct bytes *bytes, const void *from, size_t len);
void bytes_put_text(struct bytes *bytes, const char *text);
void bytes_clear(struct bytes *bytes);

/* What is left to read.  Owner: the bytes are somebody else's. */
struct bytes_left {
	const unsigned char *at;
	size_t len;
	bool torn;	/* more was asked for than there was: all that was read counts for nothing */
};

/* Zeros where it is torn. */
void bytes_get(struct bytes_left *left, void *to, size_t len);
/* In place; NULL for NULL and where it is torn. */
const void *bytes_get_block(struct bytes_left *left, size_t *len);
/* In place, with its NUL. */
const char *bytes_get_text(struct bytes_left *left);

/* A socket, whose other end a process has. Owner: whoever made the descriptors. */
struct bytes_way {
	int sock;
	int peer;	/* a pidfd of that process, or -1: only the end of the socket tells of its death */
	int64_t until;	/* of CLOCK_MONOTONIC in milliseconds */
};

/* So many bytes, until the time is up.  0, -ETIMEDOUT, -EPIPE (no more is to be had, or sent). */
int bytes_write(const struct bytes_way *to, const void *data, size_t len);
int bytes_read(const struct bytes_way *from, void *data, size_t len);
/*
 * The length and the bytes, until the time is up.  0, -ETIMEDOUT, -EPIPE (the other end
 * is closed, or the process dead), -EMSGSIZE (it says that more comes than limit), -ENOMEM.
 */
int bytes_send(const struct bytes_way *to, const struct bytes *bytes);
int bytes_receive(const struct bytes_way *from, struct bytes *bytes, size_t limit);
int64_t bytes_now(void);
/* Wait for events of poll(2).  0, -ETIMEDOUT. */
int bytes_wait(int sock, short events, int64_t until);

#endif
