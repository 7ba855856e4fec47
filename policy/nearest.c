/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "nearest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static int fold(char c)
{
	return c == '_' ? '-' : tolower((unsigned char)c);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * How many letters must be put in, left out, replaced, or swapped with the next one,
 * to make b of a.  Both have at most NEAREST_MAX.
 */
static size_t distance(const char *a, size_t alen, const char *b, size_t blen)
{
	/* Of the beginnings of a that are i - 2, i - 1 and i long, to each one of b. */
	size_t rows[3][NEAREST_MAX + 1];

	for (size_t i = 0; i <= alen; i++) {
		size_t *row = rows[i % 3], *before = rows[(i + 2) % 3], *second = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= blen; j++) {
			if (!i) {
				row[j] = j;
				continue;
			}
			row[j] = least(least(row[j - 1], before[j]) + 1,
				       before[j - 1] + (fold(a[i - 1]) != fold(b[j - 1])));
			if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
			    fold(a[i - 2]) == fold(b[j - 1]))
				row[j] = least(row[j], second[j - 2] + 1);
		}
	}
	return rows[alen % 3][blen];
}

/* What is further away was not meant: a slip in each four letters. */
static size_t limit(size_t len)
{
	return len < 3 ? 0 : len < 7 ? 1 : (len + 1) / 4;
}

void nearest_try(struct nearest *nearest, const char *known)
{
	size_t len = strlen(nearest->word), known_len = strlen(known), far;

	if (len > NEAREST_MAX || known_len > NEAREST_MAX)
		return;
	far = distance(nearest->word, len, known, known_len);
	if (far > limit(len) || (nearest->found[0] && far >= nearest->distance))
		return;
	memcpy(nearest->found, known, known_len + 1);
	nearest->distance = far;
}

const char *nearest_hint(struct nearest *nearest)
{
	nearest->hint[0] = '\0';
	if (nearest->found[0])
		snprintf(nearest->hint, sizeof(nearest->hint), "; did you mean '%s'?",
			 nearest->found);
	return nearest->hint;
}
