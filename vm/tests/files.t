#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The host's files at their own paths: read-only, but for what is fresh.
set -euo pipefail
# shellcheck source=tap.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/tap.sh"

cd "$top/vm"
vm -- pwd </dev/null
is 'the working directory' "$out" "$top/vm"

vm -- sha256sum "$top/vm/run" </dev/null
is 'a file of the checkout' "$out" "$(sha256sum "$top/vm/run")"

new=$top/pointsman-was-here-$$
vm -- sh -c 'touch "$0" /etc/pointsman-was-here /root/pointsman-was-here; echo $?' "$new" </dev/null
is 'the root is read-only' "$out" 1
is 'and stays so' "$(ls "$new" /etc/pointsman-was-here 2>/dev/null)" ''

TMPDIR=/ vm -- sh -c 'for dir in /tmp /run /var/tmp "$0"; do
	echo text > $dir/pointsman-was-here && cat $dir/pointsman-was-here
	ls -A $dir | grep -vx "$1"; done' "$top/build/scratch" "$(cut -d/ -f3 <<<"$top")" </dev/null
# A checkout in /tmp is there too.
is 'what is fresh is writable and empty' "$out" \
	"$(for _ in 1 2 3 4; do printf 'text\npointsman-was-here\n'; done)"
is 'and apart' "$(ls /tmp/pointsman-was-here "$top/build/scratch/pointsman-was-here" 2>/dev/null)" ''

mkdir -p "$top/build/scratch/deep/er"
cd "$top/build/scratch/deep/er"
vm -- sh -c 'pwd; echo x > y && cat y' </dev/null
is 'a working directory in the scratch folder' "$out" "$top/build/scratch/deep/er
x"
rm -r "$top/build/scratch/deep"

mkdir "$scratch/cwd"
echo 'of the host' > "$scratch/cwd/file"
cd "$scratch/cwd"
vm -- sh -c 'cat file; echo x > /tmp/y && cat /tmp/y' </dev/null
is 'a working directory below /tmp is still there' "$out" 'of the host
x'
cd "$top"

TMPDIR=/tmp/of/mine vm -- mktemp </dev/null
has 'TMPDIR is there, if empty' "$status $out" '0 /tmp/of/mine/'

image=$(kernel_image)
mkdir -p "$scratch/cache/pointsman"
echo cached > "$scratch/cache/pointsman/file"
XDG_CACHE_HOME=$scratch/cache vm --image "$image" -- cat "$scratch/cache/pointsman/file" </dev/null
is 'and a cache below /tmp' "$out" cached

mkdir "$scratch/o,ut"
vm --out "$scratch/o,ut" -- sh -c 'echo written > "$0/file"; mkdir "$0/folder"' "$scratch/o,ut" </dev/null
is '--out: the folder is writable' "$status" 0
is '--out: what is written stays' "$(cat "$scratch/o,ut/file")" written

vm -- sh -c 'for path in /dev/null /dev/pts /dev/shm /proc/self /sys/kernel/debug \
	/dev/fd/0 /sys/fs/cgroup/cgroup.procs; do [ -e $path ] || echo no $path; done
	cat /sys/class/net/lo/flags; hostname; nproc; id -u' </dev/null
is 'devices, file systems, loopback, processors, user' "$out" '0x9
pointsman
2
0'

done_testing
