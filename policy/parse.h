/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * parse.h - from what a policy file says to rules
 */
#ifndef POINTSMAN_PARSE_H
#define POINTSMAN_PARSE_H

#include "rules.h"
#include "schema.h"
#include "tree.h"

/*
 * A parse: lives in policy_parse().
 */
struct parse {
	const char *name;	/* of the file, for messages and sources */
	struct complaint *complaint;
	struct policy *policy;
};

/* Complain of a node; expands to an int, -EINVAL or -ENOMEM. */
#define complain(parse, node, ...) \
	tree_complain((parse)->name, node, (parse)->complaint, __VA_ARGS__)
/* The same where it is not the node that is wrong, but what stands beside it or not. */
#define complain_together(parse, node, ...) \
	say_together((parse)->complaint, complain(parse, node, __VA_ARGS__))

static inline int say_together(struct complaint *complaint, int err)
{
	complaint->together = true;
	return err;
}

/* Make a policy of a tree.  Returns 0 with *out set, -ENOMEM, or -EINVAL with a complaint. */
int parse_tree(const char *name, const struct node *root, struct policy **out,
	       struct complaint *complaint);

/*
 * parse_match.c, parse_redirect.c: node is that of the rule, file what it
 * says.  The redirect is checked against what the rule matches.
 */
int parse_match(struct parse *parse, const struct node *node, const struct file_rule *file,
		struct match *match);
int parse_redirect(struct parse *parse, const struct node *node, const struct file_redirect *file,
		   struct rule *rule);

int parse_errno(struct parse *parse, const struct node *node, const char *text, int *out);
int parse_number(struct parse *parse, const struct node *node, const char *text, uint64_t *out);
/* The register of an argument, "0" .. "5". */
int parse_arg_index(struct parse *parse, const struct node *arg, const char *text,
		    unsigned int *out);
/* PM_BIT()s. */
int parse_class(struct parse *parse, const struct node *node, const char *name, uint32_t *out);
int parse_syscall(struct parse *parse, const struct node *node, const char *name);
/* An absolute path. */
int parse_absolute(struct parse *parse, const struct node *node, const char *path);
int parse_address(struct parse *parse, const struct node *node, const char *text,
		  struct address *out);

#endif
