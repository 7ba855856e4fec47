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
 * The file that /proc/PID/exe will name once the call has succeeded.  Returns
 * 1 with *st filled, or 0 where it cannot be told (a format that the kernel
 * hands to a helper of the administrator's).
 */
int script_program(struct pm_call *call, struct stat *st);

#endif
