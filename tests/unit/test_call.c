/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls are read by shape, and read again from the pin. */
#define _GNU_SOURCE
#include "call_steps.h"

static void test_path(void **state)
{
	struct memory memory = text_memory(0x1000, "/etc/passwd");
	struct pm_call call;
	struct pm_item *item;

	(void)state;
	assert_int_equal(READ(&call, &memory, WIDE, "openat", 5, 0x1000, O_RDONLY), 0);
	assert_string_equal(call.name, "openat");
	assert_int_equal(call.nitems, 1);
	item = path_of(&call, "pathname");
	assert_string_equal(item->data, "/etc/passwd");
	assert_int_equal(item->len, 11);
	assert_int_equal(item->arg, 1);
	assert_int_equal(item->dirfd, 5);
	assert_int_equal(item->classes, BIT_READ);
	assert_false(item->nofollow || item->empty_ok);
	assert_false(pm_call_changed(&call));
	assert_null(pm_call_item(&call, PM_ITEM_PATH, "newpath"));
	assert_null(pm_call_item(&call, PM_ITEM_STRV, NULL));
	round_trip(&call);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, NARROW, "openat", 0xffffff9c, 0x1000, O_RDWR), 0);
	assert_int_equal(call.items[0].dirfd, AT_FDCWD);
	assert_int_equal(call.items[0].classes, BIT_READ | BIT_WRITE);
	round_trip(&call);
	pm_call_clear(&call);
}

static void test_path_limits(void **state)
{
	char *text = malloc(3 * PAGE);
	struct memory memory = { 0 };
	struct pm_call call;

	(void)state;
	memset(text, 'a', 3 * PAGE);
	memory_add(&memory, 0x10000, text, 3 * PAGE);
	text[4095] = '\0';
	assert_int_equal(READ(&call, &memory, WIDE, "stat", 0x10000), 0);
	assert_int_equal(call.items[0].len, 4095);
	round_trip(&call);
	pm_call_clear(&call);
	text[4095] = 'a';
	text[4096] = '\0';
	FAILS(-ENAMETOOLONG, &memory, WIDE, "stat", 0x10000);
	FAILS(-ENAMETOOLONG, &memory, NARROW, "stat", 0x10000);
	/* Across a page, and just inside the last readable byte. */
	assert_int_equal(READ(&call, &memory, WIDE, "stat", 0x10ff0), 0);
	assert_int_equal(call.items[0].len, 16);
	pm_call_clear(&call);
	text[3 * PAGE - 1] = '\0';
	assert_int_equal(READ(&call, &memory, WIDE, "stat", 0x12ffe), 0);
	assert_int_equal(call.items[0].len, 1);
	pm_call_clear(&call);
	/* No NUL before the end of what can be read. */
	text[3 * PAGE - 1] = 'a';
	FAILS(-EFAULT, &memory, WIDE, "stat", 0x12ff0);
	FAILS(-EFAULT, &memory, WIDE, "stat", 0x13000);
	FAILS(-EFAULT, &memory, WIDE, "stat", UINT64_MAX);
	FAILS(-EFAULT, &memory, WIDE, "stat", 0);
	free(text);
}

/* Strings of every length, however they lie across the end of a page: read once. */
static void test_path_lengths(void **state)
{
	unsigned char text[3 * PAGE];
	struct pm_call call;

	(void)state;
	for (size_t len = 1; len < PAGE; len += len < 600 ? 1 : 97) {
		for (size_t before = 0; before < 2 * len && before < PAGE; before += 1 + len / 3) {
			struct memory memory = { .scribble = true };
			uint64_t addr = 0x10000 + PAGE - before;

			for (size_t i = 0; i < sizeof(text); i++)
				text[i] = (unsigned char)('a' + i % 23);
			text[PAGE - before + len] = '\0';
			memory_add(&memory, 0x10000, text, sizeof(text));
			assert_int_equal(READ(&call, &memory, WIDE, "stat", addr), 0);
			assert_int_equal(call.items[0].len, len);
			for (size_t i = 0; i < len; i++)
				assert_int_equal(call.items[0].data[i],
						 'a' + (PAGE - before + i) % 23);
			pm_call_clear(&call);
		}
	}
}

