#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# rsync: local copies, again with nothing to do, with deletion, with checksums.
# shellcheck source=tests/programs/programs.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/programs/programs.sh"

need rsync
cat >"$FILES/script" <<'EOF'
set -e
mkdir -p from/{1..8}/{a,b}
for i in $(seq 1 200); do seq 1 $((i * 3)) >"from/$((i % 8 + 1))/a/f$i"; done
ln -s ../1/a/f8 from/2/link
ln from/3/a/f2 from/4/hard
chmod 0640 from/5/a/f4
find from -exec touch -h -d @1700000000 {} +
rsync -aH --out-format='%n' from/ to/ | sort | cksum
rsync -aH --out-format='%n' from/ to/
echo changed >>from/6/a/f5
rm from/7/a/f6
rsync -a --delete --itemize-changes from/ to/
rsync -a --checksum --dry-run --itemize-changes from/ to/
seq 1 200000 >big && rsync --no-whole-file big to/big && echo tail >>big
rsync --no-whole-file --inplace --stats big to/big | grep -E '^(Number of regular|Total file size|Literal|Matched)'
cmp big to/big
diff -r -x big from to
rsync -a --itemize-changes --exclude-from="$INPUT/exclude" "$INPUT/tree" to/
rsync -a --itemize-changes "$INPUT/" all/ | grep -v 'script$'
cat to/tree/a/f1 all/tree/*/f2
rsync -a "$HIDDEN/tree" to/ || echo "hidden: $?"
rsync -a nonexistent/ to/ 2>/dev/null
EOF
mkdir -p "$FILES/tree/a" "$FILES/tree/b"
for i in 1 2 3; do seq 1 "$i" | tee "$FILES/tree/a/f$i" >"$FILES/tree/b/f$i"; done
echo f3 >"$FILES/exclude"
find "$FILES" -exec touch -d @1700000000 {} +
list_files()
{
	(cd to && find . -printf '%p %M %l %s\n' | sort)
}
compare 'local copies' 23 '*/rsync' bash "$INPUT/script"
done_testing
