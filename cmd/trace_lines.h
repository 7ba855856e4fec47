/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trace_lines.h - calls as lines that a person reads while they come
 */
#ifndef POINTSMAN_TRACE_LINES_H
#define POINTSMAN_TRACE_LINES_H

#include <stdbool.h>
#include <stdio.h>

#include <json-c/json.h>

struct trace_lines {
	FILE *to;
	bool color;
	bool terminal;	/* lines fit its width, and come at once */
};

/* call: a line of an audit, of type "call". */
void trace_line(const struct trace_lines *lines, json_object *call);

/*
 * How often what was called, and how it went.
 *
 * Owner: whoever holds the struct; trace_count_clear().
 */
struct trace_count {
	struct counted *calls, *rules;
	size_t ncalls, nrules;
};

/* Returns 0 or -ENOMEM. */
int trace_count_add(struct trace_count *count, json_object *call);
/* Two tables: of calls, and of the rules of policies, where there are any. */
void trace_count_print(struct trace_count *count, FILE *to);
void trace_count_clear(struct trace_count *count);

#endif
