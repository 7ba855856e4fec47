/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * settle.h - the last stage: the form in which a decided call runs
 *
 * A path was decided on by the file that it names.  What runs is its resolved
 * name, and where the kernel offers a way to refuse links on it, in that way.
 */
#ifndef POINTSMAN_SETTLE_H
#define POINTSMAN_SETTLE_H

#include <stdbool.h>
#include <sys/types.h>

#include "call.h"
#include "script.h"

/* What is known of the thread that runs it, and what was found out for it. */
struct settle {
	/* in */
	bool lonely;		/* nobody else can change its descriptors or working directory */
	bool openat2;		/* may be used */
	uint32_t landlock;	/* PM_BIT()s of the classes that a rule set holds */
	/* out */
	const char *holds;	/* pm_event.holds */
	bool no_links;		/* ELOOP would mean that a link was swapped in */
	bool no_create;		/* ENOENT would mean that the file went */
	bool adopt;		/* the supervisor opens it: the file has no name */
	struct program program;	/* what execve must run; program_clear() */
};

/* Returns 0, or the negative errno with which the call is refused. */
int settle(struct pm_call *call, struct settle *settle);

/*
 * Open what a descriptor of ours (O_PATH) stands for, with flags, as the thread
 * may; O_NONBLOCK is added.  A descriptor or -errno.
 */
int settle_open_again(pid_t tid, int fd, int flags);

/* Does the kernel have openat2(2), and let us, and so the targets, use it? */
bool settle_has_openat2(void);

/* Open what a path item of an adopted call names.  A descriptor or -errno. */
int settle_open(struct pm_call *call);

#endif
