/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_policy_match.c - which rules decide on calls
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "policy_ask.h"

static void first_rule(void **state)
{
	(void)state;
	rules("default: deny\n"
	      "rules:\n"
	      "- {tree: /a/b, deny: EPERM}\n"
	      "- {path: /a/b/c, allow: true}\n"
	      "- {tree: /a, class: open-read, allow: true}\n");
	assert_int_equal(opened(READ, "/a/x"), PM_ALLOW);
	assert_string_equal(verdict.rule, "rules[2]");
	assert_string_equal(verdict.source, "p.yaml:6");
	assert_int_equal(opened(READ, "/a"), PM_ALLOW);
	assert_int_equal(opened(READ, "/a/b/c"), PM_DENY);
	assert_int_equal(verdict.err, EPERM);
	assert_string_equal(verdict.rule, "rules[0]");
	assert_string_equal(verdict.source, "p.yaml:4");
	assert_int_equal(opened(READ, "/ab"), PM_DENY);
	assert_int_equal(verdict.err, EACCES);
	assert_string_equal(verdict.rule, "default");
	assert_string_equal(verdict.source, "p.yaml:2");
	assert_int_equal(opened(WRITE, "/a/x"), PM_DENY);
	assert_int_equal(opened(READ | WRITE, "/a/x"), PM_DENY);
	assert_int_equal(verdict.err, EACCES);
}

static void patterns(void **state)
{
	(void)state;
	rules("rules:\n"
	      "- {glob: ['/etc/*.conf', /nosuch/**/x, '/y/**'], deny: 1}\n"
	      "- {path: [/p/./q//r/, '/p/../s'], deny: 2}\n"
	      "- {tree: /, class: chdir, deny: 3}\n");
	assert_int_equal(opened(READ, "/etc/a.conf"), PM_DENY);
	assert_int_equal(opened(READ, "/etc/.conf"), PM_DENY);
	assert_int_equal(opened(READ, "/etc/a/b.conf"), PM_ALLOW);
	assert_int_equal(opened(READ, "/nosuch/x"), PM_DENY);
	assert_int_equal(opened(READ, "/nosuch/a/x"), PM_DENY);
	assert_int_equal(opened(READ, "/nosuch/a/x/b/x"), PM_DENY);
	assert_int_equal(opened(READ, "/nosuch/a/x/b"), PM_ALLOW);
	assert_int_equal(opened(READ, "/nosuch/ax"), PM_ALLOW);
	assert_int_equal(opened(READ, "/y"), PM_DENY);
	assert_int_equal(opened(READ, "/y/z/w"), PM_DENY);
	assert_int_equal(opened(READ, "/yy"), PM_ALLOW);
	assert_int_equal(opened(READ, "/p/q/r"), PM_DENY);
	assert_int_equal(opened(READ, "/s"), PM_DENY);
	assert_int_equal(opened(READ, "/p/q/r/t"), PM_ALLOW);
	assert_int_equal(opened(PM_BIT(PM_CLASS_CHDIR), "/"), PM_DENY);
	assert_int_equal(opened(PM_BIT(PM_CLASS_CHDIR), "/x"), PM_DENY);
	assert_int_equal(opened(PM_BIT(PM_CLASS_CHDIR), "pipe:[1]"), PM_ALLOW);
}

static void spelling(void **state)
{
	(void)state;
	rules("rules:\n"
	      "- {spelling: ['../*', '/a//b'], tree: /x, deny: 1}\n"
	      "- {spelling: '**/c', deny: 2}\n");
	stub_init(&stub, "openat");
	stub_path(&stub, READ, "../y", "/x/y");
	assert_int_equal(decided(), PM_DENY);
	stub_init(&stub, "openat");
	stub_path(&stub, READ, "../y", "/z/y");
	assert_int_equal(decided(), PM_ALLOW);
	stub_init(&stub, "openat");
	stub_path(&stub, READ, "/a//b", "/x");
	assert_int_equal(decided(), PM_DENY);
	stub_init(&stub, "openat");
	stub_path(&stub, READ, "/a/b", "/x");
	assert_int_equal(decided(), PM_ALLOW);
	stub_init(&stub, "openat");
	stub_path(&stub, READ, "../c", "pipe:[7]");
	assert_int_equal(decided(), PM_DENY);
	assert_int_equal(verdict.err, 2);
}

