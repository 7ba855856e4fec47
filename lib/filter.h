/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * filter.h - the seccomp filter under which a target runs
 *
 * It stops what some layer wants to see and what the supervisor itself has to
 * (SECCOMP_RET_TRACE, SECCOMP_RET_USER_NOTIF, or each for some), lets pass what is known to name
 * nothing, and answers ENOSYS to every number of every table that it does not
 * know.
 */
#ifndef POINTSMAN_FILTER_H
#define POINTSMAN_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

#include <pointsman/pointsman.h>

#define FILTER_TRACE_DATA 0x706d

#define FILTER_GUARD 1u		/* there is no mseal: calls that could move the arena stop */
#define FILTER_NOTIFY 2u	/* what stops is sent to a listener, not to a tracer */
#define FILTER_ANSWERS 4u	/* what only looks is sent to a listener, the rest to a tracer */
#define FILTER_OPENS_ELSE \
	(O_ACCMODE | O_CREAT | O_TRUNC | O_PATH | O_ASYNC | (O_TMPFILE & ~O_DIRECTORY))
				/* flags of an open that does not only look */
/* O_NOFOLLOW stays with a file that is open, and only a directory can be opened again with it. */
#define FILTER_OPENS_BARELY (O_NOFOLLOW | O_DIRECTORY)

/*
 * A call that was sent to the listener and comes to the tracer after all has this in the
 * lower half of an argument that none of those calls has.
 */
#define FILTER_DIVERTED 0x706d6469u
#define FILTER_DIVERTED_ARG 5u

/*
 * Builds the filter, how being FILTER_* bits.  supervisor is its pid: calls that
 * would reach into it are refused with EPERM.  The caller frees program->filter.  Returns 0, -ENOMEM, -E2BIG.
 */
int filter_build(const struct pm_options *options, pid_t supervisor, unsigned int how,
		 struct sock_fprog *program);

/* Why a number stops, whatever its arguments: a mask, 0 where it does not. */
#define STOPS_FOR_LAYERS 1u
#define STOPS_FOR_US 2u
#define STOPS_SOMETIMES 4u	/* for us, with some arguments */
unsigned int filter_stops(const struct pm_options *options, unsigned int how, uint32_t arch, int nr);

/*
 * The argument by which a call of this number reaches into another process or
 * thread, or -1.
 */
int filter_reaches(uint32_t arch, int nr);
/*
 * What a call of this number can do: change the root, the rights or the user namespace of a
 * thread; show or set where one runs; change a working directory.  One that is traced stops
 * for it, for the last only where looks are answered.
 */
enum filter_effect {
	FILTER_NO_EFFECT,
	FILTER_CHANGES_VIEW,
	FILTER_SHOWS_PLACE,
	FILTER_CHANGES_DIRECTORY,
};
enum filter_effect filter_effect(uint32_t arch, int nr);

/* Is a call of this number, with these arguments, sent to the listener of FILTER_ANSWERS? */
bool filter_answers(const struct pm_options *options, unsigned int how, uint32_t arch, int nr,
		    const uint64_t args[6]);

/*
 * The same for all numbers of a table, kept.
 *
 * Owner: who had it filled; filter_table_clear().
 */
struct filter_table {
	uint8_t *stops;
	int max;
};

/* Returns 0 or -ENOMEM. */
int filter_table(const struct pm_options *options, unsigned int how, uint32_t arch,
		 struct filter_table *table);
void filter_table_clear(struct filter_table *table);
/*
 * Why this number stopped: what stops sometimes does so for us, whose the
 * arguments are to see.
 */
unsigned int filter_reason(const struct filter_table *table, int nr);

/* Install it in the calling thread, which gets no_new_privs.  0 or -errno. */
int filter_install(const struct sock_fprog *program);
/* Who is woken by a listener runs where the one runs who wakes it, if the kernel can do that. */
void filter_wake_in_place(int listener);
/* The same, with a listener for what FILTER_ANSWERS sends.  Its descriptor, or -errno. */
int filter_install_answering(const struct sock_fprog *program);
/*
 * The same, with a listener that may redirect; who makes a call when it is closed is
 * killed, or not.  Its descriptor, or -errno.
 */
int filter_install_listener(const struct sock_fprog *program, bool kill_orphans);

#endif
