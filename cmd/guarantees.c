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
	[BYTES_HOLD] = ("bytes (the address that was decided on is the one that is used; where it is "
			"a path, a link swapped after the decision is followed)"),
};

/* How calls of a class are run, from which follows what can hold. */
enum way {
	BY_OPEN,	/* through no link, with openat2(2) */
	BY_PROGRAM,	/* the program that runs is compared with the file */
	BY_NAME,	/* the resolved name, which Landlock may restrict */
	BY_BYTES,	/* the address in the pin */
};

struct row {
	enum pm_class class;
	enum way way;
	const char *syscall;	/* one of the class, for layers that ask for a name */
	const char *name;	/* NULL: that of the class */
};

static const struct row rows[] = {
	{ PM_CLASS_OPEN_READ, BY_OPEN, "openat", NULL },
	{ PM_CLASS_OPEN_WRITE, BY_OPEN, "openat", NULL },
	{ PM_CLASS_OPEN_WRITE, BY_NAME, "truncate", "truncate(2)" },
	{ PM_CLASS_CREATE, BY_NAME, "mkdirat", NULL },
	{ PM_CLASS_REMOVE, BY_NAME, "unlinkat", NULL },
	{ PM_CLASS_RENAME, BY_NAME, "renameat2", NULL },
	{ PM_CLASS_LINK, BY_NAME, "linkat", NULL },
	{ PM_CLASS_METADATA, BY_NAME, "statx", NULL },
	{ PM_CLASS_SET_METADATA, BY_NAME, "fchmodat", NULL },
	{ PM_CLASS_EXEC, BY_PROGRAM, "execve", NULL },
	{ PM_CLASS_CHDIR, BY_NAME, "chdir", NULL },
	{ PM_CLASS_CHROOT, BY_NAME, "chroot", NULL },
	{ PM_CLASS_MOUNT, BY_NAME, "mount", NULL },
	{ PM_CLASS_WATCH, BY_NAME, "inotify_add_watch", NULL },
	{ PM_CLASS_CONNECT, BY_BYTES, "connect", NULL },
	{ PM_CLASS_BIND, BY_BYTES, "bind", NULL },
	{ PM_CLASS_SEND, BY_BYTES, "sendto", NULL },
	{ PM_CLASS_SYSTEM, BY_NAME, "acct", NULL },
	{ PM_CLASS_IPC, BY_NAME, "mq_open", NULL },
};

static enum guarantee holds(const struct row *row, const struct guarantees *with)
{
	if (row->way == BY_PROGRAM || (row->way == BY_OPEN && with->openat2))
		return FILE_HOLDS;
	if (row->way == BY_BYTES)
		return BYTES_HOLD;
	return with->landlock & PM_BIT(row->class) ? LANDLOCK_HOLDS : NAME_HOLDS;
}

static bool wanted(struct pm_layer *const *layers, size_t n, const struct row *row)
{
	for (size_t i = 0; i < n; i++)
		if (!layers[i]->wants ||
		    layers[i]->wants(layers[i]->data, row->syscall, PM_BIT(row->class)))
			return true;
	return false;
}

/* The classes that layers want and for which g holds, as "a, b, c". */
static size_t list_classes(struct pm_layer *const *layers, size_t n, enum guarantee g,
			   const struct guarantees *with, char *list, size_t size)
{
	size_t at = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (holds(&rows[i], with) == g && wanted(layers, n, &rows[i]))
			at += (size_t)snprintf(list + at, size - at, "%s%s", at ? ", " : "",
					       rows[i].name ? rows[i].name :
							      pm_class_name(rows[i].class));
	return at;
}

void guarantees_tell(struct pm_layer *const *layers, size_t n, const struct guarantees *with)
{
	char list[512];
	bool any = false;

	if (with->races) {
		complain("unsafe: races: what no rule changes may be changed after the decision");
		return;
	}

	complain("pins: %s", with->kernel_pins ? "made and sealed by the kernel" :
		 with->mseal ? "sealed by mseal(2)" :
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
