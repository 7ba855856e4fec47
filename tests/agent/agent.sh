# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# agent.sh - containers of real runtimes under a real agent
#
# A container's root is busybox, made anew for each test program.  The agent's audit
# is $audit, its socket $socket.

. "${PM_SRC:?run by tests/harness/run}/tests/harness/tap.sh"

[ "$(id -u)" = 0 ] || skip_all "not root: runtimes need it"
need crun runc jq busybox unshare

# The path of a socket is short.
socket=$(mktemp -u /tmp/pm-agent-XXXXXX)
work=$TMPDIR
audit=$work/audit
agent=
export XDG_RUNTIME_DIR=$work/run
mkdir -p "$work/run" "$work/bundles"

cleanup()
{
	local id
	for id in $(ls "$work/bundles"); do
		in_crun delete -f "$id" >/dev/null 2>&1
		in_runc delete -f "$id" >/dev/null 2>&1
	done
	[ -z "$agent" ] || kill "$agent" 2>/dev/null
	rm -f "$socket"
}
trap cleanup EXIT

# crun refuses a machine with controllers in both versions of cgroups: it gets a
# mount namespace of its own with the second one only, and makes no cgroups.  With
# $under, a list, it runs under that.
under=()
in_crun()
{
	unshare -m --propagation private sh -c '
		[ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ] ||
			mount -t cgroup2 cgroup2 /sys/fs/cgroup || exit
		exec "$@"' sh "${under[@]}" \
		crun --root "$work/run/crun" --cgroup-manager=disabled "$@"
}

in_runc()
{
	runc --root "$work/run/runc" "$@"
}

# runs RUNTIME: does it run containers here?  runc makes device rules of cgroups, for which
# a kernel may have no programs.  That it does not is told once for each time it is asked.
runs()
{
	local dir=$work/bundles/try-$1 said
	[ "$1" = runc ] || return 0
	mkdir -p "$dir/rootfs"
	said=$(cd "$dir" && rm -f config.json && runc spec &&
		sed -i "s,\"terminal\": true,\"terminal\": false," config.json &&
		in_runc run -b "$dir" "try-$1" 2>&1 </dev/null)
	rm -rf "$dir"
	case $said in
	*BPF_CGROUP_DEVICE*) ;;
	*) return 0 ;;
	esac
	skip "$1 runs containers" 'kernel: no programs of cgroups, which runc needs (BPF_CGROUP_DEVICE)'
	return 1
}

# make_root DIR
make_root()
{
	local applet
	mkdir -p "$1"/{bin,etc,proc,sys,dev,tmp,data,srv}
	cp "$(command -v busybox)" "$1/bin/busybox"
	for applet in sh cat ls echo nc id sleep mkdir touch true stat ln mv rm wget chmod head \
		uname hostname grep chown; do
		ln -s busybox "$1/bin/$applet"
	done
	cp "$PM_BUILD/tests/agent/src/agent_inside" "$1/bin/inside"
	echo root:x:0:0::/:/bin/sh >"$1/etc/passwd"
	echo original >"$1/data/file"
	echo secret >"$1/data/secret"
	echo replaced >"$1/srv/file"
}

# bundle ID POLICY-NAME POLICY-FILE... -- COMMAND: a container that runs COMMAND in a
# shell.  $edit, where set, is a program of jq for its config.json; $profile_option one
# more option of oci-profile.
bundle()
{
	local id=$1 name=$2 dir=$work/bundles/$1 files=()
	shift 2
	while [ "$1" != -- ]; do
		files+=(--policy "$1")
		shift
	done
	mkdir -p "$dir"
	[ -e "$dir/root" ] || make_root "$dir/root"
	"$PM" oci-profile "${files[@]}" ${profile_option:+"$profile_option"} --listener "$socket" --metadata "$name" \
		>"$dir/seccomp" 2>"$dir/notes" || return
	(cd "$dir" && rm -f config.json && runc spec) &&
		jq --arg command "exec 2>&1; $2" --slurpfile seccomp "$dir/seccomp" \
			--slurpfile engines /usr/share/containers/seccomp.json \
			--argjson refused "${refused:-[]}" \
			--argjson caps '["CAP_AUDIT_WRITE", "CAP_SYS_CHROOT"]' '
			.process.terminal = false | .root = {path: "root", readonly: false} |
			.process.args = ["sh", "-c", $command] |
			.linux.seccomp = $seccomp[0] | del(.linux.resources) |
			.mounts |= map(select(.destination != "/sys/fs/cgroup")) |
			'"${edit:-.}" "$dir/config.json" >"$dir/new" &&
		mv "$dir/new" "$dir/config.json"
}

