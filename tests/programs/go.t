#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Go: goroutines that are preempted by signals, files, children, sockets.
# shellcheck source=tests/programs/programs.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/programs/programs.sh"

program=$PM_BUILD/go/load
[ -x "$program" ] || need go
echo part >"$FILES/part"
out=$("$PM_SRC/tests/harness/build-go" "$PM_BUILD" programs/src/load.go 2>&1)
ok $? 'a Go program is built' "$out"
cp "$program" "$TMPDIR/program"
compare 'goroutine load' 4 '*/program' "$TMPDIR/program"
# Preemption is what the signals are for: without them the load must go through too.
compare 'goroutine load without preemption by signals' 4 '*/program' env GODEBUG=asyncpreemptoff=1 "$TMPDIR/program"
done_testing