static void anonymous(void **state)
{
	(void)state;
	rules("default: deny\n"
	      "rules:\n"
	      "- {anonymous: 'pipe:*', allow: true}\n"
	      "- {tree: /, class: open-read, allow: true}\n"
	      "- {anonymous: true, class: open-write, path: /w, deny: EIO}\n");
	assert_int_equal(opened(READ, "pipe:[1]"), PM_ALLOW);
	assert_int_equal(opened(READ, "socket:[1]"), PM_DENY);
	assert_int_equal(verdict.err, EACCES);
	assert_int_equal(opened(WRITE, "socket:[1]"), PM_DENY);
	assert_int_equal(verdict.err, EIO);
	assert_int_equal(opened(WRITE, "/w"), PM_DENY);
	assert_int_equal(verdict.err, EIO);
}

static void self_name(void **state)
{
	struct pm_item *item;

	(void)state;
	rules("rules:\n"
	      "- {tree: /proc/self, deny: 1}\n"
	      "- {tree: /x, redirect: {tree: /y}}\n");
	stub_init(&stub, "openat");
	item = stub_path(&stub, READ, "/proc/self/maps", "/proc/77/maps");
	assert_int_equal(decided(), PM_ALLOW);
	stub_where(&stub, item)->self_name = (char *)(uintptr_t)"/proc/self/maps";
	assert_int_equal(decided(), PM_DENY);
}

/* The rule's own path leads somewhere; both are what it means. */
static void links(void **state)
{
	char dir[] = "/tmp/test_policy-XXXXXX", text[512], name[256];

	(void)state;
	assert_non_null(mkdtemp(dir));
	sprintf(name, "%s/real", dir);
	assert_int_equal(mkdir(name, 0700), 0);
	sprintf(text, "%s/link", dir);
	assert_int_equal(symlink("real", text), 0);
	sprintf(text, "%s/real/end", dir);
	assert_int_equal(symlink("/nosuch/file", text), 0);

	sprintf(text, "rules:\n- {tree: %s/link, deny: 1}\n", dir);
	rules(text);
	sprintf(name, "%s/link", dir);
	assert_int_equal(opened(READ, name), PM_DENY);
	sprintf(name, "%s/real/x", dir);
	assert_int_equal(opened(READ, name), PM_DENY);

	/* Below a link, a link itself, not there. */
	sprintf(text, "rules:\n- {path: [%s/link/end, %s/link/none/at/all], deny: 1}\n", dir, dir);
	rules(text);
	sprintf(name, "%s/real/end", dir);
	assert_int_equal(opened(READ, name), PM_DENY);
	sprintf(name, "%s/real/none/at/all", dir);
	assert_int_equal(opened(READ, name), PM_DENY);

	sprintf(text, "rules:\n- {glob: '%s/link/*.c', deny: 1}\n", dir);
	rules(text);
	sprintf(name, "%s/real/x.c", dir);
	assert_int_equal(opened(READ, name), PM_DENY);
	sprintf(name, "%s/link/x.c", dir);
	assert_int_equal(opened(READ, name), PM_DENY);

	sprintf(name, "%s/real/end", dir);
	unlink(name);
	sprintf(name, "%s/link", dir);
	unlink(name);
	sprintf(name, "%s/real", dir);
	rmdir(name);
	rmdir(dir);
}

