#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# git: clone, status, log, gc and more of a local repository.
# shellcheck source=tests/programs/programs.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/programs/programs.sh"

need git
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org
export GIT_COMMITTER_NAME=C GIT_COMMITTER_EMAIL=c@example.org
export GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0
cat >"$FILES/script" <<'EOF'
set -e
git init -q -b main origin
cd origin
for i in $(seq 1 25); do
	mkdir -p "dir$((i % 5))"
	seq 1 $((i * 20)) >"dir$((i % 5))/file$i"
	git add -A
	date="2024-01-01T00:00:$(printf %02d "$i") +0000"
	GIT_AUTHOR_DATE=$date GIT_COMMITTER_DATE=$date git commit -q -m "commit $i"
done
export GIT_AUTHOR_DATE='2024-02-01T00:00:00 +0000' GIT_COMMITTER_DATE='2024-02-01T00:00:00 +0000'
git checkout -q -b topic HEAD~5
echo topic >topic.txt
git add topic.txt
git commit -q -m topic
git checkout -q main
git merge -q --no-edit topic
git tag -a -m tag v1
cd ..
git clone origin clone
git clone -q --no-local --bare origin bare.git
git clone -q "file://$PWD/bare.git" other
git clone -q "$INPUT/repository" redirected
git -C redirected log --format='%H %s'
git -C redirected fsck --full
git clone "$HIDDEN/repository" hidden || echo "hidden: $?"
cd clone
git status
echo change >>dir1/file1
rm dir2/file2
touch new
git status --porcelain
git -c core.excludesFile="$INPUT/ignore" -c core.attributesFile="$HIDDEN/ignore" status --porcelain
git -c core.excludesFile="$HIDDEN/ignore" status --porcelain
git apply "$INPUT/patch"
git diff dir4
git diff --stat
git log --oneline --graph | head -n 12
git log --format='%H %an %s' | cksum
git blame dir3/file3 | tail -n 1
git stash -q -u
git stash list
git stash pop -q
git grep -c 499 | head
git rev-list --objects --all | cksum
git gc -q
git fsck --full
git count-objects -v | grep -E '^(count|in-pack|packs|garbage)'
git archive HEAD | tar -tf - | cksum
cd ../origin
git gc -q --aggressive --prune=now
git fsck --full
git repack -q -a -d -f
git log -1 --format=%H
cd ../other
git -c user.useConfigOnly=true pull -q
git show --stat HEAD~3
git cherry-pick HEAD~1 2>&1 | tail -n 1
EOF
echo 'n*' >"$FILES/ignore"
cat >"$FILES/patch" <<'EOF'
--- a/dir4/file4
+++ b/dir4/file4
@@ -1,3 +1,3 @@
-1
+one
 2
 3
EOF
date='2024-03-01T00:00:00 +0000'
git init -q -b main "$FILES/repository"
for i in 1 2 3; do
	echo "$i" >"$FILES/repository/file"
	git -C "$FILES/repository" add file
	GIT_AUTHOR_DATE=$date GIT_COMMITTER_DATE=$date git -C "$FILES/repository" commit -q -m "number $i"
done
# Packs come out as the threads that look for deltas finish.
list_files()
{
	find . -path '*/.git' -prune -o -path ./bare.git -prune -o -type f -exec cksum {} + | sort
}
compare 'a local repository' 0 '*/git' bash "$INPUT/script"
done_testing
