/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * calls.h - what calls.c, which drives and looks, and calls_rows.c, which makes
 * the calls, share
 */
#ifndef CALLS_H
#define CALLS_H

#include "rawcall.h"

#define TEXT_SIZE 16384

/* Of a row. */
#define MOUNTS 1		/* needs a mount namespace */
#define AT 2			/* takes a descriptor to start from */
#define FOLLOW 4		/* follows a final link */

/* What a case is about: a file of a kind, or its twin. */
enum subject {
	FILE_, DIR_, NONE, LINK, GONE, PROGRAM, MOUNT, STREAM, DATAGRAM, UNBOUND, PINNED, UNPINNED,
	SUBJECTS
};

extern const char *const subject_names[SUBJECTS];

enum spelling { ABSOLUTE, WORKING_DIR, DIRFD, THROUGH_LINK, SPELLINGS };

struct act {
	long nr;
	uint32_t dirfd;		/* AT_FDCWD, or of the directory */
	const char *path;	/* of the subject, in low memory */
	int top;		/* descriptor of the directory */
	char *out;		/* what was found, shared */
	int driver;		/* socket to who looks from outside */
};

struct row {
	const char *call, *role;
	enum subject subject;
	unsigned int flags;
	long (*run)(struct act *act);
};

extern const struct row rows[];
extern const size_t rows_count;

extern const char *dir;		/* where the files are */

int new_map(void);		/* a bpf map, or -1 */
int by_text(const void *a, const void *b);
void say(struct act *act, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
