/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * world.h - what the calls of both plays meet: those by filters of the kernel (play.h), and
 * those by layers of the library (layers.h)
 */
#ifndef POINTSMAN_MODEL_WORLD_H
#define POINTSMAN_MODEL_WORLD_H

#include <stdint.h>
#include <sys/types.h>

#include "model.h"

/* Descriptors of the task. */
#define FD_SLEEP 100	/* a pipe: who reads it sleeps */
#define FD_SMALL 102	/* files of two sizes, for lseek() alone */
#define FD_LARGE 103

#define SIZE_SMALL 0x100000
#define SIZE_LARGE 0x4000000

struct registers {
	uint64_t nr, args[6];
};

/* Make the call, and say what its registers hold then. */
static inline void make_call(const struct registers *in, struct registers *out)
{
	register struct registers *to asm("r12") = out;

	asm volatile("mov 0(%%rbx), %%rax\n\t"
		     "mov 8(%%rbx), %%rdi\n\t"
		     "mov 16(%%rbx), %%rsi\n\t"
		     "mov 24(%%rbx), %%rdx\n\t"
		     "mov 32(%%rbx), %%r10\n\t"
		     "mov 40(%%rbx), %%r8\n\t"
		     "mov 48(%%rbx), %%r9\n\t"
		     "syscall\n\t"
		     "mov %%rax, 0(%%r12)\n\t"
		     "mov %%rdi, 8(%%r12)\n\t"
		     "mov %%rsi, 16(%%r12)\n\t"
		     "mov %%rdx, 24(%%r12)\n\t"
		     "mov %%r10, 32(%%r12)\n\t"
		     "mov %%r8, 40(%%r12)\n\t"
		     "mov %%r9, 48(%%r12)\n\t"
		     :
		     : "b"(in), "r"(to)
		     : "rax", "rdi", "rsi", "rdx", "r10", "r8", "r9", "rcx", "r11", "memory");
}

/* What lseek(2) of these answers. */
struct model_run world_lseek(const struct model_call *call);

/* Make this descriptor such a file.  Returns 0 or a negative errno. */
int sized_file(int fd, off_t size);

#endif
