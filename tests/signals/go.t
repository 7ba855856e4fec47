#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A Go program that preempts itself every 100 µs while it opens files in a redirected
# tree, makes others there, and connects to a redirected address.
# shellcheck source=tests/signals/signals.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/signals/signals.sh"

# Built once for all runs, also for one where nothing can be built.
program=$PM_BUILD/tests/signals/preempt source=$PM_SRC/tests/signals/src/preempt.go
if [ ! -x "$program" ] || [ "$source" -nt "$program" ]; then
	need go
	mkdir -p "$PM_BUILD/cache/go"
	out=$(GO111MODULE=off GOCACHE=${GOCACHE:-$PM_BUILD/cache/go} GOFLAGS='' \
		go build -o "$program.$$" "$source" 2>&1 && mv "$program.$$" "$program")
	ok $? 'the program is built' "$out"
fi
policy=names.yaml
both "$PM_ROUNDS" 'preemption' "$program"
done_testing
