// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * life TEST [ARG...] - threads and processes make calls, execute, are stopped and
 * killed
 */
#define _GNU_SOURCE
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

extern char **environ;

static void *call_forever(void *data)
{
	atomic_ulong *count = data;

	for (;;) {
		check_mediated();
		if (count)
			atomic_fetch_add(count, 1);
	}
	return NULL;
}

static void start_thread(void *(*run)(void *), void *data)
{
	pthread_t thread;

	check(!pthread_create(&thread, NULL, run, data));
	check(!pthread_detach(thread));
}

static void *exec_next(void *data)
{
	char **args = data;

	check_mediated();
	check(gettid() != getpid());
	execv("/proc/thread-self/exe", args);
	check(!"execv");
	return NULL;
}

static unsigned int count_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	unsigned int n = 0;

	check(tasks);
	while (readdir(tasks))
		n++;
	closedir(tasks);
	return n - 2;
}

/* exec-by-thread ROUNDS [PID]: a thread that is not the leader executes. */
static void exec_by_thread(char **args)
{
	unsigned long rounds = strtoul(args[0], NULL, 10);
	char left[24], pid[24];
	char *next[] = { (char *)"life", (char *)"exec-by-thread", left, pid, NULL };

	if (args[1]) {
		check(getpid() == atoi(args[1]));
		check(gettid() == getpid());
		check(count_threads() == 1);
	}
	check_mediated();
	if (!rounds)
		return;
	snprintf(left, sizeof(left), "%lu", rounds - 1);
	snprintf(pid, sizeof(pid), "%d", getpid());
	start_thread(call_forever, NULL);
	start_thread(call_forever, NULL);
	start_thread(exec_next, next);
	/* The leader is asleep, in a call, or gone when it happens. */
	switch (rounds % 3) {
	case 0:
		pause();
		break;
	case 1:
		call_forever(NULL);
		break;
	default:
		pthread_exit(NULL);
	}
}

static void *call_some(void *data)
{
	atomic_ulong *count = data;

	for (int i = 0; i < 20; i++) {
		check_mediated();
		atomic_fetch_add(count, 1);
	}
	return NULL;
}

static void *end_process(void *data)
{
	atomic_ulong *count = data;

	while (atomic_load(count) < 5)
		sched_yield();
	_exit(17);
}

/* thread-death ROUNDS: threads end, and the process under them. */
static void thread_death(char **args)
{
	unsigned long rounds = strtoul(args[0], NULL, 10);
	atomic_ulong *count = check_shared(sizeof(*count));

	for (unsigned long i = 0; i < rounds; i++) {
		pid_t pid;

		atomic_store(count, 0);
		pid = fork();
		check(pid >= 0);
		if (!pid) {
			for (int n = 0; n < 6; n++)
				start_thread(call_some, count);
			for (int n = 0; n < 3; n++)
				start_thread(call_forever, count);
			if (i & 1)
				start_thread(end_process, count);
			else
				end_process(count);
			pthread_exit(NULL);
		}
		check_wait(pid, 17 << 8);
	}
	check_mediated();
}

static void spawn_true(void)
{
	char *argv[] = { (char *)"true", NULL };
	pid_t pid;

	check(!posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ));
	check_wait(pid, 0);
}

static void *spawn_forever(void *data)
{
	atomic_ulong *count = data;

	for (;;) {
		spawn_true();
		atomic_fetch_add(count, 1);
	}
	return NULL;
}

static void *fork_forever(void *data)
{
	atomic_ulong *count = data;

	for (;;) {
		check_in_child(check_mediated);
		atomic_fetch_add(count, 1);
	}
	return NULL;
}

static void *thread_forever(void *data)
{
	atomic_ulong *count = data;

	for (;;) {
		pthread_t thread;

		check(!pthread_create(&thread, NULL, call_some, count));
		check(!pthread_join(thread, NULL));
	}
	return NULL;
}

/* sigkill ROUNDS: killed while its threads call, fork, spawn and end. */
static void sigkill(char **args)
{
	unsigned long rounds = strtoul(args[0], NULL, 10), random = 1;
	atomic_ulong *count = check_shared(sizeof(*count));

	for (unsigned long i = 0; i < rounds; i++) {
		unsigned long goal;
		pid_t pid;

		atomic_store(count, 0);
		pid = fork();
		check(pid >= 0);
		if (!pid) {
			check(!setpgid(0, 0));
			start_thread(spawn_forever, count);
			start_thread(fork_forever, count);
			start_thread(thread_forever, count);
			call_forever(count);
		}
		random = random * 6364136223846793005ul + 1442695040888963407ul;
		goal = 1 + (random >> 33) % 60;
		while (atomic_load(count) < goal)
			sched_yield();
		for (unsigned int spin = (unsigned int)(random >> 40) & 8191; spin; spin--)
			__builtin_ia32_pause();
		check(!kill(i & 1 ? pid : -pid, SIGKILL));
		check_wait(pid, SIGKILL);
		/* What the child had forked, where the group was left alone. */
		if (i & 1)
			kill(-pid, SIGKILL);
	}
	check_mediated();
}

