/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_policy_short.c - the short forms of the command line
 */
#define _GNU_SOURCE
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

#include "policy_stubs.h"
#include "rules.h"

#define FORMS "expected IPV4[/BITS][:PORTS], '[IPV6[/BITS]]:PORTS', '*:PORTS', unix:PATH, " \
	      "unix:@NAME or family:NAME"
#define UNCLEAR(end) "--deny: '" end "' after ':', expected a name such as EACCES; a name that " \
		     "ends in ':" end "' is written with ':EACCES' after it"
#define ESCAPE "an '=' of what comes before is written '\\='"

typedef int (*add_function)(struct policy *policy, const char *arg, char **error);

static struct policy *policy;
static struct stub_call stub;
static struct pm_verdict verdict;

static int make(void **state)
{
	(void)state;
	return policy_new("command line", &policy);
}

static int clear(void **state)
{
	(void)state;
	policy_free(policy);
	policy = NULL;
	return 0;
}

static void says(add_function add, const char *arg, const char *expected)
{
	size_t before = policy->nrules;
	char *error = NULL;

	assert_int_equal(add(policy, arg, &error), -EINVAL);
	assert_string_equal(error, expected);
	assert_int_equal(policy->nrules, before);
	free(error);
}

static void takes(add_function add, const char *arg)
{
	char *error = NULL;

	if (add(policy, arg, &error))
		fail_msg("%s", error);
	assert_null(error);
}

static enum pm_action decided(void)
{
	struct pm_layer *layer = policy_layer(policy);

	verdict = (struct pm_verdict){ 0 };
	assert_int_equal(layer->decide(layer->data, &stub.call, &verdict), 0);
	return verdict.action;
}

static enum pm_action named(enum pm_class class, const char *name)
{
	stub_init(&stub, "openat");
	stub_path(&stub, PM_BIT(class), name, name);
	return decided();
}

#define PATH ((const char *)stub.items[0].data)

static void errors(void **state)
{
	(void)state;
	says(policy_add_path, "/a", "--path: no '=', expected FROM=TO");
	says(policy_add_path, "", "--path: no '=', expected FROM=TO");
	says(policy_add_path, "/a\\=/b", "--path: no '=', expected FROM=TO");
	says(policy_add_path, "=/b", "--path: nothing before '=', expected FROM=TO");
	says(policy_add_path, "/a=", "--path: nothing after '=', expected FROM=TO");
	says(policy_add_path, "a=/b", "--path: 'a', expected an absolute path");
	says(policy_add_path, "/a=b", "--path: 'b', expected an absolute path");
	says(policy_add_exec, "/a", "--exec: no '=', expected FROM=TO");
	says(policy_add_exec, "ls=/b", "--exec: 'ls', expected an absolute path");
	says(policy_add_exec, "/a=b", "--exec: 'b', expected an absolute path");
	says(policy_add_connect, "*:80", "--connect: no '=', expected ADDR=ADDR");
	says(policy_add_connect, "x=1.2.3.4", "--connect: 'x' is no address, " FORMS);
	says(policy_add_connect, "1.2.3.4=x", "--connect: 'x' is no address, " FORMS);
	says(policy_add_connect, "1.2.3.4=*:80",
	     "--connect: '*:80', expected one address to lead to");
	says(policy_add_connect, "1.2.3.4=[::1]",
	     "--connect: '1.2.3.4' and '[::1]' are of different families");
	says(policy_add_connect, "*=unix:/x",
	     "--connect: '*' and 'unix:/x' are of different families");
	says(policy_add_deny, "", "--deny: nothing, expected PATTERN[:ERRNO]");
	says(policy_add_deny, ":EPERM", "--deny: nothing, expected PATTERN[:ERRNO]");
	says(policy_add_deny, "/a:ENOPE",
	     "--deny: 'ENOPE' is no errno, expected a name such as EACCES");
	says(policy_add_deny, "a", "--deny: 'a' is no address, " FORMS ", or an absolute path");
	says(policy_add_deny, "~/a", "--deny: '~/a' is no address, " FORMS ", or an absolute path");
	says(policy_add_deny, "::1", "--deny: '::1' is no address, " FORMS);
	says(policy_add_deny, "/a/*/",
	     "--deny: '/a/*/' has a component that is empty, '.' or '..': never so");
	says(policy_add_deny, "/a:eacces", UNCLEAR("eacces"));
	says(policy_add_deny, "/a:Eperm", UNCLEAR("Eperm"));
	says(policy_add_deny, "/a:13", UNCLEAR("13"));
	says(policy_add_deny, "/a:", UNCLEAR(""));
	says(policy_add_deny, "/*.c:13", UNCLEAR("13"));
	says(policy_add_deny, "unix:/a:13", UNCLEAR("13"));
	says(policy_add_deny, "unix:@a:enoent", UNCLEAR("enoent"));
	says(policy_add_deny, "10.0.0.1:eperm", "--deny: '10.0.0.1:eperm' has port 'eperm', "
						"expected 0..65535, a range LOW-HIGH or *");
	says(policy_add_path, "/a=b=/c", "--path: 'b=/c', expected an absolute path; " ESCAPE);
	says(policy_add_connect, "unix:/a=b=unix:/c",
	     "--connect: 'b=unix:/c' is no address, " FORMS "; " ESCAPE);
	says(policy_add_syscall, "socketcall=getpid",
	     "--syscall: 'socketcall' is decided on as the call that it makes, expected one such "
	     "as connect");
	says(policy_add_syscall, "getpid=rt_sigreturn",
	     "--syscall: 'rt_sigreturn' cannot be redirected to");
	says(policy_add_syscall, "restart_syscall=getpid",
	     "--syscall: 'restart_syscall' cannot be redirected");
	says(policy_add_syscall, "getpid", "--syscall: no '=', expected NAME=NAME");
	says(policy_add_syscall, "gitpid=getppid",
	     "--syscall: 'gitpid' is no system call of this machine; did you mean 'getpid'?");
	says(policy_add_syscall, "getpid=gitppid",
	     "--syscall: 'gitppid' is no system call of this machine; did you mean 'getppid'?");
}

