/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a call names is found by the name that it has in the manual page. */
#define _GNU_SOURCE
#include <linux/bpf.h>
#include <linux/mount.h>

#include "call_steps.h"

#define QUOTA_ON (0x800002u << 8)

/* One of each that a pointer can lead to, at an address of its own. */
enum { TEXT = 0x1000, ZEROS = 0x2000, HANDLE = 0x4000, VECTOR = 0x5000, MESSAGE = 0x6000,
       ADDRESS = 0x7000, ATTR = 0x8000 };

static unsigned char zeros[PAGE], handle[16] = { 8 }, address[16] = { AF_INET };
static uint64_t vector[] = { TEXT, TEXT, 0 }, message[8] = { ADDRESS, 16 }, attr[16] = { TEXT };

static struct memory everything(void)
{
	struct memory memory = { 0 };

	memory_add(&memory, TEXT, "text", 5);
	memory_add(&memory, ZEROS, zeros, sizeof(zeros));
	memory_add(&memory, HANDLE, handle, sizeof(handle));
	memory_add(&memory, VECTOR, vector, sizeof(vector));
	memory_add(&memory, MESSAGE, message, sizeof(message));
	memory_add(&memory, ADDRESS, address, sizeof(address));
	memory_add(&memory, ATTR, attr, sizeof(attr));
	return memory;
}

static void set_arguments(const struct pm_shape *shape, uint64_t *args)
{
	static const struct {
		uint64_t at, len;
	} where[] = {
		[PM_SHAPE_PATH] = { TEXT, 0 },
		[PM_SHAPE_STRING] = { TEXT, 0 },
		[PM_SHAPE_SOCKADDR] = { ADDRESS, 16 },
		[PM_SHAPE_STRV] = { VECTOR, 0 },
		[PM_SHAPE_BLOCK] = { ZEROS, 0 },
		[PM_SHAPE_MSGHDR] = { MESSAGE, 0 },
		[PM_SHAPE_MMSGHDR] = { MESSAGE, 1 },
		[PM_SHAPE_HANDLE] = { HANDLE, 0 },
		[PM_SHAPE_OPTIONS] = { ZEROS, 0 },
		[PM_SHAPE_BPF] = { ATTR, 128 },
	};
	static const uint64_t flags[] = {
		[PM_RULE_FANOTIFY] = 1,
		[PM_RULE_FSCONFIG] = FSCONFIG_SET_STRING,
		[PM_RULE_QUOTA] = QUOTA_ON,
		[PM_RULE_BPF] = BPF_OBJ_GET,
	};

	args[shape->arg] = where[shape->kind].at;
	if (shape->len)
		args[shape->len - 1] = shape->kind == PM_SHAPE_BLOCK ? shape->least :
								       where[shape->kind].len;
	if (shape->flags && shape->rule < sizeof(flags) / sizeof(flags[0]))
		args[shape->flags - 1] = flags[shape->rule];
}

static void check_role(struct pm_call *call, const struct pm_shape *shape)
{
	struct pm_arg arg;

	if (pm_call_arg(call, shape->role, &arg))
		fail_msg("%s has no %s", call->name, shape->role);
	assert_string_equal(arg.item->role, shape->role);
	assert_int_equal(arg.item->arg, shape->arg);
	switch (arg.item->kind) {
	case PM_ITEM_PATH:
	case PM_ITEM_STRING:
		assert_string_equal(arg.text, "text");
		assert_int_equal(arg.len, 4);
		break;
	case PM_ITEM_STRV:
		assert_null(arg.text);
		assert_int_equal(arg.len, 2);
		break;
	default:
		assert_null(arg.text);
		assert_int_equal(arg.len, arg.item->len);
		assert_true(arg.len > 0);
	}
}

/* Each role of each call of the table. */
static void every_role(void **state)
{
	const struct pm_sysent *ent;
	struct memory memory = everything();
	unsigned int roles = 0;

	(void)state;
	for (int nr = 0; (ent = pm_sysent_next(WIDE, &nr)); nr++) {
		uint64_t args[6] = { 0 };
		struct pm_call call;
		int err;

		PM_SHAPE_EACH(ent, shape)
			set_arguments(shape, args);
		err = read_call(&call, &memory, WIDE, ent->name, args);
		if (err)
			fail_msg("%s: %d", ent->name, err);
		PM_SHAPE_EACH(ent, shape) {
			check_role(&call, shape);
			roles++;
		}
		pm_call_clear(&call);
	}
	assert_true(roles > 90);
}

