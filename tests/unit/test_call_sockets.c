/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages, and the multiplexers of the 32-bit table. */
#define _GNU_SOURCE
#include "call_steps.h"

static void test_msghdr(void **state)
{
	unsigned char name[128] = { AF_INET };
	uint64_t header[7] = { 0x2000, 16, 0x3000, 2, 0x4000, 24, 0x77 };
	struct memory memory = { 0 };
	struct pm_call call;

	(void)state;
	memory_add(&memory, 0x1000, header, sizeof(header));
	memory_add(&memory, 0x2000, name, sizeof(name));
	assert_int_equal(READ(&call, &memory, WIDE, "sendmsg", 3, 0x1000, 0), 0);
	assert_int_equal(call.nitems, 2);
	assert_int_equal(call.items[0].kind, PM_ITEM_BLOCK);
	assert_int_equal(call.items[0].classes, 0);
	assert_int_equal(call.items[1].kind, PM_ITEM_SOCKADDR);
	assert_int_equal(call.items[1].classes, PM_BIT(PM_CLASS_SEND));
	assert_int_equal(call.items[1].len, 16);
	assert_string_equal(call.items[1].role, "msg_name");
	assert_memory_equal(call.items[0].data + 16, &header[2], 40);
	round_trip(&call);
	pm_call_clear(&call);
	header[1] = 4711;
	assert_int_equal(READ(&call, &memory, WIDE, "sendmsg", 3, 0x1000, 0), 0);
	assert_int_equal(call.items[1].len, 128);
	round_trip(&call);
	pm_call_clear(&call);
	header[1] = 0xffffffff;
	FAILS(-EINVAL, &memory, WIDE, "sendmsg", 3, 0x1000, 0);
	header[0] = 0;
	assert_int_equal(READ(&call, &memory, WIDE, "sendmsg", 3, 0x1000, 0), 0);
	assert_int_equal(call.nitems, 1);
	round_trip(&call);
	pm_call_clear(&call);
	header[0] = 0x9000;
	header[1] = 16;
	FAILS(-EFAULT, &memory, WIDE, "sendmsg", 3, 0x1000, 0);
	FAILS(-EFAULT, &memory, WIDE, "sendmsg", 3, 0x1008, 0);
	FAILS(-EFAULT, &memory, WIDE, "sendmsg", 3, 0, 0);
}

