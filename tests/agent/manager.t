#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A service manager starts the agent, keeps its listeners, and starts it again
. "$(dirname "$0")/agent.sh"
need python3

redirects one /srv/file

coproc manager { exec python3 "$(dirname "$0")/manager.py" "$socket" "$PM" agent \
	--policy "one=$work/one.yaml" --audit "$audit" 2>>"$work/agent.err"; }
manager_in=${manager[1]} manager_out=${manager[0]}
hears()
{
	local line
	read -r -t 30 -u "$manager_out" line
	is "$line" "$1" "$2"
}
tell()
{
	echo "$1" >&"$manager_in"
}

container()
{
	bundle "$1" one "$work/one.yaml" -- "$2"
	in_background crun "$1"
}

hears ready "the manager is told when the agent is ready, at the socket that it was handed"
container a 'inside forever /data/file /tmp/stop; cat /data/file'
hears "keeps 2" "the manager keeps the listener and whose it is"
until_true says a opening
ok $? "a container opens files all the time"
for turn in 1 2 3; do
	until_true goes_on a
	tell restart
	hears stopping "the agent is stopped ($turn)"
	hears "ended 0" "it ends"
	hears ready "another one is ready"
done
touch "$work/bundles/a/root/tmp/stop"
ended a
is "$? $out" "0 opening
many rounds
replaced" "no call is lost by restarts"
hears forgets "the manager is told that the container is gone"
is "$(audited 'select(.type == "container") | .event' | xargs)" \
	"begin hand-over resume hand-over resume hand-over resume end" "the audit tells of it"

# events NAME N: the audit tells of N of them.
events()
{
	[ "$(grep -c "\"event\":\"$1\"" "$work/audit")" = "$2" ]
}

# What a killed agent had received is answered, and the next one goes on.
container b 'inside forever /data/file /tmp/stop; cat /data/file'
hears "keeps 2" "the listener of another container"
until_true says b opening
for turn in 1 2 3; do
	until_true goes_on b
	tell crash
	hears "ended 9" "the agent is killed ($turn)"
	hears ready "another one is ready"
	until_true events left "$turn"
	until_true events resume "$((3 + turn))"
done
touch "$work/bundles/b/root/tmp/stop"
ended b
is "$? $out" "0 opening
many rounds
replaced" "no call is lost"
hears forgets "the container is gone"
is "$(audited 'select(.type == "container") | .event' | tail -n +9 | sort | xargs)" \
	"begin end left left left resume resume resume" "the audit tells of that"

# A container that ends while there is no agent: the manager lets go of its listener, and
# is told to forget what is left.
container c 'echo started; until [ -e /tmp/stop ]; do :; done'
hears "keeps 2" "the listener of a third one"
until_true says c started
tell halt
hears stopping "the agent is stopped"
hears "ended 0" "and not started again"
touch "$work/bundles/c/root/tmp/stop"
ended c
is "$? $out" "0 started" "a container ends meanwhile"
tell start
hears "lets go" "the manager lets go of what has hung up"
hears forgets "and is told that its state is of no use"
hears ready "the agent is ready"
tell stop
hears stopping "the agent is stopped"
hears "ended 0" "for good"
done_testing
