# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# signals.sh - what the tests of signals share: each program is run by itself, where all
# is as it seems, and under a policy that redirects what it does, and checks the same
# things in both.  How many rounds its loops have is in PM_ROUNDS; in PM_PIPELINES for
# shells, where one takes as long as many.

# shellcheck source=tests/harness/tap.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/harness/tap.sh"

helpers=$PM_BUILD/tests/signals/src
export PM_ROUNDS=${PM_ROUNDS:-200}
export PM_PIPELINES=${PM_PIPELINES:-$((PM_ROUNDS / 30 + 1))}
export SIGNALS_FROM=$TMPDIR/from SIGNALS_SHARED=$TMPDIR/shared SIGNALS_ROUNDS SIGNALS_SUPERVISED
export SIGNALS_SERVER SIGNALS_PEER SIGNALS_SERVER_NAME=$TMPDIR/server SIGNALS_PEER_NAME
SIGNALS_SERVER=$(own_address)
cd "$TMPDIR" || exit 1

# Of names; and of calls by their numbers too, some of which other programs make.
policy=policy.yaml
cat >names.yaml <<END
version: 1
default: allow
rules:
  - class: open-write
    path: $TMPDIR/from/denied
    deny: EISDIR
  - tree: $TMPDIR/from
    redirect: { tree: $TMPDIR/to }
  - class: [connect, send]
    address: 224.0.0.1
    redirect: { address: $SIGNALS_SERVER }
  - class: [connect, send]
    address: unix:$TMPDIR/peer
    redirect: { address: "unix:$TMPDIR/server" }
END
cat names.yaml - >policy.yaml <<END
  - syscall: read
    args: [{ index: 0, equal: 901, as: int }]
    redirect: { args: [{ index: 0, value: 900 }] }
  - syscall: write
    args: [{ index: 0, equal: 903, as: int }]
    redirect: { args: [{ index: 0, value: 902 }] }
  - syscall: nanosleep
    redirect: { args: [{ index: 1, value: 0 }] }
  - syscall: clock_nanosleep
    args: [{ index: 0, equal: 0, as: int }]
    redirect: { args: [{ index: 0, value: 1 }] }
  - syscall: poll
    args: [{ index: 2, equal: 77777, as: int }]
    redirect: { args: [{ index: 2, value: 1 }] }
  - syscall: getppid
    redirect: { syscall: nanosleep }
  - syscall: getpgrp
    redirect: { syscall: read }
END

# stage DIR: what the program finds, and where it makes things
stage()
{
	mkdir "$1" "$1"/{d,f,l,r,s}
	mkfifo "$1/fifo"
}

# outside DIR: what is there, in the words of the programs
outside()
{
	local dir

	for dir in d f l r s; do
		find "$1/$dir" -mindepth 1 -printf 'x\n' | printf 'made %s %d\n' "$dir" "$(wc -l)"
	done
	[ ! -e "$1/log" ] || printf 'bytes log %d\n' "$(stat -c %s "$1/log")"
}

# made OUTPUT: what a program says that it has made, and nothing of all else
made()
{
	awk '/^made / { n[$2] = $3 } /^bytes / { log_ = $0 }
	     END { split("d f l r s", dirs, " ")
		   for (i = 1; i <= 5; i++) printf "made %s %d\n", dirs[i], n[dirs[i]]
		   if (log_ != "") print log_ }' "$1"
}

# run_side WHAT SIDE COMMAND...: succeeds, and made what it says
run_side()
{
	local what=$1 side=$2 real start=$SECONDS status
	shift 2
	rm -rf from to server peer started
	truncate -s 0 shared
	truncate -s 4096 shared
	if [ "$side" = 'by itself' ]; then
		real=from SIGNALS_SUPERVISED=0
		SIGNALS_PEER=$SIGNALS_SERVER SIGNALS_PEER_NAME=$SIGNALS_SERVER_NAME
		stage from
		mkdir from/denied
		echo from >from/file
		set -- "${before[@]}" "$@"
	else
		# What a call finds that is not redirected is nothing of what it needs.
		real=to SIGNALS_SUPERVISED=1
		SIGNALS_PEER=224.0.0.1 SIGNALS_PEER_NAME=$TMPDIR/peer
		stage to
		mkdir from
		echo 'not denied' >from/denied
		echo from >from/file
		echo to >to/file
		set -- "${before[@]}" "$PM" run --policy "$policy" -- "$@"
	fi
	"$@" >out 2>err
	status=$?
	ok $status "$what, $side" "$(cat err)"
	diag "$what, $side: $(tail -n 1 out), $((SECONDS - start)) s"
	[ $status -eq 0 ] || return
	outside "$real" >outside.real
	made out >outside.said
	same outside.real outside.said "$what, $side: all that was said to be done was done, once"
}

# What runs what is tested, in both runs.
before=()

# both ROUNDS WHAT COMMAND...: the same by itself and under the policy
both()
{
	local what=$2

	SIGNALS_ROUNDS=$1
	shift 2
	run_side "$what" 'by itself' "$@"
	run_side "$what" supervised "$@"
}

# storm ROUNDS WHAT COMMAND...: the same, stopped and continued from outside pointsman
storm()
{
	before=("$helpers/signals-storm")
	both "$@"
	before=()
}

# storm_group ROUNDS WHAT COMMAND...: the same with all processes of the command
storm_group()
{
	before=("$helpers/signals-storm" -g)
	both "$@"
	before=()
}
