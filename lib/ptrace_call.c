/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "call_private.h"
#include "cleanup.h"
#include "filter.h"
#include "give.h"
#include "hash.h"
#include "memory.h"
#include "peer.h"
#include "ptrace.h"
#include "script.h"
#include "settle.h"
#include "stand_in.h"

/* What runs must not be sent to the listener: the mark keeps it from that.  Is it needed? */
static bool mark_call(const struct supervisor *s, struct flight *flight)
{
	struct regs *regs = &flight->substituted;
	uint32_t arch = flight->call.arch;
	uint64_t args[6];

	for (unsigned int i = 0; i < 6; i++)
		args[i] = regs_arg(regs, arch, i);
	if (!filter_answers(s->options, s->filter, arch, regs_number(regs), args))
		return false;
	regs_set_arg(regs, arch, FILTER_DIVERTED_ARG, FILTER_DIVERTED);
	return true;
}

/* Let it run from the registers that were substituted. */
static void run_substituted(struct thread *thread, bool entry)
{
	struct flight *flight = thread->flight;
	int err;

	err = regs_change_call(thread->tid, flight->call.arch, entry, &flight->original,
			       &flight->substituted);
	if (err && !gone(err))
		thread_kill(thread);
	thread->state = STATE_CALL;
	thread->at_entry = entry;
	thread_resume(thread, 0);
}

/* Let the call run as it is in the target's registers. */
static void run_untouched(const struct supervisor *s, struct thread *thread, bool entry,
			  bool follow)
{
	if (thread->flight->note.listener) {
		const struct note note = thread->flight->note;

		thread_drop_flight(thread);
		note_continue(&note);
		return;
	}
	if (mark_call(s, thread->flight)) {
		run_substituted(thread, entry);
		return;
	}
	if (!follow) {
		thread_drop_flight(thread);
		thread->at_entry = entry;
		thread_resume(thread, 0);
		return;
	}
	thread->state = STATE_CALL;
	thread->at_entry = entry;
	thread_resume(thread, 0);
}

/* Let it run from the registers of its first step. */
static void run_step(const struct supervisor *s, struct thread *thread, bool entry)
{
	struct flight *flight = thread->flight;
	const struct pm_step *step = &flight->run.steps[0];
	uint32_t arch = flight->call.arch;

	regs_set_number(&flight->substituted, step->nr);
	for (unsigned int i = 0; i < 6; i++)
		if (step->args[i] != regs_arg(&flight->original, arch, i))
			regs_set_arg(&flight->substituted, arch, i, step->args[i]);
	mark_call(s, flight);
	run_substituted(thread, entry);
}

/* The file has no name that could be opened: the supervisor opens it for the target. */
static void run_adopted(struct supervisor *s, struct thread *thread, bool entry)
{
	struct flight *flight = thread->flight;
	struct pm_open_how how = { 0 };
	int fd, err;

	fd = peer_same_credentials(thread->tid) ? settle_open(&flight->call) : -EACCES;
	if (fd < 0) {
		answer_failure(s, thread, entry, fd);
		return;
	}
	flight_tell(s->options, flight, "file", 0);
	if (flight->outcome.verdict.action == PM_DENY) {
		close(fd);
		answer_value(thread, entry, -flight->outcome.verdict.err);
		return;
	}
	pm_call_open_how(&flight->call, &how);
	note_unmark(thread);
	thread->giving = giving_start(GIVE_FILE, thread->tid, flight->call.arch, fd,
				      how.flags & O_CLOEXEC ? 0 : GIVE_KEEP_ON_EXEC,
				      space_own_stack(thread->process), &err);
	if (!thread->giving) {
		answer_value(thread, entry, err);
		return;
	}
	thread->state = STATE_GIVING;
	thread->at_entry = entry;
	thread_resume(thread, 0);
}

