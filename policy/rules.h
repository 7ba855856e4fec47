/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rules.h - a policy as it is asked: rules, ready to be matched
 *
 * The way of a policy: tree.c reads YAML, schema.c makes structures of it,
 * parse.c (parse_match.c, parse_redirect.c) rules; short.c makes rules of the
 * command line.  The way of a call: decide.c asks match.c which rules decide
 * on what it names, and act.c changes it.
 */
#ifndef POINTSMAN_RULES_H
#define POINTSMAN_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pointsman/pointsman.h>

#include "address.h"
#include "index.h"
#include "pattern.h"
#include "policy.h"
#include "words.h"

/* How a register is read. */
enum arg_type { ARG_ULONG, ARG_LONG, ARG_UINT, ARG_INT };

/* A test of one argument register; all that is given must hold. */
struct arg_test {
	unsigned int index;
	enum arg_type type;
	bool has_equal, has_min, has_max;
	uint64_t mask, equal, min, max;
};

struct arg_change {
	unsigned int index;
	uint64_t value;
};

/* A text at a place of argv, or the value of a variable. */
struct named_glob {
	char *name;		/* of a variable */
	size_t index;		/* of argv */
	char *glob;
};

/*
 * What a rule matches.  What is empty matches everything.
 *
 * Owner: the rule.
 */
struct match {
	uint32_t classes;
	struct texts syscalls;
	struct pattern *patterns;	/* one of these, or one of anonymous */
	size_t npatterns;
	struct texts anonymous;
	struct glob *spellings;
	size_t nspellings;
	struct address *addresses;
	size_t naddresses;
	struct arg_test *args;
	size_t nargs;
	bool argv_whole;		/* argv is all of it, else places */
	struct named_glob *argv;
	size_t nargv;
	bool has_argc;
	uint64_t argc_min, argc_max;
	struct named_glob *env;
	size_t nenv;
	struct texts env_absent;
};

/*
 * What a redirect changes.
 *
 * Owner: the rule.
 */
struct redirect {
	bool has_path;
	bool keep_rest;			/* the path is a tree for the tree that matched */
	struct name path;		/* form[0] is what is written */
	bool has_address;
	struct address address;
	struct texts argv, argv_prepend;
	struct texts env_set;		/* "NAME=VALUE" */
	struct texts env_unset;
	struct arg_change *args;
	size_t nargs;
	char *syscall;
};

/*
 * A rule.
 *
 * Owner: the policy; never changes once it is there.
 */
struct rule {
	char *name;		/* "rules[3]", "--path" */
	char *source;		/* "policy.yaml:12", or NULL */
	struct match match;
	bool whole_call;	/* speaks of the call and of nothing that it names */
	enum pm_action action;
	int err;
	int64_t value;
	bool log;
	struct redirect redirect;	/* PM_REDIRECT */
};

/* What happens to what no rule matches. */
struct fallback {
	enum pm_action action;	/* ALLOW, DENY, KILL */
	int err;
	char *source;		/* or NULL */
};

struct policy {
	struct pm_layer layer;
	char *name;
	unsigned int unsafe;
	struct rule **rules;
	size_t nrules;
	struct index index;
	/* Which calls it wants to see: of these classes, and what these rules name. */
	uint32_t wants;
	struct index_list named;
	struct fallback fallback[PM_NCLASSES];
	const struct policy_watch *watch;	/* or NULL */
};

/* A rule, still empty; NULL without memory.  source may be NULL. */
struct rule *rule_new(const char *name, const char *source);
void rule_free(struct rule *rule);
/* Takes rule, also where it fails; 0 or -ENOMEM. */
int policy_add_rule(struct policy *policy, struct rule *rule);

/*
 * decide.c: the functions of the layer.
 */
bool policy_wants(void *data, const char *syscall, uint32_t classes);
int policy_decide(void *data, struct pm_call *call, struct pm_verdict *verdict);

/*
 * match.c: does the rule match this item in this class (item is NULL: the
 * whole call)?  Returns 1, 0, or a negative errno.
 */
int rule_matches(const struct rule *rule, struct pm_call *call, struct pm_item *item,
		 enum pm_class class);
/*
 * Why rule_matches() answered 0, for a person: the first thing that is not as the
 * rule says.
 */
const char *rule_mismatch(const struct rule *rule, struct pm_call *call, struct pm_item *item,
			  enum pm_class class);
/* Do its paths, trees, globs or anonymous names mean this file? */
bool match_names(const struct match *match, const struct pm_where *where);
/*
 * Does the path of an AF_UNIX address lead to another one than this address
 * names?  1, 0 or a negative errno.
 */
int address_leads_on(const struct address *address, struct pm_call *call,
		     const struct pm_item *item, enum pm_class class);
/* Is a less than b, both as registers of this type hold them? */
bool arg_less(enum arg_type type, uint64_t a, uint64_t b);
/* Does the rule speak of calls of this name at all? */
bool rule_names_syscall(const struct rule *rule, const char *syscall);

/* The classes in which a file, and all below it, may get another name. */
#define NAMING_CLASSES (PM_BIT(PM_CLASS_RENAME) | PM_BIT(PM_CLASS_LINK) | \
			PM_BIT(PM_CLASS_MOUNT) | PM_BIT(PM_CLASS_CHROOT))

/*
 * guard.c: would this class of this item (NULL: none) give files that a
 * refusing rule means a name that it does not mean?  That is so in naming classes
 * only, and where the path has no name in the program's view.  And which classes
 * does the rule have to see for that?
 */
bool guard_refuses(const struct rule *rule, struct pm_call *call, struct pm_item *item,
		   enum pm_class class);
uint32_t guard_classes(const struct rule *rule);

/*
 * act.c: change what a redirect rule that matched says of an item (a path, an
 * address, the argv and environment of a program), and of the whole call.
 * again: the rule has acted on the program of this call already, and this is
 * the interpreter that its script names.  done has the bits of arguments that
 * an earlier rule has set.  What happened is added to *acted, cleared but for
 * alone; *changed is set where something is now different.  Return 0 or a
 * negative errno.
 */
struct acted {
	bool alone;	/* in: nothing but items changes in this round */
	bool changed;	/* something is now different */
	bool path;	/* the item names another file */
	bool beyond;	/* which a link led on from where the redirect leads */
};
/* Does the redirect change no more of the call than what it names? */
bool acts_on_items_alone(const struct redirect *redirect);
int act_on_item(const struct rule *rule, struct pm_call *call, struct pm_item *item,
		enum pm_class class, bool again, struct acted *acted);
int act_on_call(const struct rule *rule, struct pm_call *call, unsigned int *done, bool *changed);
/* The bit of done for the number of the call. */
#define ACT_NUMBER (1u << 6)

#endif
