/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The calling process becomes the program; the supervisor is its grandchild
 * for a moment and then nobody's, so that the program finds no child that it
 * did not make, and keeps its own pid, parent, terminal and session.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend.h"
#include "cleanup.h"
#include "error.h"
#include "filter.h"
#include "init.h"
#include "ptrace.h"
#include "shapes.h"

/* What the supervisor says when it is ready, or why it is not. */
struct ready {
	int err;
	bool guard;
	char message[400];
};

static const int seize_options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
				 PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
				 PTRACE_O_TRACESECCOMP;

/*
 * Inherited descriptors are the program's; ours are all close-on-exec, also
 * where one of the standard three was closed and has become ours.
 */
static void drop_inherited(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		if (fd > STDERR_FILENO && fd != dirfd(dir) && fcntl(fd, F_GETFD) == 0)
			close(fd);
	}
	if (dir)
		closedir(dir);
	drop_descriptor(STDIN_FILENO);
	drop_descriptor(STDOUT_FILENO);
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

static bool has_openat2(void)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS };
	auto_close int fd = (int)syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how));

	return fd >= 0;
}

/* Without it every call would be refused. */
static int try_arena(void)
{
	struct arena *arena;
	int err = arena_new(&arena);

	if (err)
		return pm_fail(err, "cannot make memory for arguments: %s", strerror(-err));
	arena_put(arena);
	return 0;
}

/* By number: who wants to see it? */
static int fill_stops(struct supervisor *s, uint32_t arch)
{
	enum width width = width_of(arch);
	int max = pm_syscall_max(arch);
	uint8_t *stops = calloc((size_t)max + 1, 1);

	if (!stops)
		return -ENOMEM;
	for (int nr = 0; nr <= max; nr++)
		stops[nr] = (uint8_t)filter_stops(s->options, s->guard, arch, nr);
	s->stops[width] = stops;
	s->max[width] = max;
	return 0;
}

/*
 * A listener of a filter around us (of a container, say) outranks our stops:
 * what it is told of would pass by.  Only one can be among the filters of a
 * thread, so that whether one is there can be tried.
 */
static int find_listener(bool *there)
{
	struct sock_filter allow = { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW };
	struct sock_fprog program = { .len = 1, .filter = &allow };
	pid_t child = fork();
	int status;

	if (child < 0)
		return -errno;
	if (child == 0) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		_exit(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			      SECCOMP_FILTER_FLAG_NEW_LISTENER, &program) < 0 && errno == EBUSY);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	*there = !WIFEXITED(status) || WEXITSTATUS(status);
	return 0;
}

static int attach(struct supervisor *s, pid_t program, int their_fd)
{
	struct thread *thread;
	struct process *process;
	struct space *space;
	bool listener = true;
	int err;

	s->program = program;
	s->openat2 = has_openat2();
	s->guard = s->options->no_mseal || !arena_seals();
	err = fill_stops(s, AUDIT_ARCH_X86_64);
	if (!err)
		err = fill_stops(s, AUDIT_ARCH_I386);
	if (!err)
		err = find_listener(&listener);
	if (!err)
		err = try_arena();
	if (err)
		return err;
	if (ptrace(PTRACE_SEIZE, program, NULL, (void *)(long)seize_options))
		return pm_fail(-errno, "ptrace is not permitted here: %s", strerror(errno));
	err = courier_start(&s->courier, program, their_fd);
	if (err)
		return pm_fail(err, "cannot hand descriptors to the program: %s", strerror(-err));
	thread = task_add(&s->tasks, program);
	space = space_new();
	process = space ? process_new(program, space) : NULL;
	if (!thread || !process)
		return -ENOMEM;
	thread_join(thread, process);
	thread->state = STATE_FREE;
	thread->every_call = process->entangled = listener;
	return 0;
}

