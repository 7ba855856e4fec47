#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# pointsman check: all errors and all doubts of a policy at once, and nothing else.

. "$(dirname "$0")/../harness/tap.sh"
cd "$TMPDIR" || exit 1

# finds NAME STATUS EXPECTED [OPTION...]: what check says of the policy on standard input,
# without the lines that it quotes
finds()
{
	local name=$1 status=$2 expected=$3 got
	shift 3

	got=$("$PM" check "$@" - 2>&1)
	is $? "$status" "$name: status"
	is "$(grep -v '^ .* | ' <<<"$got" | sed 's/^standard input//; $d')" "$expected" \
		"$name: what is said"
}

# Garbage first: the command line.
says()
{
	local got
	got=$("$PM" check "${@:2}" 2>&1 </dev/null)
	is $? 125 "check ${*:2}: status"
	is "$got" "pointsman: $1" "check ${*:2}: message"
}
says "no policy given; see 'pointsman help check'"
says "no policy given; see 'pointsman help check'" --
says "unknown option '--frob'; see 'pointsman help check'" --frob x
says "unknown option '-x'; see 'pointsman help check'" -x
got=$("$PM" check missing 2>&1)
is "$? $got" '1 pointsman: missing: cannot be read: No such file or directory' 'no such file'
got=$("$PM" check . 2>&1)
is "$? $got" '1 pointsman: .: cannot be read: Is a directory' 'a directory'

# The first of two counts, wherever they stand.
finds 'keys that are there twice' 1 ":3:1: error: key 'version' for the second time, first in line 1
:4:1: error: key 'rules' for the second time, first in line 2
:5:14: error: key 'path' for the second time, first in line 5" <<'EOF'
version: 1
rules: []
version: 2
rules:
- {path: /a, path: /b, deny: EPERM}
EOF

# Every error of one file, and not those that follow from others.
finds 'errors' 1 ":1:10: error: version: '2', expected 1
:2:17: error: 'EFOO' is no errno, expected a name such as EACCES or 1..4095
:5:3: error: key 'connect' for the second time, first in line 4
:7:5: error: unknown key 'pth'; did you mean 'path'?
:9:12: error: 'etc/passwd', expected an absolute path
:9:30: error: 'b', expected an absolute path
:10:11: error: 'EACCESS' is no errno, expected a name such as EACCES or 1..4095; did you mean \
'EACCES'?
:12:12: error: class: one that has no file
:14:11: error: 'rel', expected an absolute path
:16:5: error: several actions, expected one of allow, deny, kill, value, redirect
:19:15: error: 'opnat' is no system call of this machine; did you mean 'openat'?
:20:12: error: value: 'x', expected a signed number of 64 bits
:22:12: error: allow: 'maybe', expected true
:23:5: error: anchor '&a', expected none: say things where they are used
:26:12: error: args: no index, expected 'index: 0' .. 'index: 5'
:26:32: error: index: '9', expected 0..5
:26:64: error: 'z' is no number, expected decimal, 0x hexadecimal or 0 octal, of 64 bits
:28:5: error: nothing to match, expected one of class, syscall, path, tree, glob, spelling, \
anonymous, address, argv, argc, env, env-absent" <<'EOF'
version: 2
default: {deny: EFOO}
defaults:
  connect: allow
  connect: deny
rules:
  - pth: /etc/passwd
    deny: EACCES
  - path: [etc/passwd, "/a", b]
    deny: EACCESS
  - tree: /srv
    class: connect
    allow: true
  - tree: rel
    redirect: {tree: /tmp/x}
  - class: exec
    allow: true
    kill: true
  - syscall: [opnat, getpid]
    value: x
  - class: any
    allow: maybe
  - &a path: /x
    deny: 1
  - class: connect
    args: [{equal: 1}, {index: 9, equal: 1}, {index: 1, equal: z}]
    allow: true
  - deny: EPERM
EOF
finds 'what is no YAML' 1 ':3:1: error: not YAML: did not find expected node content' \
	< <(printf 'version: 1\nrules: [\n')
finds 'nothing' 1 ":1:1: error: nothing, expected 'version: 1' and rules" </dev/null
finds 'a list' 1 ":1:1: error: a list, expected 'version: 1' and rules" <<<'[1]'
finds 'no version, and more' 1 ":1:1: error: no version, expected 'version: 1'
:1:8: error: rules: 'x', expected keys with values" <<<'rules: x'
finds 'an errno of a default' 1 ":3:19: error: 'EX' is no errno, expected a name such as \
EACCES or 1..4095" < <(printf 'version: 1\ndefaults:\n  connect: {deny: EX}\n')

# What can never decide, and by whom it is decided.
cat >doubts <<'EOF'
version: 1
defaults:
  connect: deny
  any-address: allow
