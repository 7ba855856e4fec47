#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Many containers, restarts of the agent, and its end
. "$(dirname "$0")/agent.sh"
need python3

redirects one /srv/one
redirects two /srv/two
{
	cat "$work/one.yaml"
	echo '  - {class: connect, address: 10.0.0.0/8, deny: ENETUNREACH}'
} >"$work/waiting.yaml"
policies=(--policy "one=$work/one.yaml" --policy "two=$work/two.yaml"
	--policy "waiting=$work/waiting.yaml")

# container ID POLICY COMMAND: in the background; its output is $work/ID.out
container()
{
	bundle "$1" "$2" "$work/$2.yaml" -- "$3"
	echo one >"$work/bundles/$1/root/srv/one"
	echo two >"$work/bundles/$1/root/srv/two"
	in_background crun "$1"
}

# One that opens files until there is a file /tmp/stop; it prints what went wrong.
opening='inside forever /data/file /tmp/stop'
stop_opening()
{
	touch "$work/bundles/$1/root/tmp/stop"
}


start_agent "${policies[@]}"

container a one 'cat /data/file; until [ -e /tmp/stop ]; do :; done; cat /data/file'
container b two 'cat /data/file; until [ -e /tmp/stop ]; do :; done; cat /data/file'
until_true says a one && until_true says b two
ok $? "two containers at once, each under its own policy"
stop_opening b
ended b
is "$? $out" "0 two
two" "one ends"
stop_opening a
ended a
is "$? $out" "0 one
one" "the other goes on and ends later"

for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
	container "many-$n" $([ $((n % 2)) = 0 ] && echo two || echo one) 'cat /data/file'
done
wrong=0
for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
	ended "many-$n"
	[ "$? $out" = "0 $([ $((n % 2)) = 0 ] && echo two || echo one)" ] || wrong=$((wrong + 1))
done
is "$wrong" 0 "twelve are started at once and end"
no_children()
{
	[ -z "$(cat "/proc/$agent/task/$agent/children")" ]
}
until_true no_children
ok $? "no process of the agent is left of them"
is "$(audited 'select(.type == "container") | .event' | sort | uniq -c | xargs)" "14 begin 14 end" \
	"the audit has the beginning and the end of each"

# A successor takes the place of the agent while containers open files.
container c one "$opening"
container d two "$opening"
until_true says c opening && until_true says d opening
ok $? "two containers that open files all the time"
for turn in 1 2 3; do
	until_true goes_on c && until_true goes_on d
	old=$agent
	start_agent "${policies[@]}" --replace
	wait "$old"
	is $? 0 "the agent ends when another one takes its place ($turn)"
done
stop_opening c
stop_opening d
ended c
is "$? $out" "0 opening
many rounds" "no call is lost when another agent takes the listener"
ended d
is "$? $out" "0 opening
many rounds" "nor of another container"
is "$(audited 'select(.container == "c" and .type == "container") | .event' | xargs)" \
	"begin hand-over resume hand-over resume hand-over resume end" "the audit tells of it"

# Who asked to take over and does not: the agent goes on.
container h one "$opening"
until_true says h opening
python3 - "$socket" <<'EOF'
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
s.connect(sys.argv[1])
s.sendall(b'{"pointsman":"hand-over"}')
s.recv(1)		# it has begun
EOF
goes_on h
until_true goes_on h
ok $? "where who asked is gone, the agent goes on"
is "$(tail -n 1 "$work/agent.err")" \
	"pointsman: agent: who asked to take this agent's place has gone; it goes on" "and says so"
stop_opening h
ended h
is "$? $out" "0 opening
many rounds" "with no call lost"

# A runtime that has said half when another agent, or the end, comes.
sockets()
{
	find "/proc/$1/fd" -lname 'socket:*' 2>/dev/null | wc -l
}
# is_asked AGENT: it has two connections, or has ended
is_asked()
{
	! [ -d "/proc/$1" ] || [ "$(sockets "$1")" -ge "$((listening + 2))" ]
}
half='{"fds":["seccompFd"],"metadata":"one","pid":PID,HALF"state":{"id":"half","bundle":"'$work/bundles/h'"}}'
listening=$(sockets "$agent")
coproc half { exec python3 "$(dirname "$0")/send.py" "$socket" "$half" listener 2>&1; }
half_in=${half[1]} half_out=${half[0]} half_pid=$!
read -r -t 30 -u "$half_out" line
is "$line" half "a runtime has sent the listener, and not yet whose it is"
old=$agent
start_agent "${policies[@]}" --replace
until_true is_asked "$old"
echo >&"$half_in"
wait "$old"
is $? 0 "when another agent takes over, what such a runtime says is waited for"
resumed()
{
	grep -q '"container":"half",.*"event":"resume"' "$work/audit"
}
until_true resumed
eval "exec $half_in>&-"
wait "$half_pid"
ended_half()
{
	grep -q '"container":"half",.*"event":"end"' "$work/audit"
}
until_true ended_half
is "$(audited 'select(.container == "half") | .event' | xargs)" "begin hand-over resume end" \
	"and its container handed over with the others"

