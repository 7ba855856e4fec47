#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# SIGKILL in the middle of redirected calls: what was said to be done is done, once.
# shellcheck source=tests/signals/signals.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/signals/signals.sh"

for test in files messages; do
	both "$PM_ROUNDS" "$test" "$helpers/signals-kills" "$test" plain
done
done_testing
