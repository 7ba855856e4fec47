/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "resolve.h"
#include "resolve_own.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "alike.h"
#include "cleanup.h"

/* Errors of the supervisor, not of the path. */
static bool is_fatal(int err)
{
	return err == -ENOMEM || err == -EMFILE;
}

static int open_place(struct place *place, const char *path)
{
	place->fd = open_path(AT_FDCWD, path, 0);
	return place->fd < 0 ? place->fd : object_of(place->fd, &place->is);
}

static void root_path(const struct walk *walk, char path[64])
{
	snprintf(path, 64, "/proc/%d/root", walk->view->tid);
}

/* Is the root of the target the supervisor's own? */
static bool is_supervisor_root(const struct walk *walk, const struct place *own)
{
	struct pm_view_known *known = walk->view->known;
	struct object is;
	char path[64];

	if (known && known->root)
		return true;
	root_path(walk, path);
	if (object_behind(path, &is) || !same_object(&is, &own->is))
		return false;
	if (known)
		known->root = true;
	return true;
}

static int open_root(struct walk *walk)
{
	struct place own;
	char path[64];
	int err;

	if (!(walk->flags & RESOLVE_SLOWLY) && have_openat2() && supervisor_root(&own) &&
	    is_supervisor_root(walk, &own)) {
		walk->root = own;
		walk->may_leap = !walk->resolve;
		return text_set(&walk->root.name, "/");
	}
	root_path(walk, path);
	err = open_place(&walk->root, path);
	if (err)
		return err == -ENOENT ? -ESRCH : err;
	return text_set(&walk->root.name, "/");
}

/* The rights to walk with. */
static int find_rights(struct walk *walk)
{
	struct pm_view_known *known = walk->view->known;
	int err;

	if (walk->flags & PM_RESOLVE_REAL)
		return rights_of_real(walk->view->tid, known && known->users, &walk->rights);
	if (known && known->rights)
		return 0;
	err = rights_of(walk->view->tid, known && known->users, &walk->rights);
	if (!err && known) {
		known->rights = !walk->rights.differ;
		known->users = walk->rights.here;
	}
	return err;
}

size_t resolve_link_name(const char *link, char text[PATH_MAX])
{
	ssize_t len = readlink(link, text, PATH_MAX);

	if (len <= 0 || len == PATH_MAX || text[0] != '/')
		return 0;
	text[len] = '\0';
	return (size_t)len;
}

/*
 * The same where the text of the link leads to it, which is looked at then, from
 * the root and through no link, in place of the link.  False: it has to be opened.
 */
static bool open_by_name(const struct walk *walk, struct place *place, const char *link)
{
	struct place found = { .fd = -1 };
	struct object is;
	char text[PATH_MAX];
	size_t len;

	if (!names_are_ours(walk))
		return false;
	len = resolve_link_name(link, text);
	if (!len)
		return false;
	found.fd = open_how_path(walk->root.fd, len > 1 ? text + 1 : ".", O_NOFOLLOW,
				 RESOLVE_NO_SYMLINKS);
	if (found.fd < 0 || object_of(found.fd, &found.is) || object_behind(link, &is) ||
	    !same_object(&is, &found.is) || text_set(&found.name, text)) {
		place_free(&found);
		return false;
	}
	*place = found;
	return true;
}

bool resolve_base_link(pid_t tid, int dirfd, char link[64])
{
	if (dirfd == AT_FDCWD)
		snprintf(link, 64, "/proc/%d/cwd", tid);
	else if (dirfd >= 0)
		snprintf(link, 64, "/proc/%d/fd/%d", tid, dirfd);
	else
		return false;
	return true;
}

/* What a relative path starts from. */
static int open_base(struct walk *walk, int dirfd)
{
	char path[64];
	int err;

	if (!resolve_base_link(walk->view->tid, dirfd, path))
		return -EBADF;
	if (open_by_name(walk, &walk->cur, path))
		return 0;
	err = open_place(&walk->cur, path);
	if (err == -ENOENT)
		return dirfd == AT_FDCWD ? -ESRCH : -EBADF;
	return err ? err : name_place(walk, &walk->cur);
}

