/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_policy_redirect.c - what redirects make of files and programs
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

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
	stub_init(&stub, "openat");
	item = stub_path(&stub, READ, "/from/a/.", "/from/a");
	stub_where(&stub, item)->slash = stub_where(&stub, item)->dots = true;
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
	stub_init(&stub, "openat");
	stub_path(&stub, READ, "/a", "/a");
	stub.set_error = -ENAMETOOLONG;
	assert_int_equal(decide(), -ENAMETOOLONG);
}

/* A file whose path, after a redirect, leads from here to there by a link. */
static enum pm_action linked(uint32_t classes, const char *name, const char *from, const char *to)
{
	stub_init(&stub, "openat");
	stub_path(&stub, classes, name, name);
	stub.links[0] = (struct stub_link){ from, to };
	return decided();
}

/* Where a link leads on from the target of a redirect is decided on as well. */
static void links_beyond(void **state)
{
	(void)state;
	rules("defaults: {open-write: {deny: EROFS}}\n"
	      "rules:\n"
	      "- {path: /secret, deny: EPERM, log: true}\n"
	      "- {path: /worse, kill: true}\n"
	      "- {path: /eleven, value: 11}\n"
	      "- {tree: /from, redirect: {tree: /to}}\n"
	      "- {path: /f, redirect: {path: /g}}\n"
	      "- {path: /to/shut, deny: EACCES}\n"
	      "- {path: /open, allow: true}\n");
	assert_int_equal(linked(READ, "/from/l", "/to/l", "/secret"), PM_DENY);
	assert_int_equal(verdict.err, EPERM);
	assert_string_equal(verdict.rule, "rules[0]");
	assert_true(verdict.log);
	assert_int_equal(linked(READ, "/from/l", "/to/l", "/worse"), PM_KILL);
	assert_int_equal(linked(READ, "/from/l", "/to/l", "/eleven"), PM_VALUE);
	assert_int_equal(verdict.value, 11);
	assert_int_equal(linked(READ, "/f", "/g", "/secret"), PM_DENY);
	/* The default is for it too. */
	assert_int_equal(linked(WRITE, "/from/l", "/to/l", "/other"), PM_DENY);
	assert_int_equal(verdict.err, EROFS);
	assert_int_equal(linked(READ | WRITE, "/from/l", "/to/l", "/open"), PM_REDIRECT);
	assert_string_equal(verdict.rule, "rules[3]");
	assert_int_equal(linked(READ, "/from/l", "/to/l", "/other"), PM_REDIRECT);
	assert_string_equal(PATH, "/to/l");
	/* What is within the target is the rule's own word. */
	assert_int_equal(linked(READ, "/from/l", "/to/l", "/to/shut"), PM_REDIRECT);
	assert_int_equal(linked(WRITE, "/from/l", NULL, NULL), PM_REDIRECT);
	/* A link back is redirected again, one in a circle not for ever. */
	assert_int_equal(linked(READ, "/from/l", "/to/l", "/from/x"), PM_REDIRECT);
	assert_string_equal(PATH, "/to/x");
	assert_int_equal(linked(READ, "/from/l", "/to/l", "/f"), PM_REDIRECT);
	assert_string_equal(PATH, "/g");
	stub_init(&stub, "openat");
	stub_path(&stub, READ, "/from/l", "/from/l");
	stub.links[0] = (struct stub_link){ "/to/l", "/from/l" };
	assert_int_equal(decide(), -ELOOP);
}

/* A call on that path is redirected: how often is asked where it leads, and is told straight on? */
static unsigned int asked_straight(uint32_t classes, const char *path)
{
	stub_init(&stub, "openat");
	stub_path(&stub, classes, path, path);
	stub.straight = true;
	assert_int_equal(decided(), PM_REDIRECT);
	return stub.nstraight;
}

