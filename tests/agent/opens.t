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
# Redirects only: nothing but opens is sent to the agent.
cat >"$work/swap.yaml" <<'EOF'
version: 1
rules:
  - class: [open-read, open-write]
    path: /data/secret
    redirect: {path: /srv/file}
  - class: open-read
    path: /data/swapped
    redirect: {path: /srv/file}
EOF
start_agent --policy "swap=$work/swap.yaml" --policy "web=$work/web.yaml"

for runtime in crun runc; do
	runs "$runtime" || continue
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

# in_swap NAME EXPECTED WHAT COMMAND
in_swap()
{
	edit=$usual bundle "$1" swap "$work/swap.yaml" -- "$4"
	contained crun "$1"
	is "$? $out" "0 $2" "$3"
}

in_swap fifo "through
Interrupted system call" "a FIFO waits for its other end, and a signal ends the wait" \
	'inside fifo /tmp/fifo; inside interrupt /tmp/other'
in_swap makers "opened 200 made 50 failed 0" "a file is made once, by whom it may be" \
	'mkdir /tmp/m; inside makers /tmp/m'
profile_option=--wait-killable in_swap signals "made 500 failed 0" \
	"where signals wait, a file is made once under many of them" \
	'mkdir /tmp/s; inside signals /tmp/s'
in_swap swap "opened 1000 secrets 0" "neither a path nor a link that is swapped leads to what is redirected" \
	'inside swap 1000 /data/f.file /data/secret /tmp'
in_swap device "Operation not permitted
Operation not permitted
opened
3 of 3" "devices are opened where that is the same for everybody" \
	'inside device /tmp/sda b 8 0; inside device /tmp/mem c 1 1
	inside device /tmp/null c 1 3; n=0
	for f in /dev/null /dev/zero /dev/urandom; do head -c 0 $f && n=$((n + 1)); done
	echo $n of 3'
in_swap ids "Permission denied
1000 2000 644
Permission denied
0 0 600" "opens are those of the target: its ids, its groups, its capabilities" \
	'umask 022; mkdir -m 777 /tmp/open; echo x >/tmp/closed; chmod 600 /tmp/closed
	inside as 1000 2000 r /tmp/closed; inside as 1000 2000 w /tmp/open/made
	inside as 1000 2000 w /data/not-mine; inside as 0 0 r /tmp/closed'
in_swap proc "inside
Permission denied" "files of /proc are the target's own, and those of others are not" \
	'sleep 100 & inside comm; inside as 1000 2000 r /proc/$!/environ; kill $!'

# In a user namespace of its own: its capabilities count there, and what /proc shows is
# what it shows to the container.
chmod 755 "$work" "$work/bundles"
for runtime in crun runc; do
	runs "$runtime" || continue
	id=$runtime-userns
	edit="$usual"' | .linux.namespaces += [{type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] |
		.linux.gidMappings = .linux.uidMappings' \
		bundle "$id" swap "$work/swap.yaml" -- '
		cat /data/secret; echo made >/tmp/new; stat -c "%u %g" /tmp/new
		chmod 600 /tmp/new; chown 5:5 /tmp/new; cat /tmp/new
		cat /host; cat /proc/self/uid_map; inside as 1000 2000 r /tmp/new'
	chown -R 100000:100000 "$work/bundles/$id/root"
	echo "of the host" >"$work/bundles/$id/root/host"
	chmod 600 "$work/bundles/$id/root/host"
	contained "$runtime" "$id"
	is "$? $out" "0 replaced
0 0
made
cat: can't open '/host': Permission denied
         0     100000      65536
Permission denied" "$runtime: a user namespace: what its root may, and no more"
done

stop_agent
is $? 0 "the agent ends when it is told to"
done_testing
