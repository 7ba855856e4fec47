/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tree.c - a YAML document as nodes that know where they stand
 *
 * libcyaml fills structures but forgets positions, and has no word for "one or
 * a list of them".  So libyaml reads the bytes first; schema.c hands libcyaml
 * what was read, and every complaint finds its place here.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "tree.h"

/*
 * A reading: lives in tree_read().
 */
struct reading {
	const char *name;
	const char *bytes;
	size_t len;
	yaml_parser_t parser;
	struct complaint *complaint;
};

__attribute__((format(printf, 5, 0)))
static int complain_at(const char *name, size_t line, size_t column, struct complaint *complaint,
		       const char *format, va_list args)
{
	char *what;

	if (vasprintf(&what, format, args) < 0)
		return -ENOMEM;
	/* One line, whatever a file may hold. */
	for (char *at = what; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	if (asprintf(&complaint->text, "%s:%zu:%zu: %s", name, line, column, what) < 0) {
		complaint->text = NULL;
		free(what);
		return -ENOMEM;
	}
	free(what);
	return -EINVAL;
}

int tree_complain(const char *name, const struct node *at, struct complaint *complaint,
		  const char *format, ...)
{
	va_list args;
	int err;

	complaint->at = at;
	complaint->together = false;
	va_start(args, format);
	err = complain_at(name, at->line, at->column, complaint, format, args);
	va_end(args);
	return err;
}

__attribute__((format(printf, 3, 4)))
static int complain_mark(struct reading *reading, const yaml_mark_t *mark, const char *format, ...)
{
	va_list args;
	int err;

	va_start(args, format);
	err = complain_at(reading->name, mark->line + 1, mark->column + 1, reading->complaint,
			  format, args);
	va_end(args);
	return err;
}

/* After a complaint that the tree can be read on after: 0 where somebody wants that. */
static int go_on(struct reading *reading, int err)
{
	struct complaint *complaint = reading->complaint;
	char *text = complaint->text;

	if (err != -EINVAL || !complaint->tell)
		return err;
	complaint->text = NULL;
	complaint->at = NULL;
	return complaint->tell(complaint->data, text);
}

void tree_free(struct node *node)
{
	if (!node)
		return;
	for (size_t i = 0; i < node->nitems; i++)
		tree_free(node->items[i]);
	free(node->items);
	free(node->text);
	free(node);
}

/* A reader's error has an offset only. */
static yaml_mark_t mark_of_offset(const struct reading *reading, size_t offset)
{
	yaml_mark_t mark = { 0 };

	for (size_t i = 0; i < offset && i < reading->len; i++) {
		mark.column++;
		if (reading->bytes[i] == '\n') {
			mark.line++;
			mark.column = 0;
		}
	}
	return mark;
}

/* Is there a tab? */
static bool is_tab(const struct reading *reading, const yaml_mark_t *mark)
{
	yaml_mark_t at = { 0 };

	for (size_t i = 0; i < reading->len; i++) {
		if (at.line == mark->line && at.column == mark->column)
			return reading->bytes[i] == '\t';
		/* Characters, not bytes. */
		at.column += i + 1 < reading->len && (reading->bytes[i + 1] & 0xc0) != 0x80;
		if (reading->bytes[i] == '\n') {
			at.line++;
			at.column = 0;
		}
	}
	return false;
}

static int complain_parser(struct reading *reading)
{
	const yaml_parser_t *parser = &reading->parser;
	const char *problem = parser->problem ? parser->problem : "unreadable";
	yaml_mark_t mark = parser->problem_mark;

	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (parser->error == YAML_READER_ERROR)
		mark = mark_of_offset(reading, parser->problem_offset);
	if (parser->error == YAML_SCANNER_ERROR && is_tab(reading, &mark))
		return complain_mark(reading, &mark, "not YAML: a tab, expected blanks");
	/* It is found missing at the next line, or later. */
	if (parser->error == YAML_SCANNER_ERROR && !strcmp(problem, "could not find expected ':'"))
		return complain_mark(reading, &parser->context_mark,
				     "not YAML: no ':' in this line, expected 'KEY: VALUE'");
	return complain_mark(reading, &mark, "not YAML: %s", problem);
}

static int next_event(struct reading *reading, yaml_event_t *event)
{
	if (!yaml_parser_parse(&reading->parser, event))
		return complain_parser(reading);
	return 0;
}

static struct node *new_node(enum node_kind kind, const yaml_mark_t *mark)
{
	struct node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->kind = kind;
	node->line = mark->line + 1;
	node->column = mark->column + 1;
	return node;
}

/* Takes item, also where it fails. */
static int append(struct node *node, struct node *item)
{
	size_t n = node->nitems;

	/* Full at each power of two. */
	if (!(n & (n - 1))) {
		struct node **more = reallocarray(node->items, n ? n * 2 : 1, sizeof(*more));

		if (!more) {
			tree_free(item);
			return -ENOMEM;
		}
		node->items = more;
	}
	node->items[node->nitems++] = item;
	return 0;
}

static int check_properties(struct reading *reading, const yaml_event_t *event,
			    const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor)
		return complain_mark(reading, &event->start_mark,
				     "anchor '&%s', expected none: say things where they are used",
				     (const char *)anchor);
	if (tag)
		return complain_mark(reading, &event->start_mark, "tag '%s', expected none",
				     (const char *)tag);
	return 0;
}

