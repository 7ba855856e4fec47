/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * inside NAME [ARGUMENT...] - what tests do in a container, that busybox cannot
 *
 * Prints what it found, one line each; what should work and does not ends it with
 * status 1 and the error.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void check(int failed, const char *what)
{
	if (failed) {
		printf("%s: %s\n", what, strerror(errno));
		exit(1);
	}
}

/* A server sees whose connection it is: PATH, or an abstract name that begins with @. */
static int do_unix(char **arg)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(arg[0]));
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), fd;
	struct ucred peer;
	char byte;

	memcpy(address.sun_path, arg[0], strlen(arg[0]));
	if (arg[0][0] == '@')
		address.sun_path[0] = '\0';
	check(bind(listener, (struct sockaddr *)&address, len), "bind");
	check(listen(listener, 1), "listen");
	if (arg[0][0] != '@')
		check(chmod(arg[0], 0777), "chmod");
	if (!fork()) {
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		check(setgroups(0, NULL) || setgid(2000) || setuid(1000), "setuid");
		check(connect(fd, (struct sockaddr *)&address, len), "connect");
		check(write(fd, "x", 1) != 1, "write");
		exit(0);
	}
	fd = accept(listener, NULL, NULL);
	check(fd < 0, "accept");
	len = sizeof(peer);
	check(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len), "SO_PEERCRED");
	check(read(fd, &byte, 1) != 1, "read");
	printf("peer %u %u\n", peer.uid, peer.gid);
	return 0;
}

/* Each end of a FIFO waits for the other. */
static int do_fifo(char **arg)
{
	char text[16] = "";
	int fd;

	check(mkfifo(arg[0], 0600), "mkfifo");
	if (!fork()) {
		fd = open(arg[0], O_WRONLY);
		check(fd < 0, "open for writing");
		check(write(fd, "through", 7) != 7, "write");
		exit(0);
	}
	fd = open(arg[0], O_RDONLY);
	check(fd < 0, "open for reading");
	check(read(fd, text, sizeof(text) - 1) != 7, "read");
	printf("%s\n", text);
	return 0;
}

static void caught(int signal)
{
	(void)signal;
}

/* An opening that waits is interrupted by a signal, with EINTR or by its end. */
static int do_interrupt(char **arg)
{
	struct sigaction action = { .sa_handler = caught };
	struct itimerspec soon = { .it_value.tv_nsec = 100000000 };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	timer_t timer;

	check(mkfifo(arg[0], 0600), "mkfifo");
	sigaction(SIGUSR1, &action, NULL);
	check(timer_create(CLOCK_MONOTONIC, &event, &timer), "timer_create");
	check(timer_settime(timer, 0, &soon, NULL), "timer_settime");
	printf("%s\n", open(arg[0], O_RDONLY) < 0 ? strerror(errno) : "opened");
	return 0;
}

/* Threads that make the same files: each is made once, and none fails. */
struct makers {
	const char *dir;
	atomic_int made, opened, failed;
	pthread_barrier_t together;
};

#define FILES 50
#define MAKERS 4

static void *make(void *data)
{
	struct makers *makers = data;
	char path[128];

	for (int i = 0; i < FILES; i++) {
		int fd, exclusive;

		snprintf(path, sizeof(path), "%s/shared-%d", makers->dir, i);
		pthread_barrier_wait(&makers->together);
		fd = open(path, O_RDWR | O_CREAT, 0600);
		*(fd < 0 ? &makers->failed : &makers->opened) += 1;
		snprintf(path, sizeof(path), "%s/one-%d", makers->dir, i);
		exclusive = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
		makers->made += exclusive >= 0;
		if (exclusive < 0 && errno != EEXIST)
			makers->failed++;
		close(fd);
		close(exclusive);
	}
	return NULL;
}

static int do_makers(char **arg)
{
	struct makers makers = { .dir = arg[0] };
	pthread_t threads[MAKERS];

	pthread_barrier_init(&makers.together, NULL, MAKERS);
	for (int i = 0; i < MAKERS; i++)
		check(pthread_create(&threads[i], NULL, make, &makers), "pthread_create");
	for (int i = 0; i < MAKERS; i++)
		pthread_join(threads[i], NULL);
	printf("opened %d made %d failed %d\n", makers.opened, makers.made, makers.failed);
	return 0;
}

