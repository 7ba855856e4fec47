/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * regs.h - the registers of a stopped thread, as a system call sees them
 *
 * One file per architecture implements it.
 */
#ifndef POINTSMAN_REGS_H
#define POINTSMAN_REGS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

struct regs {
	struct user_regs_struct user;
};

struct __ptrace_syscall_info;

/* Read and write them.  Return 0 or a negative errno (-ESRCH: it is gone). */
int regs_get(pid_t tid, struct regs *regs);
int regs_set(pid_t tid, const struct regs *regs);

/*
 * At a stop before a call: its number and arguments, which the stop has told
 * already.  The other registers may be left 0.  As regs_get().
 */
int regs_of_call(pid_t tid, const struct __ptrace_syscall_info *info, struct regs *regs);
/*
 * At the exit stop of the call that ran from these: its result, and where the
 * thread stands.  The kernel leaves the number and the arguments as they were.
 */
void regs_of_return(const struct __ptrace_syscall_info *info, struct regs *regs);
/* Write those in which to differs from what the thread has.  As regs_set(). */
int regs_change(pid_t tid, const struct regs *from, const struct regs *to);
/*
 * The same of a number and arguments alone, at the stop at a call's entry or else at
 * its filter: with one system call, where the kernel has it (Linux 6.16).
 */
int regs_change_call(pid_t tid, uint32_t arch, bool entry, const struct regs *from,
		     const struct regs *to);

/* Write one argument of a call of a stopped thread.  As regs_set(). */
int regs_put_arg(pid_t tid, uint32_t arch, unsigned int i, uint64_t value);

/* Of the call that the thread is in; arch says which registers carry it. */
int regs_number(const struct regs *regs);
void regs_set_number(struct regs *regs, int nr);
uint64_t regs_arg(const struct regs *regs, uint32_t arch, unsigned int i);
void regs_set_arg(struct regs *regs, uint32_t arch, unsigned int i, uint64_t value);
uint64_t regs_stack(const struct regs *regs);
int64_t regs_result(const struct regs *regs);
void regs_set_result(struct regs *regs, int64_t value);

/* At a stop before a call: it does not run; value is its result.  As regs_set(). */
int regs_skip(pid_t tid, int64_t value);

/*
 * At the exit stop: go back to the system call instruction, so that the
 * thread issues call nr when it goes on.
 */
void regs_reissue(struct regs *regs, int nr);

/*
 * At the entry stop that follows: is it that call, with those arguments, made
 * by that instruction?  Another thread may have written another one in its
 * place meanwhile.
 */
bool regs_issued(const struct regs *reissued, uint32_t arch,
		 const struct __ptrace_syscall_info *info);

/*
 * At the stop of an exec: where the new image's stack begins, and how wide its
 * words are.  Returns 0 or a negative errno.
 */
int regs_new_image(pid_t tid, uint64_t *stack, size_t *width);

/* Does this table use 32-bit pointers? */
bool regs_narrow(uint32_t arch);

/*
 * An arena lies in an address space once anywhere, for calls of the 64-bit table,
 * and once below 4 GiB, for those of the 32-bit one.
 */
enum width { WIDE, NARROW, WIDTHS };

static inline enum width width_of(uint32_t arch)
{
	return regs_narrow(arch) ? NARROW : WIDE;
}

/*
 * Give back, in regs as they now are, every argument register that still
 * holds what was put in for the call, and the number (semantics.md, section
 * 4).  The result is not touched.
 */
void regs_restore(struct regs *regs, uint32_t arch, const struct regs *original,
		  const struct regs *substituted);

#endif
