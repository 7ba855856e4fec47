// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * listen COMMAND... - run it under a filter with a listener, as containers do
 *
 * The listener is told of openat and mkdir and lets every one go on.
 */
#define _GNU_SOURCE
#include "check.h"
#include "filters.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

static atomic_int listener = -1;

static void *let_go_on(void *data)
{
	(void)data;
	while (atomic_load(&listener) < 0)
		usleep(1000);
	for (;;) {
		struct seccomp_notif notif = { 0 };
		struct seccomp_notif_resp resp = { .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };

		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &notif))
			continue;
		resp.id = notif.id;
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	int status;
	pid_t pid;

	check(argc > 1);
	/* It is not filtered itself. */
	check(!pthread_create(&thread, NULL, let_go_on, NULL));
	atomic_store(&listener, INSTALL(SECCOMP_FILTER_FLAG_NEW_LISTENER,
					ON(SYS_openat, SECCOMP_RET_USER_NOTIF),
					ON(SYS_mkdir, SECCOMP_RET_USER_NOTIF)));
	check(listener >= 0);
	pid = fork();
	check(pid >= 0);
	if (!pid) {
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	check(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	_exit(WEXITSTATUS(status));
}
