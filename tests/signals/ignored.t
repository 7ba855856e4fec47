#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Signals that are ignored, a thousand a second: no call that the kernel restarts fails.
# shellcheck source=tests/signals/signals.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/signals/signals.sh"

for test in read read-number write fifo sleep sleep-number sleep-clock sleep-until poll; do
	both "$PM_ROUNDS" "$test" "$helpers/signals-waits" "$test" ignored
done
for test in connect connect-wait send send-wait send-stream; do
	both "$PM_ROUNDS" "$test" "$helpers/signals-sockets" "$test" ignored
done
done_testing
