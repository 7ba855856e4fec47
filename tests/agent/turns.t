#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Several agents take one's place at once, each in its turn; and one of them dies, or is
# told to end, at the worst time.  No container loses a call while there is an agent left.
. "$(dirname "$0")/agent.sh"
need jq python3 strace

redirects one /srv/file
policy=(--audit "$audit" --policy "one=$work/one.yaml")

# container ID: one that opens files all the time, and counts that
container()
{
	bundle "$1" one "$work/one.yaml" -- 'inside counted /data/file /tmp/stop'
	in_background crun "$1"
	until_true says "$1" opening
}
# stop_container ID: $out is what it printed, and $opens how often it has opened the file
stop_container()
{
	touch "$work/bundles/$1/root/tmp/stop"
	ended "$1"
	opens=$(echo "$out" | sed -n 's/ opens$//p')
}
# loses_nothing ID WHAT
loses_nothing()
{
	goes_on "$1"
	until_true goes_on "$1"
	ok $? "$2: the container is served"
	stop_container "$1"
	is "$out" "opening
$opens opens" "$2: no call fails"
	is "$(grep '"type":"call","container":"'"$1"'"' "$audit" | grep -c '"/data/file"')" \
		"$opens" "$2: each call is decided on once"
}

# waiting N: so many have connected to the socket, and nobody has accepted them
waiting()
{
	[ "$(grep -c " 00000000 0001 02 .* $socket\$" /proc/net/unix)" = "$1" ]
}
# pause PID: it does nothing until it is continued
pause()
{
	kill -STOP "$1"
	until_true grep -q '^State:.T' "/proc/$1/status"
}
# has_listeners PID N
has_listeners()
{
	[ "$(find "/proc/$1/fd" -lname 'anon_inode:seccomp notify' 2>/dev/null | wc -l)" = "$2" ]
}
# traced INJECTION OPTIONS...: an agent under strace, $tracer; $pid is its own
traced()
{
	local call=${1%%:*}
	strace -qq -o "$work/trace" -e "trace=$call" -e "inject=$1" \
		"$PM" agent --socket "$socket" "${policy[@]}" "${@:2}" 2>"$work/traced" &
	tracer=$!
	until_true has_child
	pid=$(cat "/proc/$tracer/task/$tracer/children")
	pid=${pid%% *}
}
# has_child: strace makes others before, to find out what it can do
has_child()
{
	local child
	read -r child <"/proc/$tracer/task/$tracer/children"
	[ "$(cat "/proc/${child% }/comm" 2>/dev/null)" = pointsman ]
}
# wait_for PID...: $statuses is theirs
wait_for()
{
	local pid
	statuses=
	for pid; do
		wait "$pid" 2>/dev/null
		statuses+="${statuses:+ }$?"
	done
}

# Five at once, which all have connected before the agent looks.
start_agent "${policy[@]}"
container five
pause "$agent"
started=("$agent")
for n in 1 2 3 4 5; do
	start "$n" --replace
done
until_true waiting 5
kill -CONT "$agent"
until_true only_left
ok $? "of five that take one agent's place at once one is left"
until_true has_winner
ended=()
for pid in "${started[@]}"; do
	[ "$pid" = "$winner" ] || ended+=("$pid")
done
is "${#ended[@]}" 5 "which listens"
wait_for "${ended[@]}"
is "$statuses" "0 0 0 0 0" "all others have ended as who is replaced"
is "$(cat "$work/agent.err" "$work"/start-*)" "" "nothing is complained of"
loses_nothing five "five turns"
is "$(audited 'select(.container == "five" and .type == "container") | .event' | xargs)" \
	"begin$(printf ' hand-over resume%.0s' 1 2 3 4 5) end" "each of the five has served it"
agent=$winner

# The first of two hangs up in the middle: the second has its turn.
container second
pause "$agent"
python3 - "$socket" >"$work/first" <<'EOF' &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
s.connect(sys.argv[1])
s.sendall(b'{"pointsman":"hand-over"}')
s.recv(1)
EOF
first=$!
until_true waiting 1
started=("$agent")
start second --replace
until_true waiting 2
kill -CONT "$agent"
wait_for "$first" "$agent"
is "$statuses" "0 0" "one asks and goes, and then the agent is replaced"
agent=${started[1]}
is "$(cat "$work/start-second")" "" "by who has asked after that one"
loses_nothing second "the second"

