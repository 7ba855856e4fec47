#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What works inside: debuggers, and pointsman in pointsman.
# shellcheck source=tests/behaviour/ptrace.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/behaviour/ptrace.sh"

inside=$PM_BUILD/pointsman

# A program under strace, which executes a script and a program.
printf '#!/bin/sh -e\nread -r line <"$1"\necho "$0 $line"\n' >script
chmod +x script
out=$(supervised strace -f -o trace ./script "$CHECK_FROM" 2>&1)
is "$out" './script to' 'strace: a script runs, redirected'
grep -q 'execve("./script"' trace
ok $? 'strace sees the call that was made'
grep -q "\"$CHECK_FROM\"" trace
ok $? 'and its spelling' "$(tail -n 5 trace)"
out=$(supervised strace -f -o trace sh -c "/bin/cat $CHECK_FROM; /bin/cat $CHECK_DENIED" 2>&1)
is "$out" "to
/bin/cat: $CHECK_DENIED: Permission denied" 'strace: programs are executed, and calls decided on'
out=$(supervised gdb -batch -nx -ex 'break exit' -ex run -ex 'info breakpoints' -ex continue \
	--args /bin/cat "$CHECK_FROM" 2>&1)
case $out in
*to*'already hit 1 time'*'exited normally'*) pass 'gdb: a program runs to a breakpoint, and on' ;;
*) fail 'gdb: a program runs to a breakpoint, and on' "$out" ;;
esac

# Three layers, the innermost first, in one pointsman and in three.
for file in a b c d e f h; do
	echo "$file" >$file
done
layer()
{
	printf 'version: 1\nname: %s\ndefault: allow\nrules:\n' "$1" >"$1.yaml"
	cat >>"$1.yaml"
}
layer inner <<EOF
  - class: open-read
    path: $TMPDIR/a
    redirect: { path: $TMPDIR/b }
EOF
layer middle <<EOF
  - class: open-read
    path: $TMPDIR/b
    redirect: { path: $TMPDIR/c }
  - class: open-read
    path: $TMPDIR/f
    deny: ENOENT
EOF
layer outer <<EOF
  - class: open-read
    path: $TMPDIR/c
    redirect: { path: $TMPDIR/d }
  - class: open-read
    path: $TMPDIR/e
    deny: EROFS
EOF
in_one()
{
	"$inside" run --backend notify --audit one.json --policy inner.yaml --policy middle.yaml \
		--policy outer.yaml -- "$@"
}
in_three()
{
	"$inside" run --backend notify --audit outer.json --policy outer.yaml -- \
		"$inside" run --backend notify --audit middle.json --policy middle.yaml -- \
		"$inside" run --backend notify --audit inner.json --policy inner.yaml -- "$@"
}
sed -i '/^name:/d' ./*.yaml
program=(cat a b c d e f h)
expected=$(printf 'd\nd\nd\nd\nh')
is "$(in_one "${program[@]}" 2>one.err)" "$expected" 'three layers in one pointsman'
is "$(in_three "${program[@]}" 2>three.err)" "$expected" 'three in three: each outer one redirects what the inner one did'
same three.err one.err 'with the same errors'
is "$(grep -c 'Read-only file system\|No such file' three.err)" 2 'two of them'

# Layer by layer: which file was asked about, and what was said.  An inner
# supervisor looks for the file itself before it answers, and is a program to the
# outer ones: what they refuse, they may refuse to it.
cat >layers.py <<'EOF'
import json, sys

directory, kinds = sys.argv[1], ("inner", "middle", "outer")

def calls(name, comm):
    for line in open(name):
        line = json.loads(line)
        if line["type"] == "call" and line["comm"] == comm and line["call"].startswith("open"):
            yield line

def place(call):
    for item in call["deep"].values():
        if item.get("kind") == "path" and item["name"].startswith(directory + "/"):
            return item["name"]

def said(kind, at, verdict):
    return " ".join((kind, at, verdict["verdict"], verdict.get("errno", "")))

if sys.argv[2] == "one":
    for call in calls("one.json", "cat"):
        at = place(call)
        for verdict in call["layers"]:
            if at:
                print(said(kinds[verdict["depth"]], at, verdict))
            if "left" in verdict:
                at = place(verdict["left"])
else:
    looks = {kind: [call for call in calls(kind + ".json", "pointsman") if place(call)]
             for kind in kinds}
    came = {place(call) for kind in kinds[1:] for call in calls(kind + ".json", "cat")}
    refused = {place(call) for kind in kinds for call in looks[kind]
               if call["verdict"] == "deny"} - came
    for kind in kinds:
        for call in calls(kind + ".json", "cat"):
            if place(call):
                print(said(kind, place(call), call["layers"][0]))
        for line in {said(kind, place(call), call["layers"][0])
                     for call in looks[kind] if place(call) in refused}:
            print(line)
EOF
python3 layers.py "$TMPDIR" one | sort >one.said
python3 layers.py "$TMPDIR" three | sort >three.said
same three.said one.said 'the same verdicts on the same files, whoever wrote them'
is "$(wc -l <one.said)" 20 'of every layer that was asked' "$(cat one.said)"

# What an outer one sees is what an inner one asked for.
out=$("$inside" run --backend notify --deny /bin/cat:EXDEV -- \
	"$inside" run --backend notify --exec /bin/true=/bin/cat -- /bin/true 2>&1)
is "$?:$out" "126:pointsman: cannot run '/bin/true': Invalid cross-device link" \
	'an outer layer refuses what an inner one redirects to'

# A filter around us that has not opted in judges what is redirected, and allows
# one listener.
profile=("$PM_BUILD/tests/without/without" mkdir=1 --)
mkdir there
out=$("${profile[@]}" "$inside" run --backend notify --syscall rmdir=mkdir -- rmdir there 2>&1)
is "$out" "rmdir: failed to remove 'there': Operation not permitted" \
	'a profile judges what a listener inside it redirects to'
out=$("${profile[@]}" "$inside" run --backend notify --path "$CHECK_FROM=$TMPDIR/to" -- \
	"$inside" run --backend notify -- true 2>&1)
is "$?:$out" "125:pointsman: the notify backend does not work here: no listener can be installed: another one is around this process" \
	'a second listener inside a profile is refused, and it is said why'
out=$("${profile[@]}" "$inside" run --backend notify --path "$CHECK_FROM=$TMPDIR/to" -- \
	"$inside" run --path "$TMPDIR/to=$TMPDIR/h" -- cat "$CHECK_FROM" "$TMPDIR/to" 2>&1)
is "$out" 'to
h' 'or ptrace is taken in its place'

# A listener around us that has not opted in is the only one that the kernel allows.
out=$("$inside" run --backend notify --path "$CHECK_FROM=$TMPDIR/to" -- \
	"$inside" run --backend ptrace --path "$TMPDIR/to=$TMPDIR/h" -- cat "$CHECK_FROM" "$TMPDIR/to" 2>&1)
is "$out" 'to
h' 'pointsman on ptrace inside one that is notified'
out=$("$inside" run --backend ptrace --deny "$CHECK_DENIED" -- \
	"$inside" run --deny "$CHECK_DENIED" -- cat "$CHECK_FROM" 2>&1)
status=$?
case $status:$out in
125:pointsman:*ptrace*) pass 'pointsman inside one on ptrace says why not' ;;
*) fail 'pointsman inside one on ptrace says why not' "status $status" "$out" ;;
esac
diag "$out"

done_testing
