#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Two processors serve two programs at the same time.  How much faster that is than one
# after the other is measured and told; a machine that has other things to do decides
# on it too, so what fails is only that nothing is decided on at the same time.
# shellcheck source=tests/harness/tap.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/harness/tap.sh"

rounds=5 calls=200
out=$("$PM_BUILD/tests/notify/src/cores" "$rounds" "$calls" 2>&1)
ok $? 'two programs, one after the other and at the same time' "$out"
diag "$out"
beside='beside another: ([0-9]+) of ([0-9]+), ([0-9]+) of ([0-9]+)'
lines=0 apart=0 together=0 miscounted=0
while read -r line; do
	[[ $line =~ $beside ]] || continue
	lines=$((lines + 1)) apart=$((apart + BASH_REMATCH[1])) together=$((together + BASH_REMATCH[3]))
	[ "${BASH_REMATCH[2]} ${BASH_REMATCH[4]}" = "$((2 * calls)) $((2 * calls))" ] ||
		miscounted=1
done <<<"$out"
is "$lines $miscounted" "$rounds 0" 'every call was decided on'
is "$apart" 0 'no two at the same time where only one program makes calls'
if [ "$(nproc)" -gt 1 ]; then
	[ "$together" -gt 0 ]
	ok $? "and $together of $((rounds * 2 * calls)) begin beside another where two do"
else
	skip 'two programs on two processors' 'kernel: there is only one processor'
fi

# told WHAT OUTPUT: how much faster two are
told()
{
	diag "$1: $(sed -n 's/.*, \([0-9.]*\) times as fast.*/\1/p' <<<"$2" | sort -n |
		sed -n "$(((rounds + 1) / 2))p") times as fast at the same time (median of $rounds)"
}
told 'a supervisor that does nothing else' "$out"
out=$(CORES_SUPERVISED=1 "$PM" run --path "$TMPDIR/from=$TMPDIR/to" -- \
	"$PM_BUILD/tests/notify/src/cores" "$rounds" "$calls" 2>&1)
ok $? 'two programs under a policy' "$out"
told 'pointsman run' "$out"
told 'without a supervisor' "$(CORES_SUPERVISED=1 "$PM_BUILD/tests/notify/src/cores" "$rounds" \
	$((calls * 50)))"
done_testing
