#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The source tree: every file says under which licence it is, and the text of
# that is here; the public header is one.

. "$(dirname "$0")/../harness/tap.sh"
cd "$PM_SRC" || exit 1

# What the project consists of, one name a line.
files()
{
	if [ -e .git ]; then
		git -c safe.directory='*' ls-files
	else
		find . -name '.?*' -prune -o -path './build*' -prune -o -type f -printf '%P\n'
	fi
}

# Texts of licences, inputs of fuzzers, patches, whose files say it themselves, what was
# measured, and what debian/copyright tells of.
none='^(LICENSES/.*|tests/fuzz/corpus/.*|.*\.patch|bench/results/.*|debian/.*)$'
without='' other='' count=0
declare -A used
while read -r file; do
	# Deleted, and not yet so in the index.
	[ -e "$file" ] || continue
	count=$((count + 1))
	licence=''
	for _ in 1 2 3 4 5; do
		IFS= read -r line || [ -n "$line" ] || break
		[[ $line =~ SPDX-License-Identifier:\ ([^ ]*) ]] || continue
		licence=${BASH_REMATCH[1]}
		break
	done <"$file"
	case $file in
	kernel/*) expected=GPL-2.0 ;;
	*) expected=LGPL-2.1-or-later ;;
	esac
	if [ -z "$licence" ]; then
		without+="$file "
	elif [ "$licence" != "$expected" ]; then
		other+="$file ($licence) "
	fi
	used[${licence:-none}]=1
done < <(files | grep -Ev "$none")
[ "$count" -gt 100 ]
ok $? "files are looked at ($count)"
is "$without" '' 'every file has an SPDX line'
is "$other" '' 'GPL-2.0 in kernel/, LGPL-2.1-or-later elsewhere'
for licence in "${!used[@]}"; do
	[ -s "LICENSES/$licence.txt" ]
	ok $? "the text of $licence is here"
done

# Patches add no file without one.
bad=$(files | grep '\.patch$' | while read -r file; do
	[ -e "$file" ] || continue
	awk -v file="$file" '
		/^diff --git/ { if (new && !said) print file ": " name; new = said = 0; name = $4 }
		/^new file mode/ { new = 1 }
		/^\+.*SPDX-License-Identifier: GPL-2.0/ { said = 1 }
		END { if (new && !said) print file ": " name }' "$file"
done)
is "$bad" '' 'so has every file that a patch adds'

# The public header stands alone, in each language that it is for.
for language in 'c -std=c99' 'c -std=c11' 'c++ -std=c++11' 'c++ -std=c++20'; do
	# shellcheck disable=SC2086 # two words
	got=$(clang -x $language -Wall -Wextra -pedantic -Werror -fsyntax-only -Iinclude - \
		<<<'#include <pointsman/pointsman.h>' 2>&1)
	ok $? "the public header as $language" "$got"
done

done_testing
