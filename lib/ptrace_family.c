/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "peer.h"
#include "ptrace.h"

/* Of these a child sees others than its parent does. */
#define NAMESPACES (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
		    CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME)

/* So many stops may come between that of a child and its parent's that announces it. */
#define PATIENCE 64

/* The clone flags of the call that a thread stopped at a birth is in. */
static uint64_t birth_flags(const struct thread *parent, uint32_t arch, const struct regs *regs)
{
	const struct flight *flight = parent->state == STATE_CALL ? parent->flight : NULL;
	const char *name = pm_syscall_name(arch, regs_number(regs));
	uint64_t flags = 0;

	if (!name)
		return 0;
	if (!strcmp(name, "clone"))
		return regs_arg(regs, arch, 0);
	if (!strcmp(name, "vfork"))
		return CLONE_VM | CLONE_VFORK;
	if (!strcmp(name, "clone3") && flight && flight->call.nitems &&
	    flight->call.items[0].len >= sizeof(flags))
		memcpy(&flags, flight->call.items[0].data, sizeof(flags));
	return flags;
}

/* A child of a call with substituted arguments starts with them: mend its registers. */
static int plan_mending(struct thread *child, const struct thread *parent)
{
	const struct flight *flight = parent->state == STATE_CALL ? parent->flight : NULL;

	if (!flight)
		return 0;
	child->mend_original = malloc(sizeof(*child->mend_original));
	child->mend_substituted = malloc(sizeof(*child->mend_substituted));
	if (!child->mend_original || !child->mend_substituted)
		return -ENOMEM;
	*child->mend_original = flight->original;
	*child->mend_substituted = flight->substituted;
	child->mend_arch = flight->call.arch;
	return 0;
}

static int mend(struct thread *thread)
{
	struct regs regs;
	int err;

	if (!thread->mend_original)
		return 0;
	err = regs_get(thread->tid, &regs);
	if (!err) {
		regs_restore(&regs, thread->mend_arch, thread->mend_original,
			     thread->mend_substituted);
		err = regs_set(thread->tid, &regs);
	}
	free(thread->mend_original);
	free(thread->mend_substituted);
	thread->mend_original = thread->mend_substituted = NULL;
	return err;
}

/*
 * Whose children need the arena, each to execute a program, has it once for all of them: they
 * have it from there.  The first one may have been the last.
 */
static void note_fork(struct thread *parent, uint32_t arch)
{
	struct process *process = parent->process;
	struct space *space = process->space;

	if (space->forked && !space->at[width_of(arch)] && process->threads == 1 &&
	    !process->filters && !parent->every_call)
		parent->wants_arena = true;
	space->forked = true;
}

/* The process and the address space that a new thread belongs to. */
static int settle_in(const struct supervisor *s, struct thread *child, struct thread *parent,
		     uint64_t flags)
{
	/* By a ring of io_uring memory is kept from a fork without a stop. */
	const bool sure = !(s->options->unsafe & PM_UNSAFE_IO_URING);
	struct process *process = parent->process;
	struct space *space;

	child->every_call = parent->every_call;
	/* It begins with its parent's root, rights and user namespace. */
	if (!(flags & NAMESPACES)) {
		child->known = parent->known;
		child->known_at = parent->known_at;
		child->directory_at = parent->directory_at;
	}
	if (flags & CLONE_THREAD) {
		thread_join(child, process);
		return plan_mending(child, parent);
	}
	space = flags & CLONE_VM ? space_get(process->space) : space_fork(process->space, sure);
	if (!space)
		return -ENOMEM;
	process = process_new(child->tid, space);
	if (!process) {
		space_put(space);
		return -ENOMEM;
	}
	process->filters = parent->process->filters;
	process->asks_tracer = parent->process->asks_tracer;
	process->confined = parent->process->confined;
	if (flags & (CLONE_FS | CLONE_FILES))
		process->entangled = parent->process->entangled = true;
	if (child->every_call)
		process->entangled = true;
	thread_join(child, process);
	return plan_mending(child, parent);
}