static int read_text(struct reading *reading, const yaml_event_t *event, struct node **out)
{
	const yaml_char_t *text = event->data.scalar.value;
	size_t len = event->data.scalar.length;
	int err;

	err = check_properties(reading, event, event->data.scalar.anchor, event->data.scalar.tag);
	err = go_on(reading, err);
	if (err)
		return err;
	if (memchr(text, 0, len))
		return complain_mark(reading, &event->start_mark,
				     "a text that holds a NUL, expected none");
	*out = new_node(NODE_TEXT, &event->start_mark);
	if (!*out)
		return -ENOMEM;
	(*out)->text = strdup((const char *)text);
	return (*out)->text ? 0 : -ENOMEM;
}

static int check_second(struct reading *reading, const struct node *map, const struct node *key)
{
	for (size_t i = 0; i < map->nitems; i += 2)
		if (!strcmp(map->items[i]->text, key->text))
			return tree_complain(reading->name, key, reading->complaint,
					     "key '%s' for the second time, first in line %zu",
					     key->text, map->items[i]->line);
	return 0;
}

static int check_key(struct reading *reading, const struct node *map, const struct node *key)
{
	if (key->kind != NODE_TEXT)
		return tree_complain(reading->name, key, reading->complaint,
				     "a key that is %s, expected a word",
				     key->kind == NODE_LIST ? "a list" : "a mapping");
	if (strlen(key->text) > TREE_MAX_KEY)
		return tree_complain(reading->name, key, reading->complaint,
				     "a key of more than %d bytes", TREE_MAX_KEY);
	if (map->nitems / 2 >= TREE_MAX_KEYS)
		return tree_complain(reading->name, key, reading->complaint,
				     "too many keys, expected %d at most", TREE_MAX_KEYS);
	return go_on(reading, check_second(reading, map, key));
}

/* Who reads on goes by the first of both. */
static void drop_seconds(struct node *map)
{
	size_t kept = 0;

	for (size_t i = 0; i < map->nitems; i += 2) {
		struct node *key = map->items[i], *value = map->items[i + 1];
		size_t first = 0;

		while (first < kept && strcmp(map->items[first]->text, key->text) != 0)
			first += 2;
		if (first < kept) {
			tree_free(key);
			tree_free(value);
			continue;
		}
		map->items[kept++] = key;
		map->items[kept++] = value;
	}
	map->nitems = kept;
}

static int read_node(struct reading *reading, const yaml_event_t *event, unsigned int depth,
		     struct node **out);

