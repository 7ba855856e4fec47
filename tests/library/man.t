#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The library's pages: every public function has one, installed under its name, with
# the prototype that the header has, and with what it returns.

. "$(dirname "$0")/../harness/tap.sh"
need meson gcc mandoc
cd "$TMPDIR" || exit 1

root=$TMPDIR/root
DESTDIR=$root meson install -C "$PM_BUILD" --no-rebuild --quiet >log 2>&1
ok $? 'meson install with DESTDIR' "$(tail -n 20 log)"
pages=$(dirname "$(find "$root" -name pm_exec.3)")
header=$PM_SRC/include/pointsman/pointsman.h

for page in "$PM_SRC"/docs/man/*.3; do
	mandoc -T lint -W warning "$page" >lint 2>&1
	ok $? "lint: ${page##*/}" "$(cat lint)"
	[ -e "$pages/${page##*/}" ]
	ok $? "installed: ${page##*/}"
done

# section PAGE NAME...: the text of these sections
section()
{
	local page=$1
	shift
	mandoc -T utf8 -O width=400 "$page" | col -bx |
		awk -v "names=$*" 'BEGIN { n = split(names, name, "/") }
			/^[A-Z]/ { on = 0; for (i = 1; i <= n; i++) on = on || $0 == name[i] }
			on && !/^[A-Z]/'
}

gcc -aux-info protos -fsyntax-only -x c "$header" >log 2>&1
grep -F "$header:" protos | grep -o '\<pm_[a-z_0-9]* (' | tr -d ' (' | sort -u >functions
[ "$(wc -l <functions)" -gt 20 ]
ok $? 'the header declares functions' "$(cat log)"
echo '#include <pointsman/pointsman.h>' >all.c
while read -r function; do
	page=$pages/$function.3
	if [ ! -e "$page" ]; then
		fail "$function has a page"
		continue
	fi
	section "$page" NAME | grep -qw "$function" &&
		section "$page" SYNOPSIS | tr '\n' ' ' | grep -q "\<$function("
	ok $? "$function has a page that names it, and its prototype"
	section "$page" SYNOPSIS | grep -v '#include' >>all.c
	# All but what returns nothing.
	grep -qF "extern void $function (" protos ||
		section "$page" 'RETURN VALUES/ERRORS' | grep -q "\<$function("
	ok $? "$function: what it returns is said"
	! grep -qF "extern int $function (" protos ||
		section "$page" ERRORS | grep -q "\<$function("
	ok $? "$function: its errors are said"
done <functions
gcc -Wall -Werror -I"$PM_SRC/include" -fsyntax-only all.c >log 2>&1
ok $? 'the prototypes are those of the header' "$(cat log)"

# What the header defines and what is in its structures, by the compiler's word for the
# names of the header that are no functions; arguments of functions are in prototypes.
gcc -E -dD -x c "$header" 2>log | awk -v "header=$header" '
	/^# [0-9]+ "/ { here = index($0, "\"" header "\"") }
	here' >preprocessed
{
	grep -o '^#define PM_[A-Z_0-9]*' preprocessed | cut -d ' ' -f 2
	grep -v '^#' preprocessed | grep -oE '\<PM_[A-Z_0-9]+'
	grep -v '^#' preprocessed | awk '/^struct .*{/ { on = 1; next } /^}/ { on = 0 }
		on && /;/ { gsub(/\([^*].*/, ""); gsub(/\).*/, ""); sub(/;.*/, ""); sub(/\[.*/, "")
			n = split($0, part, ",")
			for (i = 1; i <= n; i++) { m = split(part[i], word, /[ \t*(]+/); print word[m] } }' |
		grep -vx -e priv -e ent
} | sort -u | grep . >defined
[ "$(wc -l <defined)" -gt 80 ]
ok $? 'the header defines constants and members' "$(cat log)"
cat "$PM_SRC"/docs/man/*.3 >pages.all
is "$(while read -r name; do grep -qw -e "$name" pages.all || echo "$name"; done <defined)" '' \
	'the pages have all of them'

# Nothing is said of functions that there are not.
find "$pages" -name 'pm_*.3' -printf '%f\n' | sed 's/\.3$//' |
	grep -vx -e pm_layer -e pm_verdict -e pm_observer | sort >named
same named functions 'no page is of a function that there is not'
for page in "$PM_SRC"/docs/man/*.3; do
	grep -o '^\.Xr pm_[a-z_]* 3' "$page" | cut -d ' ' -f 2
done | sort -u >referred
is "$(while read -r name; do [ -e "$pages/$name.3" ] || echo "$name"; done <referred)" '' \
	'pages refer to pages that there are'

# Errors that the header knows, and the pages.
grep -o -- '-E[A-Z]\{3,\}' "$header" | sort -u >errors
for error in $(cat errors); do
	grep -q -e "$error" "$PM_SRC"/docs/man/*.3 || echo "$error"
done >missing
is "$(cat missing)" '' "the pages have the header's errors"

# Every role of the table.
{
	grep -oE '\<(PATH|STRING|STRV|SYMBOL)\([0-9], "[a-z_]+"|\<DEEP\([A-Z]+, [0-9], "[a-z_]+"' \
		"$PM_SRC/lib/shapes_table.c" | grep -o '"[a-z_]*"' | tr -d '"'
	printf '%s\n' name msg_name interpreter
} | sort -u >roles
sed -n '/^The roles are/,/^\.El/p' "$PM_SRC/docs/man/pm_call_arg.3" | grep -v '^\.Bl' |
	grep -E '^\.(Li|It)' | sed 's/^\.It.*//; s/^\.Li//' | tr -d ',' | tr ' ' '\n' |
	grep . | sort -u >listed
same listed roles 'the roles of the table are those of pm_call_arg(3)'

done_testing
