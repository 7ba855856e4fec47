/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * audit_json.h - calls and what hangs on them, as JSON (docs/audit.md)
 *
 * What is made is the caller's to put.  Out of memory is kept in a struct
 * json, so that an object can be filled without a test at every step: a
 * member that could not be made marks it, and the object must not be used
 * then.  Absent members stand for what is not there; null is never written.
 */
#ifndef POINTSMAN_AUDIT_JSON_H
#define POINTSMAN_AUDIT_JSON_H

#include <json-c/json.h>
#include <pointsman/pointsman.h>

/* Limits of a line; what is over them is marked with "cut". */
enum {
	JSON_MAX_TEXT = 4096,	/* bytes of a string */
	JSON_MAX_LIST = 65536,	/* bytes of the strings of a list */
	JSON_MAX_STRINGS = 1024,/* strings of a list */
	JSON_MAX_BLOCK = 256,	/* bytes of a structure */
	JSON_MAX_ITEMS = 64,	/* items of a call */
};

struct json {
	bool failed;
};

/* Gives value to object under key; a value of NULL is a failure. */
void json_put(struct json *json, json_object *object, const char *key, json_object *value);
/* The same for a C string; NULL is left out. */
void json_put_string(struct json *json, json_object *object, const char *key,
		     const char *string);

/*
 * A string without loss: a JSON string where it is UTF-8 of at most limit
 * bytes, else an object (docs/audit.md, "Strings").
 */
json_object *json_text(struct json *json, const void *data, size_t len, size_t limit);

/* NAME, or the number for one without a name. */
void json_put_errno(struct json *json, json_object *object, const char *key, int err);
/* What the kernel answered, with the name of an error. */
void json_put_result(struct json *json, json_object *object, int64_t result);
/* What a layer said: verdict, errno, value, rule, source. */
void json_put_verdict(struct json *json, json_object *object, const struct pm_verdict *verdict);
/* call, nr, args and deep of a call as it stands. */
void json_put_call(struct json *json, json_object *object, struct pm_call *call);
/* deep of a call as it stands, alone. */
json_object *json_deep(struct json *json, struct pm_call *call);
/* A socket address of len bytes. */
void json_put_address(struct json *json, json_object *object, const void *addr, size_t len);
/* Now, RFC 3339 in UTC. */
void json_put_time(struct json *json, json_object *object);

#endif
