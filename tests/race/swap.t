#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What a path leads to is swapped between the decision and the use: by a
# process that is supervised too, by one that is not, by a thread.  Denied
# content is never read and never runs.
# shellcheck source=tests/race/race.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/race/race.sh"

report=$TMPDIR/report
naive_tries=1000000

# The tree that swap.c describes.
mkdir -p "$TMPDIR/allowed/dir" "$TMPDIR/denied"
cp "$race/report" "$report"
for name in file file.still; do
	echo allowed >"$TMPDIR/allowed/$name"
	echo denied >"$TMPDIR/denied/$name"
done
for name in program program.still; do
	cp "$race/report-allowed" "$TMPDIR/allowed/$name"
	cp "$race/report-denied" "$TMPDIR/denied/$name"
done
for dir in allowed/dir denied; do
	printf 'long' >"$TMPDIR/$dir/long"
	echo victim >"$TMPDIR/$dir/victim"
done
printf '#!allowed/program.still\n' >"$TMPDIR/allowed/rewritten"
chmod 0755 "$TMPDIR/allowed/rewritten"
printf '#!%s good\n' "$report" >"$TMPDIR/allowed/script"
printf '#!%s evil\n' "$report" >"$TMPDIR/denied/script"
chmod 0755 "$TMPDIR/allowed/script" "$TMPDIR/denied/script"
cp "$TMPDIR/allowed/file" "$TMPDIR/allowed/program" "$TMPDIR/allowed/dir"
ln -s file.still "$TMPDIR/allowed/link"
ln -s ../denied/file "$TMPDIR/allowed/link.other"
ln -s ../denied "$TMPDIR/allowed/dir.other"
ln -s ../denied/file "$TMPDIR/allowed/file.other"
ln -s ../denied/program "$TMPDIR/allowed/program.other"
ln -s ../denied/script "$TMPDIR/allowed/script.other"
echo 'of no format' >"$TMPDIR/allowed/other"
chmod 0755 "$TMPDIR/allowed/other"
ln -s ../denied/program "$TMPDIR/allowed/other.other"

cat >"$TMPDIR/policy.yaml" <<EOF
version: 1
default: allow
rules:
  - class: [open-read, open-write, create, exec]
    tree: $TMPDIR/denied
    deny: EACCES
EOF

# Where a redirect leads is swapped: what stands there before is read by nobody.
echo denied >"$TMPDIR/to-file"
echo denied >"$TMPDIR/to-dir"
cat "$TMPDIR/policy.yaml" - >"$TMPDIR/redirect.yaml" <<EOF
  - path: $TMPDIR/to-file
    redirect: {path: $TMPDIR/allowed/file}
  - path: $TMPDIR/to-dir
    redirect: {path: $TMPDIR/allowed/dir/file}
EOF

cat >"$TMPDIR/confined.yaml" <<EOF
version: 1
defaults: {open-write: deny, create: deny, remove: deny, rename: deny}
rules:
  - class: [open-write, create, remove, rename]
    tree: $TMPDIR/allowed
    allow: true
EOF

cd "$TMPDIR" || exit 1
exec 8<allowed 9<denied

# Writing the audit takes a while, in which a script may be rewritten.
options=(--policy policy.yaml)

# attack WHAT KIND TRIES: flipped from outside and from inside
attack()
{
	local what=$1 kind=$2 tries=$(($3 / part)) outside line
	if [[ $kind != *-thread && $kind != *-process ]]; then
		for side in naive pointsman; do
			coproc "$race/swap" flip "$kind"
			outside=$COPROC_PID
			read -r line <&"${COPROC[0]}"
			if [ "$side" = naive ]; then
				line=$("$race/naive" --path "$TMPDIR/denied" \
					"$race/swap" win "$what" "$naive_tries" 2>&1)
			else
				line=$("$PM" run "${options[@]}" -- \
					"$race/swap" try "$what" "$tries" 2>&1)
			fi
			kill "$outside"
			wait "$outside" 2>/dev/null
			rm -f denied/created allowed/dir*/created
			verdict "$what, $kind by a process outside" "$line" "$side"
		done
	else
		line=$("$race/naive" --path "$TMPDIR/denied" \
			"$race/swap" win "$what" "$naive_tries" "$kind" 2>&1)
		verdict "$what, $kind" "$line" naive
	fi
	line=$("$PM" run "${options[@]}" -- "$race/swap" try "$what" "$tries" "$kind" 2>&1)
	rm -f denied/created allowed/dir*/created
	verdict "$what, $kind by one that is supervised" "$line" pointsman
}

attack open-link link 10000
attack openat2-link link 10000
attack path-link link 10000
attack open-link rename 10000
attack open-dir dir 10000
attack open-file file 10000
attack creat dir 10000
attack tmpfile dir 10000
attack create dir 10000
attack open-dirfd dirfd-thread 10000
attack open-dirfd dirfd-process 10000
attack open-cwd cwd-thread 10000
attack open-cwd cwd-process 10000
# A name that is a link when the policy is read stands for what it leads to, too: it is none.
redirected()
{
	local what=$1 kind=$2 line
	if [ -L "allowed/$kind" ]; then
		mv -T "allowed/$kind" allowed/exchanged
		mv -T "allowed/$kind.other" "allowed/$kind"
		mv -T allowed/exchanged "allowed/$kind.other"
	fi
	line=$("$PM" run --policy redirect.yaml -- \
		"$race/swap" try "$what" $((10000 / part)) "$kind" 2>&1)
	verdict "$what, $kind by one that is supervised" "$line" pointsman
}

redirected open-to-file file
redirected open-to-dir dir
attack exec program 5000
attack exec-dir dir 5000
attack exec-script script 5000
attack exec-other other 5000
attack exec-dirfd dirfd-thread 5000
attack exec-cwd cwd-thread 5000

options+=(--audit audit.json)
attack exec-rewritten rewritten 5000
rm -f audit.json

# What no call can be made to refuse: the link is followed, and it is Landlock
# that lets nothing come of it.
held()
{
	local what=$1 line
	line=$("$PM" run --no-landlock --policy confined.yaml -- \
		"$race/swap" win "$what" 100000 dir 2>&1)
	[[ $line = *' wins=1' ]]
	ok $? "$what: the attack wins where there is no Landlock" "$line"
	cp -p denied.before/* denied
	rmdir denied/made 2>/dev/null
	rm -f denied/moved
	line=$("$PM" run --policy confined.yaml -- "$race/swap" try "$what" $((5000 / part)) dir 2>&1)
	verdict "$what, dir, under Landlock" "$line" pointsman
}

if "$PM" run -v --policy confined.yaml -- true 2>&1 | grep -q ': landlock ('; then
	cp -pr denied denied.before
	for what in mkdir truncate unlink rename; do
		held "$what"
	done
else
	skip 'calls that follow a link' 'kernel: no Landlock'
fi

done_testing
