#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The command line: messages, exit statuses, what the command gets.

. "$(dirname "$0")/../harness/tap.sh"
cd "$TMPDIR" || exit 1

# Says whether the last command succeeded.
check()
{
	ok $? "$@"
}

# says NAME STATUS STDERR ARGUMENT...: pointsman ARGUMENT... ends so and says so
says()
{
	local name=$1 status=$2 expected=$3 got
	shift 3

	got=$("$PM" "$@" 2>&1 >/dev/null </dev/null)
	is $? "$status" "$name: status"
	is "$got" "$expected" "$name: message"
}

# prints NAME STATUS STDOUT ARGUMENT...: the same for standard output, and says nothing
prints()
{
	local name=$1 status=$2 expected=$3 got
	shift 3

	got=$("$PM" "$@" 2>stderr </dev/null)
	is $? "$status" "$name: status"
	is "$got" "$expected" "$name: output"
	is "$(cat stderr)" '' "$name: nothing on standard error"
}

see="see 'pointsman help run'"

# Garbage first: the command.
says 'no subcommand' 125 "pointsman: no subcommand given; see 'pointsman help'"
says 'unknown subcommand' 125 "pointsman: unknown subcommand 'frob'; see 'pointsman help'" frob
says 'unknown option' 125 \
	"pointsman: unknown option '--frob'; the subcommand comes first, see 'pointsman help'" --frob
says 'mistyped subcommand' 125 "pointsman: unknown subcommand 'exlpain'; did you mean 'explain'?" exlpain
says 'mistyped option' 125 "pointsman: unknown option '--hlep'; did you mean '--help'?" --hlep
says 'an option of run before it' 125 \
	"pointsman: unknown option '--policy'; the subcommand comes first, see 'pointsman help'" \
	--policy x
says 'help of what is not there' 125 \
	"pointsman: unknown subcommand 'frob'; see 'pointsman help'" help frob
says 'help of two' 125 "pointsman: help: one subcommand at a time, not 'run'" help run run
says 'version takes nothing' 125 "pointsman: version: takes no argument, not 'x'" version x

# Garbage: the options of run.
says 'no command' 125 "pointsman: no command given; $see" run
says 'no command after --' 125 "pointsman: no command given; $see" run --
says 'unknown long option' 125 "pointsman: unknown option '--frob'; $see" run --frob true
says 'mistyped long option' 125 "pointsman: unknown option '--polcy'; did you mean '--policy'?" \
	run --polcy x true
says 'mistyped long option with a value' 125 \
	"pointsman: unknown option '--audit_fd'; did you mean '--audit-fd'?" run --audit_fd=1 true
says 'unknown long option with a value' 125 "pointsman: unknown option '--frob'; $see" \
	run --frob=1 true
says 'unknown short option' 125 "pointsman: unknown option '-x'; $see" run -x true
says 'unknown short option in a group' 125 "pointsman: unknown option '-x'; $see" run -vx true
says 'ambiguous option' 125 "pointsman: option '--no' is ambiguous; $see" run --no true
says 'missing argument' 125 "pointsman: option '--policy' needs an argument" run --policy
says 'argument too many' 125 "pointsman: option '--no-mseal' takes no argument" \
	run --no-mseal=1 true
says 'unknown backend' 125 \
	"pointsman: --backend: 'magic' is not a backend; 'auto', 'notify' and 'ptrace' are" \
	run --backend magic true
for fd in x 1x -1 '' ' 1' 99999999999999999999; do
	says "descriptor '$fd'" 125 \
		"pointsman: --audit-fd: '$fd' is not the number of a descriptor" \
		run --audit-fd "$fd" true
done
says 'closed descriptor' 125 "pointsman: --audit-fd: descriptor 77 is not open for writing" \
	run --audit-fd 77 true
says 'descriptor for reading' 125 \
	"pointsman: --audit-fd: descriptor 0 is not open for writing" run --audit-fd 0 true
for two in '--audit a --audit-fd 1' '--audit-fd 1 --audit a' '--audit a --audit b' \
	   '--audit-fd 1 --audit-fd 2'; do
	says "two audits: $two" 125 \
		'pointsman: a second audit, expected one of --audit and --audit-fd' run $two true
done
says 'half an audit' 125 "pointsman: --audit-decided needs --audit or --audit-fd" \
	run --audit-decided true
[ ! -e a ]
check 'nothing is made where the usage is bad'
says 'audit in a directory that is not there' 125 \
	"pointsman: --audit: cannot open 'no/audit': No such file or directory" \
	run --audit no/audit true
says 'audit that is a directory' 125 "pointsman: --audit: cannot open '.': Is a directory" \
	run --audit . true
says 'audit on a full disk' 125 \
	"pointsman: cannot write to the audit: No space left on device" run --audit /dev/full true

