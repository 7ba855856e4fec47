/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * supervisor.h - the process beside the program
 *
 * The calling process becomes the program; the supervisor is its grandchild
 * for a moment and then nobody's, so that the program finds no child that it
 * did not make, and keeps its own pid, parent, terminal and session.
 */
#ifndef POINTSMAN_SUPERVISOR_H
#define POINTSMAN_SUPERVISOR_H

#include <linux/filter.h>
#include <stdbool.h>
#include <sys/types.h>

#include <pointsman/pointsman.h>

/* What a backend does in it. */
struct supervision {
	void *data;
	/*
	 * Get ready for the program; caller is its thread that will execute it, and
	 * their_fd a socket as it has it.  *filter becomes the FILTER_* of filter.h that the program is to be run
	 * with.  Returns 0, or a negative errno with its message in pm_error().
	 */
	int (*attach)(void *data, pid_t program, pid_t caller, int their_fd,
		      unsigned int *filter);
	/*
	 * Both or neither: a descriptor that the program is sent once that is done, or -1,
	 * and what the program does with it, which becomes its own, before it is confined.
	 */
	int (*lend)(void *data);
	void (*borrow)(int fd);
	/* Until no target is left. */
	void (*supervise)(void *data);
	/* The program makes a descriptor for it later: supervisor_hand_over(). */
	bool takes_descriptor;
};

/*
 * Start it, wait until it is ready, and confine the calling process by all but the
 * filter, which *program becomes, *filter being its FILTER_*: the caller installs it, and
 * frees its filter.  Returns 0, or a negative errno with its message in pm_error().
 */
int supervisor_confine(const struct pm_options *options, const struct supervision *supervision,
		       struct sock_fprog *program, unsigned int *filter);

/*
 * In the program: let the supervisor have fd.  No system call is made, for the
 * supervisor may be the one who would have to answer it.
 */
void supervisor_hand_over(int fd);

/* In the supervisor: wait for it.  The descriptor, or -ECHILD: none will come. */
int supervisor_take(void);

/* Let go of a descriptor that was inherited; one of ours is kept. */
void drop_descriptor(int fd);
/* Of all of them but standard error.  Returns 0, or -errno where they cannot be listed. */
int drop_inherited(void);

#endif
