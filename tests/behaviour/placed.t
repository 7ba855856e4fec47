#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A thread that stops again and again is kept on the supervisor's processor, and nothing
# that it or another one asks tells of that.
# shellcheck source=tests/behaviour/ptrace.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/behaviour/ptrace.sh"

placed=$helpers/placed
# Only what stops is placed.
options=(--own-listeners)
PLACED_BEFORE=$(nproc)
export PLACED_BEFORE
[ "$PLACED_BEFORE" -gt 1 ] || skip_all 'kernel: there is only one processor'

for what in self children threads executed watched sets; do
	both "what it is told of its processors: $what" "$placed" "$what"
done
if [ "$(id -u)" = 0 ]; then
	chmod 0755 "$TMPDIR"
	both 'what it is told as another user' "$placed" user
else
	skip 'what it is told as another user' 'kernel: no root, who may become another user'
fi

# From outside it is seen, and seen to end.
if [ "$backend" = ptrace ]; then
	coproc supervised "$placed" works "$TMPDIR/enough"
	read -r tid <&"${COPROC[0]}"
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
	seen !=
	ok $? 'it is placed'
	: >"$TMPDIR/enough"
	read -r line <&"${COPROC[0]}"
	is "$line" rests 'it works no more'
	seen =
	ok $? 'and is let go, though nothing stops'
	pid=$COPROC_PID
	echo >&"${COPROC[1]}"
	wait "$pid"
	is $? 0 'and ends'
fi

done_testing
