// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * limits TEST [ARG...] - arguments as long as the kernel takes them
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define PATH_LONGEST 4095	/* PATH_MAX counts the NUL */
#define ARG_LONGEST 131071	/* so does MAX_ARG_STRLEN */

/* The path of name in the working directory, made longer to len bytes. */
static char *padded(const char *name, size_t len)
{
	char *path = malloc(len + 1), *at;

	check(path && getcwd(path, len));
	at = path + strlen(path);
	*at++ = '/';
	while (at + 2 + strlen(name) <= path + len) {
		*at++ = '.';
		*at++ = '/';
	}
	if (at + strlen(name) < path + len)
		*at++ = '/';
	strcpy(at, name);
	check(strlen(path) == len);
	return path;
}

static int first_byte(const char *path)
{
	int fd = open(path, O_RDONLY);
	char byte;

	if (fd < 0)
		return -errno;
	check(read(fd, &byte, 1) == 1 && !close(fd));
	return byte;
}

/* path: the longest one, and one byte more. */
static void path(char **args)
{
	const char *from = strrchr(check_from, '/') + 1, *denied = strrchr(check_denied, '/') + 1;
	char name[251], deep[PATH_LONGEST + 1];
	size_t len = 0;
	struct stat st;

	(void)args;
	check(first_byte(padded(from, PATH_LONGEST)) == (check_supervised() ? 't' : 'f'));
	check(first_byte(padded(denied, PATH_LONGEST)) == (check_supervised() ? -EACCES : 'd'));
	check(first_byte(padded(from, PATH_LONGEST + 1)) == -ENAMETOOLONG);
	check(first_byte(padded(from, 200000)) == -ENAMETOOLONG);
	/* Names all the way down. */
	memset(name, 'n', 250);
	name[250] = '\0';
	deep[0] = '\0';
	while (len + 251 + 6 <= PATH_LONGEST) {
		check(!mkdir(name, 0755) || errno == EEXIST);
		check(!chdir(name));
		len += (size_t)sprintf(deep + len, "%s/", name);
	}
	memset(name, 'f', PATH_LONGEST - len);
	name[PATH_LONGEST - len] = '\0';
	check(close(open(name, O_CREAT | O_WRONLY, 0644)) == 0);
	while (len) {
		check(!chdir(".."));
		len -= 251;
	}
	strcat(deep, name);
	check(strlen(deep) == PATH_LONGEST);
	check(!stat(deep, &st));
	check(!chmod(deep, 0600));
	check(!access(deep, R_OK));
	check(!close(open(deep, O_RDWR)));
	check(!unlink(deep));
	check(stat(deep, &st) == -1 && errno == ENOENT);
}

static uint64_t sum(char *const *argv)
{
	uint64_t hash = 14695981039346656037u;

	for (; *argv; argv++)
		for (const char *at = *argv; ; at++) {
			hash = (hash ^ (unsigned char)*at) * 1099511628211u;
			if (!*at)
				break;
		}
	return hash;
}

/* The executed half of argv: argv[1] .. are those of execute(). */
static void args_are(char **args)
{
	char expected[24];

	snprintf(expected, sizeof(expected), "%lx", (unsigned long)sum(args + 1));
	check(!strcmp(args[0], expected));
	check_mediated();
}

