/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * resolve_check.h - resolve a path by the fast ways and by the slow ones, and
 * compare them with what a process of that view gets
 */
#ifndef POINTSMAN_RESOLVE_CHECK_H
#define POINTSMAN_RESOLVE_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fts.h>
#include <sys/fanotify.h>
#include <sys/stat.h>

#include "landmarks.h"
#include "resolve_target.h"

/* A directory for the test, which is the working directory while it runs. */
static char place[64];
static char before[PATH_MAX];

/* Directories that are kept: as if calls had looked into some for long. */
static struct landmarks landmarks;
static unsigned int found_nearly, found_unopened;

static inline bool can_keep(void)
{
	int watch = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID | FAN_CLOEXEC, 0);

	if (watch >= 0)
		close(watch);
	return watch >= 0;
}

static inline int setup(void **state)
{
	(void)state;
	if (!getcwd(before, sizeof(before)))
		return -1;
	strcpy(place, "/tmp/test-resolve-XXXXXX");
	return mkdtemp(place) && !chdir(place) ? 0 : -1;
}

/* By fts(3), which goes where the whole path is longer than a path may be. */
static inline int teardown(void **state)
{
	char *const paths[] = { place, NULL };
	FTS *tree = fts_open(paths, FTS_PHYSICAL, NULL);
	FTSENT *entry;

	(void)state;
	while (tree && (entry = fts_read(tree)))
		if (entry->fts_info != FTS_D)
			remove(entry->fts_accpath);
	if (tree)
		fts_close(tree);
	return chdir(before) || !access(place, F_OK);
}

static inline void put_file(const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	close(fd);
}

/* Start, or skip the test with the reason. */
static inline void start_flags(struct target *target, int flags, int (*prepare)(void *), void *data)
{
	int err = target_start(target, flags, prepare, data);

	if (!err)
		return;
	print_message("kernel: the view cannot be made here: %s\n", strerror(err));
	if (err != EPERM && err != ENOSYS && err != ENOSPC && err != EACCES)
		fail_msg("the view cannot be made: %s", strerror(err));
	skip();
}

static inline void start(struct target *target, int (*prepare)(void *), void *data)
{
	start_flags(target, 0, prepare, data);
}

/* Whoever ends the target counts what is open. */
static inline void end(struct target *target)
{
	landmarks_forget(&landmarks);
	assert_int_equal(target_end(target), 0);
}

static inline bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static inline void dump(const char *which, const struct pm_where *where)
{
	print_error("%s: name %s self %s err %d%s%s%s%s%s%s ino %lu\n", which, where->name,
		    where->self_name ? where->self_name : "-", where->err,
		    where->exists ? " exists" : "", where->missing ? " missing" : "",
		    where->anonymous ? " anonymous" : "", where->magic ? " magic" : "",
		    where->slash ? " slash" : "", where->dots ? " dots" : "",
		    (unsigned long)where->st.st_ino);
}

static inline bool same_but_open(const struct pm_where *a, const struct pm_where *b)
{
	return same_text(a->name, b->name) && same_text(a->self_name, b->self_name) &&
	       a->err == b->err && a->exists == b->exists && a->missing == b->missing &&
	       a->anonymous == b->anonymous && a->magic == b->magic && a->slash == b->slash &&
	       a->dots == b->dots && a->st.st_dev == b->st.st_dev && a->st.st_ino == b->st.st_ino;
}

static inline bool same_where(const struct pm_where *a, const struct pm_where *b)
{
	return same_but_open(a, b) && (a->fd >= 0) == a->exists && (b->fd >= 0) == b->exists;
}

/* Is name the plain name of the object in the target's root? */
static inline bool names(struct target *target, const char *name, const struct stat *st)
{
	struct answer answer;

	if (strlen(name) >= PATH_MAX)
		return true;
	target_ask(target, AT_FDCWD, name, O_NOFOLLOW, RESOLVE_NO_SYMLINKS, &answer);
	return !answer.err && answer.st.st_dev == st->st_dev && answer.st.st_ino == st->st_ino;
}

