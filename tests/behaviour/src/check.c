// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

const char *check_from, *check_denied;
static const char *expect;

bool check_supervised(void)
{
	return !strcmp(expect, "to");
}

void check_mediated(void)
{
	char buf[8] = "";
	long fd = syscall(SYS_openat, AT_FDCWD, check_from, O_RDONLY | O_CLOEXEC, 0);

	check(fd >= 0);
	check(read((int)fd, buf, sizeof(buf) - 1) > 0);
	check(!strncmp(buf, expect, strlen(expect)));
	check(!close((int)fd));
	fd = syscall(SYS_openat, AT_FDCWD, check_denied, O_RDONLY | O_CLOEXEC, 0);
	if (check_supervised())
		check(fd == -1 && errno == EACCES);
	else
		check(fd >= 0 && !close((int)fd));
}

void *check_shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	check(memory != MAP_FAILED);
	return memory;
}

bool check_find_pins(struct pins *pins)
{
	static char text[1 << 16];
	size_t have = 0;
	ssize_t n;
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);

	memset(pins, 0, sizeof(*pins));
	if (fd < 0)
		return false;
	while ((n = read(fd, text + have, sizeof(text) - 1 - have)) > 0)
		have += (size_t)n;
	close(fd);
	text[have] = '\0';
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		unsigned long start, end;

		if (!strstr(line, "/memfd:pointsman") || sscanf(line, "%lx-%lx", &start, &end) != 2)
			continue;
		if (!pins->start)
			pins->start = (unsigned char *)start;
		pins->size = end - (uintptr_t)pins->start;
	}
	return pins->start;
}

bool check_forget_pins(void)
{
	struct pins pins;

	if (!check_find_pins(&pins))
		return false;
	if (!madvise(pins.start, pins.size, MADV_DONTFORK))
		return true;
	check(errno == EPERM);
	return false;
}

void check_wait(pid_t pid, int status)
{
	int got;

	check(waitpid(pid, &got, 0) == pid);
	if (got != status) {
		fprintf(stderr, "%d ended with status %#x, expected %#x\n", pid, got, status);
		_exit(1);
	}
}

void check_in_child(void (*body)(void))
{
	pid_t pid = fork();

	check(pid >= 0);
	if (!pid) {
		body();
		_exit(0);
	}
	check_wait(pid, 0);
}

int check_main(const struct test *tests, size_t n, int argc, char **argv)
{
	check_from = getenv("CHECK_FROM");
	check_denied = getenv("CHECK_DENIED");
	expect = getenv("CHECK_EXPECT");
	if (argc < 2 || !check_from || !check_denied || !expect) {
		fprintf(stderr, "usage: %s TEST [ARG...], with CHECK_FROM, CHECK_DENIED, CHECK_EXPECT\n",
			argv[0]);
		return 2;
	}
	for (size_t i = 0; i < n; i++) {
		if (strcmp(tests[i].name, argv[1]))
			continue;
		tests[i].run(argv + 2);
		return 0;
	}
	fprintf(stderr, "%s: no test '%s'\n", argv[0], argv[1]);
	return 2;
}
