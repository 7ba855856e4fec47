// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * registers TEST [ARG...] - a call gives back every register that it was made
 * with, and goes on after signals as it does without anybody looking
 */
#define _GNU_SOURCE
#include "check.h"
#include "filters.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>

enum { RDI, RSI, RDX, R10, R8, R9, RBX, R12, R13, R14, R15, RBP, REGISTERS };

/*
 * Makes call nr with the first six as its arguments and reads all of them
 * back afterwards.
 */
long call_with(long nr, const uint64_t *before, uint64_t *after);

__asm__(
	".text\n"
	".globl call_with\n"
	".type call_with, @function\n"
	"call_with:\n"
	"	push %rbx\n	push %rbp\n	push %r12\n	push %r13\n	push %r14\n	push %r15\n"
	"	push %rdx\n"			/* after */
	"	mov %rdi, %rax\n"
	"	mov %rsi, %r11\n"
	"	mov 0(%r11), %rdi\n	mov 8(%r11), %rsi\n	mov 16(%r11), %rdx\n"
	"	mov 24(%r11), %r10\n	mov 32(%r11), %r8\n	mov 40(%r11), %r9\n"
	"	mov 48(%r11), %rbx\n	mov 56(%r11), %r12\n	mov 64(%r11), %r13\n"
	"	mov 72(%r11), %r14\n	mov 80(%r11), %r15\n	mov 88(%r11), %rbp\n"
	"	syscall\n"
	"	pop %r11\n"
	"	mov %rdi, 0(%r11)\n	mov %rsi, 8(%r11)\n	mov %rdx, 16(%r11)\n"
	"	mov %r10, 24(%r11)\n	mov %r8, 32(%r11)\n	mov %r9, 40(%r11)\n"
	"	mov %rbx, 48(%r11)\n	mov %r12, 56(%r11)\n	mov %r13, 64(%r11)\n"
	"	mov %r14, 72(%r11)\n	mov %r15, 80(%r11)\n	mov %rbp, 88(%r11)\n"
	"	pop %r15\n	pop %r14\n	pop %r13\n	pop %r12\n	pop %rbp\n	pop %rbx\n"
	"	ret\n"
	".size call_with, . - call_with\n");

/* The registers that hold no argument hold something to be recognised. */
static long preserving(const char *what, long nr, unsigned int n, const uint64_t *args)
{
	uint64_t before[REGISTERS], after[REGISTERS] = { 0 };
	long result;

	for (unsigned int i = 0; i < REGISTERS; i++)
		before[i] = i < n ? args[i] : 0x5a5a000000000000u + i;
	result = call_with(nr, before, after);
	for (unsigned int i = 0; i < REGISTERS; i++) {
		if (before[i] == after[i])
			continue;
		fprintf(stderr, "%s: register %u was %#lx and is %#lx\n", what, i,
			(unsigned long)before[i], (unsigned long)after[i]);
		_exit(1);
	}
	return result;
}

#define CALL(nr, ...) \
	preserving(#nr, SYS_##nr, sizeof((uint64_t[]){ __VA_ARGS__ }) / 8, \
		   (uint64_t[]){ __VA_ARGS__ })
#define P(pointer) ((uint64_t)(uintptr_t)(pointer))

