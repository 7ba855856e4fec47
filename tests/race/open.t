#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The path of open, and the structure of openat2, change while the call is made.
# shellcheck source=tests/race/race.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/race/race.sh"

prepare_races
race_call open 20000
race_call openat 20000
race_call openat2-how 10000
enough open

done_testing
