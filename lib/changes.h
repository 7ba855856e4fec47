/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * changes.h - what is done to a copy of a call, written down and done to the call
 *
 * A handler decides in a process of its own, on a copy.  What it does to it by
 * the functions of pointsman.h is done to the call by the same functions, which
 * then see that it may be.
 */
#ifndef POINTSMAN_CHANGES_H
#define POINTSMAN_CHANGES_H

#include <pointsman/pointsman.h>

#include "bytes.h"

enum change {
	CHANGE_PATH,		/* number: index of the item */
	CHANGE_SOCKADDR,	/* likewise */
	CHANGE_STRV,		/* likewise; strings with their NULs */
	CHANGE_ARG,		/* number: which; the value */
	CHANGE_NR,		/* number: the system call's */
	CHANGE_NO_CREATE,
	CHANGE_MEMORY,		/* number: the address; what is written there */
};

/* Owner: the copy. */
struct changes {
	struct bytes bytes;
	int err;	/* of one that had to be noted and is not, or 0 */
};

/*
 * Before it is done.  Does nothing where call is no copy.  Returns 0, or -ENOMEM: it is
 * not noted, and must not be done.
 */
int changes_note(struct pm_call *call, enum change change, uint64_t number, const void *bytes,
		 size_t len);
/* The same of what is done in any case: where it is not noted the answer fails with the error. */
int changes_note_always(struct pm_call *call, enum change change, uint64_t number,
			const void *bytes, size_t len);
/* Do to call all that left holds.  0, the error of the first that fails, -EBADMSG. */
int changes_apply(struct pm_call *call, struct bytes_left *left);
void changes_free(struct changes *changes);

/*
 * Write down a call as it stands, with where its paths lead; and read it, in
 * another process of the same image, as a copy whose changes are noted.  *copy is
 * the caller's, for pm_call_clear(), also after an error.  0, -ENOMEM, -EBADMSG.
 */
void copy_write(struct pm_call *call, struct bytes *bytes);
int copy_read(struct bytes_left *left, struct pm_call *copy);

#endif
