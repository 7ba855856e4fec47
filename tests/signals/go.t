#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A Go program that preempts itself every 100 µs while it opens files in a redirected
# tree, makes others there, and connects to a redirected address.
# shellcheck source=tests/signals/signals.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/signals/signals.sh"

program=$PM_BUILD/go/preempt
[ -x "$program" ] || need go
out=$("$PM_SRC/tests/harness/build-go" "$PM_BUILD" signals/src/preempt.go 2>&1)
ok $? 'the program is built' "$out"
policy=names.yaml
both "$PM_ROUNDS" 'preemption' "$program"
done_testing
