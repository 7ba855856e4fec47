#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The benchmark measures what it says: each work item once with each opponent that is here,
# and a redirect that does not happen is a failure of the measurement, not a fast one.
# shellcheck source=tests/harness/tap.sh
. "${PM_SRC:-$(dirname "$0")/..}/tests/harness/tap.sh"

need jq strace

call=$PM_BUILD/bench/bench_call
results=$TMPDIR/out/results.json
printf 'redirected\n' >"$TMPDIR/right"
printf 'plain\n' >"$TMPDIR/wrong"

# What notices a redirect that does not happen.
"$call" -n 1 -e 'redirected
' open "$TMPDIR/right" >"$TMPDIR/said" 2>&1
is $? 0 'an open that leads where it should is measured'
ok "$([[ $(cat "$TMPDIR/said") =~ ^[0-9]+\.[0-9]\ [0-9]+\.[0-9]\ 2$ ]]; echo $?)" 'in nanoseconds, and how many calls there were' "$(cat "$TMPDIR/said")"
for work in open stat; do
	"$call" -n 1 -e 'redirected
' $work "$TMPDIR/wrong" >"$TMPDIR/said" 2>&1
	is $? 3 "$work: one that does not is none"
done
"$call" -n 1 -e 127.0.0.1:10 connect 127.0.0.1 11 >"$TMPDIR/said" 2>&1
is $? 3 'connect: one that does not is none'

# All of it; a failure of one of them is said on a line that begins so.
python3 "$PM_SRC/bench/run" --build "$PM_BUILD" --quick --groups calls,programs,start,counts,memory \
	--out "$TMPDIR/out" >"$TMPDIR/table" 2>"$TMPDIR/err"
is $? 0 'everything is measured with every opponent'
grep '^failed: ' "$TMPDIR/table" | sed 's/^/# /'
is "$(cat "$TMPDIR/err")" '' 'nothing but the table is said in a pipe'

# has OPPONENT WORK...: its figures are there
has()
{
	local opponent=$1 work
	shift
	for work; do
		jq -e --arg o "$opponent" --arg w "$work" \
			'any(.rows[]; .group != "counts" and .opponent == $o and .work == $w and .median > 0)' \
			"$results" >/dev/null || { echo "$work"; return 1; }
	done
}
plain='open stat fstat nothing connect exec start find python git-status git-log make tar'
while read -r opponent; do
	case $opponent in
	continue) works=$plain ;;
	addfd) works="$plain open-redirected connect-redirected" ;;
	bare | pointsman-*) works="$plain open-redirected stat-redirected connect-redirected" ;;
	*) works="$plain open-redirected stat-redirected" ;;
	esac
	# shellcheck disable=SC2086 # a list of words
	out=$(has "$opponent" $works)
	ok $? "$opponent: each work item has a figure" "none of: $out"
done < <(jq -r '.opponents[].name' "$results")
if [ "$(id -u)" = 0 ]; then
	jq -e 'all(.rows[] | select(.group == "counts"); .sum > 0) and
		any(.rows[]; .group == "counts" and .opponent == "pointsman-ptrace")' "$results" >/dev/null
	ok $? 'system calls of a supervisor are counted'
else
	skip 'system calls of a supervisor are counted' 'not root: it lets nobody else trace it'
fi

# What is not here is said to be missing, with what has it.
for name in PRoot bubblewrap fakechroot; do
	reason=$(jq -r --arg n "$name" '.missing[] | select(.opponent | startswith($n)) |
		(if .package == "" then "kernel: " else "" end) + .reason' "$results")
	if [ -n "$reason" ]; then
		skip "$name is compared with" "$reason"
	else
		ok "$(grep -q "$name" "$TMPDIR/table"; echo $?)" "$name is compared with"
	fi
done
python3 - "$PM_SRC/bench" "$PM_BUILD" >"$TMPDIR/missing" <<'END'
import os
import sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import opponents
os.environ['PATH'] = '/nowhere'
print([(one.name, one.package, one.missing()) for one in opponents.all_opponents(sys.argv[2])])
END
ok "$(grep -qF "('proot', 'proot', 'not installed'), ('bubblewrap', 'bubblewrap', 'not installed')" \
	"$TMPDIR/missing"; echo $?)" 'an opponent that is missing is said to be, with its package' \
	"$(cat "$TMPDIR/missing")"

# The judgement, and the page.
"$PM_SRC/bench/targets" "$results" >"$TMPDIR/targets"
ok "$(grep -Eq '^[0-9]+ reached, [0-9]+ missed, [0-9]+ not measured$' "$TMPDIR/targets"; echo $?)" \
	'figures are judged' "$(tail -n 3 "$TMPDIR/targets")"
cp "$PM_SRC/docs/performance.md" "$TMPDIR/page.md"
"$PM_SRC/bench/document" "$results" "$TMPDIR/page.md"
ok "$(grep -q 'QUICK: these say nothing' "$TMPDIR/page.md"; echo $?)" 'figures go into the page'
is "$(grep -c '^<!-- ' "$TMPDIR/page.md")" "$(grep -c '^<!-- ' "$PM_SRC/docs/performance.md")" \
	'between its markers, which stay'

done_testing
