#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# i386 programs: with the C library, and with int 0x80 alone.
# shellcheck source=tests/programs/programs.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/programs/programs.sh"

i386_runs || skip_all 'kernel: it runs no 32-bit programs'

need gcc
cat >"$TMPDIR/dynamic.c" <<'EOF'
#define _FILE_OFFSET_BITS 64
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
static void *work(void *arg)
{
	char name[32];
	struct stat st;
	for (int i = 0; i < 100; i++) {
		int fd;
		snprintf(name, sizeof(name), "t%ld", (long)arg);
		fd = open(name, O_RDWR | O_CREAT, 0644);
		if (fd < 0 || write(fd, "x", 1) != 1 || close(fd) || stat(name, &st))
			return (void *)1;
	}
	return NULL;
}
static void below(char *path, const char *name, const char *file)
{
	snprintf(path, 4096, "%s/%s", getenv(name), file);
}
static volatile int got;
static void on_signal(int n) { got += n == SIGUSR1; }
int main(int argc, char **argv)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = { inet_addr(getenv("SERVER")) } };
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "socket" };
	struct msghdr msg = { 0 };
	struct iovec iov[2] = { { (char *)"ab", 2 }, { (char *)"cd", 2 } };
	socklen_t len = sizeof(in);
	pthread_t t[3];
	char buf[64], link[64] = "", path[4096];
	struct stat st;
	int s, c, status, n = 0;
	DIR *d;
	if (argc > 1)
		return printf("%s %s\n", argv[0], argv[1]) < 0;
	printf("%zu-bit\n", 8 * sizeof(void *));
	for (long i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, work, (void *)i);
	for (long i = 0; i < 3; i++) {
		void *bad;
		pthread_join(t[i], &bad);
		printf("thread %ld\n", (long)bad);
	}
	s = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(s, (struct sockaddr *)&in, len) || listen(s, 1) || getsockname(s, (struct sockaddr *)&in, &len))
		return 1;
	c = socket(AF_INET, SOCK_STREAM, 0);
	in.sin_addr.s_addr = inet_addr(getenv("PEER"));
	printf("connect %d\n", connect(c, (struct sockaddr *)&in, sizeof(in)));
	in.sin_addr.s_addr = inet_addr(getenv("NOBODY"));
	in.sin_port = htons(9);
	c = socket(AF_INET, SOCK_STREAM, 0);
	printf("nobody %d", connect(c, (struct sockaddr *)&in, sizeof(in)));
	printf(" %d\n", errno);
	s = socket(AF_UNIX, SOCK_DGRAM, 0);
	printf("bind %d\n", bind(s, (struct sockaddr *)&un, sizeof(un)));
	c = socket(AF_UNIX, SOCK_DGRAM, 0);
	msg.msg_name = &un; msg.msg_namelen = sizeof(un); msg.msg_iov = iov; msg.msg_iovlen = 2;
	printf("sendmsg %zd\n", sendmsg(c, &msg, 0));
	printf("recv %zd %.4s\n", recv(s, buf, sizeof(buf), 0), buf);
	printf("sendto %zd\n", sendto(c, "x", 1, 0, (struct sockaddr *)&un, sizeof(un)));
	printf("open %d %d\n", open("missing", O_RDONLY), errno);
	printf("mkdir %d\n", mkdir("dir", 0755));
	printf("symlink %d\n", symlink("t1", "dir/link"));
	printf("readlink %zd %s\n", readlink("dir/link", link, sizeof(link)), link);
	printf("rename %d\n", rename("t2", "dir/t2"));
	printf("mmap %d\n", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, open("t1", O_RDONLY), 0) != MAP_FAILED);
	signal(SIGUSR1, on_signal);
	for (int i = 0; i < 10; i++) { raise(SIGUSR1); open("missing", 0); }
	printf("signals %d\n", got);
	d = opendir(".");
	while (readdir(d)) n++;
	printf("entries %d\n", n);
	fflush(stdout);
	for (int i = 0; i < 5; i++) {
		if (!vfork()) { execl(argv[0], "child", "argument", NULL); _exit(99); }
		wait(&status);
		if (status) return 2;
	}
	below(path, "INPUT", "part");
	printf("input %zd", read(open(path, O_RDONLY), buf, 5));
	printf(" %.5s %d\n", buf, stat(path, &st));
	below(path, "HIDDEN", "part");
	printf("hidden %d", open(path, O_RDONLY));
	printf(" %d\n", errno);
	below(path, "KEPT", "program");
	printf("kept %d", open(path, O_WRONLY));
	printf(" %d\n", errno);
	fflush(stdout);
	if (!vfork()) { execl(getenv("TOOL"), "tool", "of i386", NULL); _exit(99); }
	wait(&status);
	system("echo from the shell");
	return 14;
}
EOF
echo part >"$FILES/part"
gcc -m32 -O1 -pthread -w -o "$TMPDIR/dynamic32" "$TMPDIR/dynamic.c" 2>"$TMPDIR/build.out"
ok $? 'an i386 program is built' "$(cat "$TMPDIR/build.out")"
compare 'i386, dynamic' 14 '*/dynamic32' "$TMPDIR/dynamic32"
gcc -m32 -O1 -pthread -w -static -o "$TMPDIR/static32" "$TMPDIR/dynamic.c" 2>"$TMPDIR/build.out"
ok $? 'a static i386 program is built' "$(cat "$TMPDIR/build.out")"
compare 'i386, static' 14 '*/static32' "$TMPDIR/static32"

