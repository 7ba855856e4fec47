#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# However it is started, and whatever is sent to its supervisor.
# shellcheck source=tests/behaviour/ptrace.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/behaviour/ptrace.sh"

life=$helpers/life
birth=$helpers/birth

both 'only mediated calls stop' "$life" stops

# Standard descriptors that are closed stay closed, and are not taken for others.
for closed in '<&-' '>&-' '2>&-' '<&- >&-' '>&- 2>&-' '<&- >&- 2>&-'; do
	script="ls /proc/self/fd >$TMPDIR/seen; cat $CHECK_FROM $CHECK_DENIED; exit 3"
	eval "sh -c '$script' $closed" >/dev/null 2>&1
	without=$?
	mv seen expected
	CHECK_EXPECT=to
	eval "\"$PM\" run --policy \"$policy\" --audit $TMPDIR/audit -- sh -c '$script' $closed" >/dev/null 2>&1
	with=$?
	is "$with $(xargs <seen)" "$without $(xargs <expected)" "started with $closed"
	tail -n 1 audit | grep -q '^{.*}$'
	ok $? 'and its audit is whole' "$(tail -n 1 audit)"
	rm -f audit
done

# A limit that would make every call fail is left, or said.
out=$(
	ulimit -f 100
	"$PM" run --policy "$policy" -- cat "$CHECK_FROM" 2>&1
)
status=$?
if ((0x$(sed -n 's/^CapEff:\s*//p' /proc/self/status) >> 24 & 1)); then
	is "$status $out" '0 to' 'the supervisor leaves the limit on the size of files'
else
	is "$status $out" '125 pointsman: cannot make memory for arguments: File too large' \
		'a limit on the size of files'
fi

out=$(nohup "$PM" run --policy "$policy" -- sh -c 'kill -HUP $$; cat "$CHECK_FROM"' 2>/dev/null)
is "$out" to 'under nohup a hang-up is ignored'

out=$("$birth" subreaper "$PM" run --policy "$policy" -- env CHECK_EXPECT=to "$birth" no-children 2>&1)
ok $? 'a subreaper finds no child that it did not make' "$out"

# pins: how many mappings of them the program has when it says that it comes to this
pins()
{
	local line
	read -r line <&"$lines"
	is "$line" "$1" "$1 of its children"
	pins=$(grep -c memfd:pointsman "/proc/$pid/maps")
	echo >&"$answers"
}

# Who makes children that need pins has them for all of them.
coproc sh -c 'echo $$; exec "$@"' sh env CHECK_EXPECT=to "$PM" run --policy "$policy" -- "$birth" forks
command=$COPROC_PID
exec {answers}>&"${COPROC[1]}" {lines}<&"${COPROC[0]}"
read -r pid <&"$lines"
pins none
before=$pins
pins one
is "$pins" "$before" 'one child needs no pins of its parent'
pins two
[ "${PM_BACKEND:-ptrace}" = notify ] || is "$pins" 1 'the second has it make them'
pins four
wait "$command"
is "$?" 0 'they have them'

# What is sent to all processes is not for the supervisor.
coproc CHECK_EXPECT=to supervised sh -c 'echo $$; read -r line; cat "$CHECK_FROM"; exit 7'
command=$COPROC_PID
exec {answers}>&"${COPROC[1]}" {lines}<&"${COPROC[0]}"
read -r pid <&"$lines"
tracer=$(supervisor_of "$pid")
is "$(cat "/proc/$tracer/comm")" pointsman 'the supervisor is found'
for signal in HUP INT QUIT ALRM TERM USR1 USR2 VTALRM PROF IO TSTP TTIN TTOU CONT; do
	kill -s "$signal" "$tracer"
done
echo go >&"$answers"
read -r line <&"$lines"
is "$line" to 'signals that can be ignored do not end the supervisor'
wait "$command"
is $? 7 'and the program ends as it wants to'

# Inside a container whose filters have a listener.
listen=$helpers/listen
container=(env CHECK_EXPECT=to "$listen")
hidden=("${container[@]}" "$PM_BUILD/tests/without/without" listener=1 --)
in_it=("$PM" run --policy "$policy" -- "$life" mediated)
if [ "$backend" = notify ]; then
	# One listener is all that the kernel allows where nobody has opted in to more.
	no='125:pointsman: the notify backend does not work here: no listener can be installed'
	out=$("${container[@]}" "${in_it[@]}" 2>&1)
	is "$?:$out" "$no: another one is around this process" 'a listener around it is said to be in the way'
	out=$("${hidden[@]}" "${in_it[@]}" 2>&1)
	is "$?:$out" "$no: Operation not permitted" 'and so is a profile that lets nobody try'
	# By itself it takes the other backend there.
	in_it[0]=$PM_BUILD/pointsman
fi
out=$("${container[@]}" "${in_it[@]}" 2>&1)
ok $? 'a listener around it does not take its calls' "$out"
out=$("${hidden[@]}" "${in_it[@]}" 2>&1)
ok $? 'nor where it may not be tried whether one is there' "$out"
out=$("$listen" sh -c 'cat "$CHECK_FROM"' 2>&1)
is "$out" from 'while that one lets all go on'

# A stop of the whole group while it starts ends when the group goes on.
starts=$((${PM_RACE_PART:-1} > 1 ? 10 : 100))
out=$(python3 - "$PM" $starts <<'EOF' 2>&1
import os, signal, subprocess, sys, time

LIMIT = 20 * float(os.environ.get('PM_TIME_SCALE', '1'))
for start in range(int(sys.argv[2])):
    child = subprocess.Popen([sys.argv[1], 'run', '--deny', '/none/such', '--', 'true'], process_group=0)
    end = time.monotonic() + 0.03
    while time.monotonic() < end and child.poll() is None:
        os.killpg(child.pid, signal.SIGSTOP)
        os.killpg(child.pid, signal.SIGCONT)
    try:
        status = child.wait(LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        sys.exit(f'start {start} has not come to an end')
    if status:
        sys.exit(f'start {start}: status {status}')
EOF
)
ok $? "$starts starts under stops of the whole group" "$out"

done_testing