/* Returns 0 or the errno of execve. */
static int execute(char **argv, size_t n)
{
	static char hash[24];
	int status;
	pid_t pid;

	argv[0] = (char *)"limits";
	argv[1] = (char *)"args-are";
	argv[2] = hash;
	argv[n] = NULL;
	snprintf(hash, sizeof(hash), "%lx", (unsigned long)sum(argv + 3));
	pid = fork();
	check(pid >= 0);
	if (!pid) {
		execve("/proc/self/exe", argv, environ);
		_exit(errno);
	}
	check(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* argv: 2 MiB of it, in long strings and in short ones, and too much. */
static void argv(char **args)
{
	size_t limit = (size_t)sysconf(_SC_ARG_MAX), used = 4096, n = 3;
	char **vector = malloc(2000000 * sizeof(char *)), *longest = malloc(ARG_LONGEST + 2);

	(void)args;
	check(vector && longest && limit >= 2 << 20);
	limit = 2 << 20;
	for (char **at = environ; *at; at++)
		used += strlen(*at) + 1 + sizeof(char *);
	memset(longest, 'l', ARG_LONGEST + 1);
	longest[ARG_LONGEST + 1] = '\0';
	vector[3] = longest;
	check(execute(vector, 4) == E2BIG);
	longest[ARG_LONGEST] = '\0';
	for (; used + ARG_LONGEST + 1 + sizeof(char *) < limit; n++) {
		vector[n] = longest;
		used += ARG_LONGEST + 1 + sizeof(char *);
	}
	/* The rest of it in one more string. */
	vector[n] = longest + ARG_LONGEST - (limit - used - 1 - sizeof(char *));
	check(execute(vector, n + 1) == 0);
	vector[n + 1] = longest;
	check(execute(vector, n + 2) == E2BIG);
	/* 190 000 strings of one byte: as much again, most of it pointers. */
	for (n = 3; n < 190000; n++)
		vector[n] = (char *)(n & 1 ? "a" : "b");
	check(execute(vector, n) == 0);
	for (; n < 2000000; n++)
		vector[n] = (char *)"c";
	check(execute(vector, n - 1) == E2BIG);
	/* And none at all. */
	vector[3] = (char *)"";
	check(execute(vector, 4) == 0);
}

#define MESSAGES 1024
#define RECEIVERS 8

/* sendmmsg: 1024 messages with addresses, the most that are taken. */
static void messages(char **args)
{
	static struct mmsghdr messages[MESSAGES + 10];
	static struct sockaddr_in names[MESSAGES + 10];
	static struct iovec iov[MESSAGES + 10][2];
	static uint16_t number[MESSAGES + 10];
	static bool seen[MESSAGES];
	int receivers[RECEIVERS], sender = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = sizeof(names[0]);

	(void)args;
	for (int i = 0; i < RECEIVERS; i++) {
		struct sockaddr_in any = { .sin_family = AF_INET,
					   .sin_addr = { htonl(INADDR_LOOPBACK) } };

		receivers[i] = socket(AF_INET, SOCK_DGRAM, 0);
		check(!bind(receivers[i], (struct sockaddr *)&any, sizeof(any)));
		check(!getsockname(receivers[i], (struct sockaddr *)&names[i], &len));
	}
	for (unsigned int i = 0; i < MESSAGES + 10; i++) {
		names[i] = names[i % RECEIVERS];
		number[i] = (uint16_t)i;
		iov[i][0] = (struct iovec){ &number[i], 2 };
		iov[i][1] = (struct iovec){ (char *)"abc", i % 4 };
		messages[i].msg_hdr.msg_name = &names[i];
		messages[i].msg_hdr.msg_namelen = sizeof(names[i]);
		messages[i].msg_hdr.msg_iov = iov[i];
		messages[i].msg_hdr.msg_iovlen = 2;
	}
	check(sendmmsg(sender, messages, MESSAGES + 10, 0) == MESSAGES);
	for (unsigned int i = 0; i < MESSAGES; i++)
		check(messages[i].msg_len == 2 + i % 4);
	for (unsigned int i = 0; i < 10; i++)
		check(messages[MESSAGES + i].msg_len == 0);
	for (unsigned int i = 0; i < RECEIVERS; i++) {
		for (unsigned int k = 0; k < MESSAGES / RECEIVERS; k++) {
			struct { uint16_t number; char rest[8]; } got;
			ssize_t size = recv(receivers[i], &got, sizeof(got), MSG_DONTWAIT);

			check(size >= 2 && got.number < MESSAGES);
			check(got.number % RECEIVERS == i && !seen[got.number]);
			check(size == 2 + got.number % 4);
			seen[got.number] = true;
		}
	}
	/* No message, a bad vector, a bad one in the middle. */
	check(sendmmsg(sender, messages, 0, 0) == 0);
	check(syscall(SYS_sendmmsg, sender, 1, 2, 0) == -1 && errno == EFAULT);
	messages[5].msg_hdr.msg_name = (void *)1;
	check(sendmmsg(sender, messages, 10, 0) == 5);
	check(sendmmsg(sender, messages + 5, 5, 0) == -1 && errno == EFAULT);
}

static const struct test tests[] = {
	{ "path", path },
	{ "argv", argv },
	{ "args-are", args_are },
	{ "sendmmsg", messages },
};

int main(int argc, char **argv_)
{
	return check_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv_);
}
