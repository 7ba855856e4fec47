/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Views that are not the supervisor's: other roots, working directories that
 * are gone or have no short name, other namespaces, threads.
 */
#define _GNU_SOURCE
#include "resolve_check.h"

#include <pthread.h>
#include <sys/mman.h>

static void check_all(struct target *target, const char *const *paths)
{
	while (*paths)
		check(target, *paths++);
}

static void expect(struct target *target, const char *path, bool anonymous, const char *name)
{
	struct pm_where where;

	check_how(target, AT_FDCWD, path, 0, 0, &where);
	if (where.anonymous != anonymous || strcmp(where.name, name))
		fail_msg("\"%s\" is \"%s\", not \"%s\"", path, where.name, name);
	pm_where_free(&where);
}

static int lose_cwd(void *data)
{
	(void)data;
	return mkdir("gone", 0755) || chdir("gone") || rmdir("../gone") ? errno : 0;
}

static void deleted_cwd(void **state)
{
	static const char *const paths[] = { ".",    "..",  "x",   "",	"x/y",	"../d", "../none",
					     "../.", "./x", "x/.", "/", "/tmp", NULL };
	struct target target;
	char name[128];

	(void)state;
	assert_int_equal(mkdir("d", 0755), 0);
	start(&target, lose_cwd, NULL);
	check_all(&target, paths);
	snprintf(name, sizeof(name), "deleted:%s/gone", place);
	expect(&target, ".", true, name);
	snprintf(name, sizeof(name), "deleted:%s/gone/x", place);
	expect(&target, "x", true, name);
	snprintf(name, sizeof(name), "%s/d", place);
	expect(&target, "../d", false, name);
	end(&target);
}

static int root_below(void *data)
{
	return own_root(data);
}

static void cwd_above_root(void **state)
{
	static const char *const paths[] = { ".",      "..",	"d",	 "d/e",	 "d/..",
					     "d/e/..", "none",	"l",	 "/",	 "/e",
					     "/..",    "/../e", "/none", "../x", "up",
					     "d/up",   "top",	"top/e", NULL };
	struct target target;
	char name[128];

	(void)state;
	assert_int_equal(mkdir("d", 0755) | mkdir("d/e", 0755), 0);
	assert_int_equal(symlink("d", "l") | symlink("..", "up") | symlink("..", "d/up"), 0);
	assert_int_equal(symlink("/", "top"), 0);
	start(&target, root_below, "d");
	check_all(&target, paths);
	snprintf(name, sizeof(name), "(unreachable)%s", place);
	expect(&target, ".", true, name);
	expect(&target, "d", false, "/");
	expect(&target, "d/e", false, "/e");
	expect(&target, "top/e", false, "/e");
	end(&target);
}

static int root_here(void *data)
{
	int err = own_root(data);

	return err ? err : chdir("/a") ? errno : 0;
}

static void other_root(void **state)
{
	static const char *const paths[] = { ".",   "..", "../..", "/",	  "/..",   "/a/b",  "b/..",
					     "b/x", "l",  "/l/b",  "abs", "abs/b", "/none", NULL };
	struct target target;

	(void)state;
	assert_int_equal(mkdir("r", 0755) | mkdir("r/a", 0755) | mkdir("r/a/b", 0755), 0);
	assert_int_equal(symlink("../../../a", "r/l") | symlink("/a", "r/a/abs"), 0);
	start(&target, root_here, "r");
	check_all(&target, paths);
	expect(&target, ".", false, "/a");
	expect(&target, "abs/b/../..//../l/b", false, "/a/b");
	expect(&target, "none", false, "/a/none");
	end(&target);
}

static int go_deep(void *data)
{
	char name[251];

	(void)data;
	memset(name, 'n', 250);
	name[250] = '\0';
	for (int i = 0; i < 20; i++)
		if (mkdir(name, 0755) || chdir(name))
			return errno;
	return mkdir("d", 0755) || symlink("d", "l") || symlink("../none", "up") ? errno : 0;
}

