/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_address.c - socket addresses as rules spell them
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "address.h"

#define FORMS "expected IPV4[/BITS][:PORTS], '[IPV6[/BITS]]:PORTS', '*:PORTS', unix:PATH, " \
	      "unix:@NAME or family:NAME"

/* An address in exactly as many bytes as it has. */
struct bytes {
	unsigned char *data;
	size_t len;
};

static struct bytes copy(const void *data, size_t len)
{
	struct bytes bytes = { .data = malloc(len ? len : 1), .len = len };

	memcpy(bytes.data, data, len);
	return bytes;
}

static struct bytes in4(int family, const char *ip, uint16_t port)
{
	struct sockaddr_in in = { .sin_family = (sa_family_t)family, .sin_port = htons(port) };

	assert_int_equal(inet_pton(AF_INET, ip, &in.sin_addr), 1);
	return copy(&in, sizeof(in));
}

static struct bytes in6(const char *ip, uint16_t port, size_t len)
{
	struct sockaddr_in6 in = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	assert_int_equal(inet_pton(AF_INET6, ip, &in.sin6_addr), 1);
	return copy(&in, len);
}

static struct bytes un(const void *path, size_t len)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	memcpy(un.sun_path, path, len);
	return copy(&un, offsetof(struct sockaddr_un, sun_path) + len);
}

static bool matches_use(const char *text, enum address_use use, struct bytes bytes,
			const char *path)
{
	struct address address;
	char *why = NULL;
	bool result;

	if (address_parse(text, &address, &why))
		fail_msg("%s: %s", text, why);
	result = address_matches(&address, use, bytes.data, bytes.len, path);
	address_clear(&address);
	free(bytes.data);
	return result;
}

static bool matches(const char *text, struct bytes bytes)
{
	return matches_use(text, ADDRESS_CONNECT, bytes, NULL);
}

static void says(const char *text, const char *expected)
{
	struct address address;
	char *why = NULL;

	assert_int_equal(address_parse(text, &address, &why), -EINVAL);
	assert_string_equal(why, expected);
	free(why);
}

static void errors(void **state)
{
	static const char *const no_address[] = {
		"",	  "localhost",	"1.2.3",     "1.2.3.4.5", "::1",      "[::1",
		"[]",	  "[1.2.3.4]",	"1.2.3.4 ",  "[::1]80",	  "[::1]x:1", "**:1",
		"01.2.3.400", "[::1%lo",
	};
	char expected[512];

	(void)state;
	for (size_t i = 0; i < sizeof(no_address) / sizeof(no_address[0]); i++) {
		snprintf(expected, sizeof(expected), "'%s' is no address, " FORMS, no_address[i]);
		says(no_address[i], expected);
	}
	says("1.2.3.4:",
	     "'1.2.3.4:' has port '', expected 0..65535, a range LOW-HIGH or *");
	says("1.2.3.4:65536",
	     "'1.2.3.4:65536' has port '65536', expected 0..65535, a range LOW-HIGH or *");
	says("*:9-8", "'*:9-8' has port '9-8', expected 0..65535, a range LOW-HIGH or *");
	says("*:9-", "'*:9-' has port '9-', expected 0..65535, a range LOW-HIGH or *");
	says("*:-9", "'*:-9' has port '-9', expected 0..65535, a range LOW-HIGH or *");
	says("*:http", "'*:http' has port 'http', expected 0..65535, a range LOW-HIGH or *");
	says("[::1]:1:2", "'[::1]:1:2' has port '1:2', expected 0..65535, a range LOW-HIGH or *");
	says("1.2.3.4/33", "'1.2.3.4/33' has prefix length '33', expected 0..32");
	says("1.2.3.4/", "'1.2.3.4/' has prefix length '', expected 0..32");
	says("[::/129]", "'[::/129]' has prefix length '129', expected 0..128");
	says("1.2.3.4/24", "'1.2.3.4/24' has bits set after the first 24, expected none");
	says("[fe80::1/10]", "'[fe80::1/10]' has bits set after the first 10, expected none");
	says("[fe80::1%eth0]:1",
	     "'[fe80::1%eth0]:1' names a zone, expected an address without one");
	says("unix:run/x", "'unix:run/x' is no address, expected an absolute path, @NAME, * or "
			   "unnamed after 'unix:'");
	says("unix:/run/*/", "'unix:/run/*/' has a component that is empty, '.' or '..': never so");
	says("unix:", "'unix:' is no address, expected an absolute path, @NAME, * or "
		      "unnamed after 'unix:'");
	says("family:nosuch", "'family:nosuch' names no family, expected one such as netlink, "
			      "packet or vsock, or its number");
	says("family:65536", "'family:65536' names no family, expected one such as netlink, "
			     "packet or vsock, or its number");
}

