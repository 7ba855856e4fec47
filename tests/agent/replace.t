#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Who listens does not hand over: nobody waits for ever, and what is served goes on.
. "$(dirname "$0")/agent.sh"
need jq python3 timeout

redirects one /srv/file
policy=(--policy "one=$work/one.yaml")

# container ID: one that opens files all the time
container()
{
	bundle "$1" one "$work/one.yaml" -- 'inside forever /data/file /tmp/stop'
	in_background crun "$1"
	until_true says "$1" opening
}
# has_ended ID WHAT
has_ended()
{
	touch "$work/bundles/$1/root/tmp/stop"
	ended "$1"
	is "$? $out" "0 opening
many rounds" "$2"
}

# stopped PID: are all threads of it?
stopped()
{
	! grep -h '^State:' "/proc/$1/task"/*/status | grep -vq $'\tT '
}

# An agent that does nothing any more; and one of which a process that serves does nothing.
start_agent "${policy[@]}"
container still
asleep=$agent
kill -STOP "$asleep"
first=$socket
socket=$socket-2
start_agent "${policy[@]}"
container held
held=$(cat "/proc/$agent/task/$agent/children")
container free
# A call that is being answered when its supervisor is stopped returns 0 on some kernels
# (agent.md): none is.
opens=$(in_crun state held | jq .pid)
kill -STOP "$opens"
until_true stopped "$opens"
kill -STOP "$held"
until_true stopped "$held"
kill -CONT "$opens"

# And others, who are none.  takes_over NAME SOCKET: what becomes of that
peers=$(mktemp -d /tmp/pm-peers-XXXXXX)
coproc peers_of { exec python3 "$(dirname "$0")/peers.py" "$peers"; }
read -r -t 30 -u "${peers_of[0]}" line
is "$line" listening "others listen"
exec 9>&"${peers_of[1]}"
declare -A waiting=()
takes_over()
{
	(
		began=$SECONDS
		said=$("$PM" agent --socket "$2" --replace "${policy[@]}" 2>&1)
		echo "$? ${said#*"'$2': "}" >"$work/peer-$1"
		echo "$((SECONDS - began))" >"$work/time-$1"
	) 9>&- &
	waiting[$1]=$!
}
takes_over asleep "$first"
takes_over held "$socket"
for peer in silent length text full junk unlike other hangs-up; do
	takes_over "$peer" "$peers/$peer"
done

for peer in junk unlike other; do
	wait "${waiting[$peer]}"
	is "$(cat "$work/peer-$peer")" "125 who listens there is no agent of pointsman" "no agent: $peer"
done
said=$(timeout 60 "$PM" agent --socket "$peers/full" "${policy[@]}" 2>&1)
is "$? $said" "125 pointsman: agent: somebody listens at '$peers/full'; --replace takes an agent's place" \
	"who listens and accepts nobody is not waited for without --replace"
until_true goes_on still
ok $? "what a stopped agent serves is served while another one waits for it"
until_true goes_on free
ok $? "so is the container beside one that does not come to an end"
wait "${waiting[held]}"
is "$(cat "$work/peer-held")" "125 it goes on, and says why; what it serves stays with it" \
	"which nobody takes over"
is "$(tail -n 1 "$work/agent.err")" "pointsman: agent: a container's process does not come to an end: it is not handed over, and this agent goes on" \
	"and the agent says why"
goes_on free
until_true goes_on free
ok $? "it goes on"
kill -CONT "$held"
goes_on held
until_true goes_on held
ok $? "and so does that one, once it can"
held=$agent
start_agent "${policy[@]}" --replace
wait "$held"
is $? 0 "then the agent can be replaced"
# One that is handed everything, and says too late that it has it.
said=$(python3 - "$socket" <<'EOT'
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
s.connect(sys.argv[1])
s.sendall(b'{"pointsman":"hand-over"}')
while s.recv(65536):
    pass
try:
    s.send(b'taken\0')
except BrokenPipeError:
    print('too late')
EOT
)
is "$said" "too late" "who is handed everything and does not say so is not waited for"
goes_on held
goes_on free
until_true goes_on held && until_true goes_on free
ok $? "and the agent goes on"
# Somebody tells a process that serves to end: it is the agent who says when.
kill "$(cut -d ' ' -f 1 "/proc/$agent/task/$agent/children")"
goes_on held
goes_on free
until_true goes_on held && until_true goes_on free
ok $? "a process that serves and is told to end by a stranger is started again"
has_ended held "no call is lost"
has_ended free "nor of the other one"
stop_agent
is $? 0 "the agent ends when it is told to"
rm "$socket"

for peer in silent length text full asleep hangs-up; do
	wait "${waiting[$peer]}"
	# Who hangs up may be about to die.
	[ "$peer" != hangs-up ] && why="nothing is handed over within 20 seconds; what it serves stays with it: try again, or end who listens there" ||
		why="it has hung up; what it serves stays with it"
	is "$(cat "$work/peer-$peer")" "125 $why" "the wait has an end: $peer"
	[ "$(cat "$work/time-$peer")" -ge 19 ]
	ok $? "and that is when it says: $peer" "$(cat "$work/time-$peer") seconds"
done
exec 9>&-
eval "exec ${peers_of[1]}>&-"
rm -r "$peers"
goes_on still
until_true goes_on still
ok $? "the container of the stopped agent is still served"
agent=$asleep socket=$first
kill -CONT "$agent"
until_true grep -qx "pointsman: agent: who asked to take this agent's place has gone; it goes on" "$work/agent.err"
ok $? "the agent goes on when it is continued, and says why"
goes_on still
until_true goes_on still
has_ended still "no call is lost meanwhile"
kill -9 "$agent"
wait "$agent" 2>/dev/null
agent=

# Many at once, where nobody listens.
started=()
for n in {1..16}; do
	start "$n" --replace
done
until_true only_left
until_true has_winner
kill "$winner"
wrong=0
for pid in "${started[@]}"; do
	wait "$pid" || wrong=$((wrong + 1))
done
is "$wrong $(cat "$work"/start-*)" "0 " "of many that replace each other one is left, and all had their turn"
done_testing
