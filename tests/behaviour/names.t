#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What is denied gets no other name.  Each way to give it one works where nothing
# is denied, and is refused where something is.
. "${PM_SRC:-$(cd "${0%/*}/../.." && pwd)}/tests/harness/tap.sh"

need python3 unshare
work=$TMPDIR/work
cat >"$TMPDIR/policy.yaml" <<EOF
version: 1
rules:
  - class: open-read
    tree: $work/dir/private
    deny: EPERM
EOF
cat >"$TMPDIR/allowed.yaml" <<EOF
version: 1
rules:
  - class: [rename, mount, chroot]
    allow: true
  - class: open-read
    tree: $work/dir/private
    deny: EPERM
EOF

# A user of a namespace of its own can mount; so can root.
inside=(unshare -m)
[ "$(id -u)" = 0 ] || inside=(unshare -rm)

fresh()
{
	rm -rf "$work"
	mkdir -p "$work/dir/private" "$work/mnt" "$work/top"
	echo secret >"$work/dir/private/file"
	cd "$work" || exit 1
}

# attempt NAME SCRIPT [COMMAND...]: it prints "secret" where nothing is denied
attempt()
{
	local name=$1 script=$2 got
	shift 2
	fresh
	got=$("$@" sh -c "$script" 2>&1)
	if [ "$got" != secret ]; then
		if [ $# -gt 0 ] && ! "$@" true 2>/dev/null; then
			skip "$name" "kernel: no namespace to mount in"
		else
			fail "$name: works where nothing is denied" "$got"
		fi
		return
	fi
	pass "$name: works where nothing is denied"
	fresh
	got=$("$PM" run --policy "$TMPDIR/policy.yaml" -- "$@" sh -c "$script" 2>&1)
	case $got in
	*secret) fail "$name: is refused where it is denied" "$got" ;;
	*) pass "$name: is refused where it is denied" ;;
	esac
}

fresh
is "$("$PM" run --policy "$TMPDIR/policy.yaml" -- cat dir/private/file 2>&1)" \
	'cat: dir/private/file: Operation not permitted' 'the file is denied'
attempt 'a rename' 'mv dir/private/file dir/x && cat dir/x'
attempt 'a rename of the directory' 'mv dir/private dir/x && cat dir/x/file'
attempt 'a rename of the directory above' 'mv dir x && cat x/private/file'
attempt 'two that change places' 'mkdir x && python3 -c "
import ctypes
libc = ctypes.CDLL(None)
exit(libc.syscall(316, -100, b\"x\", -100, b\"dir\", 2))" && cat x/private/file'
attempt 'a hard link' 'ln dir/private/file x && cat x'
attempt 'a bind mount' 'mount --bind dir mnt && cat mnt/private/file' "${inside[@]}"
attempt 'a bind mount of the file' \
	'touch x && mount --bind dir/private/file x && cat x' "${inside[@]}"
attempt 'a bind mount of all' "mount --rbind / mnt && cat 'mnt$work/dir/private/file'" \
	"${inside[@]}"
attempt 'an overlay' 'mount -t overlay -o lowerdir=dir:top none mnt && cat mnt/private/file' \
	"${inside[@]}"
attempt 'the tree as the root' 'python3 -c "
import os
os.chroot(\"dir/private\")
print(open(\"/file\").read(), end=\"\")"' "${inside[@]}"
attempt 'a directory above as the root' 'python3 -c "
import os
os.chroot(\"dir\")
print(open(\"/private/file\").read(), end=\"\")"' "${inside[@]}"
attempt 'a descriptor from before another root' 'python3 -c "
import os
fd = os.open(\".\", os.O_RDONLY)
os.chroot(\"mnt\")
print(os.read(os.open(\"dir/private/file\", os.O_RDONLY, dir_fd=fd), 9).decode(), end=\"\")"' \
	"${inside[@]}"
attempt 'pivot_root' 'mount -t tmpfs none mnt && mkdir mnt/old && python3 -c "
import ctypes
libc = ctypes.CDLL(None)
if libc.syscall(155, b\"mnt\", b\"mnt/old\"):
    exit(\"pivot_root\")
print(open(\"/old'"$work"'/dir/private/file\").read(), end=\"\")"' "${inside[@]}"

# Names that the rule means as well are no way around it.
run()
{
	fresh
	"$PM" run --policy "$TMPDIR/$1" -- sh -c "$2" 2>&1
}
is "$(run policy.yaml 'mv dir/private/file dir/private/x && echo moved'; ls dir/private)" \
	$'moved\nx' 'a name inside the tree'
is "$(run policy.yaml 'echo free >x && mv x y && ln y z && cat z')" free 'names of other files'
is "$(run policy.yaml 'echo in >x && mv x dir/private/x && echo moved'; cat dir/private/x)" \
	$'moved\nin' 'a name into the tree'
is "$(run allowed.yaml 'mv dir/private/file x && cat x')" secret \
	'a rule before it that allows the rename'

done_testing