/* Is name the plain name of nothing in a directory that is there? */
static inline bool names_missing(struct target *target, const char *name)
{
	char parent[3 * PATH_MAX];
	struct answer answer;
	char *slash;

	snprintf(parent, sizeof(parent), "%s", name);
	slash = strrchr(parent, '/');
	if (!slash)
		return false;
	if (strlen(name) >= PATH_MAX)
		return true;
	slash[1] = '\0';
	target_ask(target, AT_FDCWD, parent, O_NOFOLLOW, RESOLVE_NO_SYMLINKS, &answer);
	if (answer.err)
		return false;
	target_ask(target, AT_FDCWD, name, O_NOFOLLOW, 0, &answer);
	return answer.err == ENOENT;
}

/* What is wrong with where, compared with the kernel's answer; NULL: nothing. */
static inline const char *wrong(struct target *target, const struct pm_where *where,
				const struct answer *answer)
{
	struct stat st;

	if (!where->name)
		return "no name";
	if (where->anonymous != (where->name[0] != '/'))
		return "anonymous names do not begin with a slash, others do";
	if (strlen(where->name) > 1 && where->name[strlen(where->name) - 1] == '/' &&
	    !where->anonymous)
		return "a slash at the end";
	if (answer->err == ENOENT ? !where->missing && where->err != ENOENT :
				    where->err != answer->err || where->missing)
		return "another errno than the kernel's";
	if (where->exists != !answer->err)
		return "exists";
	if (where->missing && !where->anonymous && !names_missing(target, where->name))
		return "not the name of what is missing";
	if (!where->exists)
		return NULL;
	if (where->st.st_dev != answer->st.st_dev || where->st.st_ino != answer->st.st_ino)
		return "another object than the kernel's";
	if (fstat(where->fd, &st) || st.st_dev != answer->st.st_dev ||
	    st.st_ino != answer->st.st_ino)
		return "fd is another object";
	if (!where->anonymous && !names(target, where->name, &where->st))
		return "not the name of the object";
	if (where->self_name && !names_missing(target, where->self_name)) {
		struct answer self;

		target_ask(target, AT_FDCWD, where->self_name, O_NOFOLLOW, 0, &self);
		if (!S_ISLNK(self.st.st_mode) && self.st.st_ino != where->st.st_ino)
			return "not the self_name of the object";
	}
	return NULL;
}

/* Like a path of a call that looks up the parent only: the kernel's truth for that. */
static inline void ask_parent(struct target *target, int dirfd, const char *path,
			      struct answer *answer)
{
	char text[3 * PATH_MAX];
	size_t len = (size_t)snprintf(text, sizeof(text), "%s", path);

	while (len > 1 && text[len - 1] == '/')
		text[--len] = '\0';
	target_ask(target, dirfd, text, O_NOFOLLOW, 0, answer);
}

/* Set where something is mounted over the root: the way without openat2 does not see it. */
static bool needs_openat2;

/* Is it what the rest of its name leads to from where the path was relative to? */
static inline void check_below(struct target *target, int dirfd, const struct pm_where *where,
			       size_t below)
{
	struct answer answer;

	if (!below)
		return;
	target_ask(target, dirfd, where->name + below, O_NOFOLLOW, RESOLVE_NO_SYMLINKS, &answer);
	assert_int_equal(answer.err, where->missing ? ENOENT : 0);
	assert_true(where->missing || answer.st.st_ino == where->st.st_ino);
}

/* What was not opened can be looked at once more. */
static inline void check_again(const struct pm_view *view, const struct pm_where *where)
{
	char text[PATH_MAX];
	struct statx st;

	if (!where->exists || where->fd >= 0)
		return;
	found_unopened++;
	assert_int_equal(resolve_again(view, where, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &st), 0);
	assert_int_equal(st.stx_ino, where->st.st_ino);
	assert_int_equal(resolve_text_again(view, where, text),
			 S_ISLNK(where->st.st_mode) ? where->st.st_size : -1);
}

