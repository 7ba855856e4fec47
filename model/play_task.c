// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The task of a played scenario.  It makes no system call beside those under test and a few
 * that every filter allows, and calls nothing of the C library that would.
 */
#define _GNU_SOURCE
#include "play.h"

#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ucontext.h>
#include <unistd.h>

struct shared shared;

static long raw6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 asm("r10") = d;
	register long r8 asm("r8") = e;
	register long r9 asm("r9") = f;
	long ret;

	asm volatile("syscall"
		     : "=a"(ret)
		     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
		     : "rcx", "r11", "memory");
	return ret;
}

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
	const int *order = shared.s.one[shared.current].narrow ? narrow : wide;
	const greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	struct seen *seen = &shared.seen[shared.current];
	struct model_frame *frame = &seen->frame[seen->frames % MODEL_FRAMES];

	*frame = (struct model_frame){ 0 };
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

/* As the kernel has it. */
struct kernel_action {
	void *handler;
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

/* ---- the second thread ---- */

/* Returns what asked is then. */
static int wait_for_question(void)
{
	while (shared.asked == THREAD_WAITS)
		raw(SYS_futex, (long)&shared.asked, FUTEX_WAIT, THREAD_WAITS, 0);
	return shared.asked;
}

static void install(int i)
{
	shared.installed[i] = raw(SYS_seccomp, SECCOMP_SET_MODE_FILTER, (long)shared.flags[i],
				  (long)&shared.program[i], 0);
}

/* It ends when the first one does; where it did not, that would not be seen as an end. */
__attribute__((used, noreturn)) void second_thread(void);
void second_thread(void)
{
	int what;

	while ((what = wait_for_question()) != THREAD_ENDS) {
		if (what == THREAD_INSTALLS)
			install(shared.subject);
		else
			raw(SYS_close, shared.subject, 0, 0, 0);
		shared.asked = THREAD_WAITS;
		raise_to_one(&shared.thread_done);
	}
	for (;;)
		raw(SYS_exit, 0, 0, 0, 0);
}

/* All signals are for the first thread. */
static void start_thread(void)
{
	static const uint64_t all = ~0ULL;
	const long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			   CLONE_SYSVSEM;
	uint64_t before;
	long ret;

	shared.asked = THREAD_WAITS;
	raw(SYS_set_tid_address, (long)&shared.asked, 0, 0, 0);
	raw(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&before, 8);
	asm volatile("syscall\n\t"
		     "test %%rax, %%rax\n\t"
		     "jnz 1f\n\t"
		     "xor %%ebp, %%ebp\n\t"
		     "call second_thread\n"
		     "1:"
		     : "=a"(ret)
		     : "a"(SYS_clone), "D"(flags),
		       "S"(shared.thread_stack + sizeof(shared.thread_stack))
		     : "rcx", "rdx", "r8", "r9", "r10", "r11", "memory");
	raw(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, 8);
	if (ret < 0)
		raw(SYS_exit, 1, 0, 0, 0);
}

/* ---- the first ---- */

static void install_early(void)
{
	int early = early_filters(&shared.s);
	bool threads = false;

	for (int i = 0; i < shared.s.filters; i++) {
		if (!threads && shared.s.filter[i].by != BY_TASK) {
			start_thread();
			threads = true;
		}
		if (i >= early)
			return;
		if (shared.s.filter[i].by == BY_TASK) {
			install(i);
			continue;
		}
		ask_thread(THREAD_INSTALLS, i);
		wait_for_one(&shared.thread_done);
	}
}

static void make_calls(int first)
{
	long me = raw(SYS_gettid, 0, 0, 0, 0);

	for (int c = first; c < shared.s.calls; c++) {
		const struct model_call *call = &shared.s.one[c].call;
		struct seen *seen = &shared.seen[c];
		struct registers in;

		in.nr = (uint64_t)call->nr;
		for (int i = 0; i < 6; i++)
			in.args[i] = call->args[i];
		/* No vector of an execve has anything in it. */
		for (volatile uint64_t *word = (void *)BUFFER; word < (uint64_t *)(BUFFER + 256);)
			*word++ = 0;
		shared.current = c;
		if (shared.s.one[c].narrow)
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
	for (;;)
		raw(SYS_exit, 0, 0, 0, 0);
}

int task(void *unused)
{
	/* Children are not waited for. */
	static const struct kernel_action ignore = { .handler = (void *)SIG_IGN };

	(void)unused;
	raw(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0);
	raw(SYS_rt_sigaction, SIGCHLD, (long)&ignore, 0, 8);
	install_early();
	raise_to_one(&shared.ready);
	if (shared.s.tracer)
		wait_for_one(&shared.go);
	make_calls(0);
	return 0;
}

/* ---- as a program of its own ---- */

/* What it began with: the result, the registers of a call, and those of int 0x80. */
uint64_t entry_registers[13];
void task_again(void);
void task_restorer(void);

asm(".pushsection .text\n"
    ".globl task_entry\n"
    "task_entry:\n\t"
    "mov %rax, entry_registers(%rip)\n\t"
    "mov %rdi, entry_registers+8(%rip)\n\t"
    "mov %rsi, entry_registers+16(%rip)\n\t"
    "mov %rdx, entry_registers+24(%rip)\n\t"
    "mov %r10, entry_registers+32(%rip)\n\t"
    "mov %r8, entry_registers+40(%rip)\n\t"
    "mov %r9, entry_registers+48(%rip)\n\t"
    "mov %rbx, entry_registers+56(%rip)\n\t"
    "mov %rcx, entry_registers+64(%rip)\n\t"
    "mov %rdx, entry_registers+72(%rip)\n\t"
    "mov %rsi, entry_registers+80(%rip)\n\t"
    "mov %rdi, entry_registers+88(%rip)\n\t"
    "mov %rbp, entry_registers+96(%rip)\n\t"
    "and $-16, %rsp\n\t"
    "call task_again\n\t"
    "hlt\n"
    ".globl task_restorer\n"
    "task_restorer:\n\t"
    "mov $15, %eax\n\t"
    "syscall\n"
    ".popsection");

static bool map_again(void)
{
	const long size = sizeof(shared);

	return raw6(SYS_mmap, (long)&shared, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		    FD_SHARED, 0) == (long)&shared &&
	       raw6(SYS_mmap, NAMES, 4096, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE, FD_SHARED,
		    size) == NAMES &&
	       raw6(SYS_mmap, BUFFER, 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == BUFFER;
}

/* An exec of the call that was being made has succeeded. */
void task_again(void)
{
	static const int signals[] = { SIGSYS, SIGUSR1, SIGUSR2 };
	struct seen *seen;
	int c;

	if (!map_again())
		return;
	for (int i = 0; i < 3; i++) {
		struct kernel_action action;

		action.handler = (void *)on_signal;
		action.restorer = task_restorer;
		action.mask = ~0ULL;
		action.flags = SA_SIGINFO | 0x04000000 |	/* SA_RESTORER */
			       (signals[i] == SIGUSR1 ? SA_RESTART : 0);
		raw(SYS_rt_sigaction, signals[i], (long)&action, 0, 8);
	}
	c = shared.current;
	seen = &shared.seen[c];
	seen->after.nr = entry_registers[0];
	for (int i = 0; i < 6; i++)
		seen->after.args[i] = entry_registers[(shared.s.one[c].narrow ? 7 : 1) + i];
	seen->execed = true;
	shared.execs = shared.execs + 1;
	if (shared.threads)
		start_thread();
	shared.done = c + 1;
	make_calls(c + 1);
}
