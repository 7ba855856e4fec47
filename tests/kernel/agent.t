#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Containers under an agent on a kernel with the redirect.
# shellcheck source=tests/harness/tap.sh
. "${PM_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/harness/tap.sh"
need crun jq busybox

relay < <("$PM_SRC/vm/run" --kernel redirect --timeout 540 -- env PM="$PM" PM_BUILD="$PM_BUILD" \
	PM_SRC="$PM_SRC" bash "$PM_SRC/tests/kernel/agent-guest.sh" 2>&1 </dev/null)
ok $? "it came to its end"
done_testing
