/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * socket_words.h - the arguments of socket(2) and socketpair(2) by their names
 */
#ifndef POINTSMAN_SOCKET_WORDS_H
#define POINTSMAN_SOCKET_WORDS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <json-c/json.h>

#include "nearest.h"

/*
 * The value of "AF_INET6", "SOCK_CLOEXEC", "IPPROTO_TCP" or "NETLINK_ROUTE" (PF_ is taken
 * for AF_).  Returns 0, or -EINVAL where it is no such name.
 */
int socket_word(const char *name, uint64_t *out);
/* All of them but families. */
void socket_nearest(struct nearest *nearest);

/*
 * Put " AF_INET SOCK_STREAM|SOCK_CLOEXEC IPPROTO_TCP", from the registers of a call of an
 * audit, with before in place of the first blank; what has no name as a number.  Returns
 * false, and puts nothing, where it is another call.
 */
bool words_socket(FILE *to, json_object *call, const char *before);

#endif
