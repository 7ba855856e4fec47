/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "report_scan.h"

#include <string.h>

#define MAX_DEPTH 32

#define NAME(text) { text, sizeof(text) - 1 }

static const struct {
	const char *text;
	size_t len;
} names[NNAMED] = {
	[MEMBER_V] = NAME("v"),		    [MEMBER_TYPE] = NAME("type"),
	[MEMBER_TIME] = NAME("time"),	    [MEMBER_TGID] = NAME("tgid"),
	[MEMBER_PPID] = NAME("ppid"),	    [MEMBER_PID] = NAME("pid"),
	[MEMBER_COMM] = NAME("comm"),	    [MEMBER_EXE] = NAME("exe"),
	[MEMBER_CALL] = NAME("call"),	    [MEMBER_VERDICT] = NAME("verdict"),
	[MEMBER_ERRNO] = NAME("errno"),	    [MEMBER_VALUE] = NAME("value"),
	[MEMBER_RULE] = NAME("rule"),	    [MEMBER_SOURCE] = NAME("source"),
	[MEMBER_LAYER] = NAME("layer"),	    [MEMBER_FAILS] = NAME("fails"),
	[MEMBER_DEEP] = NAME("deep"),	    [MEMBER_RAN] = NAME("ran"),
};

/* Lives in scan_line(). */
struct scanning {
	const char *at, *end;
	const char *why;
};

static bool fail(struct scanning *scanning, const char *why)
{
	scanning->why = scanning->at >= scanning->end ? "it breaks off" : why;
	return false;
}

static void skip_blanks(struct scanning *scanning)
{
	while (scanning->at < scanning->end &&
	       (*scanning->at == ' ' || *scanning->at == '\t' || *scanning->at == '\r'))
		scanning->at++;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool scan_escape(struct scanning *scanning)
{
	if (++scanning->at >= scanning->end)
		return fail(scanning, "");
	if (*scanning->at == 'u') {
		for (int i = 0; i < 4; i++) {
			scanning->at++;
			if (scanning->at >= scanning->end || !is_hex(*scanning->at))
				return fail(scanning, "it has a bad escape in a string");
		}
	} else if (!strchr("\"\\/bfnrt", *scanning->at)) {
		return fail(scanning, "it has a bad escape in a string");
	}
	scanning->at++;
	return true;
}

static bool scan_string(struct scanning *scanning)
{
	if (scanning->at >= scanning->end || *scanning->at != '"')
		return fail(scanning, "it has no string where one belongs");
	scanning->at++;
	while (scanning->at < scanning->end && *scanning->at != '"') {
		if ((unsigned char)*scanning->at < ' ')
			return fail(scanning, "it has a control character in a string");
		if (*scanning->at != '\\')
			scanning->at++;
		else if (!scan_escape(scanning))
			return false;
	}
	if (scanning->at >= scanning->end)
		return fail(scanning, "");
	scanning->at++;
	return true;
}

static size_t scan_digits(struct scanning *scanning)
{
	size_t n = 0;

	for (; scanning->at < scanning->end && *scanning->at >= '0' && *scanning->at <= '9'; n++)
		scanning->at++;
	return n;
}

static bool scan_number(struct scanning *scanning)
{
	const char *start;

	if (*scanning->at == '-')
		scanning->at++;
	start = scanning->at;
	if (!scan_digits(scanning) || (*start == '0' && scanning->at - start > 1))
		return fail(scanning, "it has a value that is none");
	if (scanning->at < scanning->end && *scanning->at == '.') {
		scanning->at++;
		if (!scan_digits(scanning))
			return fail(scanning, "it has a bad number");
	}
	if (scanning->at < scanning->end && (*scanning->at == 'e' || *scanning->at == 'E')) {
		scanning->at++;
		if (scanning->at < scanning->end && strchr("+-", *scanning->at))
			scanning->at++;
		if (!scan_digits(scanning))
			return fail(scanning, "it has a bad number");
	}
	return true;
}

static bool scan_word(struct scanning *scanning)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t len = strlen(words[i]);

		if ((size_t)(scanning->end - scanning->at) >= len &&
		    !memcmp(scanning->at, words[i], len)) {
			scanning->at += len;
			return true;
		}
	}
	return scan_number(scanning);
}

static bool scan_value(struct scanning *scanning, unsigned int depth);

/* A list or an object, after its bracket; members, or NULL, gets the spans of an object. */
static bool scan_items(struct scanning *scanning, char close, unsigned int depth,
		       struct span *members)
{
	struct span key = { 0 };

