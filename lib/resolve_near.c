/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The shortest way: from a directory that is kept open by its name.  It comes to the same end
 * as the walk, or is not gone.
 */
#define _GNU_SOURCE
#include "resolve_own.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "alike.h"
#include "cleanup.h"
#include "landmarks.h"

/* After so many relative paths in a row that had no landmark, most are not tried. */
#define VAIN_MANY 8
#define VAIN_EACH 16

static struct landmarks *landmarks_for(const struct pm_view *view)
{
	const struct pm_view_known *known = view->known;

	return known && known->root && known->rights ? known->landmarks : NULL;
}

static const char *without_dots(const char *path)
{
	while (path[0] == '.' && path[1] == '/')
		path += 2 + strspn(path + 2, "/");
	return path;
}

/* What the descriptor stands for; the working directory is not asked for again and again. */
static bool know_base(const struct landmarks *landmarks, const struct pm_view *view, int dirfd,
		      struct object *is)
{
	struct pm_view_known *known = view->known;
	const bool keeps = dirfd == AT_FDCWD && known->stays;
	char link[64];

	if (keeps && known->directory_at == landmarks->anew + 1) {
		*is = known->directory;
		return true;
	}
	if (!resolve_base_link(view->tid, dirfd, link) || object_behind(link, is))
		return false;
	if (keeps) {
		known->directory = *is;
		known->directory_at = landmarks->anew + 1;
	}
	return true;
}

/* Where the thread's relative paths start from. */
static const struct landmark *find_base(struct landmarks *landmarks, const struct pm_view *view,
					int dirfd)
{
	const struct landmark *base = NULL;
	struct object is;

	if (landmarks->vain >= VAIN_MANY && ++landmarks->vain % VAIN_EACH)
		return NULL;
	if (view->known->unlooked)
		landmarks_look(landmarks);
	view->known->unlooked = false;
	if (know_base(landmarks, view, dirfd, &is))
		base = landmarks_of(landmarks, &is);
	landmarks->vain = base ? 0 : landmarks->vain + 1;
	return base;
}

/*
 * From where to look for the rest of the path: the directory of its last component, or what
 * it is relative to.  NULL where neither is kept.
 */
static const struct landmark *find_start(struct landmarks *landmarks, const struct pm_view *view,
					 int dirfd, const char *path, const char **rest)
{
	const struct landmark *base, *parent;
	const char *last = strrchr(path, '/');
	char name[PATH_MAX];
	int len;

	*rest = last ? last + 1 : path;
	/* To look first would cost what is saved. */
	if (path[0] == '/')
		return view->known->unlooked ? NULL :
					       landmarks_find(landmarks, path, (size_t)(last - path));
	base = find_base(landmarks, view, dirfd);
	path = without_dots(path);
	if (!base || path == *rest)
		return base;
	len = snprintf(name, sizeof(name), "%s/%.*s", base->name, (int)(last - path), path);
	parent = len < PATH_MAX ? landmarks_find(landmarks, name, (size_t)len) : NULL;
	if (!parent)
		*rest = path;
	return parent ? parent : base;
}

/* Is it spelled as its name is, below what it starts from? */
static bool is_clean(const char *path)
{
	for (;;) {
		size_t len = strcspn(path, "/");

		if (!len || len > NAME_MAX || (len == 1 && path[0] == '.') ||
		    (len == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		if (!path[len])
			return true;
		path += len + 1;
	}
}

/* Nothing is found in a directory that was removed; another one may have its name. */
static bool stands(const struct landmark *landmark)
{
	struct object is;
	struct stat st;

	return !object_stat(landmark->fd, &is, &st) && st.st_nlink;
}

/* On a way without links, and without leaving the mount. */
static int find_below(const struct landmark *start, const char *path, struct pm_where *out)
{
	struct object is;
	int err;

	out->fd = open_how_path(start->fd, path, O_NOFOLLOW, RESOLVE_NO_SYMLINKS);
	if (out->fd < 0)
		return out->fd;
	err = object_stat(out->fd, &is, &out->st);
	return err || is.mount == start->is.mount ? err : -EXDEV;
}

static bool only_asks(unsigned int flags)
{
	return flags & (PM_RESOLVE_LOOK | PM_RESOLVE_AGAIN) && !(flags & PM_RESOLVE_PARENT);
}

/* What lies there, opened where that is asked for. */
static int find_in(const struct landmark *parent, const char *last, unsigned int flags,
		   struct pm_where *out)
{
	struct object is;
	int err;

	if (only_asks(flags)) {
		err = object_named(parent->fd, last, &is, &out->st);
		if (err || (alike_device(is.dev) && !is.automount))
			return err;
	}
	out->fd = open_path(parent->fd, last, O_NOFOLLOW);
	return out->fd < 0 ? out->fd : object_stat(out->fd, &is, &out->st);
}

/* The directory itself, of which it is only asked what it is. */
static bool find_kept(struct landmarks *landmarks, const char *path, size_t len,
		      struct pm_where *out)
{
	const struct landmark *kept = landmarks_find(landmarks, path, len);
	struct object is;

	if (!kept || object_stat(kept->fd, &is, &out->st) || !out->st.st_nlink ||
	    !alike_device(is.dev) || is.automount)
		return false;
	out->exists = true;
	out->name = strdup(path);
	return out->name;
}

static bool name_below(const struct landmark *start, const char *path, char **name)
{
	const size_t len = strlen(path);

	*name = malloc(start->len + len + 2);
	if (!*name)
		return false;
	memcpy(*name, start->name, start->len);
	(*name)[start->len] = '/';
	memcpy(*name + start->len + 1, path, len + 1);
	return true;
}

/*
 * What is searched for in one place after the other has its own directory in few of them:
 * where there was none, the first component that is not there is looked for.
 */
static bool find_gone(struct landmarks *landmarks, const char *path, struct pm_where *out)
{
	size_t len = (size_t)(strrchr(path, '/') - path), end = len;
	const struct landmark *above = NULL;
	char name[NAME_MAX + 1];
	struct object is;

	if (!landmarks_was_gone(landmarks, path, len) || !is_clean(path + 1))
		return false;
	while (!above && len) {
		end = len;
		while (path[--len] != '/')
			;
		above = landmarks_find(landmarks, path, len);
	}
	if (!above)
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)(end - len) - 1, path + len + 1);
	if (object_named(above->fd, name, &is, &out->st) != -ENOENT || !stands(above))
		return false;
	out->err = ENOENT;
	out->name = strdup(path);
	return out->name;
}