/* Those that no register names: inside of a structure. */
static void roles_inside(void **state)
{
	struct memory memory = everything();
	struct pm_call call;
	struct pm_arg arg;

	(void)state;
	assert_int_equal(READ(&call, &memory, WIDE, "sendmsg", 3, MESSAGE, 0), 0);
	assert_int_equal(pm_call_arg(&call, "msg_name", &arg), 0);
	assert_int_equal(arg.item->kind, PM_ITEM_SOCKADDR);
	assert_int_equal(arg.len, 16);
	assert_int_equal(pm_call_arg(&call, "sockaddr", &arg), 0);
	assert_string_equal(arg.item->role, "msg_name");
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "bpf", BPF_OBJ_GET, ATTR, 128), 0);
	assert_int_equal(pm_call_arg(&call, "pathname", &arg), 0);
	assert_string_equal(arg.text, "text");
	pm_call_clear(&call);
}

/* "path" and "sockaddr" hold for every call, and a role of that name comes first. */
static void names_for_every_call(void **state)
{
	struct memory memory = everything();
	struct pm_call call;
	struct pm_arg arg;

	(void)state;
	assert_int_equal(READ(&call, &memory, WIDE, "openat", CWD, TEXT, 0), 0);
	assert_int_equal(pm_call_arg(&call, "path", &arg), 0);
	assert_string_equal(arg.item->role, "pathname");
	assert_int_equal(pm_call_arg(&call, "sockaddr", &arg), -ENOENT);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "truncate", TEXT, 0), 0);
	assert_int_equal(pm_call_arg(&call, "path", &arg), 0);
	assert_string_equal(arg.item->role, "path");
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "connect", 3, ADDRESS, 16), 0);
	assert_int_equal(pm_call_arg(&call, "sockaddr", &arg), 0);
	assert_string_equal(arg.item->role, "addr");
	assert_int_equal(arg.len, 16);
	assert_int_equal(pm_call_arg(&call, "path", &arg), -ENOENT);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "rename", TEXT, TEXT), 0);
	assert_int_equal(pm_call_arg(&call, "path", &arg), 0);
	assert_string_equal(arg.item->role, "oldpath");
	assert_int_equal(pm_call_arg(&call, "path[1]", &arg), 0);
	assert_string_equal(arg.item->role, "newpath");
	assert_int_equal(pm_call_arg(&call, "path[2]", &arg), -ERANGE);
	assert_int_equal(pm_call_arg(&call, "newpath[0]", &arg), 0);
	assert_int_equal(pm_call_arg(&call, "newpath[1]", &arg), -ERANGE);
	pm_call_clear(&call);
}

static void strings_of_a_vector(void **state)
{
	uint64_t words[] = { 0x100, 0x104, 0x108, 0 };
	struct memory memory = { 0 };
	struct pm_call call;
	struct pm_arg arg;

	(void)state;
	memory_add(&memory, 0x100, "cat\0-n\0\0x\0\0\0", 12);
	memory_add(&memory, 0x200, words, sizeof(words));
	memory_add(&memory, 0x300, zeros, 8);
	assert_int_equal(READ(&call, &memory, WIDE, "execve", 0x100, 0x200, 0x300), 0);
	assert_int_equal(pm_call_arg(&call, "argv", &arg), 0);
	assert_int_equal(arg.len, 3);
	assert_null(arg.text);
	assert_int_equal(pm_call_arg(&call, "argv[0]", &arg), 0);
	assert_string_equal(arg.text, "cat");
	assert_string_equal(arg.item->role, "argv");
	assert_int_equal(pm_call_arg(&call, "argv[1]", &arg), 0);
	assert_string_equal(arg.text, "-n");
	assert_int_equal(arg.len, 2);
	assert_int_equal(pm_call_arg(&call, "argv[2]", &arg), 0);
	assert_string_equal(arg.text, "x");
	assert_int_equal(pm_call_arg(&call, "argv[3]", &arg), -ERANGE);
	assert_null(arg.item);
	assert_null(arg.text);
	assert_int_equal(pm_call_arg(&call, "argv[18446744073709551615]", &arg), -ERANGE);
	assert_int_equal(pm_call_arg(&call, "envp", &arg), 0);
	assert_int_equal(arg.len, 0);
	assert_int_equal(pm_call_arg(&call, "envp[0]", &arg), -ERANGE);
	pm_call_clear(&call);
}

