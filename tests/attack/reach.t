#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A program tries to reach into its supervisor: every way there is into a process of its
# own leads into none of the supervisor's tasks.
# shellcheck source=tests/attack/attack.sh
. "${PM_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/attack/attack.sh"

prepare_races
"$attack/reach" bare >"$TMPDIR/bare" 2>&1
ok $? 'ways into a process of one'"'"'s own' "$(tail -n 3 "$TMPDIR/bare")"
"$PM" run --policy "$TMPDIR/policy.yaml" -- "$attack/reach" supervisor >"$TMPDIR/reached" 2>&1
ok $? 'ways into the supervisor' "$(tail -n 3 "$TMPDIR/reached")"
# With these capabilities (CAP_PERFMON is the 38th) a program may read, since Linux 6.13,
# where the memory of others is and their environment, and what it may is no secret.
less=()
[ "$(id -u)" != 0 ] || less=(setpriv --bounding-set "-sys_admin,-cap_38")
"$PM" run --policy "$TMPDIR/policy.yaml" -- "${less[@]}" "$attack/reach" supervisor >"$TMPDIR/less" 2>&1
ok $? 'without the capabilities to observe others' "$(tail -n 3 "$TMPDIR/less")"

while read -r way what; do
	if [ "$what" != won ]; then
		skip "$way" "kernel: leads nowhere by itself: $what"
		continue
	fi
	from=$TMPDIR/reached
	[[ $way != proc-@(environ|maps|pagemap) ]] || from=$TMPDIR/less
	got=$(sed -n "s/^$way //p" "$from" | sort | uniq -c | awk '{ printf "%s%s %s", n++ ? ", " : "", $1, $2 }')
	[ -n "$got" ] && [[ $got != *won* ]]
	ok $? "$way: ${got:-not tried}"
done <"$TMPDIR/bare"

done_testing
