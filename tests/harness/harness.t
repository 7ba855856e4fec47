#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The harness counts as failed what failed in any way, and leaves nothing behind.
# shellcheck disable=SC2016 # expanded by the programs that are made
# shellcheck source=tests/harness/tap.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/harness/tap.sh"

run=$PM_SRC/tests/harness/run
build=$TMPDIR/build
mkdir "$TMPDIR/t" "$TMPDIR/tmp"
cd "$TMPDIR/t" || exit 1

# program NAME TEXT: a test program
program()
{
	printf '#!/bin/bash\n%s\n' "$2" >"$1"
	chmod +x "$1"
}

# harness WORDS...: what the harness says; WORDS may begin with variables
harness()
{
	out=$(env -u PM_TIME_SCALE -u PM_MUST_WORK CI=false TMPDIR="$TMPDIR/tmp" "${vars[@]}" \
		"$run" --build "$build" "$@" 2>&1)
	status=$?
	last=${out##*$'\n'}
}
vars=()

# counts WHAT LAST-LINE [PATTERN]: of a program "t"; the exit status follows it
counts()
{
	local expected=0
	harness t
	[[ $2 == *' 0 failed, '* ]] || expected=1
	is "$last, status $status" "$2, status $expected" "$1"
	[ $# -lt 3 ] || { grep -qE -- "$3" <<<"$out"; ok $? "$1: says so" "$out"; }
}

program t 'echo ok 1 - a; echo ok 2 - b; echo 1..2'
counts 'all is well' '2 passed, 0 failed, 0 skipped'
program t 'echo 1..2; echo ok 1 - a; echo not ok 2 - b; exit 1'
counts 'one fails' '1 passed, 1 failed, 0 skipped' '^ *2 - b$'
program t 'echo 1..2; echo ok 1 - a; echo not ok 2 - b; exit 0'
counts 'one fails, and the status does not say so' '1 passed, 1 failed, 0 skipped'
program t 'echo 1..1; echo ok 1 - a; exit 3'
counts 'a bad exit status' '1 passed, 1 failed, 0 skipped' 'ended with status 3'
program t 'echo 1..1; echo ok 1 - a; kill -SEGV $$'
counts 'death by a signal' '1 passed, 1 failed, 0 skipped' 'ended with status 139'
program t 'echo 1..4; echo ok 1 - a; kill -KILL $$'
counts 'death before the end of the plan' '1 passed, 3 failed, 0 skipped' 'planned and not run: 4'
program t ':'
counts 'nothing printed' '0 passed, 1 failed, 0 skipped' 'No plan'
program t 'echo hello'
counts 'no plan and no tests' '0 passed, 1 failed, 0 skipped' 'No plan'
program t 'echo ok 1 - a'
counts 'no plan' '1 passed, 1 failed, 0 skipped' 'No plan'
program t 'echo 1..3; echo ok 1 - a'
counts 'fewer than planned' '1 passed, 2 failed, 0 skipped'
program t 'echo 1..1; echo ok 1 - a; echo ok 2 - b'
counts 'more than planned' '2 passed, 1 failed, 0 skipped'
program t 'echo 1..2; echo ok 1 - a; echo ok 1 - a'
counts 'a number twice' '2 passed, 1 failed, 0 skipped'
program t 'echo 1..0'
counts 'a plan of none' '0 passed, 1 failed, 0 skipped' 'without a reason'
program t 'echo 1..2; echo ok 1 - a; echo "Bail out! no more"'
counts 'bailing out' '1 passed, 2 failed, 0 skipped' 'bailed out: no more'
program t 'echo 1..1; echo "not ok 1 - a # TODO later"'
counts 'a failure that is called to do' '0 passed, 1 failed, 0 skipped' 'TODO'
program t 'echo 1..1; printf "ok 1 - a"'
counts 'a last line that does not end' '1 passed, 0 failed, 0 skipped'
rm t
counts 'not there' '0 passed, 1 failed, 0 skipped'
echo 'echo 1..1; echo ok 1' >t
counts 'not a program' '0 passed, 1 failed, 0 skipped'
rm t
mkdir t
counts 'a directory' '0 passed, 1 failed, 0 skipped'
rmdir t
harness
is "$last, status $status" '0 passed, 1 failed, 0 skipped, status 1' 'no tests at all'

# Skips are counted and named; where all must work they are failures, but those of the list.
program t 'echo 1..2; echo ok 1 - a; echo "ok 2 - b # SKIP no such thing"'
counts 'a skip' '1 passed, 0 failed, 1 skipped' '^  .*t: no such thing$'
program t 'echo 1..2; echo "not ok 1 # SKIP a"; echo "ok 2 - b # SKIP"'
counts 'skips as cmocka has them, and one without a reason' '0 passed, 0 failed, 2 skipped' ': - b$'
program t 'echo 1..3; echo "not ok 1 # SKIP a"; echo kernel: no such call; echo "not ok 2 # SKIP b"; echo kernel: none; echo "ok 3 # SKIP c"'
vars=(CI=true)
counts 'the reason that cmocka prints before a skip is of that one' '0 passed, 1 failed, 2 skipped' '^  .*t: kernel: no such call$'
vars=()
program t 'echo "1..0 # SKIP nothing works"'
counts 'a skip of all' '0 passed, 0 failed, 1 skipped' '^  .*t: nothing works$'
for var in CI=true PM_MUST_WORK=1; do
	vars=("$var")
	counts "$var: a skip of all" '0 passed, 1 failed, 0 skipped' 'must not be skipped here: nothing works'
done
program t 'echo 1..3; echo ok 1 - a; echo "ok 2 - b # SKIP no such thing"; echo "ok 3 # SKIP kernel: too old"'
counts 'a skip of the list, and one that is not' '1 passed, 1 failed, 1 skipped' 'must not be skipped here: no such thing'
vars=()

# Limits: 120 seconds, scaled.
vars=(PM_TIME_SCALE=0.005)
program t 'echo 1..2; echo ok 1 - a; sleep 1000'
counts 'a program that does not end' '1 passed, 1 failed, 0 skipped' 'planned and not run: 2'
grep -q '^# limit: not done after 0.6 s; running: .*sleep' "$build"/logs/*t.log
ok $? 'its log says what was running' "$(cat "$build"/logs/*t.log)"
program t 'echo 1..1; echo ok 1 - a; (trap "" HUP TERM; sleep 1003 & setsid sleep 1003 &) >/dev/null 2>&1'
counts 'processes left behind' '1 passed, 1 failed, 0 skipped' 'ended with status 123'
is "$(pgrep -xf 'sleep 100[03]')" '' 'they are killed'
vars=()

program t 'echo 1..1; echo "ok 1 - $TMPDIR"; touch "$TMPDIR/file"; mkdir -m 0 "$TMPDIR/closed"; echo to standard error >&2'
counts 'a program with files' '1 passed, 0 failed, 0 skipped'
grep -q "^ok 1 - $TMPDIR/tmp/pm-" "$build"/logs/*t.log && grep -qx 'to standard error' "$build"/logs/*t.log
ok $? 'all that it prints is in the log' "$(cat "$build"/logs/*t.log)"
is "$(ls -A "$TMPDIR/tmp")" '' 'its directory is gone'

program t 'echo 1..1; echo ok 1 - a'
program u 'echo 1..2; echo ok 1 - a; echo not ok 2 - b; exit 1'
program v 'echo 1..2; echo ok 1 - a; echo ok 2 "# SKIP c"'
program w 'echo 1..2; echo ok 1 - a; echo Bail out!'
for jobs in 1 2; do
	harness -j "$jobs" ./t ./u ./v
	is "$last" '3 passed, 1 failed, 1 skipped' "three programs, $jobs at a time"
done
harness ./w ./t ./u
is "$last, status $status" '1 passed, 4 failed, 0 skipped, status 1' 'what is not run after a program that bails out has failed'
harness ./t ./t
[ "$status" != 0 ] && [[ $last == *'given twice'* ]]
ok $? 'a program that is given twice is refused' "$out"

# Interrupted: everything is killed, and says nothing of success.
program t 'echo 1..2; echo ok 1 - a; sleep 1001 & touch "$STARTED"; wait'
export STARTED=$TMPDIR/started
env TMPDIR="$TMPDIR/tmp" "$run" --build "$build" ./t >"$TMPDIR/out" 2>&1 &
pid=$!
until [ -e "$STARTED" ]; do sleep 0.01; done
kill -TERM "$(pgrep -P "$pid" -f harness/limit)"
wait "$pid"
is "$? $(tail -n 1 "$TMPDIR/out")" '1 1 passed, 1 failed, 0 skipped' 'a limit that is ended'
is "$(pgrep -xf 'sleep 1001')" '' 'what ran is killed'
is "$(ls -A "$TMPDIR/tmp")" '' 'the directory is gone'
done_testing
