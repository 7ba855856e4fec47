/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random trees, and random paths in them: what the resolver says is what a
 * process of that view gets.  The same ones each time; PM_SEED makes others.
 */
#define _GNU_SOURCE
#include "resolve_check.h"

#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>

enum { NAMES = 5, TREES = 24, PATHS = 120 };

static uint64_t random_state;

static unsigned int random_below(unsigned int n)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned int)(random_state >> 33) % n;
}

/*
 * A path of a few names of the tree, with the odd spellings; from top, or
 * relative.
 */
static void random_path(char *path, size_t size, const char *top, bool absolute)
{
	static const char *const odd[] = { ".", "..", "", "none", "..", "c.", "proc/self/cwd" };
	size_t len = absolute ? (size_t)snprintf(path, size, "%s/", top) : 0;
	unsigned int n = 1 + random_below(6);

	path[len] = '\0';
	while (n--) {
		const char *name = random_below(4) ? NULL : odd[random_below(7)];
		char own[2] = { (char)('a' + random_below(NAMES)), '\0' };

		len += (size_t)snprintf(path + len, size - len, "%s%s", name ? name : own,
					n || !random_below(4) ? "/" : "");
	}
}

/* What cannot be made, since it is there or its parent is not, is not. */
static void fill(const char *top)
{
	char path[512], text[512];

	for (int i = 0; i < 60; i++) {
		int fd = -1;

		random_path(path, sizeof(path), ".", false);
		switch (random_below(5)) {
		case 0:
		case 1:
			mkdir(path, 0755);
			break;
		case 2:
			fd = open(path, O_CREAT | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
			break;
		default:
			random_path(text, sizeof(text), top, !random_below(4));
			if (symlink(text, path))
				break;
		}
		if (fd >= 0)
			close(fd);
	}
}

/*
 * Below the working directory, by a process that has it as its root: the paths
 * lead anywhere.  Returns 0 or an errno.
 */
static int random_tree(const char *top)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		int err = own_root(".");

		if (!err && chdir("/"))
			err = errno;
		if (!err)
			fill(top);
		_exit(err);
	}
	random_below(2);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
}

/* Or skip the test. */
static void make_tree(const char *top)
{
	int err = random_tree(top);

	if (!err)
		return;
	print_message("kernel: no root of its own for a tree: %s\n", strerror(err));
	skip();
}

static void check_random(struct target *target, const char *top)
{
	static const uint64_t bits[] = {
		0,
		0,
		0,
		0,
		RESOLVE_NO_SYMLINKS,
		RESOLVE_NO_MAGICLINKS,
		RESOLVE_NO_XDEV,
		RESOLVE_BENEATH,
		RESOLVE_IN_ROOT,
	};
	struct pm_where where;
	char path[512];

	for (int i = 0; i < PATHS; i++) {
		uint64_t resolve = bits[random_below(9)];
		unsigned int flags = 1u << random_below(4);

		random_path(path, sizeof(path), top, !random_below(3));
		flags &= PM_RESOLVE_NOFOLLOW | (resolve ? 0 : PM_RESOLVE_PARENT);
		check_how(target, AT_FDCWD, path, flags, resolve, &where);
		pm_where_free(&where);
	}
}

static uint64_t seed(void)
{
	const char *text = getenv("PM_SEED");
	uint64_t value = text ? strtoull(text, NULL, 0) : 1;

	print_message("PM_SEED=%llu\n", (unsigned long long)value);
	return value;
}

/* In the root that the supervisor has too. */
static void plain_trees(void **state)
{
	struct target target;
	char dir[PATH_MAX];

	(void)state;
	random_state = seed();
	for (int i = 0; i < TREES; i++) {
		snprintf(dir, sizeof(dir), "%s/%d", place, i);
		assert_int_equal(mkdir(dir, 0755) | chdir(dir), 0);
		make_tree(dir);
		start(&target, NULL, NULL);
		check_random(&target, dir);
		end(&target);
	}
	assert_int_equal(chdir(place), 0);
	print_message("%u found from directories that were kept, %u not opened\n", found_nearly,
		      found_unopened);
	assert_true((found_nearly > 100 && found_unopened > 20) || !can_keep());
}