static void paths(void **state)
{
	(void)state;
	takes(policy_add_path, "/nosuch/a=/b");
	takes(policy_add_path, "/nosuch/dir/=/to/");
	takes(policy_add_path, "/usr=/mine");
	takes(policy_add_path, "/nosuch/tree=/usr");
	takes(policy_add_path, "/nosuch/slash=/to/");
	takes(policy_add_path, "/dev/null=/usr");
	takes(policy_add_path, "/nosuch/x\\=y\\z=/c=d");
	assert_int_equal(named(PM_CLASS_OPEN_READ, "/nosuch/a"), PM_REDIRECT);
	assert_string_equal(PATH, "/b");
	assert_string_equal(verdict.rule, "--path");
	assert_null(verdict.source);
	assert_int_equal(named(PM_CLASS_EXEC, "/nosuch/a"), PM_REDIRECT);
	assert_int_equal(named(PM_CLASS_OPEN_READ, "/nosuch/a/b"), PM_ALLOW);
	assert_string_equal(verdict.rule, "default");
	assert_int_equal(named(PM_CLASS_OPEN_READ, "/nosuch/dir/b"), PM_REDIRECT);
	assert_string_equal(PATH, "/to/b");
	assert_int_equal(named(PM_CLASS_CHDIR, "/nosuch/dir"), PM_REDIRECT);
	assert_string_equal(PATH, "/to");
	assert_int_equal(named(PM_CLASS_METADATA, "/usr/bin"), PM_REDIRECT);
	assert_string_equal(PATH, "/mine/bin");
	/* What is not there is what it leads to; a file leads to a directory itself. */
	assert_int_equal(named(PM_CLASS_METADATA, "/nosuch/tree/b"), PM_REDIRECT);
	assert_string_equal(PATH, "/usr/b");
	assert_int_equal(named(PM_CLASS_METADATA, "/nosuch/slash/b"), PM_REDIRECT);
	assert_string_equal(PATH, "/to/b");
	assert_int_equal(named(PM_CLASS_METADATA, "/dev/null/b"), PM_ALLOW);
	assert_int_equal(named(PM_CLASS_METADATA, "/nosuch/x=y\\z"), PM_REDIRECT);
	assert_string_equal(PATH, "/c=d");
}

static void programs(void **state)
{
	(void)state;
	takes(policy_add_exec, "/nosuch/a=/b");
	assert_int_equal(named(PM_CLASS_EXEC, "/nosuch/a"), PM_REDIRECT);
	assert_string_equal(PATH, "/b");
	assert_string_equal(verdict.rule, "--exec");
	assert_int_equal(named(PM_CLASS_OPEN_READ, "/nosuch/a"), PM_ALLOW);
}

static void connected(enum pm_class class, enum pm_action expected)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(80) };

	inet_pton(AF_INET, "10.1.2.3", &in.sin_addr);
	stub_init(&stub, "connect");
	stub_sockaddr(&stub, PM_BIT(class), &in, sizeof(in));
	assert_int_equal(decided(), expected);
	memcpy(&in, stub.items[0].data, sizeof(in));
	if (expected == PM_REDIRECT)
		assert_int_equal(ntohs(in.sin_port), 81);
	free(stub.items[0].data);
}

