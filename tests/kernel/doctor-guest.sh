#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# doctor-guest.sh KERNEL - in a guest of that kernel: what doctor says of it
#
# Started by doctor.t.  The guest is known: whole outputs are compared.
# shellcheck source=tests/harness/tap.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/harness/tap.sh"

kernel=$1
helpers=$PM_BUILD/tests/behaviour/src
yama=/proc/sys/kernel/yama/ptrace_scope
cd "$TMPDIR" || exit 1
# An ordinary user may not reach where it was built.
chmod 0755 .
cp "$PM_BUILD/pointsman" own
PM=$TMPDIR/own

# ask COMMAND...: doctor's text and status, started by COMMAND; a line for each thing
ask()
{
	text=$("$@" "$PM" doctor 2>&1)
	status=$?
	text=${text//$'\n         '/ }
	text=${text//$'\n        '/ }
}

# has WHAT LINE...: these lines stand there, one below the other
has()
{
	local what=$1 lines
	shift
	printf -v lines '%s\n' "$@"
	[[ $'\n'$text$'\n' == *$'\n'"$lines"* ]]
	ok $? "$what" "expected:" "$lines" "in:" "$text"
}

# runs WHAT PTRACE NOTIFY COMMAND...: each backend of run ends so, and so says doctor
runs()
{
	local what=$1 ptrace=$2 notify=$3
	shift 3
	"$@" "$PM" run --backend ptrace -- true 2>ptrace.err
	is "$?" "$ptrace" "$what: run --backend ptrace, $(cat ptrace.err)"
	"$@" "$PM" run --backend notify -- true 2>notify.err
	is "$?" "$notify" "$what: run --backend notify, $(cat notify.err)"
	if [ "$ptrace" = "$notify" ]; then
		"$@" "$PM" run -- true 2>auto.err
		is "$?" "$ptrace" "$what: run"
	fi
	is "$status" "$((ptrace && notify ? 1 : 0))" "$what: the status of doctor"
}

# The facts of a kernel on which all works: with, or without redirects.
all_works()
{
	cat <<'END'

Both backends need:
  ok  processes can be made to try it
  ok  /proc is mounted
  ok  no_new_privs can be set
  ok  a filter can be installed
  ok  sealed memory can be made

ptrace needs:
  ok  a process can be traced
  ok  its child stops, is read, and runs another call

notify needs, of a listener and the child of another process:
END
	if [ "$kernel" = stock ]; then
		for flag in REDIRECT CHAIN WAIT_KILLABLE KILL_ORPHANS; do
			echo "  no  SECCOMP_FILTER_FLAG_$flag: Invalid argument"
			echo '      -> a kernel with the patch series in kernel/ (kernel/README.md)'
		done
		cat <<'END'
  ok  a listener with those flags that are there
  ok  it is told of a call
  no  memory is pinned into the caller: Invalid argument
  ?   the call runs on another path: not tried
  no  the call runs as another one: Invalid argument
END
	else
		cat <<'END'
  ok  SECCOMP_FILTER_FLAG_REDIRECT
  ok  SECCOMP_FILTER_FLAG_CHAIN
  ok  SECCOMP_FILTER_FLAG_WAIT_KILLABLE
  ok  SECCOMP_FILTER_FLAG_KILL_ORPHANS
  ok  a listener with those flags that are there
  ok  it is told of a call
  ok  memory is pinned into the caller
  ok  the call runs on another path
  ok  the call runs as another one
END
	fi
	cat <<'END'
  ok  the call is answered with a descriptor
  ok  the caller is traced until the call returns
  ok  memory can be read by process_vm_readv(2)
  ok  or by /proc/PID/mem
  ok  a process has a pidfd
  ok  a thread has one (PIDFD_THREAD)

Nothing needs, but it is better to have:
  ok  mappings can be sealed by mseal(2)
  ok  files can be opened by openat2(2)
  ok  Landlock, version 6
  ok  a filter can have a listener
  ok  its calls are held through signals (WAIT_KILLABLE_RECV)
END
	if [ "$kernel" = stock ]; then
		echo '  ?   a listener can be inside another (CHAIN): not tried'
	else
		echo '  ok  a listener can be inside another (CHAIN)'
	fi
	cat <<'END'
  ok  a listener is woken in place
  ok  descriptors can be taken by pidfd_getfd(2)
  ok  processes can be compared by kcmp(2)
  ok  io_uring (not for programs of pointsman)

Around this process:
  filters: 0
  no_new_privs: not set
  traced by: nobody that is seen from here
  a pointsman: no
  kernel.yama.ptrace_scope: 0
  kernel.io_uring_disabled: 0
END
}

none="this kernel's seccomp(2) has no redirects"
redirects=0 notify='works here'
if [ "$kernel" = stock ]; then
	redirects=125 notify="does not work here: $none"
fi

echo 0 >$yama
ask env
is "$(grep -v '^|' <<<"$text")" "pointsman 0.1.0, Linux $(uname -r), x86_64

ptrace  works here
notify  $notify

$(all_works)" 'all that it says, line for line'
runs 'root' 0 "$redirects" env
user=(setpriv --reuid 1000 --regid 1000 --clear-groups --)
ask "${user[@]}"
has 'an ordinary user' 'ptrace  works here' "notify  $notify"
runs 'an ordinary user' 0 "$redirects" "${user[@]}"

# The rest does not depend on redirects, or needs them.
[ "$kernel" != stock ] || done_testing

# Yama.
scope='sysctl kernel.yama.ptrace_scope=0, or CAP_SYS_PTRACE'
echo 1 >$yama
ask "${user[@]}"
unread='the memory of a program'\''s child cannot be read: Operation not permitted'
has 'where only ancestors read' 'ptrace  works here' "notify  does not work here: $unread"
has 'and what is to be done' \
	'  no  the caller is traced until the call returns: Operation not permitted' "      -> $scope" \
	'  no  memory can be read by process_vm_readv(2): Operation not permitted' "      -> $scope" \
	'  no  or by /proc/PID/mem: Permission denied' "      -> $scope"
has 'descriptors neither' \
	'  no  descriptors can be taken by pidfd_getfd(2): Operation not permitted' "      -> $scope"
runs 'ptrace_scope=1' 0 125 "${user[@]}"
echo 2 >$yama
ask "${user[@]}"
has 'where no user traces' \
	"ptrace  does not work here: ptrace is not permitted here: Yama's ptrace_scope is 2" \
	"notify  does not work here: $unread"
has 'and what is to be done then' '  no  a process can be traced: Operation not permitted' \
	'      -> sysctl kernel.yama.ptrace_scope=1, or CAP_SYS_PTRACE'
has 'what is in the way' '  kernel.yama.ptrace_scope: 2'
runs 'ptrace_scope=2' 125 125 "${user[@]}"
ask env
has 'root may' 'ptrace  works here' 'notify  works here'

# Around it.
ask "$helpers/listen"
has 'under a listener' 'ptrace  works here' \
	'notify  does not work here: no listener can be installed: another one is around this process'
has 'and what is to be done there' \
	'  no  a listener with those flags that are there: Device or resource busy' \
	"      -> a listener that is no chain filter is around this process (a container's, or another \
supervisor's): run outside of it, or with --backend ptrace"
runs 'under a listener' 0 125 "$helpers/listen"
ask "$PM_BUILD/tests/without/without" swapon --
has 'under a filter that did not opt in' 'ptrace  works here' 'notify  works here'
has 'one listener is all there' \
	'  no  a listener can be inside another (CHAIN): Device or resource busy' \
	"      -> a filter that is no chain filter is around this process (a container's profile): one \
listener is all that it allows, so a pointsman in a pointsman runs outside of it"
runs 'under a filter that did not opt in' 0 0 "$PM_BUILD/tests/without/without" swapon --
ask "$PM" run --backend ptrace --
has 'inside ptrace there are no redirects' "notify  does not work here: $none"
has 'each flag is refused there' \
	'  no  SECCOMP_FILTER_FLAG_REDIRECT: Invalid argument' \
	'      -> a kernel with the patch series in kernel/ (kernel/README.md)' \
	'  no  SECCOMP_FILTER_FLAG_CHAIN: Invalid argument' \
	'      -> a kernel with the patch series in kernel/ (kernel/README.md)' \
	'  no  SECCOMP_FILTER_FLAG_WAIT_KILLABLE: Invalid argument' \
	'      -> a kernel with the patch series in kernel/ (kernel/README.md)' \
	'  no  SECCOMP_FILTER_FLAG_KILL_ORPHANS: Invalid argument' \
	'      -> a kernel with the patch series in kernel/ (kernel/README.md)'
runs 'inside ptrace' 125 125 "$PM" run --backend ptrace --
ask "$PM" run --backend notify --
has 'inside notify no user traces either' \
	"ptrace  does not work here: ptrace is not permitted here: Yama's ptrace_scope is 2"
echo 0 >$yama
ask "$PM" run --backend notify --
has 'inside notify both work' 'ptrace  works here' 'notify  works here'
has 'chain filters too' '  ok  a listener can be inside another (CHAIN)'
runs 'inside notify' 0 0 "$PM" run --backend notify --

# What the administrator has shut.
echo 2 >/proc/sys/kernel/io_uring_disabled
ask env
has 'io_uring is shut' \
	'  no  io_uring (not for programs of pointsman): Operation not permitted' \
	"      -> only a policy that says 'unsafe: [io_uring]' has use for it: sysctl \
kernel.io_uring_disabled=0"
has 'what is in the way of it' '  kernel.io_uring_disabled: 2'

# There is no way back from here but a boot.
echo 3 >$yama
ask env
has 'nobody traces' '  no  a process can be traced: Operation not permitted' \
	'      -> kernel.yama.ptrace_scope=3 cannot be changed back: boot without it'

done_testing
