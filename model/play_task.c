// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The task of a played scenario.  It makes no system call beside those under test and a few
 * that every filter allows, and calls nothing of the C library that would.
 */
#define _GNU_SOURCE
#include "play.h"

#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ucontext.h>
#include <unistd.h>

struct shared shared;

/* The same by int 0x80.  No stack: a child of vfork() comes back on it first. */
static void make_narrow_call(const struct registers *in, struct registers *out)
{
	register const struct registers *from asm("r14") = in;
	register struct registers *to asm("r12") = out;

	asm volatile("mov %%rbx, %%r13\n\t"
		     "mov %%rbp, %%r15\n\t"
		     "mov 0(%%r14), %%rax\n\t"
		     "mov 8(%%r14), %%rbx\n\t"
		     "mov 16(%%r14), %%rcx\n\t"
		     "mov 24(%%r14), %%rdx\n\t"
		     "mov 32(%%r14), %%rsi\n\t"
		     "mov 40(%%r14), %%rdi\n\t"
		     "mov 48(%%r14), %%rbp\n\t"
		     "int $0x80\n\t"
		     "mov %%rax, 0(%%r12)\n\t"
		     "mov %%rbx, 8(%%r12)\n\t"
		     "mov %%rcx, 16(%%r12)\n\t"
		     "mov %%rdx, 24(%%r12)\n\t"
		     "mov %%rsi, 32(%%r12)\n\t"
		     "mov %%rdi, 40(%%r12)\n\t"
		     "mov %%rbp, 48(%%r12)\n\t"
		     "mov %%r15, %%rbp\n\t"
		     "mov %%r13, %%rbx\n\t"
		     :
		     : "r"(from), "r"(to)
		     : "rax", "rdi", "rsi", "rdx", "r8", "r9", "r10", "r11", "r13", "r15", "rcx",
		       "memory");
}

void on_signal(int sig, siginfo_t *info, void *context)
{
	static const int wide[] = { REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9 };
	static const int narrow[] = { REG_RBX, REG_RCX, REG_RDX, REG_RSI, REG_RDI, REG_RBP };
	const int *order = shared.s->one[shared.current].narrow ? narrow : wide;
	const greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	struct seen *seen = &shared.seen[shared.current];
	struct model_frame *frame = &seen->frame[seen->frames % MODEL_FRAMES];

	memset(frame, 0, sizeof(*frame));
	frame->result = regs[REG_RAX];
	for (int i = 0; i < 6; i++)
		frame->args[i] = (uint64_t)regs[order[i]];
	if (sig == SIGSYS) {
		frame->kind = MODEL_FRAME_SIGSYS;
		frame->data = (unsigned int)info->si_errno;
		frame->nr = info->si_syscall;
	} else {
		frame->kind = MODEL_FRAME_SIGNAL;
		frame->signal = sig == SIGUSR1 ? MODEL_SIGNAL_RESTARTS : MODEL_SIGNAL_INTERRUPTS;
	}
	seen->frames = seen->frames + 1;
}

int task(void *unused)
{
	/* As the kernel has it; children are not waited for. */
	static const struct {
		void *handler;
		unsigned long flags;
		void *restorer;
		uint64_t mask;
	} ignore = { .handler = (void *)SIG_IGN };
	long me = raw(SYS_gettid, 0, 0, 0, 0);

	(void)unused;
	raw(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0);
	raw(SYS_rt_sigaction, SIGCHLD, (long)&ignore, 0, 8);
	for (int i = 0; i < shared.s->filters; i++)
		shared.installed[i] = raw(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
					  (long)shared.flags[i], (long)&shared.program[i], 0);
	raise_to_one(&shared.ready);
	if (shared.s->tracer)
		wait_for_one(&shared.go);
	for (int c = 0; c < shared.s->calls; c++) {
		const struct model_call *call = &shared.s->one[c].call;
		struct seen *seen = &shared.seen[c];
		struct registers in = { .nr = (uint64_t)call->nr };

		for (int i = 0; i < 6; i++)
			in.args[i] = call->args[i];
		shared.current = c;
		if (shared.s->one[c].narrow)
			make_narrow_call(&in, &seen->after);
		else
			make_call(&in, &seen->after);
		if (!seen->after.nr && raw(SYS_gettid, 0, 0, 0, 0) != me) {
			/* The child of vfork(), on the stack of its parent. */
			for (int i = 0; i < 6; i++)
				seen->child[i] = seen->after.args[i];
			seen->forked = true;
			raw(SYS_exit, 0, 0, 0, 0);
		}
		shared.done = c + 1;
	}
	raw(SYS_exit, 0, 0, 0, 0);
	return 0;
}
