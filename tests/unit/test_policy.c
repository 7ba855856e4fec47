/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_policy.c - policy files: what they may say, and every complaint
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "rules.h"
#include "tree.h"

#define KEYS "class, syscall, path, tree, glob, anonymous, spelling, address, argv, argc, env, " \
	     "env-absent, args, allow, deny, kill, value, redirect, log"
#define CLASSES "open-read, open-write, create, remove, rename, link, metadata, set-metadata, " \
		"exec, chdir, chroot, mount, watch, connect, bind, send, system, ipc, any-path, " \
		"any-address, any"
#define RULE "version: 1\nrules:\n  - "

static void expect(const char *text, const char *expected)
{
	struct policy *policy;
	char *error;
	int err;

	err = policy_parse("p.yaml", text, strlen(text), &policy, &error);
	if (!err)
		fail_msg("accepted, but expected: %s", expected);
	assert_int_equal(err, -EINVAL);
	assert_null(policy);
	assert_string_equal(error, expected);
	free(error);
}

static struct policy *parse(const char *text)
{
	struct policy *policy;
	char *error;

	if (policy_parse("p.yaml", text, strlen(text), &policy, &error))
		fail_msg("%s", error);
	assert_null(error);
	return policy;
}

/* A rule of one line, which begins at line 3, column 5. */
static void rule(const char *text, const char *expected)
{
	char *whole, *message;

	assert_true(asprintf(&whole, RULE "%s\n", text) > 0);
	assert_true(asprintf(&message, "p.yaml:%s", expected) > 0);
	expect(whole, message);
	free(message);
	free(whole);
}

static void not_yaml(void **state)
{
	(void)state;
	expect("version: 1\nrules: [\n",
	       "p.yaml:3:1: not YAML: did not find expected node content");
	expect("version: @\n",
	       "p.yaml:1:10: not YAML: found character that cannot start any token");
	expect("version: \"1\n", "p.yaml:2:1: not YAML: found unexpected end of stream");
	expect("version: 1\nrules:\n\t- path: /a\n",
	       "p.yaml:3:1: not YAML: a tab, expected blanks");
	expect("version: 1\nrules:\n  - path: /a\n\tdeny: EIO\n",
	       "p.yaml:4:1: not YAML: a tab, expected blanks");
	/* Columns are of characters. */
	expect("version: 1\nrules:\n- {p\u00e4th:\t@}\n",
	       "p.yaml:3:10: not YAML: found character that cannot start any token");
	expect("version: 1\nrules:\n  - path: /a\n     deny: EIO\n",
	       "p.yaml:4:10: not YAML: mapping values are not allowed in this context");
	expect("version: 1\nrules:\n  - path: /a\n   deny: EIO\n",
	       "p.yaml:4:4: not YAML: did not find expected '-' indicator");
	expect("\x7f" "ELF\x02\x01", "p.yaml:1:1: not YAML: control characters are not allowed");
	expect("version: 1\nrules\n",
	       "p.yaml:2:1: not YAML: no ':' in this line, expected 'KEY: VALUE'");
	expect("version: 1\nrules:\n  - path: /a\n    deny\n\n\n  - path: /b\n",
	       "p.yaml:4:5: not YAML: no ':' in this line, expected 'KEY: VALUE'");
	expect("version: 1\n# \xff\n", "p.yaml:2:3: not YAML: invalid leading UTF-8 octet");
	expect("version: 1\n\n  \x01\n",
	       "p.yaml:3:3: not YAML: control characters are not allowed");
}

