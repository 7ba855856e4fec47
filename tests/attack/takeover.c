// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * takeover.c - a thread executes a program while the first thread of its process is stopped
 * at a call that takes long to decide
 *
 *	takeover LED SLOW ROUNDS
 *
 * The one who executes takes the number of the first thread, which dies. What a supervisor
 * does to that number then must not reach the new program: LED leads to a file that says
 * "led", in the program of each round. SLOW is a path that takes long to walk. Prints how
 * many rounds there were, and how often LED said something else.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STRINGS 14
#define STRING_LEN 100000

static char **args;
static unsigned int seed;

static bool is_led(const char *path)
{
	char text[8] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	return len == 4 && !strcmp(text, "led\n");
}

/* An environment that the kernel copies for long before it ends the other threads. */
static char **heavy(void)
{
	static char *strings[STRINGS + 1];

	for (int i = 0; i < STRINGS; i++) {
		strings[i] = calloc(1, STRING_LEN + 1);
		if (!strings[i])
			exit(2);
		memset(strings[i], 'x', STRING_LEN);
	}
	return strings;
}

static void *execute(void *unused)
{
	(void)unused;
	usleep((useconds_t)(rand_r(&seed) % 30000));
	execve("/proc/self/exe", args, heavy());
	perror("execv");
	exit(2);
}

int main(int argc, char **argv)
{
	static char rounds[16], wins[16], all[16];
	char *next[] = { argv[0], argv[1], argv[2], rounds, wins, all, NULL };
	int left, lost, whole;
	pthread_t thread;

	if (argc < 4)
		return 2;
	left = atoi(argv[3]);
	lost = argc > 5 ? atoi(argv[4]) : 0;
	whole = argc > 5 ? atoi(argv[5]) : left;
	for (int i = 0; i < 3; i++)
		lost += !is_led(argv[1]);
	if (!left) {
		printf("tries=%d wins=%d\n", whole, lost);
		return 0;
	}
	snprintf(rounds, sizeof(rounds), "%d", left - 1);
	snprintf(wins, sizeof(wins), "%d", lost);
	snprintf(all, sizeof(all), "%d", whole);
	args = next;
	seed = (unsigned int)left;
	if (pthread_create(&thread, NULL, execute, NULL))
		return 2;
	for (;;)
		close(open(argv[2], O_RDONLY | O_CLOEXEC));
}
