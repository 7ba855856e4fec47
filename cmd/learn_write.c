/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * learn_write.c - what was learned, as rules with comments
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <pointsman/pointsman.h>

#include "call_words.h"
#include "learn_record.h"

#define COMMENT_COLUMN 48

/* An entry of a list of a rule. */
struct entry {
	char *text;
	const struct used *used;
	bool gone;	/* was not there */
};

enum key { KEY_TREE, KEY_PATH, KEY_GLOB, NKEYS };
/* Which names a rule is of: a search of PATH leaves many that are not there. */
enum which { ALL, THERE, GONE };

/*
 * A rule that is being collected: lives in write_use().
 */
struct collected {
	enum use use;
	enum which which;
	struct entry *entries[NKEYS];
	size_t n[NKEYS];
	uint32_t classes;
	int err;
};

/* Texts that YAML reads as they are stand plain; in others bytes that are no UTF-8 are "?". */
static void put_yaml(FILE *to, const char *text)
{
	const char *plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+-@%=";

	if (text[0] == '/' && !text[strspn(text, plain)]) {
		fputs(text, to);
		return;
	}
	fputc('"', to);
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		if (*at == '"' || *at == '\\')
			fprintf(to, "\\%c", *at);
		else if (*at < ' ' || *at == 0x7f)
			fprintf(to, "\\x%02X", *at);
		else
			fputc(*at, to);
	}
	fputc('"', to);
}

/* Is all of it UTF-8 that YAML takes? */
static bool is_text(const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at;) {
		size_t n = *at < 0x80 ? 1 : *at >= 0xf0 ? 4 : *at >= 0xe0 ? 3 : 2;

		if ((*at >= 0x80 && *at < 0xc2) || *at > 0xf4)
			return false;
		for (size_t i = 1; i < n; i++)
			if ((at[i] & 0xc0) != 0x80)
				return false;
		/* C1 controls, surrogates and what is no character. */
		if ((n == 2 && at[0] == 0xc2 && at[1] < 0xa0) ||
		    (n == 3 && ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] >= 0xa0) ||
				(at[0] == 0xef && at[1] == 0xbf && at[2] >= 0xbe))) ||
		    (n == 4 && ((at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] >= 0x90))))
			return false;
		at += n;
	}
	return true;
}

/* A pattern for a path that cannot be written down: "?" for each byte that is not ASCII. */
static char *as_pattern(const char *text, bool pattern)
{
	char *out = malloc(2 * strlen(text) + 1), *to = out;

	for (; out && *text; text++) {
		if (!pattern && strchr("*?[\\", *text))
			*to++ = '\\';
		*to++ = (unsigned char)*text >= 0x80 ? '?' : *text;
	}
	if (out)
		*to = '\0';
	return out;
}

static void put_users(FILE *to, const struct used *used)
{
	fprintf(to, "%llu", used->count);
	for (size_t i = 0; i < MAX_USERS && used->users[i]; i++) {
		fputs(i ? ", " : " by ", to);
		words_text(to, used->users[i], strlen(used->users[i]));
	}
	if (used->others)
		fputs(" and others", to);
}

static void put_entry(FILE *to, int indent, const struct entry *entry)
{
	char *text = NULL;
	size_t len = 0;
	FILE *line = open_memstream(&text, &len);

	if (line) {
		put_yaml(line, entry->text);
		fclose(line);
	}
	fprintf(to, "%*s    - %s", indent, "", text ? text : "");
	fprintf(to, "%*s# ", len + 8 < COMMENT_COLUMN ? (int)(COMMENT_COLUMN - len - 8) : 1, "");
	put_users(to, entry->used);
	fputs(entry->gone ? "; was not there\n" : "\n", to);
	free(text);
}

static void put_classes(FILE *to, uint32_t classes)
{
	bool several = classes & (classes - 1), first = true;

	fputs(several ? "class: [" : "class: ", to);
	for (int class = 0; class < PM_NCLASSES; class++) {
		if (!(classes & PM_BIT(class)))
			continue;
		fprintf(to, "%s%s", first ? "" : ", ", pm_class_name((enum pm_class)class));
		first = false;
	}
	fputs(several ? "]\n" : "\n", to);
}

static int add_entry(struct collected *collected, enum key key, char *text,
		     const struct used *used, bool gone)
{
	struct entry *more = reallocarray(collected->entries[key], collected->n[key] + 1,
					  sizeof(*more));

	if (!more) {
		free(text);
		return -ENOMEM;
	}
	collected->entries[key] = more;
	more[collected->n[key]++] = (struct entry){ text, used, gone };
	return 0;
}

/* Does a rule for something more allow it already? */
static bool is_covered(const struct name_node *node, enum use use, bool tree)
{
	for (int more = use + 1; more <= USE_WRITE; more++) {
		if (!tree && node->used[more].count)
			return true;
		for (const struct name_node *at = node; at; at = at->parent)
			if (at->tree[more])
				return true;
	}
	return false;
}