/* Directories that not everybody may search, of several owners. */
static void scramble(void)
{
	static const mode_t modes[] = { 0755, 0755, 0711, 0700, 0750, 0744, 0070, 0000 };
	static const uid_t owners[] = { 0, 0, 12345, 12346 };
	char path[512];

	for (int i = 0; i < 40; i++) {
		int fd;

		random_path(path, sizeof(path), ".", false);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (fchmod(fd, modes[random_below(8)]) ||
		    fchown(fd, owners[random_below(4)], owners[random_below(4)]))
			_exit(errno);
		close(fd);
	}
}

/* In the tree as a root, which no path leads out of. */
static int scramble_tree(void)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		if (chroot(".") || chdir("/"))
			_exit(errno);
		scramble();
		_exit(0);
	}
	random_below(2);
	return pid > 0 && waitpid(pid, &status, 0) == pid ? WEXITSTATUS(status) : ECHILD;
}

/* Another user, with one group more; who is not root stays who it is. */
static int become_other(void *data)
{
	static const gid_t group = 12346;

	(void)data;
	if (geteuid())
		return 0;
	return setgroups(1, &group) || setresgid(12345, 12345, 12345) ||
	       setresuid(12345, 12345, 12345) ? errno : 0;
}

/* Root, and no capability. */
static int become_weak(void *data)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };

	(void)data;
	return syscall(SYS_capset, &header, none) ? errno : 0;
}

/* What the supervisor may search and the target may not, it does not search for it. */
static void closed_trees(void **state)
{
	struct target target;
	char dir[PATH_MAX];

	(void)state;
	random_state = seed();
	assert_int_equal(chmod(place, 0755), 0);
	for (int i = 0; i < 2 * TREES; i++) {
		snprintf(dir, sizeof(dir), "%s/%d", place, i);
		assert_int_equal(mkdir(dir, 0755) | chdir(dir), 0);
		make_tree(dir);
		if (!geteuid())
			assert_int_equal(scramble_tree(), 0);
		start(&target, i % 2 ? become_weak : become_other, NULL);
		check_random(&target, dir);
		end(&target);
	}
	assert_int_equal(chdir(place), 0);
}

static int enter(void *data)
{
	int err = own_root(data);

	return err ? err : chdir("a") && chdir("/") ? errno : 0;
}

static void chrooted_trees(void **state)
{
	struct target target;
	char dir[PATH_MAX];

	(void)state;
	random_state = seed();
	for (int i = 0; i < TREES; i++) {
		snprintf(dir, sizeof(dir), "%s/%d", place, i);
		assert_int_equal(mkdir(dir, 0755) | chdir(dir), 0);
		make_tree("");
		start(&target, enter, dir);
		check_random(&target, "");
		end(&target);
	}
	assert_int_equal(chdir(place), 0);
}

/*
 * Below the working directory, which links of the tree may lead out of: files
 * are made where this has been, and none in the machine's own root.
 */
static bool is_ours(const char *name)
{
	char here[PATH_MAX], there[PATH_MAX];
	size_t len;

	if (!getcwd(here, sizeof(here)) || !realpath(name, there))
		return false;
	len = strlen(here);
	return !strncmp(there, here, len) && there[len] == '/';
}

/* A directory over another: what is in either is in it. */
static void mount_over(const char *from, const char *on, int n)
{
	char upper[32], work[32], options[256];

	snprintf(upper, sizeof(upper), "upper%d", n);
	snprintf(work, sizeof(work), "work%d", n);
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s", from, upper, work);
	mkdir(upper, 0755);
	mkdir(work, 0755);
	mount("none", on, "overlay", 0, options);
}