/* The supervisor has made the call itself. */
static void run_stood_in(struct supervisor *s, struct thread *thread, struct stand_in *answer)
{
	struct flight *flight = thread->flight;

	flight->tell = flight->outcome.verdict.action == PM_REDIRECT;
	flight_tell(s->options, flight, "file", 0);
	if (flight->outcome.verdict.action == PM_DENY)
		answer->value = -flight->outcome.verdict.err;
	else if (answer->len && memory_write(thread->tid, answer->to, answer->bytes, answer->len))
		answer->value = -EFAULT;
	flight_tell_result(s->options, flight, answer->value);
	answer_value(thread, false, answer->value);
}

/* Nothing was promised of it. */
static void run_as_made(struct supervisor *s, struct thread *thread, bool entry, bool follow)
{
	struct flight *flight = thread->flight;

	pm_call_let_go(&flight->call);
	flight_tell(s->options, flight, "", 0);
	if (flight->outcome.verdict.action == PM_DENY)
		answer_value(thread, entry, -flight->outcome.verdict.err);
	else
		run_untouched(s, thread, entry, follow);
}

static bool lonely(const struct process *process)
{
	return process->threads == 1 && !process->entangled;
}

/* May the program have an open done as openat2, which a filter of its own would see? */
static bool may_openat2(const struct supervisor *s, const struct thread *thread)
{
	return s->openat2 && !thread->process->filters;
}

/* Lay the decided call out in a pin and let it run from there. */
static void run_pinned(struct supervisor *s, struct thread *thread, bool entry, bool follow)
{
	struct flight *flight = thread->flight;
	struct space *space = thread->process->space;
	uint32_t arch = flight->call.arch;
	struct settle form = { .lonely = lonely(thread->process),
			       .openat2 = may_openat2(s, thread),
			       .landlock = s->options->landlock };
	size_t size;
	int err = settle(&flight->call, &form);

	flight->program = form.program;
	if (!err && form.adopt) {
		run_adopted(s, thread, entry);
		return;
	}
	size = err ? 0 : pm_call_layout_size(&flight->call);
	if (!err && size)
		err = slot_take(space->arena, size, &flight->slot);
	if (!err)
		err = pm_call_layout(&flight->call, size ? slot_memory(&flight->slot) : NULL, size,
				     space->at[width_of(arch)] + flight->slot.offset, &flight->run);
	if (err) {
		answer_failure(s, thread, entry, err);
		return;
	}
	flight->no_links = form.no_links;
	flight->no_create = form.no_create;
	flight->tell = flight->outcome.verdict.action == PM_REDIRECT;
	flight_tell(s->options, flight, form.holds, 0);
	if (flight->outcome.verdict.action == PM_DENY) {
		answer_value(thread, entry, -flight->outcome.verdict.err);
		return;
	}
	if (!flight->run.nsteps ||
	    (!size && flight->as_made && !pm_call_changed(&flight->call)))
		run_untouched(s, thread, entry, follow || flight->tell);
	else
		run_step(s, thread, entry);
}

/* Its path leads nowhere: what it would run as has the same error. */
static bool failed_at_once(struct supervisor *s, struct thread *thread)
{
	const struct pm_call *call = &thread->flight->call;
	const struct pm_where *where = call->nitems == 1 ? pm_item_peek(&call->items[0]) : NULL;

	if (!where || !where->err)
		return false;
	answer_failure(s, thread, false, -where->err);
	return true;
}

static void run_call(struct supervisor *s, struct thread *thread, bool entry, bool follow)
{
	struct flight *flight = thread->flight;
	struct stand_in answer;
	int err;

	if (flight->told && flight_runs_as_made(s->options, flight)) {
		run_as_made(s, thread, entry, follow);
		return;
	}
	err = script_apply(&flight->call);
	if (err)
		answer_failure(s, thread, entry, err);
	else if (!entry && !follow && stand_in(&flight->call, &answer))
		run_stood_in(s, thread, &answer);
	else if (!flight->note.listener)
		run_pinned(s, thread, entry, follow);
	else if (follow || (!failed_at_once(s, thread) && !open_answered(s, thread)))
		note_divert(thread);
}

