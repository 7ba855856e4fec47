# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# attack.sh - what the attacks share
#
# PM_ATTACK_TRIES: how many tries each makes at the least; what is asked for is made in
# every way there is.  Without it, as many as there is time for in a check.

# shellcheck source=tests/race/race.sh
. "${PM_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/race/race.sh"

# shellcheck disable=SC2034 # for those who read this file
attack=$PM_BUILD/tests/attack

# tries N [COST]: N, or what is asked for, of which a try that takes long counts as COST.  A
# slow machine makes a part of them.
tries()
{
	local wanted=$1

	[ -z "${PM_ATTACK_TRIES:-}" ] || wanted=$((PM_ATTACK_TRIES / ${2:-1}))
	echo $((wanted / part + 1))
}
