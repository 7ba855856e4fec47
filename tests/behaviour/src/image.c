// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * image - ends with 0 where every register is 0 at its first instruction
 *
 * As the kernel leaves them; without a C library, which would change them.
 */
void _start(void);

__attribute__((naked, noreturn, used)) void _start(void)
{
	__asm__("or %rax, %rdi\n\t"
		"or %rbx, %rdi\n\t"
		"or %rcx, %rdi\n\t"
		"or %rdx, %rdi\n\t"
		"or %rsi, %rdi\n\t"
		"or %rbp, %rdi\n\t"
		"or %r8, %rdi\n\t"
		"or %r9, %rdi\n\t"
		"or %r10, %rdi\n\t"
		"or %r11, %rdi\n\t"
		"or %r12, %rdi\n\t"
		"or %r13, %rdi\n\t"
		"or %r14, %rdi\n\t"
		"or %r15, %rdi\n\t"
		"neg %rdi\n\t"
		"sbb %edi, %edi\n\t"
		"neg %edi\n\t"
		"mov $231, %eax\n\t"	/* exit_group */
		"syscall");
}