/*
 * Two attacks at the same time: the path changes under the call, and so does the
 * link that it names.  arg: how many opens, a harmless file, a secret one, a directory.
 */
static struct {
	char path[128], harmless[128], secret[128], link[128];
	atomic_bool over;
} swap;

static void *swap_path(void *data)
{
	(void)data;
	for (int i = 0; !swap.over; i++)
		memcpy(swap.path, i % 2 ? swap.secret : swap.harmless, sizeof(swap.path));
	return NULL;
}

static void *swap_link(void *data)
{
	char other[160];

	(void)data;
	snprintf(other, sizeof(other), "%s.new", swap.link);
	for (int i = 0; !swap.over; i++) {
		if (symlink(i % 2 ? swap.secret : swap.harmless, other) || rename(other, swap.link))
			exit(1);
	}
	return NULL;
}

static int do_swap(char **arg)
{
	const long enough = atol(arg[0]);
	long opens = 0, opened = 0, secrets = 0;
	pthread_t threads[2];
	char byte[7] = "";

	/* One length, so that every mixture of the two is a path of no file, or one of these. */
	snprintf(swap.harmless, sizeof(swap.harmless), "%s", arg[1]);
	snprintf(swap.secret, sizeof(swap.secret), "%s", arg[2]);
	snprintf(swap.link, sizeof(swap.link), "%s/link", arg[3]);
	check(symlink(swap.harmless, swap.link), "symlink");
	check(pthread_create(&threads[0], NULL, swap_path, NULL) ||
	      pthread_create(&threads[1], NULL, swap_link, NULL), "pthread_create");
	while (opened < enough) {
		int fd = open(opens++ % 2 ? swap.link : swap.path, O_RDONLY);

		opened += fd >= 0;
		if (fd >= 0 && read(fd, byte, 6) == 6 && !strcmp(byte, "secret"))
			secrets++;
		close(fd);
	}
	swap.over = true;
	printf("opened %ld secrets %ld\n", opened, secrets);
	return 0;
}

/* What opening a device node answers: a path, its type, major, minor. */
static int do_device(char **arg)
{
	mode_t type = arg[1][0] == 'b' ? S_IFBLK : S_IFCHR;

	check(mknod(arg[0], type | 0666, makedev(atoi(arg[2]), atoi(arg[3]))), "mknod");
	printf("%s\n", open(arg[0], O_RDONLY) < 0 ? strerror(errno) : "opened");
	return 0;
}

/* As somebody: uid, gid, a path; an 'r' opens it, a 'w' makes it and says whose it is. */
static int do_as(char **arg)
{
	struct stat st;
	int fd;

	check(setgroups(0, NULL) || setgid((gid_t)atoi(arg[1])) || setuid((uid_t)atoi(arg[0])),
	      "setuid");
	fd = open(arg[3], arg[2][0] == 'r' ? O_RDONLY : O_WRONLY | O_CREAT, 0666);
	if (fd < 0)
		printf("%s\n", strerror(errno));
	else if (!fstat(fd, &st))
		printf("%u %u %o\n", st.st_uid, st.st_gid, st.st_mode & 07777);
	return 0;
}

/* Files that are made once each, under a signal every half a millisecond. */
static int do_signals(char **arg)
{
	struct sigaction action = { .sa_handler = caught, .sa_flags = SA_RESTART };
	const struct itimerspec often = { .it_interval.tv_nsec = 500000,
					  .it_value.tv_nsec = 500000 };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	int made = 0, failed = 0;
	timer_t timer;
	char path[128];

	sigaction(SIGUSR1, &action, NULL);
	check(timer_create(CLOCK_MONOTONIC, &event, &timer), "timer_create");
	check(timer_settime(timer, 0, &often, NULL), "timer_settime");
	for (int i = 0; i < 500; i++) {
		int fd;

		snprintf(path, sizeof(path), "%s/%d", arg[0], i);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
		*(fd < 0 ? &failed : &made) += 1;
		close(fd);
	}
	printf("made %d failed %d\n", made, failed);
	return 0;
}

