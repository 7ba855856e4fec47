#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# An ordinary user, with a checkout that he can only read, runs commands all the
# same, and the guest's root reads no more of the host than he does.
set -euo pipefail
# shellcheck source=tap.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/tap.sh"

image=$(kernel_image)
mkdir "$scratch/checkout" "$scratch/home" "$scratch/image"
cp -r "$top/vm" "$scratch/checkout/vm"
cp "$(dirname -- "$image")"/{bzImage,vmlinux} "$scratch/image"
echo 'for root alone' > "$scratch/checkout/secret"
echo 'for all' > "$scratch/checkout/file"
chmod -R go=rX "$scratch"
chmod 700 "$scratch/home"

as_user=()
chmod 000 "$scratch/checkout/secret"
if [ "$(id -u)" -eq 0 ]; then
	as_user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	chown -R 65534:65534 "$scratch/home"
fi
kernel=(--image "$scratch/image/bzImage")
run=(env -u XDG_CACHE_HOME -u TMPDIR "HOME=$scratch/home" "${as_user[@]}"
	"$scratch/checkout/vm/run")
cd "$scratch/checkout"

vm -- sh -c 'id -u; pwd; cat file; echo x > /tmp/y && cat /tmp/y; exit 7' </dev/null
is 'a command runs' "$status $out" "7 0
$scratch/checkout
for all
x"

vm -- cat "$scratch/checkout/secret" </dev/null
is 'what he may not read stays so' "$status$out" 1
has 'and the command is told' "$err" 'Permission denied'

vm -- sh -c 'echo changed > file' </dev/null
is 'nor can he write' "$(cat file)" 'for all'

mkdir "$scratch/home/out"
[ "$(id -u)" -ne 0 ] || chown 65534:65534 "$scratch/home/out"
vm --out "$scratch/home/out" -- sh -c 'echo written > "$0/file"' "$scratch/home/out" </dev/null
is '--out writes as he does' "$status $(cat "$scratch/home/out/file") $(stat -c %u "$scratch/home/out/file")" \
	"0 written $("${as_user[@]}" id -u)"

is 'nothing is left but the cache' "$(find "$scratch/home" -type f |
	grep -v -e "^$scratch/home/.cache/pointsman/vm/" -e "^$scratch/home/out/file$")" ''
is 'and in the checkout nothing' "$(find "$scratch/checkout" -newer "$scratch/home/out" -type f)" ''

done_testing
