#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# agent-guest.sh - in a guest whose kernel has the redirect: containers under an agent
#
# Started by agent.t.  crun does not know the flags that a filter asks for redirects
# with.  They are an argument in a register of seccomp(2), so pointsman itself puts
# them in: crun runs under it.
# shellcheck source=tests/agent/agent.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/agent/agent.sh"

# NEW_LISTENER, with SPEC_ALLOW as crun has it; with REDIRECT, WAIT_KILLABLE and
# KILL_ORPHANS.
cat >"$work/flags.yaml" <<'EOF'
version: 1
rules:
  - syscall: seccomp
    args:
      - {index: 0, equal: 1, as: uint}
      - {index: 1, equal: 0xc, as: uint}
    redirect: {args: [{index: 1, value: 0x34c}]}
EOF
cat >"$work/names.yaml" <<'EOF'
version: 1
rules:
  - class: any-path
    path: /data/secret
    deny: ENOENT
  - class: any-path
    path: /data/file
    redirect: {path: /srv/file}
  - class: exec
    path: /bin/other
    redirect: {program: /bin/inside}
EOF
cat >"$work/unshare.yaml" <<'EOF'
version: 1
rules:
  - syscall: getpgid
    redirect: {syscall: unshare}
EOF
flagged=("$PM" run --backend notify --policy "$work/flags.yaml" --)
start_agent --policy "names=$work/names.yaml" --policy "unshare=$work/unshare.yaml"

edit=$usual bundle plain names "$work/names.yaml" -- 'echo started'
contained crun plain
is "$out" "exec container process \`/bin/sh\`: Operation not permitted" \
	"without the flags a program cannot be inspected and run"

under=("${flagged[@]}")
edit=$usual bundle names names "$work/names.yaml" -- 'cat /data/secret; cat /data/file
	stat -c "%s %n" /data/file; ls /data; /bin/other comm; inside fifo /tmp/fifo
	mkdir /tmp/m; inside makers /tmp/m'
contained crun names
is "$? $out" "0 cat: can't open '/data/secret': No such file or directory
replaced
9 /data/file
ls: /data/secret: No such file or directory
file
inside
through
opened 200 made 50 failed 0" "with them everything is redirected: opens, stat, programs"

edit='.linux.namespaces |= map(select(.type != "uts")) | del(.hostname)'"| $usual | $engines" \
	refused='["unshare"]' bundle refused unshare "$work/unshare.yaml" -- \
	'inside call 121 0x10000000'
contained crun refused
is "$? $out" "0 Operation not permitted" \
	"a call that is redirected to one that the container's profile refuses is refused"
edit=$usual bundle allowed unshare "$work/unshare.yaml" -- 'inside call 121 0x10000000'
contained crun allowed
is "$? $out" "0 worked" "where the profile allows it, it is made"

# container ID COMMAND: in the background
container()
{
	edit=$usual bundle "$1" names "$work/names.yaml" -- "$2"
	in_crun run -b "$work/bundles/$1" "$1" >"$work/$1.out" 2>&1 </dev/null &
	running=$!
}
started()
{
	grep -qx opening "$work/$1.out"
}
container successor 'inside forever /data/file /tmp/stop'
until_true started successor
for turn in 1 2; do
	until_true goes_on successor
	old=$agent
	start_agent --policy "names=$work/names.yaml" --policy "unshare=$work/unshare.yaml" \
		--replace
	wait "$old"
	is $? 0 "the agent ends when another one takes its place ($turn)"
done
touch "$work/bundles/successor/root/tmp/stop"
wait "$running"
is "$? $(cat "$work/successor.out")" "0 opening
many rounds" "no call is lost by that"

container asker 'inside forever /data/file /tmp/stop'
until_true started asker
kill -9 "$agent"
wait "$agent" 2>/dev/null
agent=
wait "$running"
is "$? $(cat "$work/asker.out")" "159 opening" \
	"when the agent is killed a container that makes a call is, too (SIGSYS)"
done_testing
