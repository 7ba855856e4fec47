/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_policy_redirect.c - what redirects make of files and programs
 */
#define _GNU_SOURCE
#include <errno.h>

#include "policy_ask.h"

static void tree_redirect(void **state)
{
	struct pm_item *item;

	(void)state;
	rules("rules:\n"
	      "- {tree: /from, redirect: {tree: /from/to}}\n"
	      "- {tree: /x, redirect: {tree: /}}\n"
	      "- {tree: /, class: chdir, redirect: {tree: /jail}}\n"
	      "- {path: /p, redirect: {path: /q}, log: true}\n");
	assert_int_equal(opened(READ, "/from/a/b"), PM_REDIRECT);
	assert_string_equal(PATH, "/from/to/a/b");
	assert_string_equal(verdict.rule, "rules[0]");
	assert_int_equal(opened(READ, "/from"), PM_REDIRECT);
	assert_string_equal(PATH, "/from/to");
	/* What is there already stays. */
	assert_int_equal(opened(READ, "/from/to/a/b"), PM_ALLOW);
	assert_int_equal(opened(READ, "/from/to"), PM_ALLOW);
	assert_string_equal(PATH, "/from/to");
	assert_int_equal(opened(READ, "/from/too"), PM_REDIRECT);
	assert_int_equal(opened(READ, "/p"), PM_REDIRECT);
	assert_true(verdict.log);
	assert_string_equal(PATH, "/q");
	assert_int_equal(opened(READ, "/q"), PM_ALLOW);
	assert_int_equal(opened(PM_BIT(PM_CLASS_CHDIR), "/"), PM_REDIRECT);
	assert_string_equal(PATH, "/jail");
	assert_int_equal(opened(PM_BIT(PM_CLASS_CHDIR), "/usr"), PM_REDIRECT);
	assert_string_equal(PATH, "/jail/usr");
	/* A directory was asked for; a redirect keeps that. */
	stub_init(&stub, "openat");
	item = stub_path(&stub, READ, "/from/a/", "/from/a");
	stub_where(&stub, item)->slash = true;
	assert_int_equal(decided(), PM_REDIRECT);
	assert_string_equal(PATH, "/from/to/a/");
	stub_where(&stub, item)->dots = true;
	assert_int_equal(decided(), PM_REDIRECT);
	assert_string_equal(PATH, "/from/to/a/.");
	/* Where the walk met an error the name is still good. */
	stub_init(&stub, "openat");
	item = stub_path(&stub, READ, "/from/none/a", "/from/none/a");
	stub_where(&stub, item)->err = ENOENT;
	stub_where(&stub, item)->exists = false;
	assert_int_equal(decided(), PM_REDIRECT);
	assert_string_equal(PATH, "/from/to/none/a");
}

static void many_redirects(void **state)
{
	(void)state;
	rules("rules:\n"
	      "- {path: /a, class: open-write, redirect: {path: /w}}\n"
	      "- {path: [/a, /b], redirect: {path: /any}}\n"
	      "- {path: /c, redirect: {path: /c}}\n");
	assert_int_equal(opened(READ | WRITE, "/a"), PM_REDIRECT);
	assert_string_equal(PATH, "/w");
	assert_int_equal(stub.stubs[0].nset, 1);
	assert_int_equal(opened(READ, "/a"), PM_REDIRECT);
	assert_string_equal(PATH, "/any");
	stub_init(&stub, "rename");
	stub_path(&stub, PM_BIT(PM_CLASS_RENAME), "/b", "/b");
	stub_path(&stub, PM_BIT(PM_CLASS_RENAME), "/z", "/z");
	stub_path(&stub, PM_BIT(PM_CLASS_RENAME), "/c", "/c");
	stub_path(&stub, PM_BIT(PM_CLASS_RENAME), "/a", "/a");
	assert_int_equal(decided(), PM_REDIRECT);
	assert_string_equal(PATH, "/any");
	assert_string_equal((char *)stub.items[1].data, "/z");
	assert_int_equal(stub.stubs[2].nset, 0);
	assert_string_equal((char *)stub.items[3].data, "/any");
	/* What cannot be changed fails closed. */
	stub.set_error = -ENAMETOOLONG;
	assert_int_equal(decide(), -ENAMETOOLONG);
}

