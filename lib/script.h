/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* script.h - which program execve runs for a file that names its interpreter */
#ifndef POINTSMAN_SCRIPT_H
#define POINTSMAN_SCRIPT_H

#include <pointsman/pointsman.h>

/*
 * The file that /proc/PID/exe will name once execve of where has succeeded:
 * the file itself, or for a script ("#!") its interpreter, found in the view
 * of the call, and so on as the kernel does it.
 *
 * Returns 1 with *st filled; 0 where it cannot be told (a format that the
 * kernel hands to a helper of the administrator's); or the negative errno with
 * which execve would fail.
 */
int script_program(struct pm_call *call, const struct pm_where *where, struct stat *st);

#endif
