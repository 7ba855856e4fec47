/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shapes.h"

#include <errno.h>
#include <linux/audit.h>
#include <pthread.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#define NUMBERS 470	/* one more than the newest call known here, file_setattr */

enum table { WIDE, NARROW, TABLES };

/* What is known of one number. */
struct number {
	const char *name;		/* NULL: nothing */
	const struct pm_sysent *ent;
	bool quiet;
};

/* Made once from the tables, constant from then on. */
struct index {
	struct number numbers[NUMBERS];
	uint16_t by_name[NUMBERS];	/* the known numbers in the order of their names */
	size_t known;
};

static struct index indices[TABLES];
/* In the order of their names; none without a number in one of the tables. */
static const struct pm_sysent *entries[NUMBERS * TABLES];
static const char *quiets[NUMBERS * TABLES];
static pthread_once_t indices_made = PTHREAD_ONCE_INIT;

/*
 * Numbers that libseccomp may be too old to know.  From 424 on they are the
 * same in all tables.
 */
static const struct {
	int nr;
	uint32_t arch;		/* 0: all */
	const char *name;
} newest[] = {
	{ 335, AUDIT_ARCH_X86_64, "uretprobe" },
	{ 336, AUDIT_ARCH_X86_64, "uprobe" },
	{ 443, 0, "quotactl_fd" },
	{ 444, 0, "landlock_create_ruleset" },
	{ 445, 0, "landlock_add_rule" },
	{ 446, 0, "landlock_restrict_self" },
	{ 447, 0, "memfd_secret" },
	{ 448, 0, "process_mrelease" },
	{ 449, 0, "futex_waitv" },
	{ 450, 0, "set_mempolicy_home_node" },
	{ 451, 0, "cachestat" },
	{ 452, 0, "fchmodat2" },
	{ 453, 0, "map_shadow_stack" },
	{ 454, 0, "futex_wake" },
	{ 455, 0, "futex_wait" },
	{ 456, 0, "futex_requeue" },
	{ 457, 0, "statmount" },
	{ 458, 0, "listmount" },
	{ 459, 0, "lsm_get_self_attr" },
	{ 460, 0, "lsm_set_self_attr" },
	{ 461, 0, "lsm_list_modules" },
	{ 462, 0, "mseal" },
	{ 463, 0, "setxattrat" },
	{ 464, 0, "getxattrat" },
	{ 465, 0, "listxattrat" },
	{ 466, 0, "removexattrat" },
	{ 467, 0, "open_tree_attr" },
	{ 468, 0, "file_getattr" },
	{ 469, 0, "file_setattr" },
};

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
	return arch == AUDIT_ARCH_X86_64 ? WIDE : arch == AUDIT_ARCH_I386 ? NARROW : -1;
}

/* The order of names; entries of one name stay in the order of the table. */
static int order_entries(const void *a, const void *b)
{
	const struct pm_sysent *const *one = a, *const *other = b;
	int order = strcmp((*one)->name, (*other)->name);

	return order ? order : (*one > *other) - (*one < *other);
}

static int order_names(const void *a, const void *b)
{
	const char *const *one = a, *const *other = b;

	return strcmp(*one, *other);
}

/* As the numbers of a table are ordered, which is no argument of qsort(3)'s. */
static const struct number *ordered;

static int order_numbers(const void *a, const void *b)
{
	const uint16_t *one = a, *other = b;

	return strcmp(ordered[*one].name, ordered[*other].name);
}

static void sort_names(void)
{
	for (size_t i = 0; i < pm_sysents_count; i++)
		entries[i] = &pm_sysents[i];
	qsort(entries, pm_sysents_count, sizeof(*entries), order_entries);
	memcpy(quiets, pm_quiet_names, pm_quiet_names_count * sizeof(*quiets));
	qsort(quiets, pm_quiet_names_count, sizeof(*quiets), order_names);
}

static const struct pm_sysent *entry_by_name(uint32_t arch, const char *name)
{
	size_t low = 0, high = pm_sysents_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (strcmp(entries[middle]->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < pm_sysents_count && !strcmp(entries[low]->name, name); low++)
		if (!entries[low]->arch || !arch || entries[low]->arch == arch)
			return entries[low];
	return NULL;
}

static const char *quiet_by_name(const char *name)
{
	const char *const *found = bsearch(&name, quiets, pm_quiet_names_count, sizeof(*quiets),
					   order_names);

	return found ? *found : NULL;
}

/* Name a number, where one of the tables has the name. */
static void index_number(struct index *index, uint32_t arch, int nr, const char *name)
{
	struct number *number = &index->numbers[nr];
	const struct pm_sysent *ent = entry_by_name(arch, name);
	const char *quiet = quiet_by_name(name);

	if (ent || quiet)
		*number = (struct number){ ent ? ent->name : quiet, ent, quiet != NULL };
}

static void index_table(struct index *index, uint32_t arch, uint32_t seccomp_arch)
{
	for (int nr = 0; nr < NUMBERS; nr++) {
		char *name = seccomp_syscall_resolve_num_arch(seccomp_arch, nr);

		if (name)
			index_number(index, arch, nr, name);
		free(name);
	}
	for (size_t i = 0; i < sizeof(newest) / sizeof(newest[0]); i++)
		if (!newest[i].arch || newest[i].arch == arch)
			index_number(index, arch, newest[i].nr, newest[i].name);
	for (int nr = 0; nr < NUMBERS; nr++)
		if (index->numbers[nr].name)
			index->by_name[index->known++] = (uint16_t)nr;
	ordered = index->numbers;
	qsort(index->by_name, index->known, sizeof(*index->by_name), order_numbers);
}

static void make_indices(void)
{
	sort_names();
	index_table(&indices[WIDE], AUDIT_ARCH_X86_64, SCMP_ARCH_X86_64);
	index_table(&indices[NARROW], AUDIT_ARCH_I386, SCMP_ARCH_X86);
}

static const struct number *number_find(uint32_t arch, int nr)
{
	int table = table_of(arch);

	if (table < 0 || nr < 0 || nr >= NUMBERS)
		return NULL;
	pthread_once(&indices_made, make_indices);
	return &indices[table].numbers[nr];
}

const struct pm_sysent *pm_sysent_find(uint32_t arch, int nr)
{
	const struct number *number = number_find(arch, nr);

	return number ? number->ent : NULL;
}

bool pm_syscall_names_nothing(uint32_t arch, int nr)
{
	const struct number *number = number_find(arch, nr);

	return number && number->quiet;
}

const char *pm_syscall_name(uint32_t arch, int nr)
{
	const struct number *number = number_find(arch, nr);

	return number ? number->name : NULL;
}

int pm_syscall_number(uint32_t arch, const char *name)
{
	int table = table_of(arch);
	size_t low = 0, high;

	if (table < 0)
		return -ENOENT;
	pthread_once(&indices_made, make_indices);
	high = indices[table].known;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int nr = indices[table].by_name[middle];
		int order = strcmp(name, indices[table].numbers[nr].name);

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

uint32_t pm_syscall_classes(const char *name)
{
	const struct pm_sysent *ent;
	uint32_t classes = 0;

	pthread_once(&indices_made, make_indices);
	ent = entry_by_name(0, name);
	PM_SHAPE_EACH(ent, shape)
		classes |= shape->classes;
	return classes;
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