void family_first_stop(struct supervisor *s, struct thread *thread, int signal)
{
	int err;

	(void)s;
	if (!thread->process) {
		thread_kill(thread);
		return;
	}
	err = mend(thread);
	if (err && !gone(err))
		thread_kill(thread);
	thread->state = STATE_FREE;
	if (signal == SIGTRAP)
		thread_resume(thread, 0);
	else if (ptrace(PTRACE_LISTEN, thread->tid, NULL, NULL) && errno != ESRCH)
		thread_kill(thread);
}

void family_born(struct supervisor *s, struct thread *parent, int event)
{
	struct __ptrace_syscall_info info;
	unsigned long tid = 0;
	struct thread *child;
	struct regs regs;

	(void)event;
	if (ptrace(PTRACE_GETEVENTMSG, parent->tid, NULL, &tid) || !tid ||
	    ptrace(PTRACE_GET_SYSCALL_INFO, parent->tid, sizeof(info), &info) < 0 ||
	    regs_get(parent->tid, &regs)) {
		/* The parent dies; a child that stops without a parent known dies too. */
		thread_kill(parent);
		if (tid)
			kill((pid_t)tid, SIGKILL);
		return;
	}
	child = task_find(&s->tasks, (pid_t)tid);
	if (child && child->state == STATE_DEAD) {
		task_remove(&s->tasks, child);
		thread_resume(parent, 0);
		return;
	}
	place_born(&s->placing, parent, (pid_t)tid);
	if (!child)
		child = task_add(&s->tasks, (pid_t)tid);
	if (!child || settle_in(s, child, parent, birth_flags(parent, info.arch, &regs))) {
		kill((pid_t)tid, SIGKILL);
		thread_kill(parent);
		return;
	}
	if (parent->state == STATE_CALL)
		parent->flight->beside = false;
	if (child->process->space != parent->process->space)
		note_fork(parent, info.arch);
	if (child->stopped_early) {
		child->stopped_early = false;
		s->tasks.strangers--;
		family_first_stop(s, child, child->early_signal);
	}
	thread_resume(parent, 0);
}

static bool born_beside(const struct supervisor *s)
{
	for (size_t i = 0; i < TASK_BUCKETS; i++)
		for (const struct thread *thread = s->tasks.bucket[i]; thread; thread = thread->next)
			if (thread->state == STATE_CALL && thread->flight->beside)
				return true;
	return false;
}

/*
 * Who is killed in the very call that makes a child does not announce it.  The
 * child would wait for that for ever: it goes with its parent, as if the parent
 * had been killed before the call.  Its parent is one of ours as long as it
 * lives, but for CLONE_PARENT.
 */
static bool is_orphan(struct supervisor *s, pid_t tid)
{
	pid_t tgid, parent;

	return peer_family(tid, &tgid, &parent) && tgid == tid &&
	       !task_find(&s->tasks, parent) && !born_beside(s);
}

static void kill_orphan(struct supervisor *s, struct thread *thread)
{
	if (thread->orphan || !is_orphan(s, thread->tid))
		return;
	thread->orphan = true;
	kill(thread->tid, SIGKILL);
}

void family_stranger(struct supervisor *s, pid_t tid, int signal)
{
	struct thread *thread = task_add(&s->tasks, tid);

	if (!thread) {
		kill(tid, SIGKILL);
		return;
	}
	thread->stopped_early = true;
	thread->early_signal = signal;
	s->tasks.strangers++;
	if (!s->tasks.patience)
		s->tasks.patience = PATIENCE;
}

static void kill_orphans(struct supervisor *s)
{
	for (size_t i = 0; s->tasks.strangers && i < TASK_BUCKETS; i++)
		for (struct thread *thread = s->tasks.bucket[i]; thread; thread = thread->next)
			if (thread->stopped_early)
				kill_orphan(s, thread);
}