/* Whose /proc/self it is. */
static int do_comm(char **arg)
{
	char name[32] = "";
	int fd = open("/proc/self/comm", O_RDONLY);

	(void)arg;
	check(fd < 0 || read(fd, name, sizeof(name) - 1) < 0, "/proc/self/comm");
	printf("%s", name);
	return 0;
}

/* A system call by its number, with one argument. */
static int do_call(char **arg)
{
	long result = syscall(atol(arg[0]), strtoul(arg[1], NULL, 0), 0, 0, 0, 0, 0);

	printf("%s\n", result < 0 ? strerror(errno) : "worked");
	return 0;
}

/*
 * Opens for ever: says when it has begun, and what fails as it should not, or is not the
 * file of the first time; ends when the second file is there.  Returns how often it has
 * opened the first one.
 */
static long open_forever(char **arg)
{
	char first[64] = "", text[64];
	long rounds = 0;

	for (;; rounds++) {
		int fd = open(arg[0], O_RDONLY), last;

		if (fd < 0)
			printf("round %ld: %s\n", rounds, strerror(errno));
		memset(text, 0, sizeof(text));
		if (fd >= 0 && read(fd, rounds ? text : first, sizeof(text) - 1) < 0)
			printf("round %ld: read: %s\n", rounds, strerror(errno));
		else if (fd >= 0 && rounds && strcmp(text, first))
			printf("round %ld: another file, descriptor %d\n", rounds, fd);
		if (!rounds)
			printf("opening\n");
		close(fd);
		last = open(arg[1], O_RDONLY);
		if (last >= 0)
			break;
		if (errno != ENOENT) {
			printf("round %ld: %s\n", rounds, strerror(errno));
			break;
		}
	}
	return rounds + 1;
}

static int do_forever(char **arg)
{
	printf("%s\n", open_forever(arg) > 2 ? "many rounds" : "no round");
	return 0;
}

/* The same, and says how many opens there were. */
static int do_counted(char **arg)
{
	printf("%ld opens\n", open_forever(arg));
	return 0;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	check(fd < 0, "socket");
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) ? -errno : 0;
}

/*
 * A connection that waits for room in the queue of the socket at a path, until there is a
 * file at the second one.
 */
static int do_waits(char **arg)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timespec again = { .tv_nsec = 10000000 };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), err, status = 0;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", arg[0]);
	check(fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)), "bind");
	check(listen(fd, 0), "listen");
	check(connect_to(arg[0]), "connect");
	if (!fork()) {
		err = connect_to(arg[0]);
		printf("%s\n", err ? strerror(-err) : "connected");
		exit(0);
	}
	while (access(arg[1], F_OK))
		nanosleep(&again, NULL);
	check(accept(fd, NULL, NULL) < 0, "accept");
	check(wait(&status) < 0, "wait");
	return status != 0;
}

static const struct {
	const char *name;
	int (*run)(char **arg);
	int args;
} tests[] = {
	{ "unix", do_unix, 1 },	      { "fifo", do_fifo, 1 }, { "interrupt", do_interrupt, 1 },
	{ "makers", do_makers, 1 },   { "swap", do_swap, 4 }, { "device", do_device, 4 },
	{ "as", do_as, 4 },	      { "forever", do_forever, 2 },
	{ "counted", do_counted, 2 },
	{ "comm", do_comm, 0 },	      { "call", do_call, 2 },
	{ "signals", do_signals, 1 }, { "waits", do_waits, 2 },
};

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* Who waits for one that has failed fails, too. */
	if (argc > 1 && strcmp(argv[1], "forever") && strcmp(argv[1], "counted") &&
	    strcmp(argv[1], "swap") && strcmp(argv[1], "waits"))
		alarm(20);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]) && argc > 1; i++)
		if (!strcmp(tests[i].name, argv[1]) && argc == tests[i].args + 2)
			return tests[i].run(argv + 2);
	fputs("inside: no such test\n", stderr);
	return 2;
}