static void not_ours(void **state)
{
	(void)state;
	expect("", "p.yaml:1:1: nothing, expected 'version: 1' and rules");
	expect("# only this\n", "p.yaml:2:1: nothing, expected 'version: 1' and rules");
	expect("---\n", "p.yaml:2:1: nothing, expected 'version: 1' and rules");
	expect("hello\n", "p.yaml:1:1: a text, expected 'version: 1' and rules");
	expect("- a\n", "p.yaml:1:1: a list, expected 'version: 1' and rules");
	expect("version: 1\n---\nversion: 1\n", "p.yaml:2:1: a second document, expected one");
	expect("a: &x b\n",
	       "p.yaml:1:4: anchor '&x', expected none: say things where they are used");
	expect("a: [&x {b: c}]\n",
	       "p.yaml:1:5: anchor '&x', expected none: say things where they are used");
	expect("a: *x\n", "p.yaml:1:4: alias '*x', expected none: say things where they are used");
	expect("version: 1\n<<: {default: deny}\n",
	       "p.yaml:2:1: unknown key '<<', expected one of: version, default, defaults, "
	       "unsafe, rules");
	expect("a: !!str b\n", "p.yaml:1:4: tag 'tag:yaml.org,2002:str', expected none");
	expect("a: !mine [b]\n", "p.yaml:1:4: tag '!mine', expected none");
	expect("? [a]\n: b\n", "p.yaml:1:3: a key that is a list, expected a word");
	expect("? {a: b}\n: b\n", "p.yaml:1:3: a key that is a mapping, expected a word");
	expect("version: 1\nrules: []\nversion: 1\n",
	       "p.yaml:3:1: key 'version' for the second time, first in line 1");
	expect("version: \"1\\0\"\n", "p.yaml:1:10: a text that holds a NUL, expected none");
	expect("[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]\n",
	       "p.yaml:1:17: nested too deeply, expected 16 levels at most");
}

static void too_much(void **state)
{
	char *text = malloc(TREE_MAX_BYTES + 2), *at = text;

	(void)state;
	memset(text, '#', TREE_MAX_BYTES + 1);
	text[TREE_MAX_BYTES + 1] = '\0';
	expect(text, "p.yaml:1:1: too large, expected 1048576 bytes at most");
	for (int i = 0; i < 1025; i++)
		at += sprintf(at, "k%d: 1\n", i);
	expect(text, "p.yaml:1025:1: too many keys, expected 1024 at most");
	memset(text, 'k', 256);
	strcpy(text + 256, ": 1\n");
	expect(text, "p.yaml:1:1: a key of more than 255 bytes");
	at = text + sprintf(text, "version: 1\nrules:\n");
	for (int i = 0; i < 4097; i++)
		at += sprintf(at, "- {path: /a, allow: true}\n");
	expect(text, "p.yaml:4099:3: rules: a list that is too long");
	at = text + sprintf(text, "version: 1\nrules:\n- allow: true\n  path: /");
	memset(at, 'x', 131072);
	strcpy(at + 131072, "\n");
	expect(text, "p.yaml:4:9: path: too long, expected 131072 bytes at most");
	free(text);
}

static void top(void **state)
{
	(void)state;
	expect("rules: []\n", "p.yaml:1:1: no version, expected 'version: 1'");
	expect("{}\n", "p.yaml:1:1: no version, expected 'version: 1'");
	expect("version: 2\n", "p.yaml:1:10: version: '2', expected 1");
	expect("version: 1.0\n", "p.yaml:1:10: version: '1.0', expected 1");
	expect("Version: 1\n",
	       "p.yaml:1:1: unknown key 'Version'; did you mean 'version'?");
	expect("version: [1]\n", "p.yaml:1:10: version: a list, expected a text");
	expect("version:\n", "p.yaml:1:9: version: nothing, expected a text");
	expect("version: 1\nrule: []\n",
	       "p.yaml:2:1: unknown key 'rule'; did you mean 'rules'?");
	expect("version: 1\nfiles: []\n",
	       "p.yaml:2:1: unknown key 'files', expected one of: version, default, defaults, "
	       "unsafe, rules");
	expect("version: 1\nrules: {a: b}\n",
	       "p.yaml:2:9: unknown key 'a', expected one of: " KEYS);
	expect("version: 1\nrules: x\n", "p.yaml:2:8: rules: 'x', expected keys with values");
	expect("version: 1\nrules:\n  - [x]\n",
	       "p.yaml:3:5: rules: a list, expected keys with values");
	expect("version: 1\nunsafe: [io_uring, all]\n",
	       "p.yaml:2:20: unsafe: 'all', expected io_uring or handles or races");
	expect("version: 1\nunsafe: 1\n", "p.yaml:2:9: unsafe: '1', expected io_uring or handles or races");
}

