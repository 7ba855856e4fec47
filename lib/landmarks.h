/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * landmarks.h - directories kept open by their names, while nothing can have changed them
 *
 * Each component of such a name is marked by fanotify(7): whoever moves it away, or changes
 * who may search it, leaves an event before his call returns.  A mount shows in
 * /proc/self/mountinfo as soon.  So where there is neither after a call was made, the
 * directory was there, by its name, within the call: a walk would have come by it.  All
 * other ways for it to go need an empty directory, and what is found in it was there then.
 *
 * Only on the mount of the root, and on file systems that tell of all their changes.
 */
#ifndef POINTSMAN_LANDMARKS_H
#define POINTSMAN_LANDMARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resolve_own.h"

#define LANDMARKS 64
#define LANDMARKS_CHANGE 2u	/* the data of the event */
#define LANDMARKS_MARKED 512

struct landmark {
	int fd;
	uint64_t seen;		/* not to be used before it was looked for changes again */
	bool used;		/* since it was last looked for one to give up */
	struct object is;
	uint32_t hash;
	size_t len;
	char *name;		/* absolute, of a way without links; "" is the root */
};

/*
 * Owner: one thread.  Zero is empty; landmarks_forget() gives back what is in it.
 */
struct landmarks {
	bool on;
	bool off;		/* cannot be had here */
	int events;		/* told of changes, by LANDMARKS_CHANGE: of epoll(7), or 0 */
	int watch, mounts;
	uint64_t seen;		/* how often it was looked for changes */
	uint64_t anew;		/* how often all were given up */
	size_t n, nmarked;
	struct landmark all[LANDMARKS];
	struct marked {
		uint32_t hash;
		char *name;
	} marked[LANDMARKS_MARKED];
	struct met {
		uint32_t hash;
		int times;
	} met[LANDMARKS];	/* where calls have looked, without one */
	unsigned int calls;	/* that have */
	uint32_t gone[LANDMARKS];	/* directories that were not there when they were looked for */
	/* System calls that were saved; what it costs to keep one is taken from them. */
	int saved;
	size_t next;		/* who may be given up for another one */
	unsigned int vain;	/* relative paths in a row that had none to start from */
};

/* It was looked for changes, and there have been some, or none. */
void landmarks_looked(struct landmarks *landmarks, bool some);
/* Look for them. */
void landmarks_look(struct landmarks *landmarks);

/* By its name ("" is the root), or by what it is; NULL: there is none. */
const struct landmark *landmarks_find(struct landmarks *landmarks, const char *name, size_t len);
const struct landmark *landmarks_of(struct landmarks *landmarks, const struct object *is);

/*
 * A call has looked into this directory of root, which has this name on a way without links.
 * After some of them it is kept, where it can be.
 */
void landmarks_met(struct landmarks *landmarks, const struct place *root, const char *name,
		   size_t len);

/*
 * No directory has had this name when it was looked for last; or has one by now?  It is only
 * where it is worth to ask whether one is there.
 */
void landmarks_set_gone(struct landmarks *landmarks, const char *name, size_t len, bool gone);
bool landmarks_was_gone(const struct landmarks *landmarks, const char *name, size_t len);

void landmarks_forget(struct landmarks *landmarks);

#endif
