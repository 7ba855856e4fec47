/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "give.h"
#include "ptrace.h"

/*
 * Where it is not sealed, nobody else may be in the middle of a call that
 * could move it, and nothing that the kernel would unmap later may have been
 * where it comes to lie: it is made at the first call of a program, and later
 * only in a process that is alone and had no such thing.
 */
static bool may_be_made(const struct supervisor *s, const struct thread *thread)
{
	const struct process *process = thread->process;

	return !s->guard || (space_alone(process) && !process->space->rings);
}

/*
 * Is the arena there, for this width?  1: yes.  0: the thread has been made
 * busy with it, or waits.  -errno: it cannot be.
 */
int arena_need(struct supervisor *s, struct thread *thread, uint32_t arch)
{
	struct space *space = thread->process->space;
	enum width width = width_of(arch);
	unsigned int tools = s->guard ? 0 : GIVE_SEAL;
	int err;

	if (space->at[width] && !space->verified[width]) {
		err = arena_mapped(space->arena, thread->tid, space->at[width], !s->guard);
		if (err < 0 && !space->offered)
			return err;
		space->offered = false;
		space_verify(space, width, err > 0, space_alone(thread->process));
	}
	if (space->at[width])
		return 1;
	if (space->maker) {
		thread->state = STATE_WAITING;
		thread->next_waiting = space->waiting;
		space->waiting = thread;
		return 0;
	}
	if (!may_be_made(s, thread))
		return -EPERM;
	if (!space->arena && (err = arena_new(&space->arena)))
		return err;
	if (tools && !thread->process->filters)
		tools |= GIVE_CLOSE_RANGE;
	thread->giving = giving_start(GIVE_ARENA, thread->tid, arch, space->arena->fd, tools,
				      space_own_stack(thread->process), &err);
	if (!thread->giving)
		return err;
	space->maker = thread->tid;
	thread->state = STATE_GIVING;
	thread_resume(thread, 0);
	return 0;
}

int arena_first(struct supervisor *s, struct thread *thread, uint32_t arch)
{
	int err;

	thread->wants_arena = false;
	err = arena_need(s, thread, arch);
	/* What could not be made now may be had later, or is refused then. */
	return err < 0 ? 1 : err;
}

/*
 * The arena comes as a descriptor, for which a program that uses all that it
 * may have has no number left.  It gets one more for the moment.
 */
static bool lend_descriptors(struct thread *thread)
{
	struct rlimit more;

	if (thread->descriptors)
		return false;
	thread->descriptors = malloc(sizeof(*thread->descriptors));
	if (!thread->descriptors || prlimit(thread->tid, RLIMIT_NOFILE, NULL, thread->descriptors))
		return false;
	more = *thread->descriptors;
	more.rlim_cur += 2;
	if (more.rlim_max < more.rlim_cur)
		more.rlim_max = more.rlim_cur;
	return !prlimit(thread->tid, RLIMIT_NOFILE, &more, NULL);
}

static void take_descriptors_back(struct thread *thread)
{
	if (!thread->descriptors)
		return;
	prlimit(thread->tid, RLIMIT_NOFILE, thread->descriptors, NULL);
	free(thread->descriptors);
	thread->descriptors = NULL;
}

/*
 * Was it the kernel that answered mseal?  It was the call of ours that was made, and
 * then no filter can have answered it that did not let the supervisor seal, too: the
 * program has none, and nobody is there who could install one.
 */
static bool seal_was_seen(const struct supervisor *s, const struct thread *thread)
{
	return !s->guard && thread->giving->sealed && !regs_narrow(thread->giving->arch) &&
	       thread->process->threads == 1 && !thread->process->filters && !thread->every_call;
}

/*
 * Was it the arena that was mapped, too?  The descriptor was its own, and nobody but the
 * thread could have put another one in its place, or another mapping, until it was sealed.
 */
static bool map_was_seen(const struct supervisor *s, const struct thread *thread)
{
	return seal_was_seen(s, thread) && thread->giving->brought &&
	       space_alone(thread->process) && !thread->process->entangled;
}

/* The arena was mapped, or not: never taken for granted. */
static void arena_given(struct supervisor *s, struct thread *thread)
{
	struct giving *giving = thread->giving;
	struct space *space = thread->process->space;
	enum width width = width_of(giving->arch);
	int err = giving->err;

	if (!err && !map_was_seen(s, thread)) {
		err = arena_mapped(space->arena, thread->tid, giving->map,
				   !s->guard && !seal_was_seen(s, thread));
		err = err > 0 ? 0 : err ? err : -EPERM;
	}
	if (!err) {
		space->at[width] = giving->map;
		space_verify(space, width, true, space_alone(thread->process));
	}
	if (err == -EMFILE && lend_descriptors(thread)) {
		err = 0;	/* once more */
		thread->wants_arena = s->guard;
	} else {
		take_descriptors_back(thread);
	}
	thread->refuse = err;
	giving_free(giving);
	thread->giving = NULL;
	thread->state = thread->marked ? STATE_DIVERTED : STATE_FREE;
	thread_resume(thread, 0);
	family_wake(s, space);
}

static void file_given(struct supervisor *s, struct thread *thread)
{
	struct giving *giving = thread->giving;

	flight_tell_result(s->options, thread->flight, giving->err ? giving->err : giving->received);
	giving_free(giving);
	thread->giving = NULL;
	thread_drop_flight(thread);
	thread->state = STATE_FREE;
	thread->at_entry = false;
	thread_resume(thread, 0);
}

void call_given(struct supervisor *s, struct thread *thread, int64_t result)
{
	int more = giving_next(thread->giving, &s->courier, thread->tid, thread->process->tgid,
			       result);

	if (more < 0) {
		if (!gone(more))
			thread_kill(thread);
		return;
	}
	if (more) {
		thread_resume(thread, 0);
		return;
	}
	/* If its process is still stopped it stops with it; else it goes on. */
	if (thread->stop_later && ptrace(PTRACE_INTERRUPT, thread->tid, NULL, NULL) &&
	    errno != ESRCH)
		thread_kill(thread);
	thread->stop_later = false;
	if (thread->giving->kind == GIVE_ARENA)
		arena_given(s, thread);
	else
		file_given(s, thread);
}