static void defaults(void **state)
{
	(void)state;
	expect("version: 1\ndefault: maybe\n",
	       "p.yaml:2:10: default: 'maybe', expected allow, deny, kill or 'deny: ERRNO'");
	expect("version: 1\ndefault: [allow]\n",
	       "p.yaml:2:10: default: a list, expected allow, deny, kill or 'deny: ERRNO'");
	expect("version: 1\ndefault: {}\n",
	       "p.yaml:2:10: no outcome, expected one of allow, deny, kill");
	expect("version: 1\ndefault: {deny: EIO, kill: true}\n",
	       "p.yaml:2:10: several outcomes, expected one of allow, deny, kill");
	expect("version: 1\ndefault: {deny: EWHAT}\n",
	       "p.yaml:2:17: 'EWHAT' is no errno, expected a name such as EACCES or 1..4095");
	expect("version: 1\ndefault: {value: 1}\n",
	       "p.yaml:2:11: unknown key 'value', expected one of: allow, deny, kill");
	expect("version: 1\ndefaults: deny\n",
	       "p.yaml:2:11: defaults: a list, expected CLASS: OUTCOME");
	expect("version: 1\ndefaults: [deny]\n",
	       "p.yaml:2:11: defaults: a list, expected CLASS: OUTCOME");
	expect("version: 1\ndefaults: {open: deny}\n",
	       "p.yaml:2:12: 'open' is no class; the call open is of open-read, open-write, create");
	expect("version: 1\ndefaults: {network: deny}\n",
	       "p.yaml:2:12: 'network' is no class, expected one of: " CLASSES);
	expect("version: 1\ndefaults: {exec: {deny: 4096}}\n",
	       "p.yaml:2:25: '4096' is no errno, expected a name such as EACCES or 1..4095");
	expect("version: 1\ndefaults: {exec: no}\n",
	       "p.yaml:2:18: exec: 'no', expected allow, deny, kill or 'deny: ERRNO'");
}

static void rule_form(void **state)
{
	(void)state;
	rule("{pth: /a, allow: true}", "3:6: unknown key 'pth'; did you mean 'path'?");
	rule("{env_absent: A, allow: true}", "3:6: unknown key 'env_absent'; did you mean 'env-absent'?");
	rule("{file: /a, allow: true}", "3:6: unknown key 'file', expected one of: " KEYS);
	rule("{path: /a}",
	     "3:5: no action, expected one of allow, deny, kill, value, redirect");
	rule("{path: /a, log: true}",
	     "3:5: no action, expected one of allow, deny, kill, value, redirect");
	rule("{path: /a, allow: true, deny: 1}",
	     "3:5: several actions, expected one of allow, deny, kill, value, redirect");
	rule("{path: /a, allow: yes}", "3:23: allow: 'yes', expected true");
	rule("{path: /a, kill: false}", "3:22: kill: 'false', expected true");
	rule("{path: /a, allow: true, log: maybe}", "3:34: log: 'maybe', expected true or false");
	rule("{path: /a, deny: EWHAT}",
	     "3:22: 'EWHAT' is no errno, expected a name such as EACCES or 1..4095");
	rule("{path: /a, deny: eacces}",
	     "3:22: 'eacces' is no errno, expected a name such as EACCES or 1..4095; did you mean "
	     "'EACCES'?");
	rule("{path: /a, deny: -13}",
	     "3:22: '-13' is no errno, expected a name such as EACCES or 1..4095");
	rule("{path: /a, deny: 4096}",
	     "3:22: '4096' is no errno, expected a name such as EACCES or 1..4095");
	rule("{path: /a, deny: [EACCES]}", "3:22: deny: a list, expected a text");
	rule("{path: /a, allow: True}", "3:23: allow: 'True', expected true");
	rule("{path: /a, deny: 0}",
	     "3:22: '0' is no errno, expected a name such as EACCES or 1..4095");
	rule("{path: /a, deny: }", "3:22: deny: nothing, expected a text");
	rule("{path: /a, value: x}",
	     "3:23: value: 'x', expected a signed number of 64 bits");
	rule("{path: /a, value: 0x8000000000000000}",
	     "3:23: value: '0x8000000000000000', expected a signed number of 64 bits");
	rule("{allow: true}",
	     "3:5: nothing to match, expected one of class, syscall, path, tree, glob, spelling, "
	     "anonymous, address, argv, argc, env, env-absent");
}

