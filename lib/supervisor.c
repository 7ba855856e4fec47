/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "supervisor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cleanup.h"
#include "courier.h"
#include "error.h"
#include "filter.h"
#include "fork.h"
#include "init.h"
#include "resolve.h"

/* What the supervisor says when it is ready, or why it is not. */
struct ready {
	int err;
	unsigned int filter;
	bool needs_carrier;
	bool lends;
	char message[400];
};

/* From the program to its supervisor. */
static struct {
	struct page {
		_Atomic int number;	/* 0: not yet; a descriptor and 1, or a negative errno */
	} *page;	/* shared by program, carrier and supervisor */
	pid_t program;	/* the supervisor's: whose it is */
	int sock;	/* the supervisor's: a carrier sends to it; or -1 */
} handover = { .sock = -1 };

void drop_descriptor(int fd)
{
	int null, flags = fcntl(fd, F_GETFD);

	if (flags < 0 || flags & FD_CLOEXEC)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return;
	dup3(null, fd, O_CLOEXEC);
	close(null);
}

/* Of those that a part of /proc/self/fd lists. */
static void drop_listed(const char *list, size_t len, int own)
{
	for (size_t at = 0; at < len;) {
		const struct dirent64 *entry = (const struct dirent64 *)(list + at);
		int fd = atoi(entry->d_name);

		if (fd > STDERR_FILENO && fd != own && fcntl(fd, F_GETFD) == 0)
			close(fd);
		at += entry->d_reclen;
	}
}

/*
 * Inherited descriptors are the program's; ours are all close-on-exec, also
 * where one of the standard three was closed and has become ours.  opendir(3) would
 * take memory for the list, and write all over that which a fork shares.
 */
int drop_inherited(void)
{
	_Alignas(struct dirent64) char list[2048];
	int dir = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ssize_t len;
	int err;

	if (dir < 0)
		return -errno;
	while ((len = getdents64(dir, list, sizeof(list))) > 0)
		drop_listed(list, (size_t)len, dir);
	err = len < 0 ? -errno : 0;
	close(dir);
	if (err)
		return err;
	resolve_forget();
	drop_descriptor(STDIN_FILENO);
	drop_descriptor(STDOUT_FILENO);
	return 0;
}

/*
 * Limits that the program was given are not meant for its supervisor, who may
 * or may not be able to leave them.
 */
static void raise_limits(void)
{
	static const int limits[] = { RLIMIT_NOFILE, RLIMIT_FSIZE, RLIMIT_CPU, RLIMIT_AS,
				      RLIMIT_DATA };

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

		/* Descriptors have a limit of the system's own. */
		if (limits[i] == RLIMIT_NOFILE)
			limit.rlim_cur = limit.rlim_max = 1 << 20;
		if (!setrlimit(limits[i], &limit) || getrlimit(limits[i], &limit))
			continue;
		limit.rlim_cur = limit.rlim_max;
		setrlimit(limits[i], &limit);
	}
}

static _Noreturn void run_supervisor(const struct supervision *how, pid_t program, pid_t caller,
				     int sock, int their_fd)
{
	struct ready ready = { 0 };
	pid_t self = getpid();
	int lent = -1;
	sigset_t all;
	char go;

	/*
	 * What is sent to all processes of a user or of a service is for the
	 * programs to act on; we end when none of them is left.
	 */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_NAME, "pointsman");
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	raise_limits();
	ready.err = drop_inherited();
	if (send(sock, &self, sizeof(self), 0) < 0 || recv(sock, &go, sizeof(go), 0) != 1)
		_exit(1);
	if (!ready.err)
		ready.err = how->attach(how->data, program, caller, their_fd, &ready.filter);
	prctl(PR_SET_DUMPABLE, 0);
	if (ready.err)
		snprintf(ready.message, sizeof(ready.message), "%s",
			 *pm_error() ? pm_error() : strerror(-ready.err));
	if (how->takes_descriptor) {
		int fd = courier_fetch(program, program, their_fd);

		ready.needs_carrier = fd < 0;
		cleanup_close(&fd);
	}
	if (!ready.err && how->lend)
		lent = how->lend(how->data);
	ready.lends = lent >= 0;
	if (send(sock, &ready, sizeof(ready), 0) < 0 || ready.err)
		_exit(1);
	if (ready.lends)
		courier_pass(sock, lent);
	handover.program = program;
	if (ready.needs_carrier)
		handover.sock = sock;
	else
		close(sock);
	how->supervise(how->data);
	_exit(0);
}

/* What the program has said; 0: it is gone. */
static int await_number(pid_t program)
{
	int number;

	while (!(number = atomic_load(&handover.page->number)))
		if (kill(program, 0) || sched_yield())
			return 0;
	return number;
}

