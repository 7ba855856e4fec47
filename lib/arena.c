/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "arena.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cleanup.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

/*
 * The descriptor that is handed out is a read-only one where /proc allows to
 * open it anew; the seals hold for the writable one as well.
 */
static int reopen_read_only(int fd)
{
	char path[64];
	int ro;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ro = open(path, O_RDONLY | O_CLOEXEC);
	return ro >= 0 ? ro : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

int arena_new(struct arena **out)
{
	const int seals = F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	auto_free struct arena *arena = calloc(1, sizeof(*arena));
	auto_close int fd = memfd_create("pointsman", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct stat st;
	void *map;

	if (!arena)
		return -ENOMEM;
	if (fd < 0 || ftruncate(fd, ARENA_SIZE) || fstat(fd, &st))
		return -errno;
	map = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	if (fcntl(fd, F_ADD_SEALS, seals)) {
		int err = -errno;

		munmap(map, ARENA_SIZE);
		return err;
	}
	arena->fd = reopen_read_only(fd);
	if (arena->fd < 0) {
		int err = -errno;

		munmap(map, ARENA_SIZE);
		return err;
	}
	arena->refs = 1;
	arena->map = map;
	arena->dev = st.st_dev;
	arena->ino = st.st_ino;
	*out = arena;
	arena = NULL;
	return 0;
}

struct arena *arena_get(struct arena *arena)
{
	if (arena)
		arena->refs++;
	return arena;
}

void arena_put(struct arena *arena)
{
	if (!arena || --arena->refs)
		return;
	munmap(arena->map, ARENA_SIZE);
	close(arena->fd);
	free(arena);
}

static bool page_used(const struct arena *arena, size_t page)
{
	return arena->used[page / 64] >> (page % 64) & 1;
}

static void mark_pages(struct arena *arena, size_t first, size_t count, bool used)
{
	for (size_t page = first; page < first + count; page++) {
		uint64_t bit = (uint64_t)1 << (page % 64);

		if (used)
			arena->used[page / 64] |= bit;
		else
			arena->used[page / 64] &= ~bit;
	}
}

int slot_take(struct arena *arena, size_t size, struct slot *slot)
{
	size_t want = (size + ARENA_PAGE - 1) / ARENA_PAGE;
	size_t run = 0;

	for (size_t page = 0; page < ARENA_PAGES; page++) {
		run = page_used(arena, page) ? 0 : run + 1;
		if (run < want)
			continue;
		slot->arena = arena_get(arena);
		slot->offset = (page + 1 - want) * ARENA_PAGE;
		slot->size = size;
		mark_pages(arena, page + 1 - want, want, true);
		return 0;
	}
	return -ENOMEM;
}

void slot_drop(struct slot *slot)
{
	if (!slot->arena)
		return;
	memset(slot_memory(slot), 0, slot->size);
	mark_pages(slot->arena, slot->offset / ARENA_PAGE,
		   (slot->size + ARENA_PAGE - 1) / ARENA_PAGE, false);
	arena_put(slot->arena);
	slot->arena = NULL;
}

/* One line of maps: does it continue the arena's mapping at *next? */
static bool continues(const struct arena *arena, const char *line, uint64_t addr,
		      uint64_t *next)
{
	uint64_t start, end, offset, inode;
	unsigned int major, minor;
	char perms[5];

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64, &start,
		   &end, perms, &offset, &major, &minor, &inode) != 7)
		return false;
	if (end <= *next)
		return true;
	if (start > *next)
		return false;
	if (strcmp(perms, "r--s") || makedev(major, minor) != arena->dev || inode != arena->ino ||
	    start < addr || offset != start - addr)
		return false;
	*next = end;
	return true;
}

int arena_mapped(const struct arena *arena, pid_t pid, uint64_t addr)
{
	uint64_t next = addr;
	auto_free char *line = NULL;
	size_t room = 0;
	char path[64];
	FILE *maps;
	bool good = true;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	if (!maps)
		return -errno;
	while (good && next < addr + ARENA_SIZE && getline(&line, &room, maps) > 0)
		good = continues(arena, line, addr, &next);
	fclose(maps);
	return good && next >= addr + ARENA_SIZE;
}