static void rule_match(void **state)
{
	(void)state;
	rule("{class: [exec, unlink], allow: true}",
	     "3:20: 'unlink' is no class; the call unlink is of remove");
	rule("{class: [exec, open_raed], allow: true}",
	     "3:20: 'open_raed' is no class; did you mean 'open-read'?");
	rule("{class: [any-adress], allow: true}",
	     "3:14: 'any-adress' is no class; did you mean 'any-address'?");
	rule("{class: [exec, files], allow: true}",
	     "3:20: 'files' is no class, expected one of: " CLASSES);
	rule("{syscall: [open, opne], allow: true}",
	     "3:22: 'opne' is no system call of this machine; did you mean 'open'?");
	rule("{path: a, allow: true}", "3:12: 'a', expected an absolute path");
	rule("{path: ~/a, allow: true}", "3:12: '~/a', expected an absolute path");
	rule("{path: [/a, ''], allow: true}", "3:17: '', expected an absolute path");
	rule("{path: [], allow: true}",
	     "3:12: path: an empty list, expected at least one entry");
	rule("{path: {a: b}, allow: true}", "3:12: path: keys with values, expected a text");
	rule("{path: [/a, [/b]], allow: true}", "3:17: path: a list, expected a text");
	rule("{tree: a, allow: true}", "3:12: 'a', expected an absolute path");
	rule("{glob: '*.c', allow: true}", "3:12: '*.c', expected an absolute path");
	rule("{glob: [/a/*, /a/*/], allow: true}",
	     "3:19: '/a/*/' has a component that is empty, '.' or '..': never so");
	rule("{glob: '/a/*/../b', allow: true}",
	     "3:12: '/a/*/../b' has a component that is empty, '.' or '..': never so");
	rule("{glob: '/a/b\\', allow: true}",
	     "3:12: '/a/b\\' has a backslash with nothing after it: never so");
	rule("{spelling: 'a\\/b', allow: true}",
	     "3:16: 'a\\/b' has a backslash with nothing after it: never so");
	rule("{anonymous: false, allow: true}",
	     "3:17: anonymous: 'false', expected true or a pattern");
	rule("{address: ['*', here], allow: true}",
	     "3:21: 'here' is no address, expected IPV4[/BITS][:PORTS], '[IPV6[/BITS]]:PORTS', "
	     "'*:PORTS', unix:PATH, unix:@NAME or family:NAME");
	rule("{address: '*', path: /a, allow: true}",
	     "3:5: a file and an address, expected one of them");
	rule("{address: '*', class: exec, allow: true}",
	     "3:27: class: one that has no address");
	rule("{path: /a, class: [exec, bind], allow: true}", "3:23: class: one that has no file");
	rule("{argv: [a], class: open-read, allow: true}",
	     "3:24: class: one that has no arguments or environment of a program");
	rule("{argv: {one: a}, allow: true}",
	     "3:13: argv: 'one', expected the number of an argument, from 0");
	rule("{argv: {0: a, 00: b}, allow: true}",
	     "3:19: argv: argument 0 for the second time");
	rule("{argv: [a, {b: c}], allow: true}", "3:16: argv: keys with values, expected a text");
	rule("{argc: a, allow: true}", "3:12: argc: 'a', expected N, LOW-HIGH or LOW-");
	rule("{argc: 5-3, allow: true}", "3:12: argc: '5-3', expected N, LOW-HIGH or LOW-");
	rule("{argc: 1--1, allow: true}", "3:12: argc: '1--1', expected N, LOW-HIGH or LOW-");
	rule("{env: [A], allow: true}", "3:11: env: expected NAME: VALUE");
	rule("{env: {A=: b}, allow: true}", "3:12: 'A=' is no name of a variable");
	rule("{env-absent: [A, ''], allow: true}", "3:22: '' is no name of a variable");
}

