// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * waits TEST MODE - redirected calls that wait: on pipes, and for a time
 *
 * ASKED_* are descriptors, numbers and clocks that the policy puts others in the place
 * of.  By itself the program uses the others at once.
 */
#define _GNU_SOURCE
#include "signals.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define READ_FD 900 /* ASKED_READ_FD is redirected to it, and so on */
#define ASKED_READ_FD 901
#define WRITE_FD 902
#define ASKED_WRITE_FD 903
#define ASKED_TIMEOUT 77777 /* ms, of poll: 1 */
#define SLEEP 150000 /* ns */
#define SLEEP_LONG 1500000 /* more than from one signal to the next */
#define SLEEP_POLL 1000000 /* what poll has no finer word for */
#define PACE 100000

/* A pipe at the descriptors of the policy, and what answers at once at those that are asked for. */
static void make_pipe(void)
{
	int ends[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);

	check(null >= 0);
	check(!pipe2(ends, O_CLOEXEC));
	check(dup2(ends[0], READ_FD) == READ_FD);
	check(dup2(ends[1], WRITE_FD) == WRITE_FD);
	close(ends[0]);
	close(ends[1]);
	check(dup2(null, ASKED_READ_FD) == ASKED_READ_FD);
	check(dup2(null, ASKED_WRITE_FD) == ASKED_WRITE_FD);
	close(null);
}

static atomic_bool over;

static void *write_bytes(void *data)
{
	for (unsigned char byte = 0; !atomic_load(&over); byte++) {
		pace(PACE);
		check(write(WRITE_FD, &byte, 1) == 1);
	}
	close(WRITE_FD);
	return data;
}

/* Every byte of a pipe is read once.  nr: of the call that the policy makes a read. */
static void read_pipe(long nr, int fd)
{
	struct helper *helper;
	unsigned long n = 0;
	unsigned char byte;

	make_pipe();
	helper = helper_start(write_bytes, NULL);
	signals_begin();
	while (another(n) || (mode == MODE_PLAIN && !interrupted)) {
		unsigned long before = ticks;
		ssize_t result = syscall(nr, fd, &byte, (size_t)1);

		if (!ended(result, before))
			continue;
		check(result == 1 && byte == (unsigned char)n);
		n++;
	}
	signals_end();
	atomic_store(&over, true);
	for (; read(READ_FD, &byte, 1) == 1; n++)
		check(byte == (unsigned char)n);
	helper_join(helper);
}

static void test_read(void)
{
	read_pipe(SYS_read, supervised ? ASKED_READ_FD : READ_FD);
}

/* A restart asks for the number that the program has asked for. */
static void test_read_number(void)
{
	read_pipe(supervised ? SYS_getpgrp : SYS_read, READ_FD);
}

static unsigned char byte_at(uint64_t position)
{
	return (unsigned char)(position * 0x9e3779b97f4a7c15 >> 56);
}

