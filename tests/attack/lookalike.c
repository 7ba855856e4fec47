// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * lookalike try TRIES GOOD EVIL	where the pins of the parent are, a child has a mapping of
 *					its own that looks like them in every way but one: it is
 *					written by the child all the time, with EVIL
 * lookalike trust TRIES GOOD EVIL	the same of a program that is its own supervisor, and
 *					trusts what looks so
 *
 * It has the name, the size, the seals and the rights of the pins, and is sealed in its
 * place; it was mapped writable before its file was sealed, as that of a supervisor is.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "race.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#define MSEAL 462
#define PAGE 4096u

static const char *good, *evil;
static atomic_ulong rounds;

struct alike {
	char *writable, *there;
	size_t size;
};

static struct alike make(void *at, size_t size)
{
	const int seals = F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	struct alike alike = { .size = size };
	int fd = memfd_create("pointsman", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	/* The place is taken before anything else lies there. */
	at = mmap(at, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED_NOREPLACE : 0),
		  -1, 0);
	check(at != MAP_FAILED);
	check(fd >= 0 && !ftruncate(fd, (off_t)size));
	alike.writable = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check(alike.writable != MAP_FAILED);
	check(!fcntl(fd, F_ADD_SEALS, seals));
	alike.there = mmap(at, size, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
	check(alike.there == at);
	/* Where there is no such call, pins are not sealed either. */
	if (syscall(MSEAL, alike.there, size, 0))
		check(errno == ENOSYS || errno == EPERM);
	close(fd);
	return alike;
}

static void *scribble(void *data)
{
	const struct alike *alike = data;
	size_t step = (strlen(evil) + 1 + 63) & ~(size_t)63;

	attack_place(true);
	for (;;) {
		for (size_t at = 0; at < 64 * PAGE && at + step <= alike->size; at += step)
			strcpy(alike->writable + at, evil);
		atomic_fetch_add(&rounds, 1);
	}
	return NULL;
}

static ino_t inode_of(const char *path)
{
	struct stat st;

	check(!stat(path, &st));
	return st.st_ino;
}

static void start(struct alike *alike)
{
	pthread_t thread;

	check(!pthread_create(&thread, NULL, scribble, alike));
	attack_place(false);
	while (!atomic_load(&rounds))
		sched_yield();
}

static int open_both(struct alike *alike, unsigned long tries)
{
	struct race race = { .evil_ino = inode_of(evil) };

	start(alike);
	for (unsigned long i = 0; i < tries; i++)
		race_opened(&race, (int)syscall(SYS_openat, AT_FDCWD, i & 1 ? evil : good,
						O_RDONLY | O_CLOEXEC));
	race_print(&race);
	return 0;
}

static int trust(unsigned long tries)
{
	struct alike alike = make(NULL, 64 * PAGE);
	struct race race = { .evil_ino = inode_of(evil) };

	start(&alike);
	for (unsigned long i = 0; i < tries && !race.count[WIN]; i++) {
		strcpy(alike.writable, good);
		race_opened(&race, (int)syscall(SYS_openat, AT_FDCWD, alike.there,
						O_RDONLY | O_CLOEXEC));
	}
	race_print(&race);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long tries;
	struct pins pins;
	int status;
	pid_t pid;

	if (argc != 5 || (strcmp(argv[1], "try") && strcmp(argv[1], "trust"))) {
		fprintf(stderr, "usage: lookalike try|trust TRIES GOOD EVIL\n");
		return 2;
	}
	tries = strtoul(argv[2], NULL, 10);
	good = argv[3];
	evil = argv[4];
	if (!strcmp(argv[1], "trust"))
		return trust(tries);
	close(open(good, O_RDONLY | O_CLOEXEC));
	check(check_find_pins(&pins));
	if (!check_forget_pins()) {
		printf("guarded\n");
		return 0;
	}
	pid = fork();
	check(pid >= 0);
	if (!pid) {
		struct alike alike = make(pins.start, pins.size);

		status = open_both(&alike, tries);
		fflush(stdout);
		_exit(status);
	}
	check(waitpid(pid, &status, 0) == pid);
	return status ? 1 : 0;
}
