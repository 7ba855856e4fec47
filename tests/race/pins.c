// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * pins list			name the attacks on the memory of the pins
 * pins once ATTACK GOOD EVIL	make one, and see that nothing has changed
 * pins bare ATTACK GOOD EVIL	make one on memory that nobody protects
 * pins race TRIES GOOD EVIL	make all of them, over and over, beside a thread
 *				that opens what the policy allows (GOOD) or denies
 *				(EVIL)
 * pins child TRIES GOOD EVIL	the same in a forked child that has its own memory
 *				where the pins of its parent are, full of EVIL
 * pins naive TRIES GOOD EVIL	as "child", of a program that is its own naive
 *				supervisor: it reads from a page that it did not seal
 *
 * The pins are found in /proc/self/maps by their name, /memfd:pointsman.  An
 * attack may fail or may do nothing; after it the mapping must be what it was,
 * and decisions must hold.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define PAGE ((size_t)4096)

/* The arena, as one or more neighbouring lines of /proc/self/maps. */
struct arena {
	unsigned char *start;
	size_t size;
	char perms[5];
	unsigned long inode;
};

static unsigned char *evil_page;	/* full of the denied path */
static const char *good, *evil;
static ino_t good_ino;

/* Returns false where there is none. */
static bool find_arena(struct arena *arena)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[4352];

	memset(arena, 0, sizeof(*arena));
	if (!maps)
		return false;
	while (fgets(line, sizeof(line), maps)) {
		unsigned long start, end, inode;
		char perms[5], name[4096];

		if (sscanf(line, "%lx-%lx %4s %*x %*s %lu %4095[^\n]", &start, &end, perms,
			   &inode, name) != 5 || strncmp(name, "/memfd:pointsman", 16))
			continue;
		if (arena->start && (uintptr_t)arena->start + arena->size != start)
			continue;
		if (!arena->start) {
			arena->start = (unsigned char *)start;
			memcpy(arena->perms, perms, sizeof(perms));
			arena->inode = inode;
		}
		arena->size += end - start;
	}
	fclose(maps);
	return arena->start;
}

/* What the kernel has noted of our address space: /proc/self/stat, as prctl(2) takes it. */
static bool read_mm_map(struct prctl_mm_map *map)
{
	char line[1024], *at;
	FILE *stat = fopen("/proc/self/stat", "re");
	unsigned long value[53] = { 0 };
	bool got;

	if (!stat)
		return false;
	got = fgets(line, sizeof(line), stat);
	fclose(stat);
	at = got ? strrchr(line, ')') : NULL;
	if (!at)
		return false;
	at += 4;	/* the fields from the fourth on */
	for (int field = 4; field <= 52; field++)
		value[field] = strtoul(at, &at, 10);
	memset(map, 0, sizeof(*map));
	map->start_code = value[26];
	map->end_code = value[27];
	map->start_stack = value[28];
	map->start_data = value[45];
	map->end_data = value[46];
	map->start_brk = value[47];
	map->brk = (uintptr_t)sbrk(0);
	map->arg_start = value[48];
	map->arg_end = value[49];
	map->env_start = value[50];
	map->env_end = value[51];
	map->exe_fd = (unsigned int)-1;
	return true;
}

static size_t page_of(const struct arena *arena, unsigned long n)
{
	return (n * 7919) % (arena->size / PAGE) * PAGE;
}

/* Attacks: on the whole arena and on a page somewhere in it. */

static int attack_munmap(const struct arena *arena, unsigned long n)
{
	int err = munmap(arena->start + page_of(arena, n), PAGE);

	return munmap(arena->start, arena->size) && err ? -1 : 0;
}

static int attack_munmap_around(const struct arena *arena, unsigned long n)
{
	(void)n;
	return munmap(arena->start - PAGE, arena->size + 2 * PAGE);
}

static int attack_mremap_away(const struct arena *arena, unsigned long n)
{
	void *page = mremap(arena->start + page_of(arena, n), PAGE, 2 * PAGE, MREMAP_MAYMOVE);

	return page == MAP_FAILED ? -1 : 0;
}