static void ip4(void **state)
{
	(void)state;
	assert_true(matches("127.0.0.1:80", in4(AF_INET, "127.0.0.1", 80)));
	assert_false(matches("127.0.0.1:80", in4(AF_INET, "127.0.0.1", 81)));
	assert_false(matches("127.0.0.1:80", in4(AF_INET, "127.0.0.2", 80)));
	assert_true(matches("127.0.0.1", in4(AF_INET, "127.0.0.1", 81)));
	assert_true(matches("127.0.0.1:*", in4(AF_INET, "127.0.0.1", 81)));
	assert_true(matches("10.0.0.0/8:1000-2000", in4(AF_INET, "10.255.0.1", 2000)));
	assert_true(matches("10.0.0.0/8:1000-2000", in4(AF_INET, "10.255.0.1", 1000)));
	assert_false(matches("10.0.0.0/8:1000-2000", in4(AF_INET, "10.255.0.1", 999)));
	assert_false(matches("10.0.0.0/8", in4(AF_INET, "11.0.0.0", 1)));
	assert_true(matches("10.128.0.0/9", in4(AF_INET, "10.128.0.1", 1)));
	assert_false(matches("10.128.0.0/9", in4(AF_INET, "10.127.0.1", 1)));
	assert_true(matches("0.0.0.0/0:0", in4(AF_INET, "8.8.8.8", 0)));
	assert_true(matches("*:53", in4(AF_INET, "8.8.8.8", 53)));
	assert_false(matches("*:53", in4(AF_INET, "8.8.8.8", 54)));
	assert_true(matches("*", in4(AF_INET, "8.8.8.8", 54)));
	assert_false(matches("[::/0]", in4(AF_INET, "8.8.8.8", 54)));
}

static void ip6(void **state)
{
	(void)state;
	assert_true(matches("[::1]:443", in6("::1", 443, 28)));
	assert_true(matches("[::1]", in6("::1", 443, 24)));
	assert_false(matches("[::1]:443", in6("::2", 443, 28)));
	assert_true(matches("[fe80::/10]:*", in6("febf::1", 1, 28)));
	assert_false(matches("[fe80::/10]:*", in6("fec0::1", 1, 28)));
	assert_true(matches("*:53", in6("::2", 53, 28)));
	assert_true(matches("[::/0]", in6("::ffff:1.2.3.4", 53, 28)));
}

static void mapped(void **state)
{
	(void)state;
	assert_true(matches("1.2.3.4:80", in6("::ffff:1.2.3.4", 80, 28)));
	assert_true(matches("1.2.0.0/16", in6("::ffff:1.2.3.4", 80, 28)));
	assert_false(matches("1.2.3.4:80", in6("::1.2.3.4", 80, 28)));
	assert_true(matches("[::ffff:1.2.3.4]:80", in6("::ffff:1.2.3.4", 80, 28)));
	assert_true(matches("[::ffff:1.2.3.4]:80", in4(AF_INET, "1.2.3.4", 80)));
	assert_true(matches("[::ffff:0:0/96]:80", in4(AF_INET, "1.2.3.4", 80)));
}

static void any_is_loopback(void **state)
{
	(void)state;
	assert_true(matches("127.0.0.0/8:80", in4(AF_INET, "0.0.0.0", 80)));
	assert_true(matches("0.0.0.0:80", in4(AF_INET, "0.0.0.0", 80)));
	assert_true(matches("[::1]:80", in6("::", 80, 28)));
	assert_true(matches("127.0.0.1:80", in6("::", 80, 28)));
	assert_true(matches("127.0.0.1:80", in6("::ffff:0.0.0.0", 80, 28)));
	assert_false(matches("127.0.0.2:80", in4(AF_INET, "0.0.0.0", 80)));
	assert_true(matches_use("127.0.0.1", ADDRESS_SEND, in4(AF_INET, "0.0.0.0", 80), NULL));
	/* Bound to, they are what they say. */
	assert_false(matches_use("127.0.0.1", ADDRESS_BIND, in4(AF_INET, "0.0.0.0", 80), NULL));
	assert_false(matches_use("[::1]", ADDRESS_BIND, in6("::", 80, 28), NULL));
	assert_true(matches_use("0.0.0.0", ADDRESS_BIND, in4(AF_INET, "0.0.0.0", 80), NULL));
}

