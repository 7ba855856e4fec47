#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What calls cost on the stock and on the patched kernel: reported, not judged.  That
# it cannot be measured is a failure.
set -uo pipefail

if "${PM_SRC:-$(dirname "$0")/../..}/kernel/scripts/benchmark" "${ROUNDS:-1}" |
		sed 's/^/# /'; then
	echo 'ok 1 - what calls cost was measured'
else
	echo 'not ok 1 - what calls cost was measured'
fi
echo 1..1
