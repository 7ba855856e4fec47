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
chmod 0777 . && chmod 0644 "$CHECK_FROM" "$CHECK_DENIED" to && mkfifo -m 0666 fifo

# registers WHAT TEST...
registers()
{
	local what=$1
	shift
	both "$what${user:+, another user}" "${user[@]}" "$registers" "$@"
}

all()
{
	registers 'registers are as before after calls of many kinds' all
	registers 'a forked child has the registers of its parent' fork
	registers 'waiting calls are interrupted' eintr fifo
	registers 'waiting calls go on after a handler' restart fifo
	registers 'a sleep is not shortened by job control' stops
	registers 'a handler cuts a sleep short' sleep
	registers 'signals and stops come while the pins are made' injection
	registers 'a new image has its own registers' image "$helpers/image"
	registers 'a trap shows the call that was made' trap
	registers 'handlers make calls of their own' handler
}

user=()
all
# Of another user more calls are made once more, for the tracer to see.
if [ "$(id -u)" = 0 ]; then
	user=(setpriv --reuid 4712 --regid 4712 --clear-groups)
	all
else
	skip 'another user' 'kernel: no root, who may become another user'
fi

done_testing
