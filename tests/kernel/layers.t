#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Random layers, calls and signals on the patched kernel: what comes of them under the
# notify backend is what the rules as a program say.
#
# PM_LAYER_CASES, PM_LAYER_SEED: how many, and which; PM_SOAK=1: many.
# shellcheck source=tests/harness/tap.sh
. "${PM_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/harness/tap.sh"

cases=3000
[ -z "${PM_SOAK:-}" ] || cases=100000
cases=${PM_LAYER_CASES:-$cases}
seed=${PM_LAYER_SEED:-${PM_MODEL_SEED:-1}}
exec "$PM_SRC/vm/run" --kernel redirect --timeout "${PM_MODEL_TIMEOUT:-500}" -- \
	sh -c 'mkdir /tmp/layers && cd /tmp/layers && exec "$@"' sh \
	"$PM_BUILD/model/against_layers" -b notify -S "$seed" -n "$cases"
