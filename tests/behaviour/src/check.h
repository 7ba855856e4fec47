/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * check.h - what the programs of ptrace*.t share
 *
 * Each is run twice: by itself, and under a policy that redirects the file
 * CHECK_FROM (which says "from") to another (which says "to") and denies
 * CHECK_DENIED with EACCES.  CHECK_EXPECT is what CHECK_FROM is to say.  A
 * check that fails says so on standard error and ends its process with 1.
 */
#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define check(what) \
	do { \
		if (!(what)) { \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #what, \
				strerror(errno)); \
			_exit(1); \
		} \
	} while (0)

/* A test that a program has by its name. */
struct test {
	const char *name;
	void (*run)(char **args);
};

/* Runs the one that argv[1] names; argv + 2 are its arguments. */
int check_main(const struct test *tests, size_t n, int argc, char **argv);

extern const char *check_from, *check_denied;

/* Are we under the policy? */
bool check_supervised(void);

/* Both files are what they are to be; uses plain system calls only. */
void check_mediated(void);

/* Memory that forked children share. */
void *check_shared(size_t size);

/*
 * Where the pins are: one or more neighbouring mappings of /memfd:pointsman.
 * False where there are none.
 */
struct pins {
	unsigned char *start;
	size_t size;
};
bool check_find_pins(struct pins *pins);

/*
 * Children forked from now on have none at first.  False where that is refused,
 * since they are not sealed, or where there are none.
 */
bool check_forget_pins(void);

/* Waits for pid and checks how it ended (a status of wait(2)). */
void check_wait(pid_t pid, int status);
/* A forked child runs body and ends, and has been waited for. */
void check_in_child(void (*body)(void));

#endif
