#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tar: trees in and out, links, modes, compression.
# shellcheck source=tests/programs/programs.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/programs/programs.sh"

need tar gzip
cat >"$FILES/script" <<'EOF'
set -e
mkdir -p tree/a/b/c tree/empty
for i in $(seq 1 150); do seq 1 "$i" >"tree/a/file$i"; done
printf %0200d 7 >"tree/a/b/$(printf %0200d 3)"
ln -s ../a/file1 tree/a/link
ln -s /nonexistent tree/dangling
ln tree/a/file2 tree/hard
mkfifo tree/fifo
truncate -s 1M tree/sparse
chmod 0500 tree/empty
chmod 4755 tree/a/file3
find tree -exec touch -h -d @1700000000 {} +
tar --sort=name --numeric-owner -cf tree.tar tree
cksum <tree.tar
tar -tvf tree.tar | cksum
mkdir out
tar -C out -xpf tree.tar
(cd out && find tree -printf '%p %M %l %T@ %s\n' | sort | cksum)
tar -cSf sparse.tar tree/sparse && tar -xOf sparse.tar tree/sparse | cksum
tar -czf - tree | tar -xzf - -C out --overwrite
tar --exclude='*1*' --sort=name -cf - tree | tar -tf - | tail -n 3
tar -df tree.tar
tar --sort=name --mtime=@0 --owner=0 --group=0 -C "$INPUT" -cf input.tar -T "$INPUT/list"
tar -tvf input.tar
tar --sort=name --mtime=@0 -cPf absolute.tar "$INPUT/tree"
tar -xPOf absolute.tar "$INPUT/tree/f2"
tar -xf "$INPUT/given.tar" -C out
cat out/given
tar -cf hidden.tar "$HIDDEN/tree" 2>&1 || echo "hidden: $?"
tar -cf "$KEPT/program" tree 2>&1 || echo "kept: $?"
tar --delete -f tree.tar tree/a/file9
tar -tf tree.tar tree/a/file9
EOF
mkdir "$FILES/tree"
seq 1 5 >"$FILES/tree/f1"
seq 1 6 >"$FILES/tree/f2"
printf 'tree/f2\ntree/f1\n' >"$FILES/list"
echo given >"$TMPDIR/given"
tar -cf "$FILES/given.tar" -C "$TMPDIR" given
compare 'trees' 2 '*/tar' bash "$INPUT/script"
done_testing