/* all: calls that work, that are refused, that fail in every way. */
static void all(char **args)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	char *argv[] = { (char *)"x", NULL };
	struct statx stx;
	struct stat st;
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	long fd;

	(void)args;
	check(s >= 0);
	for (int i = 0; i < 20; i++) {
		fd = CALL(open, P(check_from), O_RDONLY);
		check(fd >= 0 && !close((int)fd));
		fd = CALL(openat, (uint64_t)AT_FDCWD, P(check_from), O_RDONLY);
		check(fd >= 0 && !close((int)fd));
		fd = CALL(openat, (uint64_t)AT_FDCWD, P(check_from), O_RDONLY, 0, 7, 8);
		check(fd >= 0 && !close((int)fd));
		fd = CALL(open, P(check_denied), O_RDONLY);
		check(check_supervised() ? fd == -EACCES : fd >= 0);
		if (fd >= 0)
			close((int)fd);
		check(CALL(open, P("/nonexistent/file"), O_RDONLY) == -ENOENT);
		check(CALL(open, 1, O_RDONLY) == -EFAULT);
		check(CALL(stat, P(check_from), P(&st)) == 0);
		check(CALL(stat, P(check_from), 1) == -EFAULT);
		check(CALL(statx, (uint64_t)AT_FDCWD, P(check_from), 0, STATX_ALL, P(&stx)) == 0);
		check(CALL(access, P(check_from), R_OK) == 0);
		check(CALL(renameat2, (uint64_t)AT_FDCWD, P("/nonexistent/a"), (uint64_t)AT_FDCWD,
			   P("/nonexistent/b"), 0) == -ENOENT);
		check(CALL(linkat, (uint64_t)AT_FDCWD, P("/nonexistent/a"), (uint64_t)AT_FDCWD,
			   P("/nonexistent/b"), 0) == -ENOENT);
		check(CALL(execve, P("/nonexistent/program"), P(argv), P(argv + 1)) == -ENOENT);
		check(CALL(execve, P(check_from), P(argv), P(argv + 1)) == -EACCES);
		check(CALL(execve, P("/bin/true"), 1, 0) == -EFAULT);
		name.sin_port = htons(9);
		check(CALL(connect, (uint64_t)s, P(&name), sizeof(name)) == 0);
		check(CALL(connect, (uint64_t)s, P(&name), 1) == -EINVAL);
		check(CALL(sendto, (uint64_t)s, P("x"), 1, MSG_DONTWAIT, 1, sizeof(name)) == -EFAULT);
		check(CALL(chdir, P("/nonexistent")) == -ENOENT);
		check(CALL(getppid) == (check_supervised() ? getpid() : getppid()));
	}
}

/* fork: the child has the registers of its parent. */
static void forks(char **args)
{
	static const long numbers[] = { SYS_fork, SYS_clone, SYS_clone3 };
	struct clone_args block = { .exit_signal = SIGCHLD };

	(void)args;
	for (int i = 0; i < 30; i++) {
		/* clone(2): flags, stack, two places for pids, tls; the last is nobody's. */
		uint64_t none[5] = { SIGCHLD, 0, 0, 0, 0 };
		uint64_t pointed[2] = { P(&block), sizeof(block) };
		long nr = numbers[i % 3], pid;

		if (nr == SYS_clone3)
			pid = preserving("clone3", nr, 2, pointed);
		else
			pid = preserving("fork", nr, nr == SYS_clone ? 5 : 0, none);
		check(pid >= 0);
		if (!pid) {
			check_mediated();
			_exit(8);
		}
		check_wait((pid_t)pid, 8 << 8);
	}
}

struct waiting {
	atomic_int signals;
	atomic_bool ready;
};

static struct waiting *waiting;

static void count_signal(int signal)
{
	(void)signal;
	atomic_fetch_add(&waiting->signals, 1);
}

/* Signals come every few milliseconds, whatever we are doing. */
static void signals_every(unsigned int ms, int flags)
{
	struct sigaction action = { .sa_handler = count_signal, .sa_flags = flags };
	struct itimerval timer = { { 0, ms * 1000 }, { 0, ms * 1000 } };

	check(!sigaction(SIGALRM, &action, NULL));
	check(!setitimer(ITIMER_REAL, &timer, NULL));
}

static void signals_stop(void)
{
	struct itimerval none = { 0 };

	check(!setitimer(ITIMER_REAL, &none, NULL));
}

/* eintr FIFO: calls that wait are interrupted. */
static void eintr(char **args)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "registers.socket" };
	int receiver = socket(AF_UNIX, SOCK_DGRAM, 0), sender = socket(AF_UNIX, SOCK_DGRAM, 0);
	socklen_t len = sizeof(name);

	waiting = check_shared(sizeof(*waiting));
	unlink(name.sun_path);
	check(!bind(receiver, (struct sockaddr *)&name, len));
	signals_every(3, 0);
	for (int i = 0; i < 10; i++) {
		check(CALL(open, P(args[0]), O_RDONLY) == -EINTR);
		check(CALL(openat, (uint64_t)AT_FDCWD, P(args[0]), O_RDONLY, 0) == -EINTR);
	}
	/* Until the receiver's queue is full. */
	for (int i = 0;; i++) {
		long sent = CALL(sendto, (uint64_t)sender, P("x"), 1, 0, P(&name), len);

		check(i < 100000 && (sent == 1 || sent == -EINTR));
		if (sent == -EINTR && recv(receiver, &(char){ 0 }, 1, MSG_DONTWAIT | MSG_PEEK) == 1 && i > 20)
			break;
	}
	signals_stop();
	unlink(name.sun_path);
	check(atomic_load(&waiting->signals) >= 20);
}

