/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where paths lead in the view of another process, compared with what that
 * process gets.
 */
#define _GNU_SOURCE
#include "resolve_check.h"

#include <sys/mman.h>
#include <sys/resource.h>

static char line[PATH_MAX];

/* A name below the directory of the test; overwritten by the next. */
static const char *here(const char *name)
{
	snprintf(line, sizeof(line), "%s%s%s", place, *name ? "/" : "", name);
	return line;
}

/*
 * Spellings
 */
static void make_few(void)
{
	assert_int_equal(mkdir("d", 0755) | mkdir("d/e", 0755) | mkdir("d/e/f", 0755), 0);
	put_file("file");
	put_file("d/e/g");
	assert_int_equal(symlink("d", "l") | symlink("d/", "l-slash") | symlink("d/.", "l-dot"), 0);
	assert_int_equal(symlink("nowhere", "dangling") | symlink("nowhere/", "dangling-slash"), 0);
	assert_int_equal(symlink("d/nowhere/x", "dangling-deep") | symlink("loop", "loop"), 0);
	assert_int_equal(symlink("loop-b", "loop-a") | symlink("loop-a", "loop-b"), 0);
	assert_int_equal(symlink("file", "l-file") | symlink("..", "d/up") | symlink("/", "top"),
			 0);
	assert_int_equal(symlink("l/e/../up/l/e/f", "far") | symlink("l-file/", "l-file-slash"), 0);
	assert_int_equal(symlink(here("d/e"), "absolute"), 0);
}

static void spellings(void **state)
{
	static const char *const paths[] = {
		".",
		"..",
		"/",
		"//",
		"///",
		"/.",
		"/..",
		"/../..",
		"./",
		"../",
		"d",
		"d/",
		"d//",
		"d/.",
		"d/..",
		"d/./",
		"d/../",
		"./d",
		".//d",
		"d/e/../../d/e",
		"d//e///f",
		"d/e/f/..",
		"file",
		"file/",
		"file/.",
		"file/..",
		"file/x",
		"file//",
		"none",
		"none/",
		"none/.",
		"none/..",
		"none/x",
		"none/x/",
		"d/none",
		"d/none/",
		"d/none/x",
		"l",
		"l/",
		"l/.",
		"l/..",
		"l/e",
		"l/e/..",
		"l-slash",
		"l-slash/",
		"l-slash/e",
		"l-dot",
		"l-dot/",
		"l-dot/e",
		"dangling",
		"dangling/",
		"dangling/x",
		"dangling/.",
		"dangling/..",
		"dangling-slash",
		"dangling-slash/",
		"dangling-deep",
		"dangling-deep/",
		"loop",
		"loop/",
		"loop/x",
		"loop-a",
		"loop-a/..",
		"l-file",
		"l-file/",
		"l-file/.",
		"l-file/x",
		"l-file-slash",
		"l-file-slash/",
		"d/up",
		"d/up/",
		"d/up/d/up/d",
		"l/up/l/up/l/e/g",
		"top",
		"top/",
		"top/..",
		"top/tmp",
		"far",
		"far/",
		"far/..",
		"absolute",
		"absolute/",
		"absolute/f",
		"absolute/..",
		"",
		"d/e/g",
		"d/e/g/",
		"d/e/none",
		"absolute/none",
		"/usr/bin/env",
		"/bin/sh",
		"/lib",
		"/lib/",
		"/etc/../bin/./sh",
		"/dev/null",
		"/dev/null/",
		"/dev/none",
		"/none",
		"/none/",
		"/none/none",
		"/tmp",
		"/tmp/..",
		"/sys/kernel",
		"/dev/pts/..",
		"/dev/shm/../null",
		"/proc",
		"/proc/",
		"/proc/version",
		"/proc/none",
	};
	struct target target;

	(void)state;
	make_few();
	start(&target, NULL, NULL);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		check(&target, paths[i]);
	end(&target);
}

static void canonical(void **state)
{
	struct target target;

	(void)state;
	make_few();
	start(&target, NULL, NULL);
	check_name(&target, "l/e/..//./e/g", 0, here("d/e/g"));
	check_name(&target, "l", 0, here("d"));
	check_name(&target, "l", PM_RESOLVE_NOFOLLOW, here("l"));
	check_name(&target, "l/", PM_RESOLVE_NOFOLLOW, here("d"));
	check_name(&target, "l/", PM_RESOLVE_PARENT, here("l"));
	check_name(&target, "dangling", 0, here("nowhere"));
	check_name(&target, "dangling", PM_RESOLVE_NOFOLLOW, here("dangling"));
	check_name(&target, "l/none/../x/./y", 0, here("d/x/y"));
	check_name(&target, "l/none/../../../../../../../../x", 0, "/x");
	check_name(&target, "far", 0, here("d/e/f"));
	check_name(&target, "absolute/g", 0, here("d/e/g"));
	check_name(&target, "/..", 0, "/");
	check_name(&target, "", 0, here(""));
	check_name(&target, "file/../x", 0, here("x"));
	check_name(&target, "loop/x", 0, here("loop/x"));
	end(&target);
}

