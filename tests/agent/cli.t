#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What is said where the agent, or a profile, is asked for what cannot be
. "$(dirname "$0")/agent.sh"
need python3 setpriv

good=$work/good.yaml
printf 'version: 1\nrules:\n  - {class: open-read, path: /x, redirect: {path: /y}}\n' >"$good"

# refuses MESSAGE ARGUMENT...: one line on standard error, status 125
refuses()
{
	local message=$1 said
	shift
	said=$("$PM" "$@" 2>&1 >/dev/null </dev/null)
	is "$? $said" "125 pointsman: $message" "$*"
}

refuses "agent: no --policy given; see 'pointsman help agent'" agent --socket "$socket"
refuses "agent: --policy: '$good' is not NAME=FILE" agent --policy "$good"
refuses "agent: --policy: '=$good' is not NAME=FILE" agent --policy "=$good"
refuses "agent: --policy: 'x=' is not NAME=FILE" agent --policy x=
refuses "agent: /none: cannot be read: No such file or directory" agent --policy x=/none
echo 'version: 2' >"$work/bad.yaml"
refuses "agent: $work/bad.yaml:1:10: version: '2', expected 1" \
	agent --policy "x=$work/bad.yaml"
refuses "agent: no --socket given, and none from a service manager; see 'pointsman help agent'" \
	agent --policy "x=$good"
refuses "agent: --socket: '' is no path" agent --socket "" --policy "x=$good"
long=/tmp/$(printf 'x%.0s' {1..120})
refuses "agent: --socket: '$long' is longer than a socket's path may be" \
	agent --socket "$long" --policy "x=$good"
refuses "agent: cannot listen at '/none/socket': No such file or directory" \
	agent --socket /none/socket --policy "x=$good"
refuses "agent: cannot listen at '$good': Socket operation on non-socket" \
	agent --socket "$good" --policy "x=$good"
refuses "agent: --audit-decided needs --audit" \
	agent --socket "$socket" --policy "x=$good" --audit-decided
refuses "agent: --audit: cannot open '/none/audit': No such file or directory" \
	agent --socket "$socket" --policy "x=$good" --audit /none/audit
refuses "agent: cannot write to the audit: No space left on device" \
	agent --socket "$socket" --policy "x=$good" --audit /dev/full
refuses "agent: --replace needs --socket" agent --policy "x=$good" --replace
refuses "agent: bad option '--nonsense'; see 'pointsman help agent'" agent --nonsense
refuses "agent: option '--socket' needs an argument" agent --socket
refuses "agent: takes no argument, not 'more'" agent --policy "x=$good" more
is "$("$PM" help agent | head -n 1)" \
	"Usage: pointsman agent --socket PATH --policy NAME=FILE [OPTIONS]" "help agent"

# What a service manager hands over: the descriptors from 3 on.  handed N ARGUMENT...
handed()
{
	local fds=$1
	shift
	# shellcheck disable=SC2016
	LISTEN_FDS=$fds sh -c 'LISTEN_PID=$$ exec "$@"' sh "$PM" agent --policy "x=$good" "$@" 2>&1 </dev/null
}
sockets=$(dirname "$0")/sockets.py
none="no --socket given, and none from a service manager; see 'pointsman help agent'"
is "$(LISTEN_FDS=1 LISTEN_PID=1 "$PM" agent --policy "x=$good" 2>&1)" "pointsman: agent: $none" \
	"descriptors that are for another process"
is "$(handed 1x)" "pointsman: agent: LISTEN_FDS: '1x' is no number of descriptors" "no number of descriptors"
is "$(handed 1 3>&-)" "pointsman: agent: descriptor 3 of the service manager is not there" \
	"a descriptor that is not there"
is "$(LISTEN_FDNAMES=null handed 1 3</dev/null)" "pointsman: agent: what the service manager hands over as 'null' is of no use; it is closed
pointsman: agent: $none" "a descriptor that is no socket"
for kind in inet datagram; do
	is "$(python3 "$sockets" "$kind" -- "$PM" agent --policy "x=$good" 2>&1)" \
		"pointsman: agent: what the service manager hands over as '$kind' is of no use; it is closed
