/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pattern.h - which files a rule means
 */
#ifndef POINTSMAN_PATTERN_H
#define POINTSMAN_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A file name as a rule spells it, and what it leads to when the rule is read:
 * as written, with the directory resolved, with everything resolved; those that
 * differ.  All are absolute, cleaned of ".", "..", "//" and a slash at the end.
 *
 * Owner: whoever holds the struct; name_clear().
 */
struct name {
	char *form[3];
	size_t nforms;
};

/* text is absolute.  Return 0, -ENOMEM, -EINVAL (not absolute). */
int name_init(struct name *name, const char *text);
void name_clear(struct name *name);
bool name_is(const struct name *name, const char *path);
/* "" for the name itself, "/rest" for what is below, NULL for others. */
const char *name_rest(const struct name *name, const char *path);

/* path cleaned as text, for the caller to free; NULL without memory. */
char *path_clean(const char *path);

/*
 * A pattern: fnmatch(3) for each component, and a component "**" for any
 * number of them, none included.
 *
 * Owner: whoever holds the struct; glob_clear().
 */
struct glob {
	char *text;
	char **parts;
	size_t nparts;
};

int glob_init(struct glob *glob, const char *text);	/* 0, -ENOMEM */
void glob_clear(struct glob *glob);
bool glob_matches(const struct glob *glob, const char *path);
/* Does the text have something that is special in a pattern? */
bool glob_special(const char *text);
/*
 * The directory that everything a pattern matches lies in, with a rest of the
 * pattern after it at *rest (an offset).  For the caller to free; NULL without
 * memory.
 */
char *glob_directory(const char *text, size_t *rest);

enum pattern_kind { PATTERN_PATH, PATTERN_TREE, PATTERN_GLOB };

/* A path, a tree or a glob. */
struct pattern {
	enum pattern_kind kind;
	struct name name;	/* PATH, TREE */
	struct glob globs[2];	/* GLOB: as written, with the directory resolved */
	size_t nglobs;
};

/* Return 0, -ENOMEM, -EINVAL (not absolute). */
int pattern_init(struct pattern *pattern, enum pattern_kind kind, const char *text);
void pattern_clear(struct pattern *pattern);
bool pattern_matches(const struct pattern *pattern, const char *path);
/*
 * Does what the pattern means lie below this directory?  Of a glob its literal
 * directory counts.
 */
bool pattern_below(const struct pattern *pattern, const char *dir);

#endif
