/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * watch.h - run a command as it is, and be told what a run would decide on
 *
 * The command runs in a child, under one layer that allows everything.  It reads each
 * call once more, for itself, has the policies decide on what it read, and writes
 * the audit of that; nothing of it is done.  The lines come here by a pipe.
 */
#ifndef POINTSMAN_WATCH_H
#define POINTSMAN_WATCH_H

#include <stdbool.h>
#include <stddef.h>

#include <json-c/json.h>

#include "options.h"

struct watch {
	const struct run_options *options;	/* without policies: every call that names something */
	bool output_to_error;		/* the command's standard output is standard error */
	void *data;
	/* Each line; object is the caller's own.  Once it fails it is not called again. */
	int (*line)(void *data, const char *text, size_t len, json_object *object);
};

/*
 * Returns when the last process of the command is gone: 0 with *status, as wait(2) has
 * it, of the command; or the exit status of a failure, after a complaint.  SIGINT and
 * SIGQUIT are the command's meanwhile, SIGTERM and SIGHUP are handed on to it; once it
 * has ended, each of them ends the wait for the processes that it has left behind.
 */
int watch_run(const struct watch *watch, int *status);

/* End as the command did: its status, or by its signal. */
int watch_exit(int status);

#endif