static int attack_mremap_shrink(const struct arena *arena, unsigned long n)
{
	(void)n;
	return mremap(arena->start, arena->size, PAGE, 0) == MAP_FAILED ? -1 : 0;
}

static int attack_mremap_over(const struct arena *arena, unsigned long n)
{
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return -1;
	memcpy(page, evil_page, PAGE);
	if (mremap(page, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		   arena->start + page_of(arena, n)) != MAP_FAILED)
		return 0;
	munmap(page, PAGE);
	return -1;
}

static int attack_mprotect(const struct arena *arena, unsigned long n)
{
	return mprotect(arena->start + page_of(arena, n), PAGE, PROT_READ | PROT_WRITE) &&
	       mprotect(arena->start, arena->size, PROT_NONE) ? -1 : 0;
}

static int attack_pkey_mprotect(const struct arena *arena, unsigned long n)
{
	return (int)syscall(SYS_pkey_mprotect, arena->start + page_of(arena, n), PAGE,
			    PROT_READ | PROT_WRITE, -1);
}

static int attack_map_fixed(const struct arena *arena, unsigned long n)
{
	unsigned char *page = mmap(arena->start + page_of(arena, n), PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (page == MAP_FAILED)
		return -1;
	memcpy(page, evil_page, PAGE);
	return 0;
}

static int attack_map_fixed_all(const struct arena *arena, unsigned long n)
{
	(void)n;
	return mmap(arena->start - PAGE, arena->size + 2 * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED ? -1 : 0;
}

static int attack_remap_file_pages(const struct arena *arena, unsigned long n)
{
	return (int)syscall(SYS_remap_file_pages, arena->start + page_of(arena, n), PAGE, 0,
			    n & 15, 0);
}

static int advise(const struct arena *arena, unsigned long n, int advice)
{
	int page = madvise(arena->start + page_of(arena, n), PAGE, advice);

	return madvise(arena->start, arena->size, advice) && page ? -1 : 0;
}

static int attack_dontneed(const struct arena *arena, unsigned long n)
{
	return advise(arena, n, MADV_DONTNEED);
}

static int attack_free(const struct arena *arena, unsigned long n)
{
	return advise(arena, n, MADV_FREE);
}

static int attack_remove(const struct arena *arena, unsigned long n)
{
	return advise(arena, n, MADV_REMOVE);
}

static int attack_wipeonfork(const struct arena *arena, unsigned long n)
{
	return advise(arena, n, MADV_WIPEONFORK);
}

static int attack_populate_write(const struct arena *arena, unsigned long n)
{
	return advise(arena, n, MADV_POPULATE_WRITE);
}

static int attack_pageout(const struct arena *arena, unsigned long n)
{
	return advise(arena, n, MADV_PAGEOUT);
}

/* Split into many mappings: still the same pages. */
static int attack_split(const struct arena *arena, unsigned long n)
{
	unsigned char *page = arena->start + page_of(arena, n);

	if (madvise(page, PAGE, MADV_DONTFORK))
		return -1;
	return madvise(page, PAGE, MADV_DOFORK);
}

static int attack_guard(const struct arena *arena, unsigned long n)
{
	unsigned char *page = arena->start + page_of(arena, n);

	if (madvise(page, PAGE, MADV_GUARD_INSTALL))
		return -1;
	return madvise(page, PAGE, MADV_GUARD_REMOVE);
}

static int attack_shmat(const struct arena *arena, unsigned long n)
{
	static int id = -1;
	void *at;

	if (id < 0) {
		id = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0600);
		at = id < 0 ? (void *)-1 : shmat(id, NULL, 0);
		if (at == (void *)-1)
			return -1;
		shmctl(id, IPC_RMID, NULL);
		memcpy(at, evil_page, PAGE);
	}
	at = shmat(id, arena->start + page_of(arena, n), SHM_REMAP);
	return at == (void *)-1 ? -1 : 0;
}

static int attack_brk(const struct arena *arena, unsigned long n)
{
	(void)n;
	return brk(arena->start + arena->size);
}

/*
 * Tell the kernel that the heap ends where the arena ends, and give back the
 * heap from where the arena begins.
 */
static int attack_prctl_mm_brk(const struct arena *arena, unsigned long n)
{
	unsigned long start = (uintptr_t)arena->start, end = start + arena->size;
	struct prctl_mm_map map = { 0 }, old;
	long now;

	(void)n;
	if (!read_mm_map(&old))
		return -1;
	map = old;
	map.start_brk = start;
	map.brk = end;
	if (prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map), 0))
		return -1;
	now = syscall(SYS_brk, start);
	if (prctl(PR_SET_MM, PR_SET_MM_MAP, &old, sizeof(old), 0))
		attack_die("PR_SET_MM_MAP");
	return (unsigned long)now == start ? 0 : -1;
}