/* A rule that can never match is a mistake. */
static void rule_syscall(void **state)
{
	(void)state;
	rule("{syscall: [openat, getpid], path: /a, allow: true}",
	     "3:24: syscall: 'getpid' names nothing that the rule is about: never so");
	rule("{syscall: openat, class: exec, allow: true}",
	     "3:15: syscall: 'openat' names nothing that the rule is about: never so");
	rule("{syscall: connect, path: /a, allow: true}",
	     "3:15: syscall: 'connect' names nothing that the rule is about: never so");
	rule("{syscall: Openat, allow: true}", "3:15: 'Openat' is no system call of this machine; did you mean "
	     "'openat'?");
	rule("{syscall: 257, allow: true}", "3:15: '257' is no system call of this machine");
	rule("{syscall: socketcall, allow: true}",
	     "3:15: 'socketcall' is decided on as the call that it makes, expected one such as "
	     "connect");
	rule("{syscall: rt_sigreturn, redirect: {syscall: getpid}}",
	     "3:39: 'rt_sigreturn' cannot be redirected");
}

static void rule_args(void **state)
{
	(void)state;
	rule("{syscall: socket, args: {index: 1, min: 5, max: 3}, allow: true}",
	     "3:53: max: '3' is less than min: never so");
	rule("{syscall: socket, args: {index: 1, min: 1, max: -1, as: int}, allow: true}",
	     "3:53: max: '-1' is less than min: never so");
	rule("{syscall: socket, args: {index: 1, equal: 9, max: 3}, allow: true}",
	     "3:47: equal: '9' is not between min and max: never so");
	rule("{syscall: socket, args: {index: 1, equal: 08}, allow: true}",
	     "3:47: '08' is no number, expected decimal, 0x hexadecimal or 0 octal, of 64 bits");
	rule("{syscall: socket, args: 5, allow: true}",
	     "3:29: args: '5', expected keys with values");
	rule("{syscall: socket, args: {equal: 1}, allow: true}",
	     "3:29: args: no index, expected 'index: 0' .. 'index: 5'");
	rule("{syscall: socket, args: {index: 6, equal: 1}, allow: true}",
	     "3:37: index: '6', expected 0..5");
	rule("{syscall: socket, args: [{index: 1}], allow: true}",
	     "3:30: args: no test, expected one of equal, min, max");
	rule("{syscall: socket, args: {index: 1, mask: 1, min: 1}, allow: true}",
	     "3:46: mask: no equal beside it");
	rule("{syscall: socket, args: {index: 1, equal: x}, allow: true}",
	     "3:47: 'x' is no number, expected decimal, 0x hexadecimal or 0 octal, of 64 bits");
	rule("{syscall: socket, args: {index: 1, max: 18446744073709551616}, allow: true}",
	     "3:45: '18446744073709551616' is no number, expected decimal, 0x hexadecimal or 0 "
	     "octal, of 64 bits");
	rule("{syscall: socket, args: {index: 1, equal: 3, mask: 1}, allow: true}",
	     "3:47: equal: '3' has bits that the mask does not have: never so");
	rule("{syscall: socket, args: {index: 1, equal: 3, as: byte}, allow: true}",
	     "3:54: as: 'byte', expected int, uint, long or ulong");
	rule("{syscall: socket, args: {index: 1, equal: 0x100000000, as: int}, allow: true}",
	     "3:47: equal: '0x100000000' has more than 32 bits");
	rule("{syscall: socket, args: {index: 1, value: 3}, allow: true}",
	     "3:40: unknown key 'value', expected one of: index, as, equal, mask, min, max");
}

