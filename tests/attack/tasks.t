#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Who makes a call, and with what: children of every kind; arguments that are read long
# after they were decided on; signal frames that make another call of a decided one;
# mappings that look like pins.
# shellcheck source=tests/attack/attack.sh
. "${PM_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/attack/attack.sh"

prepare_races
files=$TMPDIR/files
run=("$PM" run --policy "$TMPDIR/policy.yaml" --)

# attacked WHAT SIDE COMMAND...
attacked()
{
	local what=$1 side=$2 line
	shift 2
	line=$("$@" 2>&1) || line+=" (status $?)"
	if [ "$line" = guarded ]; then
		skip "$what" 'kernel: without mseal a child has the pins of its parent'
	else
		verdict "$what" "$line" "$side"
	fi
}

[ -n "${PM_ATTACK_TRIES:-}" ] || attackers='thread clone-vm shared'
race_call family $(($(tries 3000) * part)) "$attack/family"
clone3=(clone3-flags thread "$(tries 1000)" "$files" "$address" "$good_port" "$evil_port")
attacked 'clone3, traced and not' naive "$attack/family" win "${clone3[@]}"
attacked 'clone3, traced and not' pointsman "${run[@]}" "$attack/family" try "${clone3[@]}"

cp "$race/report" "$TMPDIR/leased"
attacked 'arguments of a call that sleeps' naive "$attack/slots" one-slot 3 "$TMPDIR/leased" "$files/evil"
attacked 'arguments of a call that sleeps' pointsman "${run[@]}" \
	"$attack/slots" try "$(tries 20 100)" "$TMPDIR/leased" "$files/evil"

# Of a leased script it is not known at first what runs it: its interpreter is denied.
cp "$race/report-denied" "$files/interpreter"
printf '#!%s\n' "$files/interpreter" >"$TMPDIR/script"
chmod 0755 "$TMPDIR/script"
cat >>"$TMPDIR/policy.yaml" <<EOF
  - class: exec
    path: $files/interpreter
    deny: EACCES
EOF
line=$("$attack/slots" try 1 "$TMPDIR/script" "$files/evil" 2>&1)
is "$line" 'tries=2 refused=0 ran=0 other=0 wins=2' 'a leased script runs where nobody decides'
line=$("${run[@]}" "$attack/slots" try 1 "$TMPDIR/script" "$files/evil" 2>&1)
is "$line" 'tries=2 refused=1 ran=0 other=1 wins=0' 'a leased script whose interpreter is denied'

# By itself each frame leads to where it says.
attacked 'signal frames' naive "$attack/frames" 70 "$files"
attacked 'signal frames' pointsman "${run[@]}" "$attack/frames" "$(tries 1400)" "$files"

attacked 'what looks like a pin' naive "$attack/lookalike" trust 1000000 "$files/good" "$files/evil"
attacked 'what looks like a pin' pointsman "${run[@]}" \
	"$attack/lookalike" try "$(tries 10000)" "$files/good" "$files/evil"

# The first thread is stopped at a way of some thirty links through two file systems when
# another one takes its number.
far=$TMPDIR/far
mkdir -p "$far/$(printf 'y/%.0s' {1..200})"
echo led >"$far/to"
echo not >"$far/from"
way=/dev/shm/../..$far/$(printf 'y/%.0s' {1..200})$(printf '../%.0s' {1..200})
last=to
for i in {1..35}; do
	ln -s "$way$last" "$far/link$i"
	last=link$i
done
cat >"$TMPDIR/takeover.yaml" <<EOF
version: 1
rules:
  - {path: $far/from, redirect: {path: $far/to}}
  - {class: any-path, path: /none/such, redirect: {path: /none/other}}
EOF
rounds=$(tries 40 50)
is "$("$PM" run --policy "$TMPDIR/takeover.yaml" -- "$attack/takeover" "$far/from" "$far/$last" "$rounds" 2>&1)" \
	"tries=$rounds wins=0" 'the number of the first thread is taken while it is stopped'

done_testing
