# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# torture.sh - what the tests with programs that make calls at random share
#
# PM_TORTURE_MINUTES: how long each takes (10).  The supervisor is built with ASan and
# UBSan, whose reports are failures, and is watched from inside its run: a program that
# nobody torments opens what is allowed and what is denied.

# shellcheck source=tests/harness/tap.sh
. "${PM_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/harness/tap.sh"

minutes=${PM_TORTURE_MINUTES:-10}
# shellcheck disable=SC2034 # for those who read this file
seconds=$(awk -v m="$minutes" 'BEGIN { print int(m * 60) }')
patience=120	# seconds in which one call is answered, on a machine that is busy

# The supervisor that is watched.
sanitized()
{
	local build=$PM_BUILD-asan

	if ! { [ -e "$build/build.ninja" ] ||
		meson setup "$build" "$PM_SRC" -Db_sanitize=address,undefined -Dbuildtype=debug; } \
		>"$TMPDIR/build" 2>&1 || ! ninja -C "$build" pointsman >>"$TMPDIR/build" 2>&1; then
		fail 'the build with sanitizers' "$(tail -n 20 "$TMPDIR/build")"
		done_testing
	fi
	printf '%s\n' "$build/pointsman"
}

# Every class of calls is decided on, and something of each is changed.
torture_policy()
{
	cat <<EOT
version: 1
default: allow
rules:
  - path: $TMPDIR/files/evil
    deny: EACCES
  - tree: $TMPDIR/scratch/from
    redirect: {tree: $TMPDIR/scratch/to}
  - class: exec
    argv: {1: evil}
    deny: EACCES
  - class: connect
    address: 127.0.0.1:7
    redirect: {address: "127.0.0.1:9"}
  - class: any-address
    address: 192.0.2.0/24
    deny: ENETUNREACH
  - syscall: fsync
    redirect: {syscall: getpid}
  - syscall: getppid
    value: 1
EOT
}

# An unprivileged user in namespaces of its own, with little of everything.
# shellcheck disable=SC2034 # for those who read this file
inside=(unshare --user --map-current-user --mount --pid --fork --net --ipc --mount-proc --kill-child
	prlimit --as=4294967296 --fsize=67108864 --nproc=400 --core=0 --)
if [ "$(id -u)" = 0 ]; then
	inside=(setpriv --reuid 65534 --regid 65534 --clear-groups "${inside[@]}")
fi

prepare_torture()
{
	mkdir -p "$TMPDIR/files" "$TMPDIR/scratch/from" "$TMPDIR/scratch/to"
	echo good >"$TMPDIR/files/good"
	echo evil >"$TMPDIR/files/evil"
	chmod 0755 "$TMPDIR" "$TMPDIR/files"
	[ "$(id -u)" != 0 ] || chown -R 65534:65534 "$TMPDIR/scratch"
	torture_policy >"$TMPDIR/policy.yaml"
	cat >"$TMPDIR/watch" <<-'EOT'
		# DIR COMMAND...: COMMAND, and beside it calls that are counted
		dir=$1 n=0
		shift
		"$@" </dev/null >"$dir/output" 2>&1 &
		child=$!
		while kill -0 "$child" 2>/dev/null; do
			read -r line <"$dir/files/good" && [ "$line" = good ] || echo lost >>"$dir/wrong"
			if read -r line <"$dir/files/evil"; then echo won >>"$dir/wrong"; fi
			n=$((n + 1))
			echo "$n" >"$dir/alive.new" && mv "$dir/alive.new" "$dir/alive"
			sleep 1
		done 2>/dev/null
		wait "$child"
		echo "$?" >"$dir/ended"
	EOT
}

alive()
{
	local n=0

	[ ! -e "$TMPDIR/alive" ] || read -r n <"$TMPDIR/alive"
	echo "${n:-0}"
}

# What the supervisor itself has said.
reports()
{
	grep -aE 'ERROR: (Address|Leak|Undefined)|runtime error|Sanitizer|^pointsman:' \
		"$TMPDIR/said" "$TMPDIR/output" 2>/dev/null
}

# torture WHAT LIMIT COMMAND...: COMMAND is over by itself after LIMIT seconds
torture()
{
	local what=$1 limit=$2 before=-1 now still=0 hung='' waited=0 pm status
	shift 2
	pm=${PM_TORTURE_PM:-$(sanitized)}
	rm -f "$TMPDIR"/{alive,wrong,ended,said,output}
	ASAN_OPTIONS=detect_leaks=0:log_path=stderr nice -n 10 "$pm" run --policy "$TMPDIR/policy.yaml" -- \
		bash "$TMPDIR/watch" "$TMPDIR" "$@" >"$TMPDIR/said" 2>&1 </dev/null &
	pid=$!
	while kill -0 $pid 2>/dev/null; do
		sleep 1
		waited=$((waited + 1))
		now=$(alive)
		still=$((now == before ? still + 1 : 0))
		before=$now
		if [ $still -gt $patience ] || [ $waited -gt $((limit + 2 * patience)) ]; then
			hung="no call was answered for $still seconds, after $waited"
			kill -KILL $pid
			break
		fi
	done
	wait $pid
	status=$?
	[ -z "$hung" ] && [ $status -eq 0 ] && [ -e "$TMPDIR/ended" ]
	ok $? "$what: the run comes to its end ($waited s)" "$hung" "status $status" \
		"$(tail -n 20 "$TMPDIR/said")" "$(tail -n 20 "$TMPDIR/output")"
	[ "$before" -gt 0 ] && [ ! -e "$TMPDIR/wrong" ]
	ok $? "$what: beside it $before times both decisions held" "$(sort "$TMPDIR/wrong" 2>/dev/null | uniq -c)"
	! reports >"$TMPDIR/reports"
	ok $? "$what: no report" "$(head -n 40 "$TMPDIR/reports")"
}
