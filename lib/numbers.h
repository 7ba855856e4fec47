/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * numbers.h - the numbers of system calls, by number and by name
 *
 * numbers.c is made by make_numbers.c when the library is built: it depends on
 * nothing but shapes_table.c, shapes_quiet.c, known.c and the tables of libseccomp, and
 * is not worth making anew at each start.
 */
#ifndef POINTSMAN_NUMBERS_H
#define POINTSMAN_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

#define NUMBERS 470	/* one more than the newest call known here, file_setattr */

enum table { WIDE_TABLE, NARROW_TABLE, TABLES };

/* What is known of one number; entry and quiet 0: nothing. */
struct number {
	uint16_t entry;		/* its place in pm_sysents and 1, or 0 */
	uint16_t quiet;		/* its place in pm_quiet_names and 1, or 0 */
	uint16_t known;		/* its place in pm_known and 1, or 0 */
};

/* What is known of a number, or NULL where it is none of the architecture's table. */
const struct number *number_find(uint32_t arch, int nr);

extern const struct number pm_numbers[TABLES][NUMBERS];
/* The known numbers of a table in the order of their names. */
extern const uint16_t pm_numbers_by_name[TABLES][NUMBERS];
extern const size_t pm_numbers_known[TABLES];
/* Places in pm_sysents in the order of the names there; of one name, the first only. */
extern const uint16_t pm_entries_by_name[];
extern const size_t pm_entries_named;

#endif
