#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The memory that the kernel reads decided arguments from is attacked: with
# everything that can unmap, move, replace or write a mapping, once and beside
# calls, and in a forked child that does not inherit it.
# shellcheck source=tests/race/race.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/race/race.sh"

prepare_races
good=$TMPDIR/files/good
evil=$TMPDIR/files/evil

# By itself, on memory that is not protected, each does what it is to do.
while read -r attack; do
	what=$("$race/pins" bare "$attack" "$good" "$evil" 2>&1)
	status=$?
	if [ $status -ne 0 ] && [[ $attack == map_files && $what == *'not permitted'* ]]; then
		skip "$attack, bare" 'not root: map_files is for root'
	elif [ $status -ne 0 ] && [[ $attack =~ ^(madvise-guard|remap_file_pages|process_madvise)$ ]]; then
		skip "$attack, bare" "kernel: it is not there: $what"
	else
		ok $status "$attack, bare: $what" "$what"
	fi
done < <("$race/pins" list)

ways=("" --no-mseal)
# The kernel makes the pins then, and needs no mseal for it.
[ "${PM_BACKEND:-}" != notify ] || ways=("")

for way in "${ways[@]}"; do
	run=("$PM" run ${way:+"$way"} --policy "$TMPDIR/policy.yaml" -- "$race/pins")
	while read -r attack; do
		what=$("${run[@]}" once "$attack" "$good" "$evil" 2>&1)
		ok $? "$attack${way:+ with $way}: $what" "$what"
	done < <("$race/pins" list)
	line=$("${run[@]}" race $((10000 / part)) "$good" "$evil" 2>&1)
	verdict "all of them, beside calls${way:+ with $way}" "$line" pointsman
	line=$("${run[@]}" child $((20000 / part)) "$good" "$evil" 2>&1)
	verdict "a child with its own page there${way:+ with $way}" "$line" pointsman
	# The calls that move pins are refused without a seal, and this one is among them.
	[ -z "$way" ] || continue
	line=$("${run[@]}" child-process $((20000 / part)) "$good" "$evil" 2>&1)
	if [ $? -eq 4 ]; then
		skip 'a child with its own page there, by process_madvise' \
			"kernel: process_madvise keeps nothing from a fork"
	else
		verdict 'a child with its own page there, by process_madvise' "$line" pointsman
	fi
done
line=$("$race/pins" naive 1000000 "$good" "$evil" 2>&1)
verdict "a page that is not sealed" "$line" naive

done_testing