static void long_cwd(void **state)
{
	static const char *const paths[] = { ".",   "..",    "d",  "d/..", "l",	  "l/..", "none",
					     "l/x", "none/", "up", "../x", "d/.", "/",	  NULL };
	struct pm_where where;
	struct target target;

	(void)state;
	start(&target, go_deep, NULL);
	check_all(&target, paths);
	check_how(&target, AT_FDCWD, "l", 0, 0, &where);
	assert_int_equal(strlen(where.name), strlen(place) + 20 * 251 + 2);
	pm_where_free(&where);
	end(&target);
}

static int nested(void *data)
{
	int err = own_mounts();

	(void)data;
	if (!err && mount("proc", "p", "proc", 0, NULL))
		err = errno;
	if (!err && mount("p", "/proc", NULL, MS_BIND, NULL))
		err = errno;
	return err;
}

static int outer_proc(void *data)
{
	(void)data;
	return 0;
}

/* A new pid namespace, in a new user namespace where that is needed. */
static void start_nested(struct target *target, int (*prepare)(void *))
{
	if (geteuid())
		start_flags(target, CLONE_NEWPID | CLONE_NEWUSER, prepare, NULL);
	else
		start_flags(target, CLONE_NEWPID, prepare, NULL);
}

static void nested_pids(void **state)
{
	static const char *const paths[] = { "/proc/self",	   "/proc/self/status", "p/self",
					     "p/self/cwd",	   "p/thread-self",	"/proc/1",
					     "/proc/1/cwd/p/self", "p/self/fd/0",	NULL };
	struct target target;
	struct pm_where where;

	(void)state;
	assert_int_equal(mkdir("p", 0755), 0);
	start_nested(&target, nested);
	check_all(&target, paths);
	expect(&target, "/proc/self/status", false, "/proc/1/status");
	expect(&target, "/proc/thread-self", false, "/proc/1/task/1");
	check_how(&target, AT_FDCWD, "/proc/1/maps", 0, 0, &where);
	assert_string_equal(where.self_name, "/proc/self/maps");
	pm_where_free(&where);
	end(&target);
}

/* It sees the procfs of the namespace above, where it has another id. */
static void outer_pids(void **state)
{
	struct target target;
	char name[64];

	(void)state;
	start_nested(&target, outer_proc);
	snprintf(name, sizeof(name), "/proc/%d/status", target.pid);
	expect(&target, "/proc/self/status", false, name);
	expect(&target, "/proc/self/cwd", false, place);
	end(&target);
}

static int other_mounts(void *data)
{
	int err = own_mounts();
	int fd = *(int *)data;

	if (err)
		return err;
	if (mount("none", "m", "tmpfs", 0, NULL) || mkdir("m/d", 0755) || dup2(fd, 60) < 0)
		return errno;
	return 0;
}

/* A descriptor from before has another mount, but the names of its files are true. */
static void other_namespace(void **state)
{
	static const char *const paths[] = { "m",
					     "m/d",
					     "m/..",
					     "m/d/../..",
					     "m/none",
					     "/dev/null",
					     "/proc/self/fd/60/d",
					     "/proc/self/fd/60/m/..",
					     NULL };
	struct target target;
	struct pm_where where;
	char name[128];
	int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_int_equal(mkdir("m", 0755) | mkdir("d", 0755) | mkdir("m/hidden", 0755), 0);
	start(&target, other_mounts, &fd);
	check_all(&target, paths);
	snprintf(name, sizeof(name), "%s/d", place);
	check_how(&target, 60, "d", 0, 0, &where);
	assert_string_equal(where.name, name);
	pm_where_free(&where);
	/* Below what is mounted over in the view, there is no name. */
	check_how(&target, 60, "m/hidden", 0, 0, &where);
	assert_true(where.anonymous);
	pm_where_free(&where);
	end(&target);
	close(fd);
}

static volatile pid_t *thread_id;

static void *wander(void *data)
{
	(void)data;
	if (unshare(CLONE_FS) || chdir("d"))
		return NULL;
	*thread_id = (pid_t)syscall(SYS_gettid);
	for (;;)
		pause();
}

