/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * resolve.h - where a path leads, in the view of another process
 */
#ifndef POINTSMAN_RESOLVE_H
#define POINTSMAN_RESOLVE_H

#include <limits.h>
#include <pointsman/pointsman.h>

/* What an object is; dev, ino and mount together are which one. */
struct object {
	dev_t dev;
	ino_t ino;
	uint64_t mount;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	uint64_t size;
	bool automount;
};

/*
 * What was found of a thread's view, so that it is not asked again while the
 * thread stays in its call.  Cleared before its first use.
 */
struct pm_view_known {
	bool root;		/* its root is the one that the supervisor keeps open */
	bool names;		/* and that is the one from which the kernel tells it names */
	bool rights;		/* its rights are no less than the supervisor's own */
	bool users;		/* its user namespace is the supervisor's own */
	bool ids;		/* its ids and groups are the supervisor's */
	bool compared;		/* the next two are known */
	bool opens;		/* it opens files as the supervisor does */
	bool asks;		/* access(2) answers it what it answers the supervisor */
	/*
	 * Directories that are known to be there, by their names; or NULL.  Unlooked: not yet
	 * since this call was made.
	 */
	struct landmarks *landmarks;
	bool unlooked;
	/* The name found last, from here on, is relative to what its path was; 0: not known. */
	size_t below;
	bool stays;		/* nobody is changing a working directory */
	/* Its own, as it was at that time of the landmarks; 0: not known. */
	struct object directory;
	uint64_t directory_at;
};

/* Whose view.  The thread is stopped while it is used. */
struct pm_view {
	pid_t tid;		/* its /proc/TID/root, cwd, fd */
	pid_t tgid;
	struct pm_view_known *known;	/* or NULL */
};

#define PM_RESOLVE_NOFOLLOW	1u	/* do not follow a final symbolic link */
#define PM_RESOLVE_EMPTY	2u	/* "" names dirfd itself (AT_EMPTY_PATH) */
/*
 * The final component is never followed, and may be anything, also where a
 * slash comes after it: how mkdir, mknod, symlink, link (its new name), unlink,
 * rmdir and rename see their names.
 */
#define PM_RESOLVE_PARENT	4u
/* As open with O_CREAT: a slash after the final component is EISDIR, whatever is there. */
#define PM_RESOLVE_CREATE	8u
/* Its descriptor is not needed where the object is on a device that alike.h knows. */
#define PM_RESOLVE_LOOK		16u
/* Nor where resolve_again() or resolve_text_again() can look at it. */
#define PM_RESOLVE_AGAIN	32u
/* It is walked with the real ids, and the capabilities that go with them: access(2). */
#define PM_RESOLVE_REAL		64u

/*
 * Walk path from dirfd (AT_FDCWD: the working directory) in view.  resolve
 * holds openat2's RESOLVE_* bits; the walk obeys them as the kernel does.
 *
 * Returns 0 with *out filled (out->err is the walk's own errno, such as
 * -ENOENT's ENOENT), owned by the caller, pm_where_free(); or -ENOMEM, -ESRCH
 * (the target is gone), -EMFILE.
 */
int pm_resolve(const struct pm_view *view, int dirfd, const char *path,
	       unsigned int flags, uint64_t resolve, struct pm_where *out);

/*
 * What statx(2) says, with flags and mask, of what pm_resolve() has found under PM_RESOLVE_AGAIN
 * and has not opened; now the name may be a link, which is not followed.  0 or -errno.
 */
struct statx;
int resolve_again(const struct pm_view *view, const struct pm_where *where, unsigned int flags,
		  unsigned int mask, struct statx *st);

/* The same for the text of a link: its length, or -1. */
ssize_t resolve_text_again(const struct pm_view *view, const struct pm_where *where,
			   char text[PATH_MAX]);

/* The link of what a thread's relative path starts from; false: there can be none. */
bool resolve_base_link(pid_t tid, int dirfd, char link[64]);

/* The absolute name that a link of /proc has for its text: its length, 0 where it has none. */
size_t resolve_link_name(const char *link, char text[PATH_MAX]);

/*
 * The descriptors of the process have been closed: that of its root, which is kept
 * open from the first walk on, is none of ours any more.  Before there are threads.
 */
void resolve_forget(void);

#endif
