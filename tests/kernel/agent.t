#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Containers under an agent on a kernel with the redirect.
# shellcheck source=tests/harness/tap.sh
. "${PM_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/harness/tap.sh"
need crun jq busybox

plan=
while IFS= read -r line; do
	case $line in
	'ok '*) pass "${line#ok * - }" ;;
	'not ok '*) fail "${line#not ok * - }" ;;
	1..*) plan=$line ;;
	*) echo "$line" ;;
	esac
done < <("$PM_SRC/vm/run" --kernel redirect --timeout 540 -- env PM="$PM" PM_BUILD="$PM_BUILD" \
	PM_SRC="$PM_SRC" bash "$PM_SRC/tests/kernel/agent-guest.sh" 2>&1 </dev/null)
[ -n "$plan" ]
ok $? "it came to its end"
done_testing