static void told_spelling(void **state)
{
	static const struct {
		const char *path;
		bool slash, dots;
	} cases[] = {
		{ "d", false, false },
		{ "d/", true, false },
		{ "d//", true, false },
		{ "d/.", true, true },
		{ "d/..", true, true },
		{ "d/./", true, true },
		{ ".", true, true },
		{ "..", true, true },
		{ "/", true, false },
		{ "", false, false },
		{ "d/.x", false, false },
		{ "d/...", false, false },
		{ "dangling-slash", true, false },
		{ "l-slash", false, false },
		{ "none/", true, false },
	};
	struct pm_where where;
	struct target target;

	(void)state;
	make_few();
	start(&target, NULL, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		check_how(&target, AT_FDCWD, cases[i].path, 0, 0, &where);
		if (where.slash != cases[i].slash || where.dots != cases[i].dots)
			fail_msg("\"%s\": slash %d dots %d", cases[i].path, where.slash,
				 where.dots);
		pm_where_free(&where);
	}
	end(&target);
}

/* n links, one after the other, the first named "0". */
static void make_chain(const char *prefix, int n, const char *last)
{
	char from[64], to[64];

	for (int i = 0; i < n; i++) {
		snprintf(from, sizeof(from), "%s%d", prefix, i);
		snprintf(to, sizeof(to), "%s%d", prefix, i + 1);
		assert_int_equal(symlink(i + 1 < n ? to : last, from), 0);
	}
}

static void depth(void **state)
{
	struct target target;
	char path[PATH_MAX] = "";

	(void)state;
	make_few();
	make_chain("forty-", 40, "d");
	make_chain("more-", 41, "d");
	make_chain("none-", 40, "none");
	make_chain("far-", 40, "/proc/self/cwd");
	start(&target, NULL, NULL);
	check(&target, "forty-0");
	check(&target, "forty-0/e");
	check(&target, "forty-0/up");
	check(&target, "forty-1/up/l");
	check(&target, "forty-0/none");
	check(&target, "more-0");
	check(&target, "more-1/e");
	check(&target, "none-0");
	check(&target, "none-0/");
	check(&target, "far-0");
	check(&target, "far-1");
	check(&target, "far-2");
	check(&target, "/proc/self/cwd/forty-0");
	check(&target, "/proc/self/cwd/forty-1");
	check(&target, "/proc/self/cwd/forty-2");
	check(&target, "/proc/self/cwd/forty-3/none");
	/* The links on the way count together. */
	for (int i = 0; i < 20; i++)
		strcat(path, "l/up/");
	check(&target, path);
	strcat(path, "dangling");
	check(&target, path);
	end(&target);
}

static void lengths(void **state)
{
	char path[PATH_MAX + 8], name[NAME_MAX + 2];
	struct pm_where where;
	struct target target;

	(void)state;
	make_few();
	start(&target, NULL, NULL);
	memset(name, 'n', NAME_MAX + 1);
	name[NAME_MAX + 1] = '\0';
	check(&target, name);
	name[NAME_MAX] = '\0';
	check(&target, name);
	snprintf(path, sizeof(path), "d/%sn/x", name);
	check(&target, path);
	snprintf(path, sizeof(path), "file/%sn", name);
	check(&target, path);
	for (size_t len = PATH_MAX - 2; len < PATH_MAX + 2; len++) {
		memset(path, '/', len);
		path[len] = '\0';
		check_how(&target, AT_FDCWD, path, 0, 0, &where);
		pm_where_free(&where);
		memcpy(path, "d/e", 3);
		check_how(&target, AT_FDCWD, path, 0, 0, &where);
		pm_where_free(&where);
	}
	end(&target);
}

/*
 * Descriptors
 */
struct fds {
	int dir, file, link, pipe[2], sock, deleted, gone, plain;
};