	skip_blanks(scanning);
	if (scanning->at < scanning->end && *scanning->at == close) {
		scanning->at++;
		return true;
	}
	for (;;) {
		const char *start;

		skip_blanks(scanning);
		if (close == '}') {
			key.at = scanning->at + 1;
			if (!scan_string(scanning))
				return false;
			key.len = (size_t)(scanning->at - 1 - key.at);
			skip_blanks(scanning);
			if (scanning->at >= scanning->end || *scanning->at != ':')
				return fail(scanning, "it has a key without a value");
			scanning->at++;
			skip_blanks(scanning);
		}
		start = scanning->at;
		if (!scan_value(scanning, depth + 1))
			return false;
		for (int i = 0; members && i < NNAMED; i++)
			if (key.len == names[i].len && !memcmp(names[i].text, key.at, key.len))
				members[i] = (struct span){ start, (size_t)(scanning->at - start) };
		skip_blanks(scanning);
		if (scanning->at >= scanning->end)
			return fail(scanning, "");
		if (*scanning->at == close) {
			scanning->at++;
			return true;
		}
		if (*scanning->at != ',')
			return fail(scanning, "it is no JSON");
		scanning->at++;
	}
}

static bool scan_value(struct scanning *scanning, unsigned int depth)
{
	if (depth > MAX_DEPTH)
		return fail(scanning, "it is nested too deeply");
	if (scanning->at >= scanning->end)
		return fail(scanning, "");
	switch (*scanning->at) {
	case '"':
		return scan_string(scanning);
	case '{':
		scanning->at++;
		return scan_items(scanning, '}', depth, NULL);
	case '[':
		scanning->at++;
		return scan_items(scanning, ']', depth, NULL);
	default:
		return scan_word(scanning);
	}
}

const char *scan_line(const char *line, size_t len, struct span members[NMEMBERS])
{
	struct scanning scanning = { .at = line, .end = line + len };

	memset(members, 0, NMEMBERS * sizeof(*members));
	skip_blanks(&scanning);
	if (scanning.at < scanning.end && *scanning.at != '{')
		return "it is no JSON object";
	scanning.at++;
	if (!scan_items(&scanning, '}', 0, members))
		return scanning.why;
	skip_blanks(&scanning);
	if (scanning.at != scanning.end)
		return "something follows the object";
	if (span_number(&members[MEMBER_V], 0) != 1)
		return "it has no \"v\": 1";
	if (!members[MEMBER_TYPE].at || *members[MEMBER_TYPE].at != '"')
		return "it has no type";
	return NULL;
}

bool scan_object(const struct span *object, struct span members[NMEMBERS])
{
	struct scanning scanning = { .at = object->at, .end = object->at + object->len };

	memset(members, 0, NMEMBERS * sizeof(*members));
	if (!object->len || *scanning.at++ != '{')
		return false;
	return scan_items(&scanning, '}', 0, members);
}

bool span_is(const struct span *span, const char *text)
{
	size_t len = strlen(text);

	return span->at && span->len == len + 2 && span->at[0] == '"' &&
	       !memcmp(span->at + 1, text, len);
}

int64_t span_number(const struct span *span, int64_t missing)
{
	bool minus = span->at && span->at[0] == '-';
	uint64_t value = 0;
	size_t i = minus;

	if (!span->at || span->len > 18 || i == span->len)
		return missing;
	for (; i < span->len; i++) {
		if (span->at[i] < '0' || span->at[i] > '9')
			return missing;
		value = value * 10 + (uint64_t)(span->at[i] - '0');
	}
	return minus ? -(int64_t)value : (int64_t)value;
}

static bool digits(const char *at, size_t n, int64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < n; i++) {
		if (at[i] < '0' || at[i] > '9')
			return false;
		*out = *out * 10 + (at[i] - '0');
	}
	return true;
}

int64_t span_time(const struct span *span)
{
	static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
	int64_t year, month, day, hour, minute, second, nanosecond, days;
	const char *at = span->at ? span->at + 1 : NULL;

	if (!at || span->len != 32 || !digits(at, 4, &year) || !digits(at + 5, 2, &month) ||
	    !digits(at + 8, 2, &day) || !digits(at + 11, 2, &hour) ||
	    !digits(at + 14, 2, &minute) || !digits(at + 17, 2, &second) ||
	    !digits(at + 20, 9, &nanosecond) || month < 1 || month > 12 || year < 1970)
		return -1;
	days = (year - 1970) * 365 + (year - 1969) / 4 - (year - 1901) / 100 + (year - 1601) / 400 +
	       before[month - 1] + day - 1;
	if (month > 2 && (year % 4 == 0 && (year % 100 || year % 400 == 0)))
		days++;
	return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000000000 + nanosecond;
}
