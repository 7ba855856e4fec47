/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * starve.h - the n-th request for memory, or for a thread, fails: of this process and
 * of all that it forks
 *
 * The allocators of a program that this is linked to are those of starve.c, for all
 * libraries that it has.  What it executes has its own.
 */
#ifndef POINTSMAN_TEST_STARVE_H
#define POINTSMAN_TEST_STARVE_H

#include <stdbool.h>
#include <stddef.h>

enum starve { STARVE_NOTHING, STARVE_MEMORY, STARVE_THREADS };

/* Memory that this process shares with all that it forks, cleared. */
void *shared(size_t size);
/* Before any of the others, and before a fork. */
void starve_init(void);
/* From now on; lasting: all after the n-th fail as well. */
void starve_begin(enum starve what, long n, bool lasting);
/* Of memory, and in this process only. */
void starve_here(long n);
/* Not any more.  How many have failed. */
long starve_end(void);
/* How many pieces of memory this process holds. */
long starve_held(void);

#endif
