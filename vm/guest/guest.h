/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The first process of a guest of vm/run.
 *
 * The host puts /spec beside /init in the initramfs: what to mount, and what to
 * run.  One virtio port, named "pointsman", carries everything that the command
 * reads and writes, in frames, so that nothing of it meets the console:
 *
 *   type u8, length u32 (little-endian), payload
 *
 *   host to guest   'I' bytes for standard input      'Z' its end
 *                   'W' window size, rows and columns, u16 each
 *   guest to host   'O' standard output               'E' standard error
 *                   'F' why this guest failed, text   'X' wait status, u32
 *
 * 'X' is the last frame of a run that went well.  Everything else, also an end
 * without any frame, is a failure: init sends 'F' where it still can, and ends.
 */
#ifndef POINTSMAN_GUEST_H
#define POINTSMAN_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum frame_type {
	FRAME_STDIN = 'I',
	FRAME_STDIN_END = 'Z',
	FRAME_WINDOW = 'W',
	FRAME_STDOUT = 'O',
	FRAME_STDERR = 'E',
	FRAME_FAILURE = 'F',
	FRAME_STATUS = 'X',
};

/* The longest payload of a frame, both ways. */
#define FRAME_MAX 65536

/*
 * spec.c: what the host asks for.  Lists end with NULL and point into the text
 * of /spec, which is never freed.
 */
enum spec_stdin {
	SPEC_STDIN_NULL,
	SPEC_STDIN_PIPE,
	SPEC_STDIN_TTY, /* all three streams are one terminal */
};

struct spec {
	char **args;
	char **env;
	char **fresh; /* directories to cover with an empty tmpfs */
	char **keep; /* directories to show again where a tmpfs covers them */
	char **make; /* directories to make in what is fresh */
	char **shares; /* directories shared writable; tags out0, out1, … */
	char *cwd;
	enum spec_stdin in;
	uint16_t rows, columns;
};

void spec_read(struct spec *spec, const char *path);

/* mounts.c: from the initramfs to the host's files at their own paths. */
void mounts_early(void);
void mounts_enter(const struct spec *spec);

/* port.c: frames over the virtio port. */
int port_open(void);
void port_send(enum frame_type type, const void *data, size_t size);
int port_fd(void);
/* Reads what there is; 0 or more whole frames are handed to @take. */
void port_receive(void (*take)(void *ctx, enum frame_type type,
			       const uint8_t *data, size_t size), void *ctx);

/* relay.c: runs the command; returns its wait status, all else being dead. */
int relay_run(const struct spec *spec);

/* verdict.c: fails the run where the kernel has complained. */
void verdict_start(void);
void verdict_check(void);

/* init.c: says why, and ends the guest without a status. */
__attribute__((noreturn, format(printf, 1, 2))) void fail(const char *fmt, ...);

#endif
