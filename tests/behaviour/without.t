#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The same on kernels and in containers that lack something: each is taken away
# by a filter around pointsman, and all of them together.
. "${PM_SRC:-$(cd "${0%/*}/../.." && pwd)}/tests/harness/tap.sh"

without=$PM_BUILD/tests/without/without
work=$TMPDIR/work
mkdir "$work" || exit 1
echo from >"$work/from"
echo to >"$work/to"
echo secret >"$work/secret"
ln -s secret "$work/link"
cat >"$work/policy.yaml" <<EOF
version: 1
default: allow
rules:
  - class: [open-read, metadata]
    path: $work/secret
    deny: EPERM
  - class: [open-read, metadata]
    path: $work/from
    redirect:
      path: $work/to
EOF

not_here='pointsman: the notify backend does not work here'

# try CALL[=ERRNO]...: what the policy says holds all the same.
try()
{
	local got
	got=$("$without" "$@" -- "$PM" run --policy "$work/policy.yaml" -- \
		bash -c "cat $work/from; cat $work/link; cat < <(echo pipe)" 2>&1)
	is "$got" "to
cat: $work/link: Operation not permitted
pipe" "without $*"
	got=$("$without" "$@" -- "$PM" run --policy "$work/policy.yaml" -- \
		python3 -c "
import threading
done = threading.Event()
thread = threading.Thread(target=done.wait)
thread.start()
print(open('$work/from').read(), end='')
done.set()" 2>&1)
	is "$got" to "without $*, in a process of two threads"
}

try mseal
try mseal=1
try openat2
try openat2=1
try pidfd_getfd=1
if [ "${PM_BACKEND:-ptrace}" = notify ]; then
	got=$("$without" pidfd_open=1 -- "$PM" run -- echo ran 2>&1)
	is "$? $got" "125 $not_here: pidfd_open(2) does not work: Operation not permitted" \
		"without pidfd_open it fails, and says why"
	# By itself it takes the other backend then.
	PM=$PM_BUILD/pointsman try pidfd_open=1
else
	try pidfd_open=1
fi
try set_syscall_info=5
try held=22
try getppid=1
try process_vm_readv=1 process_vm_writev=1
try landlock_create_ruleset
try mseal openat2 pidfd_getfd process_vm_readv process_vm_writev landlock_create_ruleset \
	set_syscall_info held=22

# holds CALL...: what the audit says of an open.
holds()
{
	# Where it runs.
	"$without" "$@" -- "$PM" run --own-listeners --policy "$work/policy.yaml" \
		--audit "$work/audit" -- cat "$work/to" >"$work/out" 2>&1
	python3 - "$work/audit" "$work/to" <<'EOF'
import json, sys
for line in open(sys.argv[1]):
    line = json.loads(line)
    if line.get("deep", {}).get("pathname", {}).get("text") == sys.argv[2] and line["call"] == "openat":
        print(line["holds"], line.get("ran", {}).get("call", line["call"]))
EOF
	rm -f "$work/audit"
}
# acct(2) is a call that nobody here makes.
is "$(holds acct)" "file openat2" "an open runs as openat2, and holds the file"
is "$(holds openat2)" "name openat" "without openat2 it says that it holds the name only"

# Without ptrace nothing runs.
why='pointsman: ptrace is not permitted here'
[ "${PM_BACKEND:-ptrace}" = ptrace ] || why="$not_here: an execve cannot be watched by ptrace"
got=$("$without" ptrace=1 -- "$PM" run -- echo ran 2>&1)
is "$? $got" "125 $why: Operation not permitted" "without ptrace it fails, and says why"

done_testing