static int attack_process_madvise(const struct arena *arena, unsigned long n)
{
	struct iovec range = { arena->start + page_of(arena, n), PAGE };
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	long did;

	if (fd < 0)
		return -1;
	did = syscall(SYS_process_madvise, fd, &range, 1, MADV_PAGEOUT, 0);
	did &= syscall(SYS_process_madvise, fd, &range, 1, MADV_DONTNEED, 0);
	close(fd);
	return did < 0 ? -1 : 0;
}

static int attack_proc_mem(const struct arena *arena, unsigned long n)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC), wrote;

	if (fd < 0)
		return -1;
	wrote = pwrite(fd, evil_page, PAGE, (off_t)(uintptr_t)(arena->start + page_of(arena, n))) > 0;
	close(fd);
	return wrote ? 0 : -1;
}

static int attack_vm_writev(const struct arena *arena, unsigned long n)
{
	struct iovec from = { evil_page, PAGE };
	struct iovec to = { arena->start + page_of(arena, n), PAGE };

	return process_vm_writev(getpid(), &from, 1, &to, 1, 0) > 0 ? 0 : -1;
}

/* The file behind the pins, opened once more by root. */
static int attack_map_files(const struct arena *arena, unsigned long n)
{
	char name[128];
	int fd, did = 0;
	void *page;

	snprintf(name, sizeof(name), "/proc/self/map_files/%lx-%lx", (unsigned long)arena->start,
		 (unsigned long)arena->start + arena->size);
	fd = open(name, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -1;
	did |= pwrite(fd, evil_page, PAGE, (off_t)page_of(arena, n)) > 0;
	did |= !ftruncate(fd, 0);
	did |= !ftruncate(fd, (off_t)arena->size * 2);
	did |= !fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)arena->size);
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)page_of(arena, n));
	if (page != MAP_FAILED) {
		memcpy(page, evil_page, PAGE);
		munmap(page, PAGE);
		did = 1;
	}
	close(fd);
	return did ? 0 : -1;
}

static int attack_poke(const struct arena *arena, unsigned long n)
{
	pid_t parent = getpid(), child = fork();
	int status;

	if (child < 0)
		return -1;
	if (!child) {
		if (ptrace(PTRACE_ATTACH, parent, 0, 0))
			_exit(1);
		waitpid(parent, NULL, __WALL);
		_exit(ptrace(PTRACE_POKEDATA, parent, arena->start + page_of(arena, n),
			     *(long *)evil_page) ? 1 : 0);
	}
	if (waitpid(child, &status, 0) != child)
		attack_die("waitpid");
	return status ? -1 : 0;
}

/*
 * What a pin is for is refused always (MUST_FAIL).  The others may succeed,
 * where they change nothing that counts.
 */
enum expect { MUST_FAIL, MAY_SUCCEED };

