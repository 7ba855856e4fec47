/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "learn_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MANY	 512	/* names in one directory: no person reads them */
#define TOO_MUCH 64	/* names to read for a person */
#define BEYOND	 4096	/* all else */

/* So many names below make a tree. */
static const size_t enough[NUSES] = {
	[USE_LOOK] = 2, [USE_READ] = 4, [USE_WRITE] = 3, [USE_EXEC] = SIZE_MAX,
	[USE_OTHER] = SIZE_MAX,
};

const char *learn_program(const char *name)
{
	static struct program {
		struct program *next;
		char name[];
	} *programs;
	struct program *at;

	for (at = programs; at; at = at->next)
		if (!strcmp(at->name, name))
			return at->name;
	at = malloc(sizeof(*at) + strlen(name) + 1);
	if (!at)
		return NULL;
	strcpy(at->name, name);
	at->next = programs;
	programs = at;
	return at->name;
}

void used_add(struct used *used, uint32_t classes, const char *user, unsigned long long count)
{
	used->classes |= classes;
	used->count += count;
	for (size_t i = 0; user && i < MAX_USERS; i++) {
		if (!used->users[i])
			used->users[i] = user;
		if (used->users[i] == user)
			return;
	}
	used->others += count;
}

static void used_merge(struct used *to, const struct used *from)
{
	to->classes |= from->classes;
	to->count += from->count;
	to->others += from->others;
	for (size_t i = 0; i < MAX_USERS && from->users[i]; i++) {
		size_t at = 0;

		while (at < MAX_USERS && to->users[at] && to->users[at] != from->users[i])
			at++;
		if (at < MAX_USERS)
			to->users[at] = from->users[i];
		else
			to->others++;
	}
}

static struct name_node *new_node(const char *name, size_t len)
{
	struct name_node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->name = strndup(name, len);
	node->missing = true;
	if (!node->name) {
		free(node);
		return NULL;
	}
	return node;
}

struct name_node *learn_tree_new(void)
{
	return new_node("", 0);
}

void learn_tree_free(struct name_node *node)
{
	if (!node)
		return;
	for (size_t i = 0; i < node->nchildren; i++)
		learn_tree_free(node->children[i]);
	free(node->children);
	free(node->name);
	free(node);
}

