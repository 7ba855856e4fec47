/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of shapes against the kernel headers of this machine, and spot checks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/audit.h>

#include "known.h"
#include "shapes.h"

#ifndef UNISTD_64_H
#define UNISTD_64_H "asm/unistd_64.h"
#define UNISTD_32_H "asm/unistd_32.h"
#define UNISTD_X32_H "asm/unistd_x32.h"
#endif

static const uint32_t arches[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386 };

/* The header as <asm/...> would be found. */
static FILE *open_header(const char *name)
{
	static const char *const dirs[] = { "/usr/include/x86_64-linux-gnu", "/usr/include",
					    "/usr/include/i386-linux-gnu" };
	char path[256];

	if (*name == '/')
		return fopen(name, "r");
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		FILE *file;

		snprintf(path, sizeof(path), "%s/%s", dirs[i], name);
		file = fopen(path, "r");
		if (file)
			return file;
	}
	return NULL;
}

/* Every number of the header is in the table or names nothing, and is known by its name. */
static void check_header(uint32_t arch, const char *header)
{
	FILE *file = open_header(header);
	char line[256], name[128];
	unsigned int seen = 0, wrong = 0;
	int nr;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		const char *known;
		bool entry, quiet;

		if (sscanf(line, "#define __NR_%127s %d", name, &nr) != 2)
			continue;
		seen++;
		known = pm_syscall_name(arch, nr);
		entry = pm_sysent_find(arch, nr) != NULL;
		quiet = pm_syscall_names_nothing(arch, nr);
		if (entry != quiet && known && !strcmp(known, name) &&
		    pm_syscall_number(arch, name) == nr)
			continue;
		print_error("%s: %s (%d): %s\n", header, name, nr,
			    entry && quiet ? "in the table, and said to name nothing" :
			    entry || quiet ? "known by another name" : "unknown");
		wrong++;
	}
	fclose(file);
	assert_true(seen > 300);
	assert_int_equal(wrong, 0);
}

static void test_headers_64(void **state)
{
	(void)state;
	check_header(AUDIT_ARCH_X86_64, UNISTD_64_H);
}

static void test_headers_32(void **state)
{
	(void)state;
	check_header(AUDIT_ARCH_I386, UNISTD_32_H);
}

/* The x32 table is none of ours: every number of it is unknown, and refused. */
static void test_headers_x32(void **state)
{
	FILE *file = open_header(UNISTD_X32_H);
	char line[256], name[128];
	unsigned int seen = 0;
	int nr;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "#define __NR_%127s (__X32_SYSCALL_BIT + %d)", name, &nr) != 2)
			continue;
		seen++;
		nr |= 0x40000000;
		assert_null(pm_syscall_name(AUDIT_ARCH_X86_64, nr));
		assert_null(pm_sysent_find(AUDIT_ARCH_X86_64, nr));
		assert_false(pm_syscall_names_nothing(AUDIT_ARCH_X86_64, nr));
	}
	fclose(file);
	assert_true(seen > 300);
}

/*
 * From pidfd_send_signal on numbers are the same in all tables and without a
 * gap, up to the newest, whatever headers this machine has.
 */
static void test_no_gaps(void **state)
{
	(void)state;
	for (size_t a = 0; a < 2; a++)
		for (int nr = 424; nr <= pm_syscall_max(arches[a]); nr++) {
			const char *name = pm_syscall_name(arches[a], nr);

			assert_non_null(name);
			assert_true((pm_sysent_find(arches[a], nr) != NULL) !=
				    pm_syscall_names_nothing(arches[a], nr));
			assert_string_equal(name, pm_syscall_name(arches[!a], nr));
		}
}

