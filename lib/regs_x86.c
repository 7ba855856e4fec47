/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "regs.h"

#include <errno.h>
#include <linux/audit.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>

#define CODE_32 0x23	/* __USER32_CS */
#ifndef PTRACE_SET_SYSCALL_INFO
#define PTRACE_SET_SYSCALL_INFO 0x4212	/* of Linux 6.16 */
#endif
#define SYSCALL_INSN 2	/* bytes of syscall, sysenter and int 0x80 alike */

int regs_get(pid_t tid, struct regs *regs)
{
	return ptrace(PTRACE_GETREGS, tid, NULL, &regs->user) ? -errno : 0;
}

int regs_set(pid_t tid, const struct regs *regs)
{
	return ptrace(PTRACE_SETREGS, tid, NULL, &regs->user) ? -errno : 0;
}

static int poke(pid_t tid, size_t register_at, unsigned long long value)
{
	return ptrace(PTRACE_POKEUSER, tid, (void *)(offsetof(struct user, regs) + register_at),
		      (void *)value) ? -errno : 0;
}

#define REGISTERS (sizeof(struct user_regs_struct) / sizeof(unsigned long long))
/* More than these are written with all others. */
#define FEW 3

static unsigned long long *registers(const struct regs *regs)
{
	return (unsigned long long *)&regs->user;
}

static int change_at_once(pid_t tid, const struct regs *from, const struct regs *to)
{
	struct regs now;
	int err = regs_get(tid, &now);

	if (err)
		return err;
	for (size_t i = 0; i < REGISTERS; i++)
		if (registers(from)[i] != registers(to)[i])
			registers(&now)[i] = registers(to)[i];
	return regs_set(tid, &now);
}

int regs_change(pid_t tid, const struct regs *from, const struct regs *to)
{
	unsigned int changed = 0;
	int err = 0;

	for (size_t i = 0; i < REGISTERS; i++)
		changed += registers(from)[i] != registers(to)[i];
	if (changed > FEW)
		return change_at_once(tid, from, to);
	for (size_t i = 0; !err && i < REGISTERS; i++)
		if (registers(from)[i] != registers(to)[i])
			err = poke(tid, i * sizeof(unsigned long long), registers(to)[i]);
	return err;
}

/* What older headers call padding must be 0: there are flags in it by now. */
static int set_call(pid_t tid, bool entry, const struct regs *to)
{
	const uint32_t arch = AUDIT_ARCH_X86_64;
	struct __ptrace_syscall_info info;

	memset(&info, 0, sizeof(info));
	info.op = entry ? PTRACE_SYSCALL_INFO_ENTRY : PTRACE_SYSCALL_INFO_SECCOMP;
	info.entry.nr = (uint64_t)(int64_t)regs_number(to);
	for (unsigned int i = 0; i < 6; i++)
		info.entry.args[i] = regs_arg(to, arch, i);
	return ptrace(PTRACE_SET_SYSCALL_INFO, tid, sizeof(info), &info) ? -errno : 0;
}

/* In how many of its registers do the calls differ? */
static unsigned int differ(const struct regs *from, const struct regs *to)
{
	unsigned int n = regs_number(from) != regs_number(to);

	for (unsigned int i = 0; i < 6; i++)
		n += regs_arg(from, AUDIT_ARCH_X86_64, i) != regs_arg(to, AUDIT_ARCH_X86_64, i);
	return n;
}

int regs_change_call(pid_t tid, uint32_t arch, bool entry, const struct regs *from,
		     const struct regs *to)
{
	static bool one_by_one;
	int err;

	/* A register of a 32-bit call has an upper half, which is kept. */
	if (one_by_one || regs_narrow(arch) || differ(from, to) < 2)
		return regs_change(tid, from, to);
	err = set_call(tid, entry, to);
	if (!err || err == -ESRCH)
		return err;
	one_by_one = true;
	return regs_change(tid, from, to);
}

int regs_new_image(pid_t tid, uint64_t *stack, size_t *width)
{
	struct regs regs;
	int err = regs_get(tid, &regs);

	if (err)
		return err;
	*stack = regs.user.rsp;
	*width = regs.user.cs == CODE_32 ? 4 : 8;
	return 0;
}

bool regs_narrow(uint32_t arch)
{
	return arch == AUDIT_ARCH_I386;
}

