/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names: of objects that were reached by a descriptor.  The kernel tells a path
 * for each, from the supervisor's root; it counts only where it leads, in the
 * target's root, to the same object again.
 */
#define _GNU_SOURCE
#include "resolve_own.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "cleanup.h"

/* How many directories above one with a very long name are looked through. */
#define MAX_CLIMB 1024

#define DELETED " (deleted)"

static int text_grow(struct text *text, size_t len)
{
	size_t size = text->size ? text->size : 128;
	char *s;

	while (size <= len)
		size *= 2;
	if (size == text->size)
		return 0;
	s = realloc(text->s, size);
	if (!s)
		return -ENOMEM;
	text->s = s;
	text->size = size;
	return 0;
}

int text_set(struct text *text, const char *s)
{
	size_t len = strlen(s);
	int err = text_grow(text, len);

	if (err)
		return err;
	memcpy(text->s, s, len + 1);
	text->len = len;
	return 0;
}

int text_append(struct text *text, const char *component, size_t len)
{
	bool slash = !text->len || text->s[text->len - 1] != '/';
	int err = text_grow(text, text->len + slash + len);

	if (err)
		return err;
	if (slash)
		text->s[text->len++] = '/';
	memcpy(text->s + text->len, component, len);
	text->len += len;
	text->s[text->len] = '\0';
	return 0;
}

/* Without the last component; "/" and "deleted:/" stay. */
void text_pop(struct text *text)
{
	char *first = text->s ? strchr(text->s, '/') : NULL;
	char *last = text->s ? strrchr(text->s, '/') : NULL;

	if (!last)
		return;
	if (last == first)
		last++;
	*last = '\0';
	text->len = (size_t)(last - text->s);
}

/* Append a path as text: ".." takes away what is before it. */
int text_clean(struct text *text, const char *path)
{
	for (;;) {
		size_t len;
		int err = 0;

		while (*path == '/')
			path++;
		len = (size_t)(strchrnul(path, '/') - path);
		if (!len)
			return 0;
		if (len == 2 && !memcmp(path, "..", 2))
			text_pop(text);
		else if (len != 1 || *path != '.')
			err = text_append(text, path, len);
		if (err)
			return err;
		path += len;
	}
}

void text_free(struct text *text)
{
	free(text->s);
	*text = (struct text){ 0 };
}

int open_path(int dirfd, const char *path, int flags)
{
	int fd = openat(dirfd, path, flags | O_PATH | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	return errno == ENFILE ? -EMFILE : -errno;
}

int open_how_path(int dirfd, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = { .flags = (uint64_t)(flags | O_PATH | O_CLOEXEC),
				.resolve = resolve };
	long fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));

	if (fd >= 0)
		return (int)fd;
	return errno == ENFILE ? -EMFILE : -errno;
}

bool resolve_without_openat2;

bool have_openat2(void)
{
	static int have = -1;

	if (resolve_without_openat2)
		return false;
	if (have < 0) {
		int fd = open_how_path(AT_FDCWD, "/", 0, RESOLVE_NO_SYMLINKS);

		if (fd == -EMFILE || fd == -ENOMEM)
			return false;
		have = fd >= 0;
		if (fd >= 0)
			close(fd);
	}
	return have > 0;
}

/* Before Linux 5.8 statx(2) does not tell the mount. */
static uint64_t mount_of(int fd)
{
	unsigned long long mount = 0;
	char path[64], line[128];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "mnt_id: %llu", &mount) == 1)
			break;
	fclose(file);
	return mount;
}

/* flags: AT_SYMLINK_NOFOLLOW or 0, and how fresh it must be. */
static int look_at(int dirfd, const char *path, int flags, struct object *object, struct statx *st)
{
	if (statx(dirfd, path, AT_EMPTY_PATH | flags, STATX_BASIC_STATS | STATX_MNT_ID, st))
		return -errno;
	*object = (struct object){
		.dev = makedev(st->stx_dev_major, st->stx_dev_minor),
		.ino = st->stx_ino,
		.mount = st->stx_mnt_id,
		.mode = st->stx_mode,
		.uid = st->stx_uid,
		.gid = st->stx_gid,
		.size = st->stx_size,
		.automount = st->stx_attributes & STATX_ATTR_AUTOMOUNT,
	};
	if (!(st->stx_mask & STATX_MNT_ID)) {
		const bool follow = !(flags & AT_SYMLINK_NOFOLLOW);
		auto_close int fd = *path ? open_path(dirfd, path, follow ? 0 : O_NOFOLLOW) : -1;

		object->mount = mount_of(*path ? fd : dirfd);
	}
	return 0;
}

/* With an empty path, of dirfd itself. */
int object_at(int dirfd, const char *path, struct object *object)
{
	struct statx st;

	return look_at(dirfd, path, AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC, object, &st);
}

int object_behind(const char *path, struct object *object)
{
	struct statx st;

	return look_at(AT_FDCWD, path, AT_STATX_DONT_SYNC, object, &st);
}