/* The rest of a list or mapping, up to its end. */
static int read_items(struct reading *reading, struct node *node, unsigned int depth)
{
	yaml_event_t event;
	struct node *item;
	int err;

	for (;;) {
		err = next_event(reading, &event);
		if (err)
			return err;
		if (event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&event);
			if (node->kind == NODE_MAP)
				drop_seconds(node);
			return 0;
		}
		item = NULL;
		err = read_node(reading, &event, depth + 1, &item);
		yaml_event_delete(&event);
		if (!err && node->kind == NODE_MAP && !(node->nitems & 1))
			err = check_key(reading, node, item);
		if (err) {
			tree_free(item);
			return err;
		}
		err = append(node, item);
		if (err)
			return err;
	}
}

static int read_collection(struct reading *reading, const yaml_event_t *event, unsigned int depth,
			   struct node **out)
{
	bool list = event->type == YAML_SEQUENCE_START_EVENT;
	int err;

	err = check_properties(reading, event,
			       list ? event->data.sequence_start.anchor :
				      event->data.mapping_start.anchor,
			       list ? event->data.sequence_start.tag :
				      event->data.mapping_start.tag);
	err = go_on(reading, err);
	if (err)
		return err;
	if (depth >= TREE_MAX_DEPTH)
		return complain_mark(reading, &event->start_mark,
				     "nested too deeply, expected %d levels at most",
				     TREE_MAX_DEPTH);
	*out = new_node(list ? NODE_LIST : NODE_MAP, &event->start_mark);
	if (!*out)
		return -ENOMEM;
	return read_items(reading, *out, depth);
}

/* *out may be set also where this fails; it is the caller's then too. */
static int read_node(struct reading *reading, const yaml_event_t *event, unsigned int depth,
		     struct node **out)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return read_text(reading, event, out);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return read_collection(reading, event, depth, out);
	case YAML_ALIAS_EVENT:
		return complain_mark(reading, &event->start_mark,
				     "alias '*%s', expected none: say things where they are used",
				     (const char *)event->data.alias.anchor);
	default:
		return complain_mark(reading, &event->start_mark, "not YAML: unexpected end");
	}
}

static int read_documents(struct reading *reading, struct node **out)
{
	yaml_event_t event;
	bool done = false;
	int err = 0;

	while (!done && !err) {
		err = next_event(reading, &event);
		if (err)
			return err;
		switch (event.type) {
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_END_EVENT:
			break;
		case YAML_DOCUMENT_START_EVENT:
			if (*out)
				err = complain_mark(reading, &event.start_mark,
						    "a second document, expected one");
			break;
		case YAML_STREAM_END_EVENT:
			if (!*out)
				err = complain_mark(reading, &event.start_mark,
						    "nothing, expected 'version: 1' and rules");
			done = true;
			break;
		default:
			err = read_node(reading, &event, 0, out);
		}
		yaml_event_delete(&event);
	}
	return err;
}

int tree_read(const char *name, const char *bytes, size_t len, struct node **out,
	      struct complaint *complaint)
{
	struct reading reading = {
		.name = name, .bytes = bytes, .len = len, .complaint = complaint,
	};
	yaml_mark_t start = { 0 };
	int err;

	*out = NULL;
	if (len > TREE_MAX_BYTES)
		return complain_mark(&reading, &start, "too large, expected %d bytes at most",
				     TREE_MAX_BYTES);
	if (!yaml_parser_initialize(&reading.parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&reading.parser, (const unsigned char *)bytes, len);
	err = read_documents(&reading, out);
	yaml_parser_delete(&reading.parser);
	if (err) {
		tree_free(*out);
		*out = NULL;
	}
	return err;
}

const struct node *tree_value(const struct node *map, const char *key)
{
	if (map->kind == NODE_MAP)
		for (size_t i = 0; i + 1 < map->nitems; i += 2)
			if (!strcmp(map->items[i]->text, key))
				return map->items[i + 1];
	return map;
}

const struct node *tree_entry(const struct node *list, size_t i)
{
	if (list->kind == NODE_LIST && i < list->nitems)
		return list->items[i];
	return list;
}

const struct node *tree_nth(const struct node *node, size_t i)
{
	if (node->kind == NODE_MAP && i * 2 + 1 < node->nitems)
		return node->items[i * 2 + 1];
	return tree_entry(node, i);
}