static void create(void **state)
{
	struct pm_item *item;

	(void)state;
	rules("rules:\n- {class: create, deny: EROFS}\n");
	assert_int_equal(opened(READ | CREATE, "/a"), PM_ALLOW);
	stub_init(&stub, "openat");
	item = stub_path(&stub, READ | CREATE, "/a", "/a");
	stub_where(&stub, item)->exists = false;
	assert_int_equal(decided(), PM_DENY);
	assert_int_equal(verdict.err, EROFS);
	/* mkdir(2) makes nothing else. */
	stub_init(&stub, "mkdir");
	stub_path(&stub, CREATE, "/a", "/a");
	assert_int_equal(decided(), PM_DENY);
}

/* fstat(2) in other clothes; what changes something is not. */
static void descriptors(void **state)
{
	struct pm_item *item;

	(void)state;
	rules("default: deny\n");
	stub_init(&stub, "newfstatat");
	item = stub_path(&stub, PM_BIT(PM_CLASS_METADATA), "", "/a");
	assert_int_equal(decided(), PM_DENY);
	item->empty_ok = true;
	assert_int_equal(decided(), PM_ALLOW);
	item->classes = PM_BIT(PM_CLASS_SET_METADATA);
	assert_int_equal(decided(), PM_DENY);
	item->classes = EXEC;
	assert_int_equal(decided(), PM_DENY);
	stub_init(&stub, "newfstatat");
	item = stub_path(&stub, PM_BIT(PM_CLASS_METADATA), "a", "/a");
	item->empty_ok = true;
	assert_int_equal(decided(), PM_DENY);
}

static void strictest(void **state)
{
	(void)state;
	rules("default: {deny: EIO}\n"
	      "rules:\n"
	      "- {path: /k, kill: true}\n"
	      "- {path: /v, value: -7}\n"
	      "- {path: /r, redirect: {path: /to}}\n"
	      "- {path: /e, deny: EPERM}\n"
	      "- {path: /f, deny: EROFS}\n"
	      "- {path: /a, allow: true, log: true}\n");
	stub_init(&stub, "rename");
	stub_path(&stub, PM_BIT(PM_CLASS_RENAME), "/v", "/v");
	stub_path(&stub, PM_BIT(PM_CLASS_RENAME), "/r", "/r");
	assert_int_equal(decided(), PM_VALUE);
	assert_int_equal(verdict.value, -7);
	assert_string_equal(PATH, "/v");
	assert_int_equal(stub.stubs[1].nset, 0);
	stub_path(&stub, PM_BIT(PM_CLASS_RENAME), "/f", "/f");
	assert_int_equal(decided(), PM_DENY);
	assert_int_equal(verdict.err, EROFS);
	stub_path(&stub, PM_BIT(PM_CLASS_RENAME), "/x", "/x");
	assert_int_equal(decided(), PM_DENY);
	assert_int_equal(verdict.err, EROFS);
	stub_path(&stub, PM_BIT(PM_CLASS_RENAME), "/e", "/e");
	assert_int_equal(decided(), PM_DENY);
	assert_int_equal(verdict.err, EPERM);
	assert_false(verdict.log);
	stub_path(&stub, PM_BIT(PM_CLASS_RENAME), "/k", "/k");
	stub_path(&stub, PM_BIT(PM_CLASS_RENAME), "/a", "/a");
	assert_int_equal(decided(), PM_KILL);
	assert_true(verdict.log);
	assert_string_equal(verdict.rule, "rules[0]");
}