/* Of several messages, those that have a name. */
static void messages(void **state)
{
	uint64_t entries[24] = { ADDRESS, 16, [8] = 0, 0, [16] = ADDRESS, 4 };
	struct memory memory = everything();
	struct pm_call call;
	struct pm_arg arg;

	(void)state;
	memory_add(&memory, 0x10000, entries, sizeof(entries));
	assert_int_equal(READ(&call, &memory, WIDE, "sendmmsg", 3, 0x10000, 3, 0), 0);
	assert_int_equal(pm_call_arg(&call, "msg_name[0]", &arg), 0);
	assert_int_equal(arg.len, 16);
	assert_int_equal(pm_call_arg(&call, "msg_name[1]", &arg), 0);
	assert_int_equal(arg.len, 4);
	assert_int_equal(pm_call_arg(&call, "sockaddr[1]", &arg), 0);
	assert_int_equal(pm_call_arg(&call, "msg_name[2]", &arg), -ERANGE);
	assert_int_equal(pm_call_arg(&call, "msgvec[2]", &arg), 0);
	assert_int_equal(pm_call_arg(&call, "msgvec[3]", &arg), -ERANGE);
	pm_call_clear(&call);
}

static void no_such_thing(void **state)
{
	static const char *const misspelled[] = {
		"", "[", "[0]", "argv[", "argv[]", "argv[x]", "argv[-1]", "argv[+1]", "argv[ 1]",
		"argv[1", "argv[1]x", "argv[1][2]", "argv[1x]", "argv[99999999999999999999]",
	};
	static const char *const missing[] = {
		"pathnam", "pathname ", "PATHNAME", "argv]", "newpath", "newpath[0]", "sockaddr",
		"arg", "argvv",
	};
	struct memory memory = everything();
	struct pm_call call;
	struct pm_arg arg;

	(void)state;
	assert_int_equal(READ(&call, &memory, WIDE, "execve", TEXT, VECTOR, VECTOR), 0);
	for (size_t i = 0; i < sizeof(misspelled) / sizeof(misspelled[0]); i++)
		if (pm_call_arg(&call, misspelled[i], &arg) != -EINVAL)
			fail_msg("'%s' is taken", misspelled[i]);
	for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++)
		if (pm_call_arg(&call, missing[i], &arg) != -ENOENT)
			fail_msg("'%s' is found", missing[i]);
	pm_call_clear(&call);
	/* NULL for it, and a call that names nothing. */
	assert_int_equal(READ(&call, &memory, WIDE, "acct", 0), 0);
	assert_int_equal(pm_call_arg(&call, "filename", &arg), -ENOENT);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "getpid", 0), 0);
	assert_int_equal(pm_call_arg(&call, "path", &arg), -ENOENT);
	pm_call_clear(&call);
}

/* What is changed is found changed. */
static void after_a_change(void **state)
{
	char *const words[] = { "a", "b", "c", NULL };
	struct memory memory = everything();
	struct pm_call call;
	struct pm_arg arg;

	(void)state;
	assert_int_equal(READ(&call, &memory, WIDE, "execve", TEXT, VECTOR, VECTOR), 0);
	assert_int_equal(pm_call_arg(&call, "argv", &arg), 0);
	assert_int_equal(pm_call_set_strv(&call, arg.item, words), 0);
	assert_int_equal(pm_call_arg(&call, "argv[2]", &arg), 0);
	assert_string_equal(arg.text, "c");
	assert_int_equal(pm_call_arg(&call, "path", &arg), 0);
	assert_int_equal(pm_call_set_path(&call, arg.item, "/x"), 0);
	assert_int_equal(pm_call_arg(&call, "path", &arg), 0);
	assert_string_equal(arg.text, "/x");
	pm_call_clear(&call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_role),
		cmocka_unit_test(roles_inside),
		cmocka_unit_test(names_for_every_call),
		cmocka_unit_test(strings_of_a_vector),
		cmocka_unit_test(messages),
		cmocka_unit_test(no_such_thing),
		cmocka_unit_test(after_a_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