/* What is connected and sent to is named, so that no bind can change what it is. */
static void test_no_address(void **state)
{
	static const struct {
		const char *call;
		unsigned char in[28], out[28];
		size_t len, out_len;
	} rows[] = {
		{ "connect", { AF_INET, 0, 0, 80 }, { AF_INET, 0, 0, 80, 127, 0, 0, 1 }, 16, 16 },
		{ "connect", { AF_INET, 0, 0, 80, 1 }, { AF_INET, 0, 0, 80, 1 }, 16, 16 },
		{ "connect", { AF_INET, 0, 0, 80 }, { AF_INET, 0, 0, 80 }, 15, 15 },
		{ "connect", { 0 }, { 0 }, 28, 28 },
		{ "bind", { AF_INET }, { AF_INET }, 16, 16 },
		{ "bind", { 0 }, { 0 }, 28, 28 },
		{ "bind", { AF_INET6 }, { AF_INET6 }, 28, 28 },
		{ "connect", { AF_INET6, 0, 0, 80 }, { AF_INET6, 0, 0, 80, [23] = 1 }, 28, 28 },
		{ "connect", { AF_INET6, 0, 0, 80 }, { AF_INET6, 0, 0, 80, [23] = 1 }, 24, 24 },
		{ "connect", { AF_INET6, 0, 0, 80 }, { AF_INET6, 0, 0, 80 }, 23, 23 },
		{ "connect", { AF_INET6, [18] = 0xff, [19] = 0xff },
		  { AF_INET6, [18] = 0xff, [19] = 0xff, 127, 0, 0, 1 }, 28, 28 },
		{ "connect", { AF_INET6, [8] = 0xfe }, { AF_INET6, [8] = 0xfe }, 28, 28 },
		{ "connect", { AF_UNIX }, { AF_UNIX }, 28, 28 },
		{ "sendto", { AF_INET, 0, 0, 80 }, { AF_INET, 0, 0, 80, 127, 0, 0, 1 }, 16, 16 },
		{ "sendto", { 0, 0, 0, 80 }, { 0, 0, 0, 80, 127, 0, 0, 1 }, 16, 16 },
		{ "sendto", { 0, 0, 0, 80, 1 }, { 0, 0, 0, 80, 1 }, 28, 16 },
		{ "sendto", { 0, 0, 0, 80, 1 }, { 0, 0, 0, 80, 1 }, 15, 15 },
		{ "sendto", { AF_INET6 }, { AF_INET6, [23] = 1 }, 28, 28 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct memory memory = { 0 };
		struct pm_call call;

		memory_add(&memory, 0x1000, rows[i].in, sizeof(rows[i].in));
		if (!strcmp(rows[i].call, "sendto"))
			assert_int_equal(READ(&call, &memory, WIDE, "sendto", 3, 0x5000, 1, 0, 0x1000,
					      rows[i].len), 0);
		else
			assert_int_equal(READ(&call, &memory, WIDE, rows[i].call, 3, 0x1000,
					      rows[i].len), 0);
		assert_int_equal(call.items[0].len, rows[i].out_len);
		assert_int_equal(call.args[strcmp(rows[i].call, "sendto") ? 2 : 5], rows[i].out_len);
		assert_memory_equal(call.items[0].data, rows[i].out, rows[i].out_len);
		round_trip(&call);
		pm_call_clear(&call);
	}
}

static void test_msghdr_narrow(void **state)
{
	unsigned char name[128] = { AF_INET };
	uint32_t header[7] = { 0x2000, 16, 0x3000, 2, 0x4000, 24, 0x77 };
	struct memory memory = { 0 };
	struct pm_call call;
	struct pm_run run;
	uint32_t pin[64];

	(void)state;
	memory_add(&memory, 0x1000, header, sizeof(header));
	memory_add(&memory, 0x2000, name, sizeof(name));
	assert_int_equal(READ(&call, &memory, NARROW, "sendmsg", 3, 0x1000, 0), 0);
	assert_int_equal(call.nitems, 2);
	assert_int_equal(call.items[0].len, 28);
	round_trip(&call);
	assert_int_equal(pm_call_layout(&call, pin, sizeof(pin), 0xfffff000, &run), 0);
	assert_int_equal(run.steps[0].args[1], 0xfffff000);
	assert_int_equal(pin[0], 0xfffff020);
	assert_int_equal(pin[2], 0x3000);
	pm_run_clear(&run);
	assert_int_equal(pm_call_layout(&call, pin, sizeof(pin), 0xffffff80, &run), -EOVERFLOW);
	assert_int_equal(pm_call_layout(&call, pin, sizeof(pin), (uint64_t)1 << 40, &run),
			 -EOVERFLOW);
	pm_call_clear(&call);
}

/* An array of messages, each with a name of its own or none. */
static void messages(uint32_t arch, size_t count, size_t wanted)
{
	size_t word = arch == WIDE ? 8 : 4, entry = arch == WIDE ? 64 : 32;
	unsigned char *array = calloc(count, entry), *names = calloc(count, 16);
	struct memory memory = { 0 };
	struct pm_call call;
	struct pm_run run;
	size_t size, seen = 0;
	void *pin;

	for (size_t i = 0; i < count; i++) {
		uint64_t name = i % 3 ? 0x1000000 + i * 16 : 0;
		uint32_t len = 16, eor = i % 2 ? MSG_EOR | MSG_OOB : 0;

		memcpy(array + i * entry, &name, word);
		memcpy(array + i * entry + word, &len, 4);
		memcpy(array + i * entry + 6 * word, &eor, 4);
		names[i * 16 + 5] = (unsigned char)i;
	}
	memory_add(&memory, 0x100000, array, count * entry);
	memory_add(&memory, 0x1000000, names, count * 16);
	assert_int_equal(READ(&call, &memory, arch, "sendmmsg", 7, 0x100000, count, MSG_DONTWAIT),
			 0);
	size = pm_call_layout_size(&call);
	pin = malloc(size);
	assert_int_equal(pm_call_layout(&call, pin, size, 0x40000000, &run), 0);
	assert_int_equal(run.nsteps, wanted);
	for (size_t i = 0; i < run.nsteps; i++) {
		assert_int_equal(run.steps[i].nr, pm_syscall_number(arch, "sendmsg"));
		assert_int_equal(run.steps[i].args[0], 7);
		assert_int_equal(run.steps[i].args[2],
				 MSG_DONTWAIT | (i % 2 ? MSG_EOR : 0));
		assert_int_equal(run.steps[i].msg_len_addr, 0x100000 + i * entry + 7 * word);
		assert_string_equal(call.items[seen].role, "msgvec");
		seen += i % 3 ? 2 : 1;
	}
	assert_int_equal(seen, call.nitems);
	pm_run_clear(&run);
	round_trip(&call);
	assert_int_equal(pm_call_set_nr(&call, pm_syscall_number(arch, "getpid")), -EINVAL);
	pm_call_clear(&call);
	free(pin);
	free(array);
	free(names);
}

static void test_mmsghdr(void **state)
{
	(void)state;
	messages(WIDE, 1, 1);
	messages(WIDE, 1024, 1024);
	messages(WIDE, 2000, 1024);
	messages(NARROW, 1024, 1024);
}

static void test_mmsghdr_errors(void **state)
{
	uint64_t array[24] = { 0 };
	struct memory memory = { 0 };
	struct pm_call call;
	struct pm_run run;

	(void)state;
	memory_add(&memory, 0x1000, array, sizeof(array));
	/* Three of five can be read: three are sent. */
	assert_int_equal(READ(&call, &memory, WIDE, "sendmmsg", 3, 0x1000, 5, 0), 0);
	assert_int_equal(call.nitems, 3);
	pm_call_clear(&call);
	/* The second has a bad name. */
	array[8] = 0x9000;
	array[9] = 16;
	assert_int_equal(READ(&call, &memory, WIDE, "sendmmsg", 3, 0x1000, 3, 0), 0);
	assert_int_equal(call.nitems, 1);
	pm_call_clear(&call);
	FAILS(-EFAULT, &memory, WIDE, "sendmmsg", 3, 0x1040, 2, 0);
	FAILS(-EFAULT, &memory, WIDE, "sendmmsg", 3, 0, 1, 0);
	assert_int_equal(READ(&call, &memory, WIDE, "sendmmsg", 3, 0x1000, 0, 0), 0);
	assert_int_equal(call.nitems, 0);
	assert_int_equal(pm_call_layout_size(&call), 0);
	assert_int_equal(pm_call_layout(&call, NULL, 0, 0, &run), 0);
	assert_int_equal(run.nsteps, 1);
	assert_int_equal(run.steps[0].nr, call.nr);
	assert_int_equal(run.pinned, 0);
	pm_run_clear(&run);
	pm_call_clear(&call);
}

static void test_socketcall(void **state)
{
	static const struct {
		const char *name;
		unsigned int count;
	} subs[] = {
		{ "socket", 3 }, { "bind", 3 }, { "connect", 3 }, { "listen", 2 },
		{ "accept4", 3 }, { "getsockname", 3 }, { "getpeername", 3 },
		{ "socketpair", 4 }, { "sendto", 4 }, { "recvfrom", 4 }, { "sendto", 6 },
		{ "recvfrom", 6 }, { "shutdown", 2 }, { "setsockopt", 5 }, { "getsockopt", 5 },
		{ "sendmsg", 3 }, { "recvmsg", 3 }, { "accept4", 4 }, { "recvmmsg", 5 },
		{ "sendmmsg", 4 },
	};
	uint32_t words[6] = { 3, 0x2000, 16, 4, 0x2000, 16 };
	unsigned char block[64] = { AF_INET };
	struct memory memory = { 0 };
	struct pm_call call;

	(void)state;
	memory_add(&memory, 0x1000, words, sizeof(words));
	memory_add(&memory, 0x2000, block, sizeof(block));
	for (uint64_t i = 0; i < 20; i++) {
		/* A name of 2 at address 0x0000.... is none: the header is read as one. */
		words[2] = i + 1 == 20 ? 0 : 16;
		block[0] = i + 1 == 16 ? 0 : AF_INET;
		assert_int_equal(READ(&call, &memory, NARROW, "socketcall", i + 1, 0x1000), 0);
		assert_string_equal(call.name, subs[i].name);
		assert_int_equal(call.nr, pm_syscall_number(NARROW, subs[i].name));
		assert_ptr_equal(call.ent, pm_sysent_find(NARROW, call.nr));
		for (unsigned int n = 0; n < 6; n++)
			assert_int_equal(call.args[n], n < subs[i].count ? words[n] : 0);
		assert_true(pm_call_changed(&call));
		if (call.nitems)
			round_trip(&call);
		pm_call_clear(&call);
	}
	FAILS(-EINVAL, &memory, NARROW, "socketcall", 0, 0x1000);
	FAILS(-EINVAL, &memory, NARROW, "socketcall", 21, 0x1000);
	FAILS(-EFAULT, &memory, NARROW, "socketcall", 3, 0x5000);
	FAILS(-EFAULT, &memory, NARROW, "socketcall", 11, 0x1004);
	words[2] = 16;
	memory.scribble = true;
	assert_int_equal(READ(&call, &memory, NARROW, "socketcall", 3, 0x1000), 0);
	assert_int_equal(call.args[2], 16);
	pm_call_clear(&call);
}

static void test_old_mmap(void **state)
{
	uint32_t words[6] = { 0, 8192, 3, 0x22, 0xffffffff, 0x3000 };
	struct memory memory = { 0 };
	struct pm_call call;

	(void)state;
	memory_add(&memory, 0x1000, words, sizeof(words));
	assert_int_equal(READ(&call, &memory, NARROW, "mmap", 0x1000), 0);
	assert_string_equal(call.name, "mmap2");
	assert_int_equal(call.nr, 192);
	assert_int_equal(call.args[1], 8192);
	assert_int_equal(call.args[5], 3);
	assert_true(pm_call_changed(&call));
	pm_call_clear(&call);
	words[5] = 0x3001;
	FAILS(-EINVAL, &memory, NARROW, "mmap", 0x1000);
	FAILS(-EFAULT, &memory, NARROW, "mmap", 0x1004);
	assert_int_equal(READ(&call, &memory, WIDE, "mmap", 0x1000, 1, 2, 3, 4, 5), 0);
	assert_string_equal(call.name, "mmap");
	assert_false(pm_call_changed(&call));
	pm_call_clear(&call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_msghdr),
		cmocka_unit_test(test_no_address),
		cmocka_unit_test(test_msghdr_narrow),
		cmocka_unit_test(test_mmsghdr),
		cmocka_unit_test(test_mmsghdr_errors),
		cmocka_unit_test(test_socketcall),
		cmocka_unit_test(test_old_mmap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
