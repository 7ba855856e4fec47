/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * words.c - words and numbers of policies
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/audit.h>

#include "words.h"

#define MAX_ERRNO 4095
#define MAX_SYSCALL 1024	/* numbers, all of them below it */

int texts_add(struct texts *texts, const char *text)
{
	char **more, *copy;

	copy = strdup(text);
	more = copy ? reallocarray(texts->v, texts->n + 1, sizeof(*more)) : NULL;
	if (!more) {
		free(copy);
		return -ENOMEM;
	}
	texts->v = more;
	texts->v[texts->n++] = copy;
	return 0;
}

int texts_copy(struct texts *to, char *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (texts_add(to, v[i]))
			return -ENOMEM;
	return 0;
}

void texts_clear(struct texts *texts)
{
	for (size_t i = 0; i < texts->n; i++)
		free(texts->v[i]);
	free(texts->v);
	*texts = (struct texts){ 0 };
}

bool texts_have(const struct texts *texts, const char *text)
{
	for (size_t i = 0; i < texts->n; i++)
		if (!strcmp(texts->v[i], text))
			return true;
	return false;
}

int number_parse(const char *text, uint64_t *out)
{
	bool minus = text[0] == '-';
	unsigned long long value;
	char *end;

	text += minus;
	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || *end || (minus && value > (uint64_t)INT64_MAX + 1))
		return -EINVAL;
	*out = minus ? 0 - (uint64_t)value : value;
	return 0;
}

int number_parse_signed(const char *text, int64_t *out)
{
	uint64_t value;

	if (number_parse(text, &value) || (text[0] != '-' && value > INT64_MAX))
		return -EINVAL;
	*out = (int64_t)value;
	return 0;
}

/* The C library gives one name for each number; these have two. */
static const struct {
	const char *name;
	int number;
} other_errnos[] = {
	{ "EWOULDBLOCK", EWOULDBLOCK },
	{ "EDEADLOCK", EDEADLOCK },
	{ "ENOTSUP", ENOTSUP },
	{ "EOPNOTSUPP", EOPNOTSUPP },
};
#define OTHER_ERRNOS (sizeof(other_errnos) / sizeof(other_errnos[0]))

int errno_by_name(const char *name)
{
	for (size_t i = 0; i < OTHER_ERRNOS; i++)
		if (!strcmp(other_errnos[i].name, name))
			return other_errnos[i].number;
	for (int number = 1; number <= MAX_ERRNO; number++) {
		const char *known = strerrorname_np(number);

		if (known && !strcmp(known, name))
			return number;
	}
	return -EINVAL;
}

void errno_nearest(struct nearest *nearest)
{
	for (size_t i = 0; i < OTHER_ERRNOS; i++)
		nearest_try(nearest, other_errnos[i].name);
	for (int number = 1; number <= MAX_ERRNO; number++)
		if (strerrorname_np(number))
			nearest_try(nearest, strerrorname_np(number));
}

int errno_parse(const char *text)
{
	uint64_t number;

	if (number_parse(text, &number))
		return errno_by_name(text);
	return number >= 1 && number <= MAX_ERRNO ? (int)number : -EINVAL;
}

uint32_t classes_by_name(const char *name)
{
	int class;

	if (!strcmp(name, "any"))
		return CLASSES_ALL;
	if (!strcmp(name, "any-path"))
		return CLASSES_PATH;
	if (!strcmp(name, "any-address"))
		return CLASSES_ADDRESS;
	class = pm_class_by_name(name);
	return class < 0 ? 0 : PM_BIT(class);
}

void classes_list(char *out, size_t size)
{
	size_t len = 0;

	for (int class = 0; class < PM_NCLASSES && len < size; class++)
		len += (size_t)snprintf(out + len, size - len, "%s, ",
					pm_class_name((enum pm_class)class));
	if (len < size)
		snprintf(out + len, size - len, "any-path, any-address, any");
}

void classes_hint(const char *name, char *out, size_t size)
{
	uint32_t classes = pm_syscall_classes(name);
	struct nearest nearest = { .word = name };
	size_t len = 0;

	if (!classes) {
		for (int class = 0; class < PM_NCLASSES; class++)
			nearest_try(&nearest, pm_class_name((enum pm_class)class));
		nearest_try(&nearest, "any-path");
		nearest_try(&nearest, "any-address");
		snprintf(out, size, "%s", nearest_hint(&nearest));
		return;
	}
	len = (size_t)snprintf(out, size, "; the call %s is of ", name);
	for (int class = 0; class < PM_NCLASSES && len < size; class++) {
		if (!(classes & PM_BIT(class)))
			continue;
		classes &= ~PM_BIT(class);
		len += (size_t)snprintf(out + len, size - len, "%s%s",
					pm_class_name((enum pm_class)class), classes ? ", " : "");
	}
}

static const uint32_t tables[] = {
#if defined(__x86_64__)
	AUDIT_ARCH_X86_64, AUDIT_ARCH_I386,
#elif defined(__i386__)
	AUDIT_ARCH_I386,
#elif defined(__aarch64__)
	AUDIT_ARCH_AARCH64, AUDIT_ARCH_ARM,
#elif defined(__riscv) && __riscv_xlen == 64
	AUDIT_ARCH_RISCV64,
#endif
};

static bool syscall_known(const char *name)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		if (pm_syscall_number(tables[i], name) >= 0)
			return true;
	return false;
}

void syscall_nearest(struct nearest *nearest)
{
	if (syscall_known(nearest->word))
		return;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		for (int nr = 0; nr < MAX_SYSCALL; nr++) {
			const char *name = pm_syscall_name(tables[i], nr);

			if (name)
				nearest_try(nearest, name);
		}
	}
}

const char *syscall_flaw(const char *name)
{
	if (!syscall_known(name))
		return "is no system call of this machine";
	/* lib/unpack.c: it is taken apart before anything is decided. */
	if (!strcmp(name, "socketcall"))
		return "is decided on as the call that it makes, expected one such as connect";
	return NULL;
}

bool syscall_owns_registers(const char *name)
{
	static const char *const owners[] = { "rt_sigreturn", "sigreturn", "restart_syscall" };

	for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++)
		if (!strcmp(owners[i], name))
			return true;
	return false;
}

/* An odd number of backslashes at the end: fnmatch(3) looks for a character after the last. */
static bool ends_in_escape(const char *part, size_t len)
{
	size_t n = 0;

	while (n < len && part[len - 1 - n] == '\\')
		n++;
	return n & 1;
}

const char *glob_flaw(const char *text, bool canonical)
{
	size_t len = 0, at = 0;

	/* The directory before what is special is cleaned, see glob_directory(). */
	if (canonical) {
		for (size_t i = 0; i < strcspn(text, "*?[\\"); i++)
			if (text[i] == '/')
				at = i;
		if (!strcmp(text, "/"))
			return NULL;
		at++;
	}
	for (;; at += len + 1) {
		len = strcspn(text + at, "/");
		if (ends_in_escape(text + at, len))
			return "a backslash with nothing after it";
		if (canonical && (!len || !strncmp(text + at, ".", len) ||
				  !strncmp(text + at, "..", len)))
			return "a component that is empty, '.' or '..'";
		if (!text[at + len])
			return NULL;
	}
}
