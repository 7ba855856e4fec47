#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# find: walks, tests, -exec, -delete, loops of links.
# shellcheck source=tests/programs/programs.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/programs/programs.sh"

cat >"$FILES/script" <<'EOF'
mkdir -p t/{1..6}/{a..e}/{x,y}
for d in t/*/*/*; do echo "$d" >"$d/file"; done
ln -s ../.. t/1/a/up
ln -s nowhere t/2/dangling
chmod 0700 t/3
find t -exec touch -h -d @1700000000 {} +
touch -d @1700000001 t/6/e/y t/5/d
find t | sort | cksum
find t -type f -name 'fi*' -path '*/a/*' | sort
find -L t/1/a -maxdepth 3 | sort
find t -type l -printf '%p -> %l\n' | sort
find t -perm 0700
find t -newer t/1/a/x/file -type d -print0 | sort -z | tr '\0' '\n'
find t -type f -exec cat {} + | sort | cksum
find t -name file -exec sh -c 'wc -c <"$1"' sh {} \; | sort | uniq -c
find t -name y -execdir test -d {} \; -print | wc -l
find t -samefile t/4/b/x/file
find t -name file -path '*/5/*' -delete
find t -type f | wc -l
find t -empty | sort
find "$INPUT" | sort
find "$INPUT/walked" -name '1*' -exec cat {} +
find t -newer "$INPUT/walked/1" -name y -path '*/6/*'
find "$HIDDEN" "$HIDDEN/walked" -type f
find t nonexistent -maxdepth 0
EOF
mkdir -p "$FILES/walked/deep"
seq 1 10 >"$FILES/walked/1"
seq 1 20 >"$FILES/walked/deep/1a"
touch -d @1700000000 "$FILES/walked/1"
normalise()
{
	sed -E "s|$TMPDIR||g"
}
compare 'walks' 1 '*/find' bash "$INPUT/script"
done_testing
