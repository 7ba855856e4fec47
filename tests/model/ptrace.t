#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Random layers, calls and signals: what comes of them under the ptrace backend is what the
# rules as a program say.
#
# PM_LAYER_CASES, PM_LAYER_SEED: how many, and which; PM_SOAK=1: many.
# shellcheck source=tests/harness/tap.sh
. "${PM_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/harness/tap.sh"

cases=20000
[ -z "${PM_SOAK:-}" ] || cases=100000
cases=${PM_LAYER_CASES:-$cases}
seed=${PM_LAYER_SEED:-${PM_MODEL_SEED:-1}}
cd "$TMPDIR" || exit 1
exec "$PM_BUILD/model/against_layers" -b ptrace -S "$seed" -n "$cases"