/* What headers of today have and those of this machine may not. */
static void test_newest(void **state)
{
	static const char *const names[] = { "setxattrat", "getxattrat", "listxattrat",
					     "removexattrat", "open_tree_attr", "file_getattr",
					     "file_setattr" };

	(void)state;
	for (size_t a = 0; a < 2; a++) {
		for (size_t i = 0; i < 7; i++) {
			assert_int_equal(pm_syscall_number(arches[a], names[i]), 463 + (int)i);
			assert_non_null(pm_sysent_find(arches[a], 463 + (int)i));
		}
		assert_int_equal(pm_syscall_number(arches[a], "mseal"), 462);
		assert_int_equal(pm_syscall_max(arches[a]), 469);
		assert_null(pm_syscall_name(arches[a], 470));
		assert_null(pm_sysent_find(arches[a], 470));
		assert_false(pm_syscall_names_nothing(arches[a], 470));
		assert_false(pm_syscall_names_nothing(arches[a], -1));
	}
	assert_string_equal(pm_syscall_name(AUDIT_ARCH_X86_64, 335), "uretprobe");
	assert_null(pm_syscall_name(AUDIT_ARCH_I386, 222));
	assert_int_equal(pm_syscall_max(AUDIT_ARCH_AARCH64), -1);
	assert_null(pm_syscall_name(AUDIT_ARCH_AARCH64, 1));
	assert_int_equal(pm_syscall_number(AUDIT_ARCH_AARCH64, "open"), -ENOENT);
	assert_int_equal(pm_syscall_number(AUDIT_ARCH_X86_64, "nonesuch"), -ENOENT);
	assert_int_equal(pm_syscall_number(AUDIT_ARCH_X86_64, "socketcall"), -ENOENT);
	/* An x32 number is in no table. */
	assert_null(pm_syscall_name(AUDIT_ARCH_X86_64, 0x40000000 | 2));
}

/* Each name is in one of the two lists, once (but for a shape per architecture). */
static void test_lists_are_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < pm_quiet_names_count; i++) {
		for (size_t j = 0; j < pm_sysents_count; j++)
			assert_string_not_equal(pm_quiet_names[i], pm_sysents[j].name);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(pm_quiet_names[i], pm_quiet_names[j]);
	}
	for (size_t i = 0; i < pm_sysents_count; i++)
		for (size_t j = 0; j < i; j++)
			if (pm_sysents[i].arch == pm_sysents[j].arch)
				assert_string_not_equal(pm_sysents[i].name, pm_sysents[j].name);
}

static void assert_ended(const char *text, size_t size)
{
	if (!memchr(text, '\0', size))
		fail_msg("'%.*s' leaves no room for its end", (int)size, text);
}

/* A compiler takes a text that fills its array, without the NUL at its end. */
static void test_texts_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < pm_quiet_names_count; i++)
		assert_ended(pm_quiet_names[i], sizeof(pm_quiet_names[i]));
	for (size_t i = 0; i < pm_known_count; i++)
		assert_ended(pm_known[i].name, sizeof(pm_known[i].name));
	for (size_t i = 0; i < pm_sysents_count; i++) {
		assert_ended(pm_sysents[i].name, sizeof(pm_sysents[i].name));
		PM_SHAPE_EACH(&pm_sysents[i], shape)
			assert_ended(shape->role, sizeof(shape->role));
	}
}

/* Every name of both lists is a number somewhere. */
static void test_names_are_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < pm_sysents_count; i++) {
		const char *name = pm_sysents[i].name;

		if (pm_syscall_number(AUDIT_ARCH_X86_64, name) < 0 &&
		    pm_syscall_number(AUDIT_ARCH_I386, name) < 0)
			fail_msg("%s has no number", name);
	}
	for (size_t i = 0; i < pm_quiet_names_count; i++) {
		const char *name = pm_quiet_names[i];

		if (pm_syscall_number(AUDIT_ARCH_X86_64, name) < 0 &&
		    pm_syscall_number(AUDIT_ARCH_I386, name) < 0)
			fail_msg("%s has no number", name);
	}
}

/* What every line of the table has to obey. */
static void test_shapes_are_sound(void **state)
{
	(void)state;
	for (size_t i = 0; i < pm_sysents_count; i++) {
		PM_SHAPE_EACH(&pm_sysents[i], shape) {
			assert_non_null(shape->role);
			assert_true(shape->arg < 6);
			assert_true(shape->dirfd <= 6 && shape->len <= 6 && shape->flags <= 6);
			assert_true(shape->dirfd != PM_REG(shape->arg));
			assert_true(shape->classes < PM_BIT(PM_NCLASSES));
			if (shape->kind == PM_SHAPE_STRING)
				assert_true(shape->limit && shape->limit <= 4096 &&
					    shape->too_long);
			if (shape->kind == PM_SHAPE_BLOCK)
				assert_true(shape->len && shape->least &&
					    shape->limit >= shape->least);
			if (shape->kind == PM_SHAPE_SOCKADDR || shape->kind == PM_SHAPE_MMSGHDR)
				assert_true(shape->len);
			if (shape->kind == PM_SHAPE_PATH)
				assert_true(shape->classes);
		}
	}
}

