#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A thread that makes calls again and again at which it stops, or waits for an answer, is kept
# on the supervisor's processor, and nothing that it or another one asks tells of that.
# shellcheck source=tests/behaviour/ptrace.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/behaviour/ptrace.sh"

placed=$helpers/placed
PLACED_BEFORE=$(nproc)
export PLACED_BEFORE
[ "$PLACED_BEFORE" -gt 1 ] || skip_all 'kernel: there is only one processor'

told()
{
	local what

	for what in self children threads executed watched sets; do
		both "what it is told of its processors, $1: $what" "$placed" "$what"
	done
	if [ "$(id -u)" = 0 ]; then
		chmod 0755 "$TMPDIR"
		both "what it is told as another user, $1" "$placed" user
	else
		skip "what it is told as another user, $1" 'kernel: no root, who may become another user'
	fi
}

allowed()
{
	sed -n 's/^Cpus_allowed:[\t]*//p' "/proc/$1/status"
}

# seen OPERATOR: within ten seconds
seen()
{
	local end=$((SECONDS + 10))
	until [ "$(allowed "$tid")" "$1" "$(allowed $$)" ]; do
		[ $SECONDS -lt $end ] || return 1
	done
}

# From outside it is seen, and seen to end.
shown()
{
	local line pid

	rm -f "$TMPDIR/enough"
	coproc supervised "$placed" works "$TMPDIR/enough"
	read -r tid <&"${COPROC[0]}"
	seen !=
	ok $? "$1: it is placed"
	: >"$TMPDIR/enough"
	read -r line <&"${COPROC[0]}"
	is "$line" rests "$1: it works no more"
	seen =
	ok $? "$1: and is let go, though nothing comes"
	pid=$COPROC_PID
	echo >&"${COPROC[1]}"
	wait "$pid"
	is $? 0 "$1: and ends"
}

for how in answered stopped; do
	# Where programs may have listeners of their own all calls stop.
	[ $how = answered ] || options=(--own-listeners)
	told $how
	[ "$backend" != ptrace ] || shown $how
done

done_testing
