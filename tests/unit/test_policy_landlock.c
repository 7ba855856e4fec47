/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_policy_landlock.c - the rule sets under policies, tried on this kernel
 *
 * Each question is asked in a child that is restricted.  Where the kernel has
 * no Landlock these tests are skipped.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "interpreter.h"
#include "landlock.h"
#include "rules.h"

static char dir[64];
static int ruleset = -1;
static char *note;
static uint32_t held;	/* classes */

static char *at(const char *name)
{
	static char paths[8][256];
	static unsigned int next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static int touch(const char *name)
{
	int fd = open(at(name), O_WRONLY | O_CREAT, 0700);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? -1 : 0;
}

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_landlock-XXXXXX");
	return !mkdtemp(dir) || mkdir(at("in"), 0700) || mkdir(at("in/sub"), 0700) ||
	       mkdir(at("out"), 0700) || touch("in/f") || touch("out/f") || touch("out/g");
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	free(note);
	note = NULL;
	if (ruleset >= 0)
		close(ruleset);
	ruleset = -1;
	return system(command) ? -1 : 0;
}

/* The policies' texts, with "DIR" for the directory. */
static int prepare(const char *const *texts, size_t n)
{
	struct policy *policies[4];
	int result;

	for (size_t i = 0; i < n; i++) {
		char whole[4096] = "version: 1\n", *end = whole + strlen(whole), *error;

		for (const char *c = texts[i]; *c; c++) {
			if (!strncmp(c, "DIR", 3)) {
				end += sprintf(end, "%s", dir);
				c += 2;
			} else {
				*end++ = *c;
			}
		}
		*end = '\0';
		if (policy_parse("p.yaml", whole, strlen(whole), &policies[i], &error))
			fail_msg("%s", error);
	}
	free(note);
	if (ruleset >= 0)
		close(ruleset);
	result = policy_landlock_prepare(policies, n, &held, &note);
	ruleset = result;
	for (size_t i = 0; i < n; i++)
		policy_free(policies[i]);
	if (result == -EOPNOTSUPP) {
		print_message("# kernel: no Landlock\n");
		skip();
	}
	return result;
}

static void under(const char *text)
{
	assert_true(prepare(&text, 1) >= 0);
	assert_int_equal(fcntl(ruleset, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

/* What a restricted child gets: 0 or an errno. */
static int tried(int (*what)(const char *a, const char *b), const char *a, const char *b)
{
	char first[256], second[256] = "";
	int status;
	pid_t pid;

	snprintf(first, sizeof(first), "%s", a);
	if (b)
		snprintf(second, sizeof(second), "%s", b);
	pid = fork();
	if (!pid) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || policy_landlock_restrict(ruleset))
			_exit(200);
		_exit(what(first, second) < 0 ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 200);
	return WEXITSTATUS(status);
}

static int do_read(const char *a, const char *b)
{
	(void)b;
	return open(a, O_RDONLY);
}

static int do_write(const char *a, const char *b)
{
	(void)b;
	return open(a, O_WRONLY);
}

static int do_create(const char *a, const char *b)
{
	(void)b;
	return mkdir(a, 0700);
}

static int do_remove(const char *a, const char *b)
{
	(void)b;
	return unlink(a);
}

static int do_rename(const char *a, const char *b)
{
	return rename(a, b);
}

static int do_link(const char *a, const char *b)
{
	return link(a, b);
}

static int do_exec(const char *a, const char *b)
{
	(void)b;
	if (!freopen("/dev/null", "w", stdout))
		return -1;
	execl(a, a, NULL);
	return -1;
}

static int do_bind(const char *a, const char *b)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	(void)b;
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", a);
	return bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&un, sizeof(un));
}

static void nothing_to_do(void **state)
{
	static const char *const texts[] = {
		"default: allow\n",
		"rules: [{path: /etc/passwd, deny: 1}]\n",
		"defaults: {metadata: deny, connect: deny}\n",
		"defaults: {open-read: deny}\nrules: [{class: open-read, allow: true}]\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(prepare(&texts[i], 1), -ENOENT);
		assert_null(note);
	}
	assert_int_equal(prepare(NULL, 0), -ENOENT);
}

