// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * birth TEST [ARG...] - processes are made in every way, and many of them
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

extern char **environ;

static void spawn_true(void)
{
	char *argv[] = { (char *)"true", NULL };
	pid_t pid;

	check(!posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ));
	check_wait(pid, 0);
}

static void mediated(char **args)
{
	(void)args;
	check_mediated();
}

/* untraced: CLONE_UNTRACED gives no child that is out of sight. */
static void untraced(char **args)
{
	(void)args;
	for (int i = 0; i < 20; i++) {
		pid_t pid = (pid_t)syscall(SYS_clone, CLONE_UNTRACED | SIGCHLD, 0, 0, 0, 0);

		check(pid >= 0);
		if (!pid) {
			check_mediated();
			if (i & 1)
				_exit(9);
			execl("/proc/self/exe", "birth", "mediated", NULL);
			_exit(99);
		}
		check_wait(pid, i & 1 ? 9 << 8 : 0);
	}
}

/*
 * orphans ROUNDS: who is killed in the middle of forking leaves nobody behind
 * who never comes to run.  All that it makes hold the pipe as long as they live.
 */
static void orphans(char **args)
{
	unsigned long rounds = strtoul(args[0], NULL, 10), random = 1;
	atomic_ulong *count = check_shared(sizeof(*count));

	for (unsigned long i = 0; i < rounds; i++) {
		struct pollfd held;
		int held_by[2];
		pid_t pid;
		char byte;

		check(!pipe(held_by));
		atomic_store(count, 0);
		pid = fork();
		check(pid >= 0);
		if (!pid) {
			check(setsid() > 0);
			for (;;) {
				pid_t child = fork();

				check(child >= 0);
				if (!child)
					_exit(0);
				atomic_fetch_add(count, 1);
				while (waitpid(-1, NULL, WNOHANG) > 0)
					;
			}
		}
		close(held_by[1]);
		random = random * 6364136223846793005ul + 1442695040888963407ul;
		while (atomic_load(count) < 1 + (random >> 33) % 4)
			sched_yield();
		for (unsigned int spin = (unsigned int)(random >> 40) & 16383; spin; spin--)
			__builtin_ia32_pause();
		check(!kill(pid, SIGKILL));
		check_wait(pid, SIGKILL);
		held = (struct pollfd){ .fd = held_by[0], .events = POLLIN };
		check(poll(&held, 1, 30000) == 1 && read(held_by[0], &byte, 1) == 0);
		close(held_by[0]);
	}
}

/* beside: children of our parent's, who may be out of sight, are mediated. */
static void beside(char **args)
{
	int answers[2];
	char answer;

	(void)args;
	check(!pipe(answers));
	for (int i = 0; i < 50; i++) {
		pid_t pid = (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);

		check(pid >= 0);
		if (!pid) {
			check_mediated();
			check(write(answers[1], "!", 1) == 1);
			_exit(0);
		}
	}
	close(answers[1]);
	for (int i = 0; i < 50; i++)
		check(read(answers[0], &answer, 1) == 1);
}

