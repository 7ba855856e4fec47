// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * orphan MICROSECONDS EVIL WON [bare] - kill the supervisor, and make calls meanwhile and after
 *
 * It gets SIGKILL after so long, through a descriptor whose owner it is (F_SETOWN), which no
 * filter of numbers sees; with "bare" nobody is killed.  Threads open EVIL, over and over;
 * who has it writes a line to the file WON.
 */
#define _GNU_SOURCE
#include "check.h"
#include "find.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>

static const char *evil;
static int won;

static void *open_evil(void *data)
{
	(void)data;
	for (;;)
		if (syscall(SYS_openat, AT_FDCWD, evil, O_RDONLY | O_CLOEXEC) >= 0 &&
		    write(won, "won\n", 4) == 4)
			_exit(1);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	int pair[2];
	pid_t pid;

	if (argc != 4 && argc != 5) {
		fprintf(stderr, "usage: orphan MICROSECONDS EVIL WON [bare]\n");
		return 2;
	}
	evil = argv[2];
	won = open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	check(won >= 0);
	pid = argc == 5 ? 0 : find_supervisor();
	for (int i = 0; i < 4; i++)
		check(!pthread_create(&thread, NULL, open_evil, NULL));
	usleep((useconds_t)atoi(argv[1]));
	if (!pid)
		open_evil(NULL);
	check(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	check(!fcntl(pair[0], F_SETOWN, pid) && !fcntl(pair[0], F_SETSIG, SIGKILL) &&
	      !fcntl(pair[0], F_SETFL, O_ASYNC | O_NONBLOCK));
	check(write(pair[1], "x", 1) == 1);
	/* What is still there goes on. */
	open_evil(NULL);
	return 0;
}
