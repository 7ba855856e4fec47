/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * schema.c - what a policy file may say
 *
 * The schema is libcyaml's, the positions are tree.c's.  libcyaml knows neither
 * "one or a list of them" nor mappings with any keys.  So the tree is written
 * out once more for it in the form that it does know, one value to a line; the
 * line that libcyaml complains of leads back to the node.  In that form
 *
 *	X			where a list belongs is	[X]
 *	{A: X, B: Y}		where a list of named values belongs
 *				is [{name: A, value: X}, {name: B, value: Y}]
 *	[X, Y]			there is [{value: X}, {value: Y}]
 *	allow, kill, deny	where an outcome belongs is {allow: true}, ...
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cyaml/cyaml.h>
#include <pointsman/pointsman.h>

#include "nearest.h"
#include "schema.h"

#define MAX_TEXT    131072	/* MAX_ARG_STRLEN: the longest that execve(2) takes */
#define MAX_ENTRIES 4096

#define TEXT(key, struct_, member) \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct struct_, \
			       member, 1, MAX_TEXT)
#define TEXTS(key, struct_, member) \
	CYAML_FIELD_SEQUENCE_COUNT(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, \
				   struct struct_, member.texts, member.n, &text, 1, MAX_ENTRIES)
#define PAIRS(key, struct_, member) \
	CYAML_FIELD_SEQUENCE_COUNT(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, \
				   struct struct_, member.pairs, member.n, &pair, 1, MAX_ENTRIES)
#define ARGS(key, struct_, member, entry) \
	CYAML_FIELD_SEQUENCE_COUNT(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, \
				   struct struct_, member.args, member.n, entry, 1, 64)
#define TRUE(key, struct_, member) \
	CYAML_FIELD_ENUM(key, CYAML_FLAG_STRICT | CYAML_FLAG_OPTIONAL, struct struct_, member, \
			 only_true, 1)

static const cyaml_strval_t only_true[] = { { "true", 1 } };
static const cyaml_strval_t true_false[] = { { "true", 1 }, { "false", 0 } };
static const cyaml_strval_t unsafe_names[] = {
	{ "io_uring", PM_UNSAFE_IO_URING },
	{ "handles", PM_UNSAFE_HANDLES },
	{ "races", PM_UNSAFE_RACES },
};

/* argv[0] may well be empty, and so may the value of a variable. */
static const cyaml_schema_value_t text = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, MAX_TEXT),
};

static const cyaml_schema_field_t pair_fields[] = {
	TEXT("name", file_pair, name),
	CYAML_FIELD_STRING_PTR("value", CYAML_FLAG_POINTER, struct file_pair, value, 0, MAX_TEXT),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t pair = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct file_pair, pair_fields),
};

static const cyaml_schema_field_t arg_test_fields[] = {
	TEXT("index", file_arg, index), TEXT("as", file_arg, as),   TEXT("equal", file_arg, equal),
	TEXT("mask", file_arg, mask),	TEXT("min", file_arg, min), TEXT("max", file_arg, max),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t arg_test = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct file_arg, arg_test_fields),
};

static const cyaml_schema_field_t arg_change_fields[] = {
	TEXT("index", file_arg, index),
	TEXT("value", file_arg, value),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t arg_change = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct file_arg, arg_change_fields),
};

static const cyaml_schema_field_t redirect_fields[] = {
	TEXT("path", file_redirect, path),
	TEXT("tree", file_redirect, tree),
	TEXT("address", file_redirect, address),
	TEXT("program", file_redirect, program),
	TEXTS("argv", file_redirect, argv),
	TEXTS("argv-prepend", file_redirect, argv_prepend),
	PAIRS("env-set", file_redirect, env_set),
	TEXTS("env-unset", file_redirect, env_unset),
	ARGS("args", file_redirect, args, &arg_change),
	TEXT("syscall", file_redirect, syscall),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t outcome_fields[] = {
	TRUE("allow", file_outcome, allow),
	TEXT("deny", file_outcome, deny),
	TRUE("kill", file_outcome, kill),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t class_outcome_fields[] = {
	TEXT("name", file_class_outcome, name),
	CYAML_FIELD_MAPPING("value", CYAML_FLAG_DEFAULT, struct file_class_outcome, value,
			    outcome_fields),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t class_outcome = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct file_class_outcome, class_outcome_fields),
};

static const cyaml_schema_field_t rule_fields[] = {
	TEXTS("class", file_rule, classes),
	TEXTS("syscall", file_rule, syscalls),
	TEXTS("path", file_rule, path),
	TEXTS("tree", file_rule, tree),
	TEXTS("glob", file_rule, glob),
	TEXTS("anonymous", file_rule, anonymous),
	TEXTS("spelling", file_rule, spelling),
	TEXTS("address", file_rule, address),
	PAIRS("argv", file_rule, argv),
	TEXT("argc", file_rule, argc),
	PAIRS("env", file_rule, env),
	TEXTS("env-absent", file_rule, env_absent),
	ARGS("args", file_rule, args, &arg_test),
	TRUE("allow", file_rule, allow),
	TEXT("deny", file_rule, deny),
	TRUE("kill", file_rule, kill),
	TEXT("value", file_rule, value),
	CYAML_FIELD_MAPPING_PTR("redirect", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
				struct file_rule, redirect, redirect_fields),
	CYAML_FIELD_ENUM("log", CYAML_FLAG_STRICT | CYAML_FLAG_OPTIONAL, struct file_rule, log,
			 true_false, 2),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t rule = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct file_rule, rule_fields),
};

