/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * nomem_target HOW [N] - what runs under a supervisor that has no memory
 *
 *	all	opens files here, in a thread and in a script, too
 *	files	opens files
 *	leaf	opens files: the script
 *	opens	opens one file N times
 *	calls	makes a call for each thing that a layer can change
 *	answers	opens one file until it is denied with EXDEV
 *
 * The errors that calls may fail with are named in NOMEM_ERRORS.  What is in "from"
 * must not be read, it is redirected to "to"; "denied", and "link" that leads there,
 * are denied with EXDEV.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nomem.h"

static int failed(const char *what, int err)
{
	const char *allowed = getenv("NOMEM_ERRORS"), *name = strerrorname_np(err);

	if (allowed && name && strstr(allowed, name))
		return TARGET_REFUSED;
	printf("%s: %s\n", what, name ? name : "?");
	fflush(stdout);
	return TARGET_ODD;
}

static int look(const char *name, const char *expected)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	char there[16];
	ssize_t len;

	if (fd < 0)
		return failed(name, errno);
	len = read(fd, there, sizeof(there));
	close(fd);
	return len == (ssize_t)strlen(expected) && !memcmp(there, expected, (size_t)len) ?
	       TARGET_RIGHT : TARGET_REACHED;
}

static int look_denied(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		return TARGET_REACHED;
	return errno == EXDEV ? TARGET_RIGHT : failed(name, errno);
}

static int open_files(void)
{
	return look("from", "to") | look_denied("denied") | look("near", "near") |
	       look_denied("link");
}

static void *body(void *result)
{
	*(int *)result = open_files();
	return NULL;
}

/* That there is no memory for a thread is EAGAIN to it. */
static int in_thread(void)
{
	int result = TARGET_RIGHT;
	pthread_t thread;
	int err = pthread_create(&thread, NULL, body, &result);

	if (err)
		return failed("pthread_create", err == EAGAIN ? ENOMEM : err);
	pthread_join(thread, NULL);
	return result;
}

static int in_script(void)
{
	char *argv[] = { "./script", NULL };
	int status, err;
	pid_t pid;

	err = posix_spawn(&pid, argv[0], NULL, NULL, argv, environ);
	if (err)
		return failed(argv[0], err);
	if (waitpid(pid, &status, 0) != pid)
		return failed("waitpid", errno);
	if (WIFSIGNALED(status))
		return TARGET_REFUSED;
	return WEXITSTATUS(status) == TARGET_ENDS ? TARGET_REFUSED : WEXITSTATUS(status);
}

/* The other end of a pipe ends where nobody has this one any more. */
static int check_pipe(void)
{
	const char *ends = getenv("NOMEM_PIPE");
	int from, to;
	char byte;

	if (!ends || sscanf(ends, "%d %d", &from, &to) != 2)
		return TARGET_RIGHT;
	close(to);
	return read(from, &byte, 1) == 0 ? TARGET_RIGHT : TARGET_HELD;
}

static int open_often(int times)
{
	int result = TARGET_RIGHT;

	while (times--)
		result |= look("from", "to");
	return result;
}

/* They are denied, or there is nothing behind them. */
static int make_calls(void)
{
	const struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = "nothing" };
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char *argv[] = { "./script", "one", "two", NULL };
	int result = look_denied("link");

	if (!connect(sock, (const struct sockaddr *)&to, sizeof(to)))
		result |= TARGET_REACHED;
	else if (errno != EXDEV)
		result |= failed("connect", errno);
	execv(argv[0], argv);
	return result | (errno == EXDEV ? TARGET_RIGHT : failed("execv", errno));
}

/* Each is answered by one more piece of memory. */
static int until_denied(void)
{
	for (int i = 0; i < 1000; i++) {
		int fd = open("near", O_RDONLY | O_CLOEXEC);

		if (fd >= 0)
			return TARGET_REACHED;
		if (errno == EXDEV)
			return TARGET_RIGHT;
		if (errno != EPERM)
			return failed("near", errno);
	}
	return TARGET_ODD;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	if (!strcmp(how, "all"))
		return open_files() | in_thread() | in_script() | check_pipe();
	if (!strcmp(how, "files"))
		return open_files() | check_pipe();
	if (!strcmp(how, "leaf"))
		return open_files();
	if (!strcmp(how, "opens") && argc > 2)
		return open_often(atoi(argv[2]));
	if (!strcmp(how, "calls"))
		return make_calls();
	if (!strcmp(how, "answers"))
		return until_denied();
	return 125;
}