static void test_null_paths(void **state)
{
	struct memory memory = text_memory(0x1000, "x");
	struct pm_call call;

	(void)state;
	assert_int_equal(READ(&call, &memory, WIDE, "utimensat", 3, 0, 0, 0), 0);
	assert_int_equal(call.nitems, 0);
	assert_int_equal(pm_call_layout_size(&call), 0);
	pm_call_clear(&call);
	FAILS(-EFAULT, &memory, WIDE, "utimensat", CWD, 0, 0, 0);
	FAILS(-EFAULT, &memory, NARROW, "utimensat", 0xffffff9c, 0, 0, 0);
	assert_int_equal(READ(&call, &memory, NARROW, "utimensat_time64", 3, 0, 0, 0), 0);
	assert_int_equal(call.nitems, 0);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "statx", 3, 0, AT_EMPTY_PATH), 0);
	assert_int_equal(call.nitems, 1);
	assert_string_equal(call.items[0].data, "");
	assert_true(call.items[0].empty_ok);
	round_trip(&call);
	pm_call_clear(&call);
	FAILS(-EFAULT, &memory, WIDE, "statx", 3, 0, 0);
	FAILS(-EFAULT, &memory, WIDE, "fchownat", 3, 0, 0, 0, AT_EMPTY_PATH);
	assert_int_equal(READ(&call, &memory, WIDE, "move_mount", 3, 0, CWD, 0x1000, 4), 0);
	assert_int_equal(call.nitems, 2);
	assert_true(call.items[0].empty_ok && !call.items[1].empty_ok);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "acct", 0), 0);
	assert_int_equal(call.nitems, 0);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "fanotify_mark", 3, 1, 0, 4, 0), 0);
	assert_int_equal(call.nitems, 0);
	pm_call_clear(&call);
}

/* Is a final link followed, and may the path be empty? */
static void test_flags(void **state)
{
	static const struct {
		uint32_t arch;
		const char *name;
		uint64_t args[6];
		bool nofollow, empty_ok;
		const char *role;
	} cases[] = {
		{ WIDE, "stat", { 0x1000 }, false, false, NULL },
		{ WIDE, "lstat", { 0x1000 }, true, false, NULL },
		{ NARROW, "oldlstat", { 0x1000 }, true, false, NULL },
		{ WIDE, "newfstatat", { 3, 0x1000, 0, 0x100 }, true, false, NULL },
		{ WIDE, "newfstatat", { 3, 0x1000, 0, 0x1000 }, false, true, NULL },
		{ NARROW, "fstatat64", { 3, 0x1000, 0, 0x1100 }, true, true, NULL },
		{ WIDE, "statx", { 3, 0x1000, 0x100 }, true, false, NULL },
		{ WIDE, "faccessat", { 3, 0x1000, 0, 0x100 }, false, false, NULL },
		{ WIDE, "faccessat2", { 3, 0x1000, 0, 0x100 }, true, false, NULL },
		{ WIDE, "fchmodat", { 3, 0x1000, 0, 0x100 }, false, false, NULL },
		{ WIDE, "fchmodat2", { 3, 0x1000, 0, 0x100 }, true, false, NULL },
		{ WIDE, "readlinkat", { 3, 0x1000 }, true, true, NULL },
		{ WIDE, "readlink", { 0x1000 }, true, false, NULL },
		{ WIDE, "linkat", { 3, 0x1000, 4, 0x1000, 0 }, true, false, "oldpath" },
		{ WIDE, "linkat", { 3, 0x1000, 4, 0x1000, 0x400 }, false, false, "oldpath" },
		{ WIDE, "linkat", { 3, 0x1000, 4, 0x1000, 0x1400 }, true, false, "newpath" },
		{ WIDE, "name_to_handle_at", { 3, 0x1000, 0, 0, 0 }, true, false, NULL },
		{ WIDE, "name_to_handle_at", { 3, 0x1000, 0, 0, 0x400 }, false, false, NULL },
		{ WIDE, "move_mount", { 3, 0x1000, 4, 0x1000, 0x11 }, false, false, NULL },
		{ WIDE, "move_mount", { 3, 0x1000, 4, 0x1000, 0x01 }, true, false, "to_pathname" },
		{ WIDE, "move_mount", { 3, 0x1000, 4, 0x1000, 0x40 }, true, true, "to_pathname" },
		{ WIDE, "move_mount", { 3, 0x1000, 4, 0x1000, 0x04 }, true, true, NULL },
		{ WIDE, "fspick", { 3, 0x1000, 2 }, true, false, NULL },
		{ WIDE, "fspick", { 3, 0x1000, 8 }, false, true, NULL },
		{ WIDE, "open_tree", { 3, 0x1000, 0x100 }, true, false, NULL },
		{ WIDE, "umount2", { 0x1000, 8 }, true, false, NULL },
		{ WIDE, "umount2", { 0x1000, 2 }, false, false, NULL },
		{ NARROW, "umount", { 0x1000, 8 }, false, false, NULL },
		{ WIDE, "inotify_add_watch", { 3, 0x1000, IN_DONT_FOLLOW }, true, false, NULL },
		{ WIDE, "fanotify_mark", { 3, 5, 0, 4, 0x1000 }, true, false, NULL },
		{ NARROW, "fanotify_mark", { 3, 1, 0, 0, 4, 0x1000 }, false, false, NULL },
		{ WIDE, "execveat", { 3, 0x1000, 0, 0, 0x1100 }, true, true, NULL },
		{ WIDE, "unlink", { 0x1000 }, true, false, NULL },
		{ WIDE, "mkdir", { 0x1000 }, true, false, NULL },
		{ WIDE, "lgetxattr", { 0x1000, 0x1000 }, true, false, NULL },
		{ WIDE, "file_getattr", { 3, 0x1000, 0, 24, 0x100 }, true, false, NULL },
	};
	struct memory memory = text_memory(0x1000, "name");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pm_call call;
		struct pm_item *item;

		assert_int_equal(read_call(&call, &memory, cases[i].arch, cases[i].name,
					   cases[i].args), 0);
		item = path_of(&call, cases[i].role);
		if (item->nofollow != cases[i].nofollow || item->empty_ok != cases[i].empty_ok)
			fail_msg("%s, line %zu", cases[i].name, i);
		round_trip(&call);
		pm_call_clear(&call);
	}
}

