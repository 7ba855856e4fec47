/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "settle.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "call_private.h"
#include "cleanup.h"
#include "regs.h"
#include "resolve.h"
#include "rights.h"

/* As open(2) itself reads its flags; openat2 refuses what open ignores. */
#define OPEN_FLAGS \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_DSYNC | \
	 O_SYNC | O_ASYNC | O_DIRECT | O_LARGEFILE_BIT | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | \
	 O_CLOEXEC | O_PATH | O_TMPFILE)
#define O_LARGEFILE_BIT 0100000	/* glibc makes O_LARGEFILE 0 on 64-bit */
#define O_TMPFILE_BIT (O_TMPFILE & ~O_DIRECTORY)

bool settle_has_openat2(void)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS };
	auto_close int fd = (int)syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how));

	return fd >= 0;
}

/* Does the target see the same tree from "/" as the supervisor? */
static bool same_root(pid_t tid)
{
	struct stat ours, theirs;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/root", tid);
	return !stat("/", &ours) && !stat(path, &theirs) && ours.st_dev == theirs.st_dev &&
	       ours.st_ino == theirs.st_ino;
}

/*
 * The resolved name as a path relative to what the spelling was relative to,
 * or NULL where it does not lie below it.  Points into name.
 */
static const char *relative_name(const struct pm_call *call, const struct pm_item *item,
				 const char *name)
{
	char link[64], base[PATH_MAX];
	size_t len;

	if (item->priv->below)
		return name + item->priv->below;
	if (item->data[0] == '/' || !(call->priv->known.names || same_root(call->tid)) ||
	    !resolve_base_link(call->tid, item->dirfd, link))
		return NULL;
	len = resolve_link_name(link, base);
	if (!len)
		return NULL;
	if (len == 1)
		len = 0;
	if (strncmp(name, base, len))
		return NULL;
	if (name[len] == '\0')
		return ".";
	if (name[len] != '/')
		return NULL;
	return name[len + 1] ? name + len + 1 : ".";
}

/*
 * The text that the kernel gets for a resolved path.  Absolute, since another
 * thread may change the directory that a relative one starts from; relative
 * where nobody can, so that directories above it are not searched again.
 * Returns 0; -ENAMETOOLONG: there is none that short, it is set to run as it
 * was spelled; -ENOMEM.
 */
static int settle_text(struct pm_call *call, struct pm_item *item, const struct settle *settle)
{
	const struct pm_where *where = pm_item_peek(item);
	const char *name = settle->lonely ? relative_name(call, item, where->name) : NULL;
	const char *end = where->dots ? "/." : where->slash ? "/" : "";
	char text[PATH_MAX];
	size_t len;
	int err;

	if (!name)
		name = where->name;
	if (!strcmp(name, "/"))
		end = "";
	len = strlen(name);
	if (len + strlen(end) < sizeof(text)) {
		memcpy(text, name, len);
		strcpy(text + len, end);
		return pm_call_run_text(call, item, text);
	}
	err = pm_call_run_text(call, item, NULL);
	return err ? err : -ENAMETOOLONG;
}

/* As it was spelled: nobody else can change what it starts from. */
static int settle_spelled(struct pm_call *call, struct pm_item *item, const struct settle *settle)
{
	int err = settle_text(call, item, settle);

	return err == -ENAMETOOLONG && settle->lonely ? 0 : err;
}

/* What the walk has seen to already. */
#define WALKED \
	(RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | \
	 RESOLVE_IN_ROOT)

/*
 * The flags as openat2 accepts them, for what open(2) would have made of them.
 * Those of openat2 itself stay, for the kernel to refuse what it does not know.
 */
static struct open_how open_form(const struct pm_open_how *how)
{
	const uint64_t both = RESOLVE_BENEATH | RESOLVE_IN_ROOT;
	struct open_how form = { .flags = how->flags & OPEN_FLAGS, .mode = how->mode & 07777 };

	if (how->strict) {
		form.flags = how->flags;
		form.mode = how->mode;
		form.resolve = (how->resolve & ~(uint64_t)WALKED) | RESOLVE_NO_SYMLINKS;
		if ((how->resolve & both) == both)
			form.resolve |= both;
		return form;
	}
	if (form.flags & O_PATH)
		form.flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	if (!(form.flags & (O_CREAT | O_TMPFILE_BIT)))
		form.mode = 0;
	form.resolve = RESOLVE_NO_SYMLINKS;
	return form;
}

/* openat2(2) opens large files for 32-bit programs too, open(2) where they ask for it. */
static bool too_large(const struct pm_call *call, const struct pm_where *where,
		      const struct pm_open_how *how)
{
	const uint64_t fresh = O_CREAT | O_EXCL;

	return regs_narrow(call->arch) && !how->strict && (how->flags & fresh) != fresh &&
	       !(how->flags & (O_LARGEFILE_BIT | O_PATH | O_DIRECTORY)) && S_ISREG(where->st.st_mode) &&
	       where->st.st_size > INT32_MAX;
}

