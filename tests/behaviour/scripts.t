#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Scripts are asked about by the interpreters that they name: also where a layer
# has put a script in the place of a program, and where none could be read yet.
. "${PM_SRC:-$(cd "${0%/*}/../.." && pwd)}/tests/harness/tap.sh"

need python3
work=$TMPDIR/work
mkdir "$work" && cd "$work" || exit 1
cp /bin/echo interpreter
cp /bin/echo program
cp /bin/echo other
printf '#!%s/interpreter said\n' "$work" >script
printf '#!%s/script\n' "$work" >script-of-script
chmod 0755 script script-of-script

# policy NAME RULE...
policy()
{
	local name=$1
	shift
	{
		printf 'version: 1\nrules:\n'
		printf -- '- {class: exec, %s}\n' "$@"
	} >"$TMPDIR/$name.yaml"
}

policy deny "path: $work/interpreter, deny: ENOANO"
policy to-script "path: $work/program, redirect: {program: $work/script}"
policy to-other "path: $work/interpreter, redirect: {program: $work/other}"
policy deny-other "path: $work/other, deny: EXDEV"
policy kill "path: $work/interpreter, kill: true"

# run POLICY... -- COMMAND...
run()
{
	local options=()
	while [ "$1" != -- ]; do
		options+=(--policy "$TMPDIR/$1.yaml")
		shift
	done
	shift
	"$PM" run "${options[@]}" -- python3 -c '
import os
import sys
pid = os.fork()
if not pid:
    try:
        os.execv(sys.argv[1], sys.argv[1:])
    except OSError as error:
        print(os.strerror(error.errno))
        sys.stdout.flush()
        os._exit(0)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
if status:
    print("status", status)' "$@" 2>&1
}

denied='No anode'
is "$(run deny -- "$work/script" x)" "$denied" 'the interpreter of a script is denied'
is "$(run deny -- "$work/script-of-script" x)" "$denied" 'so is that of an interpreter'
is "$(run deny -- "$work/program" x)" x 'another program is not'
is "$(run to-script -- "$work/program" x)" "said $work/script x" 'a script in place of a program'
is "$(run to-script deny -- "$work/program" x)" "$denied" \
	'an outer layer is asked about its interpreter'
is "$(run to-script to-other -- "$work/program" x)" "said $work/script x" \
	'an outer layer redirects its interpreter'
is "$(run to-script to-other deny-other -- "$work/program" x)" 'Invalid cross-device link' \
	'and the next is asked about that one'
is "$(run to-other deny-other -- "$work/script" x)" 'Invalid cross-device link' \
	'what an interpreter was redirected to is asked about'
is "$(run to-other deny -- "$work/script" x)" "said $work/script x" \
	'an interpreter that does not run is not'
is "$(run to-script kill -- "$work/program" x)" 'status -9' 'an outer layer kills for it'

# What may not be executed is not looked into.
printf '#!/none/such\n' >closed
chmod 0644 closed
is "$(run deny -- "$work/closed")" 'Permission denied' 'a script that may not be executed'
chmod 0755 closed
is "$(run deny -- "$work/closed")" 'No such file or directory' \
	'a script whose interpreter is not there'

done_testing
