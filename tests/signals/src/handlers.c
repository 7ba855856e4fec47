// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * handlers TEST MODE - signal handlers that make redirected calls themselves, leave by
 * siglongjmp, and run on another stack
 */
#define _GNU_SOURCE
#include "signals.h"

#include <fcntl.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define READ_FD 900
#define ASKED_READ_FD 901
#define STACK_SIZE (1 << 16)
#define TICK 1000000 /* ns */
#define TICK_MAX 500000000

static volatile unsigned long handled; /* how many handlers have come to their end */
static volatile bool jumps; /* every second of them jumps */
static char *stack; /* that they are to run on, or NULL */
static sigjmp_buf out;
static volatile unsigned long progress; /* of what is interrupted */

/*
 * The next one comes a millisecond later, or later where what it interrupts has done
 * nothing since the last one.
 */
static void come_again(void)
{
	static unsigned long seen;
	static long pause = TICK;

	if (progress != seen)
		pause = TICK;
	else if (pause < TICK_MAX)
		pause *= 2;
	seen = progress;
	signals_again(pause);
}

/* Redirected calls whose effects are counted. */
static void handle(int signal)
{
	const char *expect = supervised ? "to\n" : "from\n";
	unsigned int place_before = places;
	unsigned long n = handled;
	int before = errno, fd;
	char buf[16] = "";

	(void)signal;
	if (stack)
		check(buf >= stack && buf < stack + STACK_SIZE);
	check(!mkdir(place("d/%lu", n), 0700));
	fd = open(place("file"), O_RDONLY | O_CLOEXEC);
	check(fd >= 0);
	check(read(fd, buf, sizeof(buf)) == (ssize_t)strlen(expect) && !strcmp(buf, expect));
	check(!close(fd));
	check(mkdir(place("d/%lu", n), 0700) == -1 && errno == EEXIST);
	errno = before;
	places = place_before;
	handled = n + 1;
	come_again();
	if (jumps && n % 2)
		siglongjmp(out, 1);
}

static void handle_with(int flags)
{
	struct sigaction action = { .sa_handler = handle, .sa_flags = flags };

	signals_begin();
	check(!sigaction(SIGUSR1, &action, NULL));
	signals_again(TICK);
}

static void say_made(unsigned long files)
{
	ticks = handled;
	printf("made d %lu\nmade f %lu\n", handled, files);
}

/* What is interrupted goes on as if nothing had been. */
static void run_files(int flags)
{
	unsigned long i;

	handle_with(flags | (mode == MODE_RESTART ? SA_RESTART : 0));
	for (i = 0; i < rounds || handled < 20; i++) {
		int fd = open(place("f/%lu", i), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

		progress++;
		check(fd >= 0 && !close(fd));
		check(open(place("f/%lu", i), O_WRONLY | O_CREAT | O_EXCL, 0600) == -1 &&
		      errno == EEXIST);
	}
	signals_end();
	say_made(i);
}

static void test_calls(void)
{
	run_files(0);
}

static void test_stack(void)
{
	stack_t other = { .ss_size = STACK_SIZE };

	stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(stack != MAP_FAILED);
	other.ss_sp = stack;
	check(!sigaltstack(&other, NULL));
	run_files(SA_ONSTACK);
	check(!sigaltstack(NULL, &other) && other.ss_sp == stack && !other.ss_flags);
}

/* A file whose making was left by a jump is there or not: a second try says which. */
static void test_jump(void)
{
	volatile unsigned long i = 0, tried = 0, again = 0;

	handle_with(mode == MODE_RESTART ? SA_RESTART : 0);
	if (sigsetjmp(out, 1))
		again++;
	jumps = true;
	for (; i < rounds || again < 10 || tried != i; i++) {
		tried = i + 1;
		check(!mkdir(place("f/%lu", i), 0700) || errno == EEXIST);
		check(mkdir(place("f/%lu", i), 0700) == -1 && errno == EEXIST);
		progress++;
	}
	jumps = false;
	signals_end();
	say_made(i);
}

static long wait_read(void)
{
	char byte;

	return syscall(SYS_read, supervised ? ASKED_READ_FD : READ_FD, &byte, (size_t)1);
}

static long wait_number(void)
{
	char byte;

	return syscall(supervised ? SYS_getpgrp : SYS_read, READ_FD, &byte, (size_t)1);
}

static long wait_open(void)
{
	return open(place("fifo"), O_RDONLY | O_CLOEXEC);
}

static long wait_sleep(void)
{
	const struct timespec time = { 1000, 0 };

	return syscall(supervised ? SYS_getppid : SYS_nanosleep, &time, NULL);
}

/* Calls that would never end are left by a jump, or end as the mode says. */
static void test_jump_wait(void)
{
	static long (*const waits[])(void) = { wait_read, wait_number, wait_open, wait_sleep };
	volatile unsigned long i = 0;
	int ends[2], null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	check(!pipe2(ends, O_CLOEXEC) && dup2(ends[0], READ_FD) == READ_FD);
	check(null >= 0 && dup2(null, ASKED_READ_FD) == ASKED_READ_FD);
	handle_with(mode == MODE_RESTART ? SA_RESTART : 0);
	if (sigsetjmp(out, 1))
		i++;
	jumps = true;
	while (i < rounds / 4) {
		long result;

		progress++;
		result = waits[i % 4]();

		/* A sleep is never restarted after a handler. */
		check(result == -1 && errno == EINTR && (mode == MODE_PLAIN || i % 4 == 3));
		i++;
	}
	jumps = false;
	signals_end();
	say_made(0);
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		{ "calls", test_calls },
		{ "stack", test_stack },
		{ "jump", test_jump },
		{ "jump-wait", test_jump_wait },
	};

	return signals_main(tests, array_size(tests), argc, argv);
}