static void test_open_classes(void **state)
{
	static const struct {
		int flags;
		uint32_t classes;
		bool nofollow;
	} cases[] = {
		{ O_RDONLY, BIT_READ, false },
		{ O_WRONLY, BIT_WRITE, false },
		{ O_RDWR, BIT_READ | BIT_WRITE, false },
		{ O_ACCMODE, BIT_READ | BIT_WRITE, false },
		{ O_RDONLY | O_TRUNC, BIT_READ | BIT_WRITE, false },
		{ O_WRONLY | O_CREAT, BIT_WRITE | BIT_CREATE, false },
		{ O_WRONLY | O_CREAT | O_EXCL, BIT_WRITE | BIT_CREATE, true },
		{ O_RDONLY | O_EXCL, BIT_READ, false },
		{ O_RDONLY | O_NOFOLLOW, BIT_READ, true },
		{ O_PATH, BIT_READ, false },
		{ O_PATH | O_WRONLY | O_CREAT | O_EXCL, BIT_READ, false },
		{ O_PATH | O_NOFOLLOW, BIT_READ, true },
		{ O_WRONLY | O_TMPFILE, BIT_WRITE | BIT_CREATE, false },
		{ O_RDWR | O_DIRECTORY, BIT_READ | BIT_WRITE, false },
	};
	struct memory memory = text_memory(0x1000, "name");
	uint64_t how[3] = { 0 };
	struct pm_open_how got;
	struct pm_call call;

	(void)state;
	memory_add(&memory, 0x2000, how, sizeof(how));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t flags = how[0] = (uint64_t)cases[i].flags;

		for (int form = 0; form < 3; form++) {
			const uint64_t open[6] = { 0x1000, flags, 0640 };
			const uint64_t at[6] = { 3, 0x1000, form == 1 ? flags : 0x2000,
						 form == 1 ? 0640 : 24 };
			int err = form == 0 ? read_call(&call, &memory, WIDE, "open", open) :
				  form == 1 ? read_call(&call, &memory, NARROW, "openat", at) :
					      read_call(&call, &memory, WIDE, "openat2", at);

			assert_int_equal(err, 0);
			if (call.items[0].classes != cases[i].classes ||
			    call.items[0].nofollow != cases[i].nofollow)
				fail_msg("flags %o, form %d", cases[i].flags, form);
			assert_int_equal(pm_call_open_how(&call, &got), 0);
			assert_int_equal(got.flags, cases[i].flags);
			assert_int_equal(got.mode, form < 2 ? 0640 : 0);
			pm_call_clear(&call);
		}
	}
	assert_int_equal(READ(&call, &memory, WIDE, "creat", 0x1000, 0600), 0);
	assert_int_equal(call.items[0].classes, BIT_WRITE | BIT_CREATE);
	assert_int_equal(pm_call_open_how(&call, &got), 0);
	assert_int_equal(got.flags, O_CREAT | O_WRONLY | O_TRUNC);
	assert_int_equal(got.mode, 0600);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "stat", 0x1000), 0);
	assert_int_equal(pm_call_open_how(&call, &got), -EINVAL);
	pm_call_clear(&call);
}

