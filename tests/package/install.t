#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What is installed for people: the command, its pages, completion, units, the schema.

. "$(dirname "$0")/../harness/tap.sh"
need meson man jq
cd "$TMPDIR" || exit 1

root=$TMPDIR/root
DESTDIR=$root meson install -C "$PM_BUILD" --no-rebuild --quiet >log 2>&1
ok $? 'meson install with DESTDIR' "$(tail -n 20 log)"
prefix=$(meson introspect "$PM_BUILD" --buildoptions | jq -r '.[] | select(.name == "prefix").value')
is "$(find "$root" ! -type d ! -path "$root$prefix/*")" '' 'all of it is below the prefix'
is "$("$root$prefix/bin/pointsman" version)" "$("$PM" version)" 'the command runs from there'

# page NAME SECTION: as man finds it
page()
{
	MANWIDTH=80 man -M "$root$prefix/share/man" "$2" "$1" >page 2>log &&
		grep -q "^${1^^}($2)" page
}
for name in $("$PM" help | sed -nE 's/^  ([a-z-]+) +[^ ].*/\1/p' | grep -vx -e help -e version); do
	page "pointsman-$name" 1
	ok $? "man finds pointsman-$name(1)" "$(cat log)"
done
page pointsman 1 && page pointsman-policy 5 && page pointsman-audit 5 && page libpointsman 3
ok $? 'and the others' "$(cat log)"

share=$root$prefix/share
same "$share/bash-completion/completions/pointsman" "$PM_SRC/completion/pointsman.bash" \
	'completion for bash, by the name of the command'
same "$share/fish/vendor_completions.d/pointsman.fish" "$PM_SRC/completion/pointsman.fish" \
	'for fish'
same "$(find "$share/zsh" -name _pointsman)" "$PM_SRC/completion/_pointsman" 'for zsh'
same "$share/pointsman/policy.schema.json" "$PM_SRC/docs/policy.schema.json" 'the schema'

units=$root$prefix/lib/systemd/system
is "$(sed -n 's/^ExecStart=\([^ ]*\) .*/\1/p' "$units/pointsman-agent.service")" \
	"$prefix/bin/pointsman" 'the unit runs what is installed'
[ -e "$units/pointsman-agent.socket" ]
ok $? 'and its socket is there'

# What pages name by a file that is below share/doc/pointsman is there.
for name in $(grep -ohE '\\fI[a-z-]+\.md\\fR' "$share"/man/man[15]/* | sed 's/\\fI//; s/\\fR//' |
	sort -u); do
	[ -e "$share/doc/pointsman/$name" ] || echo "$name"
done >missing
is "$(cat missing)" '' 'so is what the pages refer to'

done_testing
