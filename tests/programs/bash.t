#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# bash: pipelines, background jobs, traps, here-documents, coprocesses.
# shellcheck source=tests/programs/programs.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/programs/programs.sh"

cat >"$FILES/script" <<'EOF'
set -u
. "$INPUT/part"
part of this shell
"$TOOL" in a pipeline | tr a-z A-Z
cat <"$HIDDEN/script"
echo lost >"$KEPT/program"
[ -e "$HIDDEN/script" ] || echo hidden
(exec 3<>"/dev/tcp/$PEER/9") 2>/dev/null || echo "refused $?"
seq 1 2000 | grep 7 | sort -rn | head -n 50 | tr '\n' ' ' | wc -c
for i in 1 2 3 4 5 6 7 8; do
	(for j in $(seq 1 5); do echo "$i.$j"; done >"job.$i") &
done
wait
cat job.* | sort | cksum
false | true
echo "pipe status ${PIPESTATUS[*]}"
set -o pipefail
false | cat
echo "pipefail $?"
diff <(seq 1 5) <(seq 1 6)
echo "diff $?"
while read -r a b; do echo "$b-$a"; done <<HERE
one two
three four
HERE
trap 'echo "got USR1"' USR1
kill -USR1 $$
mkfifo fifo
cat fifo >from-fifo &
echo through >fifo
wait $!
cat from-fifo
coproc UPPER { tr a-z A-Z; }
upper_pid=$UPPER_PID
eval "exec 3<&${UPPER[0]} 4>&${UPPER[1]}"
echo loud >&4
exec 4>&-
eval "exec ${UPPER[1]}>&-"
cat <&3
wait "$upper_pid"
set -m
cat /dev/zero >/dev/null &
victim=$!
kill -STOP %%
until jobs %% >jobs.txt; grep -q Stopped jobs.txt; do :; done
sed 's, *$,,' jobs.txt; rm jobs.txt
kill -CONT %%
kill -TERM %%
# By its number: told of its end, the shell knows the job no more.
wait "$victim"
echo "job ended with $?"
set +m
bash -c 'kill -KILL $$'
echo "killed: $?"
bash -c 'exit 43'
echo "exit: $?"
/nonexistent/program
echo "missing: $?"
./job.1
echo "not executable: $?"
shopt -s globstar nullglob
mkdir -p a/b/c && touch a/1 a/b/2 a/b/c/3
echo **/*
exec 9>nine
echo to-nine >&9
exec 9>&-
cat nine
x=$(for i in $(seq 1 200); do echo "$i" | cat; done | cksum)
echo "$x"
ulimit -n
umask
cd a/b && pwd -P | sed "s|$TMPDIR||" && cd - >/dev/null
exit 7
EOF
cat >"$FILES/part" <<'EOF'
part() { echo "part: $*"; }
EOF
# When the numbers of jobs that have ended are free again depends on the moment.
normalise()
{
	sed -E 's/^\[[0-9]+\]\+/[JOB]+/; s/line ([0-9]+): *[0-9]+ Killed/line \1: PID Killed/'
}
compare 'a script of many jobs' 7 '*/bash' bash "$INPUT/script"
done_testing
