// SPDX-License-Identifier: LGPL-2.1-or-later
/* files TEST MODE - what is done to files in a redirected tree is done once */
#define _GNU_SOURCE
#include "signals.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#define THREADS 4

/* A second time each of these would fail, and none of them waits for anything. */
static void make(unsigned int thread, unsigned long i)
{
	int fd;

	check(!mkdir(place("d/%u-%lu", thread, i), 0700));
	fd = open(place("f/%u-%lu", thread, i), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	check(fd >= 0 && !close(fd));
	check(!link(place("f/%u-%lu", thread, i), place("l/%u-%lu", thread, i)));
	check(!rename(place("l/%u-%lu", thread, i), place("r/%u-%lu", thread, i)));
	check(!symlink("nowhere", place("s/%u-%lu", thread, i)));
	check(!unlink(place("s/%u-%lu", thread, i)));
	check(!mkdir(place("s/%u-%lu", thread, i), 0700));
	check(!rmdir(place("s/%u-%lu", thread, i)));
}

static void say_made(unsigned long n)
{
	printf("made d %lu\nmade f %lu\nmade l 0\nmade r %lu\nmade s 0\n", n, n, n);
}

static void test_make(void)
{
	unsigned long i;

	signals_begin();
	for (i = 0; another(i); i++)
		make(0, i);
	signals_end();
	say_made(i);
}

struct maker {
	unsigned int number;
	unsigned long made, ticks;
};

static void *make_some(void *data)
{
	struct maker *maker = data;

	if (mode != MODE_STOPS)
		signals_begin();
	for (; another(maker->made * THREADS); maker->made++)
		make(maker->number, maker->made);
	if (mode != MODE_STOPS)
		signals_end();
	maker->ticks = ticks;
	return NULL;
}

/* Four threads, each with signals of its own. */
static void test_threads(void)
{
	struct maker makers[THREADS] = { 0 };
	pthread_t threads[THREADS];
	unsigned long made = 0;

	if (mode == MODE_STOPS)
		signals_begin();
	for (unsigned int i = 0; i < THREADS; i++) {
		makers[i].number = i;
		check(!pthread_create(&threads[i], NULL, make_some, &makers[i]));
	}
	for (unsigned int i = 0; i < THREADS; i++) {
		check(!pthread_join(threads[i], NULL));
		made += makers[i].made;
		ticks += makers[i].ticks;
	}
	if (mode == MODE_STOPS)
		signals_end();
	say_made(made);
}

/* What is appended comes once, and in its order. */
static void test_append(void)
{
	unsigned long i, n, got;
	FILE *file;
	int fd;

	signals_begin();
	for (i = 0; another(i); i++) {
		fd = open(place("log"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
		check(fd >= 0);
		check(write(fd, &i, sizeof(i)) == sizeof(i));
		check(!close(fd));
	}
	signals_end();
	file = fopen(place("log"), "re");
	check(file);
	for (n = 0; fread(&got, sizeof(got), 1, file) == 1; n++)
		check(got == n);
	check(n == i);
	fclose(file);
	printf("bytes log %zu\n", i * sizeof(i));
}

/* What is read is what the policy says. */
static void test_read(void)
{
	const char *expect = supervised ? "to\n" : "from\n";

	signals_begin();
	for (unsigned long i = 0; another(i); i++) {
		char buf[16] = "";
		struct stat st;
		int fd = open(place("file"), O_RDONLY | O_CLOEXEC);

		check(fd >= 0);
		check(read(fd, buf, sizeof(buf)) == (ssize_t)strlen(expect));
		check(!strcmp(buf, expect));
		check(!close(fd));
		check(!stat(place("file"), &st) && st.st_size == (off_t)strlen(expect));
		check(open(place("missing"), O_RDONLY | O_CLOEXEC) == -1 && errno == ENOENT);
		check(open(place("denied"), O_WRONLY | O_CLOEXEC) == -1 && errno == EISDIR);
	}
	signals_end();
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		{ "make", test_make },
		{ "threads", test_threads },
		{ "append", test_append },
		{ "read", test_read },
	};

	return signals_main(tests, array_size(tests), argc, argv);
}