/* subreaper COMMAND...: run it as one who gets the orphans of its descendants. */
static void subreaper(char **args)
{
	check(!prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	execvp(args[0], args);
	_exit(127);
}

/* no-children: we have none that we did not make, and are still a subreaper. */
static void no_children(char **args)
{
	int reaps = 0;

	(void)args;
	check_mediated();
	check(waitpid(-1, NULL, 0) == -1 && errno == ECHILD);
	check(!prctl(PR_GET_CHILD_SUBREAPER, &reaps, 0, 0, 0) && reaps == 1);
}

static void say(const char *word)
{
	char answer;

	dprintf(1, "%s\n", word);
	check(read(0, &answer, 1) == 1);
}

/* Forks n children at once that live until they are told to end. */
static void live(unsigned int n, bool execute)
{
	int born[2], end[2];
	char byte;

	check(!pipe(born) && !pipe(end));
	for (unsigned int i = 0; i < n; i++) {
		pid_t pid = fork();

		check(pid >= 0);
		if (pid)
			continue;
		close(end[1]);
		if (execute) {
			check(dup2(born[1], 101) == 101 && dup2(end[0], 100) == 100);
			execl("/proc/self/exe", "birth", "one-of-many", NULL);
			_exit(99);
		}
		check_mediated();
		check(write(born[1], "!", 1) == 1);
		check(read(end[0], &byte, 1) == 0);
		_exit(0);
	}
	for (unsigned int i = 0; i < n; i++)
		check(read(born[0], &byte, 1) == 1);
	say(execute ? "executed" : "live");
	close(end[1]);
	for (unsigned int i = 0; i < n; i++) {
		int status;

		check(wait(&status) > 0 && !status);
	}
	close(end[0]);
	close(born[0]);
	close(born[1]);
}

static void one_of_many(char **args)
{
	char byte;

	(void)args;
	for (int fd = 3; fd < 100; fd++)
		close(fd);
	check_mediated();
	check(write(101, "!", 1) == 1);
	check(read(100, &byte, 1) == 0);
}

static atomic_int to_be_killed;

static void *kill_forever(void *data)
{
	(void)data;
	for (;;)
		if (atomic_load(&to_be_killed))
			kill(atomic_load(&to_be_killed), SIGKILL);
	return NULL;
}

/* The first process of a pid namespace, where it says which number a child gets. */
static void born_dead(void)
{
	unsigned int killed = 0;
	pthread_t killer;

	check(!pthread_create(&killer, NULL, kill_forever, NULL));
	check_mediated();
	for (pid_t number = 1000; number < 1000 + 300; number++) {
		struct clone_args block = { .exit_signal = SIGCHLD, .set_tid_size = 1,
					    .set_tid = (uintptr_t)&number };
		int status;
		pid_t pid;

		atomic_store(&to_be_killed, number);
		pid = (pid_t)syscall(SYS_clone3, &block, sizeof(block));
		check(pid == number || pid == 0);
		if (!pid) {
			check_mediated();
			_exit(0);
		}
		check(waitpid(pid, &status, 0) == pid);
		killed += WIFSIGNALED(status);
	}
	check(killed);
	_exit(0);
}

/* Children that are killed before their birth is known.  False where there are no namespaces. */
static bool many_born_dead(void)
{
	for (int i = 0; i < 5; i++) {
		pid_t pid = fork();
		int status;

		check(pid >= 0);
		if (!pid) {
			uid_t uid = geteuid();
			FILE *map;

			if (unshare(CLONE_NEWUSER | CLONE_NEWPID))
				_exit(77);
			/* Root of the namespace is so after it executes, too. */
			map = fopen("/proc/self/uid_map", "we");
			check(map && fprintf(map, "0 %d 1\n", uid) > 0 && !fclose(map));
			pid = fork();
			check(pid >= 0);
			if (!pid) {
				execl("/proc/self/exe", "birth", "born-dead", NULL);
				_exit(99);
			}
			check_wait(pid, 0);
			_exit(0);
		}
		check(waitpid(pid, &status, 0) == pid);
		if (status == 77 << 8)
			return false;
		check(!status);
	}
	return true;
}

static void born_dead_executed(char **args)
{
	(void)args;
	born_dead();
}

static void refused_connect(void)
{
	const struct sockaddr_in nobody = { .sin_family = AF_INET, .sin_port = htons(7641),
					    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	check(fd >= 0 && connect(fd, (const struct sockaddr *)&nobody, sizeof(nobody)));
	close(fd);
}

static void nothing(void)
{
}

/*
 * many LIVE CREATED: LIVE children at once, as forked and as executed, then
 * CREATED one after the other.  Says where it is and waits for a byte, so that
 * the supervisor can be looked at.
 */
static void many(char **args)
{
	unsigned int n = (unsigned int)atoi(args[0]), created = (unsigned int)atoi(args[1]);

	/* It has all that it ever will: its pins, too. */
	refused_connect();
	live(n, false);
	live(n, true);
	say("first");
	for (unsigned int i = 0; i < created; i++) {
		if (i % 20 == 0)
			spawn_true();
		else
			check_in_child(i % 4 == 0 ? check_mediated : nothing);
	}
	say(many_born_dead() ? "killed" : "no-namespaces");
	live(n, false);
	live(n, true);
	say("last");
}

/* forks: children one after the other; says when, so that its mappings can be looked at. */
static void forks(char **args)
{
	(void)args;
	say("none");
	check_in_child(nothing);
	say("one");
	check_in_child(nothing);
	say("two");
	check_in_child(check_mediated);
	check_in_child(spawn_true);
	say("four");
}

static const struct test tests[] = {
	{ "untraced", untraced },
	{ "orphans", orphans },
	{ "beside", beside },
	{ "subreaper", subreaper },
	{ "no-children", no_children },
	{ "many", many },
	{ "forks", forks },
	{ "born-dead", born_dead_executed },
	{ "one-of-many", one_of_many },
	{ "mediated", mediated },
};

int main(int argc, char **argv)
{
	return check_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
