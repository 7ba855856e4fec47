#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Threads and processes are made, executed, stopped and killed under supervision
# as without it.
# shellcheck source=tests/behaviour/ptrace.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/behaviour/ptrace.sh"

life=$helpers/life
birth=$helpers/birth

both 'a thread that is not the leader executes, 60 times' "$life" exec-by-thread 60
both 'threads die in a call and with their process, 200 times' "$life" thread-death 200
both 'a process is killed at any moment, 300 times' "$life" sigkill 300
both 'vfork parents' "$life" vfork
both '1000 threads are in a call at once' "$life" blocked 1000
both 'the death of a parent' "$life" parent-death
both 'a parent sees its child stop and go on' "$life" group-stop
both 'who is killed while it forks leaves nobody behind, 300 times' "$birth" orphans 300
both 'CLONE_PARENT: children of somebody out of sight' "$birth" beside
both 'CLONE_UNTRACED does not lead out' "$birth" untraced

# The death of the supervisor.  On the notify backend it kills who makes a call
# after it: notify/serve.t.
for round in $([ "$backend" = notify ] || echo 1 2 3); do
	coproc supervised "$life" spin
	command=$COPROC_PID
	pids=()
	while read -r line <&"${COPROC[0]}" && [ "$line" != ready ]; do
		pids+=("$line")
	done
	top=$(sed -n 's/^PPid:\s*//p' "/proc/${pids[0]}/status")
	tracer=$(supervisor_of "$top")
	is "${#pids[@]}" 4 "the tree is there, round $round"
	is "$(cat "/proc/$tracer/comm")" pointsman "its tracer is pointsman, round $round"
	"$life" kill-and-watch "$tracer" "$top" "${pids[@]}"
	ok $? "the death of the supervisor kills all of it, round $round"
	wait "$command" 2>/dev/null
	status=$?
	[ "$status" -eq 137 ]
	ok $? "and the command is seen to be killed, round $round" "status $status"
done

done_testing
