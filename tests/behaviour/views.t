#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A program that looks at files, changes its root or its rights, or has another do so, and
# looks again, sees what it sees without pointsman: what was found of it before its change is
# not believed after it.
. "${PM_SRC:-$(cd "${0%/*}/../.." && pwd)}/tests/harness/tap.sh"

need python3
[ "$(id -u)" = 0 ] || skip_all 'not root: no root and no rights to change'
unshare -m true 2>/dev/null || skip_all 'kernel: no mount namespace can be had'

chmod 0755 "$TMPDIR"
work=$TMPDIR/work
mkdir -p "$work"/{closed,other/closed,other/put,other"$work"/closed}
echo here >"$work/closed/file"
echo led >"$work/led"
echo there >"$work/other$work/closed/file"
echo there >"$work/other/closed/file"
# Of another user: not even root sees it without its capabilities.
chown -R 65533 "$work/closed"
chmod 0700 "$work/closed"
cat >"$TMPDIR/all.yaml" <<EOT2
version: 1
rules:
  - {path: $work/closed/from, redirect: {path: $work/led}}
  - {class: any-path, path: /none/such, redirect: {path: /none/other}}
EOT2
cat >"$TMPDIR/views.py" <<'EOT2'
import ctypes
import os
import subprocess
import sys
import threading

work, change = sys.argv[1:3]
libc = ctypes.CDLL(None, use_errno=True)
SYS = dict(capset=126, pivot_root=155, setresuid=117, setreuid=113, setuid=105, setfsuid=122,
           clone=56, clone3=435)
NEWUSER, NEWNS, SIGCHLD = 0x10000000, 0x20000, 17
DAC = 6


def made(name, *args):
    result = libc.syscall(SYS[name], *args)
    print(name, result if result >= 0 else os.strerror(ctypes.get_errno()))


def attempt(call, path):
    try:
        return call(path)
    except OSError as error:
        return error.strerror


def content(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, 100)
    finally:
        os.close(fd)


def kind(path):
    st = os.stat(path)
    return oct(st.st_mode), st.st_uid, st.st_size


def there(path):
    return os.access(path, os.F_OK, effective_ids=True)


def look(who):
    for name in "closed/file", "closed/from", "closed/none", "led":
        path = work + "/" + name
        print(who, name, attempt(content, path), attempt(kind, path),
              attempt(os.readlink, path), attempt(there, path))


class Beside:
    """Looks when asked to: a thread, or a process in the same mount namespace."""

    def __init__(self, fork):
        self.ask, self.answer = os.pipe(), os.pipe()
        if fork:
            sys.stdout.flush()
            if os.fork() == 0:
                os.close(self.ask[1])
                self.serve()
                os._exit(0)
        else:
            threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while os.read(self.ask[0], 1) == b"?":
            look("beside")
            sys.stdout.flush()
            os.write(self.answer[1], b".")

    def look(self):
        sys.stdout.flush()
        os.write(self.ask[1], b"?")
        os.read(self.answer[0], 1)


def set_capabilities(effective, permitted):
    made("capset", (ctypes.c_uint32 * 2)(0x20080522, 0),
         (ctypes.c_uint32 * 6)(effective, permitted, 0))


def drop_capabilities():
    set_capabilities(0, 0)


def keep_without_root():
    """Another user that may search any directory: an exec takes that away."""
    print("keep", libc.prctl(8, 1, 0, 0, 0))
    made("setresuid", 65534, 65534, 65534)
    set_capabilities(DAC, DAC)


def execute():
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *sys.argv, "executed"])


def clone_user():
    flags = NEWUSER | SIGCHLD
    if change == "clone3-user":
        pid = libc.syscall(SYS["clone3"], (ctypes.c_uint64 * 8)(NEWUSER, 0, 0, 0, SIGCHLD), 64)
    else:
        pid = libc.syscall(SYS["clone"], flags, 0, 0, 0, 0)
    if pid:
        os.waitpid(pid, 0)
        sys.stdout.flush()
        os._exit(pid < 0)


def pivot():
    made("pivot_root", (work + "/other").encode(), (work + "/other/put").encode())


def enter():
    child = subprocess.Popen(["unshare", "-U", "sh", "-c", "echo; read x"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdout.read(1)
    fd = os.open("/proc/%d/ns/user" % child.pid, os.O_RDONLY)
    print("setns", libc.setns(fd, NEWUSER))
    child.communicate(b"\n")


changes = {
    "capset": drop_capabilities,
    "setuid": lambda: made("setuid", 65534),
    "setreuid": lambda: made("setreuid", 65534, 65534),
    "setresuid": lambda: made("setresuid", -1, 65534, -1),
    "setfsuid": lambda: made("setfsuid", 65534),
    "chroot": lambda: os.chroot(work + "/other"),
    "chroot-beside": lambda: os.chroot(work + "/other"),
    "pivot_root": pivot,
    "pivot_root-beside": pivot,
    "unshare-user": lambda: print(libc.unshare(NEWUSER)),
    "unshare-mounts": lambda: print(libc.unshare(NEWNS)),
    "setns": enter,
    "exec-loses": execute,
    "exec-regains": execute,
    "clone-user": clone_user,
    "clone3-user": clone_user,
}
# What it is before the first look.
if change == "exec-loses" and len(sys.argv) == 3:
    keep_without_root()
elif change == "exec-regains" and len(sys.argv) == 3:
    set_capabilities(0, DAC)
beside = None
if change.endswith("-beside"):
    beside = Beside(change.startswith("pivot"))
if len(sys.argv) == 3:
    for _ in range(3):
        look("before")
        if beside:
            beside.look()
    changes[change]()
for _ in range(3):
    look("after")
    if beside:
        beside.look()
# Without what an interpreter looks for at its end.
sys.stdout.flush()
if change == "pivot_root-beside":
    os.close(beside.ask[1])
    os.wait()
os._exit(0)
EOT2

# A mount namespace with a root that can be left, and what is at "other" in it.
# shellcheck disable=SC2016 # for that shell
prepare='mount --make-rprivate / && mount --bind "$1/other" "$1/other" && cd / && shift && exec "$@"'
for change in capset setuid setreuid setresuid setfsuid chroot chroot-beside pivot_root \
	pivot_root-beside unshare-user unshare-mounts setns exec-loses exec-regains clone-user \
	clone3-user; do
	command=(python3 "$TMPDIR/views.py" "$work" "$change")
	unshare -m sh -c "$prepare" - "$work" "${command[@]}" >"$TMPDIR/bare" 2>&1
	status=$?
	"$PM" run --policy "$TMPDIR/all.yaml" -- unshare -m sh -c "$prepare" - "$work" \
		"${command[@]}" >"$TMPDIR/got" 2>&1
	is $? $status "$change: it ends as it does without pointsman"
	# What is redirected, while the root is the one whose names the policy has.
	if [[ $change != chroot* && $change != pivot* ]]; then
		grep -q 'before closed/from b.led' "$TMPDIR/got"
		ok $? "$change: the redirect works before it" "$(cat "$TMPDIR/got")"
	fi
	grep -v 'closed/from' "$TMPDIR/bare" >"$TMPDIR/bare.same"
	grep -v 'closed/from' "$TMPDIR/got" >"$TMPDIR/got.same"
	same "$TMPDIR/got.same" "$TMPDIR/bare.same" "$change: all else is seen as without pointsman"
	[ "$(grep after "$TMPDIR/bare.same")" != "$(grep before "$TMPDIR/bare.same" | sed 's/before/after/')" ] ||
		[ "$change" = unshare-mounts ]
	ok $? "$change: it does change what is seen" "$(cat "$TMPDIR/bare")"
done

done_testing
