/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Vectors of strings, and that nothing is read twice. */
#define _GNU_SOURCE
#include "call_steps.h"

/* A vector in memory: pointers at 0x100000, strings from 0x10000000, each of len bytes. */
struct vector {
	void *pointers;
	char *strings;
	struct memory memory;
};

static struct vector make_vector(size_t count, size_t len, size_t width)
{
	struct vector v = { .pointers = calloc(count + 1, width),
			    .strings = malloc(count * (len + 1) + 1) };

	for (size_t i = 0; i < count; i++) {
		uint64_t addr = 0x10000000 + i * (len + 1);

		memcpy((char *)v.pointers + i * width, &addr, width);
		memset(v.strings + i * (len + 1), 'a' + (int)(i % 26), len);
		v.strings[i * (len + 1) + len] = '\0';
	}
	memory_add(&v.memory, 0x100000, v.pointers, (count + 1) * width);
	memory_add(&v.memory, 0x10000000, v.strings, count * (len + 1));
	memory_add(&v.memory, 0x1000, "/bin/true", 10);
	return v;
}

static void free_vector(struct vector *v)
{
	free(v->pointers);
	free(v->strings);
}

static void test_argv(void **state)
{
	struct vector v = make_vector(3, 5, 8);
	struct pm_call call;
	struct pm_item *argv;

	(void)state;
	assert_int_equal(READ(&call, &v.memory, WIDE, "execve", 0x1000, 0x100000, 0), 0);
	assert_int_equal(call.nitems, 3);
	argv = pm_call_item(&call, PM_ITEM_STRV, "argv");
	assert_int_equal(argv->nstr, 3);
	assert_string_equal(argv->strv[0], "aaaaa");
	assert_string_equal(argv->strv[2], "ccccc");
	assert_null(argv->strv[3]);
	assert_int_equal(pm_call_item(&call, PM_ITEM_STRV, "envp")->nstr, 0);
	assert_int_equal(call.items[0].classes, PM_BIT(PM_CLASS_EXEC));
	round_trip(&call);
	pm_call_clear(&call);
	FAILS(-EFAULT, &v.memory, WIDE, "execve", 0x1000, 0x5000, 0);
	/* The vector ends without a NULL, and in a pointer into nothing. */
	v.memory.ranges[0].len = 24;
	FAILS(-EFAULT, &v.memory, WIDE, "execve", 0x1000, 0x100000, 0);
	v.memory.ranges[0].len = 20;
	FAILS(-EFAULT, &v.memory, WIDE, "execve", 0x1000, 0x100000, 0);
	v.memory.ranges[0].len = 32;
	v.memory.ranges[1].len = 17;
	FAILS(-EFAULT, &v.memory, WIDE, "execve", 0x1000, 0x100000, 0);
	free_vector(&v);
	v = make_vector(500, 7, 4);
	assert_int_equal(READ(&call, &v.memory, NARROW, "execveat", 3, 0x1000, 0x100000, 0x100000,
			      AT_EMPTY_PATH), 0);
	assert_int_equal(call.items[1].nstr, 500);
	assert_int_equal(call.items[2].nstr, 500);
	round_trip(&call);
	pm_call_clear(&call);
	free_vector(&v);
}

/* Pointers that are not aligned and lie across pages; the same string many times. */
static void test_argv_odd(void **state)
{
	uint64_t pointers[1100];
	struct memory memory = text_memory(0x1000, "again");
	struct pm_call call;

	(void)state;
	for (size_t i = 0; i < 1099; i++)
		pointers[i] = 0x1000 + i % 6;
	pointers[1099] = 0;
	memory_add(&memory, 0x20ffd, pointers, sizeof(pointers));
	assert_int_equal(READ(&call, &memory, WIDE, "execve", 0x1000, 0x20ffd, 0), 0);
	assert_int_equal(call.items[1].nstr, 1099);
	for (size_t i = 0; i < 1099; i++)
		assert_string_equal(call.items[1].strv[i], &"again"[i % 6]);
	round_trip(&call);
	pm_call_clear(&call);
}

