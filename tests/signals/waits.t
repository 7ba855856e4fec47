#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A timer of 1 kHz, with SA_RESTART and without, while redirected calls wait: for the
# other end of a pipe, or for a time.
# shellcheck source=tests/signals/signals.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/signals/signals.sh"

for mode in restart plain; do
	for test in read read-number write fifo sleep sleep-number sleep-clock sleep-until poll; do
		both "$PM_ROUNDS" "$test, $mode" "$helpers/signals-waits" "$test" "$mode"
	done
done
done_testing
