/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * learn_names.c - names that are others in the next run
 *
 * mkstemp(3) puts six letters and digits before a suffix; mktemp(1) ten after a
 * dot; Python eight after "tmp".  Other programs end names with a number, of a
 * process or a thread.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "learn_tree.h"

#define HASH 16

bool learn_is_temporary(const char *directory)
{
	static const char *const known[] = { "/tmp", "/var/tmp", "/dev/shm" };
	const char *own = getenv("TMPDIR");

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i], directory))
			return true;
	return own && !strcmp(own, directory);
}

bool learn_is_hash(const char *name)
{
	size_t len = strspn(name, "0123456789abcdef"), digits = 0;

	for (size_t i = 0; i < len; i++)
		digits += isdigit((unsigned char)name[i]) != 0;
	return len >= HASH && !name[len] && digits && digits < len;
}

/* Digits among letters, or letters of both kinds: no word. */
static bool is_random(const char *text, size_t len)
{
	bool lower = false, upper = false, digit = false;

	for (size_t i = 0; i < len; i++) {
		lower |= islower((unsigned char)text[i]) != 0;
		upper |= isupper((unsigned char)text[i]) != 0;
		digit |= isdigit((unsigned char)text[i]) != 0;
	}
	return lower + upper + digit > 1;
}

/* The name with len bytes at this place replaced by as many "?", or by a "*". */
static char *replace(const char *name, size_t at, size_t len, bool any)
{
	char *out = malloc(2 * strlen(name) + 2), *to = out;

	if (!out)
		return NULL;
	for (size_t i = 0; name[i]; i++) {
		bool inside = i >= at && i < at + len;

		if (inside && any && i > at)
			continue;
		if (!inside && strchr("*?[\\", name[i]))
			*to++ = '\\';
		*to++ = !inside ? name[i] : any ? '*' : '?';
	}
	*to = '\0';
	return out;
}

/* The pattern of a name whose own part ends at stem, before its suffix. */
static char *pattern_before(const char *name, size_t stem, bool temporary)
{
	const char *python = "abcdefghijklmnopqrstuvwxyz0123456789_";
	size_t start = stem, len;

	while (start && (isalnum((unsigned char)name[start - 1]) || name[start - 1] == '_'))
		start--;
	len = stem - start;
	if (len >= 3 && strspn(name + start, "0123456789") >= len)
		return replace(name, start, len, true);
	if (len == 11 && !strncmp(name + start, "tmp", 3))
		return replace(name, start + 3, 8, false);
	if ((len == 10 && (start ? name[start - 1] == '.' : temporary)) ||
	    (len == 8 && temporary && strspn(name + start, python) >= len))
		return replace(name, start, len, false);
	if (len >= 6 && (temporary || is_random(name + stem - 6, 6)))
		return replace(name, stem - 6, 6, false);
	return NULL;
}

char *learn_pattern(const char *name, bool temporary)
{
	const char *dot = strrchr(name, '.'), *first = strchr(name + 1, '.');
	size_t end = strlen(name);
	char *pattern = NULL;

	/* "ccXXXXXX.cdtor.c" */
	if (temporary && first)
		pattern = pattern_before(name, (size_t)(first - name), temporary);
	/* A suffix is short; ".pyc.140231" has a number for one. */
	if (dot && dot != name && end - (size_t)(dot - name) <= 5 &&
	    !strspn(dot + 1, "0123456789"))
		end = (size_t)(dot - name);
	return pattern ? pattern : pattern_before(name, end, temporary);
}
