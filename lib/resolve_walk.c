/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The walk: a component at a time, each opened by its name in what was reached
 * before, so that whatever is renamed meanwhile, every step was possible.
 */
#define _GNU_SOURCE
#include "resolve_own.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"

/* A path may go to and fro between mounts. */
#define MAX_LEAPS 4

static bool is_dot(const char *name)
{
	return !strcmp(name, ".");
}

static bool is_dotdot(const char *name)
{
	return !strcmp(name, "..");
}

/*
 * May the target go on from here, where its rights taken by the supervisor do
 * not let it?  In its own directories of procfs it always may.
 */
static bool goes_on(const struct walk *walk)
{
	char *own = NULL;
	bool is_own;

	if (rights_reach(&walk->rights, walk->cur.is.uid, walk->cur.is.gid))
		return true;
	is_own = walk->cur.name.s && !self_name(walk, walk->cur.name.s, &own) && own;
	free(own);
	return is_own;
}

/* Open a name in what was reached, with the rights of the target. */
static int open_next(struct walk *walk, const char *name, int flags)
{
	int err, fd = open_path(walk->cur.fd, name, flags);

	if (fd != -EACCES || !walk->rights.taken)
		return fd;
	rights_leave(&walk->rights);
	if (goes_on(walk))
		fd = open_path(walk->cur.fd, name, flags);
	err = rights_take(&walk->rights);
	if (err && fd >= 0)
		close(fd);
	return err ? err : fd;
}

/* Names are for the supervisor, and found with its own rights. */
static int name_here(struct walk *walk)
{
	int err, taken;

	rights_leave(&walk->rights);
	err = name_place(walk, &walk->cur);
	taken = rights_take(&walk->rights);
	return err ? err : taken;
}

/* Move to fd, which is this object and given away; the name is the caller's to set. */
static int move_to(struct walk *walk, int fd, const struct object *is)
{
	if ((walk->resolve & RESOLVE_NO_XDEV) && is->mount != walk->cur.is.mount) {
		close(fd);
		return -EXDEV;
	}
	place_close(&walk->cur);
	walk->cur.fd = fd;
	walk->cur.is = *is;
	walk->magic = false;
	walk->knows_st = false;
	return 0;
}

static int move(struct walk *walk, int fd)
{
	struct object is;
	int err = object_of(fd, &is);

	if (!err)
		return move_to(walk, fd, &is);
	close(fd);
	return err;
}

/*
 * ".." at the top stays there, but enters what was mounted over it: so it does
 * below, where no name leads.
 */
static int open_over(struct walk *walk)
{
	return open_how_path(walk->top->fd, "..", 0, RESOLVE_IN_ROOT);
}

static int find_over(struct walk *walk)
{
	auto_close int fd = -1;

	if (walk->knows_over)
		return 0;
	fd = have_openat2() ? open_over(walk) : -ENOSYS;
	if (fd == -EMFILE || fd == -ENOMEM)
		return fd;
	if (fd < 0 || object_of(fd, &walk->over))
		walk->over = walk->top->is;
	walk->knows_over = true;
	return 0;
}

/* Where a component leads nowhere else, the directory has to be searched all the same. */
static int stay(struct walk *walk)
{
	int fd = open_next(walk, ".", 0);

	if (fd < 0)
		return fd;
	close(fd);
	walk->magic = false;
	return 0;
}

static int step_up(struct walk *walk)
{
	bool at_over, at_top = same_object(&walk->cur.is, &walk->top->is);
	int fd, err = find_over(walk);

	if (err)
		return err;
	walk->knows_root = true;
	at_over = same_object(&walk->cur.is, &walk->over);
	if ((at_top || at_over) && (walk->resolve & RESOLVE_BENEATH)) {
		err = stay(walk);
		return err ? err : -EXDEV;
	}
	if (at_over)
		return stay(walk);
	fd = at_top ? open_over(walk) : open_next(walk, "..", 0);
	if (fd < 0)
		return fd;
	err = move(walk, fd);
	if (err)
		return err;
	at_over = same_object(&walk->cur.is, &walk->over) &&
		  !same_object(&walk->over, &walk->top->is);
	if (at_over || walk->cur.anonymous || walk->cur.loose)
		return name_here(walk);
	text_pop(&walk->cur.name);
	return 0;
}

/* The link is replaced by its text; what comes after it stays. */
static int put_in_place(struct walk *walk, const char *text, bool final)
{
	size_t len = strlen(text), rest = strlen(walk->at);
	char *path = malloc(len + rest + 2);

	if (!path)
		return -ENOMEM;
	memcpy(path, text, len + 1);
	if (!final) {
		path[len] = '/';
		memcpy(path + len + 1, walk->at, rest + 1);
	}
	free(walk->rest);
	walk->rest = path;
	walk->at = path;
	return 0;
}

