/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nomem.h - what the parts of nomem share */
#ifndef POINTSMAN_TEST_NOMEM_H
#define POINTSMAN_TEST_NOMEM_H

#include <stdbool.h>
#include <stddef.h>

/* The exit status of the target: what happened to its calls, together. */
enum {
	TARGET_RIGHT = 0,
	TARGET_REFUSED = 1,	/* a call failed, with an error that it may fail with */
	TARGET_ODD = 2,		/* with another one */
	TARGET_HELD = 4,	/* somebody else holds a descriptor of its own */
	TARGET_REACHED = 8,	/* it has read what it must not */
	TARGET_ENDS = 127,	/* of the dynamic linker: it could not open a library */
};

/* Has the run of this n gone wrong?  Says so, once for each thing. */
void fault(long n, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Wait for all processes below this one; body() is what the first of them does. */
struct ended {
	bool killed;	/* by SIGKILL */
	int status;	/* what it exited with */
};
void run_apart(long n, void (*body)(void *data), void *data, struct ended *ended);

/* Commands; how: words of the command line.  only: 0, or the one n to try.  */
int sweep_run(const char *how, const char *what, char *program, long only);
int sweep_churn(void);
int sweep_calls(bool handler);
int sweep_layer(void);
int sweep_answer(void);

/* How many descriptors this process has. */
size_t descriptors(void);
/* The program that is run; as it was given. */
extern char *target;

#endif
