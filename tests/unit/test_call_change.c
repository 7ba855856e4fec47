/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls are changed, resolved, and run in another form. */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "call_private.h"
#include "call_steps.h"

static void test_where(void **state)
{
	struct memory memory = text_memory(0x1000, "a/b");
	uint64_t how[3] = { O_NOFOLLOW, 0, 0x14 };
	struct pm_call call;
	struct pm_where where;

	(void)state;
	memory_add(&memory, 0x2000, how, sizeof(how));
	memory_add(&memory, 0x3000, "", 1);
	asked.err = 0;
	asked.count = 0;
	assert_int_equal(READ(&call, &memory, WIDE, "openat2", 6, 0x1000, 0x2000, 24), 0);
	assert_null(pm_item_peek(&call.items[0]));
	assert_string_equal(pm_item_where(&call, &call.items[0])->name, "a/b");
	assert_int_equal(asked.dirfd, 6);
	assert_int_equal(asked.flags, PM_RESOLVE_NOFOLLOW);
	assert_int_equal(asked.resolve, 0x14);
	assert_ptr_equal(pm_item_where(&call, &call.items[0]), pm_item_peek(&call.items[0]));
	assert_int_equal(asked.count, 1);
	assert_null(pm_item_where(&call, &call.items[1]));
	assert_int_equal(pm_call_set_path(&call, &call.items[0], "/c"), 0);
	assert_null(pm_item_peek(&call.items[0]));
	assert_string_equal(pm_item_where(&call, &call.items[0])->name, "/c");
	assert_int_equal(asked.dirfd, AT_FDCWD);
	assert_int_equal(asked.count, 2);
	pm_call_clear(&call);
	/* The empty path. */
	assert_int_equal(READ(&call, &memory, WIDE, "stat", 0x3000), 0);
	assert_int_equal(pm_item_where(&call, &call.items[0])->err, ENOENT);
	assert_int_equal(asked.count, 2);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "statx", 4, 0x3000, AT_EMPTY_PATH), 0);
	assert_int_equal(pm_item_where(&call, &call.items[0])->err, 0);
	assert_int_equal(asked.flags, PM_RESOLVE_EMPTY);
	assert_int_equal(asked.count, 3);
	/* Registers that change what is named. */
	assert_int_equal(pm_call_set_arg(&call, 0, 5), 0);
	assert_null(pm_item_peek(&call.items[0]));
	asked.err = -ESRCH;
	assert_int_equal(pm_item_where(&call, &call.items[0])->err, ESRCH);
	assert_int_equal(asked.dirfd, 5);
	assert_int_equal(pm_call_resolve(&call, "/x", true, &where), -ESRCH);
	assert_int_equal(asked.flags, PM_RESOLVE_NOFOLLOW);
	assert_int_equal(asked.dirfd, AT_FDCWD);
	asked.err = 0;
	pm_call_clear(&call);
}

/* Is it certain where an open with these flags leads, once path is set? */
static bool straight(const char *name, int flags, const char *path, bool asked_again)
{
	struct memory memory = text_memory(0x1000, "a/b");
	struct pm_call call;
	bool is;

	assert_int_equal(READ(&call, &memory, WIDE, name, AT_FDCWD, 0x1000, flags), 0);
	call.priv->asked_again = asked_again;
	assert_false(pm_item_leads_straight(&call, &call.items[0]));
	assert_int_equal(pm_call_set_path(&call, &call.items[0], path), 0);
	is = pm_item_leads_straight(&call, &call.items[0]);
	if (!is)
		assert_false(call.items[0].priv->straight);
	/* Who has asked knows better. */
	pm_item_where(&call, &call.items[0]);
	assert_false(pm_item_leads_straight(&call, &call.items[0]));
	pm_call_clear(&call);
	return is;
}

static void test_straight(void **state)
{
	static const char *const others[] = { "/", "x", "/x/", "/x/.", "/./x", "/x/..", "/../x",
					      "//x", "/x//y", "" };

	(void)state;
	assert_true(straight("openat", O_RDWR, "/x/.y/...", true));
	assert_true(straight("openat", O_PATH | O_NOFOLLOW, "/x", true));
	assert_false(straight("openat", O_RDWR, "/x", false));
	assert_false(straight("openat", O_RDWR | O_CREAT, "/x", true));
	assert_false(straight("openat", O_RDWR | O_TMPFILE, "/x", true));
	assert_false(straight("readlinkat", 0, "/x", true));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(straight("openat", O_RDONLY, others[i], true));
}

