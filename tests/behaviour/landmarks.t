#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Where a name leads may be known from the calls before, but never for longer than it leads
# there: directories on the way are moved, replaced, removed, closed and mounted over, by the
# program and by others, and the next call sees it.
. "${PM_SRC:-$(cd "${0%/*}/../.." && pwd)}/tests/harness/tap.sh"

landmarks=$PM_BUILD/tests/behaviour/src/landmarks
chmod 0755 "$TMPDIR"
cat >"$TMPDIR/policy.yaml" <<EOF
version: 1
rules:
  - {class: any-path, path: /none/such, redirect: {path: /none/other}}
EOF
pm=("$PM" run --policy "$TMPDIR/policy.yaml" --)

# alike WHAT COMMAND...: the directory comes last, and is another one each time
alike()
{
	local what=$1 way count
	shift
	for way in bare supervised; do
		rm -rf "$TMPDIR/tree"
		mkdir "$TMPDIR/tree"
		chmod 0777 "$TMPDIR/tree"
		"$@" $way >"$TMPDIR/$way" 2>&1
		ok $? "$what, $way" "$(tail -n 3 "$TMPDIR/$way")"
	done
	count=$(grep -c lstat "$TMPDIR/bare")
	same "$TMPDIR/supervised" "$TMPDIR/bare" "$what: what $count looks see"
}

# with WAY [COMMAND...]: supervised where that is the way
with()
{
	local way=$1
	shift
	if [ "$way" = bare ]; then "$@"; else "${pm[@]}" "$@"; fi
}

itself()
{
	with "$1" "$landmarks" "$TMPDIR/tree"
}
alike 'its own changes' itself

# Another process, which is not supervised, makes them when it is asked to.
by_another()
{
	local requests status
	coproc "$landmarks" "$TMPDIR/tree" serves
	# shellcheck disable=SC2153 # coproc names them
	requests=${COPROC[1]}
	with "$1" "$landmarks" "$TMPDIR/tree" asks <&"${COPROC[0]}" >&"$requests"
	status=$?
	exec {requests}>&-
	wait "$COPROC_PID" && return $status
}
alike 'changes of another one' by_another

if [ "$(id -u)" = 0 ]; then
	as_other()
	{
		setpriv --reuid 65534 --regid 65534 --clear-groups "$BASH" -c "$(declare -p pm landmarks TMPDIR
			declare -f with itself); itself $1"
	}
	alike 'as another user' as_other
	inside()
	{
		with "$1" setpriv --reuid 65534 --regid 65534 --clear-groups "$landmarks" "$TMPDIR/tree"
	}
	alike 'as another user than the supervisor' inside
fi

# From the root, which is kept, a path leads into another file system, with names of its own.
cat >"$TMPDIR/own.yaml" <<EOF
version: 1
rules:
  - {class: any-path, path: /proc/self/status, deny: EACCES}
EOF
# shellcheck disable=SC2016 # a script of its own
script='cd /
for i in $(seq 300); do [ -e etc/passwd ]; done
for status in proc/$$/status proc/1/status; do
	if read -r name <$status; then echo read; else echo denied; fi
done'
is "$("$PM" run --policy "$TMPDIR/own.yaml" -- sh -c "$script" 2>"$TMPDIR/complaints" | xargs)" \
	'denied read' 'a file of /proc that is the process itself is known by that name too'
is "$(grep -c 'Permission denied' "$TMPDIR/complaints")" 1 'and what is said is why'

if unshare -m true 2>/dev/null; then
	mounts()
	{
		unshare -m "$BASH" -c "$(declare -p pm landmarks TMPDIR; declare -f with)
			with $1 \"\$landmarks\" \"\$TMPDIR/tree\" mounts"
	}
	alike 'and mounts' mounts
	own_mounts()
	{
		with "$1" unshare -m "$landmarks" "$TMPDIR/tree" mounts
	}
	alike 'in a mount namespace of its own' own_mounts
else
	skip 'kernel: no mount namespace can be made' 'and mounts'
fi

done_testing
