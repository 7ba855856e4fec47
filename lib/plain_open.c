/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An open in the target's place.  What exists is opened by the descriptor of the
 * very object that was decided on, what does not is made in the directory that
 * was looked up, and never through a link.
 *
 * Some objects are other ones, or open to others, for the supervisor than for
 * the target: devices (which a cgroup of the container may refuse, and of which
 * /dev/tty means who opens it), and files of /proc that show the namespaces of
 * whoever looks.  These are not opened here.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cleanup.h"
#include "identity.h"
#include "notify_plain.h"

#define LARGEFILE 0100000	/* glibc makes O_LARGEFILE 0 on 64-bit */
#define OPEN_FLAGS                                                                                \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_DSYNC |    \
	 O_SYNC | O_ASYNC | O_DIRECT | LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME |         \
	 O_CLOEXEC | O_PATH | O_TMPFILE)
/* What the walk has seen to already. */
#define WALKED                                                                                    \
	(RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH |        \
	 RESOLVE_IN_ROOT)

static struct pm_item *path_of(struct pm_call *call)
{
	return pm_call_item(call, PM_ITEM_PATH, NULL);
}

/* Null, zero, full, random, urandom; ptmx and the terminals of devpts. */
static bool is_harmless(dev_t device)
{
	unsigned int of = major(device), which = minor(device);

	if (of == 1)
		return which == 3 || which == 5 || which == 7 || which == 8 || which == 9;
	return (of == 5 && which == 2) || (of >= 136 && of <= 143);
}

static bool is_proc(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) || fs.f_type == PROC_SUPER_MAGIC;
}

/* The kernel's own checks of what the flags are for what is there, where it is not asked. */
static int check_existing(const struct pm_where *where, const struct pm_open_how *how, pid_t tid)
{
	mode_t mode = where->st.st_mode;
	bool creates = how->flags & O_CREAT && !(how->flags & O_PATH);

	if (creates && how->flags & O_EXCL)
		return -EEXIST;
	if (creates && S_ISDIR(mode))
		return -EISDIR;
	if (where->slash && !S_ISDIR(mode))
		return -ENOTDIR;
	if (how->flags & O_PATH)
		return 0;
	if (S_ISBLK(mode) || (S_ISCHR(mode) && !is_harmless(where->st.st_rdev)))
		return 1;
	return is_proc(where->fd) && !identity_same_namespaces(tid) ? 1 : 0;
}

int plain_open_check(struct pm_call *call)
{
	struct pm_item *item = path_of(call);
	const struct pm_where *where = item ? pm_item_where(call, item) : NULL;
	struct pm_open_how how;
	int err = pm_call_open_how(call, &how);

	if (!where)
		return -ENOMEM;
	if (err)
		return err;
	if (how.strict && (how.flags & ~(uint64_t)OPEN_FLAGS || how.resolve & ~(uint64_t)WALKED))
		return -EINVAL;
	if (where->err)
		return -where->err;
	if (where->exists)
		return check_existing(where, &how, call->tid);
	if (!(how.flags & O_CREAT) || how.flags & O_PATH || pm_call_no_create(call) ||
	    where->anonymous)
		return -ENOENT;
	return where->slash ? -EISDIR : 0;
}

/* Opening must not wait, but for what the target would wait for. */
static int open_waiting(const struct notice *notice, const char *path, int flags)
{
	struct plain_wait wait;
	int fd, err = plain_wait(&wait);

	if (err)
		return err;
	do {
		fd = open(path, flags);
		err = fd < 0 ? -errno : 0;
	} while (err == -EINTR && plain_go_on(notice));
	plain_wait_end(&wait);
	return err ? err : fd;
}

static int open_at_once(const char *path, int flags)
{
	auto_close int fd = open(path, flags | (flags & O_PATH ? 0 : O_NONBLOCK));

	if (fd < 0)
		return -errno;
	if (!(flags & (O_NONBLOCK | O_PATH)) && fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK))
		return -errno;
	return steal_fd(&fd);
}

