#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# stress-ng: each of its stressors for a while, by a user who has nothing, in namespaces
# of its own.  What fails under pointsman and not without it is shown; docs/guarantees.md
# says of some what differs.
# shellcheck source=tests/torture/torture.sh
. "${PM_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/torture/torture.sh"

need stress-ng unshare setpriv
prepare_torture

stressors=$(stress-ng --stressors 2>/dev/null | wc -w)
each=$((seconds / stressors))
[ "$each" -ge 1 ] || each=1
command=("${inside[@]}" sh -c "cd '$TMPDIR/scratch' && exec stress-ng --sequential 1 --timeout ${each}s \
	--temp-path '$TMPDIR/scratch' --metrics-brief")
# A stressor may take longer to end than it was told to run.
torture stress-ng $((3 * each * stressors + 600)) "${command[@]}"

failing()
{
	grep -aoE 'stress-ng-?[a-z0-9-]*: *\[[0-9]+\].*(fail|error).*' "$1" | sed -E 's/\[[0-9]+\]//; s/[0-9]{3,}/N/g' | sort | uniq -c
}
diag "$(grep -aE 'successful|unsuccessful|failed:|skipped:|passed:' "$TMPDIR/output" | tail -n 6)"
diag "$(failing "$TMPDIR/output" | head -n 60)"

done_testing
