// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * family try|win CALL ATTACKER TRIES DIR ADDRESS GOOD_PORT EVIL_PORT
 *
 * As args.c: a path changes, and who opens it are children of every kind, by the side of
 * their parent where it goes on meanwhile.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "race.h"

#define OPENS 20
#define STACK 65536

static struct race *shared;	/* what children of all kinds count in */
static struct race *of;		/* whose path it is */

static void open_some(struct race *counts)
{
	counts->evil_ino = of->evil_ino;
	for (int i = 0; i < OPENS; i++)
		race_opened(counts, (int)syscall(SYS_open, of->path, O_RDONLY | O_CLOEXEC));
}

static int be_child(void *data)
{
	(void)data;
	open_some(shared);
	_exit(0);
}

/* It becomes a program while its relatives make calls. */
static int be_program(void *data)
{
	static char *const argv[] = { (char *)"report", (char *)"good", NULL };

	(void)data;
	open_some(shared);
	execve(race_program(), argv, argv + 2);
	_exit(99);
}

static void take(struct race *race)
{
	for (int i = 0; i < OUTCOMES; i++)
		race->count[i] += shared->count[i];
	race->tries += shared->tries;
	memset(shared, 0, sizeof(*shared));
}

static void setup(struct race *race)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED)
		attack_die("mmap");
	of = race;
	race_place_path(race);
}

static void try_clone(struct race *race)
{
	static const int flags[] = {
		0, CLONE_VFORK, CLONE_VM, CLONE_VM | CLONE_VFORK, CLONE_VM | CLONE_FILES,
		CLONE_VM | CLONE_FS, CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_SIGHAND,
		CLONE_UNTRACED, CLONE_VM | CLONE_UNTRACED, CLONE_PTRACE, CLONE_FILES | CLONE_FS,
	};
	static unsigned char *stack;
	static unsigned int n;
	int status;
	pid_t pid;

	if (!stack)
		stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stack == MAP_FAILED)
		attack_die("mmap");
	n++;
	pid = clone(n & 1 ? be_child : be_program, stack + STACK,
		    flags[n / 2 % (sizeof(flags) / sizeof(flags[0]))] | SIGCHLD, NULL);
	if (pid < 0)
		attack_die("clone");
	open_some(race);
	if (waitpid(pid, &status, __WALL) != pid)
		attack_die("waitpid");
	if (!WIFEXITED(status) || (WEXITSTATUS(status) && WEXITSTATUS(status) != 10)) {
		errno = ECHILD;
		attack_die("a child ended with status %#x", status);
	}
	take(race);
}

/* What clone3(2) is told, in memory: to be traced, and not to be. */

static struct clone_args *arguments;

static void setup_clone3(struct race *race)
{
	arguments = race_place(race, sizeof(*arguments));
	arguments->exit_signal = SIGCHLD;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED)
		attack_die("mmap");
	of = race;
	if (asprintf(&race->path, "%s/%s", race->dir, "evil") < 0)
		attack_die("asprintf");
	race->evil_ino = 0;
	attack_start(race->attack, &arguments->flags, 8, 0, CLONE_UNTRACED);
}

static void try_clone3(struct race *race)
{
	int status, fd;
	pid_t pid = (pid_t)syscall(SYS_clone3, arguments, sizeof(*arguments));

	if (pid < 0) {
		race_count(race, OTHER);
		return;
	}
	if (!pid) {
		fd = (int)syscall(SYS_open, race->path, O_RDONLY | O_CLOEXEC);
		_exit(fd >= 0 ? 21 : errno == EACCES ? 20 : 22);
	}
	if (waitpid(pid, &status, __WALL) != pid)
		attack_die("waitpid");
	race_count(race, RAN);
	race_count(race, status == 21 << 8 ? WIN : status == 20 << 8 ? REFUSED : OTHER);
}

static const struct race_call calls[] = {
	{ "family", setup, try_clone },
	{ "clone3-flags", setup_clone3, try_clone3 },
};

int main(int argc, char **argv)
{
	return race_main(calls, sizeof(calls) / sizeof(calls[0]), argc, argv);
}