/*
 * Where the supervisor may not reach into the program, a carrier does that has the
 * program's own descriptors: it sends the one that the program makes to the
 * supervisor, and is gone.
 */
static _Noreturn void run_carrier(pid_t program, int sock)
{
	int number = await_number(program);

	if (number > 0)
		courier_pass(sock, number - 1);
	_exit(0);
}

void supervisor_hand_over(int fd)
{
	atomic_store(&handover.page->number, fd < 0 ? fd : fd + 1);
}

int supervisor_take(void)
{
	int number;

	if (handover.sock >= 0)
		return courier_take(handover.sock);
	number = await_number(handover.program);
	if (number <= 0)
		return -ECHILD;
	return courier_fetch(handover.program, handover.program, number - 1);
}

static int fork_supervisor(const struct supervision *how, int pair[2])
{
	pid_t program = getpid(), caller = (pid_t)syscall(SYS_gettid);
	int result = fork_apart(0);

	if (result <= 0)
		return result;
	close(pair[0]);
	run_supervisor(how, program, caller, pair[1], pair[0]);
}

/* It has the descriptors of the calling process, and not copies of them. */
static int fork_carrier(int sock)
{
	pid_t program = getpid();
	int result = fork_apart(CLONE_FILES);

	if (result > 0)
		run_carrier(program, sock);
	return result;
}

/* Let it attach, also where only ancestors may trace (Yama). */
static int await_supervisor(const struct supervision *how, int sock, pid_t *supervisor,
			    struct ready *ready)
{
	int lent;

	if (recv(sock, supervisor, sizeof(*supervisor), 0) != sizeof(*supervisor))
		return pm_fail(-ECHILD, "the supervisor did not start");
	prctl(PR_SET_PTRACER, *supervisor, 0, 0, 0);
	if (send(sock, "g", 1, 0) != 1 || recv(sock, ready, sizeof(*ready), 0) != sizeof(*ready))
		return pm_fail(-ECHILD, "the supervisor did not attach");
	if (ready->err)
		return pm_fail(ready->err, "%s", ready->message);
	if (ready->lends && (lent = courier_take(sock)) >= 0)
		how->borrow(lent);
	return 0;
}

static int start_supervisor(const struct supervision *how, pid_t *pid, unsigned int *filter)
{
	struct ready ready;
	int pair[2], err;

	if (how->takes_descriptor) {
		handover.page = mmap(NULL, sizeof(*handover.page), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (handover.page == MAP_FAILED)
			return pm_fail(-errno, "cannot start the supervisor: %s", strerror(errno));
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return pm_fail(-errno, "cannot start the supervisor: %s", strerror(errno));
	err = fork_supervisor(how, pair);
	if (err)
		pm_fail(err, "cannot start the supervisor: %s", strerror(-err));
	close(pair[1]);
	if (!err)
		err = await_supervisor(how, pair[0], pid, &ready);
	if (!err && ready.needs_carrier)
		err = fork_carrier(pair[0]);
	/* A carrier has it for its own; exec closes it. */
	if (err || !ready.needs_carrier)
		close(pair[0]);
	*filter = err ? 0 : ready.filter;
	return err;
}

/*
 * A program of root's could read and write its supervisor with this one capability.
 */
static void drop_ptrace_capability(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	uint32_t bit = 1u << CAP_SYS_PTRACE;

	prctl(PR_CAPBSET_DROP, CAP_SYS_PTRACE);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_SYS_PTRACE, 0, 0);
	if (syscall(SYS_capget, &header, data))
		return;
	data[0].effective &= ~bit;
	data[0].permitted &= ~bit;
	data[0].inheritable &= ~bit;
	syscall(SYS_capset, &header, data);
}

/* Nobody waits for a descriptor that does not come. */
static int give_up(const struct supervision *how, int err)
{
	if (how->takes_descriptor)
		supervisor_hand_over(err);
	return err;
}

int supervisor_confine(const struct pm_options *options, const struct supervision *how,
		       struct sock_fprog *program, unsigned int *filter)
{
	pid_t supervisor;
	int err;

	if (access("/proc/self/fd", X_OK))
		return pm_fail(-errno, errno == EACCES ? "/proc cannot be read" :
							 "/proc is not mounted");
	err = init_step_aside();
	if (!err)
		err = start_supervisor(how, &supervisor, filter);
	if (err)
		return err;
	err = filter_build(options, supervisor, *filter, program);
	if (err)
		return give_up(how, pm_fail(err, "cannot build the filter: %s", strerror(-err)));
	drop_ptrace_capability();
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	err = options->confine ? options->confine(options->confine_data) : 0;
	if (!err)
		return 0;
	free(program->filter);
	return give_up(how, pm_fail(err, "cannot confine the program: %s", strerror(-err)));
}
