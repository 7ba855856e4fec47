#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Every way to name a file: policies match the file, and calls answer as they
# do without pointsman.
. "${PM_SRC:-$(cd "${0%/*}/../.." && pwd)}/tests/harness/tap.sh"

need python3
work=$TMPDIR/work
mkdir -p "$work/d/e" && cd "$work" || exit 1
echo from >from
echo to >to
echo secret >secret
echo inside >inside
ln -s from link
ln -s "$work/from" absolute
ln -s ../link d/chain
ln -s .. d/e/up
ln -s /inside rooted
ln -s /proc/self/cwd cwd
cat >"$TMPDIR/policy.yaml" <<EOF
version: 1
rules:
  - class: [open-read, metadata]
    path: $work/secret
    deny: EPERM
  - class: [open-read, metadata]
    path: $work/from
    redirect:
      path: $work/to
EOF
cat >"$TMPDIR/root.yaml" <<EOF
version: 1
rules:
  - class: [open-read, metadata]
    path: /inside
    redirect:
      path: /to
EOF
cat >"$TMPDIR/all.yaml" <<EOF
version: 1
rules:
  - path: /none/such
    deny: EPERM
EOF

run()
{
	"$PM" run --policy "$TMPDIR/policy.yaml" -- "$@" 2>&1
}

# One file, by every name that leads to it.
for name in from ./from .//./from d/../from d/e/../../from d/e/up/chain link absolute d/chain \
	"$work/from" "//$work//d/./../from" /proc/self/cwd/from "/proc/self/root$work/from" \
	/proc/thread-self/cwd/link cwd/from cwd/cwd/absolute; do
	is "$(run cat "$name")" to "${name//$work/WORK} is redirected"
done
for name in secret d/../secret /proc/self/cwd/secret "$work/d/e/up/../secret"; do
	is "$(run cat "$name")" "cat: $name: Operation not permitted" \
		"${name//$work/WORK} is denied"
done

# From a descriptor of a directory.
cat >"$TMPDIR/at.py" <<'EOF'
import os
import sys
fd = os.open(sys.argv[1], os.O_PATH | os.O_DIRECTORY)
path = sys.argv[2].replace('FD', str(fd))
try:
    with open(os.open(path, os.O_RDONLY, dir_fd=fd)) as file:
        print(file.read(), end='')
except OSError as error:
    print(error.strerror)
EOF
for name in '. from' '. ./d/chain' 'd ../from' 'd chain' 'd/e up/chain' 'd/e ../../link' \
	'. /proc/self/fd/FD/from' 'd /dev/fd/FD/../from' 'd /proc/self/fd/FD/e/up/chain'; do
	is "$(run python3 "$TMPDIR/at.py" "${name% *}" "${name#* }")" to \
		"${name#* } from ${name% *} is redirected"
done
is "$(run python3 "$TMPDIR/at.py" d ../secret)" 'Operation not permitted' \
	'../secret from d is denied'

# By descriptors that were open before.
is "$(run cat /dev/stdin <secret)" 'cat: /dev/stdin: Operation not permitted' \
	'/dev/stdin of a denied file'
is "$(run cat /dev/stdin <from)" to '/dev/stdin of a redirected file'
is "$(run cat - <secret)" secret 'what is open stays open'
is "$(echo pipe | run cat /dev/stdin)" pipe '/dev/stdin of a pipe'
is "$(run cat /proc/self/fd/5 5<secret)" 'cat: /proc/self/fd/5: Operation not permitted' \
	'/proc/self/fd/5 of a denied file'
is "$(run bash -c 'cat <(echo a) <(cat from) <(cat link)')" $'a\nto\nto' 'process substitution'
is "$(run bash -c 'diff <(cat from) <(cat to) && echo same')" same 'two process substitutions'
is "$(run bash -c 'echo text > >(cat); wait $!')" text 'process substitution for output'
is "$(run bash -c 'exec 7<>gone; rm gone; echo x >&7; cat /dev/fd/7')" x \
	'a deleted file by its descriptor'

# Working directories without a name, or with a very long one.
is "$(run bash -c 'mkdir gone; cd gone; rmdir ../gone
	cat ../from; cat from; cat ../d/chain')" \
	$'to\ncat: from: No such file or directory\nto' 'from a deleted directory'

cat >"$TMPDIR/deep.py" <<'EOF'
import os
os.mkdir('deep')
os.chdir('deep')
for i in range(20):
    os.mkdir('n' * 250)
    os.chdir('n' * 250)


def say(call, *args):
    try:
        result = call(*args)
        print(call.__name__, *args, result if isinstance(result, (str, list)) else 'done')
    except OSError as error:
        print(call.__name__, *args, error.errno)


def put(path, text):
    with open(path, 'w') as file:
        file.write(text)


def get(path):
    with open(path) as file:
        return file.read()


say(put, 'f', 'deep text')
for path in ('f', './f', '../' + 'n' * 250 + '/f', 'none', '/proc/self/cwd/f'):
    say(get, path)
say(os.symlink, 'f', 'l')
say(get, 'l')
say(os.rename, 'f', 'g')
say(get, 'l')
say(os.mkdir, 'd')
say(os.listdir, 'd')
say(os.rmdir, 'd/')
say(os.stat, '..')
say(os.chmod, '.', 0o700)
say(os.readlink, 'l')
say(os.unlink, 'g')
say(os.unlink, 'l')
say(os.listdir, '.')
for i in range(20):
    os.chdir('..')
    os.rmdir('n' * 250)
os.chdir('..')
os.rmdir('deep')
EOF
python3 "$TMPDIR/deep.py" >"$TMPDIR/deep.plain" 2>&1
run python3 "$TMPDIR/deep.py" >"$TMPDIR/deep.run"
same "$TMPDIR/deep.run" "$TMPDIR/deep.plain" 'a working directory of 5000 bytes'
rm -rf deep

# Another root: names are its own.
cat >"$TMPDIR/root.py" <<'EOF'
import os
import sys
os.chroot(sys.argv[1])


def say(*paths):
    for path in paths:
        try:
            with open(path) as file:
                print(path, file.read(), end='')
        except OSError as error:
            print(path, error.strerror)


say('inside', 'd/e/up/../inside', '/inside', '/rooted', '/../inside')
os.chdir('/d')
say('../inside', 'e/up/../rooted', '../../../from')
EOF
enter=()
[ "$(id -u)" = 0 ] || enter=(unshare -r)
if "${enter[@]}" python3 -c 'import os; os.chroot(".")' 2>/dev/null; then
	got=$("$PM" run --policy "$TMPDIR/root.yaml" -- "${enter[@]}" \
		python3 "$TMPDIR/root.py" "$work" 2>&1)
	is "$got" 'inside to
d/e/up/../inside to
/inside to
/rooted to
/../inside to
../inside to
e/up/../rooted to
../../../from from' 'in another root'
else
	skip 'in another root' 'kernel: neither root nor user namespaces'
fi

# Seven thousand calls on odd spellings.
mkdir -p "$TMPDIR/odd/run"
spell()
{
	local name=$1
	shift
	"$@" >"$TMPDIR/$name.odd" 2>&1 3<&- 4<&-
	is $? 0 "odd spellings, $name: status"
}
if ! ${CC:-cc} -O1 -o "$TMPDIR/paths" "$PM_SRC/tests/behaviour/paths.c" -pthread \
	2>"$TMPDIR/cc.log"; then
	fail 'paths.c is compiled' "$(cat "$TMPDIR/cc.log")"
	done_testing
fi
spell plain "$TMPDIR/paths" "$TMPDIR/odd/run"
[ "$(wc -l <"$TMPDIR/plain.odd")" -gt 6000 ]
ok $? 'odd spellings: there are many'
spell alone "$PM" run --policy "$TMPDIR/all.yaml" -- "$TMPDIR/paths" "$TMPDIR/odd/run"
same "$TMPDIR/alone.odd" "$TMPDIR/plain.odd" 'odd spellings, in one thread'
spell threads "$PM" run --policy "$TMPDIR/all.yaml" -- "$TMPDIR/paths" "$TMPDIR/odd/run" threads
same "$TMPDIR/threads.odd" "$TMPDIR/plain.odd" 'odd spellings, beside another thread'

done_testing
