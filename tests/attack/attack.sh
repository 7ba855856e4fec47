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

# tries N: N, or what is asked for.  A slow machine makes a part of them.
tries()
{
	echo $((${PM_ATTACK_TRIES:-$1} / part + 1))
}