static const cyaml_schema_value_t unsafe = {
	CYAML_VALUE_ENUM(CYAML_FLAG_STRICT, int, unsafe_names, 3),
};

static const cyaml_schema_field_t policy_fields[] = {
	TEXT("version", file_policy, version),
	CYAML_FIELD_MAPPING_PTR("default", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
				struct file_policy, fallback, outcome_fields),
	CYAML_FIELD_SEQUENCE_COUNT("defaults", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
				   struct file_policy, fallbacks.outcomes, fallbacks.n,
				   &class_outcome, 0, MAX_ENTRIES),
	CYAML_FIELD_SEQUENCE_COUNT("unsafe", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
				   struct file_policy, unsafe.what, unsafe.n, &unsafe, 0, 16),
	CYAML_FIELD_SEQUENCE_COUNT("rules", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
				   struct file_policy, rules.rules, rules.n, &rule, 0, MAX_ENTRIES),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t policy_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct file_policy, policy_fields),
};

/* What a line of the written form came from; label is the key that leads there. */
struct origin {
	const struct node *node;
	const cyaml_schema_value_t *schema;
	const char *label;
};

/*
 * The tree written out for libcyaml, and what libcyaml first said of it.
 * lines counts the lines that are ended; origins[i] is of line i + 1.
 *
 * Owner: schema_load().
 */
struct writing {
	const char *name;
	struct complaint *complaint;
	FILE *to;
	char *bytes;
	size_t len;
	struct origin *origins;
	size_t lines;
	char said[256];
	size_t said_line;
};

static int write_value(struct writing *writing, const struct node *node,
		       const cyaml_schema_value_t *schema, const char *label);

/* End a line, which is the first of this node's value. */
static int end_line(struct writing *writing, const struct node *node,
		    const cyaml_schema_value_t *schema, const char *label)
{
	size_t n = writing->lines;

	/* Full at each power of two. */
	if (!(n & (n - 1))) {
		struct origin *more;

		more = reallocarray(writing->origins, n ? n * 2 : 1, sizeof(*more));
		if (!more)
			return -ENOMEM;
		writing->origins = more;
	}
	writing->origins[writing->lines++] = (struct origin){ node, schema, label };
	return fputc('\n', writing->to) == EOF ? -ENOMEM : 0;
}

/* UTF-8 that libyaml has read, as a double-quoted scalar of one line. */
static void write_quoted(struct writing *writing, const char *string)
{
	const unsigned char *at = (const unsigned char *)string;

	fputc('"', writing->to);
	while (*at) {
		unsigned int point = *at++, more = 0;

		if (point >= 0xf0) {
			point &= 0x07;
			more = 3;
		} else if (point >= 0xe0) {
			point &= 0x0f;
			more = 2;
		} else if (point >= 0x80) {
			point &= 0x1f;
			more = 1;
		}
		for (; more && *at; more--)
			point = point << 6 | (*at++ & 0x3f);
		if (point >= ' ' && point < 0x7f && point != '"' && point != '\\')
			fputc((int)point, writing->to);
		else
			fprintf(writing->to, "\\U%08X", point);
	}
	fputc('"', writing->to);
}

static bool is_named(const cyaml_schema_value_t *schema)
{
	return schema->type == CYAML_MAPPING && !strcmp(schema->mapping.fields[0].key, "name");
}

static const cyaml_schema_field_t *find_field(const cyaml_schema_field_t *fields, const char *key)
{
	for (; fields->key; fields++)
		if (!strcmp(fields->key, key))
			return fields;
	return NULL;
}

static int complain_key(struct writing *writing, const struct node *key,
			const cyaml_schema_field_t *fields)
{
	struct nearest nearest = { .word = key->text };
	char list[512];
	size_t len = 0;

	for (; fields->key && len < sizeof(list); fields++) {
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", len ? ", " : "",
					fields->key);
		nearest_try(&nearest, fields->key);
	}
	if (nearest.found[0])
		return tree_complain(writing->name, key, writing->complaint, "unknown key '%s'%s",
				     key->text, nearest_hint(&nearest));
	return tree_complain(writing->name, key, writing->complaint,
			     "unknown key '%s', expected one of: %s", key->text, list);
}

