/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * call_words.h - calls of an audit in the words of a person
 *
 * What programs are named and name is theirs: nothing of it reaches a terminal or a
 * file as anything but text.
 */
#ifndef POINTSMAN_CALL_WORDS_H
#define POINTSMAN_CALL_WORDS_H

#include <stdio.h>

#include <json-c/json.h>

/* bytes with what is no printable UTF-8 as \xNN, and a backslash doubled. */
void words_text(FILE *to, const char *bytes, size_t len);

/*
 * The bytes of a string of an audit (docs/audit.md, "Strings"), for the caller to
 * free; NULL where it is none, or without memory.
 */
char *words_bytes(json_object *string, size_t *len);

/*
 * What a call names, as one line: "/etc/motd", "/a -> /b", "192.0.2.1:80",
 * "/bin/ls [ls -l]"; of socket(2), which names nothing, the kind of socket.  object has deep, and is a call, or ran or left of one.  before
 * comes before it, where there is anything.
 */
void words_named(FILE *to, json_object *object, const char *before);

/* A socket address, as policies spell it. */
void words_address(FILE *to, json_object *address);

/* The member of an object as a C string, or fallback. */
const char *words_member(json_object *object, const char *key, const char *fallback);

/* "No such file or directory" of "ENOENT"; the name itself where it is none. */
const char *words_errno(const char *name);

#endif