# Garbage: policies.  Which mistakes there are in them is the policy's own test.
says 'policy that is not there' 125 \
	"pointsman: no.yaml: cannot be read: No such file or directory" run --policy no.yaml true
printf 'version: 1\n' >closed.yaml
chmod 000 closed.yaml
drop=()
[ "$(id -u)" -ne 0 ] || drop=(setpriv --bounding-set=-dac_override,-dac_read_search)
got=$("${drop[@]}" "$PM" run --policy closed.yaml touch ran 2>&1)
is $? 125 'policy that may not be read: status'
is "$got" 'pointsman: closed.yaml: cannot be read: Permission denied' \
	'policy that may not be read: message'
mkfifo fifo.yaml
says 'policy that nobody writes' 125 \
	"pointsman: fifo.yaml:1:1: nothing, expected 'version: 1' and rules" \
	run --policy fifo.yaml touch ran
says 'policy that cannot be read on' 125 \
	'pointsman: /proc/self/mem: cannot be read: Input/output error' \
	run --policy /proc/self/mem touch ran
says 'second policy is bad' 125 "pointsman: fifo.yaml:1:1: nothing, expected 'version: 1' and rules" \
	run --policy <(echo 'version: 1') --policy fifo.yaml touch ran
prints 'policy from a pipe' 0 ran run --policy <(echo 'version: 1') echo ran
[ ! -e ran ]
check 'nothing runs under a bad policy'
printf 'version: 1\nrules: []\nfrob: 1\n' >bad.yaml
got=$("$PM" run --policy bad.yaml true 2>&1)
is $? 125 'bad policy: status'
[[ $got =~ ^pointsman:\ bad\.yaml:[0-9]+:[0-9]+:\ [^$'\n']+$ ]]
check 'bad policy: one line, with file, line and column' "$got"
printf 'version: 1\nrules:\n- {pth: /a, allow: true}\n- {path: b, allow: true}\n' >two.yaml
says 'every error of every policy' 125 "pointsman: two.yaml:3:4: unknown key 'pth'; did you mean 'path'?
pointsman: two.yaml:4:10: 'b', expected an absolute path
pointsman: bad.yaml:3:1: unknown key 'frob', expected one of: version, default, defaults, unsafe, rules" \
	run --policy two.yaml --policy bad.yaml true
(printf 'version: 1\nrules:\n'; yes -- '- {path: b, allow: true}' | head -n 12) >many.yaml
got=$("$PM" run --policy <(cat many.yaml) true 2>&1)
is "$(grep -c "'b', expected an absolute path" <<<"$got") $(sed -n '11,$s/^.*: //p' <<<"$got")" \
	"10 2 more errors; 'pointsman check' names all" 'the first ten errors, and that there are more'
# bad_form OPTION ARGUMENT MESSAGE
bad_form()
{
	says "$1 '$2'" 125 "pointsman: $1: $3" run "$1" "$2" true
}

for option in --path --exec; do
	bad_form $option nonsense "no '=', expected FROM=TO"
	bad_form $option =/to "nothing before '=', expected FROM=TO"
	bad_form $option /from= "nothing after '=', expected FROM=TO"
	bad_form $option from=/to "'from', expected an absolute path"
	bad_form $option /from=to "'to', expected an absolute path"
done
bad_form --connect nonsense "no '=', expected ADDR=ADDR"
bad_form --connect 192.0.2.1:80=127.0.0.0/8:80 "'127.0.0.0/8:80', expected one address to lead to"
bad_form --connect 192.0.2.1:80=unix:/run/x \
	"'192.0.2.1:80' and 'unix:/run/x' are of different families"
bad_form --deny '' 'nothing, expected PATTERN[:ERRNO]'
bad_form --deny secret "'secret' is no address, expected IPV4[/BITS][:PORTS], \
'[IPV6[/BITS]]:PORTS', '*:PORTS', unix:PATH, unix:@NAME or family:NAME, or an absolute path"
for end in eacces 13 ''; do
	bad_form --deny "/secret:$end" "'$end' after ':', expected a name such as EACCES; a name \
that ends in ':$end' is written with ':EACCES' after it"
done
bad_form --path /a=b=/c "'b=/c', expected an absolute path; an '=' of what comes before is \
written '\='"
bad_form --syscall getppid=rt_sigreturn "'rt_sigreturn' cannot be redirected to"
bad_form --deny /secret:EFROB "'EFROB' is no errno, expected a name such as EACCES"
bad_form --syscall nonsense "no '=', expected NAME=NAME"
bad_form --syscall frob=getpid "'frob' is no system call of this machine"
bad_form --syscall getpid=frob "'frob' is no system call of this machine"
bad_form --syscall gettid=gitpid "'gitpid' is no system call of this machine; did you mean 'getpid'?"
bad_form --deny /secret:EACCESS \
	"'EACCESS' is no errno, expected a name such as EACCES; did you mean 'EACCES'?"

