#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# pointsman explain: which rule decides a call, step by step, and the same as in a run.

. "$(dirname "$0")/../harness/tap.sh"
cd "$TMPDIR" || exit 1

cat >inner.yaml <<EOF
version: 1
rules:
  - {path: $TMPDIR/secret, deny: EACCES}
  - {path: $TMPDIR/other, deny: EACCES}
  - {class: connect, address: "192.0.2.0/24:80", redirect: {address: "127.0.0.1:8080"}}
  - {path: $TMPDIR/motd, redirect: {path: $TMPDIR/new}}
  - {syscall: getppid, value: 7}
  - {path: $TMPDIR/old.sh, class: exec, redirect: {program: $TMPDIR/new.sh}}
EOF
cat >outer.yaml <<EOF
version: 1
defaults: {exec: {deny: EPERM}, open-write: kill}
rules:
  - {path: $TMPDIR/new, class: open-write, deny: EROFS}
  - {path: /bin/sh, class: exec, allow: true}
EOF
echo motd >motd
echo new >new
echo secret >secret
ln -s secret link
printf '#!/bin/sh\n' | tee old.sh >new.sh
chmod +x old.sh new.sh

# says NAME STATUS MESSAGE ARGUMENT...
says()
{
	local got
	got=$("$PM" explain "${@:4}" 2>&1 >/dev/null </dev/null)
	is "$? $got" "$2 ${3:+pointsman: $3}" "$1"
}

# explains NAME STATUS EXPECTED ARGUMENT...
explains()
{
	local got
	got=$("$PM" explain "${@:4}" 2>&1)
	is $? "$2" "$1: status"
	is "${got//$TMPDIR/DIR}" "$3" "$1: steps"
}

# Garbage first.
see="see 'pointsman help explain'"
says 'nothing' 125 "no call given; $see"
says 'no call' 125 "no call given; $see" inner.yaml
says 'no policy' 125 "no policy given; $see" open x
says 'unknown option' 125 "unknown option '--frob'; $see" --frob open x
says 'an option of run' 125 "unknown option '--audit'; $see" --audit x inner.yaml open x
says 'unknown call' 125 "'frob' is no policy file that is there, and no system call of this machine" \
	inner.yaml frob
says 'mistyped call' 125 \
	"'opnat' is no policy file that is there, and no system call of this machine; did you mean 'openat'?" \
	inner.yaml opnat x
says 'a bad policy' 125 "motd:1:1: a text, expected 'version: 1' and rules" motd open x
says 'no path' 125 'openat: pathname is missing' inner.yaml openat
says 'unknown flag' 125 "'O_FOO' is no number and no flag that is known here, for open" \
	inner.yaml open x O_FOO
says 'mistyped flag' 125 \
	"'O_RDWR|O_CLOEXC' is no number and no flag that is known here, for open; did you mean 'O_CLOEXEC'?" \
	inner.yaml open x 'O_RDWR|O_CLOEXC'
says 'unknown family' 125 "'AF_FROB' is no number and no flag that is known here, for socket" \
	inner.yaml socket AF_FROB
says 'too many words' 125 "'4' is one word more than getpgid takes" inner.yaml getpgid 1 2 3 0 0 0 4
says 'more than one address' 125 "'192.0.2.0/24:80' is more than one address, expected one" \
	inner.yaml connect 192.0.2.0/24:80

explains 'through both layers' 1 'openat DIR/motd
  pathname "motd" is DIR/motd, a file

layer 1 of 2: inner.yaml
  open-read of DIR/motd (pathname)
    no   rules[0] to rules[1]: another file
    no   rules[2]: another class
    yes  rules[3], inner.yaml:6: redirect
  open-write of DIR/motd (pathname)
    no   rules[0] to rules[1]: another file
    no   rules[2]: another class
    yes  rules[3], inner.yaml:6: redirect
  so rules[3]: redirect
  now openat DIR/new

layer 2 of 2: outer.yaml
  open-read of DIR/new (pathname)
    no   rules[0] to rules[1]: another class
    else the default: allow
  open-write of DIR/new (pathname)
    yes  rules[0], outer.yaml:4: deny with EROFS
  so rules[0]: deny with EROFS

the call does not run, and fails with EROFS (Read-only file system)' \
	--policy inner.yaml --policy outer.yaml -- openat motd O_RDWR
explains 'an address' 0 'connect 192.0.2.9:80

