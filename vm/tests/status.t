#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The status of vm/run is the command's.
set -euo pipefail
# shellcheck source=tap.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/tap.sh"

vm -- true </dev/null
is 'success' "$status$out$err" 0

vm -- sh -c 'exit 42' </dev/null
is 'a status' "$status" 42

vm -- sh -c 'kill -TERM $$' </dev/null
is 'a signal' "$status" 143

vm -- sh -c 'kill -KILL $$' </dev/null
is 'SIGKILL' "$status" 137

vm -- /no/such/command </dev/null
is 'no such command' "$status" 127
has 'and it is named' "$err" /no/such/command

vm -- no-such-command-anywhere </dev/null
is 'no such command on the PATH' "$status" 127

vm -- /etc/passwd </dev/null
is 'a file that cannot be run' "$status" 126

vm -- sh -c 'sleep 1000 & echo started' </dev/null
is 'a process left behind does not hold the run up' "$status$out" 0started

vm -- sh -c 'trap "" HUP TERM; (trap "" HUP TERM; sleep 1000) & exit 5' </dev/null
is 'nor one that ignores signals' "$status" 5

vm --kernel nonsense -- true </dev/null
is 'a wrong option' "$status" 125

vm </dev/null
is 'no command' "$status" 125

vm --image /no/such/kernel -- true </dev/null
is 'no such kernel' "$status" 125

vm -- false --timeout nonsense </dev/null
is 'options of the command are its own' "$status" 1

done_testing