/* The rules of copy_struct_from_user. */
static void test_block_sizes(void **state)
{
	struct memory memory = text_memory(0x1000, "name");
	uint64_t how[600] = { O_RDWR, 0, 4 };
	struct pm_call call;

	(void)state;
	memory_add(&memory, 0x4000, how, sizeof(how));
	FAILS(-EINVAL, &memory, WIDE, "openat2", 3, 0x1000, 0x4000, 0);
	FAILS(-EINVAL, &memory, WIDE, "openat2", 3, 0x1000, 0x4000, 23);
	FAILS(-E2BIG, &memory, WIDE, "openat2", 3, 0x1000, 0x4000, 4097);
	FAILS(-E2BIG, &memory, WIDE, "openat2", 3, 0x1000, 0x4000, (uint64_t)1 << 32 | 24);
	FAILS(-EFAULT, &memory, WIDE, "openat2", 3, 0x1000, 0x9000, 24);
	FAILS(-EFAULT, &memory, WIDE, "openat2", 3, 0x1000, 0x4000 + sizeof(how) - 8, 24);
	assert_int_equal(READ(&call, &memory, WIDE, "openat2", 3, 0x1000, 0x4000, 4096), 0);
	assert_int_equal(pm_call_resolve_flags(&call), 4);
	assert_string_equal(call.items[1].role, "how");
	assert_int_equal(call.items[1].len, 4096);
	round_trip(&call);
	pm_call_clear(&call);
	how[511] = 1;
	FAILS(-E2BIG, &memory, WIDE, "openat2", 3, 0x1000, 0x4000, 4096);
	FAILS(-EINVAL, &memory, WIDE, "clone3", 0x4000, 63);
	FAILS(-EINVAL, &memory, WIDE, "mount_setattr", 3, 0x1000, 0, 0x4000, 31);
	FAILS(-EINVAL, &memory, WIDE, "setxattrat", 3, 0x1000, 0, 0x1000, 0x4000, 15);
	FAILS(-EINVAL, &memory, WIDE, "file_setattr", 3, 0x1000, 0x4000, 23, 0);
	assert_int_equal(READ(&call, &memory, NARROW, "clone3", 0x4000, 88), 0);
	assert_int_equal(call.items[0].kind, PM_ITEM_BLOCK);
	assert_int_equal(call.items[0].len, 88);
	round_trip(&call);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "open_tree_attr", 3, 0x1000, 0, 0, 0), 0);
	assert_int_equal(call.nitems, 1);
	pm_call_clear(&call);
}

static void test_sockaddr(void **state)
{
	unsigned char addr[256] = { AF_UNIX };
	struct memory memory = { 0 };
	struct pm_call call;

	(void)state;
	memory_add(&memory, 0x1000, addr, sizeof(addr));
	FAILS(-EINVAL, &memory, WIDE, "connect", 3, 0x1000, (uint64_t)-1);
	FAILS(-EINVAL, &memory, WIDE, "connect", 3, 0x1000, 129);
	FAILS(-EINVAL, &memory, NARROW, "bind", 3, 0x1000, 0xffffffff);
	FAILS(-EFAULT, &memory, WIDE, "connect", 3, 0, 16);
	FAILS(-EFAULT, &memory, WIDE, "connect", 3, 0x1100 - 8, 16);
	for (uint64_t len = 0; len <= 128; len++) {
		assert_int_equal(READ(&call, &memory, WIDE, "connect", 3, 0x1000, len), 0);
		assert_int_equal(call.items[0].kind, PM_ITEM_SOCKADDR);
		assert_int_equal(call.items[0].classes, PM_BIT(PM_CLASS_CONNECT));
		assert_int_equal(call.items[0].len, len);
		round_trip(&call);
		pm_call_clear(&call);
	}
	assert_int_equal(READ(&call, &memory, WIDE, "connect", 3, 0, 0), 0);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "sendto", 3, 0, 0, 0, 0, 16), 0);
	assert_int_equal(call.nitems, 0);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "sendto", 3, 0, 0, 0, 0x1000, 16), 0);
	assert_int_equal(call.items[0].classes, PM_BIT(PM_CLASS_SEND));
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "sendto", 3, 0, 0, MSG_FASTOPEN, 0x1000, 16),
			 0);
	assert_int_equal(call.items[0].classes, PM_BIT(PM_CLASS_SEND) | PM_BIT(PM_CLASS_CONNECT));
	pm_call_clear(&call);
}

