#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A thousand processes at once and twenty thousand in a run, or four where a part is
# asked for: the supervisor does not grow.
# shellcheck source=tests/behaviour/ptrace.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/behaviour/ptrace.sh"

birth=$helpers/birth
created=$((${PM_RACE_PART:-1} > 1 ? 4000 : 20000))

# What the sanitizers keep of freed memory is no growth of ours.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=0:thread_local_quarantine_size_kb=0

coproc supervised "$birth" many 1000 "$created"
command=$COPROC_PID
exec {answers}>&"${COPROC[1]}"

# phase NAME: wait until the program says so
phase()
{
	local line
	read -r line <&"${COPROC[0]}" || line='nothing'
	is "$line" "$1" "$2"
}

go_on()
{
	echo >&"$answers"
}

# Without what it keeps to know directories by their names, which has a bound of its own.
descriptors()
{
	local fd count=0
	for fd in "/proc/$tracer/fd"/*; do
		case $(readlink "$fd") in
		*fanotify* | */mountinfo) ;;
		*) [ -d "$fd" ] || count=$((count + 1)) ;;
		esac
	done
	echo $count
}

directories()
{
	local fd count=0
	for fd in "/proc/$tracer/fd"/*; do
		[ ! -d "$fd" ] || count=$((count + 1))
	done
	echo $count
}

memory()
{
	sed -n 's/^VmRSS:\s*\([0-9]*\) kB/\1/p' "/proc/$tracer/status"
}

mappings()
{
	wc -l <"/proc/$tracer/maps"
}

read -r line <&"${COPROC[0]}"
is "$line" live '1000 forked processes live at once'
# Any of the program's processes knows it.
for exe in /proc/[0-9]*/exe; do
	[ ! "$exe" -ef "$birth" ] || break
done
pid=${exe#/proc/}
tracer=$(supervisor_of "${pid%/exe}")
is "$(cat "/proc/$tracer/comm")" pointsman 'the supervisor is found'
go_on
phase executed '1000 executed processes live at once'
go_on
phase first 'they end'
descriptors_before=$(descriptors) memory_before=$(memory) mappings_before=$(mappings)
go_on
read -r line <&"${COPROC[0]}"
if [ "$line" = no-namespaces ]; then
	skip 'children are killed before their birth is known' 'kernel: no user namespaces'
else
	is "$line" killed 'children are killed before their birth is known'
fi
go_on
phase live "$created processes later 1000 live at once again"
go_on
phase executed 'as executed ones too'
go_on
phase last 'they end again'
# One that is notified closes those of the dead when it comes to it.
until [ "$(descriptors)" -le "$descriptors_before" ]; do
	read -r -t 0.1 line <&"${COPROC[0]}"
done
is "$(descriptors)" "$descriptors_before" 'the supervisor has as many descriptors as before'
ok $(($(directories) > 70)) 'and not many directories' "$(directories)"
is "$(mappings)" "$mappings_before" 'and as many mappings'
memory_after=$(memory)
[ "$memory_after" -le $((memory_before + 1024)) ]
ok $? 'and does not use more memory' "$memory_before kB before, $memory_after kB after"
go_on
wait "$command"
is $? 0 'the program ends well'

done_testing
