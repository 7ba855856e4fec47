/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* filters.h - seccomp filters of the tests' own programs, by number on x86_64 */
#ifndef FILTERS_H
#define FILTERS_H

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "check.h"

#define ARCH_THEN_NR \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)), \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0), \
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW), \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define ON(nr, what) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), \
	BPF_STMT(BPF_RET | BPF_K, what)

static inline int install(struct sock_filter *filter, unsigned short len, unsigned int flags)
{
	struct sock_fprog program = { len, filter };

	check(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

/* What is named with ON() in the calling thread; the rest is allowed.  As seccomp(2). */
#define INSTALL(flags, ...) ({ \
	struct sock_filter filter_[] = { ARCH_THEN_NR, __VA_ARGS__, \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) }; \
	install(filter_, sizeof(filter_) / sizeof(filter_[0]), flags); })

#endif
