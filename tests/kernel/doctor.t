#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# pointsman doctor on kernels that are known, with redirects and without; one boot each.
# shellcheck source=tests/harness/tap.sh
. "${PM_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/harness/tap.sh"

for kernel in stock redirect; do
	relay "$kernel: " < <("$PM_SRC/vm/run" --kernel "$kernel" -- env PM_BUILD="$PM_BUILD" PM_SRC="$PM_SRC" \
		bash "$PM_SRC/tests/kernel/doctor-guest.sh" "$kernel" 2>&1 </dev/null)
	ok $? "$kernel: it came to its end"
done
done_testing
