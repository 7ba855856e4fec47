/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * options.h - what `pointsman run` was asked to do
 */
#ifndef POINTSMAN_OPTIONS_H
#define POINTSMAN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "policy.h"

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
	bool verbose;
	bool help;			/* print the usage and do nothing else */
	bool version;

	char **command;			/* NULL-terminated, at least one; NULL with help or version */
};

/*
 * Parse.  argv[0] is the name of the subcommand.  Policies are read in the
 * end, when the rest is known to be good.  Returns 0, or -EINVAL or another
 * negative errno after a complaint; clear in both cases.
 */
int run_options_parse(struct run_options *options, int argc, char **argv);
void run_options_clear(struct run_options *options);

#endif