# For $edit: what other engines than these runtimes give to root in a container.
# shellcheck disable=SC2034
usual='.process.capabilities |= map_values(["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER",
	"CAP_FSETID", "CAP_KILL", "CAP_MKNOD", "CAP_SETGID", "CAP_SETUID", "CAP_SYS_CHROOT"])'

# For $edit, after $usual: the profile that engines give to containers which ask for
# nothing, as the package golang-github-containers-common has it, with unshare refused
# as in Moby's; and the calls of the profile that oci-profile has printed sent to the
# agent.
# shellcheck disable=SC2034,SC2016
engines='
	($engines[0].syscalls | map(select(
		((.includes.caps // []) | length == 0 or (map(IN($caps[])) | any)) and
		((.excludes.caps // []) | map(IN($caps[])) | any | not) and
		((.includes.arches // ["amd64"]) | index("amd64"))) |
		{names, action, args: (.args // []), errnoRet} | del(..|nulls))) as $default |
	(.linux.seccomp.syscalls | map(select(.action == "SCMP_ACT_NOTIFY") | .names[])) as $sent |
	.linux.seccomp |= . + {defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 1,
		syscalls: ([$default[] | .names -= $sent + $refused | select(.names != [])] +
			[{names: $sent, action: "SCMP_ACT_NOTIFY"},
			 {names: $refused, action: "SCMP_ACT_ERRNO", errnoRet: 1}] |
			map(select(.names != [])))}'

# contained RUNTIME ID: run it; what it prints goes to $out, and its status is returned
contained()
{
	out=$(in_"$1" run -b "$work/bundles/$2" "$2" 2>&1 </dev/null)
}

# redirects NAME TARGET: a policy $work/NAME.yaml under which /data/file is TARGET
redirects()
{
	cat >"$work/$1.yaml" <<-EOF
		version: 1
		rules:
		  - class: open-read
		    path: /data/file
		    redirect: {path: $2}
	EOF
}

# in_background RUNTIME ID: the bundle of that id runs; its output is $work/ID.out
in_background()
{
	in_"$1" run -b "$work/bundles/$2" "$2" >"$work/$2.out" 2>&1 </dev/null &
	echo $! >"$work/$2.pid"
}

# start_agent OPTIONS...: $agent is its pid once it listens
start_agent()
{
	"$PM" agent --socket "$socket" --audit "$audit" "$@" 2>>"$work/agent.err" &
	agent=$!
	until_true listens
}

# until_true COMMAND...: at most a time that only a fault takes
until_true()
{
	local turn
	for ((turn = 0; turn < 2000; turn++)); do
		"$@" && return
		read -r -t 0.01 <> <(:)
	done
	diag "not true in time: $*"
	return 1
}

# says ID TEXT: has the container that runs in the background printed a line of this?
says()
{
	grep -qsx "$2" "$work/$1.out"
}

# ended ID: wait for it; $out is what it printed
ended()
{
	wait "$(cat "$work/$1.pid")"
	local status=$?
	out=$(cat "$work/$1.out")
	return "$status"
}

listens()
{
	grep -q " 00010000 .* $socket\$" /proc/net/unix
}

# listener: the process that does
listener()
{
	python3 - "$socket" <<-'EOT'
		import socket, struct, sys
		s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
		s.connect(sys.argv[1])
		print(struct.unpack('3i', s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0])
	EOT
}

# has_winner: $winner is the process that listens, and has not ended
has_winner()
{
	winner=$(listener) && [ -e "/proc/$winner/exe" ]
}

# start N [OPTION]: an agent under $policy, one of $started; what it says is in $work/start-N
start()
{
	"$PM" agent --socket "$socket" "${policy[@]}" ${2:+"$2"} 2>"$work/start-$1" &
	started+=($!)
}

# only_left: all of $started but one have ended
only_left()
{
	local n pid
	n=0
	for pid in "${started[@]}"; do
		! [ -e "/proc/$pid/exe" ] || n=$((n + 1))
	done
	[ "$n" = 1 ]
}

# stop_agent: SIGTERM; its status is returned
stop_agent()
{
	kill "$agent"
	wait "$agent"
	local status=$?
	agent=
	return "$status"
}

# goes_on ID: have more calls of a container been decided on since this was last asked?
declare -A calls_before=()
goes_on()
{
	local now
	now=$(grep -c '"type":"call","container":"'"$1"'"' "$audit")
	[ "$now" -gt "$((${calls_before[$1]:-0} + 10))" ] || return
	calls_before[$1]=$now
}

# audited FILTER: what jq selects of the audit, one line each
audited()
{
	jq -r "$1" "$audit"
}
