/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * report_scan.h - the members of a line of an audit, found without building anything
 *
 * An audit of many lines says much the same again and again: what a line says is
 * compared as it is written, and understood once.
 */
#ifndef POINTSMAN_REPORT_SCAN_H
#define POINTSMAN_REPORT_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum member {
	MEMBER_V, MEMBER_TYPE, MEMBER_TIME, MEMBER_TGID, MEMBER_PPID, MEMBER_PID, MEMBER_COMM,
	MEMBER_EXE, MEMBER_CALL, MEMBER_VERDICT, MEMBER_ERRNO, MEMBER_VALUE, MEMBER_RULE,
	MEMBER_SOURCE, MEMBER_LAYER, MEMBER_FAILS, MEMBER_DEEP, MEMBER_RAN,
	NNAMED,
	/* Not found, but left for who takes a member apart. */
	MEMBER_RAN_CALL = NNAMED, NMEMBERS
};

/* A value as it is written, quotes included; at is NULL where it is not there. */
struct span {
	const char *at;
	size_t len;
};

/*
 * Find the members of one line, which is one JSON object (RFC 8259), all of it.
 * Returns NULL, or what is wrong with it.
 */
const char *scan_line(const char *line, size_t len, struct span members[NMEMBERS]);

/* The same for a value within a line, without its being one; false: it is no object. */
bool scan_object(const struct span *object, struct span members[NMEMBERS]);

/* A string without escapes is this text? */
bool span_is(const struct span *span, const char *text);
/* A number of a span, or missing. */
int64_t span_number(const struct span *span, int64_t missing);
/* Nanoseconds since 1970 of "2026-03-01T12:00:00.123456789Z"; -1: it is none. */
int64_t span_time(const struct span *span);

#endif
