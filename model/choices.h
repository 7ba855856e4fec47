/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * choices.h - go through all ways that a deterministic program can take
 *
 * The program asks choose() wherever it could go on in several ways, and is run again
 * until choices_next() says that there is no other way.  What a run did not ask for cannot
 * have changed it, so one run stands for all that differ from it there only: no symmetry
 * is made use of.
 */
#ifndef MODEL_CHOICES_H
#define MODEL_CHOICES_H

#include <assert.h>
#include <stdbool.h>

#define CHOICES_MAX 64

struct choices {
	int made;		/* in this run */
	int known;		/* of them: as in the run before */
	unsigned char of[CHOICES_MAX], is[CHOICES_MAX];
};

/* One of 0 … of - 1. */
static inline unsigned int choose(struct choices *c, unsigned int of)
{
	assert(c->made < CHOICES_MAX);
	if (c->made == c->known) {
		c->of[c->made] = (unsigned char)of;
		c->is[c->made] = 0;
		c->known++;
	}
	assert(c->of[c->made] == of);
	return c->is[c->made++];
}

/* Prepare the next run; false where there is none. */
static inline bool choices_next(struct choices *c)
{
	assert(c->made == c->known);
	while (c->known > 0 && c->is[c->known - 1] + 1 == c->of[c->known - 1])
		c->known--;
	if (c->known == 0)
		return false;
	c->is[c->known - 1]++;
	c->made = 0;
	return true;
}

#endif