/* The supervisor opens what it found, and hands it over. */
static int settle_adopt(struct settle *settle)
{
	settle->adopt = true;
	settle->holds = "file";
	return 0;
}

/* Run it as openat2 through no link, or as the plain call that takes flags. */
static int run_open(struct pm_call *call, struct pm_item *item, const struct pm_open_how *how,
		    bool no_links)
{
	const bool openat2 = no_links || how->strict;
	struct open_how form = open_form(how);
	/* The kernel takes 32 bits of it: where they stand already, the register stays. */
	const bool stands = (int)call->args[0] == item->dirfd;
	uint64_t args[6] = { stands ? call->args[0] : (uint64_t)(int64_t)item->dirfd };
	int8_t item_arg[2];	/* a path, and openat2's own structure */

	for (size_t i = 0; i < call->nitems; i++)
		item_arg[i] = &call->items[i] == item ? 1 : -1;
	if (!openat2) {
		args[2] = how->flags;
		args[3] = how->mode;
		return pm_call_run_as(call, pm_syscall_number(call->arch, "openat"), args, item_arg,
				      NULL, 0, 0);
	}
	args[3] = sizeof(form);
	if (!no_links)
		form.resolve = how->resolve;
	return pm_call_run_as(call, SYS_openat2 /* in every table */, args, item_arg, &form,
			      sizeof(form), 2);
}

/*
 * An open runs as openat2 on the resolved name, through no link at all: where
 * one was put in since, it fails.
 */
static int settle_open_links(struct pm_call *call, struct pm_item *item,
			     const struct pm_open_how *how, struct settle *settle)
{
	const struct pm_where *where = pm_item_peek(item);
	int err = settle_text(call, item, settle);

	if (err == -ENAMETOOLONG && settle->lonely)
		return settle->no_create ? run_open(call, item, how, false) : 0;
	if (err == -ENAMETOOLONG && where->exists)
		return settle_adopt(settle);
	if (!err && too_large(call, where, how))
		err = -EOVERFLOW;
	if (err)
		return err;
	settle->holds = "file";
	settle->no_links = !S_ISLNK(where->st.st_mode);
	return run_open(call, item, how, true);
}

/*
 * A layer would not have the file made: it is opened as one that is there.
 * What O_CREAT makes of files that are there are errors.
 */
static int leave_out_create(const struct pm_call *call, const struct pm_where *where,
			    struct pm_open_how *how, struct settle *settle)
{
	if (!pm_call_no_create(call) || !(how->flags & O_CREAT) ||
	    how->flags & (O_PATH | O_TMPFILE_BIT))
		return 0;
	if (where->exists && how->flags & O_EXCL)
		return -EEXIST;
	if (where->exists && (S_ISDIR(where->st.st_mode) || where->slash))
		return -EISDIR;
	how->flags &= ~(uint64_t)(O_CREAT | O_EXCL);
	how->mode = 0;
	settle->no_create = true;
	return 0;
}

static int settle_open_item(struct pm_call *call, struct pm_item *item, struct settle *settle)
{
	const struct pm_where *where = pm_item_peek(item);
	struct pm_open_how how;
	int err = pm_call_open_how(call, &how);

	if (!err && call->nitems > 2)
		err = -EINVAL;
	if (!err)
		err = leave_out_create(call, where, &how, settle);
	if (err)
		return err;
	if (settle->openat2)
		return settle_open_links(call, item, &how, settle);
	err = settle_spelled(call, item, settle);
	return err || !settle->no_create ? err : run_open(call, item, &how, false);
}

static bool opens(const struct pm_call *call)
{
	struct pm_open_how how;

	return !pm_call_open_how(call, &how);
}

/*
 * Is it spelled as a descriptor of the process itself?  Those of another one
 * change at any time, also where nobody can change its own.
 */
static bool is_own_descriptor(const struct pm_item *item)
{
	static const char *const below[] = { "/dev/fd/", "/proc/self/fd/" };
	static const char *const exact[] = { "/dev/stdin", "/dev/stdout", "/dev/stderr" };
	const char *text = (const char *)item->data;

	for (size_t i = 0; i < sizeof(exact) / sizeof(exact[0]); i++)
		if (!strcmp(text, exact[i]))
			return true;
	for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
		size_t len = strlen(below[i]);

		if (!strncmp(text, below[i], len) && text[len] &&
		    !text[len + strspn(text + len, "0123456789")])
			return true;
	}
	return false;
}

/*
 * Where a link is on the way it fails, and is asked about again.  A call that has become
 * another one since its layer was told so has no answer to where it leads.
 */
