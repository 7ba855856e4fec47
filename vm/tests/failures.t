#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Whatever is wrong with a run is status 125 and the console's log, however well
# the command says it went.
set -euo pipefail
# shellcheck source=tap.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/tap.sh"

crash=/sys/kernel/debug/provoke-crash/DIRECT

# How far a guest comes in that time is the machine's affair.
vm --timeout 5 -- sleep 1000 </dev/null
fails 'the time limit' 'the time limit was reached' ''

vm -- sh -c "echo WARNING > $crash; exit 0" </dev/null
fails 'a warning' 'WARNING: '
has 'a warning: the log has its trace' "$err" lkdtm_WARNING

vm -- sh -c "echo PANIC > $crash; exit 0" </dev/null
fails 'a panic' 'Kernel panic'

vm -- sh -c "echo BUG > $crash; exit 0" </dev/null
fails 'a BUG' 'kernel BUG'

vm -- sh -c "echo EXCEPTION > $crash; exit 0" </dev/null
fails 'an oops' 'BUG: '

vm -- sh -c 'echo "<3>BUG: sleeping function called from nowhere" > /dev/kmsg; echo fine' </dev/null
fails 'a report that does not panic' 'BUG: sleeping'

vm -- sh -c 'echo b > /proc/sysrq-trigger; sleep 100' </dev/null
fails 'an end without a result' 'without a result'

vm -- sh -c 'kill -KILL 1; kill -TERM 1; echo alive' </dev/null
is 'init cannot be killed' "$status$out" 0alive

vm --append init.unknown=1 --append 'panic_on_warn=1 rdinit=/no/init' -- true </dev/null
fails 'no init' panic

vm --memory 24 -- true </dev/null
is 'a machine that cannot boot' "$status" 125

# A quiet start leaves nothing on the console: something has to be there to be shown.
vm -- sh -c "echo '<2>on purpose' > /dev/kmsg; echo 1 > /proc/sys/kernel/tainted; exit 0" </dev/null
fails 'a tainted kernel' tainted

done_testing
