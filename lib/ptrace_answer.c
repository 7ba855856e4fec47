/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <errno.h>

#include "ptrace.h"

/*
 * The call does not run and answers value.  At an entry stop the filters still
 * come, and one of them may end the program for a number that it does not
 * expect: a call that does nothing goes in its place.
 */
void answer_value(struct thread *thread, bool entry, int64_t value)
{
	struct regs regs;
	int err = regs_get(thread->tid, &regs);

	if (!err) {
		if (entry) {
			struct flight *flight = thread->flight;

			flight->original = regs;
			regs_set_number(&regs, pm_syscall_number(flight->call.arch, "getpid"));
			flight->substituted = regs;
			flight->forced = true;
			flight->forced_result = value;
			thread->state = STATE_CALL;
			thread->at_entry = true;
		} else {
			regs_skip(&regs, value);
		}
		err = regs_set(thread->tid, &regs);
	}
	if (err && !gone(err))
		thread_kill(thread);
	if (!entry) {
		flight_free(thread->flight);
		thread->flight = NULL;
	}
	thread_resume(thread, 0);
}

/* Tell what will happen, before it does.  A failure of the observer is a denial. */
void answer_tell(struct supervisor *s, struct flight *flight, const char *holds, int fails)
{
	bool runs = !fails && (flight->outcome.verdict.action == PM_ALLOW ||
			       flight->outcome.verdict.action == PM_REDIRECT);
	int nr = flight->run.nsteps ? flight->run.steps[0].nr : flight->call.nr;
	int err;

	if (!flight->told)
		return;
	err = chain_tell(s->options, &(struct pm_event){
		.kind = PM_EVENT_ANSWER,
		.call = &flight->call,
		.verdict = &flight->outcome.verdict,
		.layer = flight->outcome.layer,
		.ran_nr = runs ? nr : -1,
		.ran_name = runs ? pm_syscall_name(flight->call.arch, nr) : NULL,
		.fails = fails,
		.holds = runs ? holds : "",
	});
	if (err)
		chain_refuse(&flight->outcome, -err, "error of the observer");
}

void answer_result(struct supervisor *s, struct flight *flight, int64_t result)
{
	int nr = flight->run.nsteps ? flight->run.steps[0].nr : flight->call.nr;

	if (!flight->tell)
		return;
	chain_tell(s->options, &(struct pm_event){
		.kind = PM_EVENT_RESULT,
		.call = &flight->call,
		.verdict = &flight->outcome.verdict,
		.layer = flight->outcome.layer,
		.ran_nr = nr,
		.ran_name = pm_syscall_name(flight->call.arch, nr),
		.result = result,
	});
}

/* The outcome is final: the call does not run. */
void answer_final(struct supervisor *s, struct thread *thread, bool entry)
{
	struct flight *flight = thread->flight;
	const struct pm_verdict *verdict = &flight->outcome.verdict;

	answer_tell(s, flight, "", 0);
	switch (verdict->action) {
	case PM_KILL:
		thread_kill(thread);
		answer_value(thread, entry, -EPERM);
		return;
	case PM_VALUE:
		answer_value(thread, entry, verdict->value);
		return;
	default:
		answer_value(thread, entry, -verdict->err);
	}
}

void answer_refuse(struct supervisor *s, struct thread *thread, bool entry, int err,
		   const char *rule)
{
	struct flight *flight = thread->flight;

	chain_refuse(&flight->outcome, -err, rule);
	if (!flight->told) {
		flight->told = true;
		err = chain_tell(s->options, &(struct pm_event){ .kind = PM_EVENT_CALL,
								 .call = &flight->call });
		if (err)
			chain_refuse(&flight->outcome, -err, "error of the observer");
	}
	answer_final(s, thread, entry);
}

/* The layers agreed, and the call fails all the same, as it would have without them. */
void answer_failure(struct supervisor *s, struct thread *thread, bool entry, int err)
{
	struct flight *flight = thread->flight;

	flight->tell = flight->outcome.verdict.action == PM_REDIRECT;
	answer_tell(s, flight, "", -err);
	if (flight->outcome.verdict.action == PM_DENY)
		err = -flight->outcome.verdict.err;
	else
		answer_result(s, flight, err);
	answer_value(thread, entry, err);
}
