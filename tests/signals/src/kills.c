// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * kills TEST plain - processes are killed (SIGKILL) in redirected calls
 *
 * Each child counts before and after each call, in memory that its parent shares.
 * What it was told to be done is there, once; of the one that it was in the middle of,
 * all or nothing; and nothing besides.
 */
#define _GNU_SOURCE
#include "signals.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#define THREADS 3
#define CHILDREN 2 /* at a time */

struct count {
	atomic_ulong tried, said;
};

static struct count *counts; /* of each thread of each child */

static void *share(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	check(memory != MAP_FAILED);
	return memory;
}

struct worker {
	unsigned long child;
	unsigned int thread;
	struct count *count;
};

static void *make_files(void *data)
{
	struct worker *worker = data;

	for (unsigned long i = 0;; i++) {
		int fd;

		atomic_store(&worker->count->tried, i + 1);
		if (i % 2) {
			check(!mkdir(place("d/%lu-%u-%lu", worker->child, worker->thread, i),
				     0700));
		} else {
			fd = open(place("d/%lu-%u-%lu", worker->child, worker->thread, i),
				  O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
			check(fd >= 0 && !close(fd));
		}
		atomic_store(&worker->count->said, i + 1);
	}
	return NULL;
}

static void start_workers(unsigned long child, struct count *own)
{
	struct worker workers[THREADS];
	pthread_t thread;

	for (unsigned int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ child, i, &own[i] };
		if (i)
			check(!pthread_create(&thread, NULL, make_files, &workers[i]));
	}
	make_files(&workers[0]);
}

/* A child is killed once it has done so much, and a little, which differs, later. */
static void kill_one(pid_t pid, struct count *own, unsigned long n)
{
	int status;

	while (atomic_load(&own->said) < n % 4)
		sched_yield();
	for (volatile unsigned long spin = 0; spin < n * 7919 % 50000; spin++)
		;
	check(!kill(pid, SIGKILL));
	check(waitpid(pid, &status, 0) == pid);
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void test_files(void)
{
	unsigned long children = rounds / 20 + 1, made = 0, found = 0;
	pid_t pids[CHILDREN];
	struct dirent *entry;
	DIR *dir;

	counts = share(children * THREADS * sizeof(*counts));
	for (unsigned long n = 0; n < children + CHILDREN; n++) {
		unsigned long old = n - CHILDREN;

		if (n >= CHILDREN)
			kill_one(pids[n % CHILDREN], &counts[old * THREADS], old);
		if (n >= children)
			continue;
		pids[n % CHILDREN] = fork();
		check(pids[n % CHILDREN] >= 0);
		if (!pids[n % CHILDREN])
			start_workers(n, &counts[n * THREADS]);
	}
	for (unsigned long n = 0; n < children * THREADS; n++) {
		unsigned long said = atomic_load(&counts[n].said);
		struct stat st;

		check(atomic_load(&counts[n].tried) - said <= 1);
		for (unsigned long i = 0; i < said; i++)
			check(!lstat(place("d/%lu-%lu-%lu", n / THREADS, n % THREADS, i), &st));
		made += said;
		if (!lstat(place("d/%lu-%lu-%lu", n / THREADS, n % THREADS, said), &st)) {
			check(atomic_load(&counts[n].tried) > said);
			made++;
		}
	}
	dir = opendir(place("d"));
	check(dir);
	while ((entry = readdir(dir)))
		found += entry->d_name[0] != '.';
	closedir(dir);
	check(found == made);
	printf("made d %lu\n", made);
}

static struct sockaddr_un server, peer;

struct message {
	unsigned long child;
	bool many;	/* it is one of a sendmmsg */
};

/* A message each round; every fourth time four at once.  The queue is full most of the time. */
static void send_messages(unsigned long child, struct count *count)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct message one = { .child = child }, each = { .child = child, .many = true };
	struct iovec vector = { &each, sizeof(each) };
	struct mmsghdr messages[4];

	check(fd >= 0);
	for (int i = 0; i < 4; i++)
		messages[i].msg_hdr = (struct msghdr){ .msg_name = &peer,
						       .msg_namelen = sizeof(peer),
						       .msg_iov = &vector,
						       .msg_iovlen = 1 };
	for (unsigned long round = 0;; round++) {
		unsigned int n = round % 4 ? 1 : 4;

		atomic_fetch_add(&count->tried, n);
		if (n == 4)
			check(sendmmsg(fd, messages, 4, 0) == 4);
		else
			check(sendto(fd, &one, sizeof(one), 0, (struct sockaddr *)&peer,
				     sizeof(peer)) == sizeof(one));
		atomic_fetch_add(&count->said, n);
	}
}

/*
 * Of this child, or late: on the notify backend the supervisor sends the messages of a
 * sendmmsg, and one of them may go out in the moment after its sender was killed.
 */
static bool take(int receiver, int flags, unsigned long child, unsigned long *got,
		 unsigned long *late)
{
	const char *backend = getenv("PM_BACKEND");
	const bool may_be_late = supervised && backend && !strcmp(backend, "notify");
	struct message message;

	if (recv(receiver, &message, sizeof(message), flags) != sizeof(message))
		return false;
	if (message.child == child)
		(*got)++;
	else
		check(may_be_late && message.many && message.child + 1 == child && !(*late)++);
	return true;
}

static void test_messages(void)
{
	unsigned long children = rounds / 20 + 1, tried = 0, last = 0, all_late = 0;
	int receiver = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	server.sun_family = peer.sun_family = AF_UNIX;
	snprintf(server.sun_path, sizeof(server.sun_path), "%s", getenv("SIGNALS_SERVER_NAME"));
	snprintf(peer.sun_path, sizeof(peer.sun_path), "%s", getenv("SIGNALS_PEER_NAME"));
	check(receiver >= 0);
	check(!bind(receiver, (struct sockaddr *)&server, sizeof(server)));
	counts = share(sizeof(*counts));
	for (unsigned long n = 0; n < children; n++) {
		unsigned long got = 0, late = 0;
		pid_t pid;

		atomic_store(&counts->tried, 0);
		atomic_store(&counts->said, 0);
		pid = fork();
		check(pid >= 0);
		if (!pid)
			send_messages(n, counts);
		while (got < n % 17)
			check(take(receiver, 0, n, &got, &late));
		kill_one(pid, counts, n);
		while (take(receiver, MSG_DONTWAIT, n, &got, &late))
			;
		check(errno == EAGAIN);
		check(got >= atomic_load(&counts->said) && got <= atomic_load(&counts->tried));
		check(last + late <= tried);
		last = got;
		tried = atomic_load(&counts->tried);
		all_late += late;
	}
	printf("late %lu\n", all_late);
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		{ "files", test_files },
		{ "messages", test_messages },
	};

	return signals_main(tests, array_size(tests), argc, argv);
}