int object_of(int fd, struct object *object)
{
	return object_at(fd, "", object);
}

static struct timespec time_of(const struct statx_timestamp *time)
{
	return (struct timespec){ .tv_sec = time->tv_sec, .tv_nsec = time->tv_nsec };
}

static int stat_at(int dirfd, const char *path, struct object *object, struct stat *st)
{
	struct statx stx;
	int err = look_at(dirfd, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, object, &stx);

	if (err)
		return err;
	memset(st, 0, sizeof(*st));
	st->st_dev = object->dev;
	st->st_ino = stx.stx_ino;
	st->st_mode = stx.stx_mode;
	st->st_nlink = stx.stx_nlink;
	st->st_uid = stx.stx_uid;
	st->st_gid = stx.stx_gid;
	st->st_rdev = makedev(stx.stx_rdev_major, stx.stx_rdev_minor);
	st->st_size = (off_t)stx.stx_size;
	st->st_blksize = (blksize_t)stx.stx_blksize;
	st->st_blocks = (blkcnt_t)stx.stx_blocks;
	st->st_atim = time_of(&stx.stx_atime);
	st->st_mtim = time_of(&stx.stx_mtime);
	st->st_ctim = time_of(&stx.stx_ctime);
	return 0;
}

int object_stat(int fd, struct object *object, struct stat *st)
{
	return stat_at(fd, "", object, st);
}

int object_named(int dirfd, const char *path, struct object *object, struct stat *st)
{
	return stat_at(dirfd, path, object, st);
}

bool same_object(const struct object *a, const struct object *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->mount == b->mount;
}

void place_close(struct place *place)
{
	if (!place->kept)
		cleanup_close(&place->fd);
	place->fd = -1;
	place->kept = false;
}

void place_free(struct place *place)
{
	place_close(place);
	text_free(&place->name);
}

static pthread_mutex_t root_mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool root_tried;
static struct place root_place = { .fd = -1, .kept = true };

static void open_supervisor_root(void)
{
	int fd = open_path(AT_FDCWD, "/", 0);

	if (fd >= 0 && !object_of(fd, &root_place.is) && !on_procfs(fd))
		root_place.fd = steal_fd(&fd);
	cleanup_close(&fd);
}

bool supervisor_root(struct place *root)
{
	if (!atomic_load(&root_tried)) {
		pthread_mutex_lock(&root_mutex);
		if (!atomic_load(&root_tried))
			open_supervisor_root();
		atomic_store(&root_tried, true);
		pthread_mutex_unlock(&root_mutex);
	}
	*root = root_place;
	return root->fd >= 0;
}

void resolve_forget(void)
{
	root_place.fd = -1;
	atomic_store(&root_tried, false);
}

int place_copy(struct place *to, const struct place *from)
{
	struct place copy = { .fd = from->kept ? from->fd : fcntl(from->fd, F_DUPFD_CLOEXEC, 3),
			      .kept = from->kept,
			      .is = from->is,
			      .anonymous = from->anonymous,
			      .loose = from->loose };
	int err;

	if (copy.fd < 0)
		return -errno;
	err = text_set(&copy.name, from->name.s);
	if (err) {
		place_free(&copy);
		return err;
	}
	place_free(to);
	*to = copy;
	return 0;
}

/* Open path below root through no link at all. */
static int open_plainly(int root, const char *path)
{
	char component[NAME_MAX + 1];
	int fd = -1;

	path += strspn(path, "/");
	if (!*path)
		return open_path(root, ".", 0);
	if (have_openat2() && strlen(path) < PATH_MAX)
		return open_how_path(root, path, O_NOFOLLOW, RESOLVE_NO_SYMLINKS);
	while (*path) {
		size_t len = strcspn(path, "/");
		int next = -ENAMETOOLONG;

		if (len < sizeof(component)) {
			memcpy(component, path, len);
			component[len] = '\0';
			next = open_path(fd < 0 ? root : fd, component, O_NOFOLLOW);
		}
		cleanup_close(&fd);
		if (next < 0)
			return next;
		fd = next;
		path += len;
		path += strspn(path, "/");
	}
	return fd;
}

/* Whether two mounts let through the same. */
static bool same_mount_flags(int a, int b)
{
	struct statfs fa, fb;

	return !fstatfs(a, &fa) && !fstatfs(b, &fb) && fa.f_flags == fb.f_flags;
}

bool names_are_ours(const struct walk *walk)
{
	struct pm_view_known *known = walk->view->known;
	struct object own;

	if (known && known->names)
		return true;
	if (!walk->root.kept || object_at(AT_FDCWD, "/", &own) ||
	    !same_object(&own, &walk->root.is))
		return false;
	if (known)
		known->names = true;
	return true;
}