/* A call that opens no link on its way need not be walked before it runs. */
static void straight(void **state)
{
	(void)state;
	rules("rules:\n"
	      "- {path: /secret, deny: EPERM}\n"
	      "- {path: /f, redirect: {path: /g}}\n"
	      "- {path: /w, class: open-write, redirect: {path: /v, args: [{index: 2, value: 0}]}}\n"
	      "- {path: /w, redirect: {path: /v}}\n"
	      "- {tree: /from, redirect: {tree: /to}}\n");
	for (int is = 0; is < 2; is++) {
		stub_init(&stub, "openat");
		stub_path(&stub, READ, "/f", "/f");
		stub.links[0] = (struct stub_link){ "/g", "/secret" };
		stub.straight = is;
		assert_int_equal(decided(), is ? PM_REDIRECT : PM_DENY);
		assert_string_equal(PATH, "/g");
		assert_int_equal(stub.nstraight, 1);
	}
	/* A tree has links in it, and arguments make another call of it. */
	assert_int_equal(asked_straight(READ, "/from/l"), 0);
	assert_int_equal(asked_straight(READ | WRITE, "/w"), 0);
	assert_int_equal(asked_straight(READ, "/w"), 1);
}

/* The same for the path of a socket. */
static void sockets_beyond(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "/one" };

	(void)state;
	rules("rules:\n"
	      "- {address: 'unix:/secret', deny: EPERM}\n"
	      "- {address: 'unix:/one', redirect: {address: 'unix:/two'}}\n");
	stub_init(&stub, "connect");
	stub_sockaddr(&stub, PM_BIT(PM_CLASS_CONNECT), &un, sizeof(un));
	assert_int_equal(decided(), PM_REDIRECT);
	assert_string_equal((char *)stub.items[0].data + 2, "/two");
	free(stub.items[0].data);
	stub_init(&stub, "connect");
	stub_sockaddr(&stub, PM_BIT(PM_CLASS_CONNECT), &un, sizeof(un));
	stub.links[0] = (struct stub_link){ "/two", "/secret" };
	assert_int_equal(decided(), PM_DENY);
	assert_int_equal(verdict.err, EPERM);
	free(stub.items[0].data);
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

		stub_init(&stub, "execve");
		stub_path(&stub, EXEC, i == 3 ? "/all/x" : "/s/x", "/s/x");
		if (i == 3)
			stub_where(&stub, &stub.items[0])->name = (char *)(uintptr_t)"/all/x";
		stub_strv(&stub, "argv", LIST("x", "y"));
		stub_strv(&stub, "envp", LIST("Z=1"));
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
			assert_int_equal(decided(), PM_REDIRECT);
			assert_string_equal(stub_joined(&stub, &stub.items[1]), "w x y");
			assert_string_equal(PATH, "/new/sh");
			break;
		default:
			assert_int_equal(decided(), PM_DENY);
			assert_int_equal(verdict.err, EACCES);
		}
	}
}

/* What is there makes nothing, and where it goes nothing is made that may not be. */
static void made_again(void **state)
{
	(void)state;
	rules("defaults: {create: deny}\n"
	      "rules:\n"
	      "- {tree: /free, allow: true}\n"
	      "- {tree: /from, redirect: {tree: /to}}\n"
	      "- {tree: /half, class: open-write, redirect: {tree: /to}}\n");
	assert_int_equal(opened(WRITE | CREATE, "/x"), PM_ALLOW);
	assert_true(stub.no_create);
	assert_int_equal(opened(WRITE, "/x"), PM_ALLOW);
	assert_false(stub.no_create);
	assert_int_equal(opened(WRITE | CREATE, "/free/x"), PM_ALLOW);
	assert_false(stub.no_create);
	assert_int_equal(opened(WRITE | CREATE, "/from/x"), PM_REDIRECT);
	assert_false(stub.no_create);
	assert_int_equal(opened(WRITE | CREATE, "/half/x"), PM_REDIRECT);
	assert_true(stub.no_create);
	assert_int_equal(linked(WRITE | CREATE, "/from/x", "/to/x", "/y"), PM_REDIRECT);
	assert_true(stub.no_create);
	stub_init(&stub, "openat");
	stub_where(&stub, stub_path(&stub, WRITE | CREATE, "/x", "/x"))->exists = false;
	assert_int_equal(decided(), PM_DENY);
	assert_false(stub.no_create);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(tree_redirect, clear),
		cmocka_unit_test_teardown(many_redirects, clear),
		cmocka_unit_test_teardown(straight, clear),
		cmocka_unit_test_teardown(program_redirects, clear),
		cmocka_unit_test_teardown(interpreters, clear),
		cmocka_unit_test_teardown(links_beyond, clear),
		cmocka_unit_test_teardown(sockets_beyond, clear),
		cmocka_unit_test_teardown(made_again, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