static void test_set_path(void **state)
{
	struct memory memory = text_memory(0x1000, "old");
	char *longest = malloc(4097);
	struct pm_call call;

	(void)state;
	memset(longest, 'x', 4096);
	longest[4096] = '\0';
	assert_int_equal(READ(&call, &memory, NARROW, "renameat2", 3, 0x1000, 4, 0x1000, 1), 0);
	assert_int_equal(pm_call_set_path(&call, &call.items[1], longest), -ENAMETOOLONG);
	assert_false(pm_call_changed(&call));
	assert_int_equal(pm_call_set_path(&call, &call.items[1], longest + 1), 0);
	assert_true(pm_call_changed(&call));
	assert_int_equal(call.args[2], 0xffffff9c);
	assert_int_equal(call.args[0], 3);
	assert_int_equal(call.items[1].dirfd, AT_FDCWD);
	assert_int_equal(call.items[0].dirfd, 3);
	round_trip(&call);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "symlinkat", 0x1000, 4, 0x1000), 0);
	assert_int_equal(pm_call_set_path(&call, &call.items[0], "x"), -EINVAL);
	assert_int_equal(pm_call_set_path(&call, &call.items[1], "new"), 0);
	assert_int_equal((int64_t)call.args[1], AT_FDCWD);
	round_trip(&call);
	pm_call_clear(&call);
	free(longest);
}

static void test_set_sockaddr(void **state)
{
	unsigned char addr[128] = { AF_INET, 0, 0, 80 }, other[129] = { AF_INET, 0, 0, 81 };
	uint64_t header[7] = { 0x1000, 16 };
	struct memory memory = { 0 };
	struct pm_call call;

	(void)state;
	memory_add(&memory, 0x1000, addr, sizeof(addr));
	memory_add(&memory, 0x2000, header, sizeof(header));
	assert_int_equal(READ(&call, &memory, WIDE, "connect", 3, 0x1000, 16), 0);
	assert_int_equal(pm_call_set_sockaddr(&call, &call.items[0], other, 129), -EINVAL);
	assert_int_equal(pm_call_set_sockaddr(&call, &call.items[0], other, 1), -EINVAL);
	assert_int_equal(pm_call_set_sockaddr(&call, &call.items[0], other, 28), 0);
	assert_int_equal(call.args[2], 28);
	other[0] = AF_INET6;
	assert_int_equal(pm_call_set_sockaddr(&call, &call.items[0], other, 28), -EAFNOSUPPORT);
	assert_int_equal(pm_call_set_arg(&call, 2, 1), -EINVAL);
	assert_int_equal(pm_call_set_arg(&call, 1, 1), -EINVAL);
	assert_int_equal(pm_call_set_arg(&call, 0, 9), 0);
	assert_int_equal(pm_call_set_arg(&call, 6, 9), -EINVAL);
	round_trip(&call);
	pm_call_clear(&call);
	other[0] = AF_INET;
	assert_int_equal(READ(&call, &memory, WIDE, "sendmsg", 3, 0x2000, 0), 0);
	assert_int_equal(pm_call_set_sockaddr(&call, &call.items[0], other, 28), -EINVAL);
	assert_int_equal(pm_call_set_sockaddr(&call, &call.items[1], other, 28), 0);
	round_trip(&call);
	assert_int_equal(pm_call_set_arg(&call, 2, MSG_FASTOPEN), 0);
	assert_int_equal(call.items[1].classes, PM_BIT(PM_CLASS_SEND) | PM_BIT(PM_CLASS_CONNECT));
	pm_call_clear(&call);
}

static void test_set_strv(void **state)
{
	struct memory memory = text_memory(0x1000, "/bin/sh");
	struct pm_call call;
	char *const strv[] = { "/bin/sh", "", "-c", NULL }, *const none[] = { NULL };

	(void)state;
	assert_int_equal(READ(&call, &memory, WIDE, "execve", 0x1000, 0, 0), 0);
	assert_int_equal(pm_call_set_strv(&call, &call.items[0], strv), -EINVAL);
	assert_int_equal(pm_call_set_strv(&call, &call.items[1], strv), 0);
	assert_int_equal(call.items[1].nstr, 3);
	assert_string_equal(call.items[1].strv[2], "-c");
	round_trip(&call);
	/* From its own strings. */
	assert_int_equal(pm_call_set_strv(&call, &call.items[1], call.items[1].strv + 1), 0);
	assert_string_equal(call.items[1].strv[1], "-c");
	assert_int_equal(pm_call_set_strv(&call, &call.items[1], none), 0);
	assert_int_equal(call.items[1].nstr, 0);
	assert_true(pm_call_changed(&call));
	round_trip(&call);
	pm_call_clear(&call);
}

