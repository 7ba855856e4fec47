#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# trinity and stress-ng on the debug kernel, under filters with every flag: the kernel has
# nothing to report (vm/run fails where it has), and the run ends.
# shellcheck source=tests/torture/torture.sh
. "${PM_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/torture/torture.sh"

need trinity stress-ng

# A stressor for each kind of what a filter stands in the way of.
stressors=clone,exec,fork,futex,handle,kill,mmap,nanosleep,open,poll,ptrace,rename,seccomp,sigq,signest,signal,spawn,symlink,syscall,sysbadaddr,timer,vfork,vforkmany,wait,zombie
each=$((seconds / 25 + 1))
others=$(stress-ng --stressors | tr ' ' '\n' | grep -vxF -f <(tr , '\n' <<<"$stressors") | paste -sd,)

# guest WHAT SECONDS NAME COMMAND: as a user who has nothing; so long from the first call of
# NAME on
guest()
{
	local what=$1 limit=$2 name=$3 status
	shift 3
	nice -n 10 "$PM_SRC/vm/run" --kernel "${PM_TORTURE_KERNEL:-debug}" --append audit=0 --memory 2048 \
		--timeout $((limit * 4 + 3600)) -- \
		"$PM_BUILD/tests/torture/filtered" -b "$name" "$limit" 65534 \
		sh -c "mkdir /tmp/scratch && cd /tmp/scratch && exec prlimit --fsize=67108864 --core=0 --nproc=200 -- $*" \
		>"$TMPDIR/$what" 2>&1 </dev/null
	status=$?
	ok $status "$what, $limit s on the debug kernel: no report, and an end" "$(tail -n 60 "$TMPDIR/$what")"
	for kind in 'go on' 'the same' pinned error; do
		n=$(sed -n "s/^$kind: //p" "$TMPDIR/$what")
		[ "${n:-0}" -gt 0 ]
		ok $? "$what: ${n:-no} answers of the kind '$kind'"
	done
}

# Of its own it looks at all files of /dev, /proc and /sys first, which is not over
# there in a minute; so it gets some.
guest trinity "$seconds" trinity-c trinity -q -C 4 -l off --disable-fds=sockets -V /proc/sys/kernel
ran=$(tr '\r' '\n' <"$TMPDIR/trinity" | sed -n 's/^\[main\] Ran \([0-9]*\) syscalls.*/\1/p')
[ "${ran:-0}" -gt 0 ]
ok $? "trinity made ${ran:-no} calls" "$(tr '\r' '\n' <"$TMPDIR/trinity" | tail -n 20)"
guest stress-ng "$((each * 25 + 60))" stress-ng stress-ng --exclude "$others" --sequential 1 --timeout "${each}s" --temp-path .
grep -aq 'run completed in' "$TMPDIR/stress-ng"
ok $? "stress-ng: $(grep -a 'run completed in' "$TMPDIR/stress-ng")" "$(tail -n 20 "$TMPDIR/stress-ng")"

done_testing
