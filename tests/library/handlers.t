#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What becomes of a program whose handler crashes, stalls or forgets: nothing else
# than the verdict that was configured.  What becomes of one whose layer does.

. "$(dirname "$0")/../harness/tap.sh"
need python3
decider=$PM_BUILD/tests/library/decider
cd "$TMPDIR" || exit 1

mkdir crash denied exit forget from later other stall to

# Where each name leads, or the error.
cat >go.py <<-'EOF'
	import errno, os, sys
	top = os.getcwd()
	for name in sys.argv[1:]:
	    os.fchdir(os.open(top, os.O_PATH))
	    try:
	        os.chdir(name)
	        print(name, os.path.basename(os.getcwd()) if os.getcwd() != top else 'nowhere')
	    except OSError as error:
	        print(name, errno.errorcode[error.errno])
EOF

# says WHAT STATUS OUTPUT COMMAND...
says()
{
	local what=$1 status=$2 expected=$3 got
	shift 3

	got=$("$@" 2>&1 </dev/null)
	is "$?: $got" "$status: $expected" "$what"
}

says 'a handler answers, at once or later, by what it is' 0 'other other
from to
denied EXDEV
later later' "$decider" handler python3 go.py other from denied later
says 'a crash is denied, and the next call decided on' 0 'crash EPERM
other other
denied EXDEV
crash EPERM
from to
exit EPERM
later later' "$decider" handler python3 go.py crash other denied crash from exit later
export LIMIT=2000
says 'what is forgotten is denied in the end' 0 'forget EPERM
other other' "$decider" handler python3 go.py forget other
says 'what stalls too, and another thread goes on' 0 'stall EPERM
denied EXDEV
other other' "$decider" handler python3 go.py stall denied other
says 'another verdict is configured' 0 'crash nowhere
forget nowhere
other other' "$decider" value python3 go.py crash forget other
LIMIT=300
says 'where all threads stall no call is let through' 0 'stall EPERM
stall EPERM
other EPERM
crash EPERM' "$decider" handler python3 go.py stall stall other crash
# Standard error is open for as long as one of these processes lives.
got=$("$decider" handler python3 go.py stall stall 2>&1 >/dev/null </dev/null | cat)
is "$got" '' 'what stalls ends with the last program'
unset LIMIT
says 'what a program starts has the same handler' 0 'to
other
2' "$decider" handler sh -c 'cd from; basename "$PWD" >/dev/null; basename $(pwd -P); cd ..
	sh -c "cd other; basename \$(pwd -P)"; (cd denied) 2>/dev/null; echo $?'
says 'the status is that of the command' 7 '' "$decider" handler sh -c 'exit 7'
says 'a program finds no child' 0 ECHILD "$decider" handler python3 -c '
import errno, os
try:
    os.waitpid(-1, os.WNOHANG)
except OSError as error:
    print(errno.errorcode[error.errno])'

# In the supervisor: it dies, and its targets with it.
says 'a layer decides as well' 0 'from to
denied EXDEV' "$decider" layer python3 go.py from denied
# crashes BACKEND STATUS
crashes()
{
	local got

	got=$(PM_BACKEND=$1 "$decider" layer \
		sh -c 'echo before; (cd crash); cd other; echo survived' 2>/dev/null)
	is "$?: $got" "$2: before" "$1: a layer that crashes ends the run"
}

crashes ptrace 137
if PM_BACKEND=notify "$decider" layer true 2>/dev/null; then
	crashes notify 159
else
	skip 'notify: a layer that crashes ends the run' 'kernel: no redirects'
fi

done_testing
