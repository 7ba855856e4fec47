#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# trinity: calls of every kind with arguments of every kind, made by a user who has
# nothing, in namespaces of its own.  (Its list of sockets crashes it where the kernel
# lacks protocols.)
# shellcheck source=tests/torture/torture.sh
. "${PM_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/torture/torture.sh"

need trinity unshare setpriv
prepare_torture

cd "$TMPDIR/scratch" || exit 1
torture trinity "$seconds" "${inside[@]}" \
	sh -c "cd '$TMPDIR/scratch' && timeout -k 5 -s INT $seconds trinity -q -C 8 -l off --disable-fds=sockets"
ran=$(tr '\r' '\n' <"$TMPDIR/output" | sed -n 's/^\[main\] Ran \([0-9]*\) syscalls.*/\1/p')
[ "${ran:-0}" -gt 0 ]
ok $? "trinity made ${ran:-no} calls" "$(tr '\r' '\n' <"$TMPDIR/output" | tail -n 20)"

done_testing
