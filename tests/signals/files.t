#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A timer of 1 kHz, with SA_RESTART and without, while files in a redirected tree are
# made and read: nothing fails, nothing is done twice.
# shellcheck source=tests/signals/signals.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/signals/signals.sh"

for mode in restart plain; do
	for test in make threads append read; do
		both "$PM_ROUNDS" "$test, $mode" "$helpers/signals-files" "$test" "$mode"
	done
done
done_testing
