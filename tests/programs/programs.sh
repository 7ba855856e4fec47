# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# programs.sh - run a program with and without pointsman and compare
#
# A test may define prepare(), which fills the working directory, and
# normalise(), a filter of the output for what differs between any two runs.

# shellcheck source=tests/harness/tap.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/harness/tap.sh"

umask 022
mkdir -p "$TMPDIR/home" "$TMPDIR/leads-here"
export HOME=$TMPDIR/home
unset "${!XDG_@}" 2>/dev/null
echo 'as it is' >"$TMPDIR/marker"
echo 'as the policy has it' >"$TMPDIR/marker.instead"
echo 'from the other tree' >"$TMPDIR/leads-here/file"

# Ten rules of many classes.  What they refuse or redirect no program asks for,
# but the marker, which shows that they are in force.
cat >"$TMPDIR/policy.yaml" <<EOF
version: 1
default: allow
rules:
  - class: [open-read, metadata]
    path: $TMPDIR/marker
    redirect: { path: $TMPDIR/marker.instead }
  - class: [open-read, open-write, create, remove, rename, metadata]
    tree: $TMPDIR/leads-away
    redirect: { tree: $TMPDIR/leads-here }
  - class: [open-write, create, remove, rename, link, set-metadata]
    tree: /boot
    deny: EROFS
  - class: open-read
    glob: "$TMPDIR/home/.ssh/*"
    deny: EACCES
  - class: exec
    path: [/usr/bin/passwd, /usr/bin/chsh]
    deny: EPERM
  - class: exec
    argv: { 0: "*pointsman-never*" }
    deny: ENOENT
  - class: [connect, send]
    address: [192.0.2.0/24, "[2001:db8::/32]"]
    deny: ENETUNREACH
  - class: bind
    address: "0.0.0.0:1-79"
    deny: EACCES
  - class: [mount, chroot, system]
    deny: EPERM
  - syscall: [kexec_load, init_module]
    deny: EPERM
EOF

prepare()
{
	:
}

normalise()
{
	cat
}

# Names, kinds, modes and contents of the files below the working directory.
list_files()
{
	find . -type d -printf '%p %M\n' -o -type l -printf '%p -> %l\n' \
		-o -type f -printf '%p %M ' -exec cksum {} \; | sort
}

# run_side SIDE COMMAND...
run_side()
{
	local side=$1
	shift
	rm -rf "$TMPDIR/work"
	mkdir "$TMPDIR/work"
	cd "$TMPDIR/work" || exit 1
	prepare
	if [ "$side" = mediated ]; then
		set -- "$PM" run --policy "$TMPDIR/policy.yaml" -- "$@"
	fi
	"$@" >"$TMPDIR/$side.out" 2>"$TMPDIR/$side.err"
	echo "status $?" >"$TMPDIR/$side.status"
	normalise <"$TMPDIR/$side.out" >"$TMPDIR/$side.normal.out"
	normalise <"$TMPDIR/$side.err" >"$TMPDIR/$side.normal.err"
	list_files | normalise >"$TMPDIR/$side.files"
}

# compare WHAT STATUS COMMAND...: the command ends with STATUS, and its output,
# exit status and files are the same under the ten rules.
compare()
{
	local what=$1 status=$2
	shift 2
	printf '%s\n' "$@" >"$TMPDIR/words"
	# shellcheck disable=SC2016 # expanded by the shell that is run
	set -- bash -c '"$@"; s=$?; cat "$TMPDIR/marker" >"$TMPDIR/seen"; exit $s' bash "$@"
	run_side plain "$@"
	is "$(cat "$TMPDIR/plain.status")" "status $status" "$what: ends with status $status by itself"
	[ "$(cat "$TMPDIR/plain.status")" = "status $status" ] ||
		diag "$(tail -n 20 "$TMPDIR/plain.err")"
	run_side mediated "$@"
	same "$TMPDIR/mediated.status" "$TMPDIR/plain.status" "$what: exit status"
	same "$TMPDIR/mediated.normal.out" "$TMPDIR/plain.normal.out" "$what: standard output"
	same "$TMPDIR/mediated.normal.err" "$TMPDIR/plain.normal.err" "$what: standard error"
	same "$TMPDIR/mediated.files" "$TMPDIR/plain.files" "$what: files"
	is "$(cat "$TMPDIR/seen")" 'as the policy has it' "$what: the policy was in force"
}