/* Does name, in the target's root, lead to place?  Sets name, loose where so. */
static int verify_name(struct walk *walk, struct place *place, const char *name)
{
	auto_close int fd = open_plainly(walk->root.fd, name);
	struct object found;

	if (fd < 0)
		return fd;
	if (object_of(fd, &found) || found.dev != place->is.dev || found.ino != place->is.ino)
		return -ENOENT;
	place->loose = found.mount != place->is.mount;
	if (place->loose && !same_mount_flags(fd, place->fd))
		return -ENOENT;
	place->anonymous = false;
	return text_set(&place->name, name);
}

int kernel_name(int fd, char *text)
{
	char link[64];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, text, PATH_MAX);
	if (len < 0)
		return -errno;
	if (len == PATH_MAX)
		return -ENAMETOOLONG;
	text[len] = '\0';
	return 0;
}

/* The part of text after the target's root, or NULL; "" becomes "/". */
static const char *below_root(const struct walk *walk, const char *text)
{
	char root[PATH_MAX];
	size_t len;

	if (names_are_ours(walk))
		return text;
	if (kernel_name(walk->root.fd, root))
		return NULL;
	len = strlen(root);
	if (len == 1)
		return text;
	if (strncmp(text, root, len))
		return NULL;
	return text[len] == '/' ? text + len : text[len] ? NULL : "/";
}

bool looks_deleted(const char *text)
{
	size_t len = strlen(text), suffix = strlen(DELETED);

	return text[0] == '/' && len > suffix && !strcmp(text + len - suffix, DELETED);
}

static int name_anonymously(const struct walk *walk, struct place *place, const char *text)
{
	const char *prefix = "", *below = below_root(walk, text);
	size_t len = strlen(text), suffix = strlen(DELETED);
	char name[PATH_MAX + 32];

	place->anonymous = true;
	place->loose = false;
	if (looks_deleted(text)) {
		prefix = "deleted:";
		if (below) {
			text = below;
			len = strlen(text);
		}
		/* The whole root may be what was deleted. */
		if (len > suffix)
			len -= suffix;
	} else if (text[0] == '/') {
		prefix = "(unreachable)";
	}
	snprintf(name, sizeof(name), "%s%.*s", prefix, (int)len, text);
	return text_set(&place->name, name);
}

/* The name that a directory has in its parent (NAME_MAX + 1 bytes). */
static int name_in(int parent, const struct object *is, char *name)
{
	int reader = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	if (reader < 0)
		return -errno;
	dir = fdopendir(reader);
	if (!dir) {
		close(reader);
		return -ENOMEM;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_ino != is->ino || !strcmp(entry->d_name, "..") ||
		    !strcmp(entry->d_name, ".") ||
		    fstatat(reader, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) ||
		    st.st_dev != is->dev || st.st_ino != is->ino)
			continue;
		strcpy(name, entry->d_name);
		break;
	}
	closedir(dir);
	return entry ? 0 : -ENOENT;
}

/*
 * A directory whose path is longer than the kernel tells: go up until it does,
 * looking for the names on the way.  What has no name by that is refused, not
 * passed as anonymous.
 */
static int name_by_climbing(struct walk *walk, struct place *place)
{
	struct place up = { .fd = -1 };
	struct object is = place->is;
	char(*names)[NAME_MAX + 1] = NULL;
	char text[PATH_MAX];
	const char *below;
	int n = 0, err = 0;

	if (!S_ISDIR(is.mode))
		return -ENAMETOOLONG;
	names = malloc(MAX_CLIMB * sizeof(*names));
	if (!names)
		return -ENOMEM;
	do {
		int fd = n < MAX_CLIMB ? open_path(n ? up.fd : place->fd, "..", 0) : -ENAMETOOLONG;

		cleanup_close(&up.fd);
		up.fd = fd;
		err = fd < 0 ? fd : name_in(fd, &is, names[n++]);
		if (!err)
			err = object_of(fd, &is);
	} while (!err && kernel_name(up.fd, text) == -ENAMETOOLONG);
	up.is = is;
	if (!err) {
		below = below_root(walk, text);
		err = below ? verify_name(walk, &up, below) : -ENAMETOOLONG;
	}
	while (!err && n--)
		err = text_append(&up.name, names[n], strlen(names[n]));
	if (!err)
		err = verify_name(walk, place, up.name.s);
	free(names);
	place_free(&up);
	return !err || err == -ENOMEM || err == -EMFILE ? err : -ENAMETOOLONG;
}

int name_place(struct walk *walk, struct place *place)
{
	char text[PATH_MAX];
	const char *below;
	int err = kernel_name(place->fd, text);

	if (err == -ENAMETOOLONG)
		return name_by_climbing(walk, place);
	if (err)
		return err;
	below = text[0] == '/' ? below_root(walk, text) : NULL;
	if (below) {
		err = verify_name(walk, place, below);
		if (!err || err == -ENOMEM || err == -EMFILE)
			return err;
	}
	return name_anonymously(walk, place, text);
}