static void connections(void **state)
{
	(void)state;
	takes(policy_add_connect, "10.0.0.0/8:80=127.0.0.1:81");
	takes(policy_add_connect, "[::1]=127.0.0.1");
	takes(policy_add_connect, "*:80=[::1]");
	takes(policy_add_connect, "unix:/run/*=unix:@x");
	connected(PM_CLASS_CONNECT, PM_REDIRECT);
	assert_string_equal(verdict.rule, "--connect");
	connected(PM_CLASS_BIND, PM_ALLOW);
	connected(PM_CLASS_SEND, PM_ALLOW);
}

static void denials(void **state)
{
	(void)state;
	takes(policy_add_deny, "/nosuch/a");
	takes(policy_add_deny, "/nosuch/b/:ENOENT");
	takes(policy_add_deny, "/nosuch/c*:EWOULDBLOCK");
	takes(policy_add_deny, "/nosuch/x:13:EACCES");
	takes(policy_add_deny, "/nosuch/y:z");
	takes(policy_add_deny, "/nosuch/z:EIO:EPERM");
	takes(policy_add_deny, "/usr:EROFS");
	takes(policy_add_deny, "10.0.0.0/8:80:ENETUNREACH");
	takes(policy_add_deny, "unix:/x");
	assert_int_equal(named(PM_CLASS_EXEC, "/nosuch/a"), PM_DENY);
	assert_int_equal(verdict.err, EACCES);
	assert_string_equal(verdict.rule, "--deny");
	assert_int_equal(named(PM_CLASS_EXEC, "/nosuch/a/b"), PM_ALLOW);
	assert_int_equal(named(PM_CLASS_REMOVE, "/nosuch/b/c"), PM_DENY);
	assert_int_equal(verdict.err, ENOENT);
	assert_int_equal(named(PM_CLASS_REMOVE, "/nosuch/cc"), PM_DENY);
	assert_int_equal(verdict.err, EAGAIN);
	assert_int_equal(named(PM_CLASS_REMOVE, "/nosuch/x:13"), PM_DENY);
	assert_int_equal(verdict.err, EACCES);
	assert_int_equal(named(PM_CLASS_REMOVE, "/nosuch/y:z"), PM_DENY);
	assert_int_equal(named(PM_CLASS_REMOVE, "/nosuch/z:EIO"), PM_DENY);
	assert_int_equal(verdict.err, EPERM);
	assert_int_equal(named(PM_CLASS_REMOVE, "/usr/bin"), PM_DENY);
	assert_int_equal(verdict.err, EROFS);
	connected(PM_CLASS_SEND, PM_DENY);
	assert_int_equal(verdict.err, ENETUNREACH);
}

static void syscalls(void **state)
{
	struct pm_layer *layer = policy_layer(policy);

	(void)state;
	takes(policy_add_syscall, "getpid=getppid");
	assert_true(layer->wants(layer->data, "getpid", 0));
	assert_false(layer->wants(layer->data, "getppid", 0));
	stub_init(&stub, "getpid");
	assert_int_equal(decided(), PM_REDIRECT);
	assert_string_equal(stub.call.name, "getppid");
	assert_string_equal(verdict.rule, "--syscall");
}

static void in_order(void **state)
{
	(void)state;
	takes(policy_add_deny, "/nosuch/a/b");
	takes(policy_add_path, "/nosuch/a/=/c");
	takes(policy_add_deny, "/nosuch/**");
	assert_int_equal(named(PM_CLASS_OPEN_READ, "/nosuch/a/b"), PM_DENY);
	assert_int_equal(named(PM_CLASS_OPEN_READ, "/nosuch/a/x"), PM_REDIRECT);
	assert_int_equal(named(PM_CLASS_OPEN_READ, "/nosuch/b"), PM_DENY);
	assert_string_equal(policy_layer(policy)->name, "command line");
	assert_int_equal(policy_unsafe(policy), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(errors, make, clear),
		cmocka_unit_test_setup_teardown(paths, make, clear),
		cmocka_unit_test_setup_teardown(programs, make, clear),
		cmocka_unit_test_setup_teardown(connections, make, clear),
		cmocka_unit_test_setup_teardown(denials, make, clear),
		cmocka_unit_test_setup_teardown(syscalls, make, clear),
		cmocka_unit_test_setup_teardown(in_order, make, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
