#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A program that has given up the rights of root is told nothing that it may
# not see, however much its supervisor may: calls answer as they do without
# pointsman.
. "${PM_SRC:-$(cd "${0%/*}/../.." && pwd)}/tests/harness/tap.sh"

need python3 setpriv
[ "$(id -u)" = 0 ] || skip_all 'not root: no rights to give up'

work=$TMPDIR/work
chmod 0755 "$TMPDIR"

# The files, as they are to be before each run.
tree()
{
	cd "$TMPDIR" && rm -rf work && mkdir -p work/closed/d work/open && cd work || exit 1
	chmod 0700 closed
	echo closed >closed/f
	echo open >open/f
	echo unreadable >open/unreadable
	chmod 0600 open/unreadable
	ln -s ../open/f closed/link
	ln -s ../open closed/dir-link
	ln -s closed/f link
	printf '#!/none/such\n' | tee closed/script open/script open/no-exec open/roots >/dev/null
	chmod 0755 closed/script open/script
	chmod 0744 open/roots
}

cat >"$TMPDIR/all.yaml" <<'EOF2'
version: 1
rules:
  - {class: any-path, path: /none/such, redirect: {path: /none/other}}
EOF2
cat >"$TMPDIR/rights.py" <<'EOF2'
import os
import sys


def attempt(name, call, path):
    try:
        result = call(path)
    except OSError as error:
        result = error.strerror
    print(name, path, result)
    os.chdir(sys.argv[1])


def opened(path, flags=os.O_RDONLY):
    os.close(os.open(path, flags))


def executed(path):
    pid = os.fork()
    if not pid:
        try:
            os.execv(path, [path])
        except OSError as error:
            os._exit(error.errno)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


calls = {
    'open': opened,
    'open-path': lambda path: opened(path, os.O_PATH),
    'stat': lambda path: os.stat(path).st_size,
    'lstat': lambda path: os.lstat(path).st_size,
    'readlink': os.readlink,
    'access': lambda path: os.access(path, os.F_OK),
    'chdir': os.chdir,
    'unlink': os.unlink,
    'rmdir': os.rmdir,
    'truncate': lambda path: os.truncate(path, 0),
    'chmod': lambda path: os.chmod(path, 0o700),
    'execve': executed,
}
paths = '''
closed closed/f closed/none closed/none/x closed/f/x closed/link closed/dir-link/f
closed/dir-link/none closed/dir-link/none/x closed/.. closed/. closed/../open/f
closed/d/../../open/f closed/link/x closed/script link link/x open/f open/none open/none/x
open/f/x open/unreadable open/script open/no-exec open/roots
/proc/1/root/etc/hostname /proc/1/cwd/none /proc/1/fd/0 /proc/1/fd/999 /proc/1/exe
/proc/self/cwd/open/f /proc/self/cwd/closed/f /proc/self/root/none/x /proc/self/exe
/proc/thread-self/cwd/open/f /proc/self/fd/0 /proc/self/fd/99 /root/none/x
'''.split()
for path in paths:
    for name, call in calls.items():
        # What is not this test's own stays as it is.
        if name in ('unlink', 'rmdir', 'truncate', 'chmod') and path[0] == '/':
            continue
        if name == 'execve' and path == '/proc/self/exe':
            continue
        attempt(name, call, path)
EOF2

# compare NAME COMMAND...: with and without
compare()
{
	local name=$1
	shift
	tree
	"$@" $python "$TMPDIR/rights.py" "$work" >"$TMPDIR/plain" 2>&1 </dev/null
	ok $? "$name: made without pointsman" "$(tail -n 3 "$TMPDIR/plain")"
	tree
	"$PM" run --policy "$TMPDIR/all.yaml" -- "$@" $python "$TMPDIR/rights.py" "$work" \
		>"$TMPDIR/supervised" 2>&1 </dev/null
	same "$TMPDIR/supervised" "$TMPDIR/plain" "$name"
}

# A supervisor without CAP_SYS_PTRACE may read no program of another user, and
# refuses its calls (docs/guarantees.md).
capabilities=$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)
compare_other()
{
	if [ $((0x$capabilities >> 19 & 1)) = 0 ]; then
		skip "$1" 'kernel: no CAP_SYS_PTRACE, which it wants of who reads another user'
	else
		compare "$@"
	fi
}

# One that others can run too.
other=(setpriv --reuid 12345 --regid 12345 --clear-groups)
for python in python3 /usr/bin/python3; do
	! "${other[@]}" $python -c '' 2>/dev/null || break
done
if "${other[@]}" $python -c '' 2>/dev/null; then
	compare_other 'another user' "${other[@]}"
	compare_other 'another user without capabilities' "${other[@]}" --inh-caps=-all --bounding-set=-all
	compare 'root without capabilities' setpriv --inh-caps=-all --bounding-set=-all
	compare_other 'a group more' setpriv --reuid 12345 --regid 12345 --groups 12346,0
	if "${other[@]}" unshare -Ur true 2>/dev/null; then
		compare_other 'root of a user namespace' "${other[@]}" unshare -Ur
	else
		skip 'root of a user namespace' 'kernel: no user namespaces'
	fi
else
	skip 'another user' 'kernel: python3 is where other users cannot run it'
fi

done_testing