static void test_set_nr(void **state)
{
	struct memory memory = text_memory(0x1000, "name");
	uint64_t how[3] = { 0 };
	struct pm_call call;

	(void)state;
	memory_add(&memory, 0x2000, how, sizeof(how));
	assert_int_equal(READ(&call, &memory, WIDE, "stat", 0x1000, 0x5000), 0);
	assert_int_equal(pm_call_set_nr(&call, 15), -EINVAL);
	assert_int_equal(pm_call_set_nr(&call, 219), -EINVAL);
	assert_int_equal(pm_call_set_nr(&call, 335), -EINVAL);
	assert_int_equal(pm_call_set_nr(&call, -1), -EINVAL);
	assert_int_equal(pm_call_set_nr(&call, 470), -EINVAL);
	assert_int_equal(pm_call_set_nr(&call, 0x40000000), -EINVAL);
	/* What the new call reads has not been read. */
	assert_int_equal(pm_call_set_nr(&call, pm_syscall_number(WIDE, "rename")), -EINVAL);
	assert_int_equal(pm_call_set_nr(&call, pm_syscall_number(WIDE, "openat")), -EINVAL);
	assert_false(pm_call_changed(&call));
	assert_int_equal(pm_call_set_nr(&call, pm_syscall_number(WIDE, "lstat")), 0);
	assert_true(pm_call_changed(&call));
	assert_string_equal(call.name, "lstat");
	assert_true(call.items[0].nofollow);
	assert_int_equal(pm_call_set_nr(&call, pm_syscall_number(WIDE, "unlink")), 0);
	assert_int_equal(call.items[0].classes, PM_BIT(PM_CLASS_REMOVE));
	round_trip(&call);
	assert_int_equal(pm_call_set_nr(&call, pm_syscall_number(WIDE, "getpid")), 0);
	assert_int_equal(call.items[0].classes, 0);
	assert_null(call.ent);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "symlink", 0x1000, 0x1000), 0);
	assert_int_equal(pm_call_set_nr(&call, pm_syscall_number(WIDE, "link")), 0);
	assert_int_equal(call.items[0].kind, PM_ITEM_PATH);
	assert_string_equal(call.items[0].role, "oldpath");
	assert_int_equal(call.items[0].classes, PM_BIT(PM_CLASS_LINK));
	round_trip(&call);
	pm_call_clear(&call);
	/* A structure stands for itself only. */
	assert_int_equal(READ(&call, &memory, WIDE, "openat2", 3, 0x1000, 0x2000, 24), 0);
	assert_int_equal(pm_call_set_nr(&call, pm_syscall_number(WIDE, "file_setattr")), -EINVAL);
	assert_int_equal(pm_call_set_nr(&call, pm_syscall_number(WIDE, "mkdirat")), 0);
	assert_int_equal(call.items[0].classes, BIT_CREATE);
	assert_int_equal(call.items[1].classes, 0);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "connect", 3, 0x1000, 4), 0);
	assert_int_equal(pm_call_set_nr(&call, pm_syscall_number(WIDE, "bind")), 0);
	assert_int_equal(call.items[0].classes, PM_BIT(PM_CLASS_BIND));
	round_trip(&call);
	pm_call_clear(&call);
	assert_int_equal(READ(&call, &memory, WIDE, "rt_sigreturn", 0), 0);
	assert_int_equal(pm_call_set_nr(&call, 39), -EINVAL);
	pm_call_clear(&call);
}

/* An item that no register points to is not laid out, and keeps what it is. */
static void test_added_item(void **state)
{
	struct memory memory = text_memory(0x1000, "script");
	struct pm_call call;
	struct pm_item *item;

	(void)state;
	assert_int_equal(READ(&call, &memory, WIDE, "execve", 0x1000, 0, 0), 0);
	item = call_add_item(&call, PM_ITEM_PATH, NULL);
	item->role = "interpreter";
	item->classes = PM_BIT(PM_CLASS_EXEC);
	item->data = copy_bytes("/bin/sh", 7);
	item->len = 7;
	assert_int_equal(item->arg, PM_NO_REGISTER);
	assert_int_equal(pm_call_layout_size(&call), 8 + 8 + 8);
	assert_int_equal(pm_call_set_path(&call, item, "/bin/dash"), 0);
	assert_int_equal(item->classes, PM_BIT(PM_CLASS_EXEC));
	assert_int_equal(pm_call_set_arg(&call, 3, 1), 0);
	assert_int_equal(pm_call_item(&call, PM_ITEM_PATH, "interpreter")->classes,
			 PM_BIT(PM_CLASS_EXEC));
	assert_int_equal(pm_call_layout_size(&call), 8 + 8 + 8);
	pm_call_clear(&call);
}