/* Only the supervisor itself wants to see this call. */
static void run_own(struct supervisor *s, struct thread *thread, bool entry)
{
	struct flight *flight = thread->flight;
	int err = 0;

	switch (own_call(s, thread, flight, &err)) {
	case OWN_DENY:
		answer_refuse(s, thread, entry, -err, "built-in: the supervisor's own");
		return;
	case OWN_VALUE:
		answer_value(thread, entry, 0);
		return;
	case OWN_FOLLOW:
		run_call(s, thread, entry, true);
		return;
	case OWN_PASS:
		run_call(s, thread, entry, false);
	}
}

/* What was found of the thread's view in another call, while nobody can have changed it. */
static void recall_view(const struct supervisor *s, struct thread *thread)
{
	struct pm_call_private *priv = thread->flight->call.priv;

	if (priv && !s->changes.now && thread->known_at == s->changes.made)
		priv->known = thread->known;
}

/*
 * Does a link on the way of an open bring it back to the one layer that there is?  Once:
 * then its way is walked.  An observer is told where it leads.
 */
static bool asked_again(const struct supervisor *s, const struct thread *thread)
{
	return !thread->flight->note.listener && may_openat2(s, thread) && !thread->retries &&
	       s->options->nlayers == 1 &&
	       !s->options->observer && !regs_narrow(thread->flight->call.arch);
}

static void keep_view(const struct supervisor *s, struct thread *thread)
{
	if (s->changes.now)
		return;
	thread->known = thread->flight->call.priv->known;
	thread->known.landmarks = NULL;
	thread->known_at = s->changes.made;
	thread->directory_at = s->directories.made;
}

/* An open that is not answered: the thread opens by the name that was found. */
static bool opens_itself(const struct flight *flight)
{
	struct pm_open_how how;

	return !flight->note.listener && !pm_call_open_how(&flight->call, &how);
}

/* Whether a path is redirected is guessed by what became of the same words the last time. */
struct guess {
	uint32_t hash;
	uint32_t *last;		/* NULL: it does not matter */
};

/* What an answered open leads to is opened at once, but not where it is sent away from there. */
static struct guess guess_redirect(struct supervisor *s, const struct flight *flight)
{
	const struct pm_call *call = &flight->call;
	const struct pm_item *item = call->nitems == 1 ? &call->items[0] : NULL;
	struct guess guess = { 0 };
	struct pm_open_how how;

	if (!s->only_asks || !flight->note.listener || !item || item->kind != PM_ITEM_PATH ||
	    pm_call_open_how(call, &how))
		return guess;
	guess.hash = hash_name(item->data, item->len);
	guess.last = &s->redirected[guess.hash % REDIRECTED];
	item->priv->passing = *guess.last == guess.hash;
	return guess;
}

static void learn(const struct guess *guess, bool redirected)
{
	if (guess->last && redirected)
		*guess->last = guess->hash;
	else if (guess->last && *guess->last == guess->hash)
		*guess->last = 0;
}

/* How it is found out where its paths lead. */
static void choose_way(struct supervisor *s, struct thread *thread)
{
	struct flight *flight = thread->flight;
	struct pm_call_private *priv = flight->call.priv;

	priv->asked_again = asked_again(s, thread);
	priv->only_asks = s->only_asks && stand_in_only_asks(&flight->call);
	priv->asks_again = s->only_asks &&
			   (stand_in_asks_again(&flight->call) || opens_itself(flight));
	if (stand_in_asks_rights(&flight->call))
		priv->as_effective = open_asks_alike(s, thread);
}