static int open_fds(void *data)
{
	struct fds *fds = data;

	fds->dir = open("d", O_PATH | O_DIRECTORY);
	fds->file = open("file", O_RDONLY);
	fds->link = open("l", O_PATH | O_NOFOLLOW);
	fds->plain = open("d/e", O_RDONLY | O_DIRECTORY);
	fds->deleted = open("deleted", O_CREAT | O_RDWR, 0600);
	mkdir("gone", 0755);
	fds->gone = open("gone", O_RDONLY | O_DIRECTORY);
	fds->sock = socket(AF_UNIX, SOCK_STREAM, 0);
	if (unlink("deleted") || rmdir("gone") || pipe(fds->pipe))
		return errno;
	return 0;
}

/* The numbers that the target's descriptors get, found by doing the same here. */
static void start_fds(struct target *target, struct fds *fds)
{
	make_few();
	start(target, open_fds, fds);
}

static void descriptors(void **state)
{
	static const char *const paths[] = {
		"", ".", "..", "e", "e/", "e/../..", "x", "x/y", "/etc", "up/l", "../none", "../l/",
	};
	struct fds *fds =
		mmap(NULL, sizeof(*fds), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct pm_where where;
	struct target target;

	(void)state;
	start_fds(&target, fds);
	int list[] = { fds->dir,  fds->file,	fds->link, fds->plain, fds->deleted, fds->gone,
		       fds->sock, fds->pipe[0], 9999,	   -1,	       -2,	     INT_MIN };

	for (size_t f = 0; f < sizeof(list) / sizeof(list[0]); f++)
		for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
			for (unsigned int flags = 0; flags < 4; flags++) {
				check_how(&target, list[f], paths[i], flags, 0, &where);
				pm_where_free(&where);
			}
	check_how(&target, fds->gone, "", PM_RESOLVE_EMPTY, 0, &where);
	assert_true(where.anonymous);
	assert_non_null(strstr(where.name, "/gone"));
	assert_int_equal(strncmp(where.name, "deleted:/tmp/", 13), 0);
	pm_where_free(&where);
	end(&target);
	munmap(fds, sizeof(*fds));
}

/*
 * procfs
 */
static void proc_self(void **state)
{
	static const char *const paths[] = {
		"/proc/self",
		"/proc/self/",
		"/proc/self/.",
		"/proc/self/..",
		"/proc/self/status",
		"/proc/thread-self",
		"/proc/thread-self/",
		"/proc/thread-self/comm",
		"/proc/self/cwd",
		"/proc/self/cwd/",
		"/proc/self/cwd/d",
		"/proc/self/cwd/l/e",
		"/proc/self/cwd/..",
		"/proc/self/cwd/none",
		"/proc/self/root",
		"/proc/self/root/",
		"/proc/self/root/etc",
		"/proc/self/root/..",
		"/proc/self/exe",
		"/proc/self/exe/",
		"/proc/self/exe/x",
		"/proc/self/fd",
		"/proc/self/fd/",
		"/proc/self/fd/0",
		"/proc/self/fd/0/",
		"/proc/self/fd/77",
		"/proc/self/fd/0/x",
		"/dev/fd/1",
		"/dev/fd/77",
		"/dev/stdin",
		"/dev/stdout",
		"/dev/stderr",
		"/dev/fd",
		"/dev/fd/",
		"/dev/fd/..",
		"/proc/mounts",
		"/proc/net",
		"/proc/net/",
		"/proc/net/dev",
		"/proc/self/ns/mnt",
		"/proc/self/ns/mnt/x",
		"/proc/self/ns/none",
		"/proc/self/task",
		"/proc/self/net/../cwd/d",
		"/proc/1/none",
		"/proc/self/map_files/none",
		"/proc/999999999",
		"/proc/self/../self/cwd/d",
		"/proc/self/cwd/self-link/cwd/d",
		"self-link",
		"self-link/",
		"self-link/cwd",
		"self-link/fd/0",
		"to-cwd",
		"to-cwd/d",
		"to-cwd/none",
		"to-none",
		"to-task/../../cwd/d",
	};
	struct pm_where where;
	struct target target;
	char text[64];

	(void)state;
	make_few();
	assert_int_equal(symlink("/proc/self", "self-link") |
				 symlink("/proc/self/task", "to-task") |
				 symlink("/proc/self/cwd", "to-cwd") |
				 symlink("/proc/self/cwd/none", "to-none"),
			 0);
	start(&target, NULL, NULL);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		check(&target, paths[i]);

	snprintf(text, sizeof(text), "/proc/%d/status", target.pid);
	check_how(&target, AT_FDCWD, "/proc/self/status", 0, 0, &where);
	assert_string_equal(where.name, text);
	assert_string_equal(where.self_name, "/proc/self/status");
	pm_where_free(&where);
	check_how(&target, AT_FDCWD, text, 0, 0, &where);
	assert_string_equal(where.self_name, "/proc/self/status");
	pm_where_free(&where);
	snprintf(text, sizeof(text), "/proc/%d/status", getpid());
	check_how(&target, AT_FDCWD, text, 0, 0, &where);
	assert_null(where.self_name);
	pm_where_free(&where);
	check_how(&target, AT_FDCWD, "self-link", 0, 0, &where);
	assert_string_equal(where.self_name, "/proc/self");
	pm_where_free(&where);
	snprintf(text, sizeof(text), "/proc/%d/task/%d", target.pid, target.pid);
	check_name(&target, "/proc/thread-self", 0, text);
	check_name(&target, "/proc/self", PM_RESOLVE_NOFOLLOW, "/proc/self");
	check_name(&target, "/proc/self/cwd/d", 0, here("d"));
	end(&target);
}

static void magic_links(void **state)
{
	struct fds *fds =
		mmap(NULL, sizeof(*fds), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct pm_where where;
	struct target target;
	char path[64];

	(void)state;
	start_fds(&target, fds);
	const struct {
		int fd;
		bool anonymous;
		const char *name;
	} cases[] = {
		{ fds->dir, false, "/d" },	    { fds->file, false, "/file" },
		{ fds->link, false, "/l" },	    { fds->plain, false, "/d/e" },
		{ fds->deleted, true, "deleted:" }, { fds->gone, true, "deleted:" },
		{ fds->sock, true, "socket:[" },    { fds->pipe[0], true, "pipe:[" },
		{ fds->pipe[1], true, "pipe:[" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static const char *const forms[] = {
			"/proc/self/fd/%d",	   "/dev/fd/%d",
			"/proc/thread-self/fd/%d", "/proc/self/fd/%d/",
			"/proc/self/fd/%d/x",	   "/proc/self/fd/%d/..",
			"/proc/self/fd/%d/.",	   "/proc/self/fd/%d/../d/e",
		};

		snprintf(path, sizeof(path), "/proc/self/fd/%d", cases[i].fd);
		check_how(&target, AT_FDCWD, path, 0, 0, &where);
		assert_true(where.magic);
		assert_int_equal(where.anonymous, cases[i].anonymous);
		assert_non_null(strstr(where.name, cases[i].name));
		pm_where_free(&where);
		for (size_t j = 0; j < sizeof(forms) / sizeof(forms[0]); j++) {
			snprintf(path, sizeof(path), forms[j], cases[i].fd);
			check(&target, path);
		}
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fds->dir);
	check_how(&target, AT_FDCWD, path, PM_RESOLVE_NOFOLLOW, 0, &where);
	assert_false(where.magic);
	assert_true(S_ISLNK(where.st.st_mode));
	pm_where_free(&where);
	end(&target);
	munmap(fds, sizeof(*fds));
}

/* Of a file with " (deleted)" in its name, and of one whose name was taken by another. */
static int open_confusing(void *data)
{
	(void)data;
	if (dup2(open("x (deleted)", O_CREAT | O_RDWR, 0600), 50) != 50 ||
	    dup2(open("taken", O_CREAT | O_RDWR, 0600), 51) != 51 || unlink("taken") ||
	    dup2(open("renamed", O_CREAT | O_RDWR, 0600), 52) != 52 || rename("renamed", "other") ||
	    dup2(open("linked", O_CREAT | O_RDWR, 0600), 53) != 53 || link("linked", "second") ||
	    unlink("linked"))
		return errno;
	close(open("taken (deleted)", O_CREAT | O_RDWR, 0600));
	return 0;
}

static void confusing_names(void **state)
{
	struct pm_where where;
	struct target target;

	(void)state;
	start(&target, open_confusing, NULL);
	check_name(&target, "/proc/self/fd/50", 0, here("x (deleted)"));
	check_name(&target, "x (deleted)", 0, here("x (deleted)"));
	check_name(&target, "/proc/self/fd/52", 0, here("other"));
	for (int fd = 51; fd < 54; fd += 2) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		check_how(&target, AT_FDCWD, path, 0, 0, &where);
		assert_true(where.anonymous);
		assert_int_equal(strncmp(where.name, "deleted:/tmp/", 13), 0);
		pm_where_free(&where);
	}
	end(&target);
}

/*
 * openat2's bits
 */
static void resolve_bits(void **state)
{
	static const char *const paths[] = {
		"d",
		"l",
		"l/",
		"l/e",
		"d/..",
		"..",
		"d/../..",
		"/",
		"/d",
		"/..",
		"absolute",
		"top",
		"top/d",
		"file",
		"none",
		"none/x",
		"dangling",
		"l/up/up",
		"/dev/null",
		"/proc/self",
		"/proc/self/cwd",
		"/proc/self/status",
		"/proc/version",
		"to-cwd",
		"to-cwd/d",
		"loop",
		"/proc/self/exe",
		"/dev",
		"/usr",
		"self-link/fd/0",
		"d/e/../../../x",
		"/l/e",
		"/none",
		"/dev/../none",
		"d/up/d",
		"l-dot",
		"/proc/self/root",
		"/proc/self/root/etc",
		"/proc/..",
	};
	static const uint64_t bits[] = {
		RESOLVE_NO_SYMLINKS,
		RESOLVE_NO_MAGICLINKS,
		RESOLVE_NO_XDEV,
		RESOLVE_BENEATH,
		RESOLVE_IN_ROOT,
		RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
		RESOLVE_IN_ROOT | RESOLVE_NO_XDEV,
		RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
		RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS,
	};
	struct fds *fds =
		mmap(NULL, sizeof(*fds), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct pm_where where;
	struct target target;

	(void)state;
	assert_int_equal(symlink("/proc/self", "self-link") | symlink("/proc/self/cwd", "to-cwd"),
			 0);
	start_fds(&target, fds);
	int list[] = { AT_FDCWD, fds->dir, fds->file, 9999 };

	for (size_t f = 0; f < sizeof(list) / sizeof(list[0]); f++)
		for (size_t b = 0; b < sizeof(bits) / sizeof(bits[0]); b++)
			for (size_t i = 0; i < 2 * sizeof(paths) / sizeof(paths[0]); i++) {
				check_how(&target, list[f], paths[i / 2],
					  i % 2 ? PM_RESOLVE_NOFOLLOW : 0, bits[b], &where);
				pm_where_free(&where);
			}
	check_how(&target, fds->dir, "/../../e", 0, RESOLVE_IN_ROOT, &where);
	assert_string_equal(where.name, here("d/e"));
	pm_where_free(&where);
	end(&target);
	munmap(fds, sizeof(*fds));
}

/*
 * The supervisor's own troubles
 */
static void gone(void **state)
{
	struct pm_view view = { .tid = 0x3fffffff, .tgid = 0x3fffffff };
	struct pm_where where;

	(void)state;
	assert_int_equal(pm_resolve(&view, AT_FDCWD, "/", 0, 0, &where), -ESRCH);
	assert_null(where.name);
	assert_int_equal(where.fd, -1);
	pm_where_free(&where);
}

static void no_descriptors(void **state)
{
	struct rlimit old, limit;
	struct pm_view view;
	struct pm_where where;
	struct target target;
	int err = -EMFILE;

	(void)state;
	make_few();
	start(&target, NULL, NULL);
	view = (struct pm_view){ .tid = target.pid, .tgid = target.pid };
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	for (rlim_t n = 3; n < 20 && err; n++) {
		limit = (struct rlimit){ .rlim_cur = n, .rlim_max = old.rlim_max };
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
		err = pm_resolve(&view, AT_FDCWD, "l/e/../up/file", RESOLVE_SLOWLY, 0, &where);
		if (err)
			assert_int_equal(err, -EMFILE);
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(err, 0);
	assert_string_equal(where.name, here("file"));
	pm_where_free(&where);
	end(&target);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Whoever closes what is not his says so, and the root is opened anew. */
static void closed_root(void **state)
{
	struct target target;
	struct place first, second;
	struct pm_where where;
	struct pm_view view;

	(void)state;
	start(&target, NULL, NULL);
	view = (struct pm_view){ .tid = target.pid, .tgid = target.pid };
	assert_true(supervisor_root(&first));
	assert_int_equal(close(first.fd), 0);
	resolve_forget();
	assert_int_equal(pm_resolve(&view, AT_FDCWD, "/proc/sys/kernel", 0, 0, &where), 0);
	assert_int_equal(where.err, 0);
	assert_string_equal(where.name, "/proc/sys/kernel");
	pm_where_free(&where);
	assert_true(supervisor_root(&second));
	assert_true(same_object(&first.is, &second.is));
	end(&target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(spellings),    TEST(canonical),   TEST(told_spelling),
		TEST(depth),	    TEST(lengths),     TEST(descriptors),
		TEST(proc_self),    TEST(magic_links), TEST(confusing_names),
		TEST(resolve_bits), TEST(gone),	       TEST(no_descriptors),
		TEST(closed_root),
	};

	return cmocka_run_group_tests_name("resolve", tests, NULL, NULL);
}
