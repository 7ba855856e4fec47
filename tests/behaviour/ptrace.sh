# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# ptrace.sh - what ptrace*.t share: every check runs by itself and supervised

# shellcheck source=tests/harness/tap.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/harness/tap.sh"

helpers=$PM_BUILD/tests/behaviour/src
# Which one is tested: what only ptrace needs is left out elsewhere.
# shellcheck disable=SC2034 # for those who read this file
backend=${PM_BACKEND:-ptrace}

export CHECK_FROM=$TMPDIR/from CHECK_DENIED=$TMPDIR/denied CHECK_EXPECT=from
echo from >"$CHECK_FROM"
echo to >"$TMPDIR/to"
echo denied >"$CHECK_DENIED"
policy=$TMPDIR/policy.yaml
cat >"$policy" <<EOF
version: 1
default: allow
rules:
  - class: open-read
    path: $TMPDIR/from
    redirect: { path: $TMPDIR/to }
  - class: open-read
    path: $TMPDIR/denied
    deny: EACCES
  - class: [connect, send]
    address: 127.0.0.1:7641
    deny: EACCES
EOF
cd "$TMPDIR" || exit 1

# supervised COMMAND...
options=()
supervised()
{
	CHECK_EXPECT=to "$PM" run "${options[@]}" --policy "$policy" -- "$@"
}

# both WHAT COMMAND...: succeeds by itself, and supervised
both()
{
	local what=$1 out
	shift
	out=$("$@" 2>&1)
	ok $? "$what, by itself" "$out"
	out=$(supervised "$@" 2>&1)
	ok $? "$what" "$out"
}

# alone WHAT COMMAND...: succeeds supervised; by itself it is another thing
alone()
{
	local what=$1 out
	shift
	out=$(supervised "$@" 2>&1)
	ok $? "$what" "$out"
}

# supervisor_of PID: who traces it; on the notify backend nobody does, and the
# machine is this test's alone
supervisor_of()
{
	local tracer proc comm

	tracer=$(sed -n 's/^TracerPid:\s*//p' "/proc/$1/status")
	if [ "$backend" = notify ]; then
		for proc in /proc/[0-9]*; do
			read -r comm <"$proc/comm" && [ "$comm" = pointsman ] &&
				tracer=${proc#/proc/}
		done 2>/dev/null
	fi
	echo "$tracer"
}