static int follow_text(struct walk *walk, const char *text, bool final)
{
	walk->magic = false;
	if (text[0] == '/') {
		int err;

		if (walk->resolve & RESOLVE_BENEATH)
			return -EXDEV;
		/* The kernel compares with a root that it has not looked up before it needs it. */
		if ((walk->resolve & RESOLVE_NO_XDEV) &&
		    (!walk->knows_root || walk->cur.is.mount != walk->top->is.mount))
			return -EXDEV;
		walk->knows_root = true;
		err = place_copy(&walk->cur, walk->top);
		if (err)
			return err;
	}
	return put_in_place(walk, text, final);
}

/* Where a magic link leads is an object; it is found by opening the link. */
static int follow_magic(struct walk *walk, const char *name)
{
	int err, fd = open_next(walk, name, 0);

	if (fd < 0)
		return fd;
	if (walk->resolve & RESOLVE_NO_MAGICLINKS) {
		close(fd);
		return -ELOOP;
	}
	if (walk->resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) {
		close(fd);
		return -EXDEV;
	}
	err = move(walk, fd);
	if (!err)
		err = name_here(walk);
	walk->magic = true;
	return err;
}

static int follow(struct walk *walk, int fd, const struct object *link, const char *name,
		  bool final)
{
	enum link_kind kind;
	char text[PATH_MAX];
	int err;

	if (walk->leapt) {
		walk->again = true;
		return -ELOOP;
	}
	if (walk->links++ >= MAX_LINKS)
		return -ELOOP;
	err = final ? may_follow(walk, &walk->cur.is, link) : 0;
	if (!err)
		err = read_link(walk, fd, link, name, text, &kind);
	if (err)
		return err;
	return kind == LINK_MAGIC ? follow_magic(walk, name) : follow_text(walk, text, final);
}

static int step_down(struct walk *walk, const char *name, bool final)
{
	struct object is;
	struct stat st;
	int fd = open_next(walk, name, O_NOFOLLOW);
	int err;

	if (fd == -ENOENT && final) {
		walk->missing = true;
		walk->magic = false;
		strcpy(walk->last, name);
		return 0;
	}
	if (fd < 0)
		return fd;
	err = final ? object_stat(fd, &is, &st) : object_of(fd, &is);
	if (!err && S_ISLNK(is.mode) &&
	    (!final || (!(walk->flags & PM_RESOLVE_PARENT) &&
			(walk->want_dir || !(walk->flags & PM_RESOLVE_NOFOLLOW))))) {
		err = follow(walk, fd, &is, name, final);
		close(fd);
		return err;
	}
	if (!err && is.automount && !final) {
		close(fd);
		fd = open_next(walk, name, O_NOFOLLOW | O_DIRECTORY);
		if (fd < 0)
			return fd;
		err = object_of(fd, &is);
	}
	if (err) {
		close(fd);
		return err;
	}
	err = move_to(walk, fd, &is);
	if (!err && final) {
		walk->st = st;
		walk->knows_st = true;
	}
	return err ? err : text_append(&walk->cur.name, name, strlen(name));
}

static int step(struct walk *walk, const char *name, bool final)
{
	if (!S_ISDIR(walk->cur.is.mode))
		return -ENOTDIR;
	if (is_dotdot(name))
		return step_up(walk);
	if (!is_dot(name) && final && walk->want_dir && (walk->flags & PM_RESOLVE_CREATE))
		return -EISDIR;
	if (!is_dot(name))
		return step_down(walk, name, final);
	return stay(walk);
}

/* The path without its final component, or NULL where it has but one. */
static char *parent_path(const char *path)
{
	size_t len = strlen(path);

	while (len && path[len - 1] == '/')
		len--;
	while (len && path[len - 1] != '/')
		len--;
	return len ? strndup(path, len) : NULL;
}

static bool goes_up(const char *path)
{
	while (*path) {
		size_t len = (size_t)(strchrnul(path, '/') - path);

		if (len == 2 && !memcmp(path, "..", 2))
			return true;
		for (path += len; *path == '/'; path++)
			;
	}
	return false;
}

/*
 * Let the kernel walk from cur in one go.  Returns 0 where cur is moved now, or
 * an error, after which nothing has changed.  On a way without a link that does
 * not go up the path is the name of where it leads, -ELOOP on another.
 */
static int leap_plainly(struct walk *walk, const char *path, int flags)
{
	auto_close int fd = -1;
	struct object is;
	int err;

	if (goes_up(path))
		return -ELOOP;
	fd = open_how_path(walk->cur.fd, path, flags, RESOLVE_NO_SYMLINKS);
	if (fd < 0)
		return fd;
	err = object_stat(fd, &is, &walk->st);
	if (!err)
		err = text_clean(&walk->cur.name, path);
	return err ? err : move_to(walk, steal_fd(&fd), &is);
}

