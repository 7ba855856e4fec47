/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shapes.h"

#include <errno.h>
#include <linux/audit.h>
#include <string.h>

#include "numbers.h"

static const char *const owners[] = {
	"rt_sigreturn", "sigreturn", "restart_syscall", "uretprobe", "uprobe",
};

/* What socketcall(2) becomes, see unpack.c; and the old mmap. */
static const char *const socketcalls[] = {
	"socket", "bind", "connect", "listen", "accept4", "getsockname", "getpeername",
	"socketpair", "sendto", "recvfrom", "shutdown", "setsockopt", "getsockopt", "sendmsg",
	"recvmsg", "recvmmsg", "sendmmsg", NULL,
};
static const char *const old_mmap[] = { "mmap2", NULL };

static int table_of(uint32_t arch)
{
	return arch == AUDIT_ARCH_X86_64 ? WIDE_TABLE : arch == AUDIT_ARCH_I386 ? NARROW_TABLE : -1;
}

const struct number *number_find(uint32_t arch, int nr)
{
	int table = table_of(arch);

	return table < 0 || nr < 0 || nr >= NUMBERS ? NULL : &pm_numbers[table][nr];
}

static const char *number_name(const struct number *number)
{
	if (number->entry)
		return pm_sysents[number->entry - 1].name;
	return number->quiet ? pm_quiet_names[number->quiet - 1] : NULL;
}

const struct pm_sysent *pm_sysent_find(uint32_t arch, int nr)
{
	const struct number *number = number_find(arch, nr);

	return number && number->entry ? &pm_sysents[number->entry - 1] : NULL;
}

bool pm_syscall_names_nothing(uint32_t arch, int nr)
{
	const struct number *number = number_find(arch, nr);

	return number && number->quiet;
}

const char *pm_syscall_name(uint32_t arch, int nr)
{
	const struct number *number = number_find(arch, nr);

	return number ? number_name(number) : NULL;
}

int pm_syscall_number(uint32_t arch, const char *name)
{
	int table = table_of(arch);
	size_t low = 0, high;

	if (table < 0)
		return -ENOENT;
	high = pm_numbers_known[table];
	while (low < high) {
		size_t middle = (low + high) / 2;
		int nr = pm_numbers_by_name[table][middle];
		int order = strcmp(name, number_name(&pm_numbers[table][nr]));

		if (!order)
			return nr;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return -ENOENT;
}

int pm_syscall_max(uint32_t arch)
{
	return table_of(arch) < 0 ? -1 : NUMBERS - 1;
}

const struct pm_sysent *pm_sysent_next(uint32_t arch, int *nr)
{
	for (; *nr < NUMBERS; (*nr)++) {
		const struct pm_sysent *ent = pm_sysent_find(arch, *nr);

		if (ent)
			return ent;
	}
	return NULL;
}

/* The first of that name. */
static const struct pm_sysent *entry_by_name(const char *name)
{
	size_t low = 0, high = pm_entries_named;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct pm_sysent *ent = &pm_sysents[pm_entries_by_name[middle]];
		int order = strcmp(name, ent->name);

		if (!order)
			return ent;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

uint32_t pm_sysent_classes(const struct pm_sysent *ent)
{
	uint32_t classes = 0;

	PM_SHAPE_EACH(ent, shape)
		classes |= shape->classes;
	return classes;
}

uint32_t pm_syscall_classes(const char *name)
{
	return pm_sysent_classes(entry_by_name(name));
}

const char *pm_syscall_stands_for(uint32_t arch, int nr, unsigned int i)
{
	const char *name = pm_syscall_name(arch, nr);
	const char *const *names = NULL;

	if (arch != AUDIT_ARCH_I386 || !name)
		return NULL;
	if (!strcmp(name, "socketcall"))
		names = socketcalls;
	else if (!strcmp(name, "mmap"))
		names = old_mmap;
	for (; names && *names && i; i--)
		names++;
	return names ? *names : NULL;
}

bool pm_syscall_owns_registers(uint32_t arch, int nr)
{
	const char *name = pm_syscall_name(arch, nr);

	for (size_t i = 0; name && i < sizeof(owners) / sizeof(owners[0]); i++)
		if (!strcmp(owners[i], name))
			return true;
	return false;
}

enum pm_arg_kind pm_sysent_arg(const struct pm_sysent *ent, unsigned int arg,
			       const struct pm_shape **shape)
{
	PM_SHAPE_EACH(ent, at) {
		enum pm_arg_kind kind = PM_ARG_PLAIN;

		if (at->arg == arg)
			kind = PM_ARG_SHAPE;
		else if (at->dirfd == PM_REG(arg))
			kind = PM_ARG_DIRFD;
		else if (at->len == PM_REG(arg))
			kind = PM_ARG_LENGTH;
		else if (at->flags == PM_REG(arg))
			kind = PM_ARG_FLAGS;
		if (kind == PM_ARG_PLAIN)
			continue;
		if (shape)
			*shape = at;
		return kind;
	}
	return PM_ARG_PLAIN;
}