int regs_number(const struct regs *regs)
{
	return (int)regs->user.orig_rax;
}

void regs_set_number(struct regs *regs, int nr)
{
	regs->user.orig_rax = (unsigned long long)(long long)nr;
}

static unsigned long long *arg_register(struct user_regs_struct *user, uint32_t arch,
					unsigned int i)
{
	if (regs_narrow(arch)) {
		unsigned long long *narrow[] = { &user->rbx, &user->rcx, &user->rdx,
						 &user->rsi, &user->rdi, &user->rbp };
		return narrow[i];
	} else {
		unsigned long long *wide[] = { &user->rdi, &user->rsi, &user->rdx,
					       &user->r10, &user->r8, &user->r9 };
		return wide[i];
	}
}

uint64_t regs_arg(const struct regs *regs, uint32_t arch, unsigned int i)
{
	struct user_regs_struct user = regs->user;
	uint64_t value = *arg_register(&user, arch, i);

	return regs_narrow(arch) ? (uint32_t)value : value;
}

void regs_set_arg(struct regs *regs, uint32_t arch, unsigned int i, uint64_t value)
{
	*arg_register(&regs->user, arch, i) = regs_narrow(arch) ? (uint32_t)value : value;
}

int regs_put_arg(pid_t tid, uint32_t arch, unsigned int i, uint64_t value)
{
	struct user_regs_struct user;
	const char *at = (const char *)arg_register(&user, arch, i);

	return poke(tid, (size_t)(at - (const char *)&user),
		    regs_narrow(arch) ? (uint32_t)value : value);
}

uint64_t regs_stack(const struct regs *regs)
{
	return regs->user.rsp;
}

int64_t regs_result(const struct regs *regs)
{
	return (int64_t)regs->user.rax;
}

void regs_set_result(struct regs *regs, int64_t value)
{
	regs->user.rax = (unsigned long long)value;
}

int regs_of_call(pid_t tid, const struct __ptrace_syscall_info *info, struct regs *regs)
{
	/* Of its registers a 32-bit call tells the lower halves: all of them are given back. */
	if (regs_narrow(info->arch))
		return regs_get(tid, regs);
	*regs = (struct regs){ 0 };
	regs_set_number(regs, (int)info->entry.nr);
	for (unsigned int i = 0; i < 6; i++)
		regs_set_arg(regs, info->arch, i, info->entry.args[i]);
	return 0;
}

void regs_of_return(const struct __ptrace_syscall_info *info, struct regs *regs)
{
	regs->user.rip = info->instruction_pointer;
	regs_set_result(regs, info->exit.rval);
}

int regs_skip(pid_t tid, int64_t value)
{
	int err = poke(tid, offsetof(struct user_regs_struct, orig_rax), (unsigned long long)-1);

	return err ? err : poke(tid, offsetof(struct user_regs_struct, rax),
				(unsigned long long)value);
}

void regs_reissue(struct regs *regs, int nr)
{
	regs->user.rip -= SYSCALL_INSN;
	regs->user.rax = (unsigned long long)(long long)nr;
	/* No call is being left any more: signals must not restart one. */
	regs_set_number(regs, -1);
}

bool regs_issued(const struct regs *reissued, uint32_t arch,
		 const struct __ptrace_syscall_info *info)
{
	if (info->arch != arch || (int)info->entry.nr != (int)reissued->user.rax ||
	    info->instruction_pointer != reissued->user.rip + SYSCALL_INSN)
		return false;
	for (unsigned int i = 0; i < 6; i++) {
		uint64_t arg = info->entry.args[i];

		if ((regs_narrow(arch) ? (uint32_t)arg : arg) != regs_arg(reissued, arch, i))
			return false;
	}
	return true;
}

void regs_restore(struct regs *regs, uint32_t arch, const struct regs *original,
		  const struct regs *substituted)
{
	struct user_regs_struct was = original->user, put = substituted->user;

	for (unsigned int i = 0; i < 6; i++) {
		unsigned long long *now = arg_register(&regs->user, arch, i);
		unsigned long long before = *arg_register(&was, arch, i);
		unsigned long long during = *arg_register(&put, arch, i);

		if (before != during && *now == during)
			*now = before;
	}
	if (regs->user.orig_rax == put.orig_rax)
		regs->user.orig_rax = was.orig_rax;
}
