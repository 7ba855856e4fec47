/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>

#include "memory.h"
#include "ptrace.h"

#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1
#endif
#define LINK_RETRIES 40	/* as often as the kernel follows links */

/* The call is over: the thread is free again. */
static void land(struct thread *thread)
{
	thread_drop_flight(thread);
	thread->state = STATE_FREE;
	thread->at_entry = false;
}

/*
 * Between two steps the thread is in its program, where no signal may come: the
 * kernel's sendmmsg goes on while one waits, and only a step that has to wait
 * itself is interrupted.
 */
int signals_hold(struct thread *thread)
{
	const uint64_t all = ~(uint64_t)0;
	uint64_t *blocked = &thread->blocked;

	return ptrace(PTRACE_GETSIGMASK, thread->tid, sizeof(*blocked), blocked) ||
			       ptrace(PTRACE_SETSIGMASK, thread->tid, sizeof(all), &all) ?
		       -errno : 0;
}

int signals_release(struct thread *thread)
{
	const uint64_t *blocked = &thread->blocked;

	return ptrace(PTRACE_SETSIGMASK, thread->tid, sizeof(*blocked), blocked) ? -errno : 0;
}

int call_issued(struct thread *thread)
{
	struct flight *flight = thread->flight;

	flight->issued = false;
	regs_set_number(&flight->substituted, flight->run.steps[flight->step].nr);
	return signals_release(thread);
}

/*
 * Was only a part of the message sent?  Then the kernel's sendmmsg sends no other.
 * The header is that of the pin; its vectors can only be changed by a program that
 * wants to be told of another message than it has sent.
 */
static bool sent_in_part(pid_t tid, uint32_t arch, const struct pm_step *step, uint64_t sent)
{
	size_t word = regs_narrow(arch) ? sizeof(uint32_t) : sizeof(uint64_t);
	unsigned char header[4 * sizeof(uint64_t)], vector[2 * sizeof(uint64_t)];
	uint64_t at = 0, count = 0, total = 0;

	if (memory_read(tid, step->args[1], header, 4 * word))
		return false;
	memcpy(&at, header + 2 * word, word);
	memcpy(&count, header + 3 * word, word);
	for (uint64_t i = 0; i < count && total <= sent; i++) {
		uint64_t len = 0;

		if (memory_read(tid, at + i * 2 * word, vector, 2 * word))
			return false;
		memcpy(&len, vector + word, word);
		total += len;
	}
	return total > sent;
}

/* What the return of a call of sendmmsg's means: 1 there is another to send. */
static int next_step(struct thread *thread, struct regs *regs)
{
	struct flight *flight = thread->flight;
	const struct pm_step *step = &flight->run.steps[flight->step];
	int64_t result = regs_result(regs);
	uint32_t sent = (uint32_t)result;
	int err = result < 0 ? (int)result : 0;

	if (!err && step->msg_len_addr)
		err = memory_write(thread->tid, step->msg_len_addr, &sent, sizeof(sent));
	if (!err && ++flight->step < flight->run.nsteps &&
	    !sent_in_part(thread->tid, flight->call.arch, step, sent)) {
		step++;
		regs_reissue(regs, step->nr);
		for (unsigned int i = 0; i < 6; i++)
			regs_set_arg(regs, flight->call.arch, i, step->args[i]);
		flight->substituted = *regs;
		flight->issued = true;
		return 1;
	}
	regs_set_result(regs, flight->step ? (int64_t)flight->step : err);
	return 0;
}

static bool several(const struct flight *flight)
{
	return flight->run.nsteps && flight->run.steps[0].msg_len_addr;
}

/* What the program's own filters mean for what comes. */
static void follow_up(struct thread *thread, int64_t result)
{
	if (result < 0)
		return;
	if (thread->flight->filter)
		thread->process->filters = true;
	if (thread->flight->asks_tracer)
		thread->process->asks_tracer = true;
	if (thread->flight->listener) {
		thread->every_call = true;
		thread->process->entangled = true;
	}
}

/* A trap takes the call back: where its result would be is its number again. */
static void note_trap(struct thread *thread, const struct regs *regs)
{
	const struct flight *flight = thread->flight;

	thread->made_nr = regs_number(&flight->original);
	thread->ran_nr = regs_number(&flight->substituted);
	thread->may_be_trapped = thread->made_nr != thread->ran_nr &&
				 regs_result(regs) == thread->ran_nr;
}

void call_trapped(struct thread *thread)
{
	siginfo_t info;
	struct regs regs;

	if (!thread->may_be_trapped ||
	    ptrace(PTRACE_GETSIGINFO, thread->tid, NULL, &info) || info.si_code != SYS_SECCOMP ||
	    info.si_syscall != thread->ran_nr || regs_get(thread->tid, &regs))
		return;
	thread->may_be_trapped = false;
	info.si_syscall = thread->made_nr;
	regs_set_result(&regs, thread->made_nr);
	if (ptrace(PTRACE_SETSIGINFO, thread->tid, NULL, &info) || regs_set(thread->tid, &regs)) {
		if (errno != ESRCH)
			thread_kill(thread);
	}
}

void call_return(struct supervisor *s, struct thread *thread,
		 const struct __ptrace_syscall_info *info)
{
	struct flight *flight = thread->flight;
	struct regs found, regs;
	bool again = false;
	int err = 0;

	thread->at_entry = false;
	if (thread->state != STATE_CALL) {
		thread_resume(thread, 0);
		return;
	}
	regs_of_return(info, &flight->substituted);
	found = regs = flight->substituted;
	note_trap(thread, &regs);
	if (flight->forced)
		regs_set_result(&regs, flight->forced_result);
	if (several(flight) && next_step(thread, &regs)) {
		err = regs_change(thread->tid, &found, &regs);
		if (!err)
			err = signals_hold(thread);
		if (err && !gone(err))
			thread_kill(thread);
		thread_resume(thread, 0);
		return;
	}
	regs_restore(&regs, flight->call.arch, &flight->original, &flight->substituted);
	again = ((flight->no_links && regs_result(&regs) == -ELOOP) ||
		 (flight->no_create && regs_result(&regs) == -ENOENT)) &&
		thread->retries < LINK_RETRIES;
	if (again)
		regs_reissue(&regs, regs_number(&flight->original));
	err = regs_change(thread->tid, &found, &regs);
	if (err && !gone(err))
		thread_kill(thread);
	thread->retries = again ? thread->retries + 1 : 0;
	thread->reissued = again;
	if (!again) {
		follow_up(thread, regs_result(&regs));
		flight_tell_result(s->options, flight, regs_result(&regs));
	}
	thread->interrupted = !again && regs_result(&regs) == -ERESTARTSYS;
	land(thread);
	thread_resume(thread, 0);
}

void call_vanished(struct thread *thread)
{
	land(thread);
}

/*
 * A new image runs.  It must be the one that was decided on.  Nothing can fail any
 * more: the return of the call is not waited for.
 */
void call_executed(struct supervisor *s, struct thread *thread)
{
	struct flight *flight = thread->state == STATE_CALL ? thread->flight : NULL;

	if (!flight)
		return;
	if (flight->program.set && !program_runs(&flight->program, thread->tid)) {
		thread_kill(thread);
		return;
	}
	thread->may_be_trapped = false;
	thread->retries = 0;
	flight_tell_result(s->options, flight, 0);
	land(thread);
}
