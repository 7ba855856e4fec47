#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Arguments that are hard to read: unterminated, cut, of no size or too large a
# one, with unknown flags, at addresses where nothing is.  Calls answer as they
# do without pointsman.
. "${PM_SRC:-$(cd "${0%/*}/../.." && pwd)}/tests/harness/tap.sh"

src=$PM_SRC/tests/behaviour/src
cd "$TMPDIR" || exit 1
"$PM_BUILD/tests/behaviour/src/table" >table
cat >all.yaml <<'EOF2'
version: 1
rules:
  - {class: any-path, path: /none/such, redirect: {path: /none/other}}
  - {class: any-address, address: "unix:/none/such", redirect: {address: "unix:/none/other"}}
EOF2

# made ABI WIDTH COMMAND...: in a new directory
made()
{
	local abi=$1 width=$2
	shift 2
	rm -rf work
	mkdir work
	echo 12345 >work/file
	mkdir work/dir
	ln -s file work/link
	cp /bin/true work/program
	(cd work && exec "$@" ../reads"$width" "$abi" ../table) </dev/null 2>&1
}

# lacking FILE: the calls that all lines of it answer with ENOSYS
lacking()
{
	awk -F'[(:]' '/^[a-z]/ { all[$1]; if (!/: ENOSYS$/) made[$1] }
		      END { for (call in all) if (!(call in made)) print call }' "$1" | sort
}

for width in 64 32; do
	if ! ${CC:-cc} -m$width -O1 -mno-red-zone -o reads$width "$src"/reads.c "$src"/rawcall.c \
		2>cc.log; then
		fail "reads.c is compiled for $width bits" "$(cat cc.log)"
		done_testing
	fi
done
for what in '64 64' '32 32' '32 64'; do
	read -r abi width <<<"$what"
	name="table of $abi bits, program of $width"
	if [ "$abi" = 32 ] && ! i386_runs; then
		no_i386 "$name"
		continue
	fi
	made "$abi" "$width" >plain
	ok $? "$name: made without pointsman" "$(tail -n 3 plain)"
	[ "$(wc -l <plain)" -gt 10000 ]
	ok $? "$name: there are many"
	made "$abi" "$width" "$PM" run --policy "$TMPDIR/all.yaml" -- >supervised
	ok $? "$name: made under a policy" "$(tail -n 3 supervised)"
	# What the kernel would say if it had them is what these answer; nothing is done.
	for call in $(lacking plain); do
		grep "^$call[(:]" supervised | grep -q ': ok$'
		is $? 1 "$name: $call does nothing"
		skip "$name: $call" "kernel: it has no $call"
		sed -i "/^$call[(:]/d" plain supervised
	done
	for domain in $(sed -n 's/^no sockets of domain //p' plain); do
		skip "$name: sockets of domain $domain" "kernel: it has no sockets of domain $domain"
	done
	same supervised plain "$name"
done

done_testing