static void test_mount(void **state)
{
	char *page = calloc(1, PAGE);
	struct memory memory = text_memory(0x1000, "/src");
	struct pm_call call;

	(void)state;
	memory_add(&memory, 0x2000, "/dst", 5);
	memory_add(&memory, 0x3000, "tmpfs", 6);
	memset(page, 'o', PAGE);
	memory_add(&memory, 0x5800, page, 2048);
	assert_int_equal(READ(&call, &memory, WIDE, "mount", 0x1000, 0x2000, 0x3000, 0, 0x5c00),
			 0);
	assert_int_equal(call.nitems, 4);
	assert_int_equal(call.items[0].kind, PM_ITEM_STRING);
	assert_int_equal(call.items[0].classes, PM_BIT(PM_CLASS_MOUNT));
	assert_string_equal(path_of(&call, NULL)->role, "target");
	assert_string_equal(call.items[2].data, "tmpfs");
	assert_int_equal(call.items[3].len, PAGE);
	assert_int_equal(call.items[3].data[1023], 'o');
	assert_int_equal(call.items[3].data[1024], 0);
	round_trip(&call);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "mount", 0x1000, 0x2000, 0, 4096, 0), 0);
	assert_int_equal(call.nitems, 2);
	assert_int_equal(call.items[0].kind, PM_ITEM_PATH);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "mount", 0x1000, 0x2000, 0, 8192, 0), 0);
	assert_int_equal(call.items[0].kind, PM_ITEM_PATH);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "mount", 0x1000, 0x2000, 0, 4096 | 32, 0), 0);
	assert_int_equal(call.items[0].kind, PM_ITEM_STRING);
	pm_call_clear(&call);
	/* The magic of old programs says nothing: two of its bits are those of propagation. */
	assert_int_equal(READ(&call, &memory, WIDE, "mount", 0x1000, 0x2000, 0, 0xc0ed0000 | 8192,
			      0), 0);
	assert_int_equal(call.items[0].kind, PM_ITEM_PATH);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "mount", 0x1000, 0x2000, 0, 8192 | 1 << 18, 0),
			 0);
	assert_int_equal(call.items[0].kind, PM_ITEM_STRING);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "mount", 0, 0x2000, 0, 1 << 18, 0), 0);
	assert_int_equal(call.nitems, 1);
	pm_call_clear(&call);
	FAILS(-EFAULT, &memory, WIDE, "mount", 0, 0x2000, 0, 0, 0x9000);
	FAILS(-EFAULT, &memory, WIDE, "mount", 0, 0, 0, 0, 0);
	memory_add(&memory, 0x10000, page, PAGE);
	memory_add(&memory, 0x11000, page, PAGE);
	FAILS(-EINVAL, &memory, WIDE, "mount", 0x10000, 0x2000, 0, 0, 0);
	FAILS(-EINVAL, &memory, WIDE, "fsopen", 0x10000);
	FAILS(-ENAMETOOLONG, &memory, WIDE, "mq_open", 0x10000);
	FAILS(-ERANGE, &memory, WIDE, "setxattr", 0x1000, 0x10000);
	FAILS(-EINVAL, &memory, WIDE, "fsconfig", 3, 1, 0x10000, 0x1000, 0);
	free(page);
}