static void programs(void **state)
{
	(void)state;
	rules("rules:\n"
	      "- {argv: {0: '*sh', 1: -c}, deny: 1}\n"
	      "- {argv: [ls, '-*'], deny: 2}\n"
	      "- {argc: 5-, deny: 3}\n"
	      "- {path: /bin/x, env: {A: 'b*', C: ''}, deny: 4}\n"
	      "- {path: /bin/y, env-absent: [A, B], deny: 5}\n"
	      "- {path: /bin/z, argc: 0-1, deny: 6}\n");
	assert_int_equal(executed("/bin/sh", LIST("/bin/sh", "-c", "x"), NULL), PM_DENY);
	assert_int_equal(executed("/bin/sh", LIST("/bin/sh", "-x"), NULL), PM_ALLOW);
	assert_int_equal(executed("/bin/sh", LIST("/bin/sh"), NULL), PM_ALLOW);
	assert_int_equal(executed("/bin/ls", LIST("ls", "-l"), NULL), PM_DENY);
	assert_int_equal(verdict.err, 2);
	assert_int_equal(executed("/bin/ls", LIST("ls", "-l", "x"), NULL), PM_ALLOW);
	assert_int_equal(executed("/bin/ls", LIST("ls", "-l", "x", "y", "z"), NULL), PM_DENY);
	assert_int_equal(verdict.err, 3);
	assert_int_equal(executed("/bin/x", LIST("x"), LIST("A=bc", "C=")), PM_DENY);
	assert_int_equal(executed("/bin/x", LIST("x"), LIST("A=x", "A=b", "C=")), PM_DENY);
	assert_int_equal(executed("/bin/x", LIST("x"), LIST("A=bc", "C=d")), PM_ALLOW);
	assert_int_equal(executed("/bin/x", LIST("x"), LIST("A=bc")), PM_ALLOW);
	assert_int_equal(executed("/bin/x", LIST("x"), NULL), PM_ALLOW);
	assert_int_equal(executed("/bin/y", LIST("y"), LIST("AA=1", "A", "C=B=")), PM_DENY);
	assert_int_equal(executed("/bin/y", LIST("y"), LIST("B=")), PM_ALLOW);
	assert_int_equal(executed("/bin/y", NULL, NULL), PM_DENY);
	assert_int_equal(executed("/bin/z", NULL, NULL), PM_DENY);
	assert_int_equal(verdict.err, 6);
}

static enum pm_action socket_with(uint64_t a, uint64_t b)
{
	stub_init(&stub, "socket");
	stub.call.args[0] = a;
	stub.call.args[1] = b;
	return decided();
}

static void arguments(void **state)
{
	(void)state;
	rules("default: deny\n"
	      "rules:\n"
	      "- {syscall: [socket, bind], args: [{index: 0, equal: 0x10}], deny: 1}\n"
	      "- {syscall: socket, args: {index: 1, equal: 2, mask: 017}, deny: 2}\n"
	      "- {syscall: socket, args: [{index: 0, min: 100, max: 200}], value: 9}\n"
	      "- {syscall: socket, args: [{index: 0, equal: -100, as: int}], deny: 4}\n"
	      "- {syscall: socket, args: [{index: 0, min: -3, max: 3, as: int},"
	      " {index: 1, equal: 77}], deny: 5}\n"
	      "- {syscall: socket, args: {index: 1, equal: 0xfffffff0, as: uint}, deny: 6}\n"
	      "- {syscall: socket, args: {index: 1, max: -5, as: long}, deny: 7}\n");
	assert_int_equal(socket_with(16, 0), PM_DENY);
	assert_int_equal(verdict.err, 1);
	assert_int_equal(socket_with(16 | 1ull << 32, 0), PM_ALLOW);
	assert_int_equal(socket_with(0, 0xff2), PM_DENY);
	assert_int_equal(verdict.err, 2);
	assert_int_equal(socket_with(0, 0xff3), PM_ALLOW);
	assert_int_equal(socket_with(100, 0), PM_VALUE);
	assert_int_equal(socket_with(200, 0), PM_VALUE);
	assert_int_equal(socket_with(201, 0), PM_ALLOW);
	assert_int_equal(socket_with(0xffffff9c, 0), PM_DENY);
	assert_int_equal(verdict.err, 4);
	assert_int_equal(socket_with((uint64_t)-100, 0), PM_DENY);
	assert_int_equal(socket_with(0xfffffffd, 77), PM_DENY);
	assert_int_equal(verdict.err, 5);
	assert_int_equal(socket_with(0xfffffffc, 77), PM_ALLOW);
	assert_int_equal(socket_with(3, 77), PM_DENY);
	assert_int_equal(socket_with(4, 77), PM_ALLOW);
	assert_int_equal(socket_with(4, 0x12345678fffffff0), PM_DENY);
	assert_int_equal(verdict.err, 6);
	assert_int_equal(socket_with(4, (uint64_t)-8), PM_DENY);
	assert_int_equal(verdict.err, 7);
	/* Calls that name nothing have no default. */
	stub_init(&stub, "getpid");
	assert_int_equal(decided(), PM_ALLOW);
}

