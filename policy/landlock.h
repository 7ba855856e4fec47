/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * landlock.h - Landlock, as the kernel has it
 *
 * The headers of the machine may be older than its kernel.
 */
#ifndef POINTSMAN_LANDLOCK_H
#define POINTSMAN_LANDLOCK_H

#include <stdint.h>

#define LL_SYS_CREATE_RULESET 444
#define LL_SYS_ADD_RULE	      445
#define LL_SYS_RESTRICT_SELF  446

#define LL_RULE_PATH_BENEATH 1

#define LL_EXECUTE     (1ull << 0)
#define LL_WRITE_FILE  (1ull << 1)
#define LL_READ_FILE   (1ull << 2)
#define LL_READ_DIR    (1ull << 3)
#define LL_REMOVE_DIR  (1ull << 4)
#define LL_REMOVE_FILE (1ull << 5)
#define LL_MAKE_CHAR   (1ull << 6)
#define LL_MAKE_DIR    (1ull << 7)
#define LL_MAKE_REG    (1ull << 8)
#define LL_MAKE_SOCK   (1ull << 9)
#define LL_MAKE_FIFO   (1ull << 10)
#define LL_MAKE_BLOCK  (1ull << 11)
#define LL_MAKE_SYM    (1ull << 12)
#define LL_REFER       (1ull << 13)	/* the second version */
#define LL_TRUNCATE    (1ull << 14)	/* the third */
#define LL_ALL	       ((1ull << 15) - 1)

struct ll_path_beneath {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed));

#endif
