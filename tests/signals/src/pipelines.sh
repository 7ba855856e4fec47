# shellcheck shell=dash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# pipelines.sh - pipelines of ten commands, one after the other, by a shell that gets
# SIGCHLD while it opens files itself.  Ends with 1 where one of them is not as it must be.
#
# No command substitution: bash 5.2 runs traps while it reads one, and loses its place.
set -C

expect=from trapped=no round=0 bytes=0
[ "$SIGNALS_SUPERVISED" = 0 ] || expect=to
trap 'trapped=yes' CHLD
: >started

die()
{
	echo "round $round: $*" >&2
	exit 1
}

while [ $round -lt "$SIGNALS_ROUNDS" ]; do
	: & : &
	: >"$SIGNALS_FROM/f/$round" || die "status $? of a redirection"
	: >"$SIGNALS_FROM/r/$round" || die "status $? of another"
	read -r line <"$SIGNALS_FROM/file" || die "status $? of a read"
	[ "$line" = $expect ] || die "the file says $line"
	head -n 1 "$SIGNALS_FROM/file" | sed "s/\$/ $round/" | tr '[:lower:]' '[:upper:]' |
		cat | grep . | tail -n 1 | tee -a "$SIGNALS_FROM/log" |
		{ read -r line; mkdir "$SIGNALS_FROM/d/$round"; echo "$line"; } |
		tr '[:upper:]' '[:lower:]' | cat >|out.pipeline || die "status $? of a pipeline"
	read -r line <out.pipeline || die "status $? of a read of what the pipeline says"
	[ "$line" = "$expect $round" ] || die "the pipeline says $line"
	line="$expect $round"
	bytes=$((bytes + ${#line} + 1))
	# The trap ends it in dash.
	until wait; do
		status=$?
		[ $status -gt 128 ] || die "status $status of wait"
	done
	round=$((round + 1))
done
[ $trapped = yes ] || die 'no SIGCHLD'
printf 'made %s\n' "d $round" "f $round" "r $round"
echo "bytes log $bytes"
echo "rounds $round"