static _Noreturn void run_supervisor(const struct pm_options *options, pid_t program, int sock,
				     int their_fd)
{
	struct supervisor *s = calloc(1, sizeof(*s));
	struct ready ready = { .err = -ENOMEM };
	pid_t self = getpid();
	sigset_t all;
	char go;

	/*
	 * What is sent to all processes of a user or of a service is for the
	 * programs to act on; we end when none of them is left.
	 */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	prctl(PR_SET_NAME, "pointsman");
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	raise_limits();
	drop_inherited();
	if (send(sock, &self, sizeof(self), 0) < 0 || recv(sock, &go, sizeof(go), 0) != 1)
		_exit(1);
	if (s) {
		s->options = options;
		ready.err = attach(s, program, their_fd);
		ready.guard = s->guard;
	}
	prctl(PR_SET_DUMPABLE, 0);
	if (ready.err)
		snprintf(ready.message, sizeof(ready.message), "%s",
			 *pm_error() ? pm_error() : strerror(-ready.err));
	if (send(sock, &ready, sizeof(ready), 0) < 0 || ready.err)
		_exit(1);
	close(sock);
	supervise(s);
	_exit(0);
}

/* Fork twice and let the one between go: nobody is left to wait for. */
static int fork_supervisor(const struct pm_options *options, int pair[2])
{
	pid_t program = getpid(), between = fork();
	int status;

	if (between < 0)
		return -errno;
	if (between == 0) {
		pid_t supervisor = fork();

		if (supervisor < 0)
			_exit(errno);
		if (supervisor > 0)
			_exit(0);
		close(pair[0]);
		run_supervisor(options, program, pair[1], pair[0]);
	}
	while (waitpid(between, &status, 0) < 0)
		if (errno != EINTR)
			return errno == ECHILD ? 0 : -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}

/* Who reaps the orphans of its descendants must not get this one. */
static int start_supervisor(const struct pm_options *options, int pair[2])
{
	int reaps = 0, err;

	prctl(PR_GET_CHILD_SUBREAPER, &reaps, 0, 0, 0);
	if (reaps)
		prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	err = fork_supervisor(options, pair);
	if (reaps)
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	return err;
}

/* Let it attach, also where only ancestors may trace (Yama). */
static int await_supervisor(int sock, pid_t *supervisor, struct ready *ready)
{
	if (recv(sock, supervisor, sizeof(*supervisor), 0) != sizeof(*supervisor))
		return pm_fail(-ECHILD, "the supervisor did not start");
	prctl(PR_SET_PTRACER, *supervisor, 0, 0, 0);
	if (send(sock, "g", 1, 0) != 1 || recv(sock, ready, sizeof(*ready), 0) != sizeof(*ready))
		return pm_fail(-ECHILD, "the supervisor did not attach");
	if (ready->err)
		return pm_fail(ready->err, "%s", ready->message);
	return 0;
}

/*
 * A program of root's could read and write its supervisor with this one
 * capability.  It has no other use for a program that may not trace.
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

static int ptrace_exec(const struct pm_options *options, const char *file, char *const *argv,
		       enum pm_stage *stage)
{
	struct sock_fprog program = { 0 };
	struct ready ready;
	pid_t supervisor;
	int pair[2], err;

	*stage = PM_STAGE_SETUP;
	if (access("/proc/self/fd", X_OK))
		return pm_fail(-errno, "/proc is not mounted");
	err = init_step_aside();
	if (err)
		return err;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return pm_fail(-errno, "cannot start the supervisor: %s", strerror(errno));
	err = start_supervisor(options, pair);
	close(pair[1]);
	if (err)
		pm_fail(err, "cannot start the supervisor: %s", strerror(-err));
	else
		err = await_supervisor(pair[0], &supervisor, &ready);
	close(pair[0]);
	if (err)
		return err;
	err = filter_build(options, supervisor, ready.guard, &program);
	if (err)
		return pm_fail(err, "cannot build the filter: %s", strerror(-err));
	drop_ptrace_capability();
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (options->confine)
		err = options->confine(options->confine_data);
	if (!err)
		err = filter_install(&program);
	free(program.filter);
	if (err)
		return pm_fail(err, "cannot confine the program: %s", strerror(-err));
	*stage = PM_STAGE_EXEC;
	execvp(file, argv);
	return -errno;
}

const struct pm_backend backend_ptrace = {
	.name = "ptrace",
	.exec = ptrace_exec,
};
