/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * audit_read.h - the lines of an audit, one after the other
 */
#ifndef POINTSMAN_AUDIT_READ_H
#define POINTSMAN_AUDIT_READ_H

#include <stdio.h>

#include <json-c/json.h>

/* What a line may have at most; the longest that is written is far below it. */
#define AUDIT_MAX_LINE (64u << 20)

/*
 * Owner: whoever holds the struct; audit_reader_clear().  from is the caller's.
 */
struct audit_reader {
	FILE *from;
	struct json_tokener *tokener;
	char *line;		/* the last one, without its newline */
	size_t room, len;
	size_t number;		/* of the last line, from 1 */
	size_t bytes;		/* read so far */
	const char *why;	/* what is wrong with the last line */
};

/* Returns 0 or -ENOMEM. */
int audit_reader_init(struct audit_reader *reader, FILE *from);
void audit_reader_clear(struct audit_reader *reader);

/*
 * The next line that is not empty, as an object with a known version and a type;
 * it is the caller's to put.  Returns 1; 0 at the end; -EBADMSG: this line is none, why
 * says so, and the next can be read; -ENOMEM, or an error of reading.
 */
int audit_reader_next(struct audit_reader *reader, json_object **out);

#endif
