/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The values of the audit's lines: cmd/audit_json.c
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "audit_lines.h"

static void assert_text(const void *data, size_t len, size_t limit, const char *expected)
{
	struct json json = { 0 };
	json_object *text = json_text(&json, data, len, limit);

	assert_false(json.failed);
	assert_string_equal(json_object_to_json_string_ext(text, JSON_C_TO_STRING_PLAIN |
						       JSON_C_TO_STRING_NOSLASHESCAPE),
			    expected);
	json_object_put(text);
}

static void test_strings(void **state)
{
	(void)state;
	assert_text("", 0, 10, "\"\"");
	assert_text("/etc/passwd", 11, 100, "\"/etc/passwd\"");
	assert_text("a\"b\\c\nd\x01", 8, 100, "\"a\\\"b\\\\c\\nd\\u0001\"");
	assert_text("a\0b", 3, 100, "\"a\\u0000b\"");
	assert_text("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9, 100,
		    "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
	/* Not UTF-8: a lone byte, overlong forms, a surrogate, too large, cut short. */
	assert_text("a\xff", 2, 100, "{\"hex\":\"61ff\"}");
	assert_text("\xc0\xaf", 2, 100, "{\"hex\":\"c0af\"}");
	assert_text("\xe0\x80\xaf", 3, 100, "{\"hex\":\"e080af\"}");
	assert_text("\xed\xa0\x80", 3, 100, "{\"hex\":\"eda080\"}");
	assert_text("\xf4\x90\x80\x80", 4, 100, "{\"hex\":\"f4908080\"}");
	assert_text("\xf5\x80\x80\x80", 4, 100, "{\"hex\":\"f5808080\"}");
	assert_text("\xe2\x82", 2, 100, "{\"hex\":\"e282\"}");
	assert_text("\x80", 1, 100, "{\"hex\":\"80\"}");
	/* Too long: a cut never splits a character. */
	assert_text("abcdef", 6, 4, "{\"utf8\":\"abcd\",\"len\":6,\"cut\":true}");
	assert_text("abc\xc3\xa4", 5, 4, "{\"utf8\":\"abc\",\"len\":5,\"cut\":true}");
	assert_text("ab\xff" "def", 6, 4, "{\"hex\":\"6162ff64\",\"len\":6,\"cut\":true}");
}

static void assert_address(const void *addr, size_t len, const char *expected)
{
	struct json json = { 0 };
	json_object *object = json_object_new_object();

	json_put_address(&json, object, addr, len);
	assert_false(json.failed);
	assert_string_equal(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
						       JSON_C_TO_STRING_NOSLASHESCAPE),
			    expected);
	json_object_put(object);
}

static void test_addresses(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(80) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(443),
				    .sin6_scope_id = 3 };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK, .nl_pid = 7, .nl_groups = 2 };
	const unsigned short other = AF_PACKET, none = AF_UNSPEC;

	(void)state;
	inet_pton(AF_INET, "192.0.2.1", &in.sin_addr);
	inet_pton(AF_INET6, "fe80::1", &in6.sin6_addr);
	assert_address(&in, sizeof(in),
		       "{\"family\":\"inet\",\"address\":\"192.0.2.1\",\"port\":80}");
	assert_address(&in, 4, "{\"family\":\"2\",\"hex\":\"02000050\",\"len\":4}");
	assert_address(&in6, sizeof(in6), "{\"family\":\"inet6\",\"address\":\"fe80::1\","
					  "\"port\":443,\"scope\":3}");
	assert_address(&in6, 24,
		       "{\"family\":\"inet6\",\"address\":\"fe80::1\",\"port\":443}");
	strcpy(un.sun_path, "/run/x");
	assert_address(&un, sizeof(un), "{\"family\":\"unix\",\"path\":\"/run/x\"}");
	assert_address(&un, 2 + 4, "{\"family\":\"unix\",\"path\":\"/run\"}");
	assert_address(&un, 2, "{\"family\":\"unix\",\"unnamed\":true}");
	memcpy(un.sun_path, "\0a\0b", 4);
	assert_address(&un, 2 + 4, "{\"family\":\"unix\",\"abstract\":\"a\\u0000b\"}");
	assert_address(&nl, sizeof(nl), "{\"family\":\"netlink\",\"pid\":7,\"groups\":2}");
	assert_address(&none, sizeof(none), "{\"family\":\"unspec\"}");
	assert_address(&other, sizeof(other), "{\"family\":\"17\",\"hex\":\"1100\",\"len\":2}");
	assert_address("\x01", 1, "{\"hex\":\"01\",\"len\":1}");
}

static void test_limits(void **state)
{
	static char long_string[JSON_MAX_TEXT + 2], *many[JSON_MAX_STRINGS + 2], *big[33];
	static unsigned char block[JSON_MAX_BLOCK + 1];
	struct pm_item items[] = {
		{ .kind = PM_ITEM_STRV, .role = "argv", .strv = many, .nstr = JSON_MAX_STRINGS + 1 },
		{ .kind = PM_ITEM_STRV, .role = "envp", .strv = big, .nstr = 32 },
		{ .kind = PM_ITEM_BLOCK, .role = "msg", .data = block, .len = sizeof(block) },
		{ .kind = PM_ITEM_STRING, .role = "name", .data = (unsigned char *)"x", .len = 1 },
		{ .kind = PM_ITEM_STRING, .role = "name", .data = (unsigned char *)"y", .len = 1 },
	};
	struct pm_call call = { .name = "execve", .items = items, .nitems = 5 };
	struct json json = { 0 };
	json_object *deep;

	(void)state;
	memset(long_string, 'x', sizeof(long_string) - 1);
	for (size_t i = 0; i <= JSON_MAX_STRINGS; i++)
		many[i] = "y";
	for (size_t i = 0; i < 32; i++)
		big[i] = long_string;
	deep = json_deep(&json, &call);
	assert_false(json.failed);
	assert_member(deep, "argv.list.1023", "\"y\"");
	assert_member(deep, "argv.list.1024", "");
	assert_member(deep, "argv.len", "1025");
	assert_member(deep, "argv.cut", "true");
	assert_member(deep, "envp.list.15.cut", "true");
	assert_member(deep, "envp.list.16", "");
	assert_member(deep, "envp.len", "32");
	assert_member(deep, "msg.len", "257");
	assert_member(deep, "msg.cut", "true");
	assert_int_equal(strlen(member(deep, "msg.hex")), 2 * JSON_MAX_BLOCK + 2);
	assert_member(deep, "name.text", "\"x\"");
	assert_member(deep, "name[1].text", "\"y\"");
	json_object_put(deep);
}

static void test_open_how(void **state)
{
	const uint64_t how[3] = { 02, 0600, 4 };
	struct pm_item item = { .kind = PM_ITEM_BLOCK, .role = "how", .arg = 2,
				.data = (unsigned char *)how, .len = sizeof(how) };
	struct pm_call call = { .name = "openat2", .items = &item, .nitems = 1 };
	struct json json = { 0 };
	json_object *deep = json_deep(&json, &call);

	(void)state;
	assert_member(deep, "how.flags", "\"0x2\"");
	assert_member(deep, "how.mode", "\"0x180\"");
	assert_member(deep, "how.resolve", "\"0x4\"");
	json_object_put(deep);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_open_how),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
