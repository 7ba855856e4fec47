# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# race.sh - what the race tests share

# shellcheck source=tests/harness/tap.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/harness/tap.sh"

# shellcheck disable=SC2034 # for those who read this file
race=$PM_BUILD/tests/race

# verdict WHAT LINE SIDE: judge what an attack printed.  Against a supervisor
# that reads and continues (SIDE is naive), or where there is none (nobody), it
# must win, or it is no attack.
# Against pointsman it must not, and both what is allowed and what is denied
# must have come up, or nothing has changed under the calls.
verdict()
{
	local what=$1 line=$2 side=$3 against tries refused ran other wins
	if ! [[ $line =~ ^tries=([0-9]+)\ refused=([0-9]+)\ ran=([0-9]+)\ other=([0-9]+)\ wins=([0-9]+)$ ]]; then
		fail "$what, $side" "no counts: $line"
		return
	fi
	tries=${BASH_REMATCH[1]} refused=${BASH_REMATCH[2]} ran=${BASH_REMATCH[3]}
	other=${BASH_REMATCH[4]} wins=${BASH_REMATCH[5]}
	if [ "$side" != pointsman ]; then
		against='read and continue'
		[ "$side" = naive ] || against=$side
		[ "$wins" -gt 0 ]
		ok $? "$what: the attack wins against $against ($wins in $tries)" "$line"
		return
	fi
	[ "$wins" -eq 0 ] && [ "$refused" -gt 0 ] && [ "$ran" -gt 0 ]
	ok $? "$what: $wins wins in $tries tries ($refused refused, $ran ran, $other other)" "$line"
	race_tries=$((${race_tries:-0} + tries))
}

# The policy of open.t, exec.t, connect.t and sendmsg.t: what each attack calls
# "evil" is denied.
address=$(own_address)
good_port=7621
evil_port=7622
attackers='thread clone-vm proc-mem vm-writev alias shared'

prepare_races()
{
	mkdir -p "$TMPDIR/files"
	echo good >"$TMPDIR/files/good"
	echo evil >"$TMPDIR/files/evil"
	echo good >"$TMPDIR/files/readonly"
	export RACE_REPORT=$race/report
	cat >"$TMPDIR/policy.yaml" <<EOF
version: 1
default: allow
rules:
  - class: open-read
    path: $TMPDIR/files/evil
    deny: EACCES
  - class: open-write
    path: $TMPDIR/files/readonly
    deny: EACCES
  - class: exec
    argv: { 1: evil }
    deny: EACCES
  - class: [connect, send]
    address: $address:$evil_port
    deny: EACCES
EOF
}

# A slow machine makes a part of the tries: one of PM_RACE_PART.
part=${PM_RACE_PART:-1}

# race_call CALL TRIES [PROGRAM [DIR]]: with each attacker, TRIES tries; evil is DIR/evil
race_call()
{
	local call=$1 count=$(($2 / part)) program=${3:-$race/race} dir=${4:-$TMPDIR/files} attacker line
	for attacker in $attackers; do
		line=$("$race/naive" --path "$dir/evil" --write "$TMPDIR/files/readonly" \
			--arg evil --port "$evil_port" --bind $((evil_port + 10)) \
			"$program" win "$call" "$attacker" 1000000 "$dir" "$address" $good_port $evil_port 2>&1) ||
			line+=" (status $?)"
		verdict "$call, $attacker" "$line" naive
		line=$("$PM" run --policy "$TMPDIR/policy.yaml" -- \
			"$program" try "$call" "$attacker" "$count" "$dir" "$address" $good_port $evil_port 2>&1) ||
			line+=" (status $?)"
		verdict "$call, $attacker" "$line" pointsman
	done
}

# enough CALL: 100 000 tries of it at the least
enough()
{
	local least=$((100000 / part))

	[ "${race_tries:-0}" -ge "$least" ]
	ok $? "$1: ${race_tries:-0} tries in all, $least at the least"
}
