/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * check.c - all errors of a policy file at once
 *
 * A policy is read by the code that a run reads it by, which stops at the first
 * error.  What that is about is then taken out of the tree, and the rest read
 * again.  What only goes wrong since something is missing is not an error of the
 * file: a complaint of how things go together counts where nothing was taken
 * away.
 */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"

#define MAX_ERRORS 100

int flaws_add(struct flaws *flaws, bool error, size_t line, size_t column, char *text)
{
	struct flaw *more = reallocarray(flaws->v, flaws->n + 1, sizeof(*more));

	if (!more) {
		free(text);
		return -ENOMEM;
	}
	flaws->v = more;
	flaws->v[flaws->n++] = (struct flaw){ error, text, line, column };
	flaws->nerrors += error;
	return 0;
}

int flaws_warn(struct flaws *flaws, const char *name, const struct node *at, const char *format,
	       ...)
{
	char *what, *text;
	va_list args;
	int len;

	va_start(args, format);
	len = vasprintf(&what, format, args);
	va_end(args);
	if (len < 0)
		return -ENOMEM;
	for (char *c = what; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	len = asprintf(&text, "%s:%zu:%zu: %s", name, at->line, at->column, what);
	free(what);
	return len < 0 ? -ENOMEM : flaws_add(flaws, false, at->line, at->column, text);
}

void flaws_clear(struct flaws *flaws)
{
	for (size_t i = 0; i < flaws->n; i++)
		free(flaws->v[i].text);
	free(flaws->v);
	*flaws = (struct flaws){ 0 };
}

/* Where a complaint says that it stands. */
static int add_complaint(struct flaws *flaws, const char *name, char *text)
{
	size_t line = 0, column = 0;

	sscanf(text + strlen(name), ":%zu:%zu", &line, &column);
	return flaws_add(flaws, true, line, column, text);
}

/* What tree.c goes on after. */
struct telling {
	struct flaws *flaws;
	const char *name;
};

static int tell(void *data, char *text)
{
	struct telling *telling = data;

	return add_complaint(telling->flaws, telling->name, text);
}

/* The nodes from the root down to one: path[0] is the root.  0: it is not there. */
static size_t find_path(struct node *from, const struct node *node, struct node **path,
			size_t depth)
{
	path[depth] = from;
	if (from == node)
		return depth + 1;
	for (size_t i = 0; i < from->nitems; i++) {
		size_t found = find_path(from->items[i], node, path, depth + 1);

		if (found)
			return found;
	}
	return 0;
}

/* Take an entry of a list, or a key with its value, away. */
static void take_out(struct node *parent, const struct node *item)
{
	size_t at = 0, width = parent->kind == NODE_MAP ? 2 : 1;

	while (parent->items[at] != item)
		at++;
	at -= at % width;
	for (size_t i = 0; i < width; i++)
		tree_free(parent->items[at + i]);
	parent->nitems -= width;
	memmove(&parent->items[at], &parent->items[at + width],
		(parent->nitems - at) * sizeof(*parent->items));
}

static struct node *make_text(const char *text)
{
	struct node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->kind = NODE_TEXT;
	node->line = node->column = 1;
	node->text = strdup(text);
	if (!node->text) {
		free(node);
		return NULL;
	}
	return node;
}

/* The version that everything else is read by. */
static int set_version(struct node *root)
{
	struct node *version = (struct node *)tree_value(root, "version");
	struct node **more;

	if (version != root) {
		for (size_t i = 0; i < version->nitems; i++)
			tree_free(version->items[i]);
		version->kind = NODE_TEXT;
		version->nitems = 0;
		free(version->text);
		version->text = strdup("1");
		return version->text ? 0 : -ENOMEM;
	}
	more = reallocarray(NULL, root->nitems + 2, sizeof(*more));
	if (!more)
		return -ENOMEM;
	more[0] = make_text("version");
	more[1] = make_text("1");
	if (!more[0] || !more[1]) {
		tree_free(more[0]);
		tree_free(more[1]);
		free(more);
		return -ENOMEM;
	}
	memcpy(more + 2, root->items, root->nitems * sizeof(*more));
	free(root->items);
	root->items = more;
	root->nitems += 2;
	return 0;
}

/* What the complaint is about goes: path has the depth nodes that lead there. */
static void prune(struct node **path, size_t depth)
{
	for (size_t i = 0; i < depth - 1; i++)
		path[i]->pruned = true;
	take_out(path[depth - 2], path[depth - 1]);
	/* An empty list is an error of its own. */
	while (depth > 3 && !path[depth - 2]->nitems) {
		depth--;
		take_out(path[depth - 2], path[depth - 1]);
	}
}

/* Has something been taken away from what a complaint of this node can be due to? */
static bool is_pruned(struct node **path, size_t depth)
{
	/* What happens to one rule is nothing to the next. */
	for (size_t i = 2; i < depth; i++)
		if (path[i]->pruned)
			return true;
	return depth == 2 && path[1]->pruned;
}

/* Take the complaint down, and what it is about out.  1 where there is no going on. */
static int go_past(struct flaws *flaws, const char *name, struct node *root,
		   struct complaint *complaint)
{
	struct node *path[TREE_MAX_DEPTH + 2];
	char *text = complaint->text;
	size_t depth;

	complaint->text = NULL;
	depth = complaint->at ? find_path(root, complaint->at, path, 0) : 0;
	if (depth && complaint->together && is_pruned(path, depth)) {
		free(text);
	} else {
		int err = add_complaint(flaws, name, text);

		if (err)
			return err;
	}
	if (!depth)
		return 1;
	if (complaint->at == root)
		return complaint->together ? set_version(root) : 1;
	if (complaint->at == tree_value(root, "version"))
		return set_version(root);
	prune(path, depth);
	return 0;
}

static struct node *rules_of(const struct node *root)
{
	struct node *rules;

	if (root->kind != NODE_MAP)
		return NULL;
	rules = (struct node *)tree_value(root, "rules");
	return rules == root || rules->kind != NODE_LIST ? NULL : rules;
}

/* What is left of a rule says something else than its file. */
static void drop_pruned(struct node *root)
{
	struct node *rules = rules_of(root);

	for (size_t i = 0; rules && i < rules->nitems;) {
		if (rules->items[i]->pruned)
			take_out(rules, rules->items[i]);
		else
			i++;
	}
}

static int compare(const void *a, const void *b)
{
	const struct flaw *one = a, *other = b;

	if (one->line != other->line)
		return one->line < other->line ? -1 : 1;
	if (one->column != other->column)
		return one->column < other->column ? -1 : 1;
	return strcmp(one->text, other->text);
}

static int find_errors(const char *name, struct node *root, struct flaws *out)
{
	struct complaint complaint = { 0 };
	struct policy *policy = NULL;
	int err;

	do {
		err = parse_tree(name, root, &policy, &complaint);
		if (err == -EINVAL)
			err = go_past(out, name, root, &complaint) ?: -EAGAIN;
		out->more = out->nerrors >= MAX_ERRORS;
	} while (err == -EAGAIN && !out->more);
	policy_free(policy);
	return err == -ENOMEM ? err : 0;
}

static int find_doubts(const char *name, struct node *root, struct flaws *out)
{
	struct complaint complaint = { 0 };
	struct policy *policy;
	int err;

	drop_pruned(root);
	err = parse_tree(name, root, &policy, &complaint);
	free(complaint.text);
	/* What cannot be gone past leaves no policy. */
	if (err)
		return err == -ENOMEM ? err : 0;
	err = doubt_rules(name, root, policy, out);
	policy_free(policy);
	return err;
}

int policy_check(const char *name, const char *bytes, size_t len, struct flaws *out)
{
	struct telling telling = { out, name };
	struct complaint complaint = { .tell = tell, .data = &telling };
	struct node *root = NULL;
	int err;

	*out = (struct flaws){ 0 };
	err = tree_read(name, bytes, len, &root, &complaint);
	if (err == -EINVAL)
		err = add_complaint(out, name, complaint.text);
	if (root) {
		struct node *rules = rules_of(root);

		out->nrules = rules ? rules->nitems : 0;
		err = find_errors(name, root, out);
		if (!err && !out->more)
			err = find_doubts(name, root, out);
	}
	tree_free(root);
	if (err)
		flaws_clear(out);
	else if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), compare);
	return err;
}