# A process that is executed in a running container has a listener of its own.
container i one 'echo started; until [ -e /tmp/stop ]; do :; done'
until_true says i started
is "$(in_crun exec i cat /data/file 2>&1)" one "what is executed in a container is under its policy"
in_crun exec i inside forever /data/file /tmp/last >"$work/exec.out" 2>&1 &
executed=$!
opening()
{
	grep -qx opening "$work/exec.out"
}
until_true opening
old=$agent
start_agent "${policies[@]}" --replace
wait "$old"
touch "$work/bundles/i/root/tmp/last"
wait "$executed"
is "$? $(cat "$work/exec.out")" "0 opening
many rounds" "and stays so when another agent serves it"
stop_opening i
ended i
is "$? $out" "0 started" "and the container ends as before"

# What waits while the agent is restarted goes on to wait for the same.
waits()
{
	[ "$(grep '"call","container":"'"$1"'"' "$work/audit" |
		grep -c '"call":"connect"\|"text":"/tmp/fifo"')" = 3 ]
}
for way in '' --wait-killable user; do
	id=waits${way#--wait} edit=. profile_option=$way
	# What is done for a user namespace is done by a process in it.
	if [ "$way" = user ]; then
		profile_option=
		# shellcheck disable=SC2034
		edit='.linux.namespaces += [{type: "user"}] |
			.linux.uidMappings = [{containerID: 0, hostID: 0, size: 65536}] |
			.linux.gidMappings = .linux.uidMappings'
	fi
	container "$id" waiting 'mkfifo /tmp/fifo; cat /tmp/fifo & inside waits /tmp/s /tmp/stop; wait'
	profile_option=
	until_true waits "$id"
	ok $? "a connection and an opening that wait${way:+ ($way)}"
	old=$agent
	start_agent "${policies[@]}" --replace
	wait "$old"
	stop_opening "$id"
	echo through >"$work/bundles/$id/root/tmp/fifo"
	ended "$id"
	is "$? $(echo "$out" | sort | xargs)" '0 connected through' \
		"they are made when another agent serves them${way:+ ($way)}"
done
edit=.

# A crash of one container's process.
container e one 'echo started; until [ -e /tmp/stop ]; do :; done; cat /data/file'
container f one 'echo started; until [ -e /tmp/stop ]; do :; done; cat /data/file'
until_true says e started && until_true says f started
victim=$(for pid in $(cat "/proc/$agent/task/$agent/children"); do echo "$pid"; done | head -n 1)
first=$(audited 'select(.type == "container" and .event == "begin") | .container' | tail -n 2 |
	head -n 1)
kill -SEGV "$victim"
gone()
{
	! [ -d "/proc/$victim" ]
}
until_true gone
stop_opening e
stop_opening f
ended e; e="$? $out"
ended f; f="$? $out"
other=$([ "$first" = e ] && echo "$f" || echo "$e")
mine=$([ "$first" = e ] && echo "$e" || echo "$f")
is "$other" "0 started
one" "a crash in one container's process leaves the others alone"
is "$mine" "1 started
cat: can't open '/data/file': Function not implemented" \
	"its own container has no listener any more: ENOSYS, where the filter says nothing else"

# A signal that interrupts the handing over of a descriptor has the kernel answer 0, which
# is another file: of a process that serves one thread takes signals, and hands over nothing.
# taking: how many threads of the agent's processes take SIGTERM, and how many do not
taking()
{
	local pid task mask takes=0 others=0
	for pid in $(cat "/proc/$agent/task/$agent/children"); do
		for task in "/proc/$pid"/task/*; do
			mask=$(sed -n 's/^SigBlk:\t//p' "$task/status" 2>/dev/null)
			[ $((16#${mask:-0} >> 14 & 1)) = 1 ] && others=$((others + 1)) || takes=$((takes + 1))
		done
	done
	[ "$takes" = 1 ] && [ "$others" -ge 2 ]
}
container j one "$opening"
until_true says j opening
until_true taking
ok $? "signals are taken by one thread of a process that serves, and no call is interrupted"
stop_opening j
ended j
is "$? $out" "0 opening
many rounds" "and its container goes on"

# The agent dies.
container g one 'echo started; until [ -e /tmp/stop ]; do :; done; cat /data/file'
until_true says g started
children=$(cat "/proc/$agent/task/$agent/children")
kill -9 "$agent"
wait "$agent" 2>/dev/null
agent=
all_gone()
{
	local pid
	for pid in $children; do
		! [ -d "/proc/$pid" ] || return
	done
}
until_true all_gone
ok $? "the agent's processes die with it"
stop_opening g
ended g
is "$? $out" "1 started
cat: can't open '/data/file': Function not implemented" "and the container's calls answer ENOSYS"
done_testing