/* restart FIFO: with SA_RESTART the call goes on after the handler, in the end to success. */
static void restart(char **args)
{
	pid_t pid;

	waiting = check_shared(sizeof(*waiting));
	for (int i = 0; i < 5; i++) {
		int fd;

		atomic_store(&waiting->signals, 0);
		pid = fork();
		check(pid >= 0);
		if (!pid) {
			long opened;

			signals_every(2, SA_RESTART);
			opened = CALL(open, P(args[0]), O_RDONLY);
			check(opened >= 0);
			signals_stop();
			check(read((int)opened, &(char){ 0 }, 1) == 1);
			_exit(0);
		}
		while (atomic_load(&waiting->signals) < 20)
			sched_yield();
		fd = open(args[0], O_WRONLY);
		check(fd >= 0 && write(fd, "!", 1) == 1);
		check(!close(fd));
		check_wait(pid, 0);
	}
}

static uint64_t now_ms(void)
{
	struct timespec now;

	check(!clock_gettime(CLOCK_MONOTONIC, &now));
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* What restart_syscall(2) resumes sleeps its whole time and no second time. */
static void sleep_through(int kind)
{
	struct timespec time = { 0, 400000000 }, left;
	struct pollfd none = { .fd = -1 };
	uint64_t before = now_ms(), took;
	long result;

	atomic_store(&waiting->ready, true);
	switch (kind) {
	case 0:
		result = CALL(nanosleep, P(&time), P(&left));
		break;
	case 1:
		result = CALL(clock_nanosleep, CLOCK_MONOTONIC, 0, P(&time), P(&left));
		break;
	default:
		result = CALL(poll, P(&none), 1, 400);
	}
	check(result == 0);
	took = now_ms() - before;
	check(took >= 400);
	_exit(0);
}

/* stops: job control does not shorten a sleep and does not make it fail. */
static void stops(char **args)
{
	(void)args;
	waiting = check_shared(sizeof(*waiting));
	for (int kind = 0; kind < 3; kind++) {
		pid_t pid;

		atomic_store(&waiting->ready, false);
		pid = fork();
		check(pid >= 0);
		if (!pid)
			sleep_through(kind);
		while (!atomic_load(&waiting->ready))
			sched_yield();
		for (int i = 0; i < 5; i++) {
			int status;

			check(!kill(pid, SIGSTOP));
			check(waitpid(pid, &status, WUNTRACED) == pid);
			if (!WIFSTOPPED(status)) {
				/* Slower than its sleep: it must have ended well. */
				check(!status);
				pid = 0;
				break;
			}
			check(!kill(pid, SIGCONT));
			check(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
		}
		if (pid)
			check_wait(pid, 0);
	}
}

/*
 * injection: signals and stops come while calls are run in our place to make
 * the pins, in children that have none yet.
 */
static void injection(char **args)
{
	(void)args;
	waiting = check_shared(sizeof(*waiting));
	check_mediated();
	for (int i = 0; i < 200; i++) {
		pid_t pid;

		check_forget_pins();
		atomic_store(&waiting->ready, false);
		atomic_store(&waiting->signals, 0);
		pid = fork();
		check(pid >= 0);
		if (!pid) {
			struct sigaction action = { .sa_handler = count_signal,
						    .sa_flags = i & 1 ? SA_RESTART : 0 };
			struct itimerval timer = { { 0, 60 }, { 0, 60 } };
			sigset_t before, after;
			long fd;

			check(!sigaction(SIGALRM, &action, NULL));
			check(!sigprocmask(SIG_SETMASK, NULL, &before));
			check(!setitimer(ITIMER_REAL, &timer, NULL));
			atomic_store(&waiting->ready, true);
			fd = CALL(openat, (uint64_t)AT_FDCWD, P(check_from), O_RDONLY, 0, 7, 8);
			check(fd >= 0 && !close((int)fd));
			fd = CALL(openat, (uint64_t)AT_FDCWD, P(check_denied), O_RDONLY, 0, 7, 8);
			check(check_supervised() ? fd == -EACCES : fd >= 0);
			while (atomic_load(&waiting->signals) < 2)
				sched_yield();
			signals_stop();
			check(!sigprocmask(SIG_SETMASK, NULL, &after));
			check(!memcmp(&before, &after, 8));
			_exit(0);
		}
		while (!atomic_load(&waiting->ready))
			sched_yield();
		for (int n = 0; n < 5; n++) {
			kill(pid, SIGSTOP);
			kill(pid, SIGCONT);
		}
		check_wait(pid, 0);
	}
}

static volatile int trapped;
static volatile long trapped_rax;

static void on_sigsys(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	trapped = info->si_syscall;
	trapped_rax = ((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX];
}

/*
 * trap: a filter of ours that traps what our call has become: we see what we called.
 * A filter inside that of a listener is not run on what the listener redirects to.
 */
static void trap(char **args)
{
	struct sigaction action = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO };

	const char *backend = getenv("PM_BACKEND");
	bool seen = check_supervised() && (!backend || strcmp(backend, "notify"));

	(void)args;
	check(!sigaction(SIGSYS, &action, NULL));
	check(!INSTALL(0, ON(SYS_getpid, SECCOMP_RET_TRAP)));
	for (int i = 0; i < 3; i++) {
		trapped = 0;
		CALL(getppid);
		check(trapped == (seen ? SYS_getppid : 0));
		check(trapped == 0 || trapped_rax == SYS_getppid);
		CALL(getpid);
		check(trapped == SYS_getpid && trapped_rax == SYS_getpid);
	}
}

/* image PROGRAM: a new program's registers are its own; one that we set is not put back. */
static void image(char **args)
{
	char *argv[] = { args[0], NULL };

	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();

		check(pid >= 0);
		if (!pid) {
			if (i)
				CALL(execve, P(args[0]), P(argv), P(argv + 1), 0x1111, 0x2222, 0x3333);
			else
				CALL(execveat, (uint64_t)AT_FDCWD, P(args[0]), P(argv), P(argv + 1),
				     0, 0x3333);
			_exit(99);
		}
		check_wait(pid, 0);
	}
}

/* sleep: a handler cuts a sleep short, and the rest is told. */
static void sleep_cut(char **args)
{
	struct timespec time = { 60, 0 }, left = { 0 };

	(void)args;
	waiting = check_shared(sizeof(*waiting));
	signals_every(20, SA_RESTART);
	check(CALL(nanosleep, P(&time), P(&left)) == -EINTR);
	check(left.tv_sec == 59);
	signals_stop();
}

/*
 * handler: a handler that calls itself, in the middle of calls.  On a slow machine the
 * next signal is there before it returns: after the last one nothing else would run.
 */
static void call_in_handler(int signal)
{
	int err = errno;

	check_mediated();
	count_signal(signal);
	if (atomic_load(&waiting->signals) >= 200)
		signals_stop();
	errno = err;
}

static void handler(char **args)
{
	struct sigaction action = { .sa_handler = call_in_handler, .sa_flags = SA_RESTART };
	struct itimerval timer = { { 0, 1000 }, { 0, 1000 } };

	(void)args;
	waiting = check_shared(sizeof(*waiting));
	check(!sigaction(SIGALRM, &action, NULL));
	check(!setitimer(ITIMER_REAL, &timer, NULL));
	while (atomic_load(&waiting->signals) < 200) {
		long fd = CALL(open, P(check_from), O_RDONLY);

		check(fd >= 0 && !close((int)fd));
		check(CALL(open, P("/nonexistent/file"), O_RDONLY) == -ENOENT);
	}
	signals_stop();
}

static const struct test tests[] = {
	{ "all", all },
	{ "fork", forks },
	{ "eintr", eintr },
	{ "restart", restart },
	{ "stops", stops },
	{ "sleep", sleep_cut },
	{ "injection", injection },
	{ "trap", trap },
	{ "image", image },
	{ "handler", handler },
};

int main(int argc, char **argv)
{
	return check_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
