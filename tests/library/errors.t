#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The errors that the header knows, each brought about.  What is no error of a layer, or
# no verdict, is a denial, and never a result.

. "$(dirname "$0")/../harness/tap.sh"
errors=$PM_BUILD/tests/library/errors
cd "$TMPDIR" || exit 1
mkdir there

backends=(ptrace)
if PM_BACKEND=notify "$errors" none true >said 2>&1; then
	backends+=(notify)
else
	got=$(cat said)
	[[ $got == 'setup '@(ENOSYS|EOPNOTSUPP)': the notify backend does not work here: '* ]]
	ok $? 'notify: that the kernel lacks it is said' "$got"
fi

# says CASE STATUS OUTPUT COMMAND...
says()
{
	local what=$1 status=$2 expected=$3 got
	shift 3

	got=$("$errors" "$what" "$@" 2>&1 </dev/null)
	is "$?: $got" "$status: $expected" "$PM_BACKEND: $what: $1"
}

# goes CASE STATUS WHAT: where a program gets to, or why it does not
goes()
{
	says "$1" "$2" "$3" env -C there pwd -P
}

nowhere='a layer has no decide(), or the observer no tell()'
for PM_BACKEND in "${backends[@]}"; do
	export PM_BACKEND
	says none 7 '' sh -c 'exit 7'
	says no-layer 125 "setup EINVAL: $nowhere" true
	says undecided 125 "setup EINVAL: $nowhere" true
	says untold 125 "setup EINVAL: $nowhere" true
	says confine 125 'setup EXDEV: cannot confine the program: Invalid cross-device link' true
	says dies 125 'setup ECHILD: the supervisor did not attach' true
	got=$("$errors" files true 2>&1)
	[[ $?:$got == '125:setup EMFILE: '* ]]
	ok $? "$PM_BACKEND: no more descriptors" "$got"
	got=$("$errors" processes true 2>&1)
	[[ $?:$got == '125:setup EAGAIN: '* ]]
	ok $? "$PM_BACKEND: no more processes" "$got"
	says none 125 "exec ENOENT: cannot run './none': No such file or directory" ./none
	says none 125 "exec EACCES: cannot run './there': Permission denied" ./there

	pwd=$(pwd -P)
	denied="env: cannot change directory to 'there': Invalid cross-device link"
	refused="env: cannot change directory to 'there': Operation not permitted"
	goes none 0 "$pwd/there"
	goes taken 0 "$pwd/there"
	goes denies 125 "$denied"
	goes error 125 "$denied"
	for case in no-errno large-errno minus-errno no-action plus-error large-error; do
		goes "$case" 125 "$refused"
	done
	# The caller is not the first thread of its process, which has ended.
	goes thread 125 "$denied"
	says thread 125 "exec ENOENT: cannot run './none': No such file or directory" ./none
	says thread 0 "$(printf '%s\n' one two)" sh -c 'echo one; (echo two)'
done
export PM_BACKEND=ptrace
got=$("$errors" none "$errors" none true 2>&1)
[[ $?:$got == '125:setup EPERM: ptrace is not permitted here: a pointsman around this one '* ]]
ok $? 'ptrace: one in another' "$got"
says backend 125 'setup EINVAL: no backend is called none' true
if unshare -rm true 2>/dev/null; then
	# Where the library is cannot be found out there either.
	got=$(LD_LIBRARY_PATH=$PM_BUILD/lib unshare -rm sh -c '
		mount -t tmpfs none /proc && "$0" none true' "$errors" 2>&1)
	is "$?: $got" '125: setup ENOENT: /proc is not mounted' 'pm_exec: no /proc'
	got=$(LD_LIBRARY_PATH=$PM_BUILD/lib unshare -rm sh -c '
		mount -t tmpfs none /proc && "$0" serve over' "$errors" 2>&1)
	is "$got" ENOENT 'pm_serve: no /proc'
else
	skip 'pm_exec: no /proc' 'kernel: no user namespaces'
	skip 'pm_serve: no /proc' 'kernel: no user namespaces'
fi

if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
	# unreadable ARGUMENT...: as somebody else than whose /proc is
	unreadable()
	{
		LD_LIBRARY_PATH=$PM_BUILD/lib unshare -m sh -c '
			mount -t tmpfs -o mode=0700 none /proc && exec "$0" "$@"' "$errors" "$@" 2>&1
	}
	got=$(unreadable nobody true)
	is "$?: $got" '125: setup EACCES: /proc cannot be read' 'pm_exec: /proc of another'
	is "$(unreadable serve nobody)" EACCES 'pm_serve: /proc of another'
else
	skip 'pm_exec: /proc of another' 'not root: there is nobody else'
	skip 'pm_serve: /proc of another' 'not root: there is nobody else'
fi

# fails ERROR ARGUMENT...
fails()
{
	local expected=$1
	shift
	is "$("$errors" "$@" 2>&1 </dev/null)" "$expected" "$*"
}
fails 0 handler none
fails EMFILE handler files
fails EAGAIN handler processes
fails EBADF serve nothing
fails EINVAL serve pipe
fails EINVAL serve undecided
fails EINVAL serve untold
fails EMFILE serve files
fails EAGAIN serve processes
fails 1 serve stop
fails 0 serve over

done_testing
