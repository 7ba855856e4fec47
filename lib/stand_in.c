/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "stand_in.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/stat.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "alike.h"
#include "call_private.h"
#include "cleanup.h"

enum look_kind {
	LOOK_NONE,
	LOOK_STAT,
	LOOK_STATX,
	LOOK_ACCESS,
	LOOK_LINK,
	LOOK_OPEN,	/* it is only looked whether there is something */
};

/* A call that looks at one file. */
struct look {
	enum look_kind kind;
	unsigned int flags;	/* AT_* */
	unsigned int known;	/* those whose meaning is known here */
	unsigned int mask;	/* of statx */
	int mode;		/* of access */
	int size;		/* of readlink */
	uint64_t to;
};

#ifdef __x86_64__
static struct look look_of(const struct pm_call *call)
{
	const uint64_t *args = call->args;
	const unsigned int stat_flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH;
	struct pm_open_how how;

	if (call->arch != AUDIT_ARCH_X86_64)
		return (struct look){ 0 };
	switch (call->nr) {
	case SYS_stat:
	case SYS_lstat:
		return (struct look){ .kind = LOOK_STAT, .to = args[1] };
	case SYS_newfstatat:
		return (struct look){ .kind = LOOK_STAT, .flags = (unsigned int)args[3],
				      .known = stat_flags, .to = args[2] };
	case SYS_statx:
		return (struct look){ .kind = LOOK_STATX, .flags = (unsigned int)args[2],
				      .known = stat_flags | AT_STATX_FORCE_SYNC |
					       AT_STATX_DONT_SYNC,
				      .mask = (unsigned int)args[3], .to = args[4] };
	case SYS_access:
		return (struct look){ .kind = LOOK_ACCESS, .mode = (int)args[1] };
	case SYS_faccessat:
		return (struct look){ .kind = LOOK_ACCESS, .mode = (int)args[2] };
	case SYS_faccessat2:
		return (struct look){ .kind = LOOK_ACCESS, .mode = (int)args[2],
				      .flags = (unsigned int)args[3],
				      .known = AT_SYMLINK_NOFOLLOW | AT_EACCESS | AT_EMPTY_PATH };
	case SYS_readlink:
		return (struct look){ .kind = LOOK_LINK, .to = args[1], .size = (int)args[2] };
	case SYS_readlinkat:
		return (struct look){ .kind = LOOK_LINK, .to = args[2], .size = (int)args[3] };
	default:
		if (pm_call_open_how(call, &how) || how.strict ||
		    how.flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)))
			return (struct look){ 0 };
		return (struct look){ .kind = LOOK_OPEN };
	}
}
#else
static struct look look_of(const struct pm_call *call)
{
	(void)call;
	return (struct look){ 0 };
}
#endif

/* Nothing in it that the kernel refuses before it looks for the file. */
static bool is_plain(const struct look *look)
{
	const unsigned int sync = AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC;

	if (look->flags & ~look->known)
		return false;
	switch (look->kind) {
	case LOOK_STATX:
		return !(look->mask & STATX__RESERVED) && (look->flags & sync) != sync;
	case LOOK_ACCESS:
		return !(look->mode & ~(R_OK | W_OK | X_OK));
	case LOOK_LINK:
		return look->size > 0;
	default:
		return look->kind != LOOK_NONE;
	}
}

/*
 * Security modules that label tasks may tell one from another.  Those that do
 * not, and could judge a look all the same (TOMOYO, a program of BPF's), see the
 * supervisor here, as they do where it walks the path.
 */
static ssize_t read_label(pid_t tid, char *label, size_t room)
{
	auto_close int fd = -1;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/attr/current", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? 0 : read(fd, label, room);
}

static bool same_label(pid_t tid)
{
	static char own[512];
	static ssize_t own_len = -1;
	char label[sizeof(own)];

	if (own_len < 0) {
		own_len = read_label(getpid(), own, sizeof(own));
		own_len = own_len < 0 ? 0 : own_len;
	}
	return !own_len ||
	       (read_label(tid, label, sizeof(label)) == own_len &&
		!memcmp(label, own, (size_t)own_len));
}

static bool file_is_told_alike(const struct pm_where *where)
{
	struct statfs fs;

	return alike_device(where->st.st_dev) ||
	       (!fstatfs(where->fd, &fs) && alike_learn(where->st.st_dev, fs.f_type));
}

static bool tell(struct stand_in *answer, uint64_t to, const void *bytes, size_t len)
{
	answer->to = to;
	answer->len = len;
	memcpy(answer->bytes, bytes, len);
	return true;
}

static bool tell_statx(int dirfd, const char *path, unsigned int flags, const struct look *look,
		       struct stand_in *answer)
{
	struct statx st;

	return !syscall(SYS_statx, dirfd, path, flags, look->mask, &st) &&
	       tell(answer, look->to, &st, sizeof(st));
}

/* What the descriptor of the thread stands for, or its working directory. */
static bool look_at_descriptor(const struct pm_call *call, int fd, const struct look *look,
			       struct stand_in *answer)
{
	const unsigned int sync = AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC;
	struct statfs fs;
	struct stat st;
	char path[64];

