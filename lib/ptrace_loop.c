/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "give.h"
#include "ptrace.h"
#include "supervisor.h"

#define SYSCALL_STOP (SIGTRAP | 0x80)

void thread_kill(struct thread *thread)
{
	kill(thread->process ? thread->process->tgid : thread->tid, SIGKILL);
}

void thread_skip(struct thread *thread, int64_t value)
{
	int err = regs_skip(thread->tid, value);

	if (err && !gone(err))
		thread_kill(thread);
}

void thread_resume(struct thread *thread, int signal)
{
	bool until_return = thread->state == STATE_CALL || thread->state == STATE_GIVING ||
			    thread->every_call || thread->wants_arena;

	if (ptrace(until_return ? PTRACE_SYSCALL : PTRACE_CONT, thread->tid, NULL,
		   (void *)(long)signal) &&
	    errno != ESRCH)
		thread_kill(thread);
}

static bool is_group_stop(int signal)
{
	return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

/* A stop of the whole process: stay in it, and hear when it ends. */
static void group_stop(struct thread *thread)
{
	if (ptrace(PTRACE_LISTEN, thread->tid, NULL, NULL) && errno != ESRCH)
		thread_kill(thread);
}

static void event_stop(struct supervisor *s, struct thread *thread, int signal)
{
	note_mark(thread);
	if (thread->state == STATE_NEW) {
		family_first_stop(s, thread, signal);
	} else if (is_group_stop(signal) && thread->state == STATE_GIVING) {
		/*
		 * Others may wait for what it does, and would neither stop nor go on: who
		 * stops the process waits for them.  It stops when that is done.
		 */
		thread->stop_later = true;
		thread_resume(thread, 0);
	} else if (is_group_stop(signal)) {
		group_stop(thread);
	} else {
		thread_resume(thread, 0);
	}
}

/*
 * A call begins.  One that was issued for a thread must be that very one: where
 * it stands in the program's memory, another may be by now.
 */
static void call_entry(struct supervisor *s, struct thread *thread,
		       const struct __ptrace_syscall_info *info)
{
	int err;

	thread->at_entry = false;
	if (thread->state == STATE_CALL && !thread->flight->issued)
		call_vanished(thread);
	if (thread->state == STATE_FREE && thread->wants_arena && !arena_first(s, thread, info->arch))
		return;
	switch (thread->state) {
	case STATE_FREE:
		if (thread->every_call) {
			call_stop(s, thread, info, true);
			return;
		}
		break;
	case STATE_DIVERTED:
		break;
	case STATE_GIVING:
		if (!giving_is_issued(thread->giving, info))
			thread_kill(thread);
		break;
	case STATE_CALL:
		err = call_issued(thread);
		if ((err && !gone(err)) ||
		    !regs_issued(&thread->flight->substituted, thread->flight->call.arch, info))
			thread_kill(thread);
		break;
	default:
		thread_kill(thread);
	}
	thread_resume(thread, 0);
}

/*
 * A filter asks for a tracer in the middle of a call that has been dealt with.
 * Ours has been answered; one of the program's own has no tracer.
 */
static void filter_stop(struct thread *thread, const struct __ptrace_syscall_info *info)
{
	struct flight *flight = thread->state == STATE_CALL ? thread->flight : NULL;

	if (info->seccomp.ret_data != FILTER_TRACE_DATA) {
		thread_skip(thread, -ENOSYS);
		/* No call has a number to give back. */
		if (flight)
			regs_set_number(&flight->substituted, regs_number(&flight->original));
	}
	thread_resume(thread, 0);
}

/* A stop of a call: at its entry (where every call stops), its filter, its return. */
static void syscall_stop(struct supervisor *s, struct thread *thread)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, thread->tid, sizeof(info), &info) < 0) {
		if (errno != ESRCH)
			thread_kill(thread);
		return;
	}
	switch (info.op) {
	case PTRACE_SYSCALL_INFO_EXIT:
		if (thread->state == STATE_GIVING)
			call_given(s, thread, info.exit.rval);
		else
			call_return(s, thread, &info);
		return;
	case PTRACE_SYSCALL_INFO_ENTRY:
		call_entry(s, thread, &info);
		return;
	case PTRACE_SYSCALL_INFO_SECCOMP:
		if (thread->state == STATE_FREE && !thread->at_entry)
			call_stop(s, thread, &info, false);
		else if (thread->state == STATE_DIVERTED)
			call_diverted(s, thread, &info);
		else
			filter_stop(thread, &info);
		return;
	default:
		thread_kill(thread);
	}
}

static void signal_stop(const struct supervisor *s, struct thread *thread, int signal)
{
	note_signalled(s, thread, signal);
	if (signal == SIGSYS)
		call_trapped(thread);
	thread_resume(thread, signal);
}

static void stopped(struct supervisor *s, struct thread *thread, int status)
{
	int signal = WSTOPSIG(status), event = status >> 16;

	if (event == PTRACE_EVENT_SECCOMP)
		place_call(&s->placing, thread);
	switch (event) {
	case 0:
		if (signal == SYSCALL_STOP)
			syscall_stop(s, thread);
		else
			signal_stop(s, thread, signal);
		return;
	case PTRACE_EVENT_SECCOMP:
		syscall_stop(s, thread);
		return;
	case PTRACE_EVENT_STOP:
		event_stop(s, thread, signal);
		return;
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		family_born(s, thread, event);
		return;
	default:
		thread_resume(thread, 0);
	}
}

void supervise(struct supervisor *s)
{
	unsigned int turns = 0;

	for (;;) {
		struct thread *thread;
		int status;
		int patience;
		pid_t tid;

		if (s->listener && ++turns > NOTE_TURNS) {
			turns = 0;
			note_look(s);
		}
		patience = family_patience(s);
		tid = waitpid(-1, &status, __WALL | (s->listener ? WNOHANG : patience));

		if (!tid) {
			turns = 0;
			if (patience)
				family_unannounced(s);
			else
				note_wait(s);
			continue;
		}
		if (tid < 0) {
			if (errno == EINTR)
				continue;
			return;
		}
		if (!WIFSTOPPED(status)) {
			family_gone(s, tid);
			/* Though not all of its children may be: let go of the terminal. */
			if (tid == s->program)
				drop_descriptor(STDERR_FILENO);
			continue;
		}
		if (status >> 16 == PTRACE_EVENT_EXEC) {
			family_executed(s, tid);
			continue;
		}
		thread = task_find(&s->tasks, tid);
		/* A number that is used again. */
		if (thread && thread->state == STATE_DEAD) {
			task_remove(&s->tasks, thread);
			thread = NULL;
		}
		if (thread)
			stopped(s, thread, status);
		else
			family_stranger(s, tid, WSTOPSIG(status));
	}
}
