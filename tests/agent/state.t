#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What an agent knows of a container is known to the next one, too
. "$(dirname "$0")/agent.sh"
need strace timeout

redirects one /srv/file
cat >>"$work/one.yaml" <<'EOT'
  - syscall: getpgid
    redirect: {syscall: unshare}
EOT
policies=(--policy "one=$work/one.yaml")

# container RUNTIME ID COMMAND: in the background; its output is $work/ID.out
container()
{
	edit="$usual | $engines" refused='["unshare"]' bundle "$2" one "$work/one.yaml" -- "$3"
	in_background "$1" "$2"
}
# left ID TEXT: has what was executed in it printed a line of this?
left()
{
	grep -qsx "$2" "$work/bundles/$1/root/tmp/left"
}
succeed()
{
	local old=$agent
	start_agent "${policies[@]}" --replace
	wait "$old"
}

start_agent "${policies[@]}"
for runtime in crun runc; do
	runs "$runtime" || continue
	id=$runtime
	container "$runtime" "$id" 'echo started; until [ -e /tmp/stop ]; do sleep 0.1; done
		cat /data/file; inside call 121 0x4000000'
	until_true says "$id" started
	# Its first process ends, and leaves one under its listener.
	in_"$runtime" exec "$id" sh -c 'inside forever /data/file /tmp/last >/tmp/left 2>&1 &'
	until_true left "$id" opening
	# The next container's, say.
	jq '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW"}' \
		"$work/bundles/$id/config.json" >"$work/other"
	mv "$work/other" "$work/bundles/$id/config.json"
	is "$(in_"$runtime" exec "$id" inside call 121 0x4000000)" "Operation not permitted" \
		"$runtime: what is executed in a container has the profile of that"
	succeed
	until_true goes_on "$id"
	is "$(in_"$runtime" exec "$id" inside call 121 0x4000000)" "Operation not permitted" \
		"$runtime: also under another agent"
	rm "$work/bundles/$id/config.json"
	succeed
	touch "$work/bundles/$id/root/tmp/last"
	until_true left "$id" 'many rounds'
	is "$(cat "$work/bundles/$id/root/tmp/left")" "opening
many rounds" "$runtime: a process whose parent has ended loses no call when another agent takes over"
	touch "$work/bundles/$id/root/tmp/stop"
	ended "$id"
	is "$? $out" "0 started
replaced
Operation not permitted" "$runtime: a container keeps the profile that it began with, whatever becomes of config.json"
done
is "$(cat "$work/agent.err")" "" "nothing is complained of"

# Two of the same id, of two directories of a runtime: crun does not say in which one it
# executes something.
container crun twin 'echo started; until [ -e /tmp/stop ]; do sleep 0.1; done'
until_true says twin started
cp -a "$work/bundles/twin" "$work/bundles/other"
rm -f "$work/bundles/other/root/tmp/stop"
in_other()
{
	(work=$work/of-other; mkdir -p "$work/run"; in_crun "$@")
}
in_other run -b "$work/bundles/other" twin >"$work/other.out" 2>&1 </dev/null &
other=$!
until_true says other started
said=$(in_crun exec twin cat /data/file 2>&1)
is "${said##*: }" "Function not implemented" \
	"what is executed in one of two containers of one id is not taken for the other's"
is "$(tail -n 1 "$work/agent.err")" "pointsman: agent: container twin: its state has no pid, and two containers of this id are served" \
	"and the agent says why"
touch "$work/bundles/twin/root/tmp/stop" "$work/bundles/other/root/tmp/stop"
ended twin
is "$? $out" "0 started" "one ends"
wait "$other"
is "$? $(cat "$work/other.out")" "0 started" "and so does the other"

# One that does not know the policy of a container is not let take over.
container crun stays 'inside forever /data/file /tmp/stop'
until_true says stays opening
said=$("$PM" agent --socket "$socket" --replace --policy "two=$work/one.yaml" 2>&1)
is "$? $said" "125 pointsman: agent: container stays: no policy is called 'one'
pointsman: agent: cannot take the place of the agent at '$socket': Invalid argument" \
	"an agent without the policy of a container does not take over"
said=$(timeout 30 "$PM" agent --socket "$socket" "${policies[@]}" 2>&1)
is "$? $said" "125 pointsman: agent: process $agent listens at '$socket'; --replace takes an agent's place" \
	"nor is it taken for the one that listens"
goes_on stays
until_true goes_on stays
touch "$work/bundles/stays/root/tmp/stop"
ended stays
is "$? $out" "0 opening
many rounds" "the container loses no call by that"
stop_agent
is $? 0 "the agent ends when it is told to"

# With few descriptors what is allowed is taken, and who finds none waits.
# limited OPTION: an agent with a limit of 24, and 14 of them open for nothing; those that
# serve close these
limited()
{
	(
		ulimit "$1" 24
		for fd in {10..23}; do
			eval "exec $fd</dev/null"
		done
		exec "$PM" agent --socket "$socket" --audit "$work/audit" "${policies[@]}"
	) 2>>"$work/agent.err" &
	agent=$!
	until_true listens
}
# served N: so many of the six have been answered
served()
{
	[ "$(cat "$work"/few-*.out | grep -cx replaced)" -ge "$1" ]
}
for limit in -Sn -n; do
	: >"$work/agent.err"
	limited "$limit"
	rm -f "$work"/few-*
	for n in 1 2 3 4 5 6; do
		container crun "few-$n" 'cat /data/file; until [ -e /tmp/stop ]; do sleep 0.1; done'
	done
	if [ "$limit" = -Sn ]; then
		until_true served 6
		ok $? "six containers with a soft limit of descriptors"
		is "$(cat "$work/agent.err")" "" "nothing is complained of"
	else
		until_true grep -qx "pointsman: agent: too many descriptors are open: runtimes wait until a container has ended" \
			"$work/agent.err"
		ok $? "with a hard one the agent says that runtimes have to wait"
		until_true served 1
	fi
	touch "$work"/bundles/few-{1,2,3,4,5,6}/root/tmp/stop
	wrong=0
	for n in 1 2 3 4 5 6; do
		ended "few-$n"
		[ "$? $out" = "0 replaced" ] || wrong=$((wrong + 1))
	done
	is "$wrong" 0 "all are served in the end ($limit)"
	rm -f "$work"/bundles/few-{1,2,3,4,5,6}/root/tmp/stop
	stop_agent
done

# The agent dies before a process that it has made looks whose it is.
strace -f -qq -o /dev/null -e trace=close_range -e inject=close_range:delay_enter=1000000 \
	"$PM" agent --socket "$socket" --audit "$work/audit" "${policies[@]}" 2>>"$work/agent.err" &
tracer=$!
until_true listens
agent=$(cat "/proc/$tracer/task/$tracer/children")
agent=${agent%% *}
container crun orphan 'cat /data/file'
has_child()
{
	[ -n "$(cat "/proc/$agent/task/$agent/children")" ]
}
until_true has_child
kill -9 "$agent"
agent=
ended orphan
is "$? $out" "1 cat: can't open '/data/file': Function not implemented" \
	"a process of an agent that dies at once dies, too"
wait "$tracer"
done_testing
