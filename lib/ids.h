/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ids.h - the ids of a thread, and the calls that change those of the calling one
 *
 * The system calls themselves: glibc's setgroups(3) and the like change all threads
 * of the process.
 */
#ifndef POINTSMAN_IDS_H
#define POINTSMAN_IDS_H

#include <linux/capability.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Owner: who has it; cleared before its first use. */
struct ids {
	uid_t uid, euid, fsuid;
	gid_t gid, egid, fsgid;
	gid_t *groups;		/* owner: this; ids_free() */
	size_t ngroups;
	mode_t umask;		/* (mode_t)-1 where it is not told */
};

/*
 * What this status file of /proc says.  Returns 0, -ESRCH where it is gone, -EACCES
 * where that cannot be said, -ENOMEM, -EMFILE.  ids_free() is the caller's in any case.
 */
int ids_read(const char *path, struct ids *ids);
void ids_free(struct ids *ids);
bool ids_same_groups(const struct ids *a, const struct ids *b);

/* Of the calling thread.  Have they been changed? */
bool ids_set_groups(const struct ids *ids);
bool ids_set_files(const struct ids *ids);

/* Of a thread; 0 is the calling one.  0 or -errno. */
int ids_capabilities(pid_t tid, struct __user_cap_data_struct data[2]);

#endif
