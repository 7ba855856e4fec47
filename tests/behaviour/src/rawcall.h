/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rawcall.h - system calls of any table, made by their instruction
 *
 * A 32-bit table is that of a 32-bit program, or reached by int 0x80 from a
 * 64-bit one; all that such a call points to has to lie in low memory.
 */
#ifndef RAWCALL_H
#define RAWCALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern bool narrow;	/* the 32-bit table */

/* Says what failed and why, and ends the program with 2. */
void die(const char *what) __attribute__((noreturn));

/* Memory that any table reaches, filled with zeros; never given back. */
void *low(size_t size);
const char *low_string(const char *text);
/* A vector of words in the width of the table. */
void *words(size_t count, ...);
#define W(value) ((void *)(uintptr_t)(value))

/* Six arguments; a result or -errno, as the kernel gives it. */
long call6(long nr, const uint64_t *args);

static inline uint64_t word_of(const void *pointer)
{
	return (uintptr_t)pointer;
}

static inline uint64_t number_of(uint64_t number)
{
	return number;
}

#define RAW_WORD(x) \
	_Generic((x), char *: word_of, const char *: word_of, void *: word_of, const void *: word_of, \
		 unsigned char *: word_of, default: number_of)(x)
#define RAWCALL_(nr, a, b, c, d, e, f, ...) \
	call6(nr, (uint64_t[]){ RAW_WORD(a), RAW_WORD(b), RAW_WORD(c), RAW_WORD(d), \
				RAW_WORD(e), RAW_WORD(f) })
#define RAWCALL(nr, ...) RAWCALL_(nr, __VA_ARGS__, 0, 0, 0, 0, 0, 0)

#endif
