/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * parse_match.c - what the rules of a policy file match
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"

static int parse_classes(struct parse *parse, const struct node *node,
			 const struct file_texts *file, struct match *match)
{
	for (uint32_t i = 0; i < file->n; i++) {
		uint32_t classes;
		int err = parse_class(parse, tree_entry(node, i), file->texts[i], &classes);

		if (err)
			return err;
		match->classes |= classes;
	}
	return 0;
}

static int parse_syscalls(struct parse *parse, const struct node *node,
			  const struct file_texts *file, struct match *match)
{
	for (uint32_t i = 0; i < file->n; i++) {
		int err = parse_syscall(parse, tree_entry(node, i), file->texts[i]);

		if (err)
			return err;
	}
	return texts_copy(&match->syscalls, file->texts, file->n);
}

/* A pattern that can match something. */
static int check_glob(struct parse *parse, const struct node *node, const char *text)
{
	const char *flaw = glob_flaw(text, true);

	if (flaw)
		return complain(parse, node, "'%s' has %s: never so", text, flaw);
	return 0;
}

static int add_patterns(struct parse *parse, const struct node *node, enum pattern_kind kind,
			const struct file_texts *file, struct match *match)
{
	for (uint32_t i = 0; i < file->n; i++) {
		int err = parse_absolute(parse, tree_entry(node, i), file->texts[i]);

		if (!err && kind == PATTERN_GLOB)
			err = check_glob(parse, tree_entry(node, i), file->texts[i]);
		if (!err)
			err = pattern_init(&match->patterns[match->npatterns], kind,
					   file->texts[i]);
		if (err)
			return err;
		match->npatterns++;
	}
	return 0;
}

static int parse_patterns(struct parse *parse, const struct node *node,
			  const struct file_rule *file, struct match *match)
{
	int err;

	match->patterns = calloc((size_t)file->path.n + file->tree.n + file->glob.n + 1,
				 sizeof(*match->patterns));
	if (!match->patterns)
		return -ENOMEM;
	err = add_patterns(parse, tree_value(node, "path"), PATTERN_PATH, &file->path, match);
	if (!err)
		err = add_patterns(parse, tree_value(node, "tree"), PATTERN_TREE, &file->tree,
				   match);
	if (!err)
		err = add_patterns(parse, tree_value(node, "glob"), PATTERN_GLOB, &file->glob,
				   match);
	return err;
}

static int parse_spellings(struct parse *parse, const struct node *node,
			   const struct file_texts *file, struct match *match)
{
	match->spellings = calloc((size_t)file->n + 1, sizeof(*match->spellings));
	if (!match->spellings)
		return -ENOMEM;
	for (uint32_t i = 0; i < file->n; i++) {
		const char *flaw = glob_flaw(file->texts[i], false);

		if (flaw)
			return complain(parse, tree_entry(node, i), "'%s' has %s: never so",
					file->texts[i], flaw);
		if (glob_init(&match->spellings[i], file->texts[i]))
			return -ENOMEM;
		match->nspellings++;
	}
	return 0;
}

/* "true" is "*"; the rest are patterns of the kernel's text, "pipe:*". */
static int parse_anonymous(struct parse *parse, const struct node *node,
			   const struct file_texts *file, struct match *match)
{
	for (uint32_t i = 0; i < file->n; i++) {
		const char *text = file->texts[i];

		if (!strcmp(text, "true"))
			text = "*";
		else if (!strcmp(text, "false"))
			return complain(parse, tree_entry(node, i),
					"anonymous: 'false', expected true or a pattern");
		if (texts_add(&match->anonymous, text))
			return -ENOMEM;
	}
	return 0;
}

static int parse_addresses(struct parse *parse, const struct node *node,
			   const struct file_texts *file, struct match *match)
{
	match->addresses = calloc((size_t)file->n + 1, sizeof(*match->addresses));
	if (!match->addresses)
		return -ENOMEM;
	for (uint32_t i = 0; i < file->n; i++) {
		int err = parse_address(parse, tree_entry(node, i), file->texts[i],
					&match->addresses[i]);

		if (err)
			return err;
		match->naddresses++;
	}
	return 0;
}

static int parse_arg_type(struct parse *parse, const struct node *arg, const char *text,
			  enum arg_type *out)
{
	static const char *const types[] = {
		[ARG_ULONG] = "ulong", [ARG_LONG] = "long", [ARG_UINT] = "uint", [ARG_INT] = "int",
	};

	*out = ARG_ULONG;
	if (!text)
		return 0;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (!strcmp(types[i], text)) {
			*out = (enum arg_type)i;
			return 0;
		}
	}
	return complain(parse, tree_value(arg, "as"), "as: '%s', expected int, uint, long or ulong",
			text);
}

