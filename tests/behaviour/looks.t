#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Calls that only look at a file (stat, statx, access, readlink, and an open that
# finds none) answer what they do without pointsman, in every byte, whoever makes
# them in the end: with other rights, in a user namespace, with filters of the
# program's own, and of the file that a redirect leads to.
. "${PM_SRC:-$(cd "${0%/*}/../.." && pwd)}/tests/harness/tap.sh"

looks=$PM_BUILD/tests/behaviour/src/looks
chmod 0755 "$TMPDIR"
work=$TMPDIR/work
mkdir "$work" && cd "$work" || exit 1
"$looks" "$work" </dev/null >"$TMPDIR/first" || exit 1
cat >"$TMPDIR/all.yaml" <<'EOF2'
version: 1
rules:
  - {class: any-path, path: /none/such, redirect: {path: /none/other}}
EOF2
pm=("$PM" run --policy "$TMPDIR/all.yaml" --)

# Mounts by their order: a namespace of its own numbers them anew each time.
by_order()
{
	awk '{
		for (i = 1; i < NF; i++)
			if ($i == "mnt") {
				if (!($(i + 1) in order)) order[$(i + 1)] = ++n
				$(i + 1) = "#" order[$(i + 1)]
			}
		print
	}'
}

# as WHAT COMMAND...: looks through COMMAND, with pointsman around it and without
as()
{
	local what=$1

	shift
	if ! "$@" true 2>/dev/null; then
		skip "kernel: cannot be $what" "as $what"
		return
	fi
	# Before Linux 6.16 an exec under no_new_privs makes the effective ids the real ones.
	setpriv --no-new-privs "$@" "$looks" . </dev/null | "$mounts" >"$TMPDIR/bare"
	"${pm[@]}" "$@" "$looks" . </dev/null | "$mounts" >"$TMPDIR/got"
	same "$TMPDIR/got" "$TMPDIR/bare" "as $what: all answers are those without pointsman"
}

mounts=cat
as itself
is "$(grep -c ' = 0' "$TMPDIR/bare")" "$(grep -c ' = 0' "$TMPDIR/first")" \
	'many files are there to be looked at'
if [ "$(id -u)" = 0 ]; then
	as 'another user' setpriv --reuid 65534 --regid 65534 --clear-groups
	as 'root without capabilities' setpriv --bounding-set=-all --inh-caps=-all
	as 'root that is another user' setpriv --ruid 65534
	as 'another user that is root' setpriv --euid 65534
	as 'root that stays so' setpriv --ruid 65534 --securebits +no_setuid_fixup
	as 'root that has put capabilities down' env LOOKS_WITHOUT=effective
	as 'root that has given capabilities away' env LOOKS_WITHOUT=permitted
	setpriv --reuid 65534 --regid 65534 --clear-groups "$looks" . </dev/null >"$TMPDIR/bare"
	setpriv --reuid 65534 --regid 65534 --clear-groups "${pm[@]}" "$looks" . </dev/null \
		>"$TMPDIR/got"
	same "$TMPDIR/got" "$TMPDIR/bare" 'a supervisor without rights: all answers are the same'
fi
as 'nobody in a user namespace' unshare -U
as 'root of a user namespace' unshare -Ur
mounts=by_order
as 'one with a mount namespace' unshare -m

# A redirect: what is looked at is the other file, as it is seen without pointsman.
cat >"$TMPDIR/there.yaml" <<EOF2
version: 1
rules:
  - {class: any-path, path: "$work/there", redirect: {path: "$work/file"}}
  - {class: any-path, path: "$work/there-link", redirect: {path: "$work/link"}}
  - {class: any-path, path: "$work/no-more", redirect: {path: "$work/none"}}
EOF2
shown="%n %i %s %f %u %g %h %y"
for path in there:file there-link:link no-more:none; do
	stat -c "$shown" "${path#*:}" 2>&1 | sed "s/${path#*:}/it/" >"$TMPDIR/bare"
	"$PM" run --policy "$TMPDIR/there.yaml" -- stat -c "$shown" "${path%:*}" 2>&1 |
		sed "s/${path%:*}/it/" >"$TMPDIR/got"
	same "$TMPDIR/got" "$TMPDIR/bare" "${path%:*} looks as ${path#*:} does"
done
is "$("$PM" run --policy "$TMPDIR/there.yaml" -- readlink there-link)" file \
	'a link that a redirect leads to is read'

# The audit says what was looked at, and what was answered.  On the notify backend the call runs
# by its name, and nobody sees how it ends.
holds=file
[ "${PM_BACKEND:-}" != notify ] || holds=name
"$PM" run --policy "$TMPDIR/there.yaml" --audit "$TMPDIR/audit.jsonl" -- stat there >/dev/null
line=$(grep '"call":"statx"' "$TMPDIR/audit.jsonl" | grep '"text":"there"')
is "$(grep -c '"ran":.*"name":"[^"]*/work/file".*"holds":"'$holds'"' <<<"$line")" 1 \
	'the audit tells the file that a redirect leads to'
id=$(sed -n 's/.*"id":\([0-9]*\),.*/\1/p' <<<"$line" | head -n 1)
results=$(grep '"type":"result"' "$TMPDIR/audit.jsonl" | grep "\"id\":$id," | grep -c '"result":0')
if [ $holds = file ]; then
	is "$results" 1 'and its result'
else
	is "$results" 0 'and no result, which it does not know'
fi

done_testing
