/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * options.h - what `pointsman run` was asked to do
 */
#ifndef POINTSMAN_OPTIONS_H
#define POINTSMAN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "policy.h"

struct option;

/*
 * Owner: run_command(); run_options_clear() gives back what it owns, which is
 * the policies.  The strings are the caller's argv.
 */
struct run_options {
	struct policy **policies;	/* innermost first: the short forms, then the files */
	size_t npolicies;
	const char **files;		/* the names of the policy files, in their order */
	size_t nfiles;
	bool short_forms;		/* policies[0] is made of the short forms */

	const char *audit_file;		/* or NULL */
	int audit_fd;			/* or -1 */
	bool audit_decided;		/* leave out plain allows */

	const char *backend;
	bool no_landlock;
	bool no_mseal;
	bool keep_orphans;
	bool own_listeners;
	bool verbose;
	bool help;			/* print the usage and do nothing else */
	bool version;

	char **command;			/* NULL-terminated, at least one; NULL with help or version */
};

/*
 * What another subcommand than run takes besides policies: its own options, up to an
 * empty one, whose val is a letter or, for one that has none, less than '0'; and what
 * takes one of them (0, or -EINVAL after a complaint).  Of the options of run that are
 * about no policy, --backend is taken by those that run a command, the others are not.
 */
struct own_options {
	const struct option *options;
	int (*take)(void *data, int option, const char *arg);
	void *data;
	const char *what;	/* the rest is: "command", "call" */
	bool runs;		/* it is run */
};

/*
 * Parse.  argv[0] is the name of the subcommand; own is NULL for run.  Policies are read in the
 * end, when the rest is known to be good.  Returns 0, or -EINVAL or another
 * negative errno after a complaint; clear in both cases.
 */
int run_options_parse(struct run_options *options, const struct own_options *own, int argc,
		      char **argv);
/* One more policy file, outside the others.  0, or a negative errno after a complaint. */
int run_options_add_policy(struct run_options *options, const char *file);
/* PM_UNSAFE_*: what all policy files ask to leave out. */
unsigned int run_options_unsafe(const struct run_options *options);
void run_options_clear(struct run_options *options);

/*
 * Complain of an option that is none of a subcommand, as it was written.  options, ending
 * in NULL, are those there are, with their dashes.
 */
void complain_option(const char *subcommand, const char *option, const char *const *options);

#endif