# What runs, and how it ends.
says 'not found' 127 "pointsman: cannot run 'no-such-command': No such file or directory" \
	run no-such-command
says 'not found by path' 127 "pointsman: cannot run './no': No such file or directory" run ./no
touch plain
says 'not executable' 126 "pointsman: cannot run './plain': Permission denied" run ./plain
says 'a directory' 126 "pointsman: cannot run '.': Permission denied" run .
printf 'garbage\0\1' >garbage && chmod +x garbage
got=$("$PM" run ./garbage 2>&1)
status=$?
env ./garbage 2>/dev/null
is $? $status 'what is no program: as env'
printf '#!/no/interpreter\n' >script && chmod +x script
says 'no interpreter' 127 "pointsman: cannot run './script': No such file or directory" run ./script

for status in 0 1 2 42 124 125 255; do
	says "status $status" $status '' run -- sh -c "exit $status"
done
for signal in HUP INT TERM KILL SEGV; do
	says "signal $signal" $((128 + $(kill -l $signal))) '' run -- sh -c "ulimit -c 0; kill -$signal \$\$"
done
prints 'arguments' 0 $'<a b>\n<>\n<-v>\n<--policy>' run -- printf '<%s>\n' 'a b' '' -v --policy
prints 'the first word ends the options' 0 '-v --audit' run echo -v --audit
prints 'long options can be cut short' 0 'x' run --no-m echo x
prints 'options with =' 0 'x' run --backend=ptrace echo x
prints 'the backend by its name' 0 'x' run --backend ptrace echo x
prints 'the best backend' 0 'x' run --backend auto echo x
prints 'the environment' 0 'y' run env -i X=y sh -c 'echo $X'
[ "$(echo in | "$PM" run cat)" == in ]
check 'standard input is the command'\''s'
[ "$("$PM" run sh -c 'echo out; echo err >&2' 2>&1 >/dev/null)" == err ]
check 'standard error is the command'\''s'
got=$("$PM" run sh -c 'echo $$ $PPID' & wait $!; echo $! $BASHPID)
[ "$(sed -n 1p <<<"$got")" == "$(sed -n 2p <<<"$got")" ]
check 'the process is the command, its parent the caller' "$got"
exec 9<plain
got=$("$PM" run ls /proc/self/fd)
want=$(ls /proc/self/fd)
is "$got" "$want" 'no descriptor more or less'
exec 9<&-
exec 8>audit8
got=$("$PM" run --audit-fd 8 ls /proc/self/fd)
exec 8>&-
want=$(ls /proc/self/fd)
is "$got" "$want" 'the descriptor of the audit is not the command'\''s'
[ -s audit8 ]
check 'the descriptor of the audit is written to'
got=$(umask 027; cd /; "$PM" run sh -c 'umask; pwd')
is "$got" $'0027\n/' 'umask and working directory are the caller'\''s'
got=$("$PM" run sh -c 'kill -l >/dev/null; sleep 1000 & kill $!; wait $!; echo $?' 2>/dev/null)
is "$got" 143 'signals and children work below'

# -v
got=$("$PM" run -v --deny "$TMPDIR/no" -- true 2>&1)
is $? 0 'verbose: status'
[[ $got =~ ^'pointsman: backend: '"${PM_BACKEND:-ptrace}" ]]
check 'verbose: says which backend' "$got"
[[ $got == *'pointsman: pins: '* && $got =~ 'holds for open-read, open-write' ]]
check 'verbose: says what holds' "$got"
! grep -v '^pointsman: ' <<<"$got"
check 'verbose: every line says who speaks'
got=$("$PM" run -v --no-mseal -- true 2>&1)
[[ ${PM_BACKEND:-} == notify || $got == *'pins: kept by refusing the calls that could replace them'* ]]
check 'verbose: without mseal'

# What holds is said class by class; without a rule set nothing is said to be held by one.
cat >writes.yaml <<END
version: 1
default: allow
defaults: {open-write: {deny: EROFS}, connect: {deny: EPERM}}
rules:
  - {class: create, path: /nosuch, deny: EPERM}
  - {class: open-write, tree: [$TMPDIR, /dev], allow: true}
END
file='file (what was decided on is what is used)'
name='name (a link swapped after the decision is followed)'
bytes='bytes (the address that was decided on is the one that is used; where it is a path, a link '
bytes+='swapped after the decision is followed)'
pins=$("$PM" run -v -- true 2>&1 | head -n 2)
got=$("$PM" run -v --no-landlock --policy writes.yaml -- true 2>&1)
is "$got" "$pins
pointsman: holds for open-write: $file
pointsman: holds for truncate(2), create, rename, link, chroot, mount: $name
pointsman: holds for connect: $bytes" 'verbose: every line of what holds'
got=$("$PM" run -v --policy writes.yaml -- true 2>&1)
if [[ $got == *'landlock: not on this kernel'* ]]; then
	is "$(grep -v 'landlock: ' <<<"$got")" "$("$PM" run -v --no-landlock --policy writes.yaml -- true 2>&1)" \
		'verbose: without Landlock'