/* vforks: the child runs in our memory, and we wait for it. */
static void vforks(char **args)
{
	static volatile int stage, i;
	pid_t pid;

	(void)args;
	for (i = 0; i < 100; i++) {
		stage = 0;
		pid = vfork();
		check(pid >= 0);
		if (!pid) {
			check_mediated();
			stage = 1;
			if (i % 3 == 0)
				kill(getpid(), SIGKILL);
			if (i % 3 == 1)
				_exit(3);
			execl("/bin/sh", "sh", "-c", "exit 4", NULL);
			_exit(99);
		}
		check(stage == 1);
		check_wait(pid, i % 3 == 0 ? SIGKILL : i % 3 == 1 ? 3 << 8 : 4 << 8);
		check_mediated();
	}
	/* One in another. */
	pid = vfork();
	check(pid >= 0);
	if (!pid) {
		pid_t inner = vfork();

		if (!inner) {
			check_mediated();
			stage = 2;
			_exit(5);
		}
		check(stage == 2);
		check_wait(inner, 5 << 8);
		check_mediated();
		stage = 3;
		_exit(6);
	}
	check(stage == 3);
	check_wait(pid, 6 << 8);
	for (i = 0; i < 50; i++)
		spawn_true();
}

/* group-stop: what a parent sees of a child that is stopped and continued. */
static void group_stop(char **args)
{
	atomic_ulong *count = check_shared(sizeof(*count));
	static const int signals[] = { SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU };
	unsigned long seen;
	int status;
	pid_t pid;

	(void)args;
	pid = fork();
	check(pid >= 0);
	if (!pid) {
		/* An orphaned group is not stopped by a terminal's signals; a new one in our session is not orphaned. */
		check(!setpgid(0, 0));
		start_thread(call_forever, count);
		start_thread(call_forever, count);
		call_forever(count);
	}
	while (atomic_load(count) < 10)
		sched_yield();
	for (size_t i = 0; i < 40; i++) {
		int signal = signals[i % 4];

		check(!kill(pid, signal));
		check(waitpid(pid, &status, WUNTRACED) == pid);
		check(WIFSTOPPED(status) && WSTOPSIG(status) == signal);
		check(waitpid(pid, &status, WUNTRACED | WNOHANG) == 0);
		seen = atomic_load(count);
		for (int n = 0; n < 20; n++)
			check_mediated();
		check(atomic_load(count) == seen);
		check(!kill(pid, SIGCONT));
		check(waitpid(pid, &status, WCONTINUED) == pid);
		check(WIFCONTINUED(status));
		while (atomic_load(count) == seen)
			sched_yield();
	}
	/* By waitid too, and killed while stopped. */
	for (int i = 0; i < 2; i++) {
		siginfo_t info = { 0 };

		check(!kill(pid, SIGSTOP));
		check(!waitid(P_PID, (id_t)pid, &info, WSTOPPED));
		check(info.si_code == CLD_STOPPED && info.si_status == SIGSTOP);
		if (i)
			break;
		check(!kill(pid, SIGCONT));
		check(!waitid(P_PID, (id_t)pid, &info, WCONTINUED));
		check(info.si_code == CLD_CONTINUED);
	}
	check(!kill(pid, SIGKILL));
	check_wait(pid, SIGKILL);
}

static atomic_uint blocked_now;

static char fifo[64];

static void *block(void *data)
{
	int fd;

	(void)data;
	atomic_fetch_add(&blocked_now, 1);
	fd = open(fifo, O_RDONLY | O_CLOEXEC);
	check(fd >= 0);
	check(!close(fd));
	atomic_fetch_sub(&blocked_now, 1);
	return NULL;
}

