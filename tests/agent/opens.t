#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Opens of containers: denied, redirected, made, and as whom
. "$(dirname "$0")/agent.sh"

cat >"$work/web.yaml" <<'EOF'
version: 1
rules:
  - class: [open-read, open-write]
    path: /data/secret
    deny: ENOENT
  - class: open-read
    path: /data/file
    redirect: {path: /srv/file}
EOF
start_agent --policy "web=$work/web.yaml"

for runtime in crun runc; do
	bundle "$runtime-1" web "$work/web.yaml" -- '
		cat /data/secret; cat /data/file
		umask 027; echo new >/tmp/new; cat /tmp/new; stat -c "%a %u %g" /tmp/new'
	contained "$runtime" "$runtime-1"
	is "$? $out" "0 cat: can't open '/data/secret': No such file or directory
replaced
new
640 0 0" "$runtime: a file is denied, redirected, made"
	is "$(audited 'select(.container == "'"$runtime"'-1" and .type == "call" and
		(.deep.pathname.text // "" | startswith("/data"))) |
		[.call, .deep.pathname.name, .verdict, .errno // .ran.deep.pathname.name] | join(" ")')" \
		"openat /data/secret deny ENOENT
openat /data/file redirect /srv/file" "$runtime: the audit says so, with the container's id"
done
stop_agent
is $? 0 "the agent ends when it is told to"
done_testing
