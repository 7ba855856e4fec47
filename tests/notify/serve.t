#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# How a listener is served: many calls at a time, one arena for an address space,
# no way to the supervisor, and its death.
# shellcheck source=tests/behaviour/ptrace.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/behaviour/ptrace.sh"

sources=$PM_BUILD/tests/notify/src
notified=$sources/notified

# By itself it finds no supervisor and no pins.
for what in pins again reach dumpable; do
	alone "$what" "$notified" "$what"
done
both 'the messages of a sendmmsg' "$notified" messages

for places in 2 32 96; do
	out=$(CHECK_EXPECT=from "$sources/meet" "$places" "$notified" meet "$places" 2>&1)
	ok $? "$places calls are decided on at the same time" "$out"
done

# What a layer writes arrives where the thread that waits could have written itself.
out=$("$sources/answer" - "$notified" answered 2>&1)
ok $? 'a layer writes where its target may' "$out"
out=$("$sources/answer" "$TMPDIR/said" "$notified" reborn "$TMPDIR/said" 2>&1)
ok $? 'and to nobody that has the number of one that is gone' "$out"

# orphan STATUS WHAT [OPTION...]
orphan()
{
	local expected=$1 what=$2 command supervisor

	shift 2
	coproc CHECK_EXPECT=to "$PM" run "$@" --policy "$policy" -- "$notified" orphan
	command=$COPROC_PID
	read -r supervisor <&"${COPROC[0]}"
	is "$(cat "/proc/$supervisor/comm")" pointsman 'a supervisor is there'
	kill -KILL "$supervisor"
	wait "$command"
	is $? "$expected" "$what"
}
orphan 159 'its death kills who makes a call after it, by SIGSYS'
orphan 38 'or the calls answer ENOSYS' --keep-orphans

is "$("$PM" run --deny "$TMPDIR/denied" -- sh -c 'exit 7'; echo $?)" 7 'the status of a command'
is "$("$PM" run --deny "$TMPDIR/denied" -- sh -c 'kill -TERM $$'; echo $?)" 143 'and of one that is killed'

done_testing
