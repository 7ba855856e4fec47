/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "rawcall.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LOW_SIZE (16u << 20)

bool narrow;

void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(2);
}

static unsigned char *low_base;
static size_t low_used;

void *low(size_t size)
{
	void *at;

	if (!low_base) {
		int flags = MAP_PRIVATE | MAP_ANONYMOUS;
#ifdef __x86_64__
		flags |= MAP_32BIT;
#endif
		low_base = mmap(NULL, LOW_SIZE, PROT_READ | PROT_WRITE, flags, -1, 0);
		if (low_base == MAP_FAILED)
			die("mmap");
	}
	at = low_base + low_used;
	low_used += (size + 15) & ~(size_t)15;
	if (low_used > LOW_SIZE)
		die("low memory");
	return memset(at, 0, size);
}

const char *low_string(const char *text)
{
	return strcpy(low(strlen(text) + 1), text);
}

void *words(size_t count, ...)
{
	size_t width = narrow ? 4 : 8;
	unsigned char *at = low(count * width);
	va_list values;

	va_start(values, count);
	for (size_t i = 0; i < count; i++) {
		uint64_t value = (uintptr_t)va_arg(values, void *);

		memcpy(at + i * width, &value, width);
	}
	va_end(values);
	return at;
}

#ifdef __x86_64__
long call_wide(long nr, const uint64_t *args);
long call_narrow(long nr, const uint32_t *args);
__asm__(".text\n"
	"call_wide:\n"
	"	mov %rdi, %rax\n	mov %rsi, %r11\n"
	"	mov (%r11), %rdi\n	mov 8(%r11), %rsi\n	mov 16(%r11), %rdx\n"
	"	mov 24(%r11), %r10\n	mov 32(%r11), %r8\n	mov 40(%r11), %r9\n"
	"	syscall\n	ret\n"
	"call_narrow:\n"
	"	push %rbx\n	push %rbp\n"
	"	mov %edi, %eax\n	mov %rsi, %r11\n"
	"	mov (%r11), %ebx\n	mov 4(%r11), %ecx\n	mov 8(%r11), %edx\n"
	"	mov 12(%r11), %esi\n	mov 16(%r11), %edi\n	mov 20(%r11), %ebp\n"
	"	int $0x80\n	movslq %eax, %rax\n"
	"	pop %rbp\n	pop %rbx\n	ret\n");
#else
long call_narrow(long nr, const uint32_t *args);
__asm__(".text\n"
	"call_narrow:\n"
	"	push %ebx\n	push %esi\n	push %edi\n	push %ebp\n"
	"	mov 20(%esp), %eax\n	mov 24(%esp), %ebp\n"
	"	mov (%ebp), %ebx\n	mov 4(%ebp), %ecx\n	mov 8(%ebp), %edx\n"
	"	mov 12(%ebp), %esi\n	mov 16(%ebp), %edi\n	mov 20(%ebp), %ebp\n"
	"	int $0x80\n"
	"	pop %ebp\n	pop %edi\n	pop %esi\n	pop %ebx\n	ret\n");
#endif

long call6(long nr, const uint64_t *args)
{
	uint32_t halves[6];

#ifdef __x86_64__
	if (!narrow)
		return call_wide(nr, args);
#endif
	for (int i = 0; i < 6; i++)
		halves[i] = (uint32_t)args[i];
	return call_narrow(nr, halves);
}
