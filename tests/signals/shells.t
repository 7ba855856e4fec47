#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Pipelines of ten commands in a loop, by shells that handle SIGCHLD.  A round takes as
# long as many of the others: PM_PIPELINES says how many there are.
# shellcheck source=tests/signals/signals.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/signals/signals.sh"

for shell in dash bash; do
	both "${PM_PIPELINES:-$((PM_ROUNDS / 50 + 1))}" "$shell" \
		"$shell" "$PM_SRC/tests/signals/src/pipelines.sh"
done
done_testing
