#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Every call that names a file or a socket, really made: by 64-bit programs, by
# 32-bit ones, and through int 0x80.  Under a policy that lets all pass it does
# what it does without one; where its file is denied it fails and nothing has
# changed; where its file is redirected it does what it does to the other one.
. "${PM_SRC:-$(cd "${0%/*}/../.." && pwd)}/tests/harness/tap.sh"

src=$PM_SRC/tests/behaviour/src
work=$TMPDIR/work
mkdir "$work" && cd "$TMPDIR" || exit 1
"$PM_BUILD/tests/behaviour/src/table" >table

# The policies: of each file the twin is another.
for name in file dir none link gone program mount bpf/pinned bpf/none; do
	what="class: any-path, path: \"$work/$name.from\""
	echo "- {$what, deny: ENOANO}" >>deny
	echo "- {$what, redirect: {path: \"$work/$name.to\"}}" >>redirect
done
for name in stream datagram unbound; do
	what="class: any-address, address: \"unix:$work/$name.from\""
	echo "- {$what, deny: ENOANO}" >>deny
	echo "- {$what, redirect: {address: \"unix:$work/$name.to\"}}" >>redirect
done
echo '- {class: ipc, deny: ENOANO}' >>deny
cat >allow <<'EOF2'
- {class: any-path, path: /none/such, redirect: {path: /none/other}}
- {class: any-address, address: "unix:/none/such", redirect: {address: "unix:/none/other"}}
EOF2
for policy in allow deny redirect; do
	printf 'version: 1\nrules:\n' | cat - "$policy" >"$policy.yaml"
done

# Calls that no kernel of today lets through, or no policy names a file of:
# their two files cannot be told apart by what the call does.
alike()
{
	case $1 in
	# Removed (5.1 to 6.19), or compiled out.
	'uselib '*) [[ $1 = *' ENOSYS |' ]] ;;
	# Nothing looks a path up for these before something else fails.
	'fsconfig value '* | 'quotactl addr '* | 'bpf attr gone '*) true ;;
	# Names, not files.
	mq_*) true ;;
	# Where root is none: in a user namespace, or without the capability.  Or compiled out.
	'acct '* | 'swapon '* | 'swapoff '* | 'quotactl '*) [[ $1 = *' '@(EPERM|ENOSYS)' |' ]] ;;
	# Neither may then a map be made that could be pinned.
	'bpf attr '*) [[ $1 = *' '@(EPERM|EBADF|ENOENT|EINVAL)' |' ]] ;;
	# A kernel without the call.
	*) [[ $1 = *' ENOSYS |' ]] ;;
	esac
}

# check ABI NAME PROGRAM: all rows of one table
check()
{
	local abi=$1 name=$2 program=$3 from to allowed denied redirected what seen=0 missing
	local denial filtered

	filtered=$(awk '/^Seccomp:/ { print $2 }' /proc/self/status)
	"$program" "$abi" from table "$work" >"$name.from" 2>"$name.log" </dev/null
	ok $? "$name: made without a policy" "$(cat "$name.log")"
	"$program" "$abi" to table "$work" >"$name.to" 2>>"$name.log" </dev/null
	for policy in allow deny redirect; do
		"$program" "$abi" from table "$work" "$PM" run --policy $policy.yaml -- \
			>"$name.$policy" 2>"$name.log" </dev/null
		ok $? "$name: made under $policy.yaml" "$(cat "$name.log")"
	done
	while IFS= read -r from <&3 && IFS= read -r to <&4 && IFS= read -r allowed <&5 &&
		IFS= read -r denied <&6 && IFS= read -r redirected <&7; do
		what="$name: ${from%%:*}"
		seen=$((seen + 1))
		if [[ $from = *': no mounts' ]]; then
			skip "$what" 'kernel: no namespace to mount in'
			continue
		fi
		denial="${from%%:*}: = ENOANO |"
		# What is run is another process.
		[[ $from != exec* ]] || denial="${from%%:*}: status 0 = ENOANO |"
		# Its errors come before those of a policy.
		if [[ $filtered = 2 && $from =~ ' = '(ENOSYS|EPERM)' |'$ && $denied = "$from" ]]; then
			skip "$what" 'kernel: a filter around this refuses the call'
		elif [ "$from" = "$to" ] && ! alike "$from"; then
			fail "$what: tells its files apart" "$from"
		elif [ "$allowed" != "$from" ]; then
			fail "$what: allowed" "without: $from" "allowed: $allowed"
		elif [ "$denied" != "$denial" ]; then
			fail "$what: denied" "denied: $denied"
		elif [[ $redirected != "$to" && $from != mq_* ]]; then
			fail "$what: redirected" "to:         $to" "redirected: $redirected"
		elif [[ $from = "$to" && $from = *' = ENOSYS |' ]]; then
			skip "$what" 'kernel: it has no such call'
		else
			pass "$what"
		fi
	done 3<"$name.from" 4<"$name.to" 5<"$name.allow" 6<"$name.deny" 7<"$name.redirect"
	[ "$seen" -gt 300 ]
	ok $? "$name: there are many" "$seen"
	# What is named by no path: types of file systems, and what is denied anyway.
	missing=$(awk -v "abi=$abi" '
		FNR == NR { made[$1 " " $2]; next }
		$1 == abi {
			for (i = 4; i <= NF; i++)
				if (!(($3 " " $i) in made))
					print $3, $i
		}' "$name.from" table | grep -vxE 'open_by_handle_at handle|fsopen fsname|fsconfig key|mount (filesystemtype|data)')
	is "$missing" '' "$name: every call of the table is made"
}

for width in 64 32; do
	if ! ${CC:-cc} -m$width -O1 -mno-red-zone -o calls$width \
		"$src"/calls.c "$src"/calls_rows.c "$src"/rawcall.c 2>cc.log; then
		fail "calls.c is compiled for $width bits" "$(cat cc.log)"
		done_testing
	fi
done
check 64 'x86-64' ./calls64
if i386_runs; then
	check 32 'i386' ./calls32
	check 32 'int 0x80' ./calls64
else
	no_i386 'i386'
	no_i386 'int 0x80'
fi

done_testing
