/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * known.h - the calls for which the supervisor has reasons of its own
 *
 * known.c is the table; numbers.c has the place of each number in it.
 */
#ifndef POINTSMAN_KNOWN_H
#define POINTSMAN_KNOWN_H

#include <stddef.h>
#include <stdint.h>

/* What is known of a call, whatever the layers want. */
enum {
	/* The supervisor itself has to see it: one that traces, one that is notified. */
	KNOWN_TRACED = 1,
	KNOWN_NOTIFIED = 2,
	/* It could unmap, move, reprotect or replace an arena that is not sealed. */
	KNOWN_MOVES = 4,
	/* It reaches into another process, or into its group; arg names it. */
	KNOWN_REACHES = 8,
	/* It connects only where arg has MSG_FASTOPEN. */
	KNOWN_SENDS = 16,
	/*
	 * It changes the root, the rights or the user namespace of its thread, or of others, or
	 * who else has a say in what they open.
	 */
	KNOWN_VIEWS = 32,
	/* It shows or sets on which processors a thread runs, or how. */
	KNOWN_PLACES = 64,
	/* It keeps memory from being copied by a fork where arg is MADV_DONTFORK. */
	KNOWN_KEEPS = 128,
	/* It makes a thread or a process, as its flags say. */
	KNOWN_BIRTHS = 256,
	/* It maps, where MAP_FIXED says so over what is there. */
	KNOWN_MAPS = 512,
	/* ptrace(2) itself. */
	KNOWN_TRACES = 1024,
	/* It can stand for others: pm_syscall_stands_for(). */
	KNOWN_STANDS = 2048,
	/* It looks at a file and does nothing to it: one that traces can answer it itself. */
	KNOWN_LOOKS = 4096,
	/* And opens it, with flags in arg. */
	KNOWN_OPENS = 8192,
	/* It changes the working directory of its thread, or of others. */
	KNOWN_DIRECTORY = 16384,
};

struct known {
	char name[23];	/* in it, as those of shapes.h are */
	uint16_t what;		/* KNOWN_* */
	uint8_t arg;
};

extern const struct known pm_known[];
extern const size_t pm_known_count;

#endif