/* The very object that was looked up. */
static int open_existing(const struct notice *notice, const struct pm_where *where,
			 const struct pm_open_how *how)
{
	int flags = (int)(how->flags & OPEN_FLAGS & ~(uint64_t)(O_CREAT | O_EXCL));
	char path[64];

	if (flags & O_PATH)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	/* The link of /proc is not the target's; what it leads to may be one. */
	if (flags & O_NOFOLLOW && S_ISLNK(where->st.st_mode) && !(flags & O_PATH))
		return -ELOOP;
	flags = (flags & ~O_NOFOLLOW) | O_CLOEXEC | O_NOCTTY;
	snprintf(path, sizeof(path), "/proc/thread-self/fd/%d", where->fd);
	if (S_ISFIFO(where->st.st_mode) && !(flags & (O_NONBLOCK | O_PATH)))
		return open_waiting(notice, path, flags);
	return open_at_once(path, flags);
}

/* The directory that was decided on, still by that name.  A descriptor or -errno. */
static int open_parent(struct pm_call *call, const char *name, const char *last)
{
	char parent[PATH_MAX];
	struct pm_where where;
	int err, fd;

	snprintf(parent, sizeof(parent), "%.*s", (int)(last - name - 1), name);
	err = pm_call_resolve(call, parent[0] ? parent : "/", false, &where);
	if (err)
		return err;
	if (where.err || !where.exists || strcmp(where.name, parent[0] ? parent : "/"))
		err = -EAGAIN;
	fd = steal_fd(&where.fd);
	pm_where_free(&where);
	if (!err)
		return fd;
	cleanup_close(&fd);
	return err;
}

/* A file of this name, which was not there. */
static int make_in(int parent, const char *last, const struct pm_open_how *how)
{
	struct open_how form = { .flags = (how->flags & OPEN_FLAGS) | O_EXCL | O_CLOEXEC | O_NOCTTY,
				 .mode = how->mode & 07777, .resolve = RESOLVE_NO_SYMLINKS };
	int fd = (int)syscall(SYS_openat2, parent, last, &form, sizeof(form));

	if (fd >= 0)
		return fd;
	/* Made by somebody else meanwhile. */
	return errno == EEXIST && !(how->flags & O_EXCL) ? -EAGAIN : -errno;
}

/* What is done as the target. */
struct opening {
	const struct notice *notice;
	const struct pm_where *where;
	struct pm_open_how how;
	int parent;
	const char *last;
};

static int do_open(void *data)
{
	const struct opening *opening = data;

	if (opening->where->missing)
		return make_in(opening->parent, opening->last, &opening->how);
	return open_existing(opening->notice, opening->where, &opening->how);
}

/*
 * A process may always list its own descriptors, also where /proc says that they are
 * root's since it may not be dumped: so is runc just before it becomes the program.
 */
static bool lists_own(const struct opening *opening)
{
	const char *name = opening->where->self_name;

	return !opening->where->missing && S_ISDIR(opening->where->st.st_mode) && name &&
	       is_proc(opening->where->fd) &&
	       (!strcmp(name, "/proc/self/fd") || !strcmp(name, "/proc/self/fdinfo"));
}

int plain_open(const struct notice *notice)
{
	struct pm_call *call = &notice->flight->call;
	struct opening opening = { .notice = notice, .parent = -1,
				   .where = pm_item_where(call, path_of(call)) };
	struct identity theirs;
	int fd, err = pm_call_open_how(call, &opening.how);

	if (err)
		return err;
	if (opening.where->missing) {
		opening.last = strrchr(opening.where->name, '/') + 1;
		opening.parent = open_parent(call, opening.where->name, opening.last);
		if (opening.parent < 0)
			return opening.parent;
	}
	fd = identity_of(call->tid, &theirs);
	if (!fd) {
		/* The number may be another thread's by now. */
		fd = notice_stands(notice) ? identity_do(&theirs, true, do_open, &opening) : -ESRCH;
		identity_free(&theirs);
	}
	if (fd == -EACCES && lists_own(&opening))
		fd = do_open(&opening);
	cleanup_close(&opening.parent);
	return fd;
}
