/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <errno.h>

#include "ptrace.h"

/*
 * The call does not run and answers value, by its notification where it came by one.  What we
 * hold for it (a file on a file system, say) is let go before its thread goes on.
 * At an entry stop the filters still come, and one of them may end the program for a number
 * that it does not expect: a call that does nothing goes in its place.
 */
void answer_value(struct thread *thread, bool entry, int64_t value)
{
	struct flight *flight = thread->flight;

	if (flight && flight->note.listener) {
		const struct note note = flight->note;

		thread_drop_flight(thread);
		note_value(&note, value);
		return;
	}
	if (entry) {
		int err;

		regs_set_number(&flight->substituted,
				pm_syscall_number(flight->call.arch, "getpid"));
		err = regs_change(thread->tid, &flight->original, &flight->substituted);
		flight->forced = true;
		flight->forced_result = value;
		thread->state = STATE_CALL;
		thread->at_entry = true;
		if (err && !gone(err))
			thread_kill(thread);
	} else {
		note_unmark(thread);
		thread_skip(thread, value);
		thread_drop_flight(thread);
	}
	thread_resume(thread, 0);
}

/* The outcome is final: the call does not run. */
void answer_final(struct supervisor *s, struct thread *thread, bool entry)
{
	struct flight *flight = thread->flight;
	const struct pm_verdict *verdict = &flight->outcome.verdict;

	flight_tell(s->options, flight, "", 0);
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
	flight_refuse(s->options, thread->flight, err, rule);
	answer_final(s, thread, entry);
}

/* The layers agreed, and the call fails all the same, as it would have without them. */
void answer_failure(struct supervisor *s, struct thread *thread, bool entry, int err)
{
	struct flight *flight = thread->flight;

	flight->tell = flight->outcome.verdict.action == PM_REDIRECT;
	flight_tell(s->options, flight, "", -err);
	if (flight->outcome.verdict.action == PM_DENY)
		err = -flight->outcome.verdict.err;
	else
		flight_tell_result(s->options, flight, err);
	answer_value(thread, entry, err);
}