pointsman: agent: $none" "a socket of another kind: $kind"
done
is "$(python3 "$sockets" unix -- "$PM" agent --policy "x=$good" --socket "$socket" 2>&1)" \
	"pointsman: agent: --socket given, and a socket from a service manager" "a socket of both"
coproc two { exec python3 "$sockets" unix other -- "$PM" agent --policy "x=$good" 2>&1; }
two_pid=$!
read -r -t 30 -u "${two[0]}" line
is "$line" "pointsman: agent: the service manager hands over a second socket, 'other'; it is closed" \
	"a second socket"
takes_signals()
{
	[ -n "$(find "/proc/$two_pid/fd" -lname '*signalfd*')" ]
}
until_true takes_signals
kill "$two_pid"
wait "$two_pid"
is $? 0 "the first one is served"

cp "$PM" "$work/pointsman"
chmod 755 "$work"
is "$(setpriv --reuid 65534 --regid 65534 --clear-groups "$work/pointsman" agent \
	--socket "$work/none" --policy "x=$good" 2>&1)" \
	"pointsman: agent: only root can serve containers: Operation not permitted" "somebody else than root"

start_agent --policy "x=$good"
refuses "agent: process $agent listens at '$socket'; --replace takes an agent's place" \
	agent --socket "$socket" --policy "x=$good"

# sends WHAT TEXT [fd|listener]: a runtime sends this; what the agent says of it is WHAT
sends()
{
	local before
	before=$(wc -l <"$work/agent.err")
	python3 "$(dirname "$0")/send.py" "$socket" "${@:2}"
	is "$(tail -n "+$((before + 1))" "$work/agent.err")" "pointsman: agent: $1" "$1"
}

bad="a container process state is refused"
sends "a runtime's message cannot be read: Invalid argument" 'not JSON'
sends "a runtime's message cannot be read: Protocol error" '{"half":'
sends "a runtime's message cannot be read: Message too long" 'LONG{'
sends "$bad: it is no JSON object" '[]'
sends "$bad: it has no state" '{"pid":1}'
sends "$bad: its state has no id" '{"pid":1,"state":{}}'
sends "$bad: it has no pid" '{"state":{"id":"a"}}'
sends "$bad: it has no pid" '{"state":{"id":"a"},"pid":-1}'
sends "container a: its state has no pid, and no container of this id is served" \
	'{"state":{"id":"a"},"pid":0,"fds":["seccompFd"]}' listener
sends "$bad: it brings no descriptor called seccompFd" '{"state":{"id":"a"},"pid":1}' fd
sends "$bad: its seccompFd is no listener of seccomp" \
	'{"state":{"id":"a"},"pid":1,"fds":["seccompFd"]}' fd

# With several descriptors the listener is the one of that name.
in_it='"metadata":"none","state":{"id":"a"},"pid":PID'
none="container a: its profile in '/config.json' cannot be read: No such file or directory"
sends "$none" "{$in_it,\"fds\":[\"other\",\"seccompFd\"]}" fd listener
sends "$none" "{$in_it,\"fds\":[null,[],\"seccompFd\",\"seccompFd\"]}" fd fd listener fd
sends "$bad: its seccompFd is no listener of seccomp" "{$in_it,\"fds\":[\"seccompFd\",\"other\"]}" fd listener
sends "$bad: it brings no descriptor called seccompFd" "{$in_it,\"fds\":[\"other\",\"seccompFd\"]}" listener
sends "$bad: it brings no descriptor called seccompFd" "{$in_it,\"fds\":\"seccompFd\"}" listener
# shellcheck disable=SC2046
sends "a runtime's message cannot be read: Message too long" "{$in_it,\"fds\":[\"seccompFd\"]}" \
	listener $(printf 'fd %.0s' {1..16})
sends "$bad: it has no state" '{"pid":1,"state":null}'
# What only agents say counts from agents only.
sends "$none" "{\"metadata\":\"none\",\"state\":{\"id\":\"a\",\"status\":null},\"pid\":PID,\"fds\":[\"seccompFd\"],\"pointsman\":{\"profile\":\"{}\"}}" listener

# Without a policy of that name nothing is let through.
bundle unnamed y "$good" -- 'cat /etc/passwd'
contained crun unnamed
is "$out" "cat: can't open '/etc/passwd': Function not implemented" \
	"a container under a policy that is not there opens nothing"
