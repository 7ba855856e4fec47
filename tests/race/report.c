// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * report [WORD] - tell by the exit status which word was given; without one, which is
 * the value of the first variable, whose name has three letters
 *
 * 10 for "good", 11 for "evil", 12 for another; where ALWAYS is defined, this
 * whatever the word.  Without a C library, so that starting it costs as little
 * as starting a program can.
 */
#include <sys/syscall.h>

void _start(void);
void tell(const long *stack);

__attribute__((naked, noreturn, used)) void _start(void)
{
	__asm__("mov %rsp, %rdi\n\t"
		"call tell");
}

static int equal(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

__attribute__((noreturn, used)) void tell(const long *stack)
{
	const char *word = stack[0] > 1 ? (const char *)stack[2] :
			   stack[3] ? (const char *)stack[3] + 4 : "";
	long status = equal(word, "good") ? 10 : equal(word, "evil") ? 11 : 12;

#ifdef ALWAYS
	status = ALWAYS;
#endif
	for (;;)
		__asm__ volatile("syscall" : : "a"(SYS_exit_group), "D"(status)
				 : "rcx", "r11", "memory");
}
