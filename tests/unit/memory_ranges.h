/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_ranges.h - for tests: a target's memory as a list of readable ranges */
#ifndef POINTSMAN_TEST_MEMORY_RANGES_H
#define POINTSMAN_TEST_MEMORY_RANGES_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "call.h"

#define MEMORY_RANGES 64

struct memory {
	struct range {
		uint64_t addr;
		unsigned char *bytes;
		size_t len;
	} ranges[MEMORY_RANGES];
	size_t count;
	bool scribble;		/* what was read once reads differently afterwards */
	size_t reads;
};

static inline void memory_add(struct memory *memory, uint64_t addr, const void *bytes, size_t len)
{
	if (memory->count < MEMORY_RANGES)
		memory->ranges[memory->count++] =
			(struct range){ addr, (unsigned char *)bytes, len };
}

static inline const struct range *memory_range(const struct memory *memory, uint64_t addr)
{
	for (size_t i = 0; i < memory->count; i++)
		if (addr - memory->ranges[i].addr < memory->ranges[i].len)
			return &memory->ranges[i];
	return NULL;
}

static inline ssize_t memory_read_ranges(void *data, uint64_t addr, void *buf, size_t len)
{
	struct memory *memory = data;
	size_t done = 0;

	memory->reads++;
	while (done < len) {
		const struct range *range = memory_range(memory, addr + done);
		size_t at, n;

		if (!range)
			break;
		at = (size_t)(addr + done - range->addr);
		n = range->len - at < len - done ? range->len - at : len - done;
		memcpy((char *)buf + done, range->bytes + at, n);
		if (memory->scribble)
			memset(range->bytes + at, 0x5a, n);
		done += n;
	}
	return done || !len ? (ssize_t)done : -EFAULT;
}

static inline struct pm_reader memory_ranges_reader(struct memory *memory)
{
	return (struct pm_reader){ memory, memory_read_ranges };
}

#endif
