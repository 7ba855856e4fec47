/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "arena.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cleanup.h"
#include "procmap.h"

#ifndef SYS_mseal
#define SYS_mseal 462
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

/*
 * Whose pages are in our page tables: those that were written last.  Those of others stay in
 * the memfd, and cost a fault when they are written again; a process that only lives costs
 * nothing but its struct.
 */
static struct {
	pthread_mutex_t lock;
	struct arena *arenas[ARENA_MAPPED];
	size_t oldest;
} kept = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Before it is written. */
static void keep_mapped(struct arena *arena)
{
	struct arena **place;

	if (atomic_load_explicit(&arena->mapped, memory_order_relaxed))
		return;
	pthread_mutex_lock(&kept.lock);
	place = &kept.arenas[kept.oldest];
	kept.oldest = (kept.oldest + 1) % ARENA_MAPPED;
	if (*place) {
		atomic_store_explicit(&(*place)->mapped, false, memory_order_relaxed);
		madvise((*place)->map, ARENA_SIZE, MADV_DONTNEED);
	}
	*place = arena;
	atomic_store_explicit(&arena->mapped, true, memory_order_relaxed);
	pthread_mutex_unlock(&kept.lock);
}

static void forget_mapped(struct arena *arena)
{
	pthread_mutex_lock(&kept.lock);
	for (size_t i = 0; atomic_load(&arena->mapped) && i < ARENA_MAPPED; i++)
		if (kept.arenas[i] == arena)
			kept.arenas[i] = NULL;
	pthread_mutex_unlock(&kept.lock);
}

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
	forget_mapped(arena);
	munmap(arena->map, ARENA_SIZE);
	close(arena->fd);
	free(arena->used);
	free(arena);
}

static bool grain_used(const struct arena *arena, size_t grain)
{
	return arena->used[grain / 64] >> (grain % 64) & 1;
}

static size_t grains(size_t size)
{
	return (size + ARENA_GRAIN - 1) / ARENA_GRAIN;
}

static void mark(struct arena *arena, size_t first, size_t count, bool used)
{
	for (size_t grain = first; grain < first + count; grain++) {
		uint64_t bit = (uint64_t)1 << (grain % 64);

		if (used)
			arena->used[grain / 64] |= bit;
		else
			arena->used[grain / 64] &= ~bit;
	}
}

/* Few calls are in flight at once: most processes never need more than a word. */
static int grow(struct arena *arena)
{
	size_t words = arena->words ? arena->words * 2 : 1;
	uint64_t *used;

	if (words > ARENA_GRAINS / 64)
		return -ENOMEM;
	used = reallocarray(arena->used, words, sizeof(*used));
	if (!used)
		return -ENOMEM;
	memset(used + arena->words, 0, (words - arena->words) * sizeof(*used));
	arena->used = used;
	arena->words = words;
	return 0;
}

static int take_free(struct arena *arena, size_t size, struct slot *slot)
{
	size_t want = grains(size), run = 0;

	for (size_t grain = 0; grain < arena->words * 64; grain++) {
		if (grain % 64 == 0 && arena->used[grain / 64] == ~(uint64_t)0) {
			run = 0;
			grain += 63;
			continue;
		}
		run = grain_used(arena, grain) ? 0 : run + 1;
		if (run < want)
			continue;
		slot->arena = arena_get(arena);
		slot->offset = (grain + 1 - want) * ARENA_GRAIN;
		slot->size = size;
		mark(arena, grain + 1 - want, want, true);
		return 0;
	}
	return -ENOMEM;
}

int slot_take(struct arena *arena, size_t size, struct slot *slot)
{
	int err;

	keep_mapped(arena);
	while ((err = take_free(arena, size, slot)) && !grow(arena))
		;
	return err;
}

void slot_leave(struct slot *slot)
{
	arena_put(slot->arena);
	slot->arena = NULL;
}

void slot_drop(struct slot *slot)
{
	if (!slot->arena)
		return;
	keep_mapped(slot->arena);
	memset(slot_memory(slot), 0, slot->size);
	mark(slot->arena, slot->offset / ARENA_GRAIN, grains(slot->size), false);
	slot_leave(slot);
}

/* What is known of [addr, addr + ARENA_SIZE) so far, line by line. */
struct survey {
	const struct arena *arena;
	uint64_t addr, next;	/* all up to next is as it has to be */
	bool sealed;		/* is wanted */
	uint64_t end;		/* of the mapping that the lines are about */
	bool inside;		/* smaps: it is a part of the arena */
	bool bad;
};

