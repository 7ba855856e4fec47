#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The arguments of a program change while it is executed.
# shellcheck source=tests/race/race.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/race/race.sh"

prepare_races
race_call exec-string 10000
race_call exec-pointer 10000
enough exec

done_testing
