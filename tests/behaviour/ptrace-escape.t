#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Programs that are hostile to the one who mediates their calls.
# shellcheck source=tests/harness/tap.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/harness/tap.sh"

helpers=$PM_BUILD/tests/behaviour/src
export CHECK_FROM=/dev/null CHECK_DENIED=/dev/null CHECK_EXPECT=to
cd "$TMPDIR" || exit 1
mkdir forbidden allowed
echo allowed >allowed/file
echo forbidden >forbidden/file
policy=$TMPDIR/policy.yaml
cat >"$policy" <<EOT
version: 1
default: allow
rules:
  - class: [open-read, open-write, create]
    tree: $TMPDIR/forbidden
    deny: EACCES
  - class: [connect, send]
    address: 127.0.0.1:7641
    deny: EACCES
  - syscall: time
    redirect: { args: [ { index: 0, value: 0 } ] }
EOT
# To look at the directory itself is allowed.
sed -i "s|^rules:|&\n  - class: open-read\n    path: $TMPDIR/forbidden\n    allow: true|" "$policy"

ways=('' --own-listeners '--own-listeners --no-mseal')
# The kernel makes the pins then, and needs no mseal for it.
[ "${PM_BACKEND:-ptrace}" != notify ] || ways=("")

for way in "${ways[@]}"; do
	# shellcheck disable=SC2206 # options
	run=("$PM" run $way --policy "$policy" --)
	while read -r attack; do
		# Where a program may have no listener, those that need one are nothing.
		[ -n "$way" ] || [ "${PM_BACKEND:-ptrace}" = notify ] ||
			[[ $attack != *-listener && $attack != swapped-* ]] || continue
		out=$("${run[@]}" "$helpers/escape" "$attack" "$TMPDIR/forbidden" 2>&1)
		status=$?
		made=$(ls forbidden)
		rm -rf forbidden/escaped
		if [[ $out == 'skip: '* ]]; then
			skip "$attack${way:+, $way}" "${out#skip: }"
			continue
		fi
		[ "$status" -eq 0 ] && [ "$made" = file ]
		ok $? "$attack${way:+, $way}" "status $status, made $made" "$out"
	done < <("$helpers/escape")
	out=$("${run[@]}" "$helpers/ring" "$TMPDIR/forbidden/escaped" 2>&1)
	ok $? "a ring where the pins will be${way:+, $way}: $out" "$out"
done

done_testing