static int settle_straight(struct pm_call *call, struct pm_item *item, struct settle *settle)
{
	struct pm_open_how how;

	if (!settle->openat2 || !pm_item_leads_straight(call, item) ||
	    pm_call_open_how(call, &how))
		return -EACCES;
	settle->holds = "file";
	settle->no_links = true;
	return run_open(call, item, &how, true);
}

static int settle_item(struct pm_call *call, struct pm_item *item, struct settle *settle)
{
	const uint32_t names = PM_BIT(PM_CLASS_CREATE) | PM_BIT(PM_CLASS_REMOVE) |
			       PM_BIT(PM_CLASS_RENAME);
	const struct pm_where *where = pm_item_peek(item);

	settle->holds = item->classes && !(item->classes & ~settle->landlock) ? "landlock" : "name";
	if (where->err)
		return -where->err;
	if (!item->len)
		return 0;
	/* Nothing is found or made in a directory that is gone. */
	if (where->missing && !strncmp(where->name, "deleted:", strlen("deleted:")))
		return -ENOENT;
	if (where->anonymous && opens(call) &&
	    !(settle->lonely && (where->missing || is_own_descriptor(item))))
		return settle_adopt(settle);
	if (where->anonymous) {
		if (opens(call) && !where->missing)
			settle->holds = "file";
		return pm_call_run_text(call, item, NULL);
	}
	/* "." and ".." cannot be made, removed or renamed; the errors are for the spelling. */
	if (where->dots && item->classes & names && !opens(call))
		return pm_call_run_text(call, item, NULL);
	if (item->classes & PM_BIT(PM_CLASS_EXEC))
		return pm_call_run_text(call, item, NULL);
	if (opens(call))
		return settle_open_item(call, item, settle);
	return settle_spelled(call, item, settle);
}

/* What execve must run in the end: the file, or the interpreter of a script. */
static int settle_exec(struct pm_call *call, const struct pm_where *where, struct settle *settle)
{
	int err;

	if (!where->exists)
		return -ENOENT;
	err = script_program(call, &settle->program);
	if (!err)
		settle->holds = "file";
	return err;
}

int settle(struct pm_call *call, struct settle *settle)
{
	settle->holds = "";
	for (size_t i = 0; i < call->nitems; i++) {
		struct pm_item *item = &call->items[i];
		int err;

		if (item->kind != PM_ITEM_PATH || item->arg == PM_NO_REGISTER)
			continue;
		if (item->priv->straight) {
			err = settle_straight(call, item, settle);
			if (err)
				return err;
			continue;
		}
		if (!pm_item_peek(item))
			continue;
		err = settle_item(call, item, settle);
		if (!err && (item->classes & PM_BIT(PM_CLASS_EXEC)) &&
		    strncmp(call->name, "exec", 4) == 0)
			err = settle_exec(call, pm_item_peek(item), settle);
		if (err)
			return err;
	}
	if (!settle->adopt)
		pm_call_let_go(call);
	return 0;
}

/* Opening must not wait: the one who would end the wait may be waiting for us. */
int settle_open_again(pid_t tid, int fd, int flags)
{
	struct rights rights = { 0 };
	char path[64];
	int opened = rights_of(tid, false, &rights);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!opened)
		opened = rights_take(&rights);
	if (!opened) {
		opened = open(path, flags | (flags & O_PATH ? 0 : O_NONBLOCK));
		if (opened < 0)
			opened = -errno;
	}
	rights_free(&rights);
	return opened;
}

int settle_open(struct pm_call *call)
{
	struct pm_item *item = pm_call_item(call, PM_ITEM_PATH, NULL);
	const struct pm_where *where = item ? pm_item_peek(item) : NULL;
	struct pm_open_how how;
	int fd, flags;

	if (!where || pm_call_open_how(call, &how))
		return -EACCES;
	if (where->fd < 0)
		return where->missing && !(how.flags & O_CREAT) ? -ENOENT : -EACCES;
	if (how.strict && (how.flags & ~(uint64_t)OPEN_FLAGS || how.resolve & ~(uint64_t)WALKED))
		return -EINVAL;
	if ((how.flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	if (S_ISLNK(where->st.st_mode) && !(how.flags & O_PATH))
		return how.flags & O_DIRECTORY ? -ENOTDIR : -ELOOP;
	/* O_NOFOLLOW was obeyed, and would be for the link of /proc. */
	flags = (int)(how.flags & OPEN_FLAGS & ~(uint64_t)(O_CREAT | O_EXCL | O_NOFOLLOW)) |
		O_CLOEXEC | O_NOCTTY;
	fd = settle_open_again(call->tid, where->fd, flags);
	if (fd < 0)
		return fd;
	if (!(flags & (O_NONBLOCK | O_PATH)) &&
	    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK)) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}
