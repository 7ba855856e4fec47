/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory.h - the memory of a thread that waits for us */
#ifndef POINTSMAN_MEMORY_H
#define POINTSMAN_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "call.h"

/* A reader of this thread's memory for pm_call_read(); tid lives as long. */
struct pm_reader memory_reader(pid_t *tid);

/* Returns 0, or -EFAULT, -ESRCH, -EPERM (a thread that may not be read). */
int memory_write(pid_t tid, uint64_t to, const void *from, size_t len);
int memory_read(pid_t tid, uint64_t from, void *to, size_t len);

/*
 * A thread that is not stopped, but waits, may be killed meanwhile, and its number be
 * another's: then nothing is written.  stands() says whether it still waits.  Returns as
 * memory_write(); -ESRCH where it does not wait any more.
 */
int memory_write_standing(pid_t tid, uint64_t to, const void *from, size_t len,
			  const struct standing *standing);

#endif