static void test_argv_limits(void **state)
{
	struct vector v = make_vector(1, 131071, 8);
	struct pm_call call;

	(void)state;
	assert_int_equal(READ(&call, &v.memory, WIDE, "execve", 0x1000, 0x100000, 0), 0);
	assert_int_equal(strlen(call.items[1].strv[0]), 131071);
	pm_call_clear(&call);
	free_vector(&v);
	v = make_vector(1, 131072, 8);
	FAILS(-E2BIG, &v.memory, WIDE, "execve", 0x1000, 0x100000, 0);
	free_vector(&v);
	/* 2 MiB in short strings, in few reads. */
	v = make_vector(131072, 16, 8);
	assert_int_equal(READ(&call, &v.memory, WIDE, "execve", 0x1000, 0, 0x100000), 0);
	assert_int_equal(call.items[2].nstr, 131072);
	assert_true(v.memory.reads < 100);
	round_trip(&call);
	pm_call_clear(&call);
	/* Twice that is 6 MiB and a bit, with the pointers. */
	FAILS(-E2BIG, &v.memory, WIDE, "execve", 0x1000, 0x100000, 0x100000);
	free_vector(&v);
	v = make_vector(131072, 40, 8);
	FAILS(-E2BIG, &v.memory, WIDE, "execve", 0x1000, 0x100000, 0);
	free_vector(&v);
	/* Pointers alone. */
	v = make_vector(800000, 0, 4);
	FAILS(-E2BIG, &v.memory, NARROW, "execve", 0x1000, 0x100000, 0);
	free_vector(&v);
	v = make_vector(800000, 0, 8);
	FAILS(-E2BIG, &v.memory, WIDE, "execve", 0x1000, 0x100000, 0);
	free_vector(&v);
}

/* What was read is not read again. */
static void test_once(void **state)
{
	struct vector v = make_vector(2000, 20, 8);
	uint64_t how[3] = { O_CREAT | O_WRONLY, 0600, 8 };
	unsigned char addr[16] = { AF_INET, 0, 1 };
	uint64_t header[7] = { 0x30000, 16, 0x40000, 1, 0, 0, 0 };
	char name[10] = "/bin/true";
	struct pm_call call;

	(void)state;
	v.memory.ranges[2].bytes = (unsigned char *)name;
	memory_add(&v.memory, 0x20000, how, sizeof(how));
	memory_add(&v.memory, 0x30000, addr, sizeof(addr));
	memory_add(&v.memory, 0x50000, header, sizeof(header));
	v.memory.scribble = true;
	assert_int_equal(READ(&call, &v.memory, WIDE, "execve", 0x1000, 0x100000, 0), 0);
	assert_int_equal(call.items[1].nstr, 2000);
	for (size_t i = 0; i < 2000; i++)
		assert_int_equal(strspn(call.items[1].strv[i], (char[]){ 'a' + (char)(i % 26), 0 }),
				 20);
	pm_call_clear(&call);
	memcpy(name, "/bin/true", 10);
	assert_int_equal(READ(&call, &v.memory, WIDE, "openat2", CWD, 0x1000, 0x20000, 24), 0);
	assert_string_equal(call.items[0].data, "/bin/true");
	assert_int_equal(call.items[0].classes, BIT_WRITE | BIT_CREATE);
	assert_int_equal(pm_call_resolve_flags(&call), 8);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &v.memory, WIDE, "sendmsg", 3, 0x50000, 0), 0);
	assert_int_equal(call.items[1].len, 16);
	assert_int_equal(call.items[1].data[2], 1);
	pm_call_clear(&call);
	free_vector(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_argv),
		cmocka_unit_test(test_argv_odd),
		cmocka_unit_test(test_argv_limits),
		cmocka_unit_test(test_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