static const struct {
	const char *name;
	int (*make)(const struct arena *arena, unsigned long n);
	enum expect expect;
	bool alone;		/* not beside another thread */
	/* Memory on which it succeeds, so that it is known to be an attack. */
	enum { SHARED_READ, PRIVATE_READ, PRIVATE_WRITE, NOWHERE } bare;
} attacks[] = {
	{ "munmap", attack_munmap, MUST_FAIL, false, SHARED_READ },
	{ "munmap-around", attack_munmap_around, MUST_FAIL, true, SHARED_READ },
	{ "mremap-away", attack_mremap_away, MUST_FAIL, false, SHARED_READ },
	{ "mremap-shrink", attack_mremap_shrink, MUST_FAIL, false, SHARED_READ },
	{ "mremap-over", attack_mremap_over, MUST_FAIL, false, SHARED_READ },
	{ "mprotect", attack_mprotect, MUST_FAIL, false, SHARED_READ },
	{ "pkey_mprotect", attack_pkey_mprotect, MUST_FAIL, false, SHARED_READ },
	{ "map-fixed", attack_map_fixed, MUST_FAIL, false, SHARED_READ },
	{ "map-fixed-all", attack_map_fixed_all, MUST_FAIL, true, SHARED_READ },
	{ "remap_file_pages", attack_remap_file_pages, MUST_FAIL, false, SHARED_READ },
	{ "madvise-dontneed", attack_dontneed, MAY_SUCCEED, false, SHARED_READ },
	{ "madvise-free", attack_free, MUST_FAIL, false, PRIVATE_WRITE },
	{ "madvise-remove", attack_remove, MUST_FAIL, false, SHARED_READ },
	{ "madvise-wipeonfork", attack_wipeonfork, MUST_FAIL, false, PRIVATE_WRITE },
	{ "madvise-populate-write", attack_populate_write, MUST_FAIL, false, PRIVATE_WRITE },
	{ "madvise-pageout", attack_pageout, MAY_SUCCEED, false, SHARED_READ },
	{ "madvise-split", attack_split, MAY_SUCCEED, false, SHARED_READ },
	{ "madvise-guard", attack_guard, MAY_SUCCEED, false, SHARED_READ },
	{ "shmat-remap", attack_shmat, MUST_FAIL, false, SHARED_READ },
	{ "brk", attack_brk, MUST_FAIL, false, NOWHERE },
	{ "prctl-mm-brk", attack_prctl_mm_brk, MUST_FAIL, true, SHARED_READ },
	{ "process_madvise", attack_process_madvise, MAY_SUCCEED, false, SHARED_READ },
	{ "proc-mem", attack_proc_mem, MUST_FAIL, false, PRIVATE_READ },
	{ "vm-writev", attack_vm_writev, MUST_FAIL, false, PRIVATE_WRITE },
	{ "map_files", attack_map_files, MUST_FAIL, false, SHARED_READ },
	{ "ptrace-poke", attack_poke, MUST_FAIL, true, PRIVATE_READ },
};

#define ATTACKS (sizeof(attacks) / sizeof(attacks[0]))

/* 'r' it opened and is GOOD; 'W' it opened and is not; else the errno. */
static int open_it(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		attack_die("fstat");
	close(fd);
	return st.st_ino == good_ino ? 'r' : 'W';
}

static int once(const char *name)
{
	struct arena before, after;
	size_t i = 0;
	int made;

	while (i < ATTACKS && strcmp(attacks[i].name, name))
		i++;
	if (i == ATTACKS) {
		fprintf(stderr, "no attack '%s'\n", name);
		return 2;
	}
	if (open_it(good) != 'r' || !find_arena(&before)) {
		fprintf(stderr, "no /memfd:pointsman in /proc/self/maps\n");
		return 1;
	}
	if (strcmp(before.perms, "r--s")) {
		fprintf(stderr, "the pins are mapped %s\n", before.perms);
		return 1;
	}
	errno = 0;
	made = attacks[i].make(&before, 5);
	if (!made && attacks[i].expect == MUST_FAIL) {
		fprintf(stderr, "%s succeeded\n", name);
		return 1;
	}
	if (!find_arena(&after) || memcmp(&before, &after, sizeof(before))) {
		fprintf(stderr, "%s changed the mapping: %p %#zx %s %lu, was %p %#zx %s %lu\n",
			name, (void *)after.start, after.size, after.perms, after.inode,
			(void *)before.start, before.size, before.perms, before.inode);
		return 1;
	}
	if (open_it(good) != 'r' || open_it(evil) != -EACCES) {
		fprintf(stderr, "after %s decisions no longer hold: %d %d\n", name,
			open_it(good), open_it(evil));
		return 1;
	}
	printf("%s\n", made ? "refused" : "without effect");
	return 0;
}

