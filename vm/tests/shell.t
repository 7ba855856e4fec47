#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm/shell: a shell on this terminal, and none without one.
set -euo pipefail
# shellcheck source=tap.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/tap.sh"

run=("$top/vm/shell")
vm </dev/null
is 'without a terminal there is none' "$status" 125
has 'and it is said why' "$err" 'a shell needs a terminal'

# What is typed, and a terminal that stays open.
mkfifo "$scratch/keyboard"
exec 3<> "$scratch/keyboard"
cat >&3 <<'END'
stty -echo; stty rows 40 columns 133
set -m
sleep 100 &
kill %1
echo "jobs <$(tty)> <$(stty size)> <$(uname -n)>"
echo text > /tmp/file && echo "<$(cat /tmp/file)>"
exit 3
END
err=
status=0
SHELL=/bin/sh script -qec "${run[*]@Q} ${kernel[*]@Q}" "$scratch/typescript" <&3 >/dev/null || status=$?
out=$(tr -d '\r' < "$scratch/typescript")
is 'its status' "$status" 3
has 'a terminal with jobs, in the guest' "$out" 'jobs </dev/pts/0> <40 133> <pointsman>'
has 'its own files can be written' "$out" '<text>'

done_testing