static int start_thread(void *data)
{
	pthread_t thread;

	(void)data;
	if (pthread_create(&thread, NULL, wander, NULL))
		return EAGAIN;
	for (int i = 0; i < 5000 && !*thread_id; i++)
		usleep(1000);
	return *thread_id ? 0 : ETIME;
}

static void of_a_thread(void **state)
{
	struct target target;
	struct pm_where where;
	struct pm_view view;
	char name[128];

	(void)state;
	assert_int_equal(mkdir("d", 0755), 0);
	thread_id = mmap(NULL, sizeof(*thread_id), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	start(&target, start_thread, NULL);
	view = (struct pm_view){ .tid = *thread_id, .tgid = target.pid };
	snprintf(name, sizeof(name), "%s/d/x", place);
	assert_int_equal(pm_resolve(&view, AT_FDCWD, "x", 0, 0, &where), 0);
	assert_string_equal(where.name, name);
	pm_where_free(&where);
	snprintf(name, sizeof(name), "/proc/%d/task/%d/comm", target.pid, *thread_id);
	assert_int_equal(pm_resolve(&view, AT_FDCWD, "/proc/thread-self/comm", 0, 0, &where), 0);
	assert_string_equal(where.name, name);
	pm_where_free(&where);
	snprintf(name, sizeof(name), "/proc/%d/cwd", target.pid);
	assert_int_equal(pm_resolve(&view, AT_FDCWD, "/proc/self/cwd", 0, 0, &where), 0);
	assert_string_equal(where.name, place);
	pm_where_free(&where);
	end(&target);
	munmap((void *)thread_id, sizeof(*thread_id));
}

struct sleeper {
	pid_t tid;
	int told[2], ends[2];
};

static void *sleep_until_told(void *data)
{
	struct sleeper *sleeper = data;
	char byte;

	sleeper->tid = gettid();
	if (write(sleeper->told[1], "", 1) == 1)
		read(sleeper->ends[0], &byte, 1);
	return NULL;
}

/* The supervisor may follow the links of its threads; who is decided on may not. */
static void links_of_ours(void **state)
{
	static const char *const links[] = { "root", "cwd", "exe", "fd/0", "ns/mnt" };
	struct sleeper sleeper;
	struct target target;
	pthread_t thread;
	char byte;

	(void)state;
	assert_int_equal(pipe(sleeper.told) | pipe(sleeper.ends), 0);
	assert_int_equal(pthread_create(&thread, NULL, sleep_until_told, &sleeper), 0);
	assert_int_equal(read(sleeper.told[0], &byte, 1), 1);
	start(&target, NULL, NULL);
	const struct pm_view view = { .tid = target.pid, .tgid = target.pid };
	const pid_t tids[] = { getpid(), sleeper.tid };

	for (size_t i = 0; i < 10; i++) {
		struct pm_where where;
		char path[128];

		snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", getpid(), tids[i % 2],
			 links[i / 2]);
		assert_int_equal(pm_resolve(&view, AT_FDCWD, path, 0, 0, &where), 0);
		if (where.err != EACCES)
			fail_msg("%s: %s", path, strerror(where.err));
		pm_where_free(&where);
		snprintf(path, sizeof(path), "/proc/%d/%s", tids[i % 2], links[i / 2]);
		assert_int_equal(pm_resolve(&view, AT_FDCWD, path, 0, 0, &where), 0);
		if (where.err != EACCES)
			fail_msg("%s: %s", path, strerror(where.err));
		pm_where_free(&where);
	}
	end(&target);
	assert_int_equal(write(sleeper.ends[1], "", 1), 1);
	pthread_join(thread, NULL);
	for (int i = 0; i < 2; i++) {
		close(sleeper.told[i]);
		close(sleeper.ends[i]);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(deleted_cwd), TEST(cwd_above_root), TEST(other_root),	TEST(long_cwd),
		TEST(nested_pids), TEST(outer_pids),	 TEST(other_namespace), TEST(links_of_ours), TEST(of_a_thread),
	};

	return cmocka_run_group_tests_name("resolve_views", tests, NULL, NULL);
}