# Told to end, the agent finds behind somebody else one who takes its place.
container told
pause "$agent"
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])' "$socket"
until_true waiting 1
started=("$agent")
start told --replace
until_true waiting 2
kill "$agent"
kill -CONT "$agent"
wait_for "$agent"
is "$statuses" 0 "an agent is told to end while another one waits"
agent=${started[1]}
until_true listens
is "$(cat "$work/start-told")" "" "which takes its place"
loses_nothing told "told to end"

# One is told to end when it has just taken everything.
container early
old=$agent
traced listen:delay_enter=1000000 --replace
wait_for "$old"
is "$statuses" 0 "an agent has handed over"
started=()
start early --replace
until_true waiting 1
kill "$pid"
wait_for "$tracer"
is "$statuses" 0 "who has it is told to end at once, and ends as any agent"
agent=${started[0]}
is "$(cat "$work/traced" "$work/start-early")" "" "after it has handed over to who waits"
loses_nothing early "told at once"

# The agent dies, and who waits finds nobody.
pause "$agent"
started=()
start dies --replace
until_true waiting 1
kill -9 "$agent"
wait_for "$agent"
is "$statuses" 137 "an agent dies while another one waits for its answer"
agent=${started[0]}
until_true has_winner 2>/dev/null
container anew
is "$winner $(cat "$work/start-dies")" "$agent " "which then listens itself"
loses_nothing anew "anew"

# The agent has sent everything and dies before it hears that it is taken.
container all
traced sendto:delay_enter=3000000:when=2 --replace
until_true has_listeners "$pid" 1
kill -9 "$agent"
wait_for "$agent"
is "$statuses" 137 "an agent dies when it has sent everything"
agent=$pid
until_true has_listeners "$pid" 1
loses_nothing all "everything sent"
is "$(cat "$work/traced")" "pointsman: agent: the agent at '$socket' has died while it handed over: what it had sent by then is served" \
	"the new one says so"
stop_agent
wait "$tracer"

# The same, and who takes it looks only when the agent is gone.
cat >"$work/gone.py" <<'EOF'
import os, signal, socket, struct, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
s.bind(sys.argv[1])
s.listen()
c = s.accept()[0]
c.recv(100)
pid = struct.unpack('3i', c.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
os.kill(pid, signal.SIGSTOP)
while 'State:\tT' not in open(f'/proc/{pid}/status').read():
    pass
for text, fds in (b'socket', [s.fileno()]), (b'end', []):
    socket.send_fds(c, [struct.pack('I', len(text)) + text], fds)
EOF
rm "$socket"
python3 "$work/gone.py" "$socket" &
old=$!
until_true listens
started=()
start gone --replace
wait_for "$old"
kill -CONT "${started[0]}"
until_true has_winner
is "$winner $(cat "$work/start-gone")" \
	"${started[0]} pointsman: agent: the agent at '$socket' has died while it handed over: what it had sent by then is served" \
	"who reads it only after the death serves, too"
kill "${started[0]}"
wait_for "${started[0]}"

# Who is late takes nothing from an agent that lives, though the one it connected to is dead.
start_agent "${policy[@]}"
container late
pause "$agent"
started=("$agent")
start lives --replace
until_true waiting 1
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])' "$socket"
until_true waiting 2
traced sendto:delay_enter=6000000:when=2 --replace
until_true waiting 3
kill -CONT "$agent"
wait_for "$agent"
agent=${started[1]}
wait_for "$tracer"
is "$statuses $(cat "$work/traced")" \
	"125 pointsman: agent: cannot take the place of the agent at '$socket': it has hung up; what it serves stays with it" \
	"one that says too late that it has everything does not serve"
is "$(cat "$work/start-lives")" "pointsman: agent: who asked to take this agent's place has gone; it goes on" \
	"the agent says that it goes on"
is "$(listener)" "$agent" "and listens"
loses_nothing late "late"
stop_agent

# It dies in the middle: the socket and a listener were sent, and the other one was not.
traced sendmsg:delay_enter=3000000:when=3
until_true listens
container half-1
container half-2
started=()
start half --replace
until_true has_listeners "${started[0]}" 1
kill -9 "$pid"
wait "$tracer" 2>/dev/null
agent=${started[0]}
goes_on half-2
until_true goes_on half-2
ok $? "an agent dies in the middle: what it has sent is served"
is "$(cat "$work/start-half")" "pointsman: agent: the agent at '$socket' has died while it handed over: what it had sent by then is served" \
	"the new one says so"
until_true has_winner
is "$winner" "$agent" "and listens"
stop_container half-1
[[ $out = *": Function not implemented"* ]]
ok $? "what it had not sent has no listener any more"
stop_container half-2
is "$out" "opening
$opens opens" "the other one loses no call"
stop_agent
is $? 0 "and the agent ends when it is told to"
done_testing
