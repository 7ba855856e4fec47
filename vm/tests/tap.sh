# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the tests of vm/run share.  KERNEL says which kernel they boot (stock),
# IMAGE the file of another one.

top=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
kernel=(--kernel "${KERNEL:-stock}" ${IMAGE:+--image "$IMAGE"})
run=("$top/vm/run")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
count=0

# vm [OPTION…] -- COMMAND…: its output in $out and $err, its status in $status.
vm() {
	status=0
	"${run[@]}" "${kernel[@]}" --timeout "${LIMIT:-300}" "$@" \
		> "$scratch/out" 2> "$scratch/err" || status=$?
	out=$(tr -d "\0" < "$scratch/out")
	err=$(tr -d "\0" < "$scratch/err")
}

# is NAME GOT WANTED
is() {
	count=$((count + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $count - $1"
		return
	fi
	echo "not ok $count - $1"
	printf '%s\n' "got:" "$2" "wanted:" "$3" "status: $status" "errors:" "$err" |
		head -60 | sed 's/^/# /'
}

# has NAME TEXT PART
has() {
	case $2 in
	*"$3"*) is "$1" found found ;;
	*) is "$1" "$2" "something with: $3" ;;
	esac
}

# fails NAME REASON [LOG]: a run that must not count as a good one.  LOG is what is
# said of the console's log, which "follows" unless the guest may not have begun.
fails() {
	is "$1: fails" "$status" 125
	has "$1: says so" "$err" "$2"
	has "$1: prints the log" "$err" "the console's log ${3-follows}"
}

# The file of the kernel that is booted.
kernel_image() {
	if [ -n "${IMAGE:-}" ]; then
		echo "$IMAGE"
	else
		"$top/kernel/scripts/print-image" "${KERNEL:-stock}"
	fi
}

done_testing() {
	echo "1..$count"
}
