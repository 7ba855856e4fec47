/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* note.h - to answer a notification of seccomp(2), as every kernel with listeners can */
#ifndef POINTSMAN_NOTE_H
#define POINTSMAN_NOTE_H

#include <stdint.h>

/* The kernel's own: the call is made again, or fails with EINTR; is made again, whatever comes. */
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513

/* A notification that waits for its answer; listener 0: there is none. */
struct note {
	int listener;
	uint64_t id;
};

/* Who is killed meanwhile has no use for an answer: that it does not come is no error. */

/* The call does not run and answers value, an errno where that is one negative. */
void note_value(const struct note *note, int64_t value);
/* It runs as it is. */
void note_continue(const struct note *note);
/* It is made again, whatever comes: by a thread that a signal, or its tracer, interrupts. */
void note_restart(const struct note *note);
/* fd is put into the thread, flags being O_CLOEXEC or 0, how SECCOMP_ADDFD_*.  Its number, or -errno. */
int note_put_descriptor(const struct note *note, int fd, unsigned int flags, uint32_t how);

#endif