/* Mounts here and there: other file systems, trees bound elsewhere, a procfs, one over the root. */
static int mount_some(void *data)
{
	static const char *const dirs[] = { "a", "b/c", "c", "d/a", "a/b", "e" };
	uint64_t *random = data;
	int err = own_mounts();
	const char *on;

	if (err)
		return err;
	random_state = *random;
	for (int i = 0; i < 6; i++) {
		const char *from;

		on = dirs[random_below(6)];
		if (!is_ours(on))
			continue;
		switch (random_below(4)) {
		case 0:
			mount("none", on, "tmpfs", 0, "size=64k");
			break;
		case 1:
			from = dirs[random_below(6)];
			if (is_ours(from))
				mount(from, on, NULL, MS_BIND, NULL);
			break;
		case 2:
			from = dirs[random_below(6)];
			if (is_ours(from))
				mount_over(from, on, i);
			break;
		default:
			mount("/proc", on, NULL, MS_BIND | MS_REC, NULL);
		}
		random_tree("");
	}
	on = dirs[random_below(6)];
	if (random_below(2) && is_ours(on) && !chdir(on))
		random_tree("");
	if (random_below(2) && chroot("."))
		return errno;
	if (!random_below(3))
		mount("none", ".", "tmpfs", 0, "size=64k");
	return 0;
}

static void mounted_trees(void **state)
{
	struct target target;
	char dir[PATH_MAX];
	uint64_t *random = &random_state, first;

	(void)state;
	needs_openat2 = true;
	random_state = seed();
	for (int i = 0; i < 2 * TREES; i++) {
		snprintf(dir, sizeof(dir), "%s/%d", place, i);
		assert_int_equal(mkdir(dir, 0755) | chdir(dir), 0);
		make_tree("");
		first = random_state;
		start(&target, mount_some, random);
		random_state = first;
		check_random(&target, i % 2 ? dir : "");
		end(&target);
	}
	assert_int_equal(chdir(place), 0);
}

/*
 * What others do meanwhile: no answer is wrong, none takes for ever, nothing leaks.
 */
static volatile bool stop;

static void *disturb(void *data)
{
	const int *root = data;

	while (!stop) {
		renameat(*root, "a", *root, "x");
		renameat(*root, "x", *root, "a");
		renameat2(*root, "a/b", *root, "l", RENAME_EXCHANGE);
		unlinkat(*root, "d", 0);
		symlinkat("a/b/c", *root, "d");
		unlinkat(*root, "d", 0);
		mkdirat(*root, "d", 0755);
		unlinkat(*root, "d", AT_REMOVEDIR);
	}
	return NULL;
}

static void disturbed(void **state)
{
	static const char *const paths[] = {
		"a/b/c/../../../l/c", "l/c/f", "d/f",  "l/../../a/b", "x/b/c", "d/none", "a/b/c/f",
		"/proc/self/cwd/a/b", "d",     "d/..",
	};
	int root = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct pm_where where;
	struct target target;
	struct pm_view view;
	pthread_t thread;

	(void)state;
	assert_int_equal(mkdir("a", 0755) | mkdir("a/b", 0755) | mkdir("a/b/c", 0755), 0);
	put_file("a/b/c/f");
	assert_int_equal(symlink("a/b", "l"), 0);
	start(&target, NULL, NULL);
	view = (struct pm_view){ .tid = target.pid, .tgid = target.pid };
	stop = false;
	assert_int_equal(pthread_create(&thread, NULL, disturb, &root), 0);
	for (unsigned int i = 0; i < 20000; i++) {
		int err = pm_resolve(&view, AT_FDCWD, paths[i % 10],
				     (i / 10) % 2 | (i / 20 % 2 ? RESOLVE_SLOWLY : 0), 0, &where);

		if (err || !where.name || (where.exists && where.fd < 0) ||
		    where.exists + where.missing + !!where.err != 1) {
			stop = true;
			fail_msg("%s: %d", paths[i % 10], err);
		}
		pm_where_free(&where);
	}
	stop = true;
	pthread_join(thread, NULL);
	end(&target);
	close(root);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(plain_trees),
		TEST(closed_trees),
		TEST(chrooted_trees),
		TEST(mounted_trees),
		TEST(disturbed),
	};

	return cmocka_run_group_tests_name("resolve_trees", tests, NULL, NULL);
}