	if (fd == AT_FDCWD)
		snprintf(path, sizeof(path), "/proc/%d/cwd", call->tid);
	else
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", call->tid, fd);
	if ((fd < 0 && fd != AT_FDCWD) || stat(path, &st))
		return false;
	if (!alike_device(st.st_dev) && (statfs(path, &fs) || !alike_learn(st.st_dev, fs.f_type)))
		return false;
	if (look->kind == LOOK_STATX)
		return tell_statx(AT_FDCWD, path, look->flags & sync, look, answer);
	return tell(answer, look->to, &st, sizeof(st));
}

static bool look_at_link(const struct pm_call *call, const struct pm_where *where,
			 const struct look *look, struct stand_in *answer)
{
	const struct pm_view view = call_view(call);
	char text[PATH_MAX];
	ssize_t len;

	if (!S_ISLNK(where->st.st_mode)) {
		answer->value = -EINVAL;
		return true;
	}
	len = where->fd < 0 ? resolve_text_again(&view, where, text) :
			      readlinkat(where->fd, "", text, sizeof(text));
	if (len <= 0)
		return false;
	answer->value = len < look->size ? len : look->size;
	return tell(answer, look->to, text, (size_t)answer->value);
}

/* By its name, in a directory that is kept. */
static bool look_again(const struct pm_call *call, const struct pm_where *where,
		       const struct look *look, struct stand_in *answer)
{
	const struct pm_view view = call_view(call);
	struct statx st;

	return !resolve_again(&view, where, look->flags, look->mask, &st) &&
	       (!S_ISLNK(st.stx_mode) || look->flags & AT_SYMLINK_NOFOLLOW) &&
	       tell(answer, look->to, &st, sizeof(st));
}

static bool look_for_rights(const struct pm_call *call, const struct pm_where *where,
			    const struct look *look, struct stand_in *answer)
{
	const unsigned int flags = (look->flags & AT_EACCESS) | AT_EMPTY_PATH;

	if (!call->priv->as_effective || where->fd < 0)
		return false;
	if (!syscall(SYS_faccessat2, where->fd, "", look->mode, flags))
		return true;
	answer->value = -errno;
	return errno == EACCES || errno == EROFS;
}

static bool look_at_file(const struct pm_call *call, const struct pm_where *where,
			 const struct look *look, struct stand_in *answer)
{
	if (!file_is_told_alike(where))
		return false;
	switch (look->kind) {
	case LOOK_STAT:
		return tell(answer, look->to, &where->st, sizeof(where->st));
	case LOOK_STATX:
		if (where->fd < 0)
			return look_again(call, where, look, answer);
		return tell_statx(where->fd, "", look->flags | AT_EMPTY_PATH, look, answer);
	case LOOK_ACCESS:
		return look->mode == F_OK || look_for_rights(call, where, look, answer);
	case LOOK_LINK:
		return look_at_link(call, where, look, answer);
	default:
		return false;
	}
}

/* Owners are told by the numbers that the user namespace gives them. */
static bool same_user_namespace(pid_t tid)
{
	static char own[32];
	char path[64], theirs[32];
	ssize_t len;

	if (!own[0] && readlink("/proc/self/ns/user", own, sizeof(own) - 1) < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/ns/user", tid);
	len = readlink(path, theirs, sizeof(theirs));
	return len > 0 && (size_t)len == strlen(own) && !memcmp(theirs, own, (size_t)len);
}

bool stand_in_only_asks(const struct pm_call *call)
{
	const struct look look = look_of(call);

	return look.kind == LOOK_STAT || (look.kind == LOOK_ACCESS && look.mode == F_OK);
}

bool stand_in_asks_again(const struct pm_call *call)
{
	const struct look look = look_of(call);

	return look.kind == LOOK_STATX || look.kind == LOOK_LINK;
}

bool stand_in_asks_rights(const struct pm_call *call)
{
	const struct look look = look_of(call);

	return look.kind == LOOK_ACCESS;
}

static bool may_stand_in(const struct pm_call *call)
{
	return (call->priv->known.users || same_user_namespace(call->tid)) &&
	       same_label(call->tid);
}

bool stand_in_knows(const struct pm_call *call, const struct pm_where *where)
{
	return may_stand_in(call) && file_is_told_alike(where);
}

bool stand_in(const struct pm_call *call, struct stand_in *answer)
{
	const struct look look = look_of(call);
	const struct pm_item *item = call->nitems == 1 ? &call->items[0] : NULL;
	const struct pm_where *where;

	if (!is_plain(&look) || !item || item->kind != PM_ITEM_PATH)
		return false;
	answer->value = 0;
	answer->len = 0;
	where = pm_item_peek(item);
	if (!item->len && (!where || where->fd < 0))
		return item->empty_ok && look.flags & AT_EMPTY_PATH &&
		       (look.kind == LOOK_STAT || look.kind == LOOK_STATX) &&
		       may_stand_in(call) && look_at_descriptor(call, item->dirfd, &look, answer);
	if (!where || where->err)
		return false;
	if (where->missing) {
		answer->value = -ENOENT;
		return same_label(call->tid);
	}
	return look.kind != LOOK_OPEN && (where->fd >= 0 || alike_device(where->st.st_dev)) &&
	       (!where->slash || S_ISDIR(where->st.st_mode)) && may_stand_in(call) &&
	       look_at_file(call, where, &look, answer);
}
