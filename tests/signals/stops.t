#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# SIGSTOP and SIGCONT, a thousand a second, from outside: no call notices.
# shellcheck source=tests/signals/signals.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/signals/signals.sh"

for test in make threads append read; do
	storm "$PM_ROUNDS" "$test" "$helpers/signals-files" "$test" stops
done
for test in read read-number write fifo sleep sleep-number sleep-clock sleep-until poll; do
	storm "$PM_ROUNDS" "$test" "$helpers/signals-waits" "$test" stops
done
for test in connect connect-wait send send-wait send-stream; do
	storm "$PM_ROUNDS" "$test" "$helpers/signals-sockets" "$test" stops
done
# Processes are stopped as they are born, execute and make their first calls.
policy=names.yaml
for shell in dash bash; do
	storm_group "$PM_PIPELINES" "$shell" "$shell" "$PM_SRC/tests/signals/src/pipelines.sh"
done
policy=first.yaml
cat >$policy <<END
version: 1
rules:
  - class: open-read
    path: $TMPDIR/from/file
    redirect: { path: $TMPDIR/to/file }
END
both "$PM_ROUNDS" 'first calls' "$helpers/signals-first" calls stops
done_testing
