/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * script.h - execve of a file that names its interpreter runs that
 *
 * The interpreters of a script are items of the call (role "interpreter"), as
 * the program is: a policy that denies a program denies it in the first line
 * of a script too.
 */
#ifndef POINTSMAN_SCRIPT_H
#define POINTSMAN_SCRIPT_H

#include "call.h"

#define SCRIPT_ROLE "interpreter"
#define SCRIPT_DEPTH 5	/* interpreters of interpreters, as the kernel counts */
#define SCRIPT_WORDS (2 * (SCRIPT_DEPTH + 1))

/*
 * Add the items, each the interpreter of the one before, the last one a
 * program.  Does nothing for other calls, and where the program is not there.
 * Returns 0 or the negative errno with which execve would fail.
 */
int script_add_items(struct pm_call *call);

/*
 * A layer redirected an interpreter: the call becomes one that runs the other
 * program with the arguments that the kernel would have given to the
 * interpreter.  Returns 0, -ENOMEM, -E2BIG.
 */
int script_apply(struct pm_call *call);

/*
 * The call becomes one that runs no script, but the last interpreter with the
 * arguments that the kernel would have given to it.  Returns 0, -ENOMEM, -E2BIG, or
 * -EACCES where a first line is another one by now than the layers were shown.
 */
int script_expand(struct pm_call *call);

/*
 * What execve has to turn out to have run, seen in the new image before its
 * first instruction.
 *
 * Owner: who holds it; program_clear().
 */
struct program {
	bool set;
	/* A format that is not the kernel's own: it must be one of the administrator's helpers. */
	bool misc;
	dev_t dev;	/* else the file that /proc/PID/exe names */
	ino_t ino;
	/* For scripts, what comes before the script's own name in argv: interpreters and arguments. */
	char *words[SCRIPT_WORDS];
	size_t nwords;
};

/*
 * What the call, as it now stands, must run.  Returns 0, -ENOMEM, or -EACCES
 * where a first line is another one by now than the layers were shown.
 */
int script_program(struct pm_call *call, struct program *program);

/* Does the thread, stopped at its exec, run it? */
bool program_runs(const struct program *program, pid_t tid);
void program_clear(struct program *program);

#endif