layer 1 of 1: inner.yaml
  connect to 192.0.2.9:80 (addr)
    no   rules[0] to rules[1]: another class
    yes  rules[2], inner.yaml:5: redirect
  so rules[2]: redirect
  now connect 127.0.0.1:8080

the call runs as connect 127.0.0.1:8080' inner.yaml connect 192.0.2.9:80
explains 'a program and its interpreter' 1 "execve DIR/old.sh [old.sh x] by $(realpath /bin/sh)
  pathname \"old.sh\" is DIR/old.sh, a file
  interpreter \"/bin/sh\" is $(realpath /bin/sh), a file

layer 1 of 1: outer.yaml
  exec of DIR/old.sh (pathname)
    no   rules[0]: another class
    no   rules[1]: another file
    else the default, outer.yaml:2: deny with EPERM
  exec of $(realpath /bin/sh) (interpreter)
    no   rules[0]: another class
    yes  rules[1], outer.yaml:5: allow
  so default: deny with EPERM

the call does not run, and fails with EPERM (Operation not permitted)" \
	outer.yaml execve old.sh old.sh x
explains 'another name for what is denied' 1 "rename DIR -> DIR-x
  oldpath \"DIR\" is DIR, a directory
  newpath \"DIR-x\" is DIR-x: not there yet

layer 1 of 1: command line
  rename of DIR (oldpath)
    yes  --deny: deny with EACCES, since what it means would get another name
  rename of DIR-x (newpath)
    no   --deny: another file
    else the default: allow
  so --deny: deny with EACCES

the call does not run, and fails with EACCES (Permission denied)" \
	--deny "$TMPDIR/secret" rename "$TMPDIR" "$TMPDIR-x"
explains 'a call that names nothing' 1 'getppid

layer 1 of 1: inner.yaml
  the call as a whole
    no   rules[0] to rules[3]: the call names nothing
    yes  rules[4], inner.yaml:7: answer 7
  so rules[4]: answer 7

the call does not run, and returns 7' inner.yaml getppid
cat >sockets.yaml <<'EOF'
version: 1
rules:
  - {syscall: socket, args: {index: 0, equal: 10}, redirect: {args: {index: 0, value: 2}}}
  - {syscall: [socket, socketpair], deny: EAFNOSUPPORT}
EOF
explains 'a socket by its names' 0 'socket AF_INET6 SOCK_STREAM|SOCK_CLOEXEC IPPROTO_TCP

layer 1 of 1: sockets.yaml
  the call as a whole
    yes  rules[0], sockets.yaml:3: redirect
  so rules[0]: redirect
  now socket AF_INET SOCK_STREAM|SOCK_CLOEXEC IPPROTO_TCP

the call runs as socket AF_INET SOCK_STREAM|SOCK_CLOEXEC IPPROTO_TCP' \
	sockets.yaml socket AF_INET6 'SOCK_STREAM|SOCK_CLOEXEC' IPPROTO_TCP
# In words as in numbers, and what has no name.
while IFS=: read -r words numbers expected; do
	for call in "$words" "$numbers"; do
		# shellcheck disable=SC2086
		is "$("$PM" explain sockets.yaml $call | head -n 1)" "$expected" "explain $call"
	done
done <<'EOF'
socket AF_NETLINK SOCK_RAW|SOCK_NONBLOCK NETLINK_SOCK_DIAG:socket 16 0x803 4:socket AF_NETLINK SOCK_RAW|SOCK_NONBLOCK NETLINK_SOCK_DIAG
socketpair AF_LOCAL SOCK_SEQPACKET 0:socketpair 1 5 0:socketpair AF_UNIX SOCK_SEQPACKET 0
socketpair PF_UNIX SOCK_SEQPACKET:socketpair 1 5:socketpair AF_UNIX SOCK_SEQPACKET 0
socket AF_INET SOCK_STREAM IPPROTO_IP:socket 2 1 0:socket AF_INET SOCK_STREAM 0
socket AF_VSOCK 7 3:socket 40 7 3:socket AF_VSOCK 7 3
socket 77 SOCK_DGRAM|0x10 6:socket 77 0x12 6:socket 77 SOCK_DGRAM|0x10 6
EOF
explains 'what nobody asks to see' 0 \
	'getpid: no layer asks to see it, so it is not stopped and runs as it is made' \
	inner.yaml outer.yaml getpid
