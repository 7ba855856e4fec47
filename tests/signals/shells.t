#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Pipelines of ten commands in a loop, by shells that handle SIGCHLD.  PM_BUSYBOX: a static
# one, which is these commands; on an emulated processor most of a round is else that
# programs find and load their libraries.
# shellcheck source=tests/signals/signals.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/signals/signals.sh"

if [ -n "${PM_BUSYBOX:-}" ]; then
	mkdir applets || exit 1
	for command in head sed tr cat grep tail tee mkdir; do
		ln -s "$PM_BUSYBOX" "applets/$command"
	done
	PATH=$TMPDIR/applets:$PATH
fi
policy=names.yaml
for shell in dash bash; do
	both "$PM_PIPELINES" "$shell" "$shell" "$PM_SRC/tests/signals/src/pipelines.sh"
done
done_testing