else
	landlock='landlock (a swapped link cannot lead out of the allowed trees)'
	[[ $got == *"
pointsman: holds for truncate(2): $landlock
pointsman: holds for create, rename, link, chroot, mount: $name
"* ]]
	check 'verbose: a rule set holds what it restricts, and nothing else' "$got"
fi
got=$("$PM" run --audit-fd 3 --policy writes.yaml -- python3 -c 'import os
os.truncate("truncated", 0) if os.path.exists("truncated") else open("truncated", "w").close()
os.truncate("truncated", 0)
os.mkdir("made")' 3>&1 >/dev/null)
holds=$(grep -c '"call":"mkdir".*"holds":"name"' <<<"$got")
is "$holds" 1 'audit: what no rule set restricts is not held by one'

# Order: the short forms are one layer, inside the files.
echo one >one; echo two >two; echo three >three
cat >outer.yaml <<END
version: 1
default: allow
rules:
  - class: open-read
    path: $TMPDIR/two
    redirect:
      path: $TMPDIR/three
END
if "$PM" run --policy outer.yaml true 2>stderr; then
	pass 'policy of the order'
	prints 'short forms come before the files' 0 three \
		run --policy outer.yaml --path "$TMPDIR/one=$TMPDIR/two" cat one
	prints 'the first short form that matches decides' 0 two \
		run --path "$TMPDIR/one=$TMPDIR/two" --path "$TMPDIR/one=$TMPDIR/three" cat one
else
	fail 'policy of the order' "$(cat stderr)"
fi

# The short forms, one by one.
mkdir -p tree/below other/below
echo inside >tree/below/file; echo outside >other/below/file
prints '--path of a tree' 0 outside run --path "$TMPDIR/tree=$TMPDIR/other" cat tree/below/file
prints '--exec' 0 replaced run --exec "$(type -P false)=$(type -P echo)" sh -c "$(type -P false) replaced"
prints '--syscall' 0 same run --syscall getppid=getpid \
	python3 -c 'import os; print("same" if os.getppid() == os.getpid() else "other")'
says '--deny' 1 'cat: one: Permission denied' run --deny "$TMPDIR/one" cat one
says '--deny with an error' 1 'cat: one: No such file or directory' \
	run --deny "$TMPDIR/one:ENOENT" cat one
says '--deny of a tree' 1 'cat: tree/below/file: Permission denied' \
	run --deny "$TMPDIR/tree" cat tree/below/file
says '--deny of a pattern' 1 'cat: one: Permission denied' run --deny "$TMPDIR/o*" cat one
echo odd >'odd:EIO'; echo even >'a=b'
says '--deny of what ends like an error' 1 "cat: 'odd:EIO': Operation not permitted" \
	run --deny "$TMPDIR/odd:EIO:EPERM" cat odd:EIO
prints '--path of what has a =' 0 odd run --path "$TMPDIR/a\\=b=$TMPDIR/odd:EIO" cat a=b
says 'a command that may not be run' 126 "pointsman: cannot run 'cat': Permission denied" \
	run --deny "$(type -P cat)" cat one
says 'a command that is said not to be there' 127 \
	"pointsman: cannot run 'cat': No such file or directory" \
	run --deny "$(type -P cat):ENOENT" cat one
prints '--deny lets the rest be' 0 two run --deny "$TMPDIR/one" cat two
connect='import socket, sys
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
except OSError as error:
    print(error.strerror)
else:
    print("connected")'
exec {from}< <(exec python3 -c 'import socket
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
while True:
    server.accept()[0].close()')
server=$!
read -r port <&"$from"
prints '--connect' 0 connected run --connect "127.0.0.1:1=127.0.0.1:$port" python3 -c "$connect" 1
prints '--deny of an address' 0 'No route to host' \
	run --deny "127.0.0.1:$port:EHOSTUNREACH" python3 -c "$connect" "$port"
kill "$server"

# help, version
prints 'version' 0 'pointsman 0.1.0' version
prints '--version' 0 'pointsman 0.1.0' --version
prints 'run --version' 0 'pointsman 0.1.0' run --version
[ "$("$PM" --help)" == "$("$PM" help)" ]
check '--help is help'
[ "$("$PM" run --help)" == "$("$PM" help run)" ]
check 'run --help is help run'
got=$("$PM" help 2>&1 >/dev/full)
is $? 125 'help on a full disk: status'
is "$got" 'pointsman: cannot write to standard output: No space left on device' \
	'help on a full disk: message'

done_testing