explains 'what one backend refuses' 0 \
	'ptrace: no layer asks to see it, so it is not stopped and runs as it is made,
but on the ptrace backend, where it fails with EPERM' inner.yaml ptrace
got=$("$PM" explain -a inner.yaml open link | grep -c '^    no ')
is "$got" 0 '--all: nothing to fold'
got=$("$PM" explain -a inner.yaml open motd | grep -c '^    no ')
is "$got" 3 '--all: a line each'
"$PM" explain inner.yaml io_uring_setup 1 0 >out
is "$? $(tail -n 1 out)" '1 the call does not run, and fails with ENOSYS (Function not implemented)' \
	'what every run refuses'
"$PM" explain inner.yaml open "$TMPDIR/x/y" >out
is "$? $(tail -n 1 out)" \
	'1 allowed, and yet the kernel answers it with ENOENT (No such file or directory)' \
	'what the kernel refuses'
for call in 'openat2 motd O_RDONLY' 'openat AT_FDCWD motd' 'openat -100 motd 0' \
	    'open motd O_RDONLY|O_CLOEXEC'; do
	# shellcheck disable=SC2086
	"$PM" explain inner.yaml $call >out
	is "$? $(grep -c 'yes  rules\[3\]' out)" '0 1' "$call"
done
for call in 'sendto 192.0.2.1:53' 'sendmsg 192.0.2.1:53' 'bind 192.0.2.1:53' 'bind [::1]:53' \
	    'bind unix:@x' 'bind family:netlink' 'connect unix:unnamed'; do
	# shellcheck disable=SC2086
	"$PM" explain --deny '*' --deny 'unix:*' --deny family:netlink $call >out
	is "$? $(tail -n 1 out)" '1 the call does not run, and fails with EACCES (Permission denied)' \
		"$call"
done

# What a terminal would take for more than text.
"$PM" explain --deny /x open $'/y\033[31m\xff\nlayer 2' >out
is "$(grep -c '\\x1b\[31m\\xff\\x0alayer 2' out)" 3 'a name is text'

# The same as in a run: the verdict, and who gave it.
cat >each.py <<'EOF'
import json, os, subprocess, sys
PM, DIR = os.environ['PM'], os.environ['TMPDIR']
COMMON = ['--policy', 'inner.yaml', '--policy', 'outer.yaml']
CALLS = {
    'open read': (['open', 'motd', 'O_RDONLY'], 'os.open("motd", os.O_RDONLY)'),
    'open write': (['open', 'motd', 'O_WRONLY'], 'os.open("motd", os.O_WRONLY)'),
    'by a link': (['open', 'link', 'O_RDONLY'], 'os.open("link", os.O_RDONLY)'),
    'stat': (['stat', 'secret'], 'os.stat("secret")'),
    'unlink': (['unlink', 'other'], 'os.unlink("other")'),
    'rename': (['rename', 'secret', 'x'], 'os.rename("secret", "x")'),
    'getppid': (['getppid'], 'os.getppid()'),
}
bad = 0
for name, (call, code) in CALLS.items():
    said = subprocess.run([PM, 'explain', *COMMON, *call], capture_output=True, text=True)
    with open('audit', 'w'):
        pass
    subprocess.run([PM, 'run', *COMMON[:2], '--policy', 'run.yaml', '--audit', 'audit',
                    sys.executable, '-c', f'import os\n{code}'], capture_output=True)
    lines = [json.loads(line) for line in open('audit')]
    family = {'open': 'open', 'stat': 'stat'}.get(call[0], call[0])
    mine = [line for line in lines if line['type'] == 'call' and family in line['call'] and
            (line['verdict'] != 'allow')]
    rule = mine[-1]['layers'][0]['rule'] if mine else 'default'
    first = [line for line in said.stdout.splitlines() if line.startswith('  so ')][0]
    if first.split()[1].rstrip(':') != rule:
        bad += 1
        print(f'# {name}: explain says {first}, run {rule}')
sys.exit(bad)
EOF
printf 'version: 1\n' >run.yaml
PM=$PM TMPDIR=$TMPDIR python3 each.py >out
ok $? 'a run decides so too' "$(cat out)"

is $(($("$PM" help explain | wc -l) <= 24)) 1 'the help fits a screen'
is "$("$PM" help explain | awk 'length > 80')" '' 'and its width'

done_testing
