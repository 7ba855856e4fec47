#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A timer of 1 kHz, with SA_RESTART and without, while connections are made and messages
# sent to redirected addresses: each arrives once, and whoever made it was told so.
# shellcheck source=tests/signals/signals.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/signals/signals.sh"

for mode in restart plain; do
	for test in connect connect-wait send send-wait send-stream; do
		both "$PM_ROUNDS" "$test, $mode" "$helpers/signals-sockets" "$test" "$mode"
	done
done
done_testing
