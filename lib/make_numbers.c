/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes numbers.c, see numbers.h.  Runs on the machine that builds. */
#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "known.h"
#include "numbers.h"
#include "shapes.h"

static struct number found[TABLES][NUMBERS];

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

/* The first that fits, in the order of the table. */
static uint16_t find_entry(uint32_t arch, const char *name)
{
	for (size_t i = 0; i < pm_sysents_count; i++)
		if (!strcmp(pm_sysents[i].name, name) &&
		    (!pm_sysents[i].arch || pm_sysents[i].arch == arch))
			return (uint16_t)(i + 1);
	return 0;
}

static uint16_t find_quiet(const char *name)
{
	for (size_t i = 0; i < pm_quiet_names_count; i++)
		if (!strcmp(pm_quiet_names[i], name))
			return (uint16_t)(i + 1);
	return 0;
}

static uint16_t find_known(const char *name)
{
	for (size_t i = 0; i < pm_known_count; i++)
		if (!strcmp(pm_known[i].name, name))
			return (uint16_t)(i + 1);
	return 0;
}

static void find_number(enum table table, uint32_t arch, int nr, const char *name)
{
	struct number number = { find_entry(arch, name), find_quiet(name), find_known(name) };

	if (number.entry || number.quiet)
		found[table][nr] = number;
}

static void find_numbers(enum table table, uint32_t arch, uint32_t seccomp_arch)
{
	for (int nr = 0; nr < NUMBERS; nr++) {
		char *name = seccomp_syscall_resolve_num_arch(seccomp_arch, nr);

		if (name)
			find_number(table, arch, nr, name);
		free(name);
	}
	for (size_t i = 0; i < sizeof(newest) / sizeof(newest[0]); i++)
		if (!newest[i].arch || newest[i].arch == arch)
			find_number(table, arch, newest[i].nr, newest[i].name);
}

/* As what is sorted is ordered, which is no argument of qsort(3)'s. */
static enum table sorted;

static const char *number_name(uint16_t nr)
{
	const struct number *number = &found[sorted][nr];

	return number->entry ? pm_sysents[number->entry - 1].name :
			       pm_quiet_names[number->quiet - 1];
}

static int order_numbers(const void *a, const void *b)
{
	const uint16_t *one = a, *other = b;

	return strcmp(number_name(*one), number_name(*other));
}

static int order_entries(const void *a, const void *b)
{
	const uint16_t *one = a, *other = b;

	return strcmp(pm_sysents[*one].name, pm_sysents[*other].name);
}

static void write_places(const uint16_t *places, size_t count)
{
	for (size_t i = 0; i < count; i++)
		printf("%s%u,", i % 16 ? " " : "\n\t\t", places[i]);
}

static void write_numbers(void)
{
	printf("const struct number pm_numbers[TABLES][NUMBERS] = {\n");
	for (int table = 0; table < TABLES; table++) {
		printf("\t{");
		for (int nr = 0; nr < NUMBERS; nr++)
			printf("%s{ %u, %u, %u },", nr % 8 ? " " : "\n\t\t",
			       found[table][nr].entry, found[table][nr].quiet,
			       found[table][nr].known);
		printf("\n\t},\n");
	}
	printf("};\n\n");
}

static void write_by_name(void)
{
	uint16_t places[NUMBERS];
	size_t known[TABLES];

	printf("const uint16_t pm_numbers_by_name[TABLES][NUMBERS] = {\n");
	for (int table = 0; table < TABLES; table++) {
		known[table] = 0;
		for (int nr = 0; nr < NUMBERS; nr++)
			if (found[table][nr].entry || found[table][nr].quiet)
				places[known[table]++] = (uint16_t)nr;
		sorted = (enum table)table;
		qsort(places, known[table], sizeof(places[0]), order_numbers);
		printf("\t{");
		write_places(places, known[table]);
		printf("\n\t},\n");
	}
	printf("};\n\nconst size_t pm_numbers_known[TABLES] = { %zu, %zu };\n\n", known[WIDE_TABLE],
	       known[NARROW_TABLE]);
}

static int write_entries(void)
{
	uint16_t *places = calloc(pm_sysents_count, sizeof(*places));
	size_t count = 0;

	if (!places)
		return -ENOMEM;
	for (size_t i = 0; i < pm_sysents_count; i++) {
		size_t before = 0;

		while (before < count &&
		       strcmp(pm_sysents[places[before]].name, pm_sysents[i].name))
			before++;
		if (before == count)
			places[count++] = (uint16_t)i;
	}
	qsort(places, count, sizeof(*places), order_entries);
	printf("const uint16_t pm_entries_by_name[] = {");
	write_places(places, count);
	printf("\n};\n\nconst size_t pm_entries_named = %zu;\n", count);
	free(places);
	return 0;
}

int main(void)
{
	find_numbers(WIDE_TABLE, AUDIT_ARCH_X86_64, SCMP_ARCH_X86_64);
	find_numbers(NARROW_TABLE, AUDIT_ARCH_I386, SCMP_ARCH_X86);
	printf("/* SPDX-License-Identifier: LGPL-2.1-or-later */\n"
	       "/* Made by make_numbers.c. */\n#include \"numbers.h\"\n\n");
	write_numbers();
	write_by_name();
	return write_entries() || fflush(stdout) || ferror(stdout);
}