bool resolve_near(const struct pm_view *view, int dirfd, const char *path, unsigned int flags,
		  struct pm_where *out)
{
	struct landmarks *landmarks = landmarks_for(view);
	const struct landmark *start;
	const char *rest;
	const size_t len = strlen(path);
	bool single;
	int err;

	if (!landmarks || !landmarks->n || !len || len >= PATH_MAX || path[len - 1] == '/')
		return false;
	if (path[0] == '/' && !view->known->unlooked && only_asks(flags) &&
	    find_kept(landmarks, path, len, out))
		return true;
	start = find_start(landmarks, view, dirfd, path, &rest);
	if (!start && path[0] == '/' && !view->known->unlooked)
		return find_gone(landmarks, path, out);
	if (!start || !is_clean(rest) || start->len + strlen(rest) + 1 >= PATH_MAX)
		return false;
	single = !strchr(rest, '/');
	err = single ? find_in(start, rest, flags, out) : find_below(start, rest, out);
	out->missing = single && err == -ENOENT;
	out->exists = !err;
	if ((!err || (out->missing && stands(start))) &&
	    (err || !S_ISLNK(out->st.st_mode) ||
	     flags & (PM_RESOLVE_NOFOLLOW | PM_RESOLVE_PARENT)) &&
	    name_below(start, rest, &out->name)) {
		if (path[0] != '/')
			view->known->below = strlen(out->name) - strlen(without_dots(path));
		if (!single)
			resolve_met(view, path, out);
		return true;
	}
	cleanup_close(&out->fd);
	*out = (struct pm_where){ .fd = -1 };
	return false;
}

/* What a call has found without opening it, once more: a directory that is kept, or a name in one. */
static const struct landmark *find_again(const struct pm_view *view, const struct pm_where *where,
					 const char **name)
{
	struct landmarks *landmarks = landmarks_for(view);
	const size_t len = strlen(where->name);
	const char *last = strrchr(where->name, '/') + 1;
	const struct landmark *kept;

	if (!landmarks || view->known->unlooked)
		return NULL;
	*name = "";
	kept = landmarks_find(landmarks, where->name, len);
	if (kept)
		return kept;
	*name = last;
	return landmarks_find(landmarks, where->name, (size_t)(last - where->name) - 1);
}

int resolve_again(const struct pm_view *view, const struct pm_where *where, unsigned int flags,
		  unsigned int mask, struct statx *st)
{
	const char *name;
	const struct landmark *from = find_again(view, where, &name);

	if (!from)
		return -ENOENT;
	flags = (flags & ~(unsigned int)AT_EMPTY_PATH) | AT_SYMLINK_NOFOLLOW;
	if (!*name)
		flags |= AT_EMPTY_PATH;
	return statx(from->fd, name, (int)flags, mask, st) ? -errno : 0;
}

ssize_t resolve_text_again(const struct pm_view *view, const struct pm_where *where,
			   char text[PATH_MAX])
{
	const char *name;
	const struct landmark *from = find_again(view, where, &name);
	ssize_t len = from && *name ? readlinkat(from->fd, name, text, PATH_MAX) : -1;

	return len < 0 ? -1 : len;
}

/* Does the name end in the path?  Its length without it, or -1. */
static ssize_t length_above(const char *name, const char *path)
{
	const size_t len = strlen(name), tail = strlen(path);

	if (len <= tail || name[len - tail - 1] != '/' || strcmp(name + len - tail, path))
		return -1;
	return (ssize_t)(len - tail - 1);
}

void resolve_met(const struct pm_view *view, const char *path, const struct pm_where *where)
{
	struct landmarks *landmarks = landmarks_for(view);
	const char *end = where->name ? strrchr(where->name, '/') : NULL;
	struct place root;
	ssize_t above;

	if (!landmarks || where->err || where->anonymous || where->magic || where->slash || !end ||
	    where->name[0] != '/' || !supervisor_root(&root))
		return;
	if (path[0] != '/') {
		path = without_dots(path);
		above = length_above(where->name, path);
		if (above < 0)
			return;
		landmarks_met(landmarks, &root, where->name, (size_t)above);
		if (!strchr(path, '/'))
			return;
	} else if (strcmp(path, where->name)) {
		return;
	}
	landmarks_set_gone(landmarks, where->name, (size_t)(end - where->name), false);
	landmarks_met(landmarks, &root, where->name, (size_t)(end - where->name));
}

void resolve_missed(const struct pm_view *view, const char *path, const char *reached)
{
	struct landmarks *landmarks = landmarks_for(view);
	const char *last = strrchr(path, '/');
	struct place root;

	if (!landmarks || path[0] != '/' || !reached || reached[0] != '/' || !supervisor_root(&root))
		return;
	landmarks_set_gone(landmarks, path, (size_t)(last - path), true);
	landmarks_met(landmarks, &root, reached, reached[1] ? strlen(reached) : 0);
}
