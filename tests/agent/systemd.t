#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The units as they are installed, under systemd: it is the first process of a pid
# namespace, with a cgroup, and /run and /var/log, of its own.  What is tested is a service
# there, too (systemd-inside.sh).
. "${PM_SRC:?run by tests/harness/run}/tests/harness/tap.sh"
[ "$(id -u)" = 0 ] || skip_all "not root: runtimes need it"
systemd=/lib/systemd/systemd
need crun runc jq busybox unshare "$systemd" systemctl systemd-analyze

for unit in service socket; do
	sed "s,^ExecStart=[^ ]*,ExecStart=$PM," "$PM_BUILD/dist/pointsman-agent.$unit" \
		>"$TMPDIR/pointsman-agent.$unit" 2>/dev/null ||
		cp "$PM_SRC/dist/pointsman-agent.$unit" "$TMPDIR"
done
said=$(SYSTEMD_UNIT_PATH=$TMPDIR: systemd-analyze verify --man=no --recursive-errors=no \
	"$TMPDIR/pointsman-agent.service" "$TMPDIR/pointsman-agent.socket" 2>&1)
is "$? $said" "0 " "systemd-analyze has no complaint of the units"

touch "$TMPDIR/why"
cgroup=$(sed -n 's/^[^ ]* \([^ ]*\) cgroup2 .*/\1/p' /proc/mounts | head -n 1)
if [ -z "$cgroup" ] || ! mkdir "$cgroup/pm-systemd-$$" 2>"$TMPDIR/why"; then
	skip "the agent under systemd" "kernel: no second version of cgroups here: $(cat "$TMPDIR/why")"
	done_testing
	exit
fi
cgroup+=/pm-systemd-$$
init=
end()
{
	[ -z "$init" ] || kill -9 "$init" 2>/dev/null
	wait
	until grep -qx 'populated 0' "$cgroup/cgroup.events"; do
		read -r -t 0.01 <> <(:)
	done
	find "$cgroup" -depth -type d -exec rmdir {} +
}
trap end EXIT

export PM PM_BUILD PM_SRC TMPDIR systemd
mkfifo "$TMPDIR/said"
sh -c 'echo $$ >"$0/cgroup.procs" && exec unshare --mount --pid --fork --kill-child --cgroup \
	--mount-proc --propagation private sh -e "$PM_SRC/tests/agent/systemd-init.sh"' \
	"$cgroup" >"$TMPDIR/log" 2>&1 </dev/null &
init=$!

relay <"$TMPDIR/said"
ok $? "it came to its end" "$(tail -n 20 "$TMPDIR/log")"
done_testing
