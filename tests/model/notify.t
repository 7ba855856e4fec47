#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The protocol of a notification (model/notify.pml), gone through to the end by spin; and
# each fault that can be planted in it is found.
#
# PM_SOAK=1: with any two signals, deaths and faults, not only one.
# shellcheck source=tests/harness/tap.sh
. "${PM_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/harness/tap.sh"

need spin gcc
model=$PM_SRC/model/notify.pml

# search NAME [-DWHAT...]: what pan says is in $TMPDIR/NAME
search()
{
	local name=$1

	shift
	mkdir -p "$TMPDIR/$name.d"
	(
		cd "$TMPDIR/$name.d" || exit
		spin -a "$@" "$model" || exit
		gcc "$optimize" -w -DSAFETY ${PM_SOAK:+-DCOLLAPSE -DMEMLIM=9000} -o pan pan.c || exit
		./pan -m100000
	) >"$TMPDIR/$name" 2>&1
	rm -rf "$TMPDIR/$name.d"
}

# sound WHAT [-DWHAT...]: gone through to the end, and nothing is wrong
sound()
{
	local what=$1 states

	shift
	search sound "$@"
	states=$(awk '/states, stored/ { print $1 }' "$TMPDIR/sound")
	if grep -q 'errors: 0$' "$TMPDIR/sound" && ! grep -q 'Search not completed\|max search depth' \
		"$TMPDIR/sound"; then
		pass "$what: $states states, no error"
	else
		fail "$what" "$(grep -v '^	' "$TMPDIR/sound" | head -n 30)"
	fi
}

# found FAULT [-DWHAT...]
found()
{
	local fault=$1

	shift
	search "$fault" "-DFAULT_$fault" "$@"
	if grep -q 'errors: 1$' "$TMPDIR/$fault"; then
		pass "$fault is found: $(sed -n 's/^pan:1: //p' "$TMPDIR/$fault")"
	else
		fail "$fault is found" "$(grep -v '^	' "$TMPDIR/$fault" | head -n 30)"
	fi
}

optimize=-O1
sound 'one signal, death or fault' -DEVENTS=1
[ -z "${PM_SOAK:-}" ] || sound 'any two of them' -DEVENTS=2

# These are found soon: it is the compiler that takes long.
optimize=-O0

# Those for which one thread of the supervisor has to do no more than answer.
for fault in ANSWERED_TWICE ANY_ID CLOSE_OVERWRITES CLOSE_WAKES_NOBODY END_WAKES_ONE \
	EXIT_FORGOTTEN LIST_OF_NOBODY ORPHAN_WITH_SIGNAL PIN_UNDER_LOCK PIN_WAKES_NOBODY PUT_TWICE \
	REDIRECT_WAKES_NOBODY REFUSE_FORGOTTEN REQUEST_LOST REQUEST_WAKES_NOBODY SAVED_TWICE \
	SEND_WAITS SKIP_FORGOTTEN TRAP_BEFORE_UNDO WITHDRAWN_UNSEEN; do
	found "$fault" -DEVENTS=1 -DOPS1=0
done
found ANSWER_LOST -DEVENTS=1
found ONE_REQUEST -DEVENTS=1
# A page fault while the answer is given, and a signal.
found MEMFD_LEAKED -DEVENTS=2 -DOPS1=0

is "$tap_count" "$(($(grep -o 'FAULT_[A-Z_]*[A-Z]' "$model" | sort -u | wc -l) + 1 + ${PM_SOAK:-0}))" \
	'every fault was planted'

done_testing
