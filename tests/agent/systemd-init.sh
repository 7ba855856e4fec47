# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# systemd-init.sh - becomes the first process of what systemd.t has unshared
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/log
mount -t cgroup2 cgroup2 /sys/fs/cgroup
units=/run/systemd/system
mkdir -p "$units/pointsman-agent.service.d" /run/lock
cp "$TMPDIR"/pointsman-agent.* "$units"
# What the unit says is to be done: a line of one's own.
cat >"$units/pointsman-agent.service.d/policy.conf" <<EOT
[Unit]
DefaultDependencies=no
[Service]
ExecStart=
ExecStart=$PM agent --policy one=$TMPDIR/one.yaml --audit /var/log/pointsman/agent.json
StandardError=append:$TMPDIR/agent.err
EOT
mkdir "$units/pointsman-agent.socket.d"
printf '[Unit]\nDefaultDependencies=no\n' >"$units/pointsman-agent.socket.d/first.conf"
cat >"$units/tests.service" <<EOT
[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
Environment=PM=$PM PM_BUILD=$PM_BUILD PM_SRC=$PM_SRC TMPDIR=$TMPDIR PATH=$PATH HOME=/root
ExecStart=/bin/bash $PM_SRC/tests/agent/systemd-inside.sh
StandardOutput=file:$TMPDIR/said
StandardError=file:$TMPDIR/said
# The containers that it starts are not its own.
KillMode=none
EOT
export container=other SYSTEMD_UNIT_PATH="$units"
# shellcheck disable=SC2154 # of systemd.t
exec "$systemd" --system --unit=tests.service --show-status=0 --log-target=console
