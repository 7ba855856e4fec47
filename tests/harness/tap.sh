# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tap.sh - what TAP programs in bash share
#
#	. "${PM_SRC:?run by tests/harness/run}/tests/harness/tap.sh"
#
# Every program ends with done_testing, or begins with skip_all.

# The variables of tests/harness/run; a test may be run by hand without it.
PM_SRC=${PM_SRC:-$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)}
PM_BUILD=${PM_BUILD:-$PM_SRC/build}
PM=${PM:-$PM_BUILD/pointsman}
export PM_SRC PM_BUILD PM LC_ALL=C.UTF-8 TZ=UTC
set -u

tap_count=0
tap_failed=0

if [ -z "${TMPDIR:-}" ]; then
	TMPDIR=$(mktemp -d /tmp/pm-XXXXXX)
	export TMPDIR
	trap 'rm -rf "$TMPDIR"' EXIT
fi

diag()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

# pass WHAT
pass()
{
	tap_count=$((tap_count + 1))
	printf 'ok %d - %s\n' "$tap_count" "$1"
}

# fail WHAT [WHY...]
fail()
{
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	printf 'not ok %d - %s\n' "$tap_count" "$1"
	shift
	[ $# -eq 0 ] || diag "$@"
}

# ok STATUS WHAT [WHY...]: passes where STATUS is 0
ok()
{
	if [ "$1" -eq 0 ]; then
		pass "$2"
	else
		fail "$2" "status $1" "${@:3}"
	fi
}

# is GOT EXPECTED WHAT
is()
{
	if [ "$1" = "$2" ]; then
		pass "$3"
	else
		fail "$3" "got:      $1" "expected: $2"
	fi
}

# same FILE EXPECTED WHAT: both files have the same bytes
same()
{
	local difference

	if difference=$(diff -u --label expected --label got "$2" "$1" 2>&1); then
		pass "$3"
	else
		fail "$3" "$(printf '%s\n' "$difference" | head -n 40)"
	fi
}

# An address of this test's own in 127.0.0.0/8, so that two runs at a time do
# not want the same one.
own_address()
{
	printf '127.%d.%d.%d\n' $(($$ >> 16 & 127 | 64)) $(($$ >> 8 & 255)) $(($$ & 255))
}

# skip WHAT WHY: a reason that begins with "kernel: " is one that no
# installation of packages changes
skip()
{
	tap_count=$((tap_count + 1))
	printf 'ok %d - %s # SKIP %s\n' "$tap_count" "$1" "$2"
}

# skip_all WHY
skip_all()
{
	printf '1..0 # SKIP %s\n' "$1"
	exit 0
}

# need PROGRAM...: the whole test is skipped where one is not installed
need()
{
	local program

	for program; do
		command -v "$program" >/dev/null || skip_all "$program is not installed"
	done
}

# i386_runs: does this kernel run 32-bit programs, and take int 0x80?  It may have been built,
# or started, without.  The program is the smallest that ends by itself: exit(0).
i386_runs()
{
	local program=$TMPDIR/i386-runs

	{
		printf '\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x03\0\x01\0\0\0\x54\0\0\x10'
		printf '\x34\0\0\0\0\0\0\0\0\0\0\0\x34\0\x20\0\x01\0\0\0\0\0\0\0'
		printf '\x01\0\0\0\0\0\0\0\0\0\0\x10\0\0\0\x10\x5d\0\0\0\x5d\0\0\0\x05\0\0\0\0\x10\0\0'
		# mov $1, %eax; xor %ebx, %ebx; int $0x80
		printf '\xb8\x01\0\0\0\x31\xdb\xcd\x80'
	} >"$program"
	chmod 755 "$program"
	"$program" 2>/dev/null
}

# no_i386 WHAT: that cannot be tested here
no_i386()
{
	skip "$1" 'kernel: it runs no 32-bit programs'
}

# relay [BEFORE]: what a TAP program says on standard input is counted here, BEFORE before
# each name; succeeds where it has come to its plan
relay()
{
	local line plan=

	while IFS= read -r line; do
		case $line in
		'ok '*) pass "${1:-}${line#ok * - }" ;;
		'not ok '*) fail "${1:-}${line#not ok * - }" ;;
		1..*) plan=$line ;;
		*) echo "$line" ;;
		esac
	done
	[ -n "$plan" ]
}

done_testing()
{
	printf '1..%d\n' "$tap_count"
	[ "$tap_failed" -eq 0 ]
	exit
}
