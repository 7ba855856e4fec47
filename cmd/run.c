/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run.c - pointsman run: a command under policies
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <pointsman/pointsman.h>

#include "audit.h"
#include "backend.h"
#include "command.h"
#include "guarantees.h"
#include "options.h"
#include "policy.h"

#ifndef SYS_mseal
#define SYS_mseal 462
#endif

/*
 * A run that is being prepared.
 *
 * Owner: run_command(); run_clear() gives back what it owns.  After a
 * successful pm_exec() the supervisor has its copy until the run ends.
 */
struct run {
	struct run_options options;
	struct pm_layer **layers;	/* of options.policies, as many */
	const char **names;		/* of layers */
	struct audit *audit;		/* or NULL */
	int ruleset;			/* of Landlock, or -1 */
	struct guarantees with;
};

void run_help(FILE *to)
{
	fputs("Usage: pointsman run [OPTIONS] [--] COMMAND [ARGUMENT...]\n"
	      "Runs COMMAND and all that it starts under policies.  The short forms (--path to\n"
	      "--syscall) are one, the innermost, which is asked first.\n"
	      "\n"
	      "      --path FROM=TO         files and trees: FROM leads to TO\n"
	      "      --exec FROM=TO         the program FROM is TO\n"
	      "      --connect ADDR=ADDR    connections to the first go to the second\n"
	      "      --deny PATTERN[:ERRNO] what matches is refused, with EACCES or ERRNO\n"
	      "      --syscall NAME=NAME    the first system call is the second\n"
	      "      --policy FILE          a policy file, again for each layer outside it\n"
	      "      --audit FILE           append a line of JSON for each call decided on\n"
	      "      --audit-fd N           the same, to a descriptor\n"
	      "      --audit-decided        leave out plain allows, unless a rule says log\n"
	      "      --backend NAME         notify, ptrace, or the first that works: auto\n"
	      "      --keep-orphans         notify: without supervisor, calls answer ENOSYS\n"
	      "      --own-listeners        ptrace: programs may have listeners of seccomp(2)\n"
	      "      --no-landlock          put no Landlock rule set under the policies\n"
	      "      --no-mseal             do as on a kernel without mseal(2); for tests\n"
	      "  -v, --verbose              say what is guaranteed for which calls, then run\n"
	      "  -h, --help                 print this and exit\n"
	      "  -V, --version              print the version and exit\n"
	      "\n"
	      "Exit status: that of COMMAND; 125 pointsman failed, 126 not run, 127 not found.\n",
	      to);
}

/* Probed by trying: nothing is sealed by a range of no length. */
static bool kernel_has_mseal(void)
{
	return !syscall(SYS_mseal, 0, 0, 0);
}

/* A structure of no length is refused where the call is known. */
static bool kernel_has_openat2(void)
{
	return syscall(SYS_openat2, AT_FDCWD, "", NULL, 0) < 0 && errno == EINVAL;
}