rules:
  - {tree: /usr, class: any-path, allow: true}
  - {path: /usr/bin, deny: EACCES}
  - {path: [/usr/share, /srv/x], class: open-read, allow: true}
  - {path: /srv/y, class: [open-read, open-write], allow: true}
  - {tree: /srv, class: exec, allow: true}
  - {glob: "/srv/**", class: exec, kill: true}
  - {class: exec, argv: [a, b], argc: 3, path: /p, allow: true}
  - {class: exec, env: {HOME: "*"}, env-absent: HOME, path: /q, allow: true}
  - {syscall: getppid, value: 1}
  - {syscall: getppid, deny: EPERM}
  - {address: "10.0.0.0/8", class: connect, allow: true}
  - {address: ["10.1.2.3:80", "11.0.0.1"], class: connect, deny: EACCES}
  - {path: /etc/passwd/x, allow: true}
  - {path: "/etc/*.none", allow: true}
  - {path: /r, class: open-read, redirect: {path: /r}}
  - {syscall: prctl, args: [{index: 0, equal: 1}, {index: 0, equal: 2}], deny: EPERM}
  - {class: any, allow: true}
  - {class: any, allow: true}
EOF
warnings=":3:3: W: 'connect' counts for nothing, line 4 has the same later
:7:5: W: this rule decides nothing, line 6 decides before it (it still keeps files from being given other names)
:8:13: W: '/usr/share' decides nothing, line 6 decides before it
:11:5: W: this rule decides nothing, line 10 decides before it (it still keeps files from being given other names)
:12:39: W: argc: not as many as argv asks for: never so
:13:49: W: 'HOME' is to be there (env) and not to be there: never so
:15:5: W: this rule decides nothing, line 14 decides before it
:17:16: W: '10.1.2.3:80' decides nothing, line 16 decides before it
:18:12: W: '/etc/passwd/x': '/etc/passwd' is no directory here, so nothing is below it
:19:12: W: '/etc/*.none' is not read as a pattern, expected glob: '/etc/*.none'
:20:44: W: redirect to what the rule matches: it changes nothing
:21:51: W: args: argument 0 is to be two numbers: never so
:23:5: W: this rule decides nothing, line 22 decides before it"
finds 'warnings' 0 "${warnings//W:/warning:}" <doubts
finds 'warnings, --strict' 1 "${warnings//W:/error:}" --strict <doubts

# What looks like it and is not: none of these is said to be shadowed.
finds 'no warnings' 0 '' <<'EOF'
version: 1
rules:
  - {tree: /srv, class: open-read, args: [{index: 1, equal: 0}], allow: true}
  - {tree: /srv, class: open-read, syscall: openat, allow: true}
  - {tree: /srv, class: open-read, spelling: "/**", allow: true}
  - {tree: /srv, class: [open-read, metadata], deny: EACCES}
  - {tree: /srv2, class: open-read, deny: EACCES}
  - {glob: "/srv/*", class: exec, allow: true}
  - {tree: /srv, class: exec, allow: true}
  - {class: exec, env-absent: A, path: /q, allow: true}
  - {class: exec, path: /q, deny: EACCES}
  - {address: "10.0.0.0/8:80", class: connect, allow: true}
  - {address: "10.0.0.0/8:80-81", class: connect, allow: true}
  - {address: "10.0.0.0/8", class: any-address, allow: true}
  - {anonymous: "pipe:*", allow: true}
  - {anonymous: true, allow: true}
  - {syscall: [open, openat], deny: EPERM}
  - {syscall: [open, openat, creat], allow: true}
EOF

# The line is quoted, and whatever is in it is no word to a terminal.
printf 'version: 1\nrules:\n  - \033[31mfoo: 1\n' >escape
got=$("$PM" check escape | tr -d '[:print:]\n' | wc -c)
is "$got" 0 'no control character is printed'
is "$(printf 'version: 1\nrules:\n  - {path: a, allow: true}\n' | "$PM" check - | sed -n 2,3p)" \
	"     3 |   - {path: a, allow: true}
       |            ^" 'the place is shown'
is "$(printf 'version: 1\n' | "$PM" check -)" 'standard input: 0 rules, 0 errors, 0 warnings' \
	'nothing wrong'
"$PM" check -q doubts >out 2>&1
is "$? $(cat out)" '0 ' '--quiet'
"$PM" check doubts -q --strict >out 2>&1
is "$? $(cat out)" '1 ' 'options behind the files'
"$PM" check -- -q >out 2>&1
is "$? $(cat out)" '1 pointsman: -q: cannot be read: No such file or directory' 'after --'

# A run takes what check takes, and nothing else.
for policy in "$PM_SRC"/docs/policies/*.yaml; do
	"$PM" check --strict "$policy" >out
	ok $? "${policy##*/} is clean" "$(cat out)"
done
"$PM" check doubts escape >out
is $? 1 'one of two is wrong'
got=$("$PM" run --policy escape true 2>&1)
is "$?: ${got#pointsman: }" "125: $(grep -m1 -o '^escape:.*' out | sed 's/ error://')" \
	'run says the same of it'

# As many rules as a policy may have, each compared with all before it.
{
	printf 'version: 1\nrules:\n'
	seq 4096 | sed 's/.*/- {path: \/srv\/&, class: [open-read, exec], allow: true}/'
} >many
timeout 20 "$PM" check many >out
is "$? $(cat out)" '0 many: 4096 rules, 0 errors, 0 warnings' 'as many rules as there can be'

is $(($("$PM" help check | wc -l) <= 24)) 1 'the help fits a screen'
is "$("$PM" help check | awk 'length > 80')" '' 'and its width'
is "$("$PM" check --help)" "$("$PM" help check)" '--help is help'

done_testing