/* What is written comes once and in its order; what counts is in data. */
static void *read_bytes(void *data)
{
	static unsigned char buf[3000];
	uint64_t *position = data;
	ssize_t n;

	while ((n = read(READ_FD, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			check(buf[i] == byte_at((*position)++));
		pace(PACE / 2);
	}
	check(!n);
	return NULL;
}

static void test_write(void)
{
	int fd = supervised ? ASKED_WRITE_FD : WRITE_FD;
	uint64_t said = 0, position = 0;
	struct helper *helper;
	unsigned char buf[5000];
	unsigned long n = 0;

	make_pipe();
	check(fcntl(WRITE_FD, F_SETPIPE_SZ, 4096) == 4096);
	helper = helper_start(read_bytes, &position);
	signals_begin();
	while (another(n) || (mode == MODE_PLAIN && !interrupted)) {
		unsigned long before = ticks;
		ssize_t result;

		for (size_t i = 0; i < sizeof(buf); i++)
			buf[i] = byte_at(said + i);
		result = syscall(SYS_write, fd, buf, sizeof(buf));
		if (!ended(result, before))
			continue;
		/* A part only where a signal, or a stop, came between two pages. */
		check(result == sizeof(buf) || (result > 0 && (unnoticed() || ticks != before)));
		said += (uint64_t)result;
		n++;
	}
	signals_end();
	close(WRITE_FD);
	helper_join(helper);
	check(position == said);
}

/* How often the FIFO was opened, and closed, by who reads. */
static atomic_ulong opened, closed;

/* A byte each time that somebody opens it. */
static void *write_fifo(void *data)
{
	for (unsigned long n = 0; n < *(atomic_ulong *)data; n++) {
		unsigned char byte = (unsigned char)n;
		int fd;

		while (atomic_load(&closed) != n)
			sched_yield();
		pace(PACE);
		fd = open(place("fifo"), O_WRONLY | O_CLOEXEC);
		check(fd >= 0);
		while (atomic_load(&opened) != n + 1)
			sched_yield();
		check(write(fd, &byte, 1) == 1);
		close(fd);
	}
	return NULL;
}

static ssize_t read_byte(int fd, unsigned char *byte)
{
	unsigned long before;
	ssize_t got;

	do {
		before = ticks;
		got = read(fd, byte, 1);
	} while (!ended(got, before));
	return got;
}

/* An open that waits for the other end; what is sent through comes once. */
static void test_fifo(void)
{
	/* Always one more than were read, until enough have been. */
	atomic_ulong wanted = 1;
	struct helper *helper = helper_start(write_fifo, &wanted);
	unsigned char byte;
	unsigned long n;

	signals_begin();
	for (n = 0; n < atomic_load(&wanted); n++) {
		unsigned long before;
		int fd;

		if (another(n + 1) || (mode == MODE_PLAIN && !interrupted))
			atomic_store(&wanted, n + 2);
		do {
			before = ticks;
			fd = open(place("fifo"), O_RDONLY | O_CLOEXEC);
		} while (!ended(fd, before));
		atomic_fetch_add(&opened, 1);
		check(read_byte(fd, &byte) == 1 && byte == (unsigned char)n);
		check(read_byte(fd, &byte) == 0);
		check(!close(fd));
		atomic_fetch_add(&closed, 1);
	}
	signals_end();
	helper_join(helper);
	check(n >= rounds);
}

/* nanosleep, whose second argument the policy takes away. */
static long sleep_plain(long nanoseconds, struct timespec *left)
{
	const struct timespec time = { 0, nanoseconds };

	return syscall(SYS_nanosleep, &time, left);
}

/* getppid, which the policy makes a nanosleep. */
static long sleep_number(long nanoseconds, struct timespec *left)
{
	const struct timespec time = { 0, nanoseconds };

	return syscall(supervised ? SYS_getppid : SYS_nanosleep, &time, left);
}

/* By a clock that the policy puts another in the place of. */
static long sleep_clock(long nanoseconds, struct timespec *left)
{
	const struct timespec time = { 0, nanoseconds };

	return syscall(SYS_clock_nanosleep, supervised ? CLOCK_REALTIME : CLOCK_MONOTONIC, 0, &time,
		       left);
}

/* The other clock has passed that time long ago. */
static long sleep_until(long nanoseconds, struct timespec *left)
{
	uint64_t then = now() + (uint64_t)nanoseconds;
	const struct timespec time = { (time_t)(then / 1000000000), (long)(then % 1000000000) };

	(void)left;
	return syscall(SYS_clock_nanosleep, supervised ? CLOCK_REALTIME : CLOCK_MONOTONIC,
		       TIMER_ABSTIME, &time, NULL);
}

static long sleep_poll(long nanoseconds, struct timespec *left)
{
	(void)nanoseconds;
	(void)left;
	return syscall(SYS_poll, NULL, 0, supervised ? ASKED_TIMEOUT : 1);
}

/* Is the rest of the time written, where a handler ends the sleep? */
enum left { LEFT_WRITTEN, LEFT_REDIRECTED, LEFT_NONE };

/* Every sixteenth is longer, and longer again until one was interrupted that can be. */
static long sleep_time(bool poll, unsigned long n)
{
	unsigned long longer = interrupted || unnoticed() ? 1 : n / 16 + 1;

	if (poll)
		return SLEEP_POLL;
	return n % 16 == 15 ? SLEEP_LONG * (long)(longer < 100 ? longer : 100) : SLEEP;
}

/*
 * A sleep lasts as long as it was to, or a handler ends it, with SA_RESTART too.  Stops
 * are not noticed.
 */
static void sleep_by(long (*run)(long nanoseconds, struct timespec *left), enum left writes)
{
	signals_begin();
	for (unsigned long n = 0; another(n) || (!unnoticed() && !interrupted); n++) {
		long time = sleep_time(run == sleep_poll, n);
		struct timespec left = { -1, -1 };
		unsigned long before = ticks;
		uint64_t start = now();
		long result = run(time, &left);

		if (!result) {
			check(now() - start >= (uint64_t)time);
			/* The kernel writes the rest of the time before a sleep goes on, too. */
			check(left.tv_sec == -1 || (unnoticed() && writes != LEFT_NONE &&
						    !(writes == LEFT_REDIRECTED && supervised)));
			continue;
		}
		check(result == -1 && errno == EINTR && !unnoticed() && ticks != before);
		interrupted++;
		if (writes == LEFT_NONE || (writes == LEFT_REDIRECTED && supervised))
			check(left.tv_sec == -1);
		else
			/* To the end of the slack. */
			check(!left.tv_sec && left.tv_nsec >= 0 &&
			      left.tv_nsec <= time + prctl(PR_GET_TIMERSLACK));
	}
	signals_end();
}

static void test_sleep(void)
{
	sleep_by(sleep_plain, LEFT_REDIRECTED);
}

static void test_sleep_number(void)
{
	sleep_by(sleep_number, LEFT_WRITTEN);
}

static void test_sleep_clock(void)
{
	sleep_by(sleep_clock, LEFT_WRITTEN);
}

static void test_sleep_until(void)
{
	sleep_by(sleep_until, LEFT_NONE);
}

static void test_poll(void)
{
	sleep_by(sleep_poll, LEFT_NONE);
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		{ "read", test_read },
		{ "read-number", test_read_number },
		{ "write", test_write },
		{ "fifo", test_fifo },
		{ "sleep", test_sleep },
		{ "sleep-number", test_sleep_number },
		{ "sleep-clock", test_sleep_clock },
		{ "sleep-until", test_sleep_until },
		{ "poll", test_poll },
	};

	return signals_main(tests, array_size(tests), argc, argv);
}