/* Against memory that nobody protects, the attack succeeds. */
static int bare(const char *name)
{
	int fd = memfd_create("bare", MFD_CLOEXEC), flags = MAP_PRIVATE, prot = PROT_READ;
	struct arena arena = { .size = 64 * PAGE };
	size_t i = 0;

	while (i < ATTACKS && strcmp(attacks[i].name, name))
		i++;
	if (i == ATTACKS || fd < 0 || ftruncate(fd, (off_t)(arena.size + 2 * PAGE)))
		return 2;
	switch (attacks[i].bare) {
	case NOWHERE:
		printf("reaches no mapping on this kernel\n");
		return 0;
	case SHARED_READ:
		flags = MAP_SHARED;
		break;
	case PRIVATE_WRITE:
		prot |= PROT_WRITE;
		flags |= MAP_ANONYMOUS;
		break;
	case PRIVATE_READ:
		break;
	}
	/* With room on both sides. */
	arena.start = mmap(NULL, arena.size + 2 * PAGE, prot, flags,
			   flags & MAP_ANONYMOUS ? -1 : fd, 0);
	if (arena.start == MAP_FAILED)
		attack_die("mmap");
	munmap(arena.start, PAGE);
	munmap(arena.start + arena.size + PAGE, PAGE);
	arena.start += PAGE;
	if (attacks[i].make(&arena, 5)) {
		fprintf(stderr, "%s fails by itself: %s\n", name, strerror(errno));
		return 1;
	}
	printf("succeeds\n");
	return 0;
}

static atomic_bool stop;
static atomic_ulong rounds;

static void *hammer(void *data)
{
	const struct arena *arena = data;
	unsigned long n = 0;

	attack_place(true);
	while (!atomic_load(&stop)) {
		for (size_t i = 0; i < ATTACKS; i++)
			if (!attacks[i].alone)
				attacks[i].make(arena, n++);
		atomic_fetch_add(&rounds, 1);
	}
	return NULL;
}

/* The pages are ours: write what is denied all over them. */
static void *scribble(void *data)
{
	const struct arena *arena = data;

	attack_place(true);
	while (!atomic_load(&stop)) {
		for (size_t at = 0; at < 64 * PAGE; at += PAGE)
			memcpy(arena->start + at, evil_page, PAGE);
		atomic_fetch_add(&rounds, 1);
	}
	return NULL;
}

/*
 * Open GOOD and EVIL by turns.  What may come out: GOOD is opened, EVIL is
 * refused, and, under a guard page, EFAULT.
 */
