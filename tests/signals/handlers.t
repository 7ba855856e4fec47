#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Handlers, a thousand a second, that make redirected calls in the middle of others, on
# a stack of their own, and leave calls by siglongjmp.
# shellcheck source=tests/signals/signals.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/signals/signals.sh"

for mode in restart plain; do
	for test in calls stack jump jump-wait; do
		both "$PM_ROUNDS" "$test, $mode" "$helpers/signals-handlers" "$test" "$mode"
	done
done
done_testing
