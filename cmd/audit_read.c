/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "audit_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "call_words.h"

int audit_reader_init(struct audit_reader *reader, FILE *from)
{
	*reader = (struct audit_reader){ .from = from, .tokener = json_tokener_new() };
	return reader->tokener ? 0 : -ENOMEM;
}

void audit_reader_clear(struct audit_reader *reader)
{
	if (reader->tokener)
		json_tokener_free(reader->tokener);
	free(reader->line);
	*reader = (struct audit_reader){ 0 };
}

static int refuse(struct audit_reader *reader, const char *why)
{
	reader->why = why;
	return -EBADMSG;
}

static int parse(struct audit_reader *reader, json_object **out)
{
	json_object *version;

	json_tokener_reset(reader->tokener);
	*out = json_tokener_parse_ex(reader->tokener, reader->line, (int)reader->len);
	if (!*out && json_tokener_get_error(reader->tokener) == json_tokener_continue)
		return refuse(reader, "it breaks off");
	if (!*out)
		return refuse(reader, "it is no JSON");
	if (json_tokener_get_parse_end(reader->tokener) != reader->len)
		return refuse(reader, "something follows the object");
	if (!json_object_is_type(*out, json_type_object))
		return refuse(reader, "it is no object");
	if (!json_object_object_get_ex(*out, "v", &version) ||
	    json_object_get_int(version) != AUDIT_VERSION)
		return refuse(reader, "it has no \"v\": 1");
	if (!words_member(*out, "type", NULL))
		return refuse(reader, "it has no type");
	return 1;
}

int audit_reader_next(struct audit_reader *reader, json_object **out)
{
	ssize_t len;
	int err;

	*out = NULL;
	do {
		errno = 0;
		len = getline(&reader->line, &reader->room, reader->from);
		if (len < 0)
			return ferror(reader->from) || errno == ENOMEM ? -(errno ?: EIO) : 0;
		reader->number++;
		reader->bytes += (size_t)len;
		if (len && reader->line[len - 1] == '\n')
			reader->line[--len] = '\0';
	} while (!len);
	reader->len = (size_t)len;
	if (reader->len > AUDIT_MAX_LINE)
		return refuse(reader, "it is too long");
	err = parse(reader, out);
	if (err < 0) {
		json_object_put(*out);
		*out = NULL;
	}
	return err;
}
