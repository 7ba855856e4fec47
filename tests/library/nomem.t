#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Where memory, threads or descriptors are short, the library says so, or refuses a call:
# it does not crash or wait, and nothing gets through.  Each request fails once, the
# first, the second, and so on, until none is left (n).

. "$(dirname "$0")/../harness/tap.sh"
nomem=$PM_BUILD/tests/library/nomem
target=$PM_BUILD/tests/library/nomem_target
cd "$TMPDIR" || exit 1

for name in from to near denied; do
	printf %s "$name" >"$name"
done
ln -s denied link
ln -s "$target" leaf
printf '#!%s/leaf leaf\n' "$PWD" >script
chmod +x script

# sweeps WHAT COMMAND...
sweeps()
{
	local what=$1 status
	shift

	# What the dynamic linker of a program says that has no library is no fault.
	"$nomem" "$target" "$@" >said 2>faults </dev/null
	status=$?
	diag "$(cat said)"
	ok "$status" "$what" "$(grep -v ': error while loading shared libraries: ' faults)"
}

sweeps 'functions on a call' calls layer
sweeps 'functions on the copy that a handler has' calls handler
sweeps 'pm_handler_layer' layer
sweeps 'pm_request_answer' answer
sweeps 'ptrace: one request for memory fails' run layer memory all
sweeps 'ptrace: all requests for memory fail from some time on' run layer all-memory files
sweeps 'ptrace: the supervisor has few descriptors' run layer files all
sweeps 'ptrace: a call that fails over and over leaves nothing' churn
sweeps 'handler: one request for memory fails' run handler memory files
sweeps 'handler: one thread cannot be started' run handler threads files
sweeps 'handler: the supervisor has few descriptors' run handler files files
sweeps 'pm_serve: one request for memory fails' run serve memory files
sweeps 'pm_serve: one thread cannot be started' run serve threads all
sweeps 'pm_serve: no thread can be started' run serve all-threads all
sweeps 'pm_serve: few descriptors' run serve files all

done_testing
