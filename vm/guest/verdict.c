// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the kernel has to say at the end, beyond what panics at once: a taint, a
 * lock checker that has reported and gone silent, memory that nobody points to.
 * The host looks through the console for reports besides.
 */

#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define KMEMLEAK "/sys/kernel/debug/kmemleak"

#define YAMA "/proc/sys/kernel/yama/ptrace_scope"

/*
 * kmemleak says nothing of an object before it is five seconds old, nor at the
 * first scan that sees it.
 */
#define KMEMLEAK_AGE 5

static void write_must(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		fail("%s: %s", path, strerror(errno));
	close(fd);
}

void verdict_start(void)
{
	/* As Debian's kernel: its tests trace without being a parent. */
	if (access(YAMA, F_OK) == 0)
		write_must(YAMA, "0");
}

static void taint_check(void)
{
	FILE *file = fopen("/proc/sys/kernel/tainted", "re");
	unsigned long taint;

	if (!file || fscanf(file, "%lu", &taint) != 1)
		fail("cannot read the taint");
	fclose(file);
	if (taint)
		fail("the kernel is tainted: %lu", taint);
}

/* Without the lock checker there is no such file. */
static void lockdep_check(void)
{
	FILE *file = fopen("/proc/lockdep_stats", "re");
	char line[256];
	int on = -1;

	if (!file)
		return;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, " debug_locks: %d", &on) == 1)
			break;
	fclose(file);
	if (on != 1)
		fail("the lock checker has reported, or gone silent");
}

static void until_leaks_are_old(void)
{
	struct timespec then;

	clock_gettime(CLOCK_MONOTONIC, &then);
	then.tv_sec += KMEMLEAK_AGE + 1;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &then, NULL) ==
	       EINTR)
		;
}

static void kmemleak_check(void)
{
	char text[4096];
	ssize_t n;
	int fd;

	if (access(KMEMLEAK, F_OK) < 0)
		return;
	until_leaks_are_old();
	write_must(KMEMLEAK, "scan");
	write_must(KMEMLEAK, "scan");

	fd = open(KMEMLEAK, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail(KMEMLEAK ": %s", strerror(errno));
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		fail(KMEMLEAK ": %s", strerror(errno));
	if (n == 0) {
		close(fd);
		return;
	}
	/* The whole of it to the console, its head to the host. */
	do {
		text[n] = '\0';
		dprintf(STDERR_FILENO, "%s", text);
	} while ((n = read(fd, text, sizeof(text) - 1)) > 0);
	fail("kmemleak has found memory that nobody points to");
}

void verdict_check(void)
{
	kmemleak_check();
	lockdep_check();
	taint_check();
}