/* blocked N: N threads are in a call at once, while another makes thousands. */
static void blocked(char **args)
{
	unsigned int n = (unsigned int)atoi(args[0]);
	pthread_t *threads = calloc(n, sizeof(*threads));
	pthread_attr_t small;
	int fd;

	snprintf(fifo, sizeof(fifo), "fifo.%d", getpid());
	check(threads && !mkfifo(fifo, 0600));
	check(!pthread_attr_init(&small) && !pthread_attr_setstacksize(&small, 16384));
	for (unsigned int i = 0; i < n; i++)
		check(!pthread_create(&threads[i], &small, block, NULL));
	while (atomic_load(&blocked_now) < n)
		sched_yield();
	for (int i = 0; i < 3000; i++)
		check_mediated();
	check(atomic_load(&blocked_now) == n);
	/* One who writes lets all of them go on. */
	fd = open(fifo, O_WRONLY | O_CLOEXEC);
	check(fd >= 0);
	for (unsigned int i = 0; i < n; i++)
		check(!pthread_join(threads[i], NULL));
	check(!close(fd) && !unlink(fifo));
	check_mediated();
}

/* parent-death: the signal that a child has asked for comes when its parent is dead. */
static void parent_death(char **args)
{
	int life_line[2];
	char byte;

	(void)args;
	for (int i = 0; i < 20; i++) {
		pid_t pid;

		check(!pipe(life_line));
		pid = fork();
		check(pid >= 0);
		if (!pid) {
			pid_t parent = getpid();

			if (fork()) {
				/* Until the child is ready. */
				check(read(life_line[0], &byte, 1) == 1);
				_exit(0);
			}
			check(!prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
			check(getppid() == parent);
			check_mediated();
			check(write(life_line[1], "!", 1) == 1);
			call_forever(NULL);
		}
		close(life_line[1]);
		check_wait(pid, 0);
		/* Of all who had the other end nobody is left. */
		check(read(life_line[0], &byte, 1) == 0);
		close(life_line[0]);
	}
}

static long stops_so_far(void)
{
	struct rusage usage;

	check(!getrusage(RUSAGE_THREAD, &usage));
	return usage.ru_nvcsw;
}

/* stops: whoever is stopped gives up the processor: only mediated calls do. */
static void stops(char **args)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	long before = stops_so_far(), after;
	struct stat st;

	(void)args;
	check(fd >= 0);
	for (int i = 0; i < 100000; i++) {
		syscall(SYS_getpid);
		check(write(fd, "x", 1) == 1);
		check(!syscall(SYS_fstat, fd, &st));
		check(lseek(fd, 0, SEEK_SET) == 0);
	}
	after = stops_so_far();
	printf("%ld in 400000 calls that nobody asked for\n", after - before);
	check(after - before < 200);
	before = after;
	for (int i = 0; i < 1000; i++)
		check_mediated();
	after = stops_so_far();
	printf("%ld in 2000 that are mediated\n", after - before);
	/* Two stops or one wait for each, as the backend has it. */
	check(check_supervised() ? after - before >= 1500 : after - before < 200);
}

static void mediated(char **args)
{
	(void)args;
	check_mediated();
}

/* spin: five processes and a thread that call for ever; says their pids. */
static void spin(char **args)
{
	(void)args;
	for (int i = 0; i < 4; i++) {
		pid_t pid = fork();

		check(pid >= 0);
		if (!pid) {
			if (i & 1)
				check(setsid() > 0);
			check_mediated();
			if (i == 3)
				pause();
			call_forever(NULL);
		}
		dprintf(1, "%d\n", pid);
	}
	start_thread(call_forever, NULL);
	check_mediated();
	dprintf(1, "ready\n");
	call_forever(NULL);
}

/* kill-and-watch KILLED PID...: returns when all of PID... are dead. */
static void kill_and_watch(char **args)
{
	struct pollfd watched[16];
	nfds_t n = 0;

	for (char **pid = args + 1; *pid; pid++) {
		check(n < 16);
		watched[n].fd = (int)syscall(SYS_pidfd_open, atoi(*pid), 0);
		check(watched[n].fd >= 0);
		watched[n++].events = POLLIN;
	}
	check(!kill(atoi(args[0]), SIGKILL));
	for (nfds_t i = 0; i < n; i++)
		check(poll(&watched[i], 1, -1) == 1 && watched[i].revents & POLLIN);
}

static const struct test tests[] = {
	{ "exec-by-thread", exec_by_thread },
	{ "thread-death", thread_death },
	{ "sigkill", sigkill },
	{ "vfork", vforks },
	{ "group-stop", group_stop },
	{ "blocked", blocked },
	{ "parent-death", parent_death },
	{ "stops", stops },
	{ "mediated", mediated },
	{ "spin", spin },
	{ "kill-and-watch", kill_and_watch },
};

int main(int argc, char **argv)
{
	return check_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
