/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arena.h"

#ifndef SYS_mseal
#define SYS_mseal 462
#endif

static struct arena *make(void)
{
	struct arena *arena;

	assert_int_equal(arena_new(&arena), 0);
	return arena;
}

static void *map_read_only(const struct arena *arena)
{
	void *map = mmap(NULL, ARENA_SIZE, PROT_READ, MAP_SHARED, arena->fd, 0);

	assert_ptr_not_equal(map, MAP_FAILED);
	return map;
}

static void descriptor_cannot_write(void **state)
{
	struct arena *arena = make();
	char path[64];
	int fd;

	(void)state;
	assert_int_equal(write(arena->fd, "x", 1), -1);
	assert_ptr_equal(mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, arena->fd, 0),
			 MAP_FAILED);
	/* Opened anew for writing: the seals are the file's. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", arena->fd);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(ftruncate(fd, ARENA_SIZE * 2), -1);
	assert_int_equal(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), -1);
	assert_ptr_equal(mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0),
			 MAP_FAILED);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	close(fd);
	arena_put(arena);
}

static void supervisor_writes_and_target_reads(void **state)
{
	struct arena *arena = make();
	const char *map = map_read_only(arena);
	struct slot slot;

	(void)state;
	assert_int_equal(slot_take(arena, 5, &slot), 0);
	strcpy(slot_memory(&slot), "pins");
	assert_string_equal(map + slot.offset, "pins");
	slot_drop(&slot);
	assert_string_equal(map, "");
	assert_int_equal(munmap((void *)map, ARENA_SIZE), 0);
	arena_put(arena);
}

static unsigned long shared_kib(void)
{
	unsigned long kib = 0;
	char line[128];
	FILE *status = fopen("/proc/self/status", "r");

	assert_non_null(status);
	while (fgets(line, sizeof(line), status) && sscanf(line, "RssShmem: %lu kB", &kib) != 1)
		;
	fclose(status);
	return kib;
}

/* What a process costs that only lives; all of them have called, and are still in a call. */
static void many_arenas_need_memory_of_few(void **state)
{
	enum { MANY = 3 * ARENA_MAPPED };
	const unsigned long before = shared_kib(), most = ARENA_MAPPED * (ARENA_PAGE / 1024);
	struct arena *arenas[MANY];
	struct slot slots[MANY];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		arenas[i] = make();
		assert_int_equal(slot_take(arenas[i], 16, &slots[i]), 0);
		memcpy(slot_memory(&slots[i]), &i, sizeof(i));
	}
	assert_in_range(shared_kib() - before, 1, most);
	for (int i = 0; i < MANY; i++) {
		assert_memory_equal(slot_memory(&slots[i]), &i, sizeof(i));
		slot_drop(&slots[i]);
	}
	assert_in_range(shared_kib() - before, 1, most);
	for (int i = 0; i < MANY; i++)
		arena_put(arenas[i]);
	assert_int_equal(shared_kib(), before);
}

static void slots_do_not_overlap(void **state)
{
	struct arena *arena = make();
	static struct slot slots[ARENA_GRAINS];
	struct slot one;

	(void)state;
	for (size_t i = 0; i < ARENA_GRAINS; i++) {
		assert_int_equal(slot_take(arena, 1 + i % ARENA_GRAIN, &slots[i]), 0);
		assert_int_equal(slots[i].offset, i * ARENA_GRAIN);
	}
	assert_int_equal(slot_take(arena, 1, &one), -ENOMEM);
	slot_drop(&slots[7]);
	slot_drop(&slots[9]);
	assert_int_equal(slot_take(arena, ARENA_GRAIN + 1, &one), -ENOMEM);
	slot_drop(&slots[8]);
	assert_int_equal(slot_take(arena, 3 * ARENA_GRAIN, &one), 0);
	assert_int_equal(one.offset, 7 * ARENA_GRAIN);
	slot_drop(&one);
	for (size_t i = 0; i < ARENA_GRAINS; i++)
		slot_drop(&slots[i]);
	assert_int_equal(slot_take(arena, ARENA_SIZE, &one), 0);
	slot_drop(&one);
	assert_int_equal(slot_take(arena, ARENA_SIZE + 1, &one), -ENOMEM);
	assert_int_equal(arena->refs, 1);
	arena_put(arena);
}