static void test_iterator(void **state)
{
	(void)state;
	for (size_t a = 0; a < 2; a++) {
		const struct pm_sysent *ent;
		int nr = 0, last = -1;
		size_t count = 0;

		for (; (ent = pm_sysent_next(arches[a], &nr)); nr++) {
			assert_true(nr > last);
			assert_ptr_equal(ent, pm_sysent_find(arches[a], nr));
			assert_string_equal(ent->name, pm_syscall_name(arches[a], nr));
			last = nr;
			count++;
		}
		assert_true(count > 90);
	}
}

/* One call of each class, and the kind of what it holds. */
static void test_class_spots(void **state)
{
	static const struct {
		const char *name;
		uint32_t classes;
		unsigned int kind, arg;
	} spots[] = {
		{ "openat", PM_BIT(PM_CLASS_OPEN_READ) | PM_BIT(PM_CLASS_OPEN_WRITE) |
		  PM_BIT(PM_CLASS_CREATE), PM_SHAPE_PATH, 1 },
		{ "truncate", PM_BIT(PM_CLASS_OPEN_WRITE), PM_SHAPE_PATH, 0 },
		{ "mkdirat", PM_BIT(PM_CLASS_CREATE), PM_SHAPE_PATH, 1 },
		{ "unlinkat", PM_BIT(PM_CLASS_REMOVE), PM_SHAPE_PATH, 1 },
		{ "rename", PM_BIT(PM_CLASS_RENAME), PM_SHAPE_PATH, 1 },
		{ "linkat", PM_BIT(PM_CLASS_LINK) | PM_BIT(PM_CLASS_CREATE), PM_SHAPE_PATH, 1 },
		{ "statx", PM_BIT(PM_CLASS_METADATA), PM_SHAPE_PATH, 1 },
		{ "fchmodat2", PM_BIT(PM_CLASS_SET_METADATA), PM_SHAPE_PATH, 1 },
		{ "execve", PM_BIT(PM_CLASS_EXEC), PM_SHAPE_STRV, 1 },
		{ "chdir", PM_BIT(PM_CLASS_CHDIR), PM_SHAPE_PATH, 0 },
		{ "pivot_root", PM_BIT(PM_CLASS_CHROOT), PM_SHAPE_PATH, 1 },
		{ "move_mount", PM_BIT(PM_CLASS_MOUNT), PM_SHAPE_PATH, 3 },
		{ "inotify_add_watch", PM_BIT(PM_CLASS_WATCH), PM_SHAPE_PATH, 1 },
		{ "connect", PM_BIT(PM_CLASS_CONNECT), PM_SHAPE_SOCKADDR, 1 },
		{ "bind", PM_BIT(PM_CLASS_BIND), PM_SHAPE_SOCKADDR, 1 },
		{ "sendmsg", PM_BIT(PM_CLASS_SEND) | PM_BIT(PM_CLASS_CONNECT), PM_SHAPE_MSGHDR, 1 },
		{ "swapon", PM_BIT(PM_CLASS_SYSTEM), PM_SHAPE_PATH, 0 },
		{ "mq_open", PM_BIT(PM_CLASS_IPC), PM_SHAPE_STRING, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(spots) / sizeof(spots[0]); i++) {
		for (size_t a = 0; a < 2; a++) {
			int nr = pm_syscall_number(arches[a], spots[i].name);
			const struct pm_shape *shape = NULL;

			assert_int_equal(pm_sysent_arg(pm_sysent_find(arches[a], nr),
						       spots[i].arg, &shape), PM_ARG_SHAPE);
			assert_int_equal(shape->kind, spots[i].kind);
		}
		assert_int_equal(pm_syscall_classes(spots[i].name), spots[i].classes);
	}
	assert_int_equal(pm_syscall_classes("getpid"), 0);
	assert_int_equal(pm_syscall_classes("io_uring_setup"), 0);
	assert_int_equal(pm_syscall_classes("nonesuch"), 0);
	assert_int_equal(pm_syscall_classes("socketcall"), PM_BIT(PM_CLASS_CONNECT) |
			 PM_BIT(PM_CLASS_BIND) | PM_BIT(PM_CLASS_SEND));
}

static void test_arguments(void **state)
{
	const struct pm_sysent *ent = pm_sysent_find(AUDIT_ARCH_X86_64, 257);	/* openat */
	const struct pm_shape *shape = NULL;

	(void)state;
	assert_int_equal(pm_sysent_arg(ent, 0, &shape), PM_ARG_DIRFD);
	assert_int_equal(pm_sysent_arg(ent, 1, NULL), PM_ARG_SHAPE);
	assert_int_equal(pm_sysent_arg(ent, 2, NULL), PM_ARG_FLAGS);
	assert_int_equal(pm_sysent_arg(ent, 3, NULL), PM_ARG_PLAIN);
	assert_string_equal(shape->role, "pathname");
	ent = pm_sysent_find(AUDIT_ARCH_X86_64, 42);	/* connect */
	assert_int_equal(pm_sysent_arg(ent, 2, NULL), PM_ARG_LENGTH);
	/* The mark of fanotify takes two registers in the 32-bit table. */
	assert_int_equal(pm_sysent_arg(pm_sysent_find(AUDIT_ARCH_X86_64, 301), 4, NULL),
			 PM_ARG_SHAPE);
	assert_int_equal(pm_sysent_arg(pm_sysent_find(AUDIT_ARCH_I386, 339), 5, NULL),
			 PM_ARG_SHAPE);
}

static void test_multiplexers(void **state)
{
	unsigned int i = 0;
	const char *name;

	(void)state;
	for (; (name = pm_syscall_stands_for(AUDIT_ARCH_I386, 102, i)); i++)
		assert_true(pm_syscall_number(AUDIT_ARCH_I386, name) >= 0);
	assert_int_equal(i, 17);
	assert_string_equal(pm_syscall_stands_for(AUDIT_ARCH_I386, 90, 0), "mmap2");
	assert_null(pm_syscall_stands_for(AUDIT_ARCH_I386, 90, 1));
	assert_null(pm_syscall_stands_for(AUDIT_ARCH_X86_64, 9, 0));
	assert_null(pm_syscall_stands_for(AUDIT_ARCH_I386, 5, 0));
	assert_null(pm_syscall_stands_for(AUDIT_ARCH_I386, 5000, 0));
}

static void test_owners(void **state)
{
	(void)state;
	assert_true(pm_syscall_owns_registers(AUDIT_ARCH_X86_64, 15));
	assert_true(pm_syscall_owns_registers(AUDIT_ARCH_X86_64, 219));
	assert_true(pm_syscall_owns_registers(AUDIT_ARCH_X86_64, 335));
	assert_true(pm_syscall_owns_registers(AUDIT_ARCH_X86_64, 336));
	assert_true(pm_syscall_owns_registers(AUDIT_ARCH_I386, 0));
	assert_true(pm_syscall_owns_registers(AUDIT_ARCH_I386, 119));
	assert_true(pm_syscall_owns_registers(AUDIT_ARCH_I386, 173));
	assert_false(pm_syscall_owns_registers(AUDIT_ARCH_X86_64, 0));
}

static void test_class_names(void **state)
{
	(void)state;
	for (int class = 0; class < PM_NCLASSES; class++)
		assert_int_equal(pm_class_by_name(pm_class_name(class)), class);
	assert_string_equal(pm_class_name(PM_CLASS_SET_METADATA), "set-metadata");
	assert_null(pm_class_name(PM_NCLASSES));
	assert_int_equal(pm_class_by_name("nonesuch"), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers_64),
		cmocka_unit_test(test_headers_32),
		cmocka_unit_test(test_headers_x32),
		cmocka_unit_test(test_no_gaps),
		cmocka_unit_test(test_newest),
		cmocka_unit_test(test_lists_are_apart),
		cmocka_unit_test(test_texts_end),
		cmocka_unit_test(test_names_are_numbers),
		cmocka_unit_test(test_shapes_are_sound),
		cmocka_unit_test(test_iterator),
		cmocka_unit_test(test_class_spots),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_multiplexers),
		cmocka_unit_test(test_owners),
		cmocka_unit_test(test_class_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
