#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# static programs: busybox, and one of our own.
# shellcheck source=tests/programs/programs.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/programs/programs.sh"

need busybox gcc
cat >"$FILES/script" <<'EOF'
mkdir -p d/e
for i in 1 2 3 4 5 6 7 8 9; do echo "line $i" >"d/f$i"; done
ls -l d | awk '{ print $1, $5, $9 }'
find d -type f | sort | xargs cat | md5sum
tar -cf - d | tar -tf - | sort
cat d/f1 d/f2 | sed 's/line/LINE/' | sort -r | head -n 1
(sleep 0; echo background) &
wait $!
cp -r d c && diff -r c d; echo "diff $?"
ln -s d/f1 link; readlink link; readlink -f link | sed "s|.*/work/||"
mv c/f1 c/moved; rm -r c; ls
gzip -c d/f3 | gunzip
stat -c '%a %s %F' d/f4
grep -r 'line 5' d
i=0; while [ $i -lt 50 ]; do /bin/true; i=$((i + 1)); done
busybox sh -c 'exit 11'; echo "$?"
. "$INPUT/part"
part of busybox
"$TOOL" of busybox
read -r line <"$HIDDEN/part" || echo "hidden $?"
[ -e "$HIDDEN/part" ] || echo nothing
(echo lost >"$KEPT/program") || echo "kept $?"
busybox wc -c "$INPUT/part" "$HIDDEN/part"
busybox tar -C "$INPUT" -cf - part | tar -xOf - part
cat missing; echo "$?"
exit 12
EOF
echo 'part() { echo "part $*"; }' >"$FILES/part"
compare 'busybox' 12 '*/busybox' busybox sh "$INPUT/script"

cat >"$TMPDIR/static.c" <<'EOF'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;
static void *work(void *arg)
{
	char name[32], buf[32] = "";
	for (int i = 0; i < 300; i++) {
		int fd;
		snprintf(name, sizeof(name), "t%ld", (long)arg);
		fd = open(name, O_RDWR | O_CREAT, 0644);
		if (fd < 0 || pwrite(fd, name, strlen(name), 0) < 0 || pread(fd, buf, 31, 0) < 0 || strcmp(buf, name))
			return (void *)1;
		close(fd);
		if (access(name, W_OK) || !access("missing", F_OK) || errno != ENOENT)
			return (void *)2;
	}
	return NULL;
}
static char *below(const char *name, const char *file)
{
	char *path;
	return asprintf(&path, "%s/%s", getenv(name), file) < 0 ? NULL : path;
}
static void *mediated(void *arg)
{
	char buf[32] = "";
	for (int i = 0; i < 100; i++) {
		int fd = open(below("INPUT", "part"), O_RDONLY);
		if (fd < 0 || read(fd, buf, 31) < 0 || strncmp(buf, "part()", 6))
			return (void *)3;
		close(fd);
		if (open(below("HIDDEN", "part"), O_RDONLY) >= 0 || errno != ENOENT)
			return (void *)4;
		if (open(below("KEPT", "program"), O_WRONLY) >= 0 || errno != EISDIR)
			return (void *)5;
	}
	return work(arg);
}
int main(int argc, char **argv)
{
	char *tool[] = { getenv("TOOL"), (char *)"of the static program", NULL };
	pthread_t t[4];
	if (argc > 1)
		return printf("child of %s\n", argv[1]) < 0;
	for (long i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, mediated, (void *)i);
	for (long i = 0; i < 4; i++) {
		void *bad;
		pthread_join(t[i], &bad);
		printf("thread %ld %ld\n", i, (long)bad);
	}
	fflush(stdout);
	for (int i = 0; i < 20; i++) {
		char *args[] = { argv[0], (char *)"spawn", NULL };
		int status;
		pid_t pid;
		if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, args, environ))
			return 1;
		waitpid(pid, &status, 0);
		if (status)
			return 2;
	}
	execv(tool[0], tool);
	return 99;
}
EOF
gcc -O1 -static -pthread -o "$TMPDIR/static" "$TMPDIR/static.c" 2>"$TMPDIR/build.out"
ok $? 'a static program is built' "$(cat "$TMPDIR/build.out")"
compare 'a static program with threads' 0 '*/static' "$TMPDIR/static"
done_testing
