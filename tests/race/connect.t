#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The address of connect changes while the call is made.
# shellcheck source=tests/race/race.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/race/race.sh"

prepare_races
race_call connect 20000
enough connect

done_testing