static int write_map(struct writing *writing, const struct node *node,
		     const cyaml_schema_value_t *schema, const char *label)
{
	int err;

	fputc('{', writing->to);
	err = end_line(writing, node, schema, label);
	for (size_t i = 0; !err && i + 1 < node->nitems; i += 2) {
		const struct node *key = node->items[i];
		const cyaml_schema_field_t *field;

		field = find_field(schema->mapping.fields, key->text);
		if (!field)
			return complain_key(writing, key, schema->mapping.fields);
		write_quoted(writing, key->text);
		fputs(": ", writing->to);
		err = write_value(writing, node->items[i + 1], &field->value, key->text);
		fputs(", ", writing->to);
	}
	fputs("} ", writing->to);
	return err;
}

/* One of a list of named values; key is NULL where they have no names. */
static int write_named(struct writing *writing, const struct node *key, const struct node *value,
		       const cyaml_schema_value_t *schema, const char *label)
{
	const cyaml_schema_field_t *fields = schema->mapping.fields;
	int err;

	fputc('{', writing->to);
	err = end_line(writing, key ? key : value, schema, label);
	if (!err && key) {
		fputs("\"name\": ", writing->to);
		err = write_value(writing, key, &fields[0].value, label);
		fputs(", ", writing->to);
	}
	if (err)
		return err;
	fputs("\"value\": ", writing->to);
	err = write_value(writing, value, &fields[1].value, key ? key->text : label);
	fputs("} ", writing->to);
	return err;
}

static int write_list(struct writing *writing, const struct node *node,
		      const cyaml_schema_value_t *schema, const char *label)
{
	const cyaml_schema_value_t *entry = schema->sequence.entry;
	bool named = is_named(entry);
	int err;

	fputc('[', writing->to);
	err = end_line(writing, node, schema, label);
	if (named && node->kind == NODE_MAP) {
		for (size_t i = 0; !err && i + 1 < node->nitems; i += 2) {
			err = write_named(writing, node->items[i], node->items[i + 1], entry,
					  label);
			fputs(", ", writing->to);
		}
	} else {
		size_t n = node->kind == NODE_LIST ? node->nitems : 1;

		for (size_t i = 0; !err && i < n; i++) {
			const struct node *item = tree_entry(node, i);

			err = named ? write_named(writing, NULL, item, entry, label) :
				      write_value(writing, item, entry, label);
			fputs(", ", writing->to);
		}
	}
	fputs("] ", writing->to);
	return err;
}

/* What libcyaml will not like: it shall say so. */
static int write_misplaced(struct writing *writing, const struct node *node,
			   const cyaml_schema_value_t *schema, const char *label)
{
	fputs(node->kind == NODE_LIST ? "[]" : "{}", writing->to);
	return end_line(writing, node, schema, label);
}

static const char *word_outcome(const struct node *node, const cyaml_schema_value_t *schema)
{
	if (schema->type != CYAML_MAPPING || schema->mapping.fields != outcome_fields)
		return NULL;
	if (!strcmp(node->text, "allow"))
		return "{\"allow\": \"true\"}";
	if (!strcmp(node->text, "kill"))
		return "{\"kill\": \"true\"}";
	return strcmp(node->text, "deny") ? NULL : "{\"deny\": \"EACCES\"}";
}

static int write_value(struct writing *writing, const struct node *node,
		       const cyaml_schema_value_t *schema, const char *label)
{
	const char *word;

	if (schema->type == CYAML_SEQUENCE)
		return write_list(writing, node, schema, label);
	if (schema->type == CYAML_MAPPING && node->kind == NODE_MAP)
		return write_map(writing, node, schema, label);
	if (node->kind != NODE_TEXT)
		return write_misplaced(writing, node, schema, label);
	word = word_outcome(node, schema);
	if (word)
		fputs(word, writing->to);
	else
		write_quoted(writing, node->text);
	return end_line(writing, node, schema, label);
}

/* libcyaml's log: what it says first, and the line of the first position. */
__attribute__((format(printf, 3, 0)))
static void listen_to(cyaml_log_t level, void *data, const char *format, va_list args)
{
	struct writing *writing = data;
	char line[sizeof(writing->said)];
	const char *at;

	(void)level;
	vsnprintf(line, sizeof(line), format, args);
	if (!writing->said[0]) {
		line[strcspn(line, "\n")] = '\0';
		strcpy(writing->said, line);
		return;
	}
	at = strrchr(line, '(');
	if (!writing->said_line && at)
		sscanf(at, "(line: %zu,", &writing->said_line);
}

