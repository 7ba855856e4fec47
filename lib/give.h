/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * give.h - calls of ours, run by a target in place of its own
 *
 * A thread that is stopped at a call is made to run a few others first, one
 * after the other, with its signals blocked: to receive a descriptor, and for
 * the arena to map and seal it.  Then either its own call is issued again as
 * if nothing had been, or the descriptor is its result.
 */
#ifndef POINTSMAN_GIVE_H
#define POINTSMAN_GIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "courier.h"
#include "regs.h"

enum giving_kind {
	GIVE_ARENA,	/* map the descriptor; the call is issued again */
	GIVE_FILE,	/* the descriptor is the result of the call */
};

enum giving_step {
	GIVING_SCRATCH,
	GIVING_SOCKET,
	GIVING_BIND,
	GIVING_NAME,
	GIVING_RECEIVE,
	GIVING_MAP,
	GIVING_SEAL,
	GIVING_CLOSE,
	GIVING_CLOSE_SOCKET,
	GIVING_UNMAP,
	GIVING_DONE,
};

/* What may be made use of. */
enum giving_tools {
	GIVE_SEAL = 1,		/* mseal */
	GIVE_CLOSE_RANGE = 2,	/* no filter of the program's own expects other calls */
	GIVE_KEEP_ON_EXEC = 4,	/* GIVE_FILE: without close-on-exec */
};

#define SCRATCH_SIZE 288

/* Owner: the thread. */
struct giving {
	enum giving_kind kind;
	enum giving_step step;
	int fd;			/* to be given; owned where it is a file */
	unsigned int tools;
	uint32_t arch;
	struct regs original;
	struct regs issued;	/* the call of ours that is about to be made */
	uint64_t blocked;	/* the thread's own signal mask */
	uint64_t stack;		/* below here its stack may be borrowed, 0: may not */
	uint64_t scratch, map;	/* addresses in the target, 0: none */
	bool sealed;		/* the kernel says, or who answers in its place */
	bool brought;		/* what was mapped is fd, if nobody else changes descriptors */
	bool borrowed;		/* the scratch memory is of its stack */
	unsigned char kept[SCRATCH_SIZE];	/* what was there */
	int socket, received;	/* descriptors of the target, -1: none */
	int err;		/* negative errno of the first step that failed */
};

/*
 * Start, at a stop before the call runs: registers and mask are set for the
 * first call of ours, the thread is left stopped.  A file is taken over, also on
 * failure; the arena's descriptor stays the arena's.  stack: where the thread is
 * alone in its address space, the stack pointer that its image began with; a part
 * of the stack that is not in use is borrowed then, and given back as it was.
 * Returns NULL and -errno in *err.
 */
struct giving *giving_start(enum giving_kind kind, pid_t tid, uint32_t arch, int fd,
			    unsigned int tools, uint64_t stack, int *err);

/*
 * At each exit stop, with the result of the call of ours.  Returns 1 when there is another call to run, 0 when all
 * is done: ->err and ->map or ->received tell the outcome, and the thread's
 * registers and mask are its own again (GIVE_ARENA: about to issue its call
 * again; GIVE_FILE: about to return).  -errno (-ESRCH: it is gone).
 */
int giving_next(struct giving *giving, const struct courier *courier, pid_t tid, pid_t tgid,
		int64_t result);

/* At each entry stop: is this the call of ours?  If not, nothing may come of it. */
struct __ptrace_syscall_info;
bool giving_is_issued(const struct giving *giving, const struct __ptrace_syscall_info *info);

void giving_free(struct giving *giving);

#endif