/* The child of this name, or where it belongs. */
static size_t place_of(const struct name_node *node, const char *name, size_t len, bool *found)
{
	size_t low = 0, high = node->nchildren;

	*found = false;
	while (low < high) {
		size_t middle = (low + high) / 2;
		const char *other = node->children[middle]->name;
		int order = strncmp(other, name, len) ?: other[len] != '\0';

		if (!order) {
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int insert(struct name_node *node, size_t at, struct name_node *child)
{
	size_t n = node->nchildren;

	/* Full at each power of two. */
	if (!(n & (n - 1))) {
		struct name_node **more;

		more = reallocarray(node->children, n ? n * 2 : 1, sizeof(*more));
		if (!more)
			return -ENOMEM;
		node->children = more;
	}
	memmove(&node->children[at + 1], &node->children[at], (n - at) * sizeof(*node->children));
	node->children[at] = child;
	node->nchildren++;
	child->parent = node;
	return 0;
}

struct name_node *learn_tree_find(struct name_node *root, const char *path)
{
	struct name_node *node = root;

	while (*(path += strspn(path, "/"))) {
		size_t len = strcspn(path, "/"), at;
		struct name_node *child;
		bool found;

		at = place_of(node, path, len, &found);
		if (!found) {
			child = new_node(path, len);
			if (!child || insert(node, at, child)) {
				learn_tree_free(child);
				return NULL;
			}
		}
		node = node->children[at];
		path += len;
	}
	return node;
}

/* What is special in a pattern, made plain. */
static void put_escaped(FILE *to, const char *text)
{
	for (; *text; text++) {
		if (strchr("*?[\\", *text))
			fputc('\\', to);
		fputc(*text, to);
	}
}

static void put_path(FILE *to, const struct name_node *node, bool pattern)
{
	if (!node->parent)
		return;
	put_path(to, node->parent, pattern);
	fputc('/', to);
	if (pattern && !node->glob)
		put_escaped(to, node->name);
	else
		fputs(node->name, to);
}

char *learn_path(const struct name_node *node, bool *pattern)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	*pattern = false;
	for (const struct name_node *at = node; at; at = at->parent)
		*pattern |= at->glob;
	if (!to)
		return NULL;
	put_path(to, node, *pattern);
	if (!node->parent)
		fputc('/', to);
	if (fclose(to)) {
		free(text);
		return NULL;
	}
	return text;
}

/* What is known of one is known of the other, and so of all below. */
static int merge(struct name_node *to, struct name_node *from)
{
	for (int use = 0; use < NUSES; use++) {
		used_merge(&to->used[use], &from->used[use]);
		used_merge(&to->below[use], &from->below[use]);
		to->tree[use] |= from->tree[use];
	}
	to->missing &= from->missing;
	to->made_directory |= from->made_directory;
	for (size_t i = 0; i < from->nchildren; i++) {
		struct name_node *child = from->children[i];
		bool found;
		size_t at = place_of(to, child->name, strlen(child->name), &found);
		int err = found ? merge(to->children[at], child) : insert(to, at, child);

		if (err)
			return err;
		if (found)
			learn_tree_free(child);
		from->children[i] = NULL;
	}
	from->nchildren = 0;
	return 0;
}

/* The pattern of a component below this directory, or NULL. */
static char *pattern_of(const struct name_node *child, const char *directory)
{
	bool temporary = learn_is_temporary(directory);
	size_t digits = strspn(child->name, "0123456789");
	bool number = digits && !child->name[digits];

	/* Processes, threads, descriptors, terminals. */
	if (number && (!strncmp(directory, "/proc", 5) || !strcmp(directory, "/dev/pts")))
		return strdup(!strcmp(directory, "/proc") ? "[0-9]*" : "*");
	if (learn_is_hash(child->name))
		return strdup("*");
	if (strlen(child->name) == 2 && strspn(child->name, "0123456789abcdef") == 2 &&
	    child->nchildren && learn_is_hash(child->children[0]->name))
		return strdup("??");
	if (child->exclusive || (child->made_directory && temporary))
		return learn_pattern(child->name, temporary);
	return NULL;
}

int learn_generalise(struct name_node *node)
{
	bool glob;
	char *directory = learn_path(node, &glob);
	int err = directory ? 0 : -ENOMEM;

	for (size_t i = 0; i < node->nchildren && !err;) {
		struct name_node *child = node->children[i];
		char *pattern = child->glob ? NULL : pattern_of(child, directory);
		bool found;
		size_t at;

		if (!pattern) {
			i++;
			continue;
		}
		node->nchildren--;
		memmove(&node->children[i], &node->children[i + 1],
			(node->nchildren - i) * sizeof(*node->children));
		free(child->name);
		child->name = pattern;
		child->glob = true;
		at = place_of(node, pattern, strlen(pattern), &found);
		if (found) {
			err = merge(node->children[at], child);
			learn_tree_free(child);
		} else {
			memmove(&node->children[at + 1], &node->children[at],
				(node->nchildren - at) * sizeof(*node->children));
			node->children[at] = child;
			node->nchildren++;
			i += at <= i;
		}
	}
	free(directory);
	for (size_t i = 0; i < node->nchildren && !err; i++)
		err = learn_generalise(node->children[i]);
	return err;
}

/* Is path at or above what lies at below? */
static bool is_above(const char *path, const char *below)
{
	size_t len = strcmp(path, "/") ? strlen(path) : 0;

	return below && !strncmp(path, below, len) && (!below[len] || below[len] == '/');
}

/*
 * May all below, so many names, become one tree?  Not where many things lie that have
 * nothing to do with each other, unless it is only read and too much to be told apart;
 * nor above the working directory.
 */
static bool may_fold(const char *path, enum use use, size_t below, const char *cwd,
		     const char *home)
{
	static const char *const never[] = {
		"/", "/home", "/root", "/tmp", "/var/tmp", "/dev/shm", "/proc", "/proc/self",
		"/mnt", "/media",
	};
	static const char *const seldom[] = {
		"/etc", "/var", "/var/lib", "/dev", "/sys", "/run", "/srv",
	};

	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (!strcmp(path, never[i]))
			return i && use < USE_WRITE && below >= BEYOND;
	for (size_t i = 0; i < sizeof(seldom) / sizeof(seldom[0]); i++)
		if (!strcmp(path, seldom[i]))
			return use < USE_WRITE && below >= TOO_MUCH;
	if (!strncmp(path, "/home/", 6) && !strchr(path + 6, '/'))
		return false;
	if (home && strcmp(home, "/") && is_above(path, home))
		return false;
	if (use == USE_WRITE && (!strcmp(path, "/usr") || !strcmp(path, "/opt")))
		return false;
	return !is_above(path, cwd) || !strcmp(path, cwd);
}

/* Programs and libraries: nobody reviews which of them. */
static bool is_system(const char *path)
{
	return !strcmp(path, "/usr") || !strcmp(path, "/nix/store");
}

/* All uses of this kind below go into one. */
static void gather(struct name_node *node, enum use use, struct used *into)
{
	for (size_t i = 0; i < node->nchildren; i++) {
		struct name_node *child = node->children[i];

		used_merge(into, &child->used[use]);
		used_merge(into, &child->below[use]);
		child->used[use] = child->below[use] = (struct used){ 0 };
		child->tree[use] = false;
		gather(child, use, into);
	}
}

static void fold_into(struct name_node *node, enum use use)
{
	gather(node, use, &node->below[use]);
	used_merge(&node->below[use], &node->used[use]);
	node->used[use] = (struct used){ 0 };
	node->tree[use] = true;
}

/*
 * Were directories made here?  They are not there when the next run begins, and what is
 * allowed in them is then allowed in nothing.
 */
static bool makes_directories(const struct name_node *node)
{
	for (size_t i = 0; i < node->nchildren; i++)
		if (node->children[i]->made_directory && !node->children[i]->glob)
			return true;
	return false;
}

/* Returns how many names, or trees, of this use there are at and below the node. */
static size_t fold(struct name_node *node, enum use use, const char *cwd, const char *home)
{
	bool glob, may;
	char *path = learn_path(node, &glob);
	size_t below = 0;

	for (size_t i = 0; i < node->nchildren; i++)
		below += fold(node->children[i], use, cwd, home);
	may = path && may_fold(path, use, below, cwd, home);
	if (node->tree[use] ||
	    (may && below && (below >= enough[use] ||
			      (use < USE_WRITE && is_system(path)) ||
			      (use == USE_WRITE && makes_directories(node))))) {
		fold_into(node, use);
		below = 0;
	}
	free(path);
	return below + (node->tree[use] || node->used[use].count);
}

void learn_fold(struct name_node *root, const char *cwd, const char *home)
{
	for (int use = USE_LOOK; use <= USE_WRITE; use++)
		fold(root, (enum use)use, cwd, home);
}

int learn_fold_early(struct name_node *node, const char *cwd, const char *home)
{
	bool glob, folded = false;
	char *path;

	if (node->nchildren < MANY)
		return 0;
	path = learn_path(node, &glob);
	for (int use = USE_LOOK; path && use <= USE_WRITE; use++) {
		if (!may_fold(path, (enum use)use, node->nchildren, cwd, home))
			continue;
		fold_into(node, (enum use)use);
		/* What was not used so is not allowed so. */
		node->tree[use] = node->below[use].count;
		folded = true;
	}
	free(path);
	/* Patterns may be what they all have in common. */
	if (!folded)
		return node->nchildren & (node->nchildren - 1) ? 0 : learn_generalise(node);
	/* Programs stay, and what may be a name of its own. */
	for (size_t i = 0; i < node->nchildren;) {
		struct name_node *child = node->children[i];
		bool in_use = child->nchildren || child->exclusive;

		for (int use = 0; use < NUSES; use++)
			in_use |= child->used[use].count || child->tree[use];
		if (in_use) {
			i++;
			continue;
		}
		node->nchildren--;
		memmove(&node->children[i], &node->children[i + 1],
			(node->nchildren - i) * sizeof(*node->children));
		learn_tree_free(child);
	}
	return 0;
}
