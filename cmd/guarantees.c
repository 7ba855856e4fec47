/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guarantees.h"

#include <stdio.h>

#include "command.h"

/* What holds for a class, without and with Landlock below it. */
enum guarantee {
	FILE_HOLDS,	/* the file that was decided on is the one that is used */
	NAME_HOLDS,	/* the name that was decided on is the one that is used */
	ADDRESS_HOLDS,	/* the address that was decided on is the one that is used */
	LANDLOCK_HOLDS,	/* as the name, and no way out of the allowed trees */
	NGUARANTEES
};

static const char *const meanings[NGUARANTEES] = {
	[FILE_HOLDS] = "file: what was decided on is what is used",
	[NAME_HOLDS] = "name: a directory or link swapped afterwards is followed",
	[ADDRESS_HOLDS] = "bytes: the address that was decided on is the one that is used",
	[LANDLOCK_HOLDS] = "landlock: as name, but never out of the trees that are allowed",
};

static const struct {
	enum guarantee plain, landlock;
	const char *syscall;	/* one of the class, for layers that ask for a name */
} classes[PM_NCLASSES] = {
	[PM_CLASS_OPEN_READ] = { FILE_HOLDS, FILE_HOLDS, "openat" },
	[PM_CLASS_OPEN_WRITE] = { FILE_HOLDS, FILE_HOLDS, "openat" },
	[PM_CLASS_CREATE] = { NAME_HOLDS, LANDLOCK_HOLDS, "mkdirat" },
	[PM_CLASS_REMOVE] = { NAME_HOLDS, LANDLOCK_HOLDS, "unlinkat" },
	[PM_CLASS_RENAME] = { NAME_HOLDS, LANDLOCK_HOLDS, "renameat2" },
	[PM_CLASS_LINK] = { NAME_HOLDS, LANDLOCK_HOLDS, "linkat" },
	[PM_CLASS_METADATA] = { NAME_HOLDS, NAME_HOLDS, "statx" },
	[PM_CLASS_SET_METADATA] = { NAME_HOLDS, NAME_HOLDS, "fchmodat" },
	[PM_CLASS_EXEC] = { NAME_HOLDS, LANDLOCK_HOLDS, "execve" },
	[PM_CLASS_CHDIR] = { NAME_HOLDS, NAME_HOLDS, "chdir" },
	[PM_CLASS_CHROOT] = { NAME_HOLDS, NAME_HOLDS, "chroot" },
	[PM_CLASS_MOUNT] = { NAME_HOLDS, NAME_HOLDS, "mount" },
	[PM_CLASS_WATCH] = { NAME_HOLDS, NAME_HOLDS, "inotify_add_watch" },
	[PM_CLASS_CONNECT] = { ADDRESS_HOLDS, ADDRESS_HOLDS, "connect" },
	[PM_CLASS_BIND] = { ADDRESS_HOLDS, ADDRESS_HOLDS, "bind" },
	[PM_CLASS_SEND] = { ADDRESS_HOLDS, ADDRESS_HOLDS, "sendto" },
	[PM_CLASS_SYSTEM] = { NAME_HOLDS, NAME_HOLDS, "acct" },
	[PM_CLASS_IPC] = { NAME_HOLDS, NAME_HOLDS, "mq_open" },
};

static bool wanted(struct pm_layer *const *layers, size_t n, int class)
{
	for (size_t i = 0; i < n; i++)
		if (!layers[i]->wants ||
		    layers[i]->wants(layers[i]->data, classes[class].syscall, PM_BIT(class)))
			return true;
	return false;
}

void guarantees_tell(struct pm_layer *const *layers, size_t n, bool landlock, bool mseal)
{
	bool any = false;

	complain("pins: %s", mseal ? "sealed by mseal(2)" :
				     "kept by refusing the calls that could replace them");
	for (int g = 0; g < NGUARANTEES; g++) {
		char list[512] = "";
		size_t at = 0;

		for (int class = 0; class < PM_NCLASSES; class++) {
			enum guarantee holds = landlock ? classes[class].landlock :
							  classes[class].plain;

			if ((int)holds == g && wanted(layers, n, class))
				at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s",
						       at ? ", " : "", pm_class_name(class));
		}
		if (at) {
			complain("%s: %s", list, meanings[g]);
			any = true;
		}
	}
	if (!any)
		complain("no policy asks to see any call");
}