cat >"$TMPDIR/bare.c" <<'EOF'
/* Calls by int 0x80 alone: open, write, mkdir, old mmap, socketcall, execve. */
static long call(long nr, long a, long b, long c)
{
	long r;
	__asm__ volatile("int $0x80" : "=a"(r) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory");
	return r;
}
static void number(const char *what, long n)
{
	char buf[16], *p = buf + 16;
	int neg = n < 0, len = 0;
	*--p = '\n';
	if (neg) n = -n;
	do *--p = '0' + n % 10; while (n /= 10);
	if (neg) *--p = '-';
	while (what[len]) len++;
	call(4, 1, (long)what, len);
	call(4, 1, (long)p, buf + 16 - p);
}
static char path[] = "made", missing[] = "nowhere/at/all", echo[] = "/bin/echo", word[] = "executed";
/* ARGV: a file that is there, one that is hidden, one that is kept. */
__asm__(".globl _start\n_start: mov %esp, %eax\nand $-16, %esp\npush %eax\npush %eax\npush %eax\npush %eax\ncall start\n");
void start(char **stack)
{
	char **given = stack + 2, bytes[5];
	static char addr[] = { 2, 0, 0, 7, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0 };
	long old_mmap[6] = { 0, 4096, 3, 0x22, -1, 0 };
	long socket[3] = { 2, 2, 0 }, connect[3], fd;
	static char *argv[] = { echo, word, 0 }, *env[] = { 0 };
	long mapped;
	number("open ", call(5, (long)missing, 0, 0));
	number("open ", fd = call(5, (long)path, 0102, 0644));
	number("write ", call(4, fd, (long)path, 4));
	number("access ", call(33, (long)path, 0, 0));
	number("mkdir ", call(39, (long)path, 0755, 0));
	mapped = call(90, (long)old_mmap, 0, 0);
	number("mmap ", mapped < 0 && mapped > -4096 ? mapped : 1);
	*(char *)mapped = 1;
	number("socket ", connect[0] = call(102, 1, (long)socket, 0));
	connect[1] = (long)addr; connect[2] = 16;
	number("connect ", call(102, 3, (long)connect, 0));
	number("bad ", call(5, 1, 0, 0));
	number("input ", fd = call(5, (long)given[0], 0, 0));
	number("read ", call(3, fd, (long)bytes, 5));
	call(4, 1, (long)bytes, 5);
	number("hidden ", call(5, (long)given[1], 0, 0));
	number("kept ", call(5, (long)given[2], 1, 0));
	call(11, (long)echo, (long)argv, (long)env);
	call(1, 99, 0, 0);
}
EOF
gcc -m32 -O1 -nostdlib -static -fno-pic -no-pie -fno-stack-protector -o "$TMPDIR/bare32" "$TMPDIR/bare.c" 2>"$TMPDIR/build.out"
ok $? 'an i386 program without a C library is built' "$(cat "$TMPDIR/build.out")"
compare 'i386, int 0x80' 0 '*/bare32' "$TMPDIR/bare32" \
	"$INPUT/part" "$HIDDEN/part" "$KEPT/program"
done_testing