/* Set root, top and cur; the path itself is not looked at yet. */
static int start(struct walk *walk, int dirfd, const char *path)
{
	bool relative = path[0] != '/' || (walk->resolve & RESOLVE_IN_ROOT);
	bool bounded = walk->resolve & (RESOLVE_IN_ROOT | RESOLVE_BENEATH);
	int err = open_root(walk);

	walk->knows_root = bounded || !relative;
	walk->top = bounded ? &walk->base : &walk->root;
	if (err)
		return err;
	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	err = relative ? open_base(walk, dirfd) : place_copy(&walk->cur, &walk->root);
	if (!err && *path && !S_ISDIR(walk->cur.is.mode))
		err = -ENOTDIR;
	if (!err && bounded)
		err = place_copy(&walk->base, &walk->cur);
	if (!err && !relative && (walk->resolve & RESOLVE_BENEATH))
		err = -EXDEV;
	if (!*path && !(walk->flags & PM_RESOLVE_EMPTY) && (!err || err == -EBADF))
		err = -ENOENT;
	return err;
}

/* The name where the walk failed: what was reached, and the rest as text. */
static int name_failed(struct walk *walk, const char *path, struct text *name)
{
	const char *rest = walk->at ? walk->at : path;
	int err;

	if (walk->cur.name.s)
		err = text_set(name, walk->cur.name.s);
	else
		err = text_set(name, path[0] == '/' ? "/" : "(unreachable)/");
	return err ? err : text_clean(name, rest);
}

static int tell_failed(struct walk *walk, const char *path, int err, struct pm_where *out)
{
	struct text name = { 0 };

	out->err = -err;
	err = name_failed(walk, path, &name);
	out->anonymous = !name.s || name.s[0] != '/';
	out->name = name.s;
	return err;
}

static int tell_found(struct walk *walk, struct pm_where *out)
{
	int err = 0;

	/* From where no name leads the way may have come back to where one does. */
	if (walk->cur.loose || walk->cur.anonymous)
		err = name_place(walk, &walk->cur);
	if (!err && walk->missing)
		err = text_append(&walk->cur.name, walk->last, strlen(walk->last));
	if (err)
		return err;
	out->missing = walk->missing;
	out->exists = !walk->missing;
	out->magic = walk->magic;
	out->anonymous = walk->cur.anonymous;
	if (out->exists) {
		if (walk->knows_st)
			out->st = walk->st;
		else if (fstat(walk->cur.fd, &out->st))
			return -errno;
		out->fd = walk->cur.kept ? fcntl(walk->cur.fd, F_DUPFD_CLOEXEC, 3) :
					   steal_fd(&walk->cur.fd);
		if (out->fd < 0)
			return errno == ENFILE ? -EMFILE : -errno;
	}
	out->name = walk->cur.name.s;
	walk->cur.name = (struct text){ 0 };
	return 0;
}

/* How the path was spelled at its end. */
static void tell_spelling(const char *path, struct pm_where *out)
{
	size_t len = strlen(path), end = len;
	size_t from;

	while (end && path[end - 1] == '/')
		end--;
	from = end;
	while (from && path[from - 1] != '/')
		from--;
	out->dots = (end - from == 1 && path[from] == '.') ||
		    (end - from == 2 && !memcmp(path + from, "..", 2));
	out->slash = out->dots || end < len;
}

static void end(struct walk *walk)
{
	rights_free(&walk->rights);
	place_free(&walk->root);
	place_free(&walk->base);
	place_free(&walk->cur);
	free(walk->rest);
}

/*
 * A name in a directory that the thread has, of which it is only asked what it is: nothing
 * is opened.  The thread's own link leads there; what the kernel says of it counts where the
 * same lies there.  False: it has to be walked to, also where there is no such name, which
 * cannot be told from a link that is gone.
 */