/* The line that begins a mapping. */
static void survey_mapping(struct survey *survey, uint64_t start, uint64_t end, const char *perms,
			   uint64_t offset, dev_t dev, uint64_t inode)
{
	const struct arena *arena = survey->arena;

	survey->inside = false;
	if (end <= survey->next)
		return;
	/* personality(2) can make executable whatever can be read. */
	if (start > survey->next || start < survey->addr || offset != start - survey->addr ||
	    (strcmp(perms, "r--s") && strcmp(perms, "r-xs")) || dev != arena->dev ||
	    inode != arena->ino) {
		survey->bad = true;
		return;
	}
	survey->inside = survey->sealed;
	if (!survey->sealed)
		survey->next = end;
}

static void survey_line(struct survey *survey, const char *line)
{
	uint64_t start, end, offset, inode;
	unsigned int major, minor;
	char perms[5];

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64, &start, &end,
		   perms, &offset, &major, &minor, &inode) == 7) {
		/* The one before has not said that it is sealed. */
		if (survey->inside)
			survey->bad = true;
		else
			survey_mapping(survey, start, end, perms, offset, makedev(major, minor),
				       inode);
		survey->end = end;
	} else if (survey->inside && !strncmp(line, "VmFlags:", 8)) {
		if (strstr(line, " sl"))
			survey->next = survey->end;
		else
			survey->bad = true;
		survey->inside = false;
	}
}

/* As by the lines of maps, where the kernel can be asked for one mapping (Linux 6.11). */
static int query_mapped(const struct arena *arena, int maps, uint64_t addr)
{
	struct procmap_query query;

	for (uint64_t next = addr; next < addr + ARENA_SIZE; next = query.vma_end) {
		query = (struct procmap_query){ .size = sizeof(query), .query_addr = next };
		if (ioctl(maps, PROCMAP_QUERY, &query))
			return errno == ENOENT ? 0 : -errno;
		if (query.vma_start < addr || query.vma_offset != query.vma_start - addr ||
		    (query.vma_flags & ~(uint64_t)PROCMAP_QUERY_VMA_EXECUTABLE) !=
			    (PROCMAP_QUERY_VMA_READABLE | PROCMAP_QUERY_VMA_SHARED) ||
		    makedev(query.dev_major, query.dev_minor) != arena->dev ||
		    query.inode != arena->ino)
			return 0;
	}
	return 1;
}

static int survey_mapped(const struct arena *arena, FILE *maps, uint64_t addr, bool sealed)
{
	struct survey survey = { .arena = arena, .addr = addr, .next = addr, .sealed = sealed };
	auto_free char *line = NULL;
	size_t room = 0;

	while (!survey.bad && survey.next < addr + ARENA_SIZE && getline(&line, &room, maps) > 0)
		survey_line(&survey, line);
	return !survey.bad && survey.next >= addr + ARENA_SIZE;
}

int arena_mapped(const struct arena *arena, pid_t pid, uint64_t addr, bool sealed)
{
	char path[64], buffer[ARENA_PAGE];
	int mapped = -ENOTTY;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, sealed ? "smaps" : "maps");
	maps = fopen(path, "re");
	if (!maps)
		return -errno;
	if (!sealed)
		mapped = query_mapped(arena, fileno(maps), addr);
	if (mapped < 0) {
		/* As much as the kernel tells at once. */
		setvbuf(maps, buffer, _IOFBF, sizeof(buffer));
		mapped = survey_mapped(arena, maps, addr, sealed);
	}
	fclose(maps);
	return mapped;
}

bool arena_seals(struct arena **tried)
{
	/* Where that is taken, the kernel chooses. */
	void *const low = (void *)ARENA_LOW;
	struct arena *arena;
	bool seals = false;
	void *map;

	if (arena_new(&arena))
		return false;
	map = mmap(low, ARENA_SIZE, PROT_READ, MAP_SHARED, arena->fd, 0);
	if (map != MAP_FAILED) {
		seals = !syscall(SYS_mseal, map, ARENA_SIZE, 0) &&
			arena_mapped(arena, getpid(), (uintptr_t)map, true) == 1;
	}
	if (seals && tried)
		*tried = arena_get(arena);
	arena_put(arena);
	return seals;
}

void arena_accept(int fd)
{
	void *const low = (void *)ARENA_LOW;
	void *map = mmap(low, ARENA_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);

	if (map == low)
		syscall(SYS_mseal, map, ARENA_SIZE, 0);
	else if (map != MAP_FAILED)
		munmap(map, ARENA_SIZE);
	close(fd);
}
