#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Standard streams, arguments and environment arrive as they were given.
set -euo pipefail
# shellcheck source=tap.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/tap.sh"

vm -- sh -c 'echo to out; echo to err >&2' </dev/null
is 'standard output has what was written there, and no more' "$out" 'to out'
is 'standard error too' "$err" 'to err'

vm -- sh -c 'echo again > /dev/stdout; echo again > /dev/stderr' </dev/null
is 'a stream can be opened again' "$out$err" againagain

printf 'first\nsecond' > "$scratch/in"
vm -- cat < "$scratch/in"
is 'standard input from a file, with no newline at its end' "$out" "$(cat "$scratch/in")"

head -c 3000000 /dev/urandom > "$scratch/in"
vm -- sha256sum < <(cat "$scratch/in")
is 'three megabytes through a pipe' "$out" "$(sha256sum < "$scratch/in")"

vm -- cat < "$scratch/in"
is 'and back' "$(sha256sum < "$scratch/out")" "$(sha256sum < "$scratch/in")"

vm -- head -c 5 < "$scratch/in"
is 'a command that leaves its input unread' "$status $(wc -c < "$scratch/out")" '0 5'

vm -- wc -c </dev/null
is 'no input from /dev/null' "$status $out" '0 0'

vm -- wc -c <&-
is 'no input where it is closed' "$status $out" '0 0'

vm -- wc -c < <(sleep 0)
is 'an empty pipe' "$status $out" '0 0'

vm -- bash -c 'yes | head -n 1; echo "${PIPESTATUS[0]}"' </dev/null
is 'a broken pipe ends its writer' "$out$err" 'y
141'

odd=$'new\nline'
bytes=$'\x01\xff\xfe "quoted" $HOME \\ %s'
vm -- sh -c 'printf "<%s>" "$@"' '' "$odd" '' "$bytes" -- '-x' '' </dev/null
is 'arguments of any bytes, empty ones too' "$out" "<$odd><><$bytes><--><-x><>"

ODD=$odd BYTES=$bytes EMPTY='' vm -- sh -c 'printf "<%s><%s><%s>" "$ODD" "$BYTES" "${EMPTY-unset}"' </dev/null
is 'the environment' "$out" "<$odd><$bytes><>"

image=$(kernel_image)
env -i A=b 'ODD=a b' "$top/vm/run" --image "$image" -- env > "$scratch/out" </dev/null
is 'all of it, and nothing else' "$(cat "$scratch/out")" 'A=b
ODD=a b'

vm -- env -i sh -c 'echo "${ODD-unset}"' </dev/null
is 'nothing of it comes by another way' "$out" unset

vm --tty -- true </dev/null
is '--tty without a terminal is refused' "$status" 125

# A terminal whose other end stays open: input never ends by itself.
mkfifo "$scratch/keyboard"
exec 3<> "$scratch/keyboard"

# terminal COMMAND…: runs it in a terminal of its own; what it shows in $out.
terminal() {
	status=0
	script -qec "${*@Q}" "$scratch/typescript" <&3 >/dev/null || status=$?
	out=$(tr -d '\r' < "$scratch/typescript")
}

printf 'typed\n' >&3
terminal "$top/vm/run" "${kernel[@]}" --timeout 60 --tty -- \
	sh -c 'tty; read line; echo "<$line>"; exit 3'
is '--tty: the status' "$status" 3
has '--tty: the command has a terminal' "$out" /dev/pts/
has '--tty: what is typed arrives' "$out" '<typed>'

terminal "$top/vm/run" "${kernel[@]}" --timeout 60 -- wc -c
has 'a terminal as standard input is not waited for' "$out" $'\n0\n'

done_testing
