/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * interpreter.h - what the kernel opens besides a program, to run it
 */
#ifndef POINTSMAN_INTERPRETER_H
#define POINTSMAN_INTERPRETER_H

/*
 * The interpreter that a script names in its first line, or the loader that an
 * ELF program asks for.  Returns 0 with *out set, owned by the caller, -ENOENT
 * where it has none, -ENOMEM, or another negative errno.
 */
int interpreter_of(const char *program, char **out);

#endif
