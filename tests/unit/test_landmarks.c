/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which directories are kept by their names, and that each way to change what a name leads
 * to ends it before the call that does so returns.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "landmarks.h"

static struct landmarks landmarks;
static struct place root;
static char top[64], kept[128];

static void in_top(const char *name, mode_t mode)
{
	assert_int_equal(mkdir(name, 0755), 0);
	assert_int_equal(chmod(name, mode), 0);
}

static void put(const char *name)
{
	int fd = open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	close(fd);
}

/* top/a/b/c, and top/other/b/c as another one. */
static int setup(void **state)
{
	(void)state;
	strcpy(top, "/tmp/test-landmarks-XXXXXX");
	if (!mkdtemp(top) || chdir(top))
		return -1;
	snprintf(kept, sizeof(kept), "%s/a/b/c", top);
	in_top("a", 0755);
	in_top("a/b", 0755);
	in_top("a/b/c", 0755);
	in_top("other", 0755);
	in_top("other/b", 0755);
	in_top("other/b/c", 0755);
	in_top("empty", 0755);
	put("a/b/c/file");
	put("a/b/beside");
	landmarks.calls = landmarks.saved = 1000;
	return !supervisor_root(&root);
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	landmarks_forget(&landmarks);
	snprintf(command, sizeof(command), "rm -rf %s", top);
	return chdir("/") || system(command);
}

static void meet(const char *name, int times)
{
	while (times--)
		landmarks_met(&landmarks, &root, name, strlen(name));
}

static const struct landmark *find(const char *name)
{
	landmarks_look(&landmarks);
	return landmarks_find(&landmarks, name, strlen(name));
}

/* Keep it, or skip the test with the reason. */
static void keep(void)
{
	int watch = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID | FAN_CLOEXEC, 0);

	if (watch < 0) {
		print_message("kernel: no fanotify here: %s\n", strerror(errno));
		skip();
	}
	close(watch);
	meet(kept, 3);
	assert_non_null(find(kept));
}

static void kept_when_met_often(void **state)
{
	const struct landmark *found;
	struct object is;

	(void)state;
	keep();
	found = find(kept);
	assert_string_equal(found->name, kept);
	assert_int_equal(object_at(AT_FDCWD, kept, &is), 0);
	assert_true(same_object(&is, &found->is));
	assert_ptr_equal(landmarks_of(&landmarks, &is), found);
	assert_null(landmarks_find(&landmarks, kept, strlen(kept) - 1));
	assert_null(find(top));
	meet(top, 2);
	assert_null(find(top));
	meet("", 3);
	assert_non_null(find(""));
	assert_null(find("/"));
}

/* Nobody finds it who does not find what his path is relative to; that one gets its turn. */
static void kept_once(void **state)
{
	(void)state;
	keep();
	landmarks.saved = 4;
	meet(kept, 7);
	assert_int_equal(landmarks.n, 1);
	assert_true(landmarks.saved >= 4);
	meet("", 3);
	assert_int_equal(landmarks.n, 2);
}

/* A program that makes few calls does not need it. */
static void not_for_few_calls(void **state)
{
	(void)state;
	landmarks.calls = 0;
	meet(kept, 60);
	assert_null(find(kept));
	assert_false(landmarks.on);
}

static void not_before_it_was_looked_again(void **state)
{
	struct object is;

	(void)state;
	keep();
	meet("", 3);
	assert_int_equal(object_at(AT_FDCWD, "/", &is), 0);
	assert_null(landmarks_find(&landmarks, "", 0));
	assert_null(landmarks_of(&landmarks, &is));
	landmarks_look(&landmarks);
	assert_non_null(landmarks_find(&landmarks, "", 0));
	assert_non_null(landmarks_of(&landmarks, &is));
}

/* What ends it. */
static void move_away(void)
{
	assert_int_equal(rename("a/b/c", "a/b/d") | rename("other/b/c", "a/b/c"), 0);
}

static void move_above(void)
{
	assert_int_equal(rename("a", "was-a") | rename("other", "a"), 0);
}

static void move_between(void)
{
	assert_int_equal(rename("a/b", "was-b"), 0);
}

static void move_to_and_fro(void)
{
	assert_int_equal(rename("a", "was-a") | rename("was-a", "a"), 0);
}

static void exchange(void)
{
	assert_int_equal(renameat2(AT_FDCWD, "other", AT_FDCWD, "a", RENAME_EXCHANGE), 0);
}

static void exchange_from(void)
{
	assert_int_equal(renameat2(AT_FDCWD, "a/b", AT_FDCWD, "other/b", RENAME_EXCHANGE), 0);
}

static void close_it(void)
{
	assert_int_equal(chmod("a/b/c", 0), 0);
}

static void close_above(void)
{
	assert_int_equal(chmod("a", 0700), 0);
}

static void give_away(void)
{
	assert_int_equal(chown("a/b", getuid(), getgid()), 0);
}

static void link_in_place(void)
{
	assert_int_equal(rename("a/b", "was-b") | symlink("../other/b", "a/b"), 0);
}

static void ends(void **state)
{
	static void (*const changes[])(void) = {
		move_away, move_above, move_between, move_to_and_fro, exchange, exchange_from,
		close_it,  close_above, give_away, link_in_place,
	};

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		keep();
		changes[i]();
		if (find(kept))
			fail_msg("change %zu is not seen", i);
		assert_int_equal(landmarks.n, 0);
		assert_int_equal(teardown(state) | setup(state), 0);
	}
}

