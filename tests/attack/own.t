#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A program against who decides: filters of its own that redirect, and the death of the
# supervisor by its hand.
# shellcheck source=tests/attack/attack.sh
. "${PM_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/attack/attack.sh"

prepare_races
good=$TMPDIR/files/good evil=$TMPDIR/files/evil
run=("$PM" run --policy "$TMPDIR/policy.yaml" --)

for way in path number changed; do
	line=$("$attack/filters" $way 100 "$good" "$evil" 2>&1)
	if [[ $line == *'refused=100 ran=1 '* ]]; then
		skip "a filter that redirects: $way" 'kernel: listeners do not redirect'
	else
		verdict "a filter that redirects: $way" "$line" naive
	fi
	line=$("${run[@]}" "$attack/filters" $way "$(tries 500)" "$good" "$evil" 2>&1) || line+=" (status $?)"
	verdict "a filter that redirects: $way" "$line" pointsman
done

# Programs do not outlive it, and nothing undecided runs between its death and theirs.
won=$TMPDIR/won
(ulimit -c 0; exec "$attack/orphan" 0 "$evil" "$won" bare) >/dev/null 2>&1
[ -s "$won" ]
ok $? 'a program that nobody decides on opens what it likes'
rm -f "$won"
# strace refuses it, too; what it traces goes on without it.
if command -v strace >/dev/null; then
	(ulimit -c 0; exec strace -f -o /dev/null -P "$evil" -e inject=openat:error=EACCES \
		"$attack/orphan" 20000 "$evil" "$won") >/dev/null 2>"$TMPDIR/said"
	status=$?
	for ((i = 0; i < 600; i++)); do
		[ ! -s "$won" ] || break
		sleep 0.1
	done
	[ $status -eq 137 ] && [ -s "$won" ]
	ok $? 'a program that kills strace opens what that had refused' "$(cat "$TMPDIR/said")"
else
	skip 'a program that kills strace' 'prerequisite: no strace'
fi
rm -f "$won"
count=$(tries 40 100) killed=0
for ((i = 0; i < count; i++)); do
	"${run[@]}" "$attack/orphan" $((i * 53 % 2000)) "$evil" "$won" >/dev/null 2>"$TMPDIR/said" &
	wait $!
	status=$?
	[ $status -ne 137 ] && [ $status -ne 159 ] || killed=$((killed + 1))
done 2>/dev/null
is "$killed" "$count" "programs that kill their supervisor end with it: $count of them"
[ ! -s "$won" ]
ok $? 'and opened nothing that is denied' "$(wc -l <"$won" 2>/dev/null) times"

done_testing
