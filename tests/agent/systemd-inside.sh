#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# systemd-inside.sh - a service beside that of the agent, started by systemd.t: the agent
# crashes, is killed and restarted while containers open files
. "$PM_SRC/tests/agent/agent.sh"
socket=/run/pointsman/agent.socket
audit=/var/log/pointsman/agent.json

redirects one /srv/file
# container ID COMMAND
container()
{
	bundle "$1" one "$work/one.yaml" -- "$2"
	in_background crun "$1"
}
main_pid()
{
	systemctl show -P MainPID pointsman-agent.service
}
# is_another PID: the agent runs, and is not this one
is_another()
{
	local now
	now=$(main_pid)
	[ "$now" != 0 ] && [ "$now" != "$1" ] &&
		[ "$(systemctl is-active pointsman-agent.service)" = active ]
}
# kept N: systemd keeps so many descriptors
kept()
{
	[ "$(systemctl show -P NFileDescriptorStore pointsman-agent.service)" = "$1" ]
}

systemctl start pointsman-agent.socket
is "$(stat -c '%F %a' "$socket") $(systemctl is-active pointsman-agent.service)" "socket 600 inactive" \
	"the socket is there, and the agent not yet"
container a 'inside forever /data/file /tmp/stop; cat /data/file'
until_true says a opening
ok $? "the first container starts it" "$(tail -n 5 "$work/a.out" "$work/agent.err" 2>&1)"
until_true kept 2
ok $? "systemd keeps the listener and whose it is"
container b 'inside forever /data/file /tmp/stop; cat /data/file'
until_true says b opening
until_true kept 4
ok $? "and those of a second one"
for how in KILL SEGV KILL; do
	until_true goes_on a
	old=$(main_pid)
	kill "-$how" "$old"
	until_true is_another "$old"
	ok $? "the agent has been killed (SIG$how): it is started again"
	goes_on a
	until_true goes_on a
done
old=$(main_pid)
systemctl restart pointsman-agent.service
is_another "$old"
ok $? "it is restarted"
goes_on a
until_true goes_on a
for id in a b; do
	touch "$work/bundles/$id/root/tmp/stop"
	ended "$id"
	is "$? $out" "0 opening
many rounds
replaced" "no call is lost: $id"
done
until_true kept 0
ok $? "nothing is kept for them any more"
is "$(jq -r 'select(.type == "container" and .container == "a") | .event' "$audit" | sort | xargs)" \
	"begin end hand-over left left left resume resume resume resume" \
	"the processes that served have answered what they had, and not been killed"
is "$(cat "$work/agent.err")" "" "nothing is complained of"
systemctl stop pointsman-agent.service pointsman-agent.socket
is "$(systemctl show -P Result pointsman-agent.service)" success "the agent is stopped"
done_testing