static void whole_calls(void **state)
{
	(void)state;
	rules("default: deny\n"
	      "rules:\n"
	      "- {path: /first, allow: true}\n"
	      "- {syscall: openat, args: {index: 3, equal: 1}, redirect:"
	      " {args: [{index: 3, value: 2}, {index: 4, value: 5}], syscall: openat2}}\n"
	      "- {syscall: openat, path: /x, allow: true}\n"
	      "- {syscall: unlinkat, path: /y, allow: true}\n");
	stub_init(&stub, "openat");
	stub_path(&stub, READ | WRITE, "/z", "/z");
	stub.call.args[3] = 1;
	assert_int_equal(decided(), PM_REDIRECT);
	assert_string_equal(verdict.rule, "rules[1]");
	assert_int_equal(stub.call.args[3], 2);
	assert_int_equal(stub.call.args[4], 5);
	assert_true(stub.nr_set);
	assert_string_equal(stub.call.name, "openat2");
	/* A rule before it that decides every facet keeps it from being asked. */
	stub_init(&stub, "openat");
	stub_path(&stub, READ | WRITE, "/first", "/first");
	stub.call.args[3] = 1;
	assert_int_equal(decided(), PM_ALLOW);
	assert_false(stub.nr_set);
	assert_int_equal(opened(READ, "/x"), PM_ALLOW);
	assert_int_equal(opened(READ, "/y"), PM_DENY);
	/* A call of a table that has no such number. */
	stub_init(&stub, "openat");
	stub_path(&stub, READ, "/z", "/z");
	stub.call.args[3] = 1;
	rules("rules:\n- {syscall: openat, redirect: {syscall: stat64}}\n");
	assert_int_equal(decide(), -ENOSYS);
}

static enum pm_action addressed(const char *syscall, enum pm_class class, const void *addr,
				size_t len)
{
	int err;

	stub_init(&stub, syscall);
	stub_sockaddr(&stub, PM_BIT(class), addr, len);
	err = decide();
	return err ? (enum pm_action)err : verdict.action;
}

static void addresses(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(80) }, new;
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "x/../sock" };
	struct pm_item *item;

	(void)state;
	inet_pton(AF_INET, "10.1.2.3", &in.sin_addr);
	rules("defaults: {any-address: {deny: ENETUNREACH}}\n"
	      "rules:\n"
	      "- {class: connect, address: '10.0.0.0/8:80', redirect: {address: '127.0.0.1'}}\n"
	      "- {class: send, address: ['10.0.0.0/8:80', 'unix:*'], allow: true}\n"
	      "- {address: ['unix:/run/sock'], allow: true}\n"
	      "- {class: bind, redirect: {address: '[::1]:7'}}\n");
	assert_int_equal(addressed("connect", PM_CLASS_CONNECT, &in, sizeof(in)), PM_REDIRECT);
	memcpy(&new, stub.items[0].data, sizeof(new));
	assert_int_equal(new.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	assert_int_equal(ntohs(new.sin_port), 80);
	assert_int_equal(decided(), PM_DENY);
	free(stub.items[0].data);
	assert_int_equal(addressed("sendto", PM_CLASS_SEND, &in, sizeof(in)), PM_ALLOW);
	free(stub.items[0].data);
	assert_int_equal(addressed("connect", PM_CLASS_CONNECT, &un, sizeof(un)), PM_DENY);
	free(stub.items[0].data);
	/* A path is looked at where it leads. */
	stub_init(&stub, "connect");
	stub.resolved = "/run/sock";
	item = stub_sockaddr(&stub, PM_BIT(PM_CLASS_CONNECT), &un, sizeof(un));
	assert_int_equal(decided(), PM_ALLOW);
	free(item->data);
	assert_int_equal(addressed("bind", PM_CLASS_BIND, &in, sizeof(in)),
			 (enum pm_action)-EAFNOSUPPORT);
	free(stub.items[0].data);
}

