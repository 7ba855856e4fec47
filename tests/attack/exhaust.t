#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What decisions need is used up: threads, processes, descriptors, memory, pins, pending
# calls, the disk of the audit.  It ends in errors: no call passes undecided, and the
# supervisor goes on.
# shellcheck source=tests/attack/attack.sh
. "${PM_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/attack/attack.sh"

prepare_races
good=$TMPDIR/files/good evil=$TMPDIR/files/evil
seconds=1
[ "$part" -eq 1 ] || seconds=5
[ -z "${PM_ATTACK_TRIES:-}" ] || seconds=30

# A supervisor that has no descriptor for a process, and lets go on what it cannot read.
line=$(ulimit -n 24; "$PM_BUILD/tests/race/naive" --keep --path "$evil" \
	"$attack/exhaust" processes "$good" "$evil" 1 2>/dev/null | grep '^tries=')
verdict 'processes, 24 descriptors' "$line" naive

# exhausted WHAT OUTPUT
exhausted()
{
	local line
	line=$(grep '^tries=' <<<"$2")
	verdict "$1: $(grep '^tasks' <<<"$2")" "${line:-$2}" pointsman
}

while read -r what; do
	# Where nobody decides, what is used up is not what refuses.
	line=$("$attack/exhaust" "$what" "$good" "$evil" 1 2>/dev/null | grep '^tries=')
	verdict "$what" "$line" nobody
	out=$("$PM" run --policy "$TMPDIR/policy.yaml" -- "$attack/exhaust" "$what" "$good" "$evil" \
		$seconds 2>&1) || out+=" (status $?)"
	exhausted "$what" "$out"
done < <("$attack/exhaust" list)

# A supervisor that was started with little: where it may not leave the limit, as root may.
out=$(ulimit -n 24; "$PM" run --policy "$TMPDIR/policy.yaml" -- \
	"$attack/exhaust" processes "$good" "$evil" $seconds 2>&1) || out+=" (status $?)"
exhausted 'processes, 24 descriptors' "$out"
if [ "$(id -u)" = 0 ]; then
	few=(setpriv --bounding-set -sys_resource "$PM")
	out=$(ulimit -n 24; "${few[@]}" run --policy "$TMPDIR/policy.yaml" -- \
		"$attack/exhaust" processes "$good" "$evil" $seconds 2>&1) || out+=" (status $?)"
	exhausted 'processes, 24 descriptors for the supervisor too' "$out"
fi

# The disk of the audit gets full: what has run has a line.
mkdir "$TMPDIR/small"
own=(unshare --mount)
[ "$(id -u)" = 0 ] || own=(unshare --user --map-root-user --mount)
# shellcheck disable=SC2016 # a script of its own
out=$("${own[@]}" sh -c 'mount -t tmpfs -o size=256k none "$1/small" && {
	"$2" run --audit "$1/small/audit" --policy "$1/policy.yaml" -- \
		"$3" nothing "$1/files/good" "$1/files/evil" 3 2>&1 || echo "(status $?)"
	echo "lines=$(grep -c "\"text\":\"$1/files/good\"" "$1/small/audit")"
}' sh "$TMPDIR" "$PM" "$attack/exhaust" 2>&1)
exhausted 'the disk of the audit' "$out"
ran=$(sed -n 's/.* ran=\([0-9]*\) .*/\1/p' <<<"$out")
other=$(sed -n 's/.* other=\([0-9]*\) .*/\1/p' <<<"$out")
lines=$(sed -n 's/^lines=//p' <<<"$out")
[ -n "$ran" ] && [ "${other:-0}" -gt 0 ] && [ "$ran" -le "${lines:-0}" ] && [[ $out == *'last error ENOSPC'* ]]
ok $? "the disk of the audit: $ran opens ran, $lines have lines, $other calls failed" "$out"
# Who writes what calls there were, and goes on when it cannot: it is slow, and has less room.
# shellcheck disable=SC2016 # a script of its own
out=$("${own[@]}" sh -c 'mount -t tmpfs -o size=8k none "$1/small" && {
	strace -f -o "$1/small/trace" -e trace=openat \
		"$2" nothing "$1/files/good" "$1/files/evil" 3 2>/dev/null
	echo "lines=$(grep -c "\"$1/files/good\"" "$1/small/trace")"
}' sh "$TMPDIR" "$attack/exhaust" 2>&1)
ran=$(sed -n 's/.* ran=\([0-9]*\) .*/\1/p' <<<"$out")
lines=$(sed -n 's/^lines=//p' <<<"$out")
[ "${ran:-0}" -gt "${lines:-0}" ] && [ "${lines:-0}" -gt 0 ]
ok $? "the disk of strace: $ran opens ran, $lines have lines" "$out"
out=$("$PM" run --audit /dev/full --policy "$TMPDIR/policy.yaml" -- cat "$good" 2>/dev/null)
is "$?$out" 125 'an audit that cannot be begun: nothing is started'

done_testing