/* The same where there are links, which nobody counts then. */
static int leap_through_links(struct walk *walk, const char *path, int flags)
{
	auto_close int fd = -1;
	struct object is;
	char text[PATH_MAX];
	int err;

	if (walk->links || !names_are_ours(walk))
		return -ELOOP;
	fd = open_how_path(walk->cur.fd, path, flags, RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
	if (fd < 0)
		return fd;
	err = object_stat(fd, &is, &walk->st);
	if (!err)
		err = kernel_name(fd, text);
	if (!err && (text[0] != '/' || looks_deleted(text)))
		err = -EINVAL;
	if (!err)
		err = text_set(&walk->cur.name, text);
	if (!err)
		err = move_to(walk, steal_fd(&fd), &is);
	walk->leapt = !err;
	return err;
}

/*
 * Directories in the root that led elsewhere when they were last met: where /lib is a link
 * to /usr/lib all programs meet it.  Only what is tried first depends on them.
 */
static char *led_elsewhere(const char *path)
{
	static _Thread_local char names[8][16];
	size_t len = strcspn(path, "/");

	return len < sizeof(names[0]) ? names[((unsigned char)path[0] + len) % 8] : NULL;
}

static bool is_first(const char *path, const char *name)
{
	size_t len = strlen(name);

	return len && !strncmp(path, name, len) && path[len] == '/';
}

/* It was gone through links, and led to where cur is now. */
static void note_lead(const struct walk *walk, const char *path, char *name)
{
	size_t len = strcspn(path, "/");
	const char *now = walk->cur.name.s + 1;

	if (!strncmp(path, now, len) && now[len] == '/') {
		name[0] = '\0';
	} else {
		memcpy(name, path, len);
		name[len] = '\0';
	}
}

static int leap_to(struct walk *walk, const char *path, int flags)
{
	char *name = walk->cur.kept ? led_elsewhere(path) : NULL;
	int err = -ELOOP;

	if (!name || !is_first(path, name))
		err = leap_plainly(walk, path, flags);
	if (err != -ELOOP)
		return err;
	err = leap_through_links(walk, path, flags);
	if (!err && name)
		note_lead(walk, path, name);
	return err;
}

/* One step costs no more. */
static bool worth_a_leap(const char *path)
{
	path += strcspn(path, "/");
	return path[strspn(path, "/")];
}

/*
 * The fast way.  It comes to the same end as the slow one: the root is the same,
 * what is another for the target than for the supervisor are links of procfs, and
 * a leap meets none.  One that goes through links stays on its mount, which is no
 * procfs, and is made where none was followed before (so that they are counted
 * right).  Where it fails the slow way is gone from here.
 */
static int leap(struct walk *walk)
{
	const char *path = walk->at + strspn(walk->at, "/");
	size_t len = strlen(path);
	auto_free char *shorter = NULL;
	int flags = walk->flags & (PM_RESOLVE_NOFOLLOW | PM_RESOLVE_PARENT) ? O_NOFOLLOW : 0;
	int err;

	if (!worth_a_leap(path) || !walk->may_leap || walk->leapt ||
	    walk->leapt_on == walk->cur.is.mount || walk->cur.anonymous || walk->cur.loose ||
	    walk->leaps++ >= MAX_LEAPS || !S_ISDIR(walk->cur.is.mode) ||
	    (!walk->cur.kept && on_procfs(walk->cur.fd)))
		return 0;
	walk->leapt_on = walk->cur.is.mount;
	if (walk->want_dir)
		flags = O_DIRECTORY;
	if (path[len - 1] == '/' && (walk->flags & (PM_RESOLVE_PARENT | PM_RESOLVE_CREATE)))
		err = -ENOENT;
	else
		err = leap_to(walk, path, flags);
	if (!err) {
		walk->at = path + len;
		walk->knows_st = true;
		return 0;
	}
	if (err == -ENOENT) {
		shorter = parent_path(path);
		err = shorter ? leap_to(walk, shorter, O_DIRECTORY) : -ENOENT;
		if (!err)
			walk->at = path + strlen(shorter);
	}
	if (err && err != -EXDEV && err != -ELOOP)
		walk->may_leap = false;
	return err == -ENOMEM || err == -EMFILE ? err : 0;
}

/* Returns 0 also where the final component is missing. */
int walk_path(struct walk *walk)
{
	char name[NAME_MAX + 1];

	for (;;) {
		int err = leap(walk);
		const char *start = walk->at + strspn(walk->at, "/");
		size_t len = strcspn(start, "/");
		size_t slashes = strspn(start + len, "/");
		bool final = !start[len + slashes];

		if (err)
			return err;
		err = -ENAMETOOLONG;
		if (!len)
			break;
		if (len < sizeof(name)) {
			memcpy(name, start, len);
			name[len] = '\0';
			walk->at = start + len + slashes;
			if (final && slashes && !is_dot(name) && !is_dotdot(name))
				walk->want_dir = true;
			err = step(walk, name, final);
		} else if (!S_ISDIR(walk->cur.is.mode)) {
			err = -ENOTDIR;
		}
		if (err) {
			walk->at = start;
			return err;
		}
		if (walk->missing)
			return 0;
	}
	if (walk->want_dir && !(walk->flags & PM_RESOLVE_PARENT) && !S_ISDIR(walk->cur.is.mode))
		return -ENOTDIR;
	return 0;
}