static void writes(void **state)
{
	(void)state;
	under("defaults: {open-write: deny}\n"
	      "rules: [{tree: DIR/in, allow: true}, {path: /dev/null, allow: true}]\n");
	assert_int_equal(tried(do_write, at("in/f"), NULL), 0);
	assert_int_equal(tried(do_write, at("out/f"), NULL), EACCES);
	assert_int_equal(tried(do_read, at("out/f"), NULL), 0);
	assert_int_equal(tried(do_write, "/dev/null", NULL), 0);
	assert_int_equal(tried(do_write, "/dev/zero", NULL), EACCES);
	assert_int_equal(tried(do_remove, at("out/f"), NULL), 0);
	assert_int_equal(tried(do_create, at("out/d"), NULL), 0);
	assert_int_equal(tried(do_rename, at("out/g"), at("h")), 0);
	assert_int_equal(tried(do_exec, "/bin/true", NULL), 0);
	assert_string_equal(note, "no file system can be mounted under it, and no file moved or "
				  "linked to where more is allowed");
	/* A link that was swapped leads nowhere. */
	assert_int_equal(symlink(at("out/g"), at("in/link")), 0);
	assert_int_equal(rename(at("h"), at("out/g")), 0);
	assert_int_equal(tried(do_write, at("in/link"), NULL), EACCES);
}

static void everything(void **state)
{
	(void)state;
	under("default: deny\n"
	      "rules:\n"
	      "- {tree: DIR/in, allow: true}\n"
	      "- {class: [exec, open-read], tree: [/usr, /lib, /lib64, /bin], allow: true}\n"
	      "- {path: /dev/null, class: open-write, allow: true}\n");
	assert_int_equal(tried(do_read, at("in/f"), NULL), 0);
	assert_int_equal(tried(do_read, at("in"), NULL), 0);
	assert_int_equal(tried(do_read, at("out/f"), NULL), EACCES);
	assert_int_equal(tried(do_read, at("out"), NULL), EACCES);
	assert_int_equal(tried(do_write, at("out/f"), NULL), EACCES);
	assert_int_equal(tried(do_create, at("in/d"), NULL), 0);
	assert_int_equal(tried(do_create, at("out/d"), NULL), EACCES);
	assert_int_equal(tried(do_remove, at("out/f"), NULL), EACCES);
	assert_int_equal(tried(do_rename, at("in/f"), at("in/sub/f")), 0);
	assert_int_equal(tried(do_rename, at("in/sub/f"), at("out/n")), EACCES);
	assert_int_equal(tried(do_link, at("out/f"), at("in/l")), EXDEV);
	assert_int_equal(tried(do_link, at("in/sub/f"), at("in/f")), 0);
	assert_int_equal(tried(do_remove, at("in/f"), NULL), 0);
	assert_int_equal(tried(do_exec, "/bin/true", NULL), 0);
	assert_int_equal(tried(do_exec, at("out/f"), NULL), EACCES);
	assert_int_equal(tried(do_bind, at("out/s"), NULL), EACCES);
	assert_non_null(strstr(note, "not restricted by it: metadata, set-metadata, chdir"));
	assert_int_equal(held, PM_BIT(PM_CLASS_OPEN_READ) | PM_BIT(PM_CLASS_OPEN_WRITE) |
				       PM_BIT(PM_CLASS_EXEC) | PM_BIT(PM_CLASS_CREATE) |
				       PM_BIT(PM_CLASS_REMOVE) | PM_BIT(PM_CLASS_RENAME) |
				       PM_BIT(PM_CLASS_LINK) | PM_BIT(PM_CLASS_BIND));
}

/* A class is held where all its rights are; what shares them with one that is free is not. */
static void classes_held(void **state)
{
	(void)state;
	under("defaults: {open-write: deny, metadata: deny}\n"
	      "rules: [{tree: DIR/in, allow: true}]\n");
	assert_int_equal(held, PM_BIT(PM_CLASS_OPEN_WRITE));
	assert_non_null(strstr(note, "not restricted by it: metadata; "));
	under("defaults: {open-read: deny, open-write: deny, create: deny, rename: deny}\n"
	      "rules: [{tree: DIR/in, allow: true}]\n");
	/* exec, remove and bind are free, and take rights of theirs with them. */
	assert_int_equal(held, PM_BIT(PM_CLASS_OPEN_WRITE));
	assert_non_null(strstr(note, "not restricted by it: open-read, create, rename; "));
	under("defaults: {create: deny, rename: deny, bind: deny}\n"
	      "rules: [{tree: DIR/in, allow: true}]\n");
	assert_int_equal(held, PM_BIT(PM_CLASS_CREATE) | PM_BIT(PM_CLASS_BIND));
	under("defaults: {link: deny, remove: deny, rename: deny}\n"
	      "rules: [{tree: DIR/in, allow: true}]\n");
	assert_int_equal(held, PM_BIT(PM_CLASS_REMOVE));
	assert_non_null(strstr(note, "not restricted by it: rename, link; "));
}

