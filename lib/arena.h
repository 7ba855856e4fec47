/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * arena.h - the memory behind the pins of one address space
 *
 * A memfd that the supervisor maps writable before it is sealed, and that
 * nobody can write, resize or map writable afterwards.  The target maps it
 * shared and read-only.  Calls in flight hold slots of it.
 */
#ifndef POINTSMAN_ARENA_H
#define POINTSMAN_ARENA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ARENA_SIZE ((size_t)16 << 20)
#define ARENA_PAGE ((size_t)4096)
/* Low in memory: smaps is read up to there, and takes long where more is mapped. */
#define ARENA_LOW ((uintptr_t)256 << 20)
/* Slots are multiples of this: a path and what goes with it; there is room for 65536 calls. */
#define ARENA_GRAIN ((size_t)256)
#define ARENA_GRAINS (ARENA_SIZE / ARENA_GRAIN)
/* So many arenas, those used last, have pages that count as the supervisor's memory. */
#define ARENA_MAPPED 64

/*
 * Owner: the address spaces that map it (a fork shares its parent's) and the
 * slots in use, by reference.
 */
struct arena {
	unsigned int refs;
	int fd;			/* read-only descriptor, what targets are handed */
	unsigned char *map;	/* the supervisor's, writable */
	dev_t dev;
	ino_t ino;
	uint64_t *used;		/* a bit a grain; those beyond are free */
	size_t words;
	atomic_bool mapped; /* its pages are in our page tables */
};

/* A part of an arena that one call in flight owns. */
struct slot {
	struct arena *arena;	/* a reference, or NULL: no slot */
	size_t offset, size;
};

/* Returns 0 or a negative errno. */
int arena_new(struct arena **out);
struct arena *arena_get(struct arena *arena);
void arena_put(struct arena *arena);

/* Returns 0, or -ENOMEM where no room is left. */
int slot_take(struct arena *arena, size_t size, struct slot *slot);
/* Wipes the bytes: a forked process that shares the mapping reads no leftovers. */
void slot_drop(struct slot *slot);
/* Gives it up as it is, at the end: a call that has been answered may not have read it yet. */
void slot_leave(struct slot *slot);
static inline void *slot_memory(const struct slot *slot)
{
	return slot->arena->map + slot->offset;
}

/*
 * Is all of [addr, addr + ARENA_SIZE) of the process a read-only shared
 * mapping of this arena at consecutive offsets, and, where that is asked for,
 * sealed?  What the program was told when it made the mapping does not count:
 * a filter of its own may have answered.  Reads /proc/PID/maps or smaps.
 * Returns 1, 0, or a negative errno.
 */
int arena_mapped(const struct arena *arena, pid_t pid, uint64_t addr, bool sealed);

/*
 * Does this kernel seal mappings, and say in smaps that it has?  tried (or NULL) then becomes
 * the arena that was tried with, and is still mapped here: the caller's reference.
 */
bool arena_seals(struct arena **tried);

/*
 * A process maps the arena of this descriptor at ARENA_LOW, seals it and closes the descriptor.
 * Where that fails, it is for arena_mapped() to see.
 */
void arena_accept(int fd);

#endif