static int collect_node(struct collected *collected, const struct name_node *node, bool tree)
{
	const struct used *used = tree ? &node->below[collected->use] :
					 &node->used[collected->use];
	bool pattern, gone = !tree && node->missing;
	char *path, *text = NULL;
	enum key key;

	if (collected->which != ALL && gone != (collected->which == GONE))
		return 0;
	path = learn_path(node, &pattern);
	if (!path)
		return -ENOMEM;
	key = pattern ? KEY_GLOB : tree ? KEY_TREE : KEY_PATH;
	if (!is_text(path)) {
		text = as_pattern(path, pattern);
		free(path);
		path = text;
		key = KEY_GLOB;
	}
	if (path && tree && key == KEY_GLOB) {
		if (asprintf(&text, "%s/**", path) < 0)
			text = NULL;
		free(path);
		path = text;
	}
	if (!path)
		return -ENOMEM;
	collected->classes |= used->classes;
	return add_entry(collected, key, path, used, gone);
}

static int collect(struct collected *collected, const struct name_node *node)
{
	enum use use = collected->use;
	int err = 0;

	if (node->tree[use] && node->below[use].count && !is_covered(node, use, true))
		err = collect_node(collected, node, true);
	else if (!node->tree[use] && node->used[use].count && !is_covered(node, use, false))
		err = collect_node(collected, node, false);
	for (size_t i = 0; i < node->nchildren && !err; i++)
		err = collect(collected, node->children[i]);
	return err;
}

static void put_lists(FILE *to, int indent, struct collected *collected)
{
	static const char *const keys[] = {
		[KEY_TREE] = "tree", [KEY_PATH] = "path", [KEY_GLOB] = "glob",
	};

	for (int key = 0; key < NKEYS; key++) {
		if (collected->n[key])
			fprintf(to, "%*s  %s:\n", indent, "", keys[key]);
		for (size_t i = 0; i < collected->n[key]; i++) {
			put_entry(to, indent, &collected->entries[key][i]);
			free(collected->entries[key][i].text);
		}
		free(collected->entries[key]);
	}
}

/* Which classes were seen anywhere for this use and lesser ones: a rule is for all of them. */
static void classes_seen(const struct name_node *node, uint32_t seen[NUSES])
{
	for (int use = 0; use < NUSES; use++)
		seen[use] |= node->used[use].classes | node->below[use].classes;
	for (size_t i = 0; i < node->nchildren; i++)
		classes_seen(node->children[i], seen);
}

static int write_use(struct learned *learned, FILE *to, int indent, enum use use,
		     enum which which, uint32_t classes, const char *title)
{
	struct collected collected = { .use = use, .which = which };
	int err = collect(&collected, learned->root);
	size_t n = 0;

	for (int key = 0; key < NKEYS; key++)
		n += collected.n[key];
	if (n && !err) {
		fprintf(to, "%*s# %s\n%*s- ", indent, "", title, indent, "");
		put_classes(to, classes ? classes : collected.classes);
		fprintf(to, "%*s  allow: true\n", indent, "");
	}
	put_lists(to, indent, &collected);
	return err;
}

static int compare(const void *a, const void *b)
{
	const struct learned_name *one = a, *other = b;

	return one->class != other->class ? one->class - other->class :
					    strcmp(one->text, other->text);
}

/* A rule for each class; key is that of the list, "syscall" among them. */
static void write_names(FILE *to, int indent, struct learned_name *names, size_t n,
			const char *key, const char *title)
{
	int class = -1;

	if (!n)
		return;
	qsort(names, n, sizeof(*names), compare);
	fprintf(to, "%*s# %s\n", indent, "", title);
	for (size_t i = 0; i < n; i++) {
		struct entry entry = { names[i].text, &names[i].used, false };

		if (names[i].class != class) {
			class = names[i].class;
			fprintf(to, "%*s- ", indent, "");
			put_classes(to, PM_BIT(class));
			fprintf(to, "%*s  allow: true\n%*s  %s:\n", indent, "", indent, "", key);
		}
		put_entry(to, indent, &entry);
	}
}

int learned_write(struct learned *learned, FILE *to, int indent)
{
	uint32_t seen[NUSES] = { 0 };
	int err = learn_generalise(learned->root);

	if (err)
		return err;
	learn_fold(learned->root, learned->cwd, learned->home);
	classes_seen(learned->root, seen);
	seen[USE_READ] |= seen[USE_LOOK];
	seen[USE_WRITE] |= seen[USE_READ];
	err = write_use(learned, to, indent, USE_EXEC, THERE, 0, "Programs that were run.");
	if (!err)
		err = write_use(learned, to, indent, USE_EXEC, GONE, 0,
				"Programs that were looked for and not there; a search of PATH goes on "
				"without this rule too.");
	if (!err)
		err = write_use(learned, to, indent, USE_WRITE, ALL, seen[USE_WRITE],
				"What was written, made, removed or changed; and read.");
	if (!err)
		err = write_use(learned, to, indent, USE_READ, ALL, seen[USE_READ],
				"What was read.");
	if (!err)
		err = write_use(learned, to, indent, USE_LOOK, ALL, seen[USE_LOOK],
				"What was only looked at.");
	if (!err)
		err = write_use(learned, to, indent, USE_OTHER, ALL, 0,
				"Mounts, roots and others.");
	if (err)
		return err;
	write_names(to, indent, learned->addresses, learned->naddresses, "address",
		    "Addresses.");
	write_names(to, indent, learned->anonymous, learned->nanonymous, "anonymous",
		    "What has no name.");
	write_names(to, indent, learned->strings, learned->nstrings, "syscall",
		    "Calls whose names are no paths.");
	return 0;
}