static bool look_in(const struct pm_view *view, int dirfd, const char *name, unsigned int flags,
		    struct pm_where *out)
{
	const struct pm_view_known *known = view->known;
	char text[PATH_MAX + NAME_MAX + 2], link[64], path[64 + NAME_MAX + 2];
	struct object found, is;
	size_t len, size = strlen(name);
	struct place root;

	if (!(flags & PM_RESOLVE_LOOK) || flags & PM_RESOLVE_PARENT || !known || !known->root ||
	    !known->names || !known->rights || !size || size > NAME_MAX || strchr(name, '/') ||
	    !strcmp(name, ".") || !strcmp(name, "..") || !supervisor_root(&root) ||
	    !resolve_base_link(view->tid, dirfd, link))
		return false;
	len = resolve_link_name(link, text);
	if (!len)
		return false;
	if (len > 1)
		text[len++] = '/';
	memcpy(text + len, name, size + 1);
	snprintf(path, sizeof(path), "%s/%s", link, name);
	if (object_at(root.fd, text + 1, &found) || object_named(AT_FDCWD, path, &is, &out->st) ||
	    !same_object(&is, &found) || is.automount || !alike_device(is.dev) ||
	    (S_ISLNK(is.mode) && !(flags & PM_RESOLVE_NOFOLLOW)))
		return false;
	out->name = strdup(text);
	out->exists = true;
	return out->name;
}

/* Returns 0 with *out filled, -EAGAIN to be called with RESOLVE_SLOWLY, or what ended it. */
static int resolve_once(const struct pm_view *view, int dirfd, const char *path, unsigned int flags,
			uint64_t resolve, struct pm_where *out)
{
	struct walk walk = { .view = view,
			     .flags = flags,
			     .resolve = resolve,
			     .root.fd = -1,
			     .base.fd = -1,
			     .cur.fd = -1 };
	int err;

	*out = (struct pm_where){ .fd = -1 };
	tell_spelling(path, out);
	err = start(&walk, dirfd, path);
	if (err == -ESRCH) {
		end(&walk);
		return err;
	}
	if (!err)
		err = find_rights(&walk);
	if (!err) {
		walk.at = path;
		err = rights_take(&walk.rights);
	}
	if (!err) {
		err = walk_path(&walk);
		if (err == -ENOENT && !resolve)
			resolve_missed(view, path, walk.cur.name.s);
	}
	rights_leave(&walk.rights);
	if (!err)
		err = tell_found(&walk, out);
	if (walk.again)
		err = -EAGAIN;
	else if (err && !is_fatal(err))
		err = tell_failed(&walk, path, err, out);
	out->slash |= walk.want_dir && walk.missing;
	if (!err)
		err = self_name(&walk, out->name, &out->self_name);
	end(&walk);
	if (err)
		pm_where_free(out);
	return err;
}

int pm_resolve(const struct pm_view *view, int dirfd, const char *path, unsigned int flags,
	       uint64_t resolve, struct pm_where *out)
{
	/* Shorter ways go with the rights that its other calls have. */
	const bool may_be_short = !resolve && !(flags & PM_RESOLVE_REAL);
	int err;

	*out = (struct pm_where){ .fd = -1 };
	if (may_be_short && resolve_near(view, dirfd, path, flags, out))
		return 0;
	if (may_be_short && look_in(view, dirfd, path, flags, out)) {
		resolve_met(view, path, out);
		return 0;
	}
	resolve &= ~(uint64_t)RESOLVE_CACHED;
	err = resolve_once(view, dirfd, path, flags, resolve, out);
	if (err == -EAGAIN)
		err = resolve_once(view, dirfd, path, flags | RESOLVE_SLOWLY, resolve, out);
	if (!err)
		resolve_met(view, path, out);
	return err;
}

void pm_where_free(struct pm_where *where)
{
	free(where->name);
	free(where->self_name);
	cleanup_close(&where->fd);
	*where = (struct pm_where){ .fd = -1 };
}
