#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The working habit with the series: source and patches as commits, commits as
# patches, and kernels that are built only where something of theirs has changed.
#
# A source of a few files stands for Linux, in a copy of kernel/ without a repository,
# in a folder with a space in its name, under a git configuration that changes all it
# can.
# shellcheck source=tests/harness/tap.sh
. "${PM_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/harness/tap.sh"
set -o pipefail

here=$TMPDIR/a\ copy
export HOME=$TMPDIR/home XDG_CACHE_HOME=$TMPDIR/cache BUILDS=$TMPDIR/builds
export CDPATH=$TMPDIR ARCH=nonsense CROSS_COMPILE=nonsense- GIT_DIR=$TMPDIR/no.git
cache=$XDG_CACHE_HOME/pointsman/kernel/6.12
patches=$here/kernel/6.12
mkdir -p "$here" "$HOME" "$TMPDIR/linux"/{Documentation,tools/objtool}

cat > "$HOME/.gitconfig" <<'END'
[user]
	name = Somebody
	email = somebody@example.org
[commit]
	gpgsign = true
[core]
	abbrev = 7
	autocrlf = true
[format]
	signature = nonsense
	subjectPrefix = NONSENSE
	attach = true
[diff]
	noprefix = true
END

# git as the user of the work tree calls it.
work() {
	env -u GIT_DIR git -C "$cache/work" -c commit.gpgsign=false -c core.autocrlf=false "$@"
}

kernel() {
	make -s --no-print-directory -C "$here/kernel" "$@"
}

builds() {
	wc -l < "$BUILDS"
}

# --- what is packed: a kernel whose build takes a moment, and is counted

cat > "$TMPDIR/linux/Makefile" <<'END'
VERSION = 6
PATCHLEVEL = 12
SUBLEVEL = 7
allnoconfig:
	cp $(KCONFIG_ALLCONFIG) $(O)/.config
bzImage:
	mkdir -p $(O)/arch/x86/boot
	cp seccomp.c $(O)/arch/x86/boot/bzImage
	: > $(O)/System.map
	echo 'int main(void) { return 0; }' | gcc -x c -o $(O)/vmlinux -
	echo $(O) >> $(BUILDS)
END
echo 'first' > "$TMPDIR/linux/seccomp.c"
echo 'text' > "$TMPDIR/linux/Documentation/seccomp.rst"
echo 'tool' > "$TMPDIR/linux/tools/objtool/tool.c"
tar -C "$TMPDIR" -cJf "$TMPDIR/linux.tar.xz" linux