/* Tests that no number passes, one by one or together. */
static int check_arg(struct parse *parse, const struct node *node, const struct file_arg *file,
		     const struct arg_test *test)
{
	if (test->equal & ~test->mask)
		return complain_together(parse, tree_value(node, "equal"),
				"equal: '%s' has bits that the mask does not have: never so",
				file->equal);
	if (test->has_min && test->has_max && arg_less(test->type, test->max, test->min))
		return complain_together(parse, tree_value(node, "max"),
				"max: '%s' is less than min: never so", file->max);
	if (test->has_equal && ((test->has_min && arg_less(test->type, test->equal, test->min)) ||
				(test->has_max && arg_less(test->type, test->max, test->equal))))
		return complain_together(parse, tree_value(node, "equal"),
				"equal: '%s' is not between min and max: never so", file->equal);
	return 0;
}

/* A number as a register of this type holds it. */
static int parse_arg_number(struct parse *parse, const struct node *arg, const char *key,
			    const char *text, enum arg_type type, uint64_t *out)
{
	uint64_t value;
	int err;

	err = parse_number(parse, tree_value(arg, key), text, &value);
	if (err)
		return err;
	*out = value;
	if (type == ARG_UINT)
		*out = (uint32_t)value;
	else if (type == ARG_INT)
		*out = (uint64_t)(int64_t)(int32_t)(uint32_t)value;
	/* 0xffffff9c is fine for an int, and so is -100 for an unsigned. */
	if ((type == ARG_UINT || type == ARG_INT) && value > UINT32_MAX &&
	    value < (uint64_t)INT32_MIN)
		return complain(parse, tree_value(arg, key), "%s: '%s' has more than 32 bits", key,
				text);
	return 0;
}

static int parse_arg(struct parse *parse, const struct node *node, const struct file_arg *file,
		     struct arg_test *test)
{
	int err;

	err = parse_arg_index(parse, node, file->index, &test->index);
	if (!err)
		err = parse_arg_type(parse, node, file->as, &test->type);
	if (err)
		return err;
	if (!file->equal && !file->min && !file->max)
		return complain_together(parse, node, "args: no test, expected one of equal, min, max");
	if (file->mask && !file->equal)
		return complain_together(parse, tree_value(node, "mask"), "mask: no equal beside it");
	test->mask = UINT64_MAX;
	test->has_equal = file->equal;
	test->has_min = file->min;
	test->has_max = file->max;
	if (file->mask)
		err = parse_arg_number(parse, node, "mask", file->mask, test->type, &test->mask);
	if (!err && file->equal)
		err = parse_arg_number(parse, node, "equal", file->equal, test->type, &test->equal);
	if (!err && file->min)
		err = parse_arg_number(parse, node, "min", file->min, test->type, &test->min);
	if (!err && file->max)
		err = parse_arg_number(parse, node, "max", file->max, test->type, &test->max);
	return err ? err : check_arg(parse, node, file, test);
}

static int parse_args(struct parse *parse, const struct node *node, const struct file_args *file,
		      struct match *match)
{
	match->args = calloc((size_t)file->n + 1, sizeof(*match->args));
	if (!match->args)
		return -ENOMEM;
	for (uint32_t i = 0; i < file->n; i++) {
		int err = parse_arg(parse, tree_entry(node, i), &file->args[i], &match->args[i]);

		if (err)
			return err;
		match->nargs++;
	}
	return 0;
}

static struct named_glob *copy_named(const struct file_pairs *file, size_t *n)
{
	struct named_glob *named = calloc((size_t)file->n + 1, sizeof(*named));

	for (uint32_t i = 0; named && i < file->n; i++) {
		named[i].index = i;
		named[i].name = strdup(file->pairs[i].name ? file->pairs[i].name : "");
		named[i].glob = strdup(file->pairs[i].value);
		(*n)++;
		if (!named[i].name || !named[i].glob)
			break;
	}
	return named;
}

static bool all_copied(const struct named_glob *named, size_t n, const struct file_pairs *file)
{
	return named && n == file->n && (!n || (named[n - 1].name && named[n - 1].glob));
}

static int parse_argv(struct parse *parse, const struct node *node, const struct file_pairs *file,
		      struct match *match)
{
	match->argv = copy_named(file, &match->nargv);
	if (!all_copied(match->argv, match->nargv, file))
		return -ENOMEM;
	match->argv_whole = match->nargv && node->kind != NODE_MAP;
	for (size_t i = 0; i < match->nargv && !match->argv_whole; i++) {
		uint64_t index;

		if (number_parse(match->argv[i].name, &index) || index > UINT32_MAX)
			return complain(parse, node->items[i * 2],
					"argv: '%s', expected the number of an argument, from 0",
					match->argv[i].name);
		for (size_t j = 0; j < i; j++)
			if (match->argv[j].index == index)
				return complain(parse, node->items[i * 2],
						"argv: argument %zu for the second time",
						match->argv[j].index);
		match->argv[i].index = (size_t)index;
	}
	return 0;
}

/* "3", "2-5" or "2-". */
static int parse_argc(struct parse *parse, const struct node *node, const char *text,
		      struct match *match)
{
	char low[24], *high;
	uint64_t max = UINT64_MAX, min = 0;
	int err;

