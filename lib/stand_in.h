/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * stand_in.h - a call that the supervisor makes in the place of its thread
 *
 * Who only looks at a file needs no pin and no second stop: the supervisor has
 * found the file that was decided on, looks at it, and hands over what it saw.
 * It does so only where the thread itself would have been told the same.
 */
#ifndef POINTSMAN_STAND_IN_H
#define POINTSMAN_STAND_IN_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "call.h"

/* What the call answers, and what the thread finds in its memory then. */
struct stand_in {
	int64_t value;
	uint64_t to;
	size_t len;		/* 0: nothing is written */
	unsigned char bytes[PATH_MAX];
};

/*
 * Make the call, which was decided on and is let run.  Nothing is written to the
 * thread, which is stopped.  False where it has to run by itself.  One thread of
 * the supervisor asks at a time.
 */
bool stand_in(const struct pm_call *call, struct stand_in *answer);

/* Does it ask only what pm_where has, but for its descriptor? */
bool stand_in_only_asks(const struct pm_call *call);
/* Or by its name in a directory that is kept? */
bool stand_in_asks_again(const struct pm_call *call);

/* Does it ask for rights?  That can be answered where they are known to be alike. */
bool stand_in_asks_rights(const struct pm_call *call);

/* Is the file one of which everybody is told, and finds, the same: the thread of the call too? */
bool stand_in_knows(const struct pm_call *call, const struct pm_where *where);

#endif