static int open_many(unsigned long wanted, void *(*attacker)(void *), struct arena *arena)
{
	unsigned long refused = 0, ran = 0, other = 0, wins = 0, tries;
	pthread_t thread;

	errno = pthread_create(&thread, NULL, attacker, arena);
	if (errno)
		attack_die("pthread_create");
	attack_place(false);
	while (!atomic_load(&rounds))
		sched_yield();
	for (tries = 0; tries < wanted; tries++) {
		int got = open_it(tries & 1 ? evil : good);

		if (got == 'r' && !(tries & 1))
			ran++;
		else if (got == 'r' || got == 'W')
			wins++;
		else if (got == -EACCES && (tries & 1))
			refused++;
		else
			other++;
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	printf("tries=%lu refused=%lu ran=%lu other=%lu wins=%lu\n", tries, refused, ran, other,
	       wins);
	return 0;
}

static int race(unsigned long wanted)
{
	struct arena arena;

	if (open_it(good) != 'r' || !find_arena(&arena)) {
		fprintf(stderr, "no /memfd:pointsman in /proc/self/maps\n");
		return 1;
	}
	return open_many(wanted, hammer, &arena);
}

/* A memfd of the same name and size, writable, where the pins were. */
static void put_own_page(const struct arena *arena)
{
	int fd = memfd_create("pointsman", MFD_CLOEXEC);
	void *own;

	if (fd < 0 || ftruncate(fd, (off_t)arena->size))
		attack_die("memfd_create");
	own = mmap(arena->start, arena->size, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
	if (own != arena->start)
		attack_die("mapping over the pins of the parent");
	close(fd);
}

static int keep_by_process_madvise(const struct arena *arena)
{
	struct iovec range = { arena->start, arena->size };
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	long did;

	if (fd < 0)
		attack_die("pidfd_open");
	did = syscall(SYS_process_madvise, fd, &range, 1, MADV_DONTFORK, 0);
	close(fd);
	return did == (long)arena->size ? 0 : -1;
}

/* Status 4: this kernel keeps nothing from a fork by process_madvise. */
static int child(unsigned long wanted, bool by_process)
{
	struct arena arena;
	bool kept = false;
	int status;
	pid_t pid;

	if (open_it(good) != 'r' || !find_arena(&arena)) {
		fprintf(stderr, "no /memfd:pointsman in /proc/self/maps\n");
		return 1;
	}
	if (by_process && keep_by_process_madvise(&arena)) {
		if (errno != EINVAL && errno != ENOSYS)
			attack_die("process_madvise");
		return 4;
	}
	if (!by_process && madvise(arena.start, arena.size, MADV_DONTFORK)) {
		/* Refused where the pins are not sealed: the child has them then. */
		if (errno != EPERM)
			attack_die("MADV_DONTFORK");
		kept = true;
	}
	pid = fork();
	if (pid < 0)
		attack_die("fork");
	if (!pid) {
		if (!kept)
			put_own_page(&arena);
		status = open_many(wanted, kept ? hammer : scribble, &arena);
		fflush(stdout);
		_exit(status);
	}
	if (waitpid(pid, &status, 0) != pid)
		attack_die("waitpid");
	if (status)
		fprintf(stderr, "the child ended with status %#x\n", status);
	return status ? 1 : 0;
}

/* A supervisor that copies the path to a page which anybody may write. */
static int naive(unsigned long wanted)
{
	unsigned long refused = 0, ran = 0, wins = 0, tries;
	struct arena arena = { .size = 64 * PAGE };
	pthread_t thread;

	arena.start = mmap(NULL, arena.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	if (arena.start == MAP_FAILED)
		attack_die("mmap");
	errno = pthread_create(&thread, NULL, scribble, &arena);
	if (errno)
		attack_die("pthread_create");
	attack_place(false);
	while (!atomic_load(&rounds))
		sched_yield();
	for (tries = 0; tries < wanted && !wins; tries++) {
		int got;

		if (tries & 1) {
			refused++;
			continue;
		}
		strcpy((char *)arena.start, good);
		got = open_it((char *)arena.start);
		if (got == 'W')
			wins++;
		else
			ran++;
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	printf("tries=%lu refused=%lu ran=%lu other=0 wins=%lu\n", tries, refused, ran, wins);
	return 0;
}

static void prepare(char **argv)
{
	struct stat st;
	size_t step;

	good = argv[3];
	evil = argv[4];
	if (stat(good, &st))
		attack_die("%s", good);
	good_ino = st.st_ino;
	evil_page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (evil_page == MAP_FAILED)
		attack_die("mmap");
	/* A path lies somewhere near the beginning of a pin. */
	step = (strlen(evil) + 1 + 63) & ~(size_t)63;
	for (size_t at = 0; at + step <= PAGE; at += step)
		strcpy((char *)evil_page + at, evil);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "list")) {
		for (size_t i = 0; i < ATTACKS; i++)
			puts(attacks[i].name);
		return 0;
	}
	if (argc != 5) {
		fprintf(stderr, "usage: pins list | pins once|bare|race|child|child-process|naive ATTACK|TRIES GOOD EVIL\n");
		return 2;
	}
	prepare(argv);
	if (!strcmp(argv[1], "once"))
		return once(argv[2]);
	if (!strcmp(argv[1], "bare"))
		return bare(argv[2]);
	if (!strcmp(argv[1], "race"))
		return race(strtoul(argv[2], NULL, 10));
	if (!strcmp(argv[1], "child"))
		return child(strtoul(argv[2], NULL, 10), false);
	if (!strcmp(argv[1], "child-process"))
		return child(strtoul(argv[2], NULL, 10), true);
	if (!strcmp(argv[1], "naive"))
		return naive(strtoul(argv[2], NULL, 10));
	return 2;
}