static void decide(struct supervisor *s, struct thread *thread, bool entry)
{
	struct flight *flight = thread->flight;
	const struct guess guess = guess_redirect(s, flight);
	int err;

	choose_way(s, thread);
	err = flight_decide(s->options, flight);
	learn(&guess, flight->outcome.verdict.action == PM_REDIRECT);
	place_opening(&s->placing, &flight->call);
	keep_view(s, thread);
	if (err) {
		answer_refuse(s, thread, entry, err, "built-in: what the kernel would say");
		return;
	}
	if (!flight_runs(flight)) {
		answer_final(s, thread, entry);
		return;
	}
	switch (own_call(s, thread, flight, &err)) {
	case OWN_DENY:
		answer_refuse(s, thread, entry, -err, "built-in: the supervisor's own");
		return;
	case OWN_VALUE:
		flight->outcome.verdict = (struct pm_verdict){ .action = PM_VALUE };
		answer_final(s, thread, entry);
		return;
	case OWN_FOLLOW:
		run_call(s, thread, entry, true);
		return;
	case OWN_PASS:
		run_call(s, thread, entry, false);
	}
}

/* There is no memory to read the call to, nor at its entry to remember that it is refused. */
static void refuse_unread(struct thread *thread, bool entry)
{
	if (entry)
		thread_kill(thread);
	else
		thread_skip(thread, -ENOMEM);
	thread_resume(thread, 0);
}

/* What the call has in the registers, where nothing is substituted yet. */
static void read_registers(struct thread *thread, const struct __ptrace_syscall_info *info)
{
	struct flight *flight = thread->flight;
	int err = regs_of_call(thread->tid, info, &flight->original);

	flight->substituted = flight->original;
	if (err && !gone(err))
		thread_kill(thread);
}

/* What is in its registers, and what they lead to.  As flight_read(). */
static int read_call(struct supervisor *s, struct thread *thread,
		     const struct __ptrace_syscall_info *info)
{
	struct flight *flight = thread->flight;
	int err;

	read_registers(thread, info);
	err = flight_read(flight, !s->no_vectors);
	recall_view(s, thread);
	if (flight->call.priv && s->listener) {
		flight->call.priv->known.landmarks = &s->landmarks;
		flight->call.priv->known.unlooked = !flight->note.listener;
		flight->call.priv->known.stays = !s->directories.now;
		if (thread->directory_at != s->directories.made)
			flight->call.priv->known.directory_at = 0;
	}
	return err;
}

/* Read the call.  Returns why it stops, or 0 where all is said and done. */
static unsigned int take_call(struct supervisor *s, struct thread *thread,
			      const struct __ptrace_syscall_info *info, bool entry)
{
	int nr = (int)info->entry.nr;
	unsigned int why = filter_reason(&s->tables[width_of(info->arch)], nr);
	struct flight *flight = NULL;
	int err;

	if (!why && !entry)
		why = STOPS_FOR_US;
	if (!why) {
		thread_resume(thread, 0);
		return 0;
	}
	flight = flight_new(s->options, thread->process->tgid, thread->tid, info->arch, nr,
			    info->entry.args, ++s->calls);
	if (!flight) {
		refuse_unread(thread, entry);
		return 0;
	}
	thread->flight = flight;
	err = read_call(s, thread, info);
	if (!err && thread->refuse)
		err = thread->refuse;
	thread->refuse = 0;
	if (!err && flight->call.nitems) {
		err = arena_need(s, thread, info->arch);
		if (!err) {
			thread_drop_flight(thread);
			return 0;
		}
	}
	if (err < 0) {
		answer_refuse(s, thread, entry, err, "built-in: what the kernel would say");
		return 0;
	}
	return why;
}

/* Of a call that nobody decides on it is only waited for the return. */
static bool only_moves(const struct supervisor *s, const struct __ptrace_syscall_info *info)
{
	const int nr = (int)info->entry.nr;

	return s->listener && filter_reason(&s->tables[width_of(info->arch)], nr) == STOPS_FOR_US &&
	       filter_effect(info->arch, nr) == FILTER_CHANGES_DIRECTORY;
}

static void follow_move(struct supervisor *s, struct thread *thread,
			const struct __ptrace_syscall_info *info, bool entry)
{
	struct flight *flight = flight_new(s->options, thread->process->tgid, thread->tid,
					   info->arch, (int)info->entry.nr, info->entry.args,
					   ++s->calls);

	if (!flight) {
		refuse_unread(thread, entry);
		return;
	}
	thread->flight = flight;
	read_registers(thread, info);
	own_directory(s, flight);
	thread->state = STATE_CALL;
	thread->at_entry = entry;
	thread_resume(thread, 0);
}

