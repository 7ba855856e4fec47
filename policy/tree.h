/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tree.h - a YAML document as nodes that know where they stand
 */
#ifndef POINTSMAN_TREE_H
#define POINTSMAN_TREE_H

#include <stdbool.h>
#include <stddef.h>

/* What a policy file may be at most. */
#define TREE_MAX_BYTES (1024 * 1024)
#define TREE_MAX_DEPTH 16
#define TREE_MAX_KEYS  1024
#define TREE_MAX_KEY   255

enum node_kind { NODE_TEXT, NODE_LIST, NODE_MAP };

/*
 * A node: a text, a list or a mapping.
 *
 * Owner: its parent, the root's the caller of tree_read().  A mapping has its
 * keys at even and its values at odd places of items.
 */
struct node {
	enum node_kind kind;
	size_t line, column;	/* from 1 */
	char *text;
	struct node **items;
	size_t nitems;
	bool pruned;		/* check.c: something below has been taken away */
};

/*
 * What is wrong, and where: for a person, and for who goes on after it.
 *
 * Owner of text: whoever asked for the reading.
 */
struct complaint {
	char *text;		/* "NAME:LINE:COLUMN: ..." */
	const struct node *at;	/* NULL: the bytes are no tree */
	bool together;		/* the parts of at do not go together, each may be fine */
	/* Told of what the reading can go on after, takes text; NULL: it goes on after nothing. */
	int (*tell)(void *data, char *text);
	void *data;
};

/*
 * Read one document.  Aliases, anchors, tags, keys that are not texts, keys
 * seen twice, NUL in a text, and what is over the bounds above are refused.
 * Returns 0, -ENOMEM, or -EINVAL with a complaint.
 */
int tree_read(const char *name, const char *bytes, size_t len, struct node **out,
	      struct complaint *complaint);
void tree_free(struct node *node);

/* The value of a key, or the mapping itself where it is not there. */
const struct node *tree_value(const struct node *map, const char *key);
/* The i-th of a list; another node is a list of itself. */
const struct node *tree_entry(const struct node *list, size_t i);
/* The i-th value of a mapping; the i-th of a list; or the node itself. */
const struct node *tree_nth(const struct node *node, size_t i);

/* Fill a complaint in.  Returns -EINVAL, or -ENOMEM. */
int tree_complain(const char *name, const struct node *at, struct complaint *complaint,
		  const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