static void unspecified(void **state)
{
	(void)state;
	assert_true(matches("family:unspec", in4(AF_UNSPEC, "1.2.3.4", 80)));
	assert_true(matches("family:0", in4(AF_UNSPEC, "1.2.3.4", 80)));
	assert_false(matches("1.2.3.4:80", in4(AF_UNSPEC, "1.2.3.4", 80)));
	/* The kernel takes these for AF_INET. */
	assert_true(matches_use("1.2.3.4", ADDRESS_SEND, in4(AF_UNSPEC, "1.2.3.4", 80), NULL));
	assert_true(matches_use("*:80", ADDRESS_BIND, in4(AF_UNSPEC, "0.0.0.0", 80), NULL));
}

static void unix_paths(void **state)
{
	(void)state;
	assert_true(matches("unix:/nosuch/x", un("/nosuch/x", 10)));
	assert_true(matches("unix:/nosuch/x", un("/nosuch/x", 9)));
	assert_true(matches("unix:/nosuch/x", un("/nosuch/./y/../x", 17)));
	assert_false(matches("unix:/nosuch/x", un("/nosuch/xy", 11)));
	assert_true(matches("unix:/nosuch/*", un("/nosuch/xy", 11)));
	assert_true(matches("unix:/nosuch/**", un("/nosuch/x/y", 12)));
	assert_false(matches("unix:/nosuch/*", un("/nosuch/x/y", 12)));
	assert_true(matches_use("unix:/nosuch/x", ADDRESS_CONNECT, un("x", 2), "/nosuch/x"));
	assert_false(matches_use("unix:/nosuch/x", ADDRESS_CONNECT, un("/nosuch/x", 10), "/other"));
	assert_false(matches("unix:/nosuch/x", un("x", 2)));
	assert_true(matches("unix:*", un("x", 2)));
	assert_true(matches("unix:*", un("", 0)));
	assert_true(matches("unix:unnamed", un("", 0)));
	assert_false(matches("unix:unnamed", un("\0", 1)));
	assert_false(matches("unix:*", in4(AF_INET, "1.2.3.4", 1)));
	assert_false(matches("unix:/nosuch/x", in4(AF_INET, "1.2.3.4", 1)));
}

static void unix_abstract(void **state)
{
	(void)state;
	assert_true(matches("unix:@name", un("\0name", 5)));
	assert_false(matches("unix:@name", un("\0name\0", 6)));
	assert_false(matches("unix:@name", un("\0nam", 4)));
	assert_true(matches("unix:@na*", un("\0name\0", 6)));
	assert_true(matches("unix:@", un("\0", 1)));
	assert_false(matches("unix:@name", un("name", 5)));
	assert_false(matches("unix:@*", un("", 0)));
	assert_false(matches("unix:@*", un("/x", 3)));
}

static void other_families(void **state)
{
	const unsigned short netlink[6] = { AF_NETLINK };
	const unsigned short strange[1] = { 77 };

	(void)state;
	assert_true(matches("family:netlink", copy(netlink, sizeof(netlink))));
	assert_true(matches("family:16", copy(netlink, 2)));
	assert_false(matches("family:packet", copy(netlink, sizeof(netlink))));
	assert_true(matches("family:77", copy(strange, 2)));
	assert_true(matches("family:inet", in4(AF_INET, "1.2.3.4", 1)));
	assert_true(matches("family:unix", un("x", 1)));
	assert_false(matches("*", copy(netlink, sizeof(netlink))));
}

