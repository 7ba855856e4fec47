// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include "signals.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define ENOUGH 20 /* signals, for a test that has no round left */
#define PACE_MAX 100000000

enum mode mode;
bool supervised;
unsigned long rounds;
_Thread_local volatile unsigned long ticks;
_Thread_local unsigned long interrupted;
_Thread_local unsigned int places;
static _Thread_local timer_t timer;
static atomic_bool any_interrupted;
static struct shared *shared;
static const char *from;
static uint64_t began;

bool unnoticed(void)
{
	return mode == MODE_STOPS || mode == MODE_IGNORED;
}

const char *place(const char *format, ...)
{
	static _Thread_local char names[4][4096];
	char *name = names[places++ % 4];
	int len = snprintf(name, sizeof(names[0]), "%s/", from);
	va_list args;

	va_start(args, format);
	vsnprintf(name + len, sizeof(names[0]) - (size_t)len, format, args);
	va_end(args);
	return name;
}

struct shared *shared_map(void)
{
	const char *name = getenv("SIGNALS_SHARED");
	int fd = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
	void *memory;

	check(fd >= 0);
	memory = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check(memory != MAP_FAILED);
	close(fd);
	return memory;
}

static void tick(int signal)
{
	(void)signal;
	ticks++;
}

void signals_begin(void)
{
	struct sigaction action = { .sa_handler = tick,
				    .sa_flags = mode == MODE_RESTART ? SA_RESTART : 0 };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };
	const struct itimerspec often = { { 0, 1000000 }, { 0, 1000000 } };

	if (mode == MODE_STOPS) {
		atomic_store(&shared->pid, getpid());
		return;
	}
	if (mode == MODE_IGNORED)
		action.sa_handler = SIG_IGN;
	began = now();
	event._sigev_un._tid = gettid();
	check(!sigaction(SIGUSR1, &action, NULL));
	check(!timer_create(CLOCK_MONOTONIC, &event, &timer));
	check(!timer_settime(timer, 0, &often, NULL));
}

void signals_again(long nanoseconds)
{
	const struct itimerspec once = { .it_value.tv_nsec = nanoseconds };

	check(!timer_settime(timer, 0, &once, NULL));
}

void signals_end(void)
{
	if (mode == MODE_STOPS)
		atomic_store(&shared->pid, 0);
	else
		check(!timer_delete(timer));
}

bool another(unsigned long done)
{
	if (mode == MODE_STOPS) {
		atomic_fetch_add(&shared->progress, 1);
		return done < rounds || atomic_load(&shared->stops) < ENOUGH;
	}
	if (mode == MODE_IGNORED)
		return done < rounds || now() - began < ENOUGH * 1000000;
	return done < rounds || ticks < ENOUGH;
}

bool ended(ssize_t result, unsigned long before)
{
	if (result >= 0)
		return true;
	check(mode == MODE_PLAIN && errno == EINTR && ticks != before);
	interrupted++;
	atomic_store(&any_interrupted, true);
	return false;
}

struct helper {
	pthread_t thread;
};

struct helper *helper_start(void *(*run)(void *), void *data)
{
	struct helper *helper = malloc(sizeof(*helper));
	sigset_t all, old;

	check(helper);
	sigfillset(&all);
	check(!pthread_sigmask(SIG_SETMASK, &all, &old));
	check(!pthread_create(&helper->thread, NULL, run, data));
	check(!pthread_sigmask(SIG_SETMASK, &old, NULL));
	return helper;
}

void helper_join(struct helper *helper)
{
	check(!pthread_join(helper->thread, NULL));
	free(helper);
}

void pace(long nanoseconds)
{
	static atomic_long times;
	struct timespec time = { 0, nanoseconds };

	if (mode == MODE_PLAIN && !atomic_load(&any_interrupted))
		time.tv_nsec *= atomic_fetch_add(&times, 1) + 1;
	if (time.tv_nsec > PACE_MAX)
		time.tv_nsec = PACE_MAX;
	/* Neither nanosleep nor a clock that the policy knows. */
	clock_nanosleep(CLOCK_BOOTTIME, 0, &time, NULL);
}

uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

int signals_main(const struct test *tests, size_t n, int argc, char **argv)
{
	static const char *const modes[] = { "restart", "plain", "ignored", "stops" };
	const char *side = getenv("SIGNALS_SUPERVISED"), *count = getenv("SIGNALS_ROUNDS");
	size_t i, m;

	from = getenv("SIGNALS_FROM");
	for (m = 0; m < array_size(modes); m++)
		if (argc == 3 && !strcmp(argv[2], modes[m]))
			break;
	if (m == array_size(modes) || !from || !side || !count) {
		fprintf(stderr, "usage: %s TEST restart|plain|ignored|stops, run by signals.sh\n",
			argv[0]);
		return 2;
	}
	mode = (enum mode)m;
	supervised = !strcmp(side, "1");
	rounds = strtoul(count, NULL, 10);
	if (mode == MODE_STOPS)
		shared = shared_map();
	for (i = 0; i < n; i++) {
		if (strcmp(tests[i].name, argv[1]))
			continue;
		tests[i].run();
		printf("signals %lu interrupted %lu\n",
		       mode == MODE_STOPS ? atomic_load(&shared->stops) : ticks, interrupted);
		return 0;
	}
	fprintf(stderr, "%s: no test '%s'\n", argv[0], argv[1]);
	return 2;
}