static int collect_layers(struct run *run)
{
	size_t n = run->options.npolicies;

	run->layers = calloc(n + 1, sizeof(*run->layers));
	run->names = calloc(n + 1, sizeof(*run->names));
	if (!run->layers || !run->names) {
		complain("%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		run->layers[i] = policy_layer(run->options.policies[i]);
		run->names[i] = run->layers[i]->name;
	}
	return 0;
}

/* The rule set under the policies, where there is one to make. */
static int prepare_landlock(struct run *run)
{
	char *note = NULL;
	int fd;

	if (run->options.no_landlock)
		return 0;
	fd = policy_landlock_prepare(run->options.policies, run->options.npolicies,
				     &run->with.landlock, &note);
	if (fd >= 0)
		run->ruleset = fd;
	if (run->options.verbose) {
		if (note)
			complain("landlock: %s", note);
		if (fd == -EOPNOTSUPP)
			complain("landlock: not on this kernel");
	}
	free(note);
	if (fd >= 0 || fd == -ENOENT || fd == -EOPNOTSUPP)
		return 0;
	complain("cannot prepare a Landlock rule set: %s", strerror(-fd));
	return fd;
}

static int open_audit(struct run *run)
{
	const struct run_options *options = &run->options;
	const struct audit_start start = {
		.command = options->command,
		.policies = run->names,
		.npolicies = options->npolicies,
		.backend = options->backend,
		.landlock = run->ruleset >= 0,
		.mseal = run->with.mseal,
	};
	int err;

	if (options->audit_file) {
		err = audit_open(options->audit_file, options->audit_decided, &run->audit);
		if (err) {
			complain("--audit: cannot open '%s': %s", options->audit_file,
				 strerror(-err));
			return err;
		}
	} else if (options->audit_fd >= 0) {
		err = audit_open_fd(options->audit_fd, options->audit_decided, &run->audit);
		if (err) {
			complain("--audit-fd: cannot use descriptor %d: %s", options->audit_fd,
				 strerror(-err));
			return err;
		}
	} else {
		return 0;
	}
	err = audit_begin(run->audit, &start);
	if (err)
		complain("cannot write to the audit: %s", strerror(-err));
	return err;
}

static int prepare(struct run *run, int argc, char **argv)
{
	char why[256];
	int err;

	err = run_options_parse(&run->options, NULL, argc, argv);
	if (err || run->options.help || run->options.version)
		return err;
	run->options.backend = backend_choose(run->options.backend, why, sizeof(why));
	if (run->options.verbose)
		complain("backend: %s%s%s%s", run->options.backend, *why ? " (not notify: " : "", why,
			 *why ? ")" : "");
	run->with.kernel_pins = !strcmp(run->options.backend, "notify");
	run->with.mseal = run->with.kernel_pins || (!run->options.no_mseal && kernel_has_mseal());
	run->with.openat2 = kernel_has_openat2();
	err = collect_layers(run);
	if (!err)
		err = prepare_landlock(run);
	if (!err)
		err = open_audit(run);
	return err;
}

static void run_clear(struct run *run)
{
	audit_close(run->audit);
	if (run->ruleset >= 0)
		close(run->ruleset);
	free(run->layers);
	free(run->names);
	run_options_clear(&run->options);
}

static int confine(void *data)
{
	const struct run *run = data;

	return policy_landlock_restrict(run->ruleset);
}

/* Becomes the command.  Returns the exit status of a failure. */
static int start(struct run *run)
{
	struct pm_options options = {
		.layers = run->layers,
		.nlayers = run->options.npolicies,
		.observer = run->audit ? audit_observer(run->audit) : NULL,
		.backend = run->options.backend,
		.no_mseal = run->options.no_mseal,
		.keep_orphans = run->options.keep_orphans,
		.own_listeners = run->options.own_listeners,
	};
	char **command = run->options.command;
	enum pm_stage stage = PM_STAGE_SETUP;
	int err;

	if (run->ruleset >= 0) {
		options.confine = confine;
		options.confine_data = run;
		options.landlock = run->with.landlock;
	}
	options.unsafe = run_options_unsafe(&run->options);

	err = pm_exec(&options, command[0], command, &stage);
	if (stage == PM_STAGE_EXEC) {
		complain("cannot run '%s': %s", command[0], strerror(-err));
		return err == -ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
	}
	complain("%s", pm_error());
	return EXIT_POINTSMAN;
}

int run_command(int argc, char **argv)
{
	struct run run = { .ruleset = -1 };
	int status;

	if (prepare(&run, argc, argv)) {
		status = EXIT_POINTSMAN;
	} else if (run.options.help) {
		run_help(stdout);
		status = finish_output();
	} else if (run.options.version) {
		printf("pointsman %s\n", PM_VERSION);
		status = finish_output();
	} else {
		run.with.races = run_options_unsafe(&run.options) & PM_UNSAFE_RACES;
		if (run.options.verbose)
			guarantees_tell(run.layers, run.options.npolicies, &run.with);
		status = start(&run);
	}
	run_clear(&run);
	return status;
}
