/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * words.h - words and numbers of policies
 */
#ifndef POINTSMAN_WORDS_H
#define POINTSMAN_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pointsman/pointsman.h>

#include "nearest.h"

/* Texts that are owned together. */
struct texts {
	char **v;
	size_t n;
};

/* Returns 0 or -ENOMEM. */
int texts_add(struct texts *texts, const char *text);
int texts_copy(struct texts *to, char *const *v, size_t n);
void texts_clear(struct texts *texts);
bool texts_have(const struct texts *texts, const char *text);

/*
 * Whole numbers: decimal, 0x hexadecimal, 0 octal; a minus where a negative
 * one has a meaning, which wraps to 64 bits.  Return 0 or -EINVAL.
 */
int number_parse(const char *text, uint64_t *out);
int number_parse_signed(const char *text, int64_t *out);

/* "ENOENT" or "2".  A positive errno of 1 .. 4095, or -EINVAL. */
int errno_parse(const char *text);
/* "ENOENT" only. */
int errno_by_name(const char *name);
void errno_nearest(struct nearest *nearest);

/* "open-read", or any-path, any-address, any.  PM_BIT()s, or 0 for no class. */
uint32_t classes_by_name(const char *name);
/* All names of classes for a message: "open-read, open-write, ...". */
void classes_list(char *out, size_t size);
/*
 * What to say of a name that is no class, after a message: the classes of the call of
 * this name, or the class that was meant; "" where nothing is known.  out is of size bytes.
 */
void classes_hint(const char *name, char *out, size_t size);

#define CLASSES_ADDRESS (PM_BIT(PM_CLASS_CONNECT) | PM_BIT(PM_CLASS_BIND) | PM_BIT(PM_CLASS_SEND))
#define CLASSES_ALL	(PM_BIT(PM_NCLASSES) - 1)
#define CLASSES_PATH	(CLASSES_ALL & ~CLASSES_ADDRESS)

/*
 * What keeps a rule from speaking of calls of this name, for a message after
 * the name; NULL: nothing.
 */
const char *syscall_flaw(const char *name);
/* Of all calls of this machine; none where the word is one itself. */
void syscall_nearest(struct nearest *nearest);
/* Does the call own the registers, so that it cannot be made of another, nor into one? */
bool syscall_owns_registers(const char *name);

/*
 * What keeps a pattern from ever matching, for a message: NULL: nothing.  The
 * name that a canonical one is matched against has no component that is empty,
 * "." or "..".
 */
const char *glob_flaw(const char *text, bool canonical);

#endif
