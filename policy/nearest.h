/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * nearest.h - which known word was meant by one that is not known
 *
 *	struct nearest nearest = { .word = "opnat" };
 *
 *	nearest_try(&nearest, "openat");
 *	... for each known word ...
 *	complain("'%s' is no call%s", word, nearest_hint(&nearest));
 */
#ifndef POINTSMAN_NEAREST_H
#define POINTSMAN_NEAREST_H

#include <stddef.h>

#define NEAREST_MAX 64	/* bytes: longer words are near to none */

/*
 * Owner: whoever holds the struct; word is kept, the others are copied.
 */
struct nearest {
	const char *word;
	char found[NEAREST_MAX + 1];	/* the nearest of those tried, "": none is near */
	size_t distance;		/* to found: letters to be changed */
	char hint[NEAREST_MAX + 32];
};

/* The first of two that are as near counts.  Case is not told apart, nor are - and _. */
void nearest_try(struct nearest *nearest, const char *known);

/* "; did you mean 'openat'?" or "", to end a message with; valid as long as nearest. */
const char *nearest_hint(struct nearest *nearest);

#endif
