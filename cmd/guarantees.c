/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guarantees.h"

#include <stdio.h>

#include "command.h"

/* What can hold for the calls of a class, as in pm_event.holds. */
enum guarantee {
	FILE_HOLDS,
	LANDLOCK_HOLDS,
	NAME_HOLDS,
	BYTES_HOLD,
	NGUARANTEES
};

static const char *const meanings[NGUARANTEES] = {
	[FILE_HOLDS] = "file (what was decided on is what is used)",
	[LANDLOCK_HOLDS] = "landlock (a swapped link cannot lead out of the allowed trees)",
	[NAME_HOLDS] = "name (a link swapped after the decision is followed)",
	[BYTES_HOLD] = "bytes (the address that was decided on is the one that is used)",
};

/* How calls of a class are run, from which follows what can hold. */
enum way {
	BY_OPEN,	/* through no link, with openat2(2) */
	BY_PROGRAM,	/* the program that runs is compared with the file */
	BY_NAME,	/* the resolved name; Landlock restricts the class */
	BY_BARE_NAME,	/* the resolved name; Landlock does not know the class */
	BY_BYTES,	/* the address in the pin */
};

static const struct {
	enum way way;
	const char *syscall;	/* one of the class, for layers that ask for a name */
} classes[PM_NCLASSES] = {
	[PM_CLASS_OPEN_READ] = { BY_OPEN, "openat" },
	[PM_CLASS_OPEN_WRITE] = { BY_OPEN, "openat" },
	[PM_CLASS_CREATE] = { BY_NAME, "mkdirat" },
	[PM_CLASS_REMOVE] = { BY_NAME, "unlinkat" },
	[PM_CLASS_RENAME] = { BY_NAME, "renameat2" },
	[PM_CLASS_LINK] = { BY_NAME, "linkat" },
	[PM_CLASS_METADATA] = { BY_BARE_NAME, "statx" },
	[PM_CLASS_SET_METADATA] = { BY_BARE_NAME, "fchmodat" },
	[PM_CLASS_EXEC] = { BY_PROGRAM, "execve" },
	[PM_CLASS_CHDIR] = { BY_BARE_NAME, "chdir" },
	[PM_CLASS_CHROOT] = { BY_BARE_NAME, "chroot" },
	[PM_CLASS_MOUNT] = { BY_BARE_NAME, "mount" },
	[PM_CLASS_WATCH] = { BY_BARE_NAME, "inotify_add_watch" },
	[PM_CLASS_CONNECT] = { BY_BYTES, "connect" },
	[PM_CLASS_BIND] = { BY_BYTES, "bind" },
	[PM_CLASS_SEND] = { BY_BYTES, "sendto" },
	[PM_CLASS_SYSTEM] = { BY_BARE_NAME, "acct" },
	[PM_CLASS_IPC] = { BY_BARE_NAME, "mq_open" },
};

static enum guarantee holds(enum way way, const struct guarantees *with)
{
	switch (way) {
	case BY_OPEN:
		if (with->openat2)
			return FILE_HOLDS;
		break;
	case BY_PROGRAM:
		return FILE_HOLDS;
	case BY_BYTES:
		return BYTES_HOLD;
	case BY_NAME:
		break;
	case BY_BARE_NAME:
		return NAME_HOLDS;
	}
	return with->landlock ? LANDLOCK_HOLDS : NAME_HOLDS;
}

static bool wanted(struct pm_layer *const *layers, size_t n, int class)
{
	for (size_t i = 0; i < n; i++)
		if (!layers[i]->wants ||
		    layers[i]->wants(layers[i]->data, classes[class].syscall, PM_BIT(class)))
			return true;
	return false;
}

/* The classes that layers want and for which g holds, as "a, b, c". */
static size_t list_classes(struct pm_layer *const *layers, size_t n, enum guarantee g,
			   const struct guarantees *with, char *list, size_t size)
{
	size_t at = 0;

	for (int class = 0; class < PM_NCLASSES; class++)
		if (holds(classes[class].way, with) == g && wanted(layers, n, class))
			at += (size_t)snprintf(list + at, size - at, "%s%s", at ? ", " : "",
					       pm_class_name(class));
	return at;
}

void guarantees_tell(struct pm_layer *const *layers, size_t n, const struct guarantees *with)
{
	char list[512];
	bool any = false;

	complain("pins: %s", with->mseal ? "sealed by mseal(2)" :
		 "kept by refusing the calls that could replace them");
	for (int g = 0; g < NGUARANTEES; g++) {
		if (list_classes(layers, n, g, with, list, sizeof(list))) {
			complain("holds for %s: %s", list, meanings[g]);
			any = true;
		}
	}
	if (!any)
		complain("no policy asks to see any class of calls");
}
