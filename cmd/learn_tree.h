/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * learn_tree.h - the names that a command used, as a tree that can be folded
 */
#ifndef POINTSMAN_LEARN_TREE_H
#define POINTSMAN_LEARN_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What names are used for; what a later one allows, it allows with the earlier ones. */
enum use { USE_LOOK, USE_READ, USE_WRITE, USE_EXEC, USE_OTHER, NUSES };

#define MAX_USERS 3

/*
 * How often a name was used, and by which programs.
 *
 * Owner: the node.  Names of programs are kept by learn_program().
 */
struct used {
	uint32_t classes;
	unsigned long long count;
	const char *users[MAX_USERS];
	unsigned long long others;	/* by further ones */
};

/*
 * A component of a path.
 *
 * Owner: its parent; the root's learn_tree_free() frees all.
 */
struct name_node {
	char *name;			/* a component; a pattern of one where glob is set */
	bool glob;
	bool exclusive;			/* made by a call that makes nothing but new names */
	bool made_directory;		/* made by mkdir */
	bool missing;			/* was not there whenever it was used */
	struct name_node *parent;
	struct name_node **children;	/* in the order of their names */
	size_t nchildren;
	struct used used[NUSES];	/* of this name itself */
	struct used below[NUSES];	/* of all below, where tree says so */
	bool tree[NUSES];		/* what is below is folded into this */
};

struct name_node *learn_tree_new(void);
void learn_tree_free(struct name_node *node);

/* The name of a program that stays: NULL without memory. */
const char *learn_program(const char *name);

/* The node of an absolute path, made where it is not there; NULL without memory. */
struct name_node *learn_tree_find(struct name_node *root, const char *path);
/* Add to what is known of a use. */
void used_add(struct used *used, uint32_t classes, const char *user, unsigned long long count);

/*
 * Make names patterns that are others in the next run, and then trees of what lies
 * together.  cwd and home are kept from being folded into what lies above them.  Folding
 * goes on while names come, where one directory has very many.  Returns 0 or -ENOMEM.
 */
int learn_generalise(struct name_node *root);
void learn_fold(struct name_node *root, const char *cwd, const char *home);
int learn_fold_early(struct name_node *node, const char *cwd, const char *home);

/*
 * learn_names.c: the pattern that a component of a new name stands for; NULL where it is
 * as it is.  temporary: in a directory of such names.  For the caller to free.
 */
char *learn_pattern(const char *name, bool temporary);
bool learn_is_temporary(const char *directory);
/* A name that says what is in the file: hexadecimal digits of a hash. */
bool learn_is_hash(const char *name);

/* The path of a node, as a pattern where that is needed; for the caller to free, or NULL. */
char *learn_path(const struct name_node *node, bool *pattern);

#endif
