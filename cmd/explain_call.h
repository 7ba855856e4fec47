/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * explain_call.h - a call that is written in words
 *
 *	openat /etc/passwd O_RDONLY|O_CLOEXEC
 *	execve /bin/ls ls -l
 *	connect 192.0.2.1:80
 */
#ifndef POINTSMAN_EXPLAIN_CALL_H
#define POINTSMAN_EXPLAIN_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include <sys/socket.h>
#include <linux/openat2.h>

/*
 * The number and registers of the call; what its pointers name is in the memory of
 * this process.  Of the words, descriptors may be left out, lengths are.
 *
 * Owner: whoever holds the struct, which must not be moved; the words are kept.
 */
struct written_call {
	uint32_t arch;
	int nr;
	uint64_t args[6];
	struct sockaddr_storage address;
	struct msghdr message;
	struct open_how how;
	char *argv[2];
};

/* words is NULL-terminated, and begins with what is_call().  Returns 0, or -EINVAL after a complaint. */
int call_from_words(char **words, struct written_call *out);

/* Is this the name of a system call of this machine? */
bool is_call(const char *word);

#endif