cp -r "$PM_SRC/kernel" "$here/kernel"
rm "$patches"/*.patch
printf 'CONFIG_%s=y\n' A B > "$here/kernel/config/base.config"
echo CONFIG_D=y > "$here/kernel/config/container.config"
sed -i "s|^TARBALL=.*|TARBALL=$TMPDIR/linux.tar.xz|" "$here/kernel/config/source"
cat > "$patches/0001-seccomp-second.patch" <<'END'
From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
From: Some One <some@example.org>
Date: Mon, 1 Jan 2024 00:00:00 +0000
Subject: [PATCH] seccomp: second

Why.

Signed-off-by: Some One <some@example.org>
---
 seccomp.c | 1 +
 1 file changed, 1 insertion(+)

diff --git a/seccomp.c b/seccomp.c
--- a/seccomp.c
+++ b/seccomp.c
@@ -1 +1,2 @@
 first
+second
END
: > "$BUILDS"

# --- source to commits and back

kernel print-image KERNEL=redirect > "$TMPDIR/out" 2>&1
is $? 2 'print-image builds nothing'
is "$(builds)" 0 'nor has it'

kernel unpack > "$TMPDIR/out" 2>&1
ok $? 'unpack' "$(cat "$TMPDIR/out")"
is "$(work log --format='%an: %s' base..series)" 'Some One: seccomp: second' 'the series is commits'
is "$(cat "$cache/work/seccomp.c")" $'first\nsecond' 'and applied'

echo third >> "$cache/work/seccomp.c"
kernel unpack > "$TMPDIR/out" 2>&1
is $? 2 'unpack refuses where something is not committed'
work commit -q -a -m 'seccomp: third'
kernel unpack > "$TMPDIR/out" 2>&1
is $? 2 'unpack refuses where a commit is in no patch'
is "$(cat "$cache/work/seccomp.c")" $'first\nsecond\nthird' 'and leaves all as it was'

kernel format > "$TMPDIR/out" 2>&1
ok $? 'format' "$(cat "$TMPDIR/out")"
is "$(cd "$patches" && echo *)" '0001-seccomp-second.patch 0002-seccomp-third.patch' 'a patch for each commit'
is "$(grep -h '^Subject:' "$patches"/*.patch)" $'Subject: [PATCH 1/2] seccomp: second\nSubject: [PATCH 2/2] seccomp: third' \
	'as git makes them'
cp -r "$patches" "$TMPDIR/patches"
kernel format > "$TMPDIR/out" 2>&1
diff -r "$patches" "$TMPDIR/patches" > "$TMPDIR/diff"
ok $? 'format again: the same bytes' "$(cat "$TMPDIR/diff")"
kernel unpack > "$TMPDIR/out" 2>&1
ok $? 'unpack after format has nothing to do' "$(cat "$TMPDIR/out")"

rm "$patches/0002-seccomp-third.patch"
kernel unpack > "$TMPDIR/out" 2>&1
ok $? 'unpack follows the patches' "$(cat "$TMPDIR/out")"
is "$(cat "$cache/work/seccomp.c")" $'first\nsecond' 'and the work tree is theirs'
is "$(work for-each-ref --format='%(subject)' 'refs/heads/series-before-*')" 'seccomp: third' 'what it was is kept'

# --- kernels, by what went into them

image() {
	kernel image KERNEL="$1" 2> "$TMPDIR/err" > "$TMPDIR/image" || cat "$TMPDIR/err"
	cat "$TMPDIR/image"
}

redirect=$(image redirect)
is "$(cat "$redirect")" $'first\nsecond' 'a kernel of the series'
is "$(kernel print-image KERNEL=redirect)" "$redirect" 'print-image knows it'
stock=$(image stock)
is "$(cat "$stock")" first 'a kernel of the packed source'
is "$(builds)" 2 'each built once'
is "$(image redirect) $(image stock) $(builds)" "$redirect $stock 2" 'nothing has changed: nothing is built'

sed 's/second/third/' "$patches/0001-seccomp-second.patch" > "$TMPDIR/new"
cp "$patches/0001-seccomp-second.patch" "$TMPDIR/old"
cp "$TMPDIR/new" "$patches/0001-seccomp-second.patch"
changed=$(image redirect)
is "$(cat "$changed")" $'first\nthird' 'a changed patch: built'
is "$(image stock) $(builds)" "$stock 3" 'but not the stock kernel'
cp "$TMPDIR/old" "$patches/0001-seccomp-second.patch"
is "$(image redirect) $(builds)" "$redirect 3" 'the patch as it was: cached'

cat >> "$patches/0001-seccomp-second.patch" <<'END'
diff --git a/Documentation/seccomp.rst b/Documentation/seccomp.rst
--- a/Documentation/seccomp.rst
+++ b/Documentation/seccomp.rst
@@ -1 +1,2 @@
 text
+more
END
is "$(image redirect) $(builds)" "$redirect 3" 'documentation is no part of a kernel'

echo CONFIG_C=y >> "$here/kernel/config/base.config"
other=$(image redirect)
[ "$other" != "$redirect" ]
ok $? 'a changed configuration: another kernel' "$other"
is "$(builds)" 4 'built'
is "$(sort "$(dirname "$other")/.config")" "$(printf 'CONFIG_%s=y\n' A B C D)" 'with that configuration'

# --- what must not go unnoticed

sed -i 's/^ first$/ fifth/' "$patches/0001-seccomp-second.patch"
kernel image KERNEL=redirect > "$TMPDIR/out" 2>&1
is $? 2 'a patch that does not apply'
grep -q '0001-seccomp-second.patch does not apply' "$TMPDIR/out"
ok $? 'is named' "$(cat "$TMPDIR/out")"

rm "$patches"/*.patch
cat > "$patches/0001-broken.patch" <<'END'
diff --git a/Makefile b/Makefile
--- a/Makefile
+++ b/Makefile
@@ -4,6 +4,7 @@ SUBLEVEL = 7
 allnoconfig:
 	cp $(KCONFIG_ALLCONFIG) $(O)/.config
 bzImage:
+	echo 'seccomp.c:1: error: nonsense'; false
 	mkdir -p $(O)/arch/x86/boot
 	cp seccomp.c $(O)/arch/x86/boot/bzImage
 	: > $(O)/System.map
END
kernel image KERNEL=redirect > "$TMPDIR/out" 2>&1
is $? 2 'a kernel that does not compile'
grep -q 'error: nonsense' "$TMPDIR/out"
ok $? 'its error is shown' "$(cat "$TMPDIR/out")"
kernel print-image KERNEL=redirect > "$TMPDIR/out" 2>&1
is $? 2 'and no image is left of it'

XDG_CACHE_HOME=$TMPDIR/with\ space kernel image KERNEL=stock > "$TMPDIR/out" 2>&1
is $? 2 'a cache where Linux cannot be built'
grep -q 'spaces or colons' "$TMPDIR/out"
ok $? 'is refused with the reason' "$(cat "$TMPDIR/out")"

is "$(ls -A "$HOME")" '.gitconfig' 'nothing is left at home'
is "$(cd "$here" && echo * && ls -A kernel)" "kernel
$(ls -A "$PM_SRC/kernel")" 'nor in the checkout'
left=$(cd "$cache" && echo ./*.?????? ./*/*.??????)
is "$left" './*.?????? ./*/*.??????' 'nor temporary files in the cache'

done_testing