/* Each address cut off at each length: nothing is read that is not there. */
static void too_short(void **state)
{
	static const char *const texts[] = {
		"1.2.3.4", "[::1]", "*", "unix:*", "unix:/x", "unix:@x", "unix:unnamed", "family:2",
	};
	struct bytes four = in4(AF_INET, "1.2.3.4", 1), six = in6("::1", 1, 28);

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		for (size_t len = 0; len <= 28; len++) {
			if (len <= 16) {
				bool is = matches(texts[i], copy(four.data, len));

				assert_true(!is || len == 16 || (len >= 2 && i == 7));
			}
			assert_true(!matches(texts[i], copy(six.data, len)) || len >= 24);
		}
	assert_false(matches("family:0", copy("", 0)));
	assert_false(matches("family:0", copy("", 1)));
	free(four.data);
	free(six.data);
}

static void one_or_many(void **state)
{
	static const struct {
		const char *text;
		bool one;
	} addresses[] = {
		{ "1.2.3.4", true },	 { "1.2.3.4:5", true },	  { "1.2.3.4:5-6", false },
		{ "1.2.3.0/24", false }, { "[::1]", true },	  { "[::/0]", false },
		{ "*:1", false },	 { "unix:/x", true },	  { "unix:/*", false },
		{ "unix:@x", true },	 { "unix:@?", false },	  { "unix:*", false },
		{ "unix:unnamed", false }, { "family:1", false }, { "1.2.3.4:7-7", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct address address;
		char *why = NULL;

		assert_int_equal(address_parse(addresses[i].text, &address, &why), 0);
		assert_int_equal(address_is_one(&address), addresses[i].one);
		address_clear(&address);
	}
}

/* old replaced by what text says is new, or the error. */
static void replaced(const char *text, struct bytes old, int expected, struct bytes new)
{
	struct sockaddr_storage out;
	struct address address;
	char *why = NULL;
	int len;

	assert_int_equal(address_parse(text, &address, &why), 0);
	len = address_replace(&address, ADDRESS_CONNECT, old.data, old.len, &out);
	assert_int_equal(len, expected ? expected : (int)new.len);
	if (!expected)
		assert_memory_equal(&out, new.data, new.len);
	address_clear(&address);
	free(old.data);
	free(new.data);
}

static void replacing(void **state)
{
	const struct bytes none = { 0 };
	char longest[200] = "unix:/";

	(void)state;
	replaced("5.6.7.8", in4(AF_INET, "1.2.3.4", 80), 0, in4(AF_INET, "5.6.7.8", 80));
	replaced("5.6.7.8:81", in4(AF_INET, "1.2.3.4", 80), 0, in4(AF_INET, "5.6.7.8", 81));
	replaced("[::2]", in6("::1", 80, 28), 0, in6("::2", 80, 28));
	replaced("[::2]:9", in6("::1", 80, 24), 0, in6("::2", 9, 28));
	replaced("5.6.7.8", in6("::1", 80, 28), 0, in6("::ffff:5.6.7.8", 80, 28));
	replaced("5.6.7.8", in6("::ffff:1.2.3.4", 80, 28), 0, in6("::ffff:5.6.7.8", 80, 28));
	replaced("[::2]", in4(AF_INET, "1.2.3.4", 80), -EAFNOSUPPORT, none);
	replaced("[::2]", in4(AF_UNSPEC, "1.2.3.4", 80), -EAFNOSUPPORT, none);
	replaced("5.6.7.8", un("x", 1), -EAFNOSUPPORT, none);
	replaced("unix:/a/b", un("x", 1), 0, un("/a/b", 5));
	replaced("unix:@a", un("x", 1), 0, un("\0a", 2));
	replaced("unix:/a/b", in4(AF_INET, "1.2.3.4", 80), -EAFNOSUPPORT, none);
	memset(longest + 6, 'x', 107);
	replaced(longest, un("x", 1), -ENAMETOOLONG, none);
	longest[6 + 106] = '\0';
	replaced(longest, un("x", 1), 0, un(longest + 5, 108));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors),	  cmocka_unit_test(ip4),
		cmocka_unit_test(ip6),		  cmocka_unit_test(mapped),
		cmocka_unit_test(any_is_loopback), cmocka_unit_test(unspecified),
		cmocka_unit_test(unix_paths),	  cmocka_unit_test(unix_abstract),
		cmocka_unit_test(other_families), cmocka_unit_test(too_short),
		cmocka_unit_test(one_or_many),	  cmocka_unit_test(replacing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