/* Mostly its parent's stop is the next one, and there is nothing to ask. */
int family_patience(struct supervisor *s)
{
	if (s->tasks.patience && !--s->tasks.patience)
		kill_orphans(s);
	return s->tasks.patience && s->tasks.strangers ? WNOHANG : 0;
}

void family_unannounced(struct supervisor *s)
{
	s->tasks.patience = 0;
	kill_orphans(s);
}

/* All threads of a process but one, which has executed a program, are gone. */
static void forget_others(struct supervisor *s, struct thread *survivor)
{
	for (size_t i = 0; i < TASK_BUCKETS; i++) {
		struct thread *next, *thread;

		for (thread = s->tasks.bucket[i]; thread; thread = next) {
			next = thread->next;
			if (thread != survivor && thread->process == survivor->process)
				family_gone(s, thread->tid);
		}
	}
}

void family_executed(struct supervisor *s, pid_t tgid)
{
	struct __ptrace_syscall_info info;
	unsigned long former = 0;
	struct thread *thread;
	struct space *space;

	if (ptrace(PTRACE_GETEVENTMSG, tgid, NULL, &former)) {
		kill(tgid, SIGKILL);
		return;
	}
	thread = task_find(&s->tasks, (pid_t)former);
	if (!thread || !thread->process) {
		kill(tgid, SIGKILL);
		return;
	}
	if (thread->process->threads > 1)
		forget_others(s, thread);
	if (thread->tid != tgid) {
		task_rename(&s->tasks, thread, tgid);
		place_renamed(&s->placing, thread);
	}
	space = space_new();
	if (!space) {
		thread_kill(thread);
		return;
	}
	call_executed(s, thread);
	/*
	 * An exec may take capabilities away and give others back, and changes nothing else of the
	 * view.  Under no_new_privs ids change only where the effective ones are not the real ones.
	 */
	thread->known.rights = thread->known.compared = false;
	space_put(thread->process->space);
	thread->process->space = space;
	if (ptrace(PTRACE_GET_SYSCALL_INFO, tgid, sizeof(info), &info) >= 0)
		space->stack = info.stack_pointer;
	thread->wants_arena = s->guard;
	thread_resume(thread, 0);
}

static void stop_waiting(struct thread *thread)
{
	struct thread **at = &thread->process->space->waiting;

	while (*at && *at != thread)
		at = &(*at)->next_waiting;
	if (*at)
		*at = thread->next_waiting;
}

void family_wake(struct supervisor *s, struct space *space)
{
	struct thread *thread = space->waiting;

	space->maker = 0;
	space->waiting = NULL;
	while (thread) {
		struct thread *next = thread->next_waiting;
		struct __ptrace_syscall_info info;

		thread->next_waiting = NULL;
		thread->state = thread->marked ? STATE_DIVERTED : STATE_FREE;
		if (ptrace(PTRACE_GET_SYSCALL_INFO, thread->tid, sizeof(info), &info) >= 0) {
			if (thread->marked)
				call_diverted(s, thread, &info);
			else
				call_stop(s, thread, &info, info.op == PTRACE_SYSCALL_INFO_ENTRY);
		}
		thread = next;
	}
}

void family_gone(struct supervisor *s, pid_t tid)
{
	struct thread *thread = task_find(&s->tasks, tid);
	struct space *space;

	/* Its birth is still to be told of. */
	if (!thread)
		thread = task_add(&s->tasks, tid);
	if (!thread)
		return;
	if (thread->stopped_early)
		s->tasks.strangers--;
	if (thread->state == STATE_NEW && !thread->process && !thread->orphan) {
		thread->stopped_early = false;
		thread->state = STATE_DEAD;
		return;
	}
	space = thread->process ? space_get(thread->process->space) : NULL;
	if (thread->state == STATE_WAITING)
		stop_waiting(thread);
	place_gone(&s->placing, thread);
	task_remove(&s->tasks, thread);
	if (space && space->maker == tid)
		family_wake(s, space);
	space_put(space);
	/* Who was to be announced by it? */
	kill_orphans(s);
}
