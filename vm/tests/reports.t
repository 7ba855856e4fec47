#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What only a debug kernel reports is a failure too: its checkers of memory and
# locks, its search for leaks.
set -euo pipefail
# shellcheck source=tap.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/tap.sh"

kernel=(--kernel debug)
# It boots slowly, and a busy host makes it slower.
LIMIT=600
crash=/sys/kernel/debug/provoke-crash/DIRECT

vm -- sh -c 'grep "debug_locks: *1" /proc/lockdep_stats && [ -w /sys/kernel/debug/kmemleak ]' </dev/null
is 'a run without a report, under all the checkers' "$status" 0

vm -- sh -c "echo READ_AFTER_FREE > $crash; exit 0" </dev/null
fails 'KASAN' 'KASAN: slab-use-after-free'

# A lock that is never released.
vm -- sh -c "echo SPINLOCKUP > $crash; exit 0" </dev/null
fails 'lockdep' 'the kernel has reported: '

# The lock checker went silent, with nothing on the console.
vm -- sh -c 'echo " debug_locks: 0" > /tmp/stats && mount --bind /tmp/stats /proc/lockdep_stats' </dev/null
fails 'lockdep, silent' 'the lock checker has reported, or gone silent'

# A leak cannot be had on demand: a file with one stands in for the kernel's.
vm -- sh -c 'echo "unreferenced object 0xffff888000000000 (size 64):" > /tmp/leak &&
	mount --bind /tmp/leak /sys/kernel/debug/kmemleak' </dev/null
fails 'a leak' 'kmemleak has found memory that nobody points to'

done_testing