	match->has_argc = true;
	err = strlen(text) < sizeof(low) ? 0 : -EINVAL;
	if (!err) {
		strcpy(low, text);
		high = strchr(low, '-');
		if (high)
			*high++ = '\0';
		err = number_parse(low, &min);
		if (!err && !high)
			max = min;
		else if (!err && *high)
			err = *high == '-' ? -EINVAL : number_parse(high, &max);
	}
	if (err || min > max)
		return complain(parse, node, "argc: '%s', expected N, LOW-HIGH or LOW-", text);
	match->argc_min = min;
	match->argc_max = max;
	return 0;
}

static int check_variable(struct parse *parse, const struct node *node, const char *name)
{
	if (!*name || strchr(name, '='))
		return complain(parse, node, "'%s' is no name of a variable", name);
	return 0;
}

static int parse_env(struct parse *parse, const struct node *node, const struct file_rule *file,
		     struct match *match)
{
	const struct node *env = tree_value(node, "env");
	int err = 0;

	if (file->env.n && env->kind != NODE_MAP)
		return complain(parse, env, "env: expected NAME: VALUE");
	match->env = copy_named(&file->env, &match->nenv);
	if (!all_copied(match->env, match->nenv, &file->env))
		return -ENOMEM;
	for (size_t i = 0; i < match->nenv && !err; i++)
		err = check_variable(parse, env->items[i * 2], match->env[i].name);
	for (uint32_t i = 0; i < file->env_absent.n && !err; i++)
		err = check_variable(parse, tree_entry(tree_value(node, "env-absent"), i),
				     file->env_absent.texts[i]);
	return err ? err : texts_copy(&match->env_absent, file->env_absent.texts,
				      file->env_absent.n);
}

static int parse_program(struct parse *parse, const struct node *node,
			 const struct file_rule *file, struct match *match)
{
	int err;

	err = parse_argv(parse, tree_value(node, "argv"), &file->argv, match);
	if (!err && file->argc)
		err = parse_argc(parse, tree_value(node, "argc"), file->argc, match);
	if (!err)
		err = parse_env(parse, node, file, match);
	return err;
}

/* A call that can be of none of the rule's classes is one that the rule never sees. */
static int check_syscalls(struct parse *parse, const struct node *node, const struct match *match)
{
	for (size_t i = 0; i < match->syscalls.n && match->classes; i++) {
		const char *name = match->syscalls.v[i];

		if (!(pm_syscall_classes(name) & match->classes))
			return complain_together(parse, tree_entry(node, i),
					"syscall: '%s' names nothing that the rule is about: never so",
					name);
	}
	return 0;
}

/*
 * What the rule matches on says which classes it can be about.  Without a
 * class it is about all of them.
 */
static int check_classes(struct parse *parse, const struct node *node, struct match *match)
{
	bool file = match->npatterns || match->anonymous.n || match->nspellings;
	bool program = match->nargv || match->has_argc || match->nenv || match->env_absent.n;
	uint32_t possible = CLASSES_ALL;
	const struct node *class = tree_value(node, "class");

	if (file)
		possible &= CLASSES_PATH;
	if (match->naddresses)
		possible &= CLASSES_ADDRESS;
	if (program)
		possible &= PM_BIT(PM_CLASS_EXEC);
	if (!possible)
		return complain_together(parse, node, "a file and an address, expected one of them");
	if (match->classes & ~possible)
		return complain_together(parse, class, "class: one that has no %s",
				program		 ? "arguments or environment of a program" :
				match->naddresses ? "address" :
						    "file");
	if (file || match->naddresses || program) {
		if (!match->classes)
			match->classes = possible;
	} else if (!match->classes && !match->syscalls.n) {
		return complain_together(parse, node,
				"nothing to match, expected one of class, syscall, path, tree, "
				"glob, spelling, anonymous, address, argv, argc, env, env-absent");
	}
	return 0;
}

int parse_match(struct parse *parse, const struct node *node, const struct file_rule *file,
		struct match *match)
{
	int err;

	err = parse_classes(parse, tree_value(node, "class"), &file->classes, match);
	if (!err)
		err = parse_syscalls(parse, tree_value(node, "syscall"), &file->syscalls, match);
	if (!err)
		err = parse_patterns(parse, node, file, match);
	if (!err)
		err = parse_spellings(parse, tree_value(node, "spelling"), &file->spelling, match);
	if (!err)
		err = parse_anonymous(parse, tree_value(node, "anonymous"), &file->anonymous,
				      match);
	if (!err)
		err = parse_addresses(parse, tree_value(node, "address"), &file->address, match);
	if (!err)
		err = parse_args(parse, tree_value(node, "args"), &file->args, match);
	if (!err)
		err = parse_program(parse, node, file, match);
	if (!err)
		err = check_classes(parse, node, match);
	return err ? err : check_syscalls(parse, tree_value(node, "syscall"), match);
}