static void wanted(void **state)
{
	(void)state;
	rules("rules: []\n");
	assert_false(wants("openat", READ));
	assert_false(wants("getpid", 0));
	rules("rules:\n- {path: /a, class: exec, allow: true}\n- {syscall: getpid, value: 1}\n"
	      "- {syscall: openat, path: /b, allow: true}\n");
	assert_false(wants("stat", PM_BIT(PM_CLASS_METADATA)));
	assert_true(wants("execve", EXEC));
	assert_true(wants("getpid", 0));
	assert_false(wants("getppid", 0));
	assert_true(wants("openat", READ | WRITE | CREATE));
	assert_false(wants("open", READ | WRITE | CREATE));
	rules("rules:\n- {path: /a, allow: true}\n");
	assert_true(wants("stat", PM_BIT(PM_CLASS_METADATA)));
	assert_false(wants("connect", PM_BIT(PM_CLASS_CONNECT)));
	assert_false(wants("getpid", 0));
	rules("defaults: {connect: kill}\n");
	assert_true(wants("connect", PM_BIT(PM_CLASS_CONNECT)));
	assert_false(wants("bind", PM_BIT(PM_CLASS_BIND)));
	rules("default: deny\n");
	assert_true(wants("stat", PM_BIT(PM_CLASS_METADATA)));
	assert_false(wants("getpid", 0));
}

/* Many items, as sendmmsg(2) has them, and many rules. */
static void many(void **state)
{
	struct pm_item items[1024];
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(80) };
	char *text = malloc(1 << 20), *at = text;

	(void)state;
	at += sprintf(at, "rules:\n");
	for (int i = 0; i < 1000; i++)
		at += sprintf(at, "- {address: '10.0.%d.0/24', deny: 1}\n", i % 256);
	rules(text);
	free(text);
	memset(items, 0, sizeof(items));
	for (size_t i = 0; i < 1024; i++) {
		items[i].kind = PM_ITEM_SOCKADDR;
		items[i].role = "addr";
		items[i].classes = PM_BIT(PM_CLASS_SEND);
		items[i].data = (unsigned char *)&in;
		items[i].len = sizeof(in);
	}
	stub_init(&stub, "sendmmsg");
	stub.call.items = items;
	stub.call.nitems = 1024;
	assert_int_equal(decided(), PM_ALLOW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(first_rule, clear),
		cmocka_unit_test_teardown(patterns, clear),
		cmocka_unit_test_teardown(spelling, clear),
		cmocka_unit_test_teardown(anonymous, clear),
		cmocka_unit_test_teardown(self_name, clear),
		cmocka_unit_test_teardown(links, clear),
		cmocka_unit_test_teardown(create, clear),
		cmocka_unit_test_teardown(descriptors, clear),
		cmocka_unit_test_teardown(strictest, clear),
		cmocka_unit_test_teardown(programs, clear),
		cmocka_unit_test_teardown(arguments, clear),
		cmocka_unit_test_teardown(whole_calls, clear),
		cmocka_unit_test_teardown(addresses, clear),
		cmocka_unit_test_teardown(wanted, clear),
		cmocka_unit_test_teardown(many, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