static void test_commands(void **state)
{
	struct memory memory = text_memory(0x1000, "source");
	struct pm_call call;

	(void)state;
	memory_add(&memory, 0x2000, "/dev/x", 7);
	assert_int_equal(READ(&call, &memory, WIDE, "fsconfig", 3, 1, 0x1000, 0x2000, 0), 0);
	assert_int_equal(call.nitems, 2);
	assert_int_equal(call.items[1].kind, PM_ITEM_STRING);
	round_trip(&call);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "fsconfig", 3, 3, 0x1000, 0x2000, 9), 0);
	assert_int_equal(call.items[1].kind, PM_ITEM_PATH);
	assert_int_equal(call.items[1].dirfd, 9);
	assert_false(call.items[1].empty_ok);
	round_trip(&call);
	/* Another command would read the value in another way. */
	assert_int_equal(pm_call_set_arg(&call, 1, 4), 0);
	assert_true(call.items[1].empty_ok);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, NARROW, "fsconfig", 3, 5, 0x1000, 0, 9), 0);
	assert_int_equal(call.nitems, 1);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "fsconfig", 3, 2, 0x1000, 0x9999, 9), 0);
	assert_int_equal(call.nitems, 1);
	assert_int_equal(pm_call_set_arg(&call, 1, 3), -EINVAL);
	assert_int_equal(call.args[1], 2);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "fsconfig", 3, 6, 0, 0, 0), 0);
	assert_int_equal(call.nitems, 0);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "quotactl", 0x80000200, 0x2000, 1, 0x1000), 0);
	assert_int_equal(call.nitems, 2);
	assert_int_equal(call.items[1].arg, 3);
	round_trip(&call);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "quotactl", 0x80000100, 0, 1, 0x9999), 0);
	assert_int_equal(call.nitems, 0);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "fanotify_mark", 3, 0x80, 0, 4, 0x9999), 0);
	assert_int_equal(call.nitems, 0);
	pm_call_clear(&call);
}

static void test_bpf(void **state)
{
	struct {
		uint64_t pathname;
		uint32_t fd, flags, path_fd, pad;
		uint64_t tail[13];
	} attr = { .pathname = 0x2000 };
	struct memory memory = { 0 };
	struct pm_call call;
	uint32_t words[2];

	(void)state;
	memory_add(&memory, 0x1000, &attr, sizeof(attr));
	memory_add(&memory, 0x2000, "/sys/fs/bpf/x", 14);
	assert_int_equal(READ(&call, &memory, NARROW, "bpf", 6, 0x1000, sizeof(attr)), 0);
	assert_int_equal(call.nitems, 2);
	assert_int_equal(call.items[1].classes, BIT_CREATE);
	assert_int_equal(call.items[1].dirfd, AT_FDCWD);
	assert_true(call.items[1].nofollow);
	round_trip(&call);
	pm_call_clear(&call);
	attr.flags = 1 << 14 | 8;
	attr.path_fd = 12;
	assert_int_equal(READ(&call, &memory, WIDE, "bpf", 7, 0x1000, sizeof(attr)), 0);
	assert_int_equal(call.items[1].classes, BIT_READ);
	assert_int_equal(call.items[1].dirfd, 12);
	assert_false(call.items[1].nofollow);
	round_trip(&call);
	assert_int_equal(pm_call_set_path(&call, &call.items[1], "/other"), 0);
	assert_int_equal(call.items[1].dirfd, AT_FDCWD);
	round_trip(&call);
	/* Another command would take the same bytes for something else. */
	assert_int_equal(pm_call_set_arg(&call, 0, 28), -EINVAL);
	assert_int_equal(pm_call_set_arg(&call, 0, 5), -EINVAL);
	assert_int_equal(pm_call_set_arg(&call, 0, 6), 0);
	assert_int_equal(call.items[1].classes, BIT_CREATE);
	pm_call_clear(&call);
	/* What is left out is zero: half of a pointer, half of a descriptor. */
	assert_int_equal(READ(&call, &memory, WIDE, "bpf", 7, 0x1000, 4), 0);
	assert_int_equal(call.nitems, 2);
	assert_string_equal(call.items[1].data, "/sys/fs/bpf/x");
	assert_int_equal(call.items[1].dirfd, AT_FDCWD);
	round_trip(&call);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "bpf", 7, 0x1000, 16), 0);
	assert_int_equal(call.items[1].dirfd, 0);
	assert_int_equal(pm_call_set_path(&call, &call.items[1], "/other"), 0);
	assert_int_equal(call.items[1].dirfd, AT_FDCWD);
	round_trip(&call);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "bpf", 7, 0x1000, 17), 0);
	assert_int_equal(call.items[1].dirfd, 12);
	pm_call_clear(&call);
	FAILS(-EFAULT, &memory, WIDE, "bpf", 7, 0x1000, 0);
	/* No path; too long. */
	assert_int_equal(READ(&call, &memory, WIDE, "bpf", 5, 0x1000, sizeof(attr)), 0);
	assert_int_equal(call.nitems, 0);
	pm_call_clear(&call);
	FAILS(-E2BIG, &memory, WIDE, "bpf", 7, 0x1000, 4097);
	/* An uprobe: attach type 48 at 8, the path at 16. */
	words[0] = 48;
	memcpy((char *)&attr + 8, words, 4);
	attr.path_fd = 0x2000;
	assert_int_equal(READ(&call, &memory, WIDE, "bpf", 28, 0x1000, sizeof(attr)), 0);
	assert_int_equal(call.items[1].classes, PM_BIT(PM_CLASS_SYSTEM));
	assert_string_equal(call.items[1].data, "/sys/fs/bpf/x");
	round_trip(&call);
	pm_call_clear(&call);
	attr.path_fd = 0x9000;
	FAILS(-EFAULT, &memory, WIDE, "bpf", 28, 0x1000, sizeof(attr));
}

