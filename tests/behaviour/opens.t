#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Opens that only read come to the same as without pointsman, whoever makes them: with other
# ids, groups and capabilities, restricted by itself, where somebody has a lease on the file
# or is asked about each open.
# shellcheck source=tests/behaviour/ptrace.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/behaviour/ptrace.sh"

opens=$helpers/opens
chmod 0755 "$TMPDIR"
mkdir work work/tree && cd work || exit 1
echo file >file
echo secret >secret
echo group >group
echo in >tree/in
ln -s file link
mkfifo fifo
chmod 0777 .
chmod 0 secret
chmod 0040 group
if [ "$(id -u)" = 0 ]; then
	chown 4713 secret
	chown 4713:4711 group
fi
cat >"$policy" <<EOF
version: 1
default: allow
rules:
  - class: any-path
    path: $TMPDIR/denied
    deny: EACCES
  - class: open-read
    path: $TMPDIR/from
    redirect: { path: $TMPDIR/to }
EOF

# alike WHAT OPTIONS -- COMMAND...: prints the same supervised and by itself
alike()
{
	local what=$1
	shift
	options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	timeout 60 "$@" >"$TMPDIR/itself" 2>&1
	ok $? "$what, by itself" "$(tail -n 3 "$TMPDIR/itself")"
	supervised timeout 60 "$@" >"$TMPDIR/supervised" 2>&1
	ok $? "$what${options:+, ${options[*]}}" "$(tail -n 3 "$TMPDIR/supervised")"
	sed -i 's|/proc/[0-9]*/|/proc/PID/|' "$TMPDIR/itself" "$TMPDIR/supervised"
	same "$TMPDIR/supervised" "$TMPDIR/itself" "$what${options:+, ${options[*]}}: all of it"
}

for what in plain lease watched landlock; do
	alike "$what" -- "$opens" "$what" "$PWD"
done
if [ "$(id -u)" = 0 ]; then
	for what in fsuid capabilities noroot groups group; do
		alike "$what" -- "$opens" "$what" "$PWD"
	done
	for what in plain landlock; do
		alike "$what as another user" -- setpriv --reuid 4712 --regid 4712 --clear-groups \
			"$opens" "$what" "$PWD"
	done
else
	skip 'other ids' 'kernel: no root, who may become another user'
fi
alike 'in a user namespace' -- unshare --user --map-root-user "$opens" plain "$PWD"
# By a supervisor that runs when nobody else wants to: whoever has an answer goes on first.
only=$(taskset -pc $$ | sed 's/.*: //; s/[-,].*//')
printf '#!/bin/sh\nexec taskset -c %s chrt --idle 0 %s "$@"\n' "$only" "$PM" >"$TMPDIR/idle"
chmod +x "$TMPDIR/idle"
PM=$TMPDIR/idle alike 'closed' -- chrt --other 0 "$opens" closed "$PWD"
alike 'a listener' --own-listeners -- "$opens" listener "$PWD"
# What was redirected the last time need not be so now: the same words lead elsewhere.
mkdir "$TMPDIR/beside"
echo beside >"$TMPDIR/beside/from"
options=()
# shellcheck disable=SC2016 # a script of its own
script='for i in $(seq 200); do
	cd "$1"
	read -r first <from
	cd beside
	read -r second <from
	echo "$first $second"
done'
is "$(supervised sh -c "$script" sh "$TMPDIR" | uniq -c | xargs)" '200 to beside' \
	'one spelling, redirected in one directory and not in the other'
if [ "$backend" = ptrace ] && [[ $PM != *-own-listeners ]]; then
	options=()
	is "$(supervised "$opens" listener "$PWD")" 'Device or resource busy' \
		'the supervisor has the one listener'
fi

done_testing