static void mapping_is_recognised(void **state)
{
	struct arena *arena = make(), *other = make();
	char *map = map_read_only(arena), *copy;
	uint64_t addr = (uint64_t)map;

	(void)state;
	assert_int_equal(arena_mapped(arena, getpid(), addr, false), 1);
	assert_int_equal(arena_mapped(other, getpid(), addr, false), 0);
	assert_int_equal(arena_mapped(arena, getpid(), addr + ARENA_PAGE, false), 0);
	assert_int_equal(arena_mapped(arena, getpid(), 4096, false), 0);

	/* Split, it is still the arena. */
	assert_int_equal(madvise(map + ARENA_PAGE, ARENA_PAGE, MADV_DONTFORK), 0);
	assert_int_equal(arena_mapped(arena, getpid(), addr, false), 1);

	/* With a look-alike page of another file, of other bytes, or a hole, it is not. */
	copy = mmap(map + ARENA_PAGE, ARENA_PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, other->fd,
		    ARENA_PAGE);
	assert_ptr_equal(copy, map + ARENA_PAGE);
	assert_int_equal(arena_mapped(arena, getpid(), addr, false), 0);
	copy = mmap(map + ARENA_PAGE, ARENA_PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, arena->fd, 0);
	assert_int_equal(arena_mapped(arena, getpid(), addr, false), 0);
	copy = mmap(map + ARENA_PAGE, ARENA_PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, arena->fd,
		    ARENA_PAGE);
	assert_int_equal(arena_mapped(arena, getpid(), addr, false), 0);
	assert_int_equal(munmap(map + ARENA_PAGE, ARENA_PAGE), 0);
	assert_int_equal(arena_mapped(arena, getpid(), addr, false), 0);
	assert_int_equal(munmap(map, ARENA_SIZE), 0);
	assert_int_equal(arena_mapped(arena, getpid(), addr, false), 0);
	arena_put(arena);
	arena_put(other);
}

/* In a process of its own, of which it stays a part: did the arena come to lie where it should? */
static int accepted(const struct arena *arena, bool taken)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (taken && mmap((void *)ARENA_LOW, ARENA_PAGE, PROT_NONE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
				     MAP_FAILED)
			_exit(9);
		arena_accept(dup(arena->fd));
		_exit(arena_mapped(arena, getpid(), ARENA_LOW, true));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void offer_is_accepted(void **state)
{
	struct arena *arena = make(), *tried = NULL;

	(void)state;
	assert_int_equal(accepted(arena, true), 0);
	if (accepted(arena, false) != 1) {
		assert_false(arena_seals(NULL));
		arena_put(arena);
		print_message("kernel: no mseal\n");
		skip();
	}
	assert_true(arena_seals(&tried));
	assert_int_equal(arena_mapped(tried, getpid(), ARENA_LOW, true), 1);
	arena_put(tried);
	arena_put(arena);
}

/* What is not sealed, or in parts only, is not taken for it. */
static void seal_is_seen(void **state)
{
	struct arena *arena = make();
	char *map = map_read_only(arena);
	uint64_t addr = (uint64_t)map;

	(void)state;
	if (!arena_seals(NULL)) {
		arena_put(arena);
		print_message("kernel: no mseal\n");
		skip();
	}
	assert_int_equal(arena_mapped(arena, getpid(), addr, true), 0);
	assert_int_equal(syscall(SYS_mseal, map, 4 * ARENA_PAGE, 0), 0);
	assert_int_equal(arena_mapped(arena, getpid(), addr, true), 0);
	assert_int_equal(syscall(SYS_mseal, map + 5 * ARENA_PAGE, ARENA_SIZE - 5 * ARENA_PAGE, 0), 0);
	assert_int_equal(arena_mapped(arena, getpid(), addr, true), 0);
	assert_int_equal(syscall(SYS_mseal, map, ARENA_SIZE, 0), 0);
	assert_int_equal(arena_mapped(arena, getpid(), addr, true), 1);
	assert_int_equal(arena_mapped(arena, getpid(), addr, false), 1);
	assert_int_equal(arena_mapped(arena, getpid(), addr + ARENA_PAGE, true), 0);
	/* Split, it is sealed still. */
	assert_int_equal(madvise(map + ARENA_PAGE, ARENA_PAGE, MADV_DONTFORK), 0);
	assert_int_equal(arena_mapped(arena, getpid(), addr, true), 1);
	arena_put(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptor_cannot_write),
		cmocka_unit_test(supervisor_writes_and_target_reads),
		cmocka_unit_test(many_arenas_need_memory_of_few),
		cmocka_unit_test(slots_do_not_overlap),
		cmocka_unit_test(mapping_is_recognised),
		/* Low memory is taken after it. */
		cmocka_unit_test(offer_is_accepted),
		cmocka_unit_test(seal_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