static void redirects(void **state)
{
	(void)state;
	rule("{path: /a, redirect: {}}",
	     "3:26: redirect: nothing, expected one of path, tree, address, program, argv, "
	     "argv-prepend, env-set, env-unset, args, syscall");
	rule("{path: /a, redirect: /b}", "3:26: redirect: '/b', expected keys with values");
	rule("{path: /a, redirect: {to: /b}}",
	     "3:27: unknown key 'to', expected one of: path, tree, address, program, argv, "
	     "argv-prepend, env-set, env-unset, args, syscall");
	rule("{path: /a, redirect: {path: b}}", "3:33: 'b', expected an absolute path");
	rule("{path: /a, redirect: {tree: /b}}",
	     "3:33: redirect to a tree, expected a rule that matches trees and no other files");
	rule("{tree: /a, anonymous: true, redirect: {tree: /b}}",
	     "3:50: redirect to a tree, expected a rule that matches trees and no other files");
	rule("{path: /a, redirect: {path: /b, program: /c}}",
	     "3:26: redirect: several targets, expected one of path, tree, program");
	rule("{class: connect, redirect: {path: /b}}",
	     "3:39: redirect to a path, expected a rule for classes of files only");
	rule("{syscall: open, redirect: {path: /b}}",
	     "3:38: redirect to a path, expected a rule for classes of files only");
	rule("{path: /a, redirect: {program: /b}}",
	     "3:36: redirect to a program, expected a rule for class exec only");
	rule("{path: /a, redirect: {address: '1.2.3.4'}}",
	     "3:36: redirect to an address, expected a rule for classes of addresses only");
	rule("{address: '*', redirect: {address: '1.2.3.0/24'}}",
	     "3:40: '1.2.3.0/24' is more than one address, expected one");
	rule("{address: '1.2.3.4', redirect: {address: '[::1]'}}",
	     "3:46: redirect to an address of another family, expected that of what the rule "
	     "matches");
	rule("{address: '*', redirect: {address: 'unix:/x'}}",
	     "3:40: redirect to an address of another family, expected that of what the rule "
	     "matches");
	rule("{path: /a, redirect: {argv: [b]}}",
	     "3:26: redirect of arguments or environment, expected a rule for class exec only");
	rule("{class: exec, redirect: {argv: [b], argv-prepend: c}}",
	     "3:55: argv and argv-prepend, expected one of them");
	rule("{class: exec, redirect: {env-set: [A=b]}}", "3:39: env-set: expected NAME: VALUE");
	rule("{class: exec, redirect: {env-set: {A=b: c}}}",
	     "3:40: 'A=b' is no name of a variable");
	rule("{class: exec, redirect: {env-unset: A=b}}", "3:41: 'A=b' is no name of a variable");
	rule("{class: exec, redirect: {env-set: {A: b}, env-unset: [B, A]}}",
	     "3:62: 'A' in env-set and env-unset, expected one of them");
	rule("{class: exec, redirect: {program: sh}}", "3:39: 'sh', expected an absolute path");
	rule("{tree: /a, redirect: {tree: ../b}}", "3:33: '../b', expected an absolute path");
	rule("{syscall: socket, redirect: {args: {index: 1}}}",
	     "3:40: args: no value, expected 'value: NUMBER'");
	rule("{syscall: socket, redirect: {args: [{index: 1, value: 1}, {index: 1, value: 2}]}}",
	     "3:63: args: index 1 for the second time");
	rule("{syscall: socket, redirect: {syscall: sokcet}}",
	     "3:43: 'sokcet' is no system call of this machine; did you mean 'socket'?");
	rule("{syscall: socket, redirect: {syscall: rt_sigreturn}}",
	     "3:43: 'rt_sigreturn' cannot be redirected to");
}