/* Nothing of it changes where the name leads. */
static void goes_on(void **state)
{
	(void)state;
	keep();
	put("a/b/c/more");
	assert_int_equal(chmod("a/b/c/more", 0600) | rename("a/b/c/more", "a/b/c/less"), 0);
	assert_int_equal(link("a/b/c/less", "a/b/c/more") | unlink("a/b/c/less"), 0);
	in_top("a/b/c/dir", 0700);
	assert_int_equal(rmdir("a/b/c/dir") | chmod("a/b/beside", 0600), 0);
	in_top("a/new", 0755);
	assert_int_equal(rename("a/new", "a/newer") | chmod("a/newer", 0700) | rmdir("a/newer"), 0);
	assert_int_equal(symlink("c", "a/b/link") | chmod("other/b", 0700), 0);
	assert_non_null(find(kept));
}

/* Removed, it is kept, and says so: whoever finds nothing in it has to look. */
static void removed(void **state)
{
	const struct landmark *found;
	struct stat st;

	(void)state;
	keep();
	assert_int_equal(unlink("a/b/c/file") | rmdir("a/b/c"), 0);
	found = find(kept);
	assert_non_null(found);
	assert_int_equal(fstat(found->fd, &st), 0);
	assert_int_equal(st.st_nlink, 0);
	assert_int_equal(faccessat(found->fd, "file", F_OK, 0), -1);
}

static void replaced_by_empty(void **state)
{
	const struct landmark *found;
	struct stat st;

	(void)state;
	assert_int_equal(unlink("a/b/c/file"), 0);
	keep();
	assert_int_equal(rename("empty", "a/b/c"), 0);
	found = find(kept);
	assert_true(!found || (!fstat(found->fd, &st) && !st.st_nlink));
}

/* What was mounted and unmounted meanwhile is told of first. */
static void keep_again(void)
{
	memset(landmarks.met, 0, sizeof(landmarks.met));
	meet(kept, 3);
	landmarks_look(&landmarks);
	keep();
}

/* In a mount namespace of the process, that it does not leave any more. */
static void mounted_over(void **state)
{
	static const char *const over[] = { "a/b/c", "a/b", "a" };

	(void)state;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
		print_message("kernel: no mount namespace here: %s\n", strerror(errno));
		skip();
	}
	/* The mounts of the new namespace are others. */
	resolve_forget();
	assert_true(supervisor_root(&root));
	for (size_t i = 0; i < sizeof(over) / sizeof(over[0]); i++) {
		keep_again();
		assert_int_equal(mount("none", over[i], "tmpfs", 0, NULL), 0);
		assert_null(find(kept));
		meet(kept, 3);
		assert_null(find(kept));
		assert_int_equal(umount(over[i]), 0);
	}
	keep_again();
	assert_int_equal(mount("other", "a", NULL, MS_BIND, NULL), 0);
	assert_null(find(kept));
	assert_int_equal(umount("a"), 0);
}

static void elsewhere(void **state)
{
	static const char *const names[] = {
		"/proc", "/proc/self", "/dev/fd", "/none", "/etc/passwd",
	};

	(void)state;
	keep();
	assert_int_equal(symlink("b", "a/link"), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		meet(names[i], 5);
		assert_null(find(names[i]));
	}
	snprintf(kept, sizeof(kept), "%s/a/link", top);
	meet(kept, 5);
	assert_null(find(kept));
	snprintf(kept, sizeof(kept), "%s/a/link/c", top);
	meet(kept, 5);
	assert_null(find(kept));
}

/* One more, with this number for its name. */
static void meet_another(int number, char name[128])
{
	snprintf(name, 128, "%s/%d", top, number);
	in_top(name, 0755);
	meet(name, 3);
}

/* More than there is room for. */
static void many(void **state)
{
	char name[128];

	(void)state;
	keep();
	for (int i = 0; i < 300; i++) {
		meet_another(i, name);
		assert_non_null(find(name));
		assert_true(landmarks.n <= LANDMARKS);
	}
	assert_int_equal(chmod(top, 0711), 0);
	assert_null(find(name));
	assert_int_equal(landmarks.n, 0);
}

/* What changes again and again has to save as much as that costs. */
static void not_worth_it(void **state)
{
	int calls = 0, before;

	(void)state;
	landmarks.saved = 8;
	keep();
	close_it();
	assert_null(find(kept));
	assert_true(landmarks.saved < 0);
	before = landmarks.saved;
	while (!find(kept)) {
		meet(kept, 1);
		calls++;
	}
	assert_true(calls > -before);
	before = landmarks.saved;
	for (int i = 0; i < 100; i++)
		assert_non_null(find(kept));
	assert_int_equal(landmarks.saved, before + 100);
}

/* What is looked for stays, what is not goes. */
static void used_stay(void **state)
{
	char name[128];

	(void)state;
	keep();
	for (int i = 0; i < 300; i++) {
		meet_another(i, name);
		assert_non_null(find(kept));
	}
	snprintf(name, sizeof(name), "%s/0", top);
	assert_null(find(name));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(kept_when_met_often),
		TEST(kept_once),
		TEST(not_for_few_calls),
		TEST(not_before_it_was_looked_again),
		TEST(ends),
		TEST(goes_on),
		TEST(removed),
		TEST(replaced_by_empty),
		TEST(elsewhere),
		TEST(many),
		TEST(used_stay),
		TEST(not_worth_it),
		TEST(mounted_over),
	};

	return cmocka_run_group_tests_name("landmarks", tests, NULL, NULL);
}
