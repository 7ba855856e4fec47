#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# However vm/run ends, its machine ends too, and nothing is left of it.
set -euo pipefail
# shellcheck source=tap.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/tap.sh"

export TMPDIR=$scratch/tmp
mkdir "$TMPDIR"
err=

# start NAME COMMAND…: a run in the background, until the command has said something.
# Its machine is known by a word on its kernel's command line.
start() {
	mark=pointsman-test-$$-$1
	shift
	mkfifo "$scratch/fifo"
	# Of a background job a shell ignores SIGINT; a program started so keeps that.
	env --default-signal=INT "$top/vm/run" "${kernel[@]}" --timeout 120 --append "$mark" -- "$@" \
		> "$scratch/fifo" 2> "$scratch/err" </dev/null &
	pid=$!
	exec 3< "$scratch/fifo"
	rm "$scratch/fifo"
	read -r line <&3 || line=
}

# The processes that have the word in their command line.
machines() {
	local file words

	for file in /proc/[0-9]*/cmdline; do
		{ mapfile -d '' -t words < "$file"; } 2>/dev/null || continue
		case "${words[*]}" in
		*"$mark"*) echo "${words[*]:0:2}" ;;
		esac
	done
}

# ended NAME STATUS: as it should be, with no machine after a bounded wait.
ended() {
	local deadline=$((SECONDS + 60))

	status=0
	wait "$pid" 2>/dev/null || status=$?
	exec 3<&-
	is "$1: the status" "$line $status" "started $2"
	while [ -n "$(machines)" ] && [ "$SECONDS" -lt "$deadline" ]; do
		sleep 0.1
	done
	is "$1: no machine is left" "$(machines)" ''
	is "$1: no file is left" "$(ls -A "$TMPDIR")" ''
}

for signal in INT TERM HUP KILL; do
	start "$signal" sh -c 'echo started; sleep 1000'
	kill -s "$signal" "$pid"
	ended "SIG$signal" $((128 + $(kill -l "$signal")))
done

start reader sh -c 'echo started; yes'
exec 3<&-
ended 'a reader that has gone' 141

# What nobody reads is no reason to wait longer.
mark=pointsman-test-$$-limit
mkfifo "$scratch/fifo"
"$top/vm/run" "${kernel[@]}" --timeout 15 --append "$mark" -- sh -c 'echo started; yes' \
	> "$scratch/fifo" 2> "$scratch/err" </dev/null &
pid=$!
exec 3< "$scratch/fifo"
rm "$scratch/fifo"
read -r line <&3 || line=
ended 'a reader that does not read, and the time limit' 125
has 'and it is said' "$(cat "$scratch/err")" 'the time limit was reached'

done_testing