/* A complaint is one line, whatever the file holds. */
static void one_line(void **state)
{
	(void)state;
	rule("{path: \"a\\nb\\e\", allow: true}", "3:12: 'a?b?', expected an absolute path");
}

static void accepted(void **state)
{
	struct policy *policy;

	(void)state;
	policy = parse("version: 1\n"
		       "default: {deny: ENOENT}\n"
		       "defaults: {connect: allow, any-path: deny, exec: kill}\n"
		       "unsafe: [io_uring, handles]\n"
		       "rules:\n"
		       "  # a comment\n"
		       "  - path: [/a, /b]\n"
		       "    class: open-read\n"
		       "    allow: true\n"
		       "\n"
		       "  - {\"glob\": '/c/*.conf', deny: 13, log: true}\n"
		       "  - class: exec\n"
		       "    argv: {1: -c}\n"
		       "    redirect:\n"
		       "      program: /p\n"
		       "      env-set: {A: '', \"\\u00fc\": \"\\U0001F600\"}\n");
	assert_int_equal(policy_unsafe(policy), PM_UNSAFE_IO_URING | PM_UNSAFE_HANDLES);
	assert_string_equal(policy_layer(policy)->name, "p.yaml");
	assert_true(policy_layer(policy)->concurrent);
	assert_int_equal(policy->nrules, 3);
	assert_string_equal(policy->rules[0]->name, "rules[0]");
	assert_string_equal(policy->rules[0]->source, "p.yaml:7");
	assert_string_equal(policy->rules[1]->source, "p.yaml:11");
	assert_int_equal(policy->rules[1]->err, EACCES);
	assert_true(policy->rules[1]->log);
	assert_string_equal(policy->rules[2]->source, "p.yaml:12");
	assert_int_equal(policy->rules[2]->match.argv[0].index, 1);
	assert_string_equal(policy->rules[2]->redirect.env_set.v[0], "A=");
	assert_string_equal(policy->rules[2]->redirect.env_set.v[1], "\u00fc=\U0001F600");
	assert_int_equal(policy->fallback[PM_CLASS_CONNECT].action, PM_ALLOW);
	assert_int_equal(policy->fallback[PM_CLASS_BIND].err, ENOENT);
	assert_int_equal(policy->fallback[PM_CLASS_OPEN_READ].err, EACCES);
	assert_int_equal(policy->fallback[PM_CLASS_EXEC].action, PM_KILL);
	assert_string_equal(policy->fallback[PM_CLASS_BIND].source, "p.yaml:2");
	policy_free(policy);
	policy_free(parse("version: 1\n"));
	policy_free(parse("version: 1\nrules: []\ndefault: allow\n"));
	policy_free(NULL);
}

