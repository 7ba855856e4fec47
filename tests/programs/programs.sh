# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# programs.sh - run a program with and without pointsman and compare
#
# A program is run twice: by itself, where all is as it seems, and under a policy
# of ten rules, where something else is in each place that they are about and only
# the rules make it look the same.  Output, exit status and files must be equal,
# and the audit must show that each rule was used, and by the program itself.
#
# What a program finds in its environment, and what the policy makes of it:
#
#	INPUT		a directory of what the test put in FILES; a tree redirected
#	MARKER		a file; redirected
#	TOOL		a program that prints its arguments; redirected
#	HIDDEN		a directory that is not there; denied
#	KEPT/open	a file
#	KEPT/...	directories, which cannot be written; denied
#	FORBIDDEN	a program that cannot be run with --never; denied
#	SERVER		an address to listen at
#	PEER		where to connect to it; redirected
#	NOBODY		an address where nobody listens; denied
#
# A test may define prepare(), which fills the working directory, and
# normalise(), a filter of the output for what differs between any two runs.

# shellcheck source=tests/harness/tap.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/harness/tap.sh"

umask 022
export HOME=$TMPDIR/home FILES=$TMPDIR/files
export INPUT=$TMPDIR/input MARKER=$TMPDIR/marker TOOL=$TMPDIR/bin/tool HIDDEN=$TMPDIR/hidden
export KEPT=$TMPDIR/kept FORBIDDEN=$TMPDIR/bin/forbidden
SERVER=$(own_address)
export SERVER PEER NOBODY
mkdir -p "$HOME" "$FILES"
unset "${!XDG_@}" 2>/dev/null
USED=$PM_SRC/tests/programs/used.py

# The mediated addresses are such that a connection fails at once by itself, and
# with another error.
cat >"$TMPDIR/policy.yaml" <<END
version: 1
default: allow
rules:
  - tree: $INPUT
    redirect: { tree: $TMPDIR/elsewhere }
  - class: [open-read, metadata]
    path: $MARKER
    redirect: { path: $MARKER.instead }
  - class: exec
    path: $TOOL
    redirect: { program: $TOOL.instead, env-set: { TOOL_IS: redirected } }
  - tree: $HIDDEN
    deny: ENOENT
  - class: open-write
    path: $KEPT/open
    log: true
    allow: true
  - class: [open-write, create, remove, rename, link]
    glob: "$KEPT/**"
    deny: EISDIR
  - class: exec
    path: $FORBIDDEN
    argv: { 1: --never }
    deny: EACCES
  - class: [connect, send]
    address: 224.0.0.1
    redirect: { address: $SERVER }
  - class: [connect, send]
    address: 255.255.255.255
    deny: ECONNREFUSED
  - syscall: [fsync, fdatasync]
    value: 0
END

# What each program is followed by: it comes past all ten rules.
cat >"$TMPDIR/probe" <<'END'
cat "$INPUT/probe" "$MARKER"
"$TOOL" of the probe
cat "$HIDDEN/probe"
echo written >"$KEPT/open"
echo written >"$KEPT/probe"
"$FORBIDDEN" --never
(exec 3<>"/dev/tcp/$PEER/9") 2>&1 | sed "s/$PEER/PEER/"
(exec 3<>"/dev/tcp/$NOBODY/9") 2>&1 | sed "s/$NOBODY/NOBODY/"
sync "$KEPT/open"
END
echo 'of the input' >"$FILES/probe"

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

# All is as it seems.
stage_plain()
{
	PEER=$SERVER NOBODY=$SERVER
	cp -a "$FILES" "$INPUT"
	echo 'marked' >"$MARKER"
	printf '#!/bin/sh\necho "tool: $*"\n' >"$TOOL"
	echo 'not a program' >"$FORBIDDEN"
	chmod +x "$TOOL"
	mkdir "$KEPT/probe" "$KEPT/program"
}

# Only the policy makes it look so.
stage_mediated()
{
	local file
	PEER=224.0.0.1 NOBODY=255.255.255.255
	cp -a "$FILES" "$TMPDIR/elsewhere"
	while read -r file; do
		mkdir -p "$INPUT/${file%/*}"
		echo 'not redirected' >"$INPUT/$file"
	done < <(cd "$FILES" && find . -type f)
	echo 'not redirected' >"$MARKER"
	echo 'marked' >"$MARKER.instead"
	printf '#!/bin/sh\necho "not redirected"\n' >"$TOOL"
	# shellcheck disable=SC2016 # expanded by the script
	printf '#!/bin/sh\n[ "$TOOL_IS" = redirected ] && echo "tool: $*"\n' >"$TOOL.instead"
	chmod +x "$TOOL" "$TOOL.instead"
	cp "$(type -P echo)" "$FORBIDDEN"
	mkdir "$HIDDEN"
	echo 'not denied' | tee "$KEPT/probe" "$KEPT/program" >"$HIDDEN/probe"
	cp -a "$FILES/." "$HIDDEN"
}

# run_side SIDE COMMAND...
run_side()
{
	local side=$1
	shift
	cd "$TMPDIR" || exit 1
	rm -rf work input elsewhere marker* bin hidden kept audit
	mkdir work bin kept
	echo 'for all' >kept/open
	"stage_$side"
	cd work || exit 1
	prepare
	if [ "$side" = mediated ]; then
		set -- "$PM" run --policy "$TMPDIR/policy.yaml" --audit "$TMPDIR/audit" -- "$@"
	fi
	"$@" >"$TMPDIR/$side.out" 2>"$TMPDIR/$side.err"
	echo "status $?" >"$TMPDIR/$side.status"
	normalise <"$TMPDIR/$side.out" >"$TMPDIR/$side.normal.out"
	normalise <"$TMPDIR/$side.err" >"$TMPDIR/$side.normal.err"
	{ list_files; cat "$KEPT/open"; } | normalise >"$TMPDIR/$side.files"
}

# compare WHAT STATUS EXE COMMAND...: the command ends with STATUS, and its output,
# exit status and files are the same under the ten rules.  EXE is a pattern of
# the file that the program is.
compare()
{
	local what=$1 status=$2 exe=$3 used
	shift 3
	# shellcheck disable=SC2016 # expanded by the shell that is run
	set -- bash -c '"$@"; s=$?; . "$TMPDIR/probe"; exit $s' bash "$@"
	run_side plain "$@"
	is "$(cat "$TMPDIR/plain.status")" "status $status" "$what: ends with status $status by itself"
	[ "$(cat "$TMPDIR/plain.status")" = "status $status" ] ||
		diag "$(tail -n 20 "$TMPDIR/plain.err")"
	run_side mediated "$@"
	same "$TMPDIR/mediated.status" "$TMPDIR/plain.status" "$what: exit status"
	same "$TMPDIR/mediated.normal.out" "$TMPDIR/plain.normal.out" "$what: standard output"
	same "$TMPDIR/mediated.normal.err" "$TMPDIR/plain.normal.err" "$what: standard error"
	same "$TMPDIR/mediated.files" "$TMPDIR/plain.files" "$what: files"
	used=$(python3 "$USED" "$TMPDIR/audit" 10 "$exe" 2>&1)
	ok $? "$what: the ten rules were used, and by the program" "$used"
	diag "$used"
}
