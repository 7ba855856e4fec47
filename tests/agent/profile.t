#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A container's own profile decides on what the agent makes of its calls
. "$(dirname "$0")/agent.sh"

cat >"$work/unshare.yaml" <<'EOF'
version: 1
rules:
  - syscall: getpgid
    redirect: {syscall: unshare}
  - class: open-read
    path: /data/file
    redirect: {path: /srv/file}
EOF
start_agent --policy "unshare=$work/unshare.yaml"

# 121 is getpgid, and 0x4000000 CLONE_NEWUTS.
command='cat /data/file; inside call 121 0x4000000'
for runtime in crun runc; do
	runs "$runtime" || continue
	id=$runtime-refused
	edit="$usual | $engines" refused='["unshare"]' \
		bundle "$id" unshare "$work/unshare.yaml" -- "$command"
	contained "$runtime" "$id"
	is "$? $out" "0 replaced
Operation not permitted" "$runtime: a call that is redirected to one that the profile refuses"
	is "$(audited 'select(.container == "'"$id"'" and .call == "getpgid") |
		[.verdict, .errno, .rule] | join(" ")')" \
		"deny EPERM built-in: the container's profile" "$runtime: is refused by the profile"
done

# The same with a profile that allows it: then it is the kernel that cannot do it.
edit=$usual bundle allowed unshare "$work/unshare.yaml" -- "$command"
contained crun allowed
is "$(audited 'select(.container == "allowed" and .call == "getpgid") |
	[.verdict, .errno, .rule] | join(" ")')" \
	"deny EPERM built-in: no redirect here" "where the profile allows it, it is another's word"

# It is read once.  crun hands the listener over when the container is started, runc when it
# is made.
begun()
{
	audited 'select(.container == "lost") | .event' | grep -q begin
}
written()
{
	grep -q . "$work/lost.out"
}
if runs runc; then
	edit=$usual bundle lost unshare "$work/unshare.yaml" -- 'cat /data/file'
	in_runc create -b "$work/bundles/lost" lost >"$work/lost.out" 2>&1 </dev/null
	until_true begun
	ok $? "a container is made, and not yet started"
	rm "$work/bundles/lost/config.json"
	in_runc start lost
	until_true written
	is "$(cat "$work/lost.out")" replaced \
		"its profile is read once, when the agent gets its listener"
fi
stop_agent
is $? 0 "the agent ends when it is told to"
done_testing