static void files(void **state)
{
	char name[] = "/tmp/test_policy-XXXXXX";
	static const char text[] = "version: 1\nrules: 5\n";
	struct policy *policy;
	char *error, *expected;
	int fd;

	(void)state;
	assert_int_equal(policy_load("/nosuch/p.yaml", &policy, &error), -ENOENT);
	assert_string_equal(error, "/nosuch/p.yaml: cannot be read: No such file or directory");
	free(error);
	assert_int_equal(policy_load("/", &policy, &error), -EISDIR);
	assert_string_equal(error, "/: cannot be read: Is a directory");
	free(error);
	fd = mkstemp(name);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	assert_int_equal(policy_load(name, &policy, &error), -EINVAL);
	assert_true(asprintf(&expected, "%s:2:8: rules: '5', expected keys with values", name) > 0);
	assert_string_equal(error, expected);
	free(expected);
	free(error);
	assert_int_equal(ftruncate(fd, 11), 0);
	assert_int_equal(policy_load(name, &policy, &error), 0);
	policy_free(policy);
	assert_int_equal(ftruncate(fd, TREE_MAX_BYTES + 100), 0);
	assert_int_equal(policy_load(name, &policy, &error), -EINVAL);
	assert_non_null(strstr(error, ":1:1: too large, expected 1048576 bytes at most"));
	free(error);
	close(fd);
	unlink(name);
	/* Nobody writes to it: that is nothing, and nothing to wait for. */
	assert_int_equal(mkfifo(name, 0600), 0);
	assert_int_equal(policy_load(name, &policy, &error), -EINVAL);
	assert_true(asprintf(&expected, "%s:1:1: nothing, expected 'version: 1' and rules",
			     name) > 0);
	assert_string_equal(error, expected);
	free(expected);
	free(error);
	unlink(name);
	assert_int_equal(policy_load("/dev/null", &policy, &error), -EINVAL);
	assert_string_equal(error, "/dev/null:1:1: nothing, expected 'version: 1' and rules");
	free(error);
	assert_int_equal(policy_load("/dev/zero", &policy, &error), -EINVAL);
	assert_string_equal(error, "/dev/zero:1:1: too large, expected 1048576 bytes at most");
	free(error);
}

/* Has this process read all of the pipe, and does it wait for more? */
static bool waits_for_more(pid_t pid, int pipe)
{
	char name[32], stat[256] = "", *end;
	int left = 1, fd;

	snprintf(name, sizeof(name), "/proc/%d/stat", (int)pid);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, stat, sizeof(stat) - 1) < 0)
		_exit(1);
	close(fd);
	end = strrchr(stat, ')');
	return end && end[2] == 'S' && !ioctl(pipe, FIONREAD, &left) && !left;
}

/* A pipe whose writer takes its time is read to its end, as <(command) is. */
static void pipes(void **state)
{
	static const char first[] = "version: 1\nrules:\n", second[] = "  - {path: /a, deny: 1}\n";
	struct policy *policy;
	char name[32], *error;
	int fds[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (write(fds[1], first, sizeof(first) - 1) < 0)
			_exit(1);
		while (!waits_for_more(getppid(), fds[0]))
			;
		_exit(write(fds[1], second, sizeof(second) - 1) < 0);
	}
	close(fds[1]);
	snprintf(name, sizeof(name), "/dev/fd/%d", fds[0]);
	if (policy_load(name, &policy, &error))
		fail_msg("%s", error);
	assert_int_equal(policy->nrules, 1);
	policy_free(policy);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* The examples of the documentation are policies. */
static void examples(void **state)
{
	static const char *const names[] = {
		"calls", "confined", "network", "read-only", "redirect", "wrapper",
	};
	const char *source = getenv("PM_SRC");

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct policy *policy;
		char *name, *error;

		assert_true(asprintf(&name, "%s/docs/policies/%s.yaml", source ? source : ".",
				     names[i]) > 0);
		if (policy_load(name, &policy, &error))
			fail_msg("%s", error);
		policy_free(policy);
		free(name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(not_yaml),   cmocka_unit_test(not_ours),
		cmocka_unit_test(too_much),   cmocka_unit_test(top),
		cmocka_unit_test(defaults),   cmocka_unit_test(rule_form),
		cmocka_unit_test(rule_match), cmocka_unit_test(rule_args),
		cmocka_unit_test(redirects),  cmocka_unit_test(one_line),
		cmocka_unit_test(accepted),   cmocka_unit_test(files),
		cmocka_unit_test(pipes),      cmocka_unit_test(rule_syscall),
		cmocka_unit_test(examples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
