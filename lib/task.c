/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "task.h"

#include <stdlib.h>

#include "give.h"

static struct thread **bucket(struct tasks *tasks, pid_t tid)
{
	return &tasks->bucket[(unsigned int)tid % TASK_BUCKETS];
}

struct thread *task_find(struct tasks *tasks, pid_t tid)
{
	struct thread *thread = *bucket(tasks, tid);

	while (thread && thread->tid != tid)
		thread = thread->next;
	return thread;
}

static void link_thread(struct tasks *tasks, struct thread *thread)
{
	struct thread **head = bucket(tasks, thread->tid);

	thread->next = *head;
	*head = thread;
}

static void unlink_thread(struct tasks *tasks, struct thread *thread)
{
	struct thread **at = bucket(tasks, thread->tid);

	while (*at != thread)
		at = &(*at)->next;
	*at = thread->next;
}

struct thread *task_add(struct tasks *tasks, pid_t tid)
{
	struct thread *thread = calloc(1, sizeof(*thread));

	if (!thread)
		return NULL;
	thread->tid = tid;
	link_thread(tasks, thread);
	tasks->count++;
	return thread;
}

void task_rename(struct tasks *tasks, struct thread *thread, pid_t tid)
{
	unlink_thread(tasks, thread);
	thread->tid = tid;
	link_thread(tasks, thread);
}

struct space *space_new(void)
{
	struct space *space = calloc(1, sizeof(*space));

	if (space)
		space->refs = 1;
	return space;
}

struct space *space_fork(const struct space *from, bool sure)
{
	struct space *space = space_new();

	if (!space)
		return NULL;
	space->arena = arena_get(from->arena);
	space->stack = from->stack;
	for (int width = 0; width < WIDTHS; width++) {
		space->at[width] = from->at[width];
		space->verified[width] = from->verified[width] && sure && !from->kept &&
					 !from->late;
	}
	return space;
}

void space_verify(struct space *space, enum width width, bool mapped, bool alone)
{
	space->verified[width] = mapped;
	if (!mapped)
		space->at[width] = 0;
	/* A fork that has copied the address space before this may be told of after it. */
	if (!alone)
		space->late = true;
}

struct space *space_get(struct space *space)
{
	space->refs++;
	return space;
}

void space_put(struct space *space)
{
	if (!space || --space->refs)
		return;
	arena_put(space->arena);
	free(space);
}

bool space_alone(const struct process *process)
{
	return process->threads == 1 && process->space->refs == 1;
}

uint64_t space_own_stack(const struct process *process)
{
	return space_alone(process) ? process->space->stack : 0;
}

struct process *process_new(pid_t tgid, struct space *space)
{
	struct process *process = calloc(1, sizeof(*process));

	if (!process)
		return NULL;
	process->tgid = tgid;
	process->space = space;
	return process;
}

void thread_join(struct thread *thread, struct process *process)
{
	thread->process = process;
	process->threads++;
}

static void thread_leave(struct thread *thread)
{
	struct process *process = thread->process;

	thread->process = NULL;
	if (!process || --process->threads)
		return;
	space_put(process->space);
	free(process);
}

void thread_drop_flight(struct thread *thread)
{
	flight_free(thread->flight);
	thread->flight = NULL;
}

void task_remove(struct tasks *tasks, struct thread *thread)
{
	unlink_thread(tasks, thread);
	tasks->count--;
	thread_leave(thread);
	flight_free(thread->flight);
	giving_free(thread->giving);
	free(thread->descriptors);
	free(thread->mend_original);
	free(thread->mend_substituted);
	free(thread->processors);
	free(thread);
}