/* An open as openat2, as the last stage makes it. */
static void test_run_as(void **state)
{
	const uint64_t how[3] = { O_RDONLY, 0, 4 };
	const uint64_t args[6] = { CWD, 0, 0, sizeof(how) };
	struct memory memory = text_memory(0x1000, "link");
	struct pm_call call, again;
	const int8_t item_arg[] = { 1 };
	struct pm_open_how got;
	unsigned char pin[256];
	struct memory pinned = { 0 };
	struct pm_reader reader = memory_ranges_reader(&pinned);
	struct pm_run run;
	size_t size;

	(void)state;
	memory_add(&pinned, 0x40000000, pin, sizeof(pin));
	assert_int_equal(READ(&call, &memory, NARROW, "open", 0x1000, O_RDONLY), 0);
	assert_int_equal(pm_call_run_text(&call, &call.items[0], "/the/real/file"), 0);
	assert_false(pm_call_changed(&call));
	assert_int_equal(pm_call_run_as(&call, 437, args, item_arg, how, sizeof(how), 2), 0);
	assert_string_equal(call.items[0].data, "link");
	assert_string_equal(call.name, "open");
	size = pm_call_layout_size(&call);
	assert_int_equal(size, 16 + 24);
	assert_int_equal(pm_call_layout(&call, pin, size, 0x40000000, &run), 0);
	assert_int_equal(run.nsteps, 1);
	assert_int_equal(run.pinned, 6);
	assert_int_equal(run.steps[0].nr, 437);
	assert_int_equal(run.steps[0].args[0], 0xffffff9c);
	again = (struct pm_call){ .arch = NARROW, .nr = 437 };
	memcpy(again.args, run.steps[0].args, sizeof(again.args));
	assert_int_equal(pm_call_read(&again, &reader), 0);
	assert_string_equal(again.items[0].data, "/the/real/file");
	assert_int_equal(pm_call_open_how(&again, &got), 0);
	assert_int_equal(got.resolve, 4);
	pm_call_clear(&again);
	pm_run_clear(&run);
	/* As it was spelled, again; and an item left out. */
	assert_int_equal(pm_call_run_text(&call, &call.items[0], NULL), 0);
	assert_int_equal(pm_call_run_as(&call, 20, args, (const int8_t[]){ -1 }, NULL, 0, 0), 0);
	assert_int_equal(pm_call_layout_size(&call), 0);
	assert_true(pm_call_changed(&call));
	assert_int_equal(pm_call_layout(&call, NULL, 0, 0x40000000, &run), 0);
	assert_int_equal(run.steps[0].nr, 20);
	assert_int_equal(run.pinned, 0);
	pm_run_clear(&run);
	pm_call_clear(&call);
}

/* A process that is there, and whose memory is not for the one that asks. */
static int write_from_stranger(struct pm_call *call, void *to)
{
	int status;
	pid_t child;

	prctl(PR_SET_DUMPABLE, 0);
	child = fork();
	if (child == 0) {
		if (!getuid() && setresuid(65534, 65534, 65534))
			_exit(0);
		_exit(-pm_call_write(call, (uintptr_t)to, "text", 4));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	prctl(PR_SET_DUMPABLE, 1);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

static void test_write(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	struct memory memory = text_memory(0x1000, "");
	struct pm_call call;
	char text[5] = "";
	int status;

	(void)state;
	assert_ptr_not_equal(pages, MAP_FAILED);
	assert_int_equal(READ(&call, &memory, WIDE, "uname", 0x1000), 0);
	call.tgid = call.tid = getpid();
	assert_int_equal(pm_call_write(&call, (uintptr_t)text, "text", 5), 0);
	assert_string_equal(text, "text");
	assert_int_equal(pm_call_write(&call, 8, "", 0), 0);
	assert_int_equal(pm_call_write(&call, 8, "text", 4), -EFAULT);
	/* What is there and may not be written. */
	assert_int_equal(mprotect(pages, page, PROT_READ), 0);
	assert_int_equal(pm_call_write(&call, (uintptr_t)pages, "text", 4), -EFAULT);
	assert_int_equal(pages[0], 0);
	assert_int_equal(mprotect(pages, page, PROT_READ | PROT_WRITE), 0);
	assert_int_equal(munmap(pages + page, page), 0);
	assert_int_equal(pm_call_write(&call, (uintptr_t)pages + page - 2, "text", 4), -EFAULT);
	assert_int_equal(write_from_stranger(&call, text), -EPERM);
	call.tgid = call.tid = fork();
	if (call.tid == 0)
		_exit(0);
	assert_int_equal(waitpid(call.tid, &status, 0), call.tid);
	assert_int_equal(pm_call_write(&call, (uintptr_t)text, "text", 4), -ESRCH);
	munmap(pages, page);
	pm_call_clear(&call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_where),
		cmocka_unit_test(test_straight),
		cmocka_unit_test(test_set_path),
		cmocka_unit_test(test_set_sockaddr),
		cmocka_unit_test(test_set_strv),
		cmocka_unit_test(test_set_nr),
		cmocka_unit_test(test_added_item),
		cmocka_unit_test(test_run_as),
		cmocka_unit_test(test_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
