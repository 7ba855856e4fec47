#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Several agents want one socket, at which nobody listens any more
. "$(dirname "$0")/agent.sh"
need python3 strace flock timeout

cat >"$work/one.yaml" <<'EOT'
version: 1
rules:
  - {class: open-read, path: /data/file, deny: EPERM}
EOT
policy=(--policy "one=$work/one.yaml")

# The lock of one who starts and does not go on: what becomes of that is looked at in the end.
exec 8>"$socket-locked.lock"
flock 8
"$PM" agent --socket "$socket-locked" "${policy[@]}" 2>"$work/locked" 8>&- &
locked=$!

start_agent "${policy[@]}"
kill -9 "$agent"
wait "$agent" 2>/dev/null
agent=

listens="pointsman: agent: process " at="listens at '$socket'; --replace takes an agent's place"
wrong=
for _ in 1 2 3 4 5; do
	started=()
	for n in {1..16}; do
		start "$n"
	done
	until_true only_left || wrong+=" several"
	winner=$(listener)
	[ "$(sort -u "$work"/start-*)" = "$listens$winner $at" ] ||
		wrong+=" $(cat "$work"/start-*)"
	kill -9 "$winner"
	for pid in "${started[@]}"; do
		wait "$pid" 2>/dev/null
		status=$?
		[ "$status" = "$([ "$pid" = "$winner" ] && echo 137 || echo 125)" ] || wrong+=" $status"
	done
	[ -S "$socket" ] || wrong+=" no socket"
done
is "$wrong" "" "of many agents at once one gets the socket that was left, and the others say who"
is "$(ls "$socket"?*)" "$socket-locked.lock" "nothing else is left at that"

# One finds nobody, and is slow to remove what is in the way.
strace -qq -o "$work/slow" -e trace=unlink -e inject=unlink:delay_enter=1000000 -P "$socket" \
	"$PM" agent --socket "$socket" "${policy[@]}" 2>>"$work/agent.err" &
tracer=$!
in_way()
{
	[ -e "$socket.lock" ]
}
until_true in_way
said=$(timeout 30 "$PM" agent --socket "$socket" "${policy[@]}" 2>&1)
status=$?
slow=$(cat "/proc/$tracer/task/$tracer/children")
is "$status $said" "125 $listens${slow% } $at" \
	"another one waits for who is about to listen"
is "$(listener)" "${slow% }" "which then does"
kill "${slow% }"
wait "$tracer"

# A lock whose holder has died keeps nobody out; that of one who is stopped, not for ever.
: >"$socket.lock"
start_agent "${policy[@]}"
ok $? "a lock that is left is nobody's"
stop_agent
is "$(ls "$socket"?*)" "$socket-locked.lock" "and is gone"
wait "$locked"
is "$? $(cat "$work/locked")" "125 pointsman: agent: cannot listen at '$socket-locked': another agent that starts has '$socket-locked.lock' and does not go on" \
	"one that is about to listen is not waited for for ever"
rm "$socket-locked.lock"
done_testing