static void test_handle(void **state)
{
	uint32_t handle[40] = { 12, 1, 7, 8, 9 };
	struct memory memory = { 0 };
	struct pm_call call;

	(void)state;
	memory_add(&memory, 0x1000, handle, sizeof(handle));
	assert_int_equal(READ(&call, &memory, WIDE, "open_by_handle_at", 3, 0x1000, O_RDWR), 0);
	assert_int_equal(call.items[0].len, 20);
	assert_int_equal(call.items[0].classes, BIT_READ | BIT_WRITE);
	round_trip(&call);
	pm_call_clear(&call);
	handle[0] = 0;
	FAILS(-EINVAL, &memory, WIDE, "open_by_handle_at", 3, 0x1000, O_RDWR);
	handle[0] = 129;
	FAILS(-EINVAL, &memory, WIDE, "open_by_handle_at", 3, 0x1000, O_RDWR);
	handle[16] = 128;
	FAILS(-EFAULT, &memory, WIDE, "open_by_handle_at", 3, 0x1040, O_RDWR);
}

static void test_unknown(void **state)
{
	struct memory memory = { 0 };
	struct pm_reader reader = memory_ranges_reader(&memory);
	struct pm_call call = { .arch = WIDE, .nr = 999 };

	(void)state;
	assert_int_equal(pm_call_read(&call, &reader), -ENOSYS);
	assert_null(call.name);
	pm_call_clear(&call);
	call = (struct pm_call){ .arch = WIDE, .nr = 39, .args = { 1, 2, 3, 4, 5, 6 } };
	assert_int_equal(pm_call_read(&call, &reader), 0);
	assert_string_equal(call.name, "getpid");
	assert_null(call.ent);
	assert_int_equal(call.nitems, 0);
	assert_int_equal(memory.reads, 0);
	pm_call_clear(&call);
	/* Registers of the 32-bit table have 32 bits. */
	call = (struct pm_call){ .arch = NARROW, .nr = 20, .args = { ~(uint64_t)0 } };
	assert_int_equal(pm_call_read(&call, &reader), 0);
	assert_int_equal(call.args[0], 0xffffffff);
	pm_call_clear(&call);
}

static void test_errors_keep_items(void **state)
{
	struct memory memory = text_memory(0x1000, "first");
	struct pm_call call;

	(void)state;
	assert_int_equal(READ(&call, &memory, WIDE, "rename", 0x1000, 0x2000), -EFAULT);
	assert_int_equal(call.nitems, 1);
	assert_string_equal(call.items[0].data, "first");
	assert_int_equal(call.items[0].classes, PM_BIT(PM_CLASS_RENAME));
	pm_call_clear(&call);
	pm_call_clear(&call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_path_limits),
		cmocka_unit_test(test_path_lengths),
		cmocka_unit_test(test_null_paths),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_open_classes),
		cmocka_unit_test(test_block_sizes),
		cmocka_unit_test(test_sockaddr),
		cmocka_unit_test(test_mount),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_bpf),
		cmocka_unit_test(test_handle),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_errors_keep_items),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
