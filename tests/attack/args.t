#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Arguments of every kind change while a call is made: those that tests/race leaves.
# shellcheck source=tests/attack/attack.sh
. "${PM_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/attack/attack.sh"

prepare_races
mkdir -p "$TMPDIR"/{names,programs,sockets,mounts/{good,evil,here}}
cp "$race/report-allowed" "$TMPDIR/programs/good"
cp "$race/report-denied" "$TMPDIR/programs/evil"
cat >>"$TMPDIR/policy.yaml" <<EOF
  - class: [create, rename, link]
    path: $TMPDIR/names/evil
    deny: EACCES
  - class: exec
    path: $TMPDIR/programs/evil
    deny: EACCES
  - class: exec
    env: { ENV: evil }
    deny: EACCES
  - class: bind
    address: $address:$((evil_port + 10))
    deny: EACCES
  - class: connect
    address: unix:$TMPDIR/sockets/evil
    deny: EACCES
  - class: mount
    tree: $TMPDIR/mounts/evil
    deny: EACCES
EOF

# By a thread where nobody asks for more: how memory is written is what tests/race varies.
[ -n "${PM_ATTACK_TRIES:-}" ] || attackers=thread

# args CALL [DIR]
args()
{
	race_call "$1" "$(($(tries 1500) * part))" "$attack/args" "$TMPDIR/${2:-files}"
}

args rename-second names
args link-second names
args symlink-second names
args openat2-path
args execve-path programs
args execveat-path programs
args env-string
args env-pointer
args bind
args sendto
args sendmmsg-name
args sendmmsg-header
args unix-connect sockets
args mount-source mounts
# Who does not know of 32-bit calls loses without a race.
by_32_bits=args
i386_runs || by_32_bits=no_i386
for call in open openat2 exec-pointer connect socketcall sendmmsg; do
	"$by_32_bits" "$call-32"
done

done_testing