/* What redirects lead to, in any layer, must pass. */
static void redirects(void **state)
{
	static const char *const texts[] = {
		"defaults: {open-write: deny}\nrules: [{path: DIR/in/f, allow: true}]\n",
		"rules: [{path: DIR/in/f, redirect: {path: DIR/out/f}},"
		" {tree: DIR/x, class: open-write, redirect: {tree: DIR/in/sub}}]\n",
	};

	(void)state;
	assert_int_equal(touch("in/sub/f"), 0);
	assert_true(prepare(texts, 2) >= 0);
	assert_int_equal(tried(do_write, at("out/f"), NULL), 0);
	assert_int_equal(tried(do_write, at("in/sub/f"), NULL), 0);
	assert_int_equal(tried(do_write, "/dev/null", NULL), EACCES);
}

/* A file that may come, or be replaced, is held by its directory. */
static void files_that_change(void **state)
{
	(void)state;
	under("defaults: {open-write: deny}\n"
	      "rules: [{path: [DIR/in/f, DIR/out/none, /nosuch-file], allow: true}]\n");
	assert_int_equal(tried(do_write, at("in/f"), NULL), 0);
	assert_int_equal(touch("out/none"), 0);
	assert_int_equal(tried(do_write, at("out/none"), NULL), 0);
	assert_non_null(strstr(note, "no rule for /nosuch-file: it is not there; "));
	/* Where none may be made it is held itself. */
	under("defaults: {open-write: deny, create: deny, rename: deny}\n"
	      "rules: [{path: DIR/in/f, class: open-write, allow: true}]\n");
	assert_int_equal(touch("in/g"), 0);
	assert_int_equal(tried(do_write, at("in/f"), NULL), 0);
	assert_int_equal(tried(do_write, at("in/g"), NULL), EACCES);
}

static void globs(void **state)
{
	(void)state;
	under("defaults: {open-write: deny}\n"
	      "rules: [{glob: 'DIR/in/*.c', allow: true}, {class: open-write, spelling: x,"
	      " deny: 1}]\n");
	assert_int_equal(tried(do_write, at("in/f"), NULL), 0);
	assert_int_equal(tried(do_write, at("out/f"), NULL), EACCES);
}

/* A program that may run needs what the kernel opens for it. */
static void programs(void **state)
{
	FILE *script = fopen(at("in/f"), "w");

	(void)state;
	assert_non_null(script);
	fprintf(script, "#!  /bin/sh -e\nexit 0\n");
	fclose(script);
	under("defaults: {exec: deny, create: deny, rename: deny}\n"
	      "rules: [{path: DIR/in/f, class: exec, allow: true}]\n");
	assert_int_equal(tried(do_exec, at("in/f"), NULL), 0);
	assert_int_equal(tried(do_exec, "/bin/sh", NULL), 0);
	assert_int_equal(tried(do_exec, "/bin/true", NULL), EACCES);
	/* To run is to read: reads cannot be held where everything may run. */
	under("defaults: {open-read: deny}\nrules: [{tree: DIR/in, allow: true}]\n");
	assert_int_equal(tried(do_read, at("out/f"), NULL), 0);
	assert_int_equal(tried(do_read, at("out"), NULL), EACCES);
}

static void sockets(void **state)
{
	(void)state;
	under("default: deny\n"
	      "rules: [{class: bind, address: 'unix:DIR/in/*', allow: true}]\n");
	assert_int_equal(tried(do_bind, at("in/s"), NULL), 0);
	assert_int_equal(tried(do_bind, at("out/s"), NULL), EACCES);
}

static void interpreters(void **state)
{
	char *found;

	(void)state;
	assert_int_equal(interpreter_of("/proc/self/exe", &found), 0);
	assert_int_equal(found[0], '/');
	free(found);
	assert_int_equal(interpreter_of(at("in/f"), &found), -ENOENT);
	assert_int_equal(interpreter_of(at("in"), &found), -ENOENT);
	assert_int_equal(interpreter_of(at("none"), &found), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_to_do, setup, teardown),
		cmocka_unit_test_setup_teardown(writes, setup, teardown),
		cmocka_unit_test_setup_teardown(everything, setup, teardown),
		cmocka_unit_test_setup_teardown(classes_held, setup, teardown),
		cmocka_unit_test_setup_teardown(redirects, setup, teardown),
		cmocka_unit_test_setup_teardown(files_that_change, setup, teardown),
		cmocka_unit_test_setup_teardown(globs, setup, teardown),
		cmocka_unit_test_setup_teardown(programs, setup, teardown),
		cmocka_unit_test_setup_teardown(sockets, setup, teardown),
		cmocka_unit_test_setup_teardown(interpreters, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
