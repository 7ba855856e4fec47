#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The comparison of tests/programs says no where pointsman does wrong: each rule
# ignored, each redirect to the wrong place, another error, nothing mediated.
# shellcheck source=tests/programs/programs.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/programs/programs.sh"

# shellcheck disable=SC2016 # expanded by the script
echo 'cat <"$INPUT/probe"; cat <"$HIDDEN/probe"; for i in 1 2 3 4 5; do [ -e "$i" ]; done; touch made' \
	>"$FILES/script"
cp "$TMPDIR/policy.yaml" "$TMPDIR/policy.right"
right=$PM

# said: what the comparison prints
said()
{
	(tap_count=0; compare mutant 0 '*/bash' bash "$INPUT/script" 2>&1)
}

# noticed WHAT: the comparison fails, and not of the run without pointsman
noticed()
{
	local out
	out=$(said)
	grep -q '^not ok [2-9] ' <<<"$out" && ! grep -q '^not ok 1 ' <<<"$out"
	ok $? "$1" "$out"
	cp "$TMPDIR/policy.right" "$TMPDIR/policy.yaml"
	PM=$right
}

# without N: the policy without its rule N
without()
{
	awk -v drop="$1" '/^  - / { n++ } n != drop' "$TMPDIR/policy.right" >"$TMPDIR/policy.yaml"
}

# instead OLD NEW: a text of the policy is another
instead()
{
	sed "s|$1|$2|" "$TMPDIR/policy.right" >"$TMPDIR/policy.yaml"
	! cmp -s "$TMPDIR/policy.right" "$TMPDIR/policy.yaml" || fail "no $1 in the policy"
}

# broken TEXT: a pointsman that is a script; what it is given is run by "$right" "$@"
broken()
{
	printf '#!/bin/bash\nright=%s\n%s\n' "$right" "$1" >"$TMPDIR/broken"
	chmod +x "$TMPDIR/broken"
	PM=$TMPDIR/broken
}

out=$(said)
! grep -q '^not ok' <<<"$out" && [ "$(grep -c '^ok' <<<"$out")" = 6 ]
ok $? 'the right pointsman passes' "$out"

is "$(grep -c '^  - ' "$TMPDIR/policy.right")" 10 'the policy has ten rules'
for n in 1 2 3 4 5 6 7 8 9 10; do
	without "$n"
	noticed "rule $n ignored"
done

echo wrong >"$TMPDIR/wrong"
instead "tree: $TMPDIR/elsewhere" "tree: $TMPDIR/bin"
noticed 'a tree redirected to another one'
instead "path: $MARKER.instead" "path: $TMPDIR/wrong"
noticed 'a file redirected to another one'
instead "program: $TOOL.instead" 'program: /bin/true'
noticed 'a program redirected to another one'
instead 'TOOL_IS: redirected' 'TOOL_IS: wrong'
noticed 'another variable set'
instead "address: $SERVER" 'address: 255.255.255.255'
noticed 'an address redirected to another one'
for error in ENOENT EISDIR EACCES ECONNREFUSED; do
	instead "deny: $error" 'deny: EDOM'
	noticed "another error than $error"
done

# shellcheck disable=SC2016 # expanded by the script that is made
{
	broken 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"'
	noticed 'nothing mediated'
	broken '"$right" "$@"; s=$?; echo more; exit $s'
	noticed 'more on standard output'
	broken '"$right" "$@"; s=$?; echo more >&2; exit $s'
	noticed 'more on standard error'
	broken '"$right" "$@"; exit 1'
	noticed 'another exit status'
	broken '"$right" "$@"; s=$?; rm made; exit $s'
	noticed 'a file gone'
	broken '"$right" "$@"; s=$?; grep -v "\"verdict\":\"deny\"" ../audit >../less; mv ../less ../audit; exit $s'
	noticed 'denied calls missing from the audit'
}
done_testing