is "$(tail -n 1 "$work/agent.err")" \
	"pointsman: agent: container unnamed: no policy is called 'y'" "the agent says why"
edit='del(.linux.seccomp.listenerMetadata)' bundle nothing x "$good" -- 'cat /etc/passwd'
contained crun nothing
is "$(tail -n 1 "$work/agent.err")" \
	"pointsman: agent: container nothing: no listenerMetadata says which policy" \
	"nor does one without metadata"
stop_agent
is $? 0 "the agent is still there"

# A profile that would hang the container, or say nothing.
rule()
{
	printf 'version: 1\nrules:\n  - {%s}\n' "$1" >"$work/rule.yaml"
}
profile=(oci-profile --policy "$work/rule.yaml" --listener /run/agent)
never="wants to see"
rule 'syscall: write, deny: EPERM'
refuses "oci-profile: $work/rule.yaml: $never write, and the container would never start: runtimes tell of the listener with it" \
	"${profile[@]}"
rule 'class: send, deny: EPERM'
said=$("$PM" "${profile[@]}" 2>&1)
is "$? $said" "125 pointsman: oci-profile: $work/rule.yaml: $never sendto, and the container would never start: runtimes hand the listener over with it
pointsman: oci-profile: $work/rule.yaml: $never sendmsg, and the container would never start: runtimes hand the listener over with it" \
	"both calls that send"
rule 'syscall: close, deny: EPERM'
refuses "oci-profile: $work/rule.yaml: $never close, and the container would never start: runtimes let go of the listener with it" \
	"${profile[@]}"
rule 'syscall: futex, deny: EPERM'
refuses "oci-profile: $work/rule.yaml: $never futex, and the container would never start: the scheduler of Go calls it in runc at any time" \
	"${profile[@]}"
printf 'version: 1\n' >"$work/rule.yaml"
refuses "oci-profile: no policy wants to see any call" "${profile[@]}"
refuses "oci-profile: no --policy given; see 'pointsman help oci-profile'" oci-profile
refuses "oci-profile: no --listener given; see 'pointsman help oci-profile'" \
	oci-profile --policy "$good"
refuses "oci-profile: --listener: 'run/agent' is not absolute" \
	oci-profile --policy "$good" --listener run/agent
refuses "oci-profile: /none: cannot be read: No such file or directory" \
	oci-profile --policy /none --listener /run/agent
refuses "oci-profile: option '--policy' needs an argument" oci-profile --policy
refuses "oci-profile: bad option '-x'; see 'pointsman help oci-profile'" oci-profile -x
refuses "oci-profile: takes no argument, not 'more'" oci-profile more
is "$("$PM" help oci-profile | head -n 1)" \
	"Usage: pointsman oci-profile --policy FILE --listener PATH [OPTIONS]" "help oci-profile"

# Connections only: of what sends, what would connect.
rule 'class: connect, address: "*:80", deny: EPERM'
is "$("$PM" "${profile[@]}" 2>/dev/null | jq -c '.syscalls[] | select(.names[0] == "sendmsg")')" \
	'{"names":["sendmsg"],"action":"SCMP_ACT_ALLOW","args":[{"index":2,"value":536870912,"valueTwo":0,"op":"SCMP_CMP_MASKED_EQ"}]}
{"names":["sendmsg"],"action":"SCMP_ACT_NOTIFY","args":[{"index":2,"value":536870912,"valueTwo":536870912,"op":"SCMP_CMP_MASKED_EQ"}]}' \
	"of what sends only what connects is sent to the agent"
rule 'class: open-read, path: /x, deny: EPERM'
is "$("$PM" "${profile[@]}" 2>/dev/null | jq -c '[.defaultAction, .defaultErrnoRet, .architectures] +
	[.syscalls[] | select(.action == "SCMP_ACT_ERRNO") | .names[0], .errnoRet]')" \
	'["SCMP_ACT_ERRNO",38,["SCMP_ARCH_X86_64"],"open_by_handle_at",1,"io_uring_setup",38]' \
	"what is not known, and what leads around a policy, is refused"
done_testing
