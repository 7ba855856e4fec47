#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The address of a message, and the header that points to it, change while it is sent.
# shellcheck source=tests/race/race.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/race/race.sh"

prepare_races
race_call sendmsg-name 20000
race_call sendmsg-header 20000
enough sendmsg

done_testing