static void say_expected(const cyaml_schema_value_t *schema, char *out, size_t size)
{
	size_t len;

	switch (schema->type) {
	case CYAML_ENUM:
		len = (size_t)snprintf(out, size, "%s", schema->enumeration.strings[0].str);
		for (size_t i = 1; i < schema->enumeration.count && len < size; i++)
			len += (size_t)snprintf(out + len, size - len, " or %s",
						schema->enumeration.strings[i].str);
		break;
	case CYAML_MAPPING:
		if (schema->mapping.fields == outcome_fields)
			snprintf(out, size, "allow, deny, kill or 'deny: ERRNO'");
		else
			snprintf(out, size, "keys with values");
		break;
	default:
		snprintf(out, size, "a text");
	}
}

static int complain_said(struct writing *writing, const struct node *tree, cyaml_err_t code)
{
	const struct origin root = { tree, &policy_schema, "policy" };
	const struct origin *origin = &root;
	const struct node *node;
	char expected[128];

	if (writing->said_line && writing->said_line <= writing->lines)
		origin = &writing->origins[writing->said_line - 1];
	node = origin->node;
	say_expected(origin->schema, expected, sizeof(expected));
	switch (code) {
	case CYAML_ERR_STRING_LENGTH_MIN:
		return tree_complain(writing->name, node, writing->complaint,
				     "%s: nothing, expected %s", origin->label, expected);
	case CYAML_ERR_STRING_LENGTH_MAX:
		return tree_complain(writing->name, node, writing->complaint,
				     "%s: too long, expected %d bytes at most", origin->label,
				     MAX_TEXT);
	case CYAML_ERR_SEQUENCE_ENTRIES_MIN:
		return tree_complain(writing->name, node, writing->complaint,
				     "%s: an empty list, expected at least one entry",
				     origin->label);
	case CYAML_ERR_SEQUENCE_ENTRIES_MAX:
		return tree_complain(writing->name, node, writing->complaint,
				     "%s: a list that is too long", origin->label);
	case CYAML_ERR_INVALID_VALUE:
		if (node->kind == NODE_TEXT && node->text[0])
			return tree_complain(writing->name, node, writing->complaint,
					     "%s: '%s', expected %s", origin->label, node->text,
					     expected);
		return tree_complain(writing->name, node, writing->complaint, "%s: %s, expected %s",
				     origin->label,
				     node->kind == NODE_LIST ? "a list" :
				     node->kind == NODE_MAP  ? "keys with values" :
							       "nothing",
				     expected);
	default:
		return tree_complain(writing->name, node, writing->complaint, "%s: %s", origin->label,
				     writing->said[0] ? writing->said : cyaml_strerror(code));
	}
}

static cyaml_config_t config_for(struct writing *writing)
{
	return (cyaml_config_t){
		.log_fn = writing ? listen_to : NULL,
		.log_ctx = writing,
		.mem_fn = cyaml_mem,
		.log_level = CYAML_LOG_ERROR,
		.flags = CYAML_CFG_NO_ALIAS,
	};
}

/* libcyaml reads what was written. */
static int read_back(struct writing *writing, const struct node *tree, struct file_policy **out)
{
	cyaml_config_t config = config_for(writing);
	cyaml_data_t *data = NULL;
	cyaml_err_t code;

	code = cyaml_load_data((const uint8_t *)writing->bytes, writing->len, &config,
			       &policy_schema, &data, NULL);
	if (code == CYAML_ERR_OOM)
		return -ENOMEM;
	if (code != CYAML_OK)
		return complain_said(writing, tree, code);
	*out = data;
	return data ? 0 : -ENOMEM;
}

int schema_load(const char *name, const struct node *tree, struct file_policy **out,
		struct complaint *complaint)
{
	struct writing writing = { .name = name, .complaint = complaint };
	int err;

	*out = NULL;
	if (tree->kind != NODE_MAP)
		return tree_complain(name, tree, complaint, "%s, expected 'version: 1' and rules",
				     tree->kind == NODE_LIST ? "a list" :
				     tree->text[0]	     ? "a text" :
							       "nothing");
	writing.to = open_memstream(&writing.bytes, &writing.len);
	if (!writing.to)
		return -ENOMEM;
	err = write_value(&writing, tree, &policy_schema, "policy");
	if (fclose(writing.to) && !err)
		err = -ENOMEM;
	if (!err)
		err = read_back(&writing, tree, out);
	free(writing.origins);
	free(writing.bytes);
	return err;
}

void schema_free(struct file_policy *policy)
{
	cyaml_config_t config = config_for(NULL);

	cyaml_free(&config, &policy_schema, policy, 0);
}
