#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# How calls are answered where the kernel has no redirect, or the runtime did not
# ask for it
. "$(dirname "$0")/agent.sh"

cat >"$work/calls.yaml" <<'EOF'
version: 1
rules:
  - syscall: uname
    deny: EPERM
  - syscall: [geteuid, getuid]
    value: 4242
  - syscall: sethostname
    kill: true
  - syscall: getsid
    allow: true
EOF
cat >"$work/net.yaml" <<'EOF'
version: 1
rules:
  - class: connect
    address: "192.0.2.1:80"
    redirect: {address: "127.0.0.1:8081"}
  - class: connect
    address: "127.0.0.1:8082"
    deny: ENETUNREACH
EOF
cat >"$work/names.yaml" <<'EOF'
version: 1
rules:
  - class: metadata
    path: /data/secret
    deny: ENOENT
  - class: open-read
    path: /data/secret
    redirect: {path: /srv/file}
EOF
start_agent --policy "calls=$work/calls.yaml" --policy "net=$work/net.yaml" \
	--policy "names=$work/names.yaml"

for runtime in crun runc; do
	runs "$runtime" || continue
	id=$runtime-calls
	bundle "$id" calls "$work/calls.yaml" -- 'echo "name $(uname)"; id -u
		hostname other 2>/dev/null; echo "status $?"'
	contained "$runtime" "$id"
	is "$? $out" "0 name 
4242
status 137" "$runtime: denied, answered with a value, killed"

	id=$runtime-net
	bundle "$id" net "$work/net.yaml" -- '
		nc -l -p 8081 -e echo from the server &
		until cat /proc/net/tcp* | grep -q ":1F91 0*:0000 0A"; do :; done
		nc 192.0.2.1 80 </dev/null; nc 127.0.0.1 8082 </dev/null
		nc 127.0.0.1 8083 </dev/null'
	contained "$runtime" "$id"
	is "$? $out" "1 from the server
nc: can't connect to remote host (127.0.0.1): Network is unreachable
nc: can't connect to remote host (127.0.0.1): Connection refused" \
		"$runtime: connections are redirected, denied, made as they are"

	id=$runtime-names
	bundle "$id" names "$work/names.yaml" -- 'stat /etc/passwd; stat /etc/hostname 2>/dev/null; cat /data/secret'
	contained "$runtime" "$id"
	is "$? $out" "0 stat: can't stat '/etc/passwd': Operation not permitted
replaced" "$runtime: what would run from memory of the program is refused"
	is "$(audited 'select(.container == "'"$id"'" and .comm == "stat" and
		.deep.pathname.text == "/etc/passwd") | [.verdict, .errno, .layer, .rule] | join(" ")')" \
		"deny EPERM pointsman built-in: no redirect here" "$runtime: and the audit says why"
	is "$(grep -c "^pointsman: agent: container $id: newfstatat is refused: it was inspected, and there is no redirect here" "$work/agent.err")" \
		1 "$runtime: the agent says so, once"
	grep -q "the agent refuses, unless a rule denies them or gives a value: .*lstat" \
		"$work/bundles/$id/notes"
	ok $? "$runtime: as oci-profile has said"
done

id=unix
edit=$usual bundle "$id" net "$work/net.yaml" -- 'inside unix /tmp/socket; inside unix @abstract'
contained crun "$id"
is "$? $out" "0 peer 1000 2000
peer 1000 2000" "a server sees who has connected, not the agent"

stop_agent
is $? 0 "the agent ends when it is told to"
done_testing