/* Once more, when the directory may be kept. */
static inline void resolve_nearly(struct target *target, int dirfd, const char *path,
				  unsigned int flags, uint64_t resolve, struct pm_where *where)
{
	struct pm_view_known known = { .landmarks = &landmarks, .stays = true };
	struct pm_view view = { .tid = target->pid, .tgid = target->pid, .known = &known };

	int saved = 0;

	landmarks.calls = landmarks.saved = 500;
	landmarks.vain = 0;
	for (int i = 0; i < 4; i++) {
		if (i)
			pm_where_free(where);
		landmarks_look(&landmarks);
		saved = landmarks.saved;
		known.below = 0;
		assert_int_equal(pm_resolve(&view, dirfd, path, flags, resolve, where), 0);
	}
	found_nearly += landmarks.saved > saved;
	check_below(target, dirfd, where, known.below);
	check_again(&view, where);
}

#define WAYS 5

/*
 * Resolve by each way, compare them with each other and with the kernel.  The
 * caller frees *where.
 */
static inline void check_how(struct target *target, int dirfd, const char *path, unsigned int flags,
			     uint64_t resolve, struct pm_where *where)
{
	static const char *const ways[WAYS] = { "fast", "slow", "without openat2", "near",
						"near, not opened" };
	struct pm_view view = { .tid = target->pid, .tgid = target->pid };
	struct pm_where found[WAYS];
	struct answer answer;
	const char *why;

	for (int i = 0; i < 3; i++) {
		resolve_without_openat2 = i == 2 && !needs_openat2;
		assert_int_equal(pm_resolve(&view, dirfd, path, flags | (i ? RESOLVE_SLOWLY : 0),
					    resolve, &found[i]),
				 0);
	}
	resolve_without_openat2 = false;
	resolve_nearly(target, dirfd, path, flags, resolve, &found[3]);
	resolve_nearly(target, dirfd, path, flags | PM_RESOLVE_AGAIN, resolve, &found[4]);
	if (flags & PM_RESOLVE_PARENT)
		ask_parent(target, dirfd, path, &answer);
	else
		target_ask(target, dirfd, path,
			   (flags & PM_RESOLVE_NOFOLLOW ? O_NOFOLLOW : 0) |
				   (flags & PM_RESOLVE_EMPTY ? O_EXCL : 0),
			   resolve, &answer);
	why = wrong(target, &found[0], &answer);
	for (int i = 1; i < WAYS; i++)
		if (!(i == 4 ? same_but_open : same_where)(&found[0], &found[i]))
			why = "the ways differ";
	if (why) {
		for (int i = 0; i < WAYS; i++)
			dump(ways[i], &found[i]);
		print_error("kernel: err %d ino %lu %s\n", answer.err,
			    (unsigned long)answer.st.st_ino, answer.text);
		fail_msg("%d \"%s\" flags %u resolve %#lx: %s", dirfd, path, flags,
			 (unsigned long)resolve, why);
	}
	*where = found[0];
	for (int i = 1; i < WAYS; i++)
		pm_where_free(&found[i]);
}

/* Check, and compare the name too. */
static inline void check_name(struct target *target, const char *path, unsigned int flags,
			      const char *name)
{
	struct pm_where where;

	check_how(target, AT_FDCWD, path, flags, 0, &where);
	assert_string_equal(where.name, name);
	pm_where_free(&where);
}

static inline void check(struct target *target, const char *path)
{
	static const unsigned int flags[] = { 0, PM_RESOLVE_NOFOLLOW, PM_RESOLVE_PARENT };
	struct pm_where where;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		check_how(target, AT_FDCWD, path, flags[i], 0, &where);
		pm_where_free(&where);
	}
}

#endif
