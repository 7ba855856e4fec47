/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * check.h - all that is wrong with a policy file, and what is doubtful in it
 */
#ifndef POINTSMAN_CHECK_H
#define POINTSMAN_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "rules.h"
#include "tree.h"

struct flaw {
	bool error;		/* the policy is refused; else a warning */
	char *text;		/* "NAME:LINE:COLUMN: ...", one line */
	size_t line, column;	/* of text */
};

/*
 * Owner: whoever holds the struct; flaws_clear().
 */
struct flaws {
	struct flaw *v;		/* in the order of the file */
	size_t n;
	size_t nerrors;
	size_t nrules;		/* of the file, where it could be read as far as that */
	bool more;		/* there were too many errors to look for all */
};

/*
 * name stands for the file in messages.  What is found is found without the file
 * being used: the first error ends a run, here each is left out and the rest read on.
 * Paths are looked up as policy_parse() does.  Returns 0 or -ENOMEM.
 */
int policy_check(const char *name, const char *bytes, size_t len, struct flaws *out);
void flaws_clear(struct flaws *flaws);

/* Takes text, "NAME:LINE:COLUMN: ..."; 0 or -ENOMEM. */
int flaws_add(struct flaws *flaws, bool error, size_t line, size_t column, char *text);
/* Warn of a node; 0 or -ENOMEM. */
int flaws_warn(struct flaws *flaws, const char *name, const struct node *at, const char *format,
	       ...) __attribute__((format(printf, 4, 5)));

/*
 * doubt.c: rules of a policy that is right and can yet never decide.  root is its
 * tree.  Return 0 or -ENOMEM.
 */
int doubt_rules(const char *name, const struct node *root, const struct policy *policy,
		struct flaws *flaws);
/*
 * cover.c: does a match whatever b matches, in this class (PM_NCLASSES: the whole
 * call)?  Only the alternative of this number of what b names counts, see
 * cover_alternatives(); names that lead elsewhere by links are taken as they do now.
 */
bool cover_rule(const struct rule *a, const struct rule *b, unsigned int class,
		size_t alternative);
/* How many names of files or addresses the rule has; 1 where it says none. */
size_t cover_alternatives(const struct rule *rule);

#endif
