#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Registers, interruptions and restarts of redirected calls.
# shellcheck source=tests/behaviour/ptrace.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/behaviour/ptrace.sh"

registers=$helpers/registers
cat >>"$policy" <<EOF
  - syscall: clone
    redirect: { args: [ { index: 5, value: 77 } ] }
  - syscall: [nanosleep, clock_nanosleep, poll, pause]
    redirect: { args: [ { index: 5, value: 77 } ] }
  - syscall: [execve, execveat]
    redirect: { args: [ { index: 5, value: 0 } ] }
  - syscall: getppid
    redirect: { syscall: getpid }
EOF
mkfifo fifo

both 'registers are as before after calls of many kinds' "$registers" all
both 'a forked child has the registers of its parent' "$registers" fork
both 'waiting calls are interrupted' "$registers" eintr fifo
both 'waiting calls go on after a handler' "$registers" restart fifo
both 'a sleep is not shortened by job control' "$registers" stops
both 'a handler cuts a sleep short' "$registers" sleep
both 'signals and stops come while the pins are made' "$registers" injection
both 'a new image has its own registers' "$registers" image "$helpers/image"
both 'a trap shows the call that was made' "$registers" trap
both 'handlers make calls of their own' "$registers" handler

done_testing