/* A try that was answered has no return that ends the count. */
static void begin_try(struct thread *thread)
{
	if (!thread->reissued)
		thread->retries = 0;
	thread->reissued = false;
	thread->interrupted = false;
}

void call_stop(struct supervisor *s, struct thread *thread,
	       const struct __ptrace_syscall_info *info, bool entry)
{
	unsigned int why;

	begin_try(thread);
	if (note_is_hand_over(s, info)) {
		note_take(s, thread, info);
		return;
	}
	/* A filter of the program's own asks for a tracer that it does not have. */
	if (!entry && info->seccomp.ret_data != FILTER_TRACE_DATA) {
		answer_value(thread, false, -ENOSYS);
		return;
	}
	if (only_moves(s, info)) {
		follow_move(s, thread, info, entry);
		return;
	}
	why = take_call(s, thread, info, entry);
	if (why & STOPS_FOR_LAYERS)
		decide(s, thread, entry);
	else if (why)
		run_own(s, thread, entry);
}

/*
 * A filter of the program's own may ask for a tracer, which it does not have: the call fails
 * then.  That is heard where the call stops.
 */
static void divert_unread(struct thread *thread, const struct __ptrace_syscall_info *info)
{
	read_registers(thread, info);
	thread->flight->undecided = true;
	note_divert(thread);
}

void call_notice(struct supervisor *s, struct thread *thread,
		 const struct __ptrace_syscall_info *info, const struct note *note)
{
	struct flight *flight = flight_new(s->options, thread->process->tgid, thread->tid,
					   info->arch, (int)info->entry.nr, info->entry.args,
					   ++s->calls);
	int err;

	begin_try(thread);
	if (!flight) {
		note_value(note, -ENOMEM);
		return;
	}
	flight->note = *note;
	thread->flight = flight;
	if (thread->process->asks_tracer) {
		divert_unread(thread, info);
		return;
	}
	err = read_call(s, thread, info);
	if (err < 0)
		answer_refuse(s, thread, false, err, "built-in: what the kernel would say");
	else
		decide(s, thread, false);
}

/* Is it the call that was decided on?  made: as it was before the mark. */
static bool is_made_again(const struct flight *flight, const struct __ptrace_syscall_info *made)
{
	if (made->seccomp.ret_data != FILTER_TRACE_DATA || made->arch != flight->call.arch ||
	    (int)made->entry.nr != regs_number(&flight->original))
		return false;
	for (unsigned int i = 0; i < 6; i++)
		if (made->entry.args[i] != regs_arg(&flight->original, made->arch, i))
			return false;
	return true;
}

void call_diverted(struct supervisor *s, struct thread *thread,
		   const struct __ptrace_syscall_info *info)
{
	struct flight *flight = thread->flight;
	struct __ptrace_syscall_info made = *info;
	int err = 1;

	if (made.entry.args[FILTER_DIVERTED_ARG] == FILTER_DIVERTED)
		made.entry.args[FILTER_DIVERTED_ARG] =
			regs_arg(&flight->original, flight->call.arch, FILTER_DIVERTED_ARG);
	if (!thread->marked || flight->undecided || !is_made_again(flight, &made)) {
		note_astray(s, thread);
		call_stop(s, thread, &made, false);
		return;
	}
	if (thread->refuse)
		err = thread->refuse;
	else if (flight->call.nitems)
		err = arena_need(s, thread, info->arch);
	/* It comes back here. */
	if (!err)
		return;
	thread->refuse = 0;
	note_arrived(thread);
	regs_set_arg(&flight->substituted, made.arch, FILTER_DIVERTED_ARG, FILTER_DIVERTED);
	if (err < 0)
		answer_failure(s, thread, false, err);
	else
		run_pinned(s, thread, false, true);
}
