/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend.h"
#include "error.h"
#include "filter.h"
#include "probe.h"
#include "ptrace.h"
#include "rights.h"
#include "settle.h"
#include "supervisor.h"

static const int seize_options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
				 PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
				 PTRACE_O_TRACESECCOMP;

/* Without it every call would be refused.  Where mappings are sealed, one has been made. */
static int try_arena(void)
{
	struct arena *arena;
	int err = arena_new(&arena);

	if (err)
		return pm_fail(err, "cannot make memory for arguments: %s", strerror(-err));
	arena_put(arena);
	return 0;
}

/* What the program can be given. */
enum listener {
	LISTENER_FULL,		/* one whose calls wait for their answer, whatever comes */
	LISTENER_PLAIN,		/* one, on kernels before 5.19 */
	LISTENER_NONE,
};

static int try_listener(void *unused)
{
	const unsigned int full = SECCOMP_FILTER_FLAG_NEW_LISTENER |
				  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	struct sock_filter allow = { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW };
	struct sock_fprog program = { .len = 1, .filter = &allow };

	(void)unused;
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, full, &program) >= 0)
		return LISTENER_FULL;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
		    &program) >= 0)
		return LISTENER_PLAIN;
	return LISTENER_NONE;
}

/*
 * A listener of a filter around us (of a container, say) outranks our stops:
 * what it is told of would pass by.  Only one can be among the filters of a
 * thread, so that whether one is there can be tried; where that is refused,
 * there may be one.  The process that tries has its own filters and descriptors; our
 * memory need not be copied for it.  All signals are blocked, in it as here.
 */
static int find_listener(enum listener *found)
{
	_Alignas(16) char stack[16384];
	pid_t child = clone(try_listener, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD,
			    NULL);
	int status;

	if (child < 0)
		return -errno;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	*found = WIFEXITED(status) ? (enum listener)WEXITSTATUS(status) : LISTENER_NONE;
	return 0;
}

static int refused(pid_t program, int err)
{
	char why[256];

	pm_probe_ptrace_refused(program, err, why, sizeof(why));
	return pm_fail(err, "%s", why);
}

/* What the program gives to its supervisor, which makes its struct for itself. */
struct start {
	const struct pm_options *options;
	struct supervisor *supervisor;
	struct arena *arena;	/* a reference, or NULL: the first one */
};

/* Most of it stays empty: mapped, that costs no memory. */
static struct supervisor *supervisor_new(const struct pm_options *options)
{
	struct supervisor *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (s == MAP_FAILED)
		return NULL;
	s->options = options;
	return s;
}

static bool nobody_uses_fd(const struct pm_options *options)
{
	for (size_t i = 0; i < options->nlayers; i++)
		if (!options->layers[i]->ignores_fd)
			return false;
	return !options->observer || options->observer->ignores_fd;
}

static bool nobody_uses_vectors(const struct pm_options *options)
{
	for (size_t i = 0; i < options->nlayers; i++)
		if (!options->layers[i]->ignores_vectors)
			return false;
	return !options->observer;
}

/* Other threads of the program run no call under our filter: its execve ends them. */
static int attach(void *data, pid_t program, pid_t caller, int their_fd, unsigned int *filter)
{
	struct start *start = data;
	struct supervisor *s = supervisor_new(start->options);
	struct thread *thread;
	struct process *process;
	struct space *space;
	enum listener listener = LISTENER_NONE;
	int err;

	if (!s)
		return -ENOMEM;
	start->supervisor = s;
	s->program = program;
	place_start(&s->placing, s->options);
	s->openat2 = settle_has_openat2();
	s->only_asks = nobody_uses_fd(s->options);
	s->no_vectors = nobody_uses_vectors(s->options);
	s->guard = s->options->no_mseal || !arena_seals(&start->arena);
	*filter = s->guard ? FILTER_GUARD : 0;
	err = rights_know();
	if (!err)
		err = find_listener(&listener);
	if (!err && s->guard)
		err = try_arena();
	if (err)
		return err;
	if (ptrace(PTRACE_SEIZE, caller, NULL, (void *)(long)seize_options))
		return refused(caller, -errno);
	err = courier_start(&s->courier, program, their_fd);
	if (err)
		return pm_fail(err, "cannot hand descriptors to the program: %s", strerror(-err));
	thread = task_add(&s->tasks, caller);
	space = space_new();
	if (space && start->arena) {
		space->arena = arena_get(start->arena);
		space->at[WIDE] = ARENA_LOW;
		space->offered = true;
	}
	process = space ? process_new(program, space) : NULL;
	if (!thread || !process)
		return -ENOMEM;
	thread_join(thread, process);
	thread->state = STATE_FREE;
	thread->every_call = process->entangled = listener == LISTENER_NONE;
	s->awaits = listener == LISTENER_FULL && !s->options->own_listeners &&
		    !courier_by_name(&s->courier);
	if (s->awaits)
		*filter |= FILTER_ANSWERS;
	s->filter = *filter;
	err = filter_table(s->options, *filter, AUDIT_ARCH_X86_64, &s->tables[WIDE]);
	return err ? err : filter_table(s->options, *filter, AUDIT_ARCH_I386, &s->tables[NARROW]);
}

/* Whether it has come to lie where it should is seen at the first call. */
static int lend(void *data)
{
	const struct start *start = data;

	return start->arena ? start->arena->fd : -1;
}

static void run(void *data)
{
	struct start *start = data;

	arena_put(start->arena);
	supervise(start->supervisor);
}

/* exec closes what is left of a listener here. */
static int install(const struct sock_fprog *program, unsigned int filter)
{
	int listener;

	if (!(filter & FILTER_ANSWERS))
		return filter_install(program);
	listener = filter_install_answering(program);
	return listener < 0 ? listener : note_hand_over(listener);
}

static int ptrace_exec(const struct pm_options *options, const char *file, char *const *argv,
		       enum pm_stage *stage)
{
	struct start start = { .options = options };
	struct supervision how = { .data = &start, .attach = attach, .lend = lend,
				   .borrow = arena_accept, .supervise = run };
	struct sock_fprog program = { 0 };
	unsigned int filter;
	int err;

	*stage = PM_STAGE_SETUP;
	err = supervisor_confine(options, &how, &program, &filter);
	if (err)
		return err;
	err = install(&program, filter);
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