static void program_redirects(void **state)
{
	(void)state;
	rules("rules:\n"
	      "- {path: /cc, class: exec, redirect: {program: /ccache, argv-prepend: [ccache, -v],"
	      " env-set: {A: new, Z: ''}, env-unset: LD_PRELOAD}}\n"
	      "- {path: /ls, class: exec, redirect: {argv: [echo, '']}}\n"
	      "- {path: /un, class: exec, redirect: {env-unset: [X]}}\n");
	assert_int_equal(executed("/cc", LIST("cc", "-o"),
				  LIST("B=1", "A=old", "LD_PRELOAD=x", "A=older", "AA=2")),
			 PM_REDIRECT);
	assert_string_equal(PATH, "/ccache");
	assert_string_equal(stub_joined(&stub, &stub.items[1]), "ccache -v cc -o");
	assert_string_equal(stub_joined(&stub, &stub.items[2]), "B=1 AA=2 A=new Z=");
	assert_int_equal(executed("/ls", LIST("ls"), LIST("A=1")), PM_REDIRECT);
	assert_string_equal(PATH, "/ls");
	assert_string_equal(stub_joined(&stub, &stub.items[1]), "echo ");
	assert_int_equal(stub.stubs[2].nset, 0);
	assert_int_equal(executed("/un", LIST("un"), LIST("A=1")), PM_ALLOW);
	assert_int_equal(executed("/un", LIST("un"), LIST("X=1")), PM_REDIRECT);
	assert_string_equal(stub_joined(&stub, &stub.items[2]), "");
	assert_int_equal(executed("/un", LIST("un"), NULL), PM_ALLOW);
	/* No argv to put anything before. */
	stub_init(&stub, "execve");
	stub_path(&stub, EXEC, "/cc", "/cc");
	assert_int_equal(decide(), -EINVAL);
}

/* What a script's first line names is a program of the call too. */
static void interpreters(void **state)
{
	struct pm_item *item;

	(void)state;
	rules("default: deny\n"
	      "rules:\n"
	      "- {path: /evil, deny: EPERM}\n"
	      "- {path: /wrapped, class: exec, redirect: {argv-prepend: [w]}}\n"
	      "- {path: /env, class: exec, redirect: {env-set: {A: b}}}\n"
	      "- {tree: /all, class: exec, redirect: {tree: /new, argv-prepend: [w]}}\n"
	      "- {tree: /s, class: exec, allow: true}\n");
	for (int i = 0; i < 5; i++) {
		static const char *const programs[] = { "/evil", "/wrapped", "/env", "/all/sh",
							"/other" };

		executed(i == 3 ? "/all/x" : "/s/x", LIST("x", "y"), LIST("Z=1"));
		item = stub_path(&stub, EXEC, programs[i], programs[i]);
		item->role = "interpreter";
		item->arg = PM_NO_REGISTER;
		switch (i) {
		case 0:
			assert_int_equal(decided(), PM_DENY);
			assert_int_equal(verdict.err, EPERM);
			break;
		case 1:
			assert_int_equal(decide(), -EACCES);
			break;
		case 2:
			assert_int_equal(decided(), PM_REDIRECT);
			assert_string_equal(PATH, "/s/x");
			assert_string_equal(stub_joined(&stub, &stub.items[2]), "Z=1 A=b");
			break;
		case 3:
			/* executed() has decided it once already. */
			assert_int_equal(decided(), PM_REDIRECT);
			assert_string_equal(stub_joined(&stub, &stub.items[1]), "w w x y");
			assert_string_equal((char *)item->data, "/new/sh");
			break;
		default:
			assert_int_equal(decided(), PM_DENY);
			assert_int_equal(verdict.err, EACCES);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(tree_redirect, clear),
		cmocka_unit_test_teardown(many_redirects, clear),
		cmocka_unit_test_teardown(program_redirects, clear),
		cmocka_unit_test_teardown(interpreters, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
