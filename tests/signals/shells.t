#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Pipelines of ten commands in a loop, by shells that handle SIGCHLD.
# shellcheck source=tests/signals/signals.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/signals/signals.sh"

policy=names.yaml
for shell in dash bash; do
	both "$PM_PIPELINES" "$shell" "$shell" "$PM_SRC/tests/signals/src/pipelines.sh"
done
done_testing
