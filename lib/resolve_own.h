/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * resolve_own.h - what the files of the resolver share
 *
 * resolve.c starts a walk and tells its end; resolve_walk.c goes from component
 * to component; resolve_near.c knows a shorter way from directories that are kept
 * open; resolve_name.c finds the name of an object that was reached without one;
 * resolve_proc.c knows what procfs shows to the target alone.
 */
#ifndef POINTSMAN_RESOLVE_OWN_H
#define POINTSMAN_RESOLVE_OWN_H

#include "resolve.h"
#include "rights.h"

/* For tests: go the slow way where a fast one is at hand. */
#define RESOLVE_SLOWLY 0x80000000u

#define MAX_LINKS 40

/* A growing string.  s is NULL until something was put in. */
struct text {
	char *s;
	size_t len, size;
};

/* An object and the name by which it was reached. */
struct place {
	int fd;
	bool kept; /* fd is open for good: it is nobody's to close */
	struct object is;
	struct text name;
	bool anonymous;
	/* Found by its name on another mount than the target's own: names below it are guesses. */
	bool loose;
};

/*
 * A walk.  Owner: pm_resolve(); everything in it is given back at its end.
 */
struct walk {
	const struct pm_view *view;
	struct rights rights; /* the target's: it walks with them */
	unsigned int flags; /* PM_RESOLVE_* */
	uint64_t resolve; /* RESOLVE_* */
	struct place root; /* the target's */
	struct place base; /* where a walk with a border of its own began */
	const struct place *top; /* above this ".." does not lead: &root or &base */
	struct place cur; /* what was reached */
	struct object over; /* what is mounted over top, or top */
	bool knows_over;
	char *rest; /* NULL, or the path that is being walked, links in it put in place */
	const char *at; /* the next component of it */
	unsigned int links; /* followed so far */
	bool knows_root; /* openat2 has looked the root up by now */
	bool want_dir; /* a slash came after the final component */
	bool missing; /* the final component is not there; cur is its parent */
	bool magic; /* cur was reached by a magic link */
	char last[256]; /* missing: the component */

	struct stat st; /* of cur */
	bool knows_st;
	bool may_leap; /* the target's root is the supervisor's */
	bool leapt; /* the links before cur were not counted */
	bool again; /* the count matters: to be done again without leaps */
	uint64_t leapt_on; /* the mount on which the last leap was tried */
	unsigned int leaps;
};

/* All return 0 or a negative errno; -ENOMEM and -EMFILE end the walk. */

int text_set(struct text *text, const char *s);
int text_append(struct text *text, const char *component, size_t len);
void text_pop(struct text *text);
int text_clean(struct text *text, const char *path);
void text_free(struct text *text);

/* openat(2), O_PATH and O_CLOEXEC added; returns a descriptor. */
int open_path(int dirfd, const char *path, int flags);
int object_of(int fd, struct object *object);
/* The same with what fstat(2) tells of it. */
int object_stat(int fd, struct object *object, struct stat *st);
int object_at(int dirfd, const char *path, struct object *object);
/* The same of what lies by a name in dirfd, not followed, with what fstatat(2) tells of it. */
int object_named(int dirfd, const char *path, struct object *object, struct stat *st);
bool same_object(const struct object *a, const struct object *b);
/* Of what a link leads to. */
int object_behind(const char *path, struct object *object);
void place_close(struct place *place);
void place_free(struct place *place);
/*
 * The supervisor's own root, no procfs, as it was when it was first asked for.
 * Where another root is the same object it is walked from this descriptor, which
 * holds the mount, so that none of its numbers can become another's.  False where
 * there is none to be had: then, or for good where there was no descriptor left.
 */
bool supervisor_root(struct place *root);
int place_copy(struct place *to, const struct place *from);

bool have_openat2(void);
/* For tests: as on a kernel without it. */
extern bool resolve_without_openat2;
int open_how_path(int dirfd, const char *path, int flags, uint64_t resolve);

/*
 * Do the kernel's texts begin at the target's root?  The supervisor's own may have
 * been moved away from it (pivot_root).
 */
bool names_are_ours(const struct walk *walk);
/* The kernel's text for a descriptor of the supervisor (PATH_MAX bytes). */
int kernel_name(int fd, char *text);
bool looks_deleted(const char *text);
/* Sets place's name, anonymous and loose from what the kernel says of its descriptor. */
int name_place(struct walk *walk, struct place *place);

int walk_path(struct walk *walk);

/* As pm_resolve() with no RESOLVE_* bits.  False: to be walked. */
bool resolve_near(const struct pm_view *view, int dirfd, const char *path, unsigned int flags,
		  struct pm_where *out);
/* It was walked to here, and a directory was not there. */
void resolve_missed(const struct pm_view *view, const char *path, const char *reached);
/* The path was walked, and led there. */
void resolve_met(const struct pm_view *view, const char *path, const struct pm_where *where);

enum link_kind {
	LINK_TEXT, /* text is to be walked */
	LINK_MAGIC, /* to be opened */
};

/*
 * What kind of link name in cur is, and its text (PATH_MAX bytes): "self" and
 * "thread-self" of procfs are the target's.
 */
int read_link(struct walk *walk, int fd, const struct object *link, const char *name, char *text,
	      enum link_kind *kind);

/* The target's ids in a procfs; -ENOENT where it has none there. */
int proc_ids(const struct pm_view *view, int proc_fd, pid_t *tgid, pid_t *tid);
/* May the target follow this link, the final component of its path in dir? */
int may_follow(const struct walk *walk, const struct object *dir, const struct object *link);
bool on_procfs(int fd);
int self_name(const struct walk *walk, const char *name, char **self);

#endif
