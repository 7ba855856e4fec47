/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "filter.h"
#include "give.h"
#include "memory.h"
#include "peer.h"
#include "ptrace.h"
#include "script.h"
#include "settle.h"

#define LINK_RETRIES 40	/* as often as the kernel follows links */

static void read_comm(pid_t tid, char comm[16])
{
	auto_close int fd = -1;
	char path[64];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/comm", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? 0 : read(fd, comm, 15);
	comm[len > 0 ? len : 0] = '\0';
	comm[strcspn(comm, "\n")] = '\0';
}

/* The call does not run and answers value.  At an entry stop the filters still come. */
static void answer_value(struct thread *thread, bool entry, int64_t value)
{
	struct regs regs;
	int err = regs_get(thread->tid, &regs);

	if (!err) {
		if (entry) {
			struct flight *flight = thread->flight;

			flight->original = regs;
			regs_skip(&regs, value);
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
static void tell_answer(struct supervisor *s, struct flight *flight, const char *holds, int fails)
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

static void tell_result(struct supervisor *s, struct flight *flight, int64_t result)
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
static void answer_final(struct supervisor *s, struct thread *thread, bool entry)
{
	struct flight *flight = thread->flight;
	const struct pm_verdict *verdict = &flight->outcome.verdict;

	tell_answer(s, flight, "", 0);
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

static void refuse(struct supervisor *s, struct thread *thread, bool entry, int err,
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
static void answer_failure(struct supervisor *s, struct thread *thread, bool entry, int err)
{
	struct flight *flight = thread->flight;

	flight->tell = flight->outcome.verdict.action == PM_REDIRECT;
	tell_answer(s, flight, "", -err);
	if (flight->outcome.verdict.action == PM_DENY)
		err = -flight->outcome.verdict.err;
	else
		tell_result(s, flight, err);
	answer_value(thread, entry, err);
}

/* Let the call run as it is in the target's registers. */
static void run_untouched(struct thread *thread, bool entry, bool follow)
{
	if (!follow) {
		flight_free(thread->flight);
		thread->flight = NULL;
		thread->at_entry = entry;
		thread_resume(thread, 0);
		return;
	}
	if (regs_get(thread->tid, &thread->flight->original) == 0)
		thread->flight->substituted = thread->flight->original;
	thread->state = STATE_CALL;
	thread->at_entry = entry;
	thread_resume(thread, 0);
}

/* Let it run from the registers of its first step. */
static void run_step(struct thread *thread, bool entry)
{
	struct flight *flight = thread->flight;
	const struct pm_step *step = &flight->run.steps[0];
	uint32_t arch = flight->call.arch;
	int err = regs_get(thread->tid, &flight->original);

	if (!err) {
		flight->substituted = flight->original;
		regs_set_number(&flight->substituted, step->nr);
		for (unsigned int i = 0; i < 6; i++)
			if (step->args[i] != regs_arg(&flight->original, arch, i))
				regs_set_arg(&flight->substituted, arch, i, step->args[i]);
		err = regs_set(thread->tid, &flight->substituted);
	}
	if (err && !gone(err))
		thread_kill(thread);
	thread->state = STATE_CALL;
	thread->at_entry = entry;
	thread_resume(thread, 0);
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
	tell_answer(s, flight, "file", 0);
	if (flight->outcome.verdict.action == PM_DENY) {
		close(fd);
		answer_value(thread, entry, -flight->outcome.verdict.err);
		return;
	}
	pm_call_open_how(&flight->call, &how);
	thread->giving = giving_start(GIVE_FILE, thread->tid, flight->call.arch, fd, false,
				      !(how.flags & O_CLOEXEC), &err);
	if (!thread->giving) {
		answer_value(thread, entry, err);
		return;
	}
	thread->state = STATE_GIVING;
	thread->at_entry = entry;
	thread_resume(thread, 0);
}

static bool lonely(const struct process *process)
{
	return process->threads == 1 && !process->entangled;
}

/* Lay the decided call out in a pin and let it run from there. */
static void run_call(struct supervisor *s, struct thread *thread, bool entry, bool follow)
{
	struct flight *flight = thread->flight;
	struct space *space = thread->process->space;
	uint32_t arch = flight->call.arch;
	struct settle form = { .lonely = lonely(thread->process),
			       .openat2 = s->openat2 && !thread->process->filters,
			       .landlock = s->options->landlock };
	size_t size;
	int err = script_apply(&flight->call);

	if (!err)
		err = settle(&flight->call, &form);
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
	flight->tell = flight->outcome.verdict.action == PM_REDIRECT;
	tell_answer(s, flight, form.holds, 0);
	if (flight->outcome.verdict.action == PM_DENY) {
		answer_value(thread, entry, -flight->outcome.verdict.err);
		return;
	}
	if (!flight->run.nsteps ||
	    (!size && flight->as_made && !pm_call_changed(&flight->call)))
		run_untouched(thread, entry, follow || flight->tell);
	else
		run_step(thread, entry);
}

/*
 * Is the arena there, for this width?  1: yes.  0: the thread has been made
 * busy with it, or waits.  -errno: it cannot be.
 */
static int need_arena(struct supervisor *s, struct thread *thread, uint32_t arch)
{
	struct space *space = thread->process->space;
	enum width width = width_of(arch);
	int err, fd;

	if (space->at[width] && !space->verified[width]) {
		err = arena_mapped(space->arena, thread->tid, space->at[width]);
		if (err < 0)
			return err;
		space->verified[width] = err > 0;
		if (!err)
			space->at[width] = 0;
	}
	if (space->at[width])
		return 1;
	if (space->maker) {
		thread->state = STATE_WAITING;
		thread->next_waiting = space->waiting;
		space->waiting = thread;
		return 0;
	}
	if (!space->arena && (err = arena_new(&space->arena)))
		return err;
	fd = fcntl(space->arena->fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return -errno;
	thread->giving = giving_start(GIVE_ARENA, thread->tid, arch, fd, !s->guard, false, &err);
	if (!thread->giving)
		return err;
	space->maker = thread->tid;
	thread->state = STATE_GIVING;
	thread_resume(thread, 0);
	return 0;
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

/* The arena was mapped, or not: never taken for granted. */
static void arena_given(struct supervisor *s, struct thread *thread)
{
	struct giving *giving = thread->giving;
	struct space *space = thread->process->space;
	enum width width = width_of(giving->arch);
	int err = giving->err;

	if (!err) {
		err = arena_mapped(space->arena, thread->tid, giving->map);
		err = err > 0 ? 0 : err ? err : -EPERM;
	}
	if (!err) {
		space->at[width] = giving->map;
		space->verified[width] = true;
	}
	if (err == -EMFILE && lend_descriptors(thread)) {
		err = 0;	/* once more */
	} else {
		take_descriptors_back(thread);
	}
	thread->refuse = err;
	giving_free(giving);
	thread->giving = NULL;
	thread->state = STATE_FREE;
	thread_resume(thread, 0);
	family_wake(s, space);
}

static void file_given(struct supervisor *s, struct thread *thread)
{
	struct giving *giving = thread->giving;

	tell_result(s, thread->flight, giving->err ? giving->err : giving->received);
	giving_free(giving);
	thread->giving = NULL;
	flight_free(thread->flight);
	thread->flight = NULL;
	thread->state = STATE_FREE;
	thread->at_entry = false;
	thread_resume(thread, 0);
}

void call_given(struct supervisor *s, struct thread *thread)
{
	int more = giving_next(thread->giving, &s->courier, thread->tid, thread->process->tgid);

	if (more < 0) {
		if (!gone(more))
			thread_kill(thread);
		return;
	}
	if (more)
		thread_resume(thread, 0);
	else if (thread->giving->kind == GIVE_ARENA)
		arena_given(s, thread);
	else
		file_given(s, thread);
}

/* Only the supervisor itself wants to see this call. */
static void run_own(struct supervisor *s, struct thread *thread, bool entry)
{
	struct flight *flight = thread->flight;
	int err = 0;

	switch (own_call(s, thread, flight, &err)) {
	case OWN_DENY:
		refuse(s, thread, entry, -err, "built-in: the supervisor's own");
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

static void decide(struct supervisor *s, struct thread *thread, bool entry)
{
	struct flight *flight = thread->flight;
	struct pm_verdict *verdict = &flight->outcome.verdict;
	int err = 0;

	err = script_add_items(&flight->call);
	if (err) {
		refuse(s, thread, entry, err, "built-in: what the kernel would say");
		return;
	}
	flight->told = true;
	chain_decide(s->options, &flight->call, &flight->outcome);
	if (verdict->action != PM_ALLOW && verdict->action != PM_REDIRECT) {
		answer_final(s, thread, entry);
		return;
	}
	switch (own_call(s, thread, flight, &err)) {
	case OWN_DENY:
		refuse(s, thread, entry, -err, "built-in: the supervisor's own");
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

/* Read the call.  Returns why it stops, or 0 where all is said and done. */
static unsigned int take_call(struct supervisor *s, struct thread *thread,
			      const struct __ptrace_syscall_info *info, bool entry)
{
	enum width width = width_of(info->arch);
	int nr = (int)info->entry.nr;
	unsigned int why = nr >= 0 && nr <= s->max[width] ? s->stops[width][nr] : 0;
	struct flight *flight = NULL;
	struct pm_reader reader = memory_reader(&thread->tid);
	int err;

	/* A conditional stop of the filter: the arguments are ours to see. */
	if (!why && !entry)
		why = STOPS_FOR_US;
	if (!why) {
		thread_resume(thread, 0);
		return 0;
	}
	flight = calloc(1, sizeof(*flight));
	if (!flight) {
		thread_kill(thread);
		return 0;
	}
	thread->flight = flight;
	flight->call = (struct pm_call){ .tgid = thread->process->tgid, .tid = thread->tid,
					 .arch = info->arch, .nr = nr, .id = ++s->calls };
	memcpy(flight->call.args, info->entry.args, sizeof(flight->call.args));
	read_comm(thread->tid, flight->call.comm);
	err = pm_call_read(&flight->call, &reader);
	flight->as_made = flight->call.nr == nr &&
			  !memcmp(flight->call.args, info->entry.args, sizeof(info->entry.args));
	if (!err && thread->refuse)
		err = thread->refuse;
	thread->refuse = 0;
	if (!err && flight->call.nitems) {
		err = need_arena(s, thread, info->arch);
		if (!err) {
			flight_free(flight);
			thread->flight = NULL;
			return 0;
		}
	}
	if (err < 0) {
		refuse(s, thread, entry, err, "built-in: what the kernel would say");
		return 0;
	}
	return why;
}

void call_stop(struct supervisor *s, struct thread *thread,
	       const struct __ptrace_syscall_info *info, bool entry)
{
	unsigned int why;

	/* A filter of the program's own asks for a tracer that it does not have. */
	if (!entry && info->seccomp.ret_data != FILTER_TRACE_DATA) {
		answer_value(thread, false, -ENOSYS);
		return;
	}
	why = take_call(s, thread, info, entry);
	if (why & STOPS_FOR_LAYERS)
		decide(s, thread, entry);
	else if (why)
		run_own(s, thread, entry);
}

/* The call is over: the thread is free again. */
static void land(struct thread *thread)
{
	flight_free(thread->flight);
	thread->flight = NULL;
	thread->state = STATE_FREE;
	thread->at_entry = false;
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
	if (!err && ++flight->step < flight->run.nsteps) {
		step++;
		regs_reissue(regs, step->nr);
		for (unsigned int i = 0; i < 6; i++)
			regs_set_arg(regs, flight->call.arch, i, step->args[i]);
		flight->substituted = *regs;
		return 1;
	}
	regs_set_result(regs, flight->step ? (int64_t)flight->step : err);
	return 0;
}

static bool several(const struct flight *flight)
{
	return flight->run.nsteps && flight->run.steps[0].msg_len_addr;
}

void call_break(struct supervisor *s, struct thread *thread)
{
	struct flight *flight = thread->flight;
	struct regs regs;

	if (!flight || !several(flight) || regs_get(thread->tid, &regs))
		return;
	regs_forward(&regs);
	regs_restore(&regs, flight->call.arch, &flight->original, &flight->substituted);
	regs_set_number(&regs, regs_number(&flight->original));
	regs_set_result(&regs, (int64_t)flight->step);
	if (regs_set(thread->tid, &regs))
		return;
	tell_result(s, flight, (int64_t)flight->step);
	land(thread);
}

/* What the program's own filters mean for what comes. */
static void follow_up(struct thread *thread, int64_t result)
{
	if (result < 0)
		return;
	if (thread->flight->filter)
		thread->process->filters = true;
	if (thread->flight->listener)
		thread->every_call = true;
}

void call_return(struct supervisor *s, struct thread *thread)
{
	struct flight *flight = thread->flight;
	bool again = false;
	struct regs regs;
	int err;

	thread->at_entry = false;
	if (thread->state != STATE_CALL) {
		thread_resume(thread, 0);
		return;
	}
	err = regs_get(thread->tid, &regs);
	if (!err && flight->forced)
		regs_set_result(&regs, flight->forced_result);
	if (!err && several(flight) && next_step(thread, &regs)) {
		err = regs_set(thread->tid, &regs);
		if (err && !gone(err))
			thread_kill(thread);
		thread_resume(thread, 0);
		return;
	}
	if (!err && !flight->executed) {
		regs_restore(&regs, flight->call.arch, &flight->original, &flight->substituted);
		again = flight->no_links && regs_result(&regs) == -ELOOP &&
			thread->retries < LINK_RETRIES;
		if (again)
			regs_reissue(&regs, regs_number(&flight->original));
		err = regs_set(thread->tid, &regs);
	}
	if (err && !gone(err))
		thread_kill(thread);
	thread->retries = again ? thread->retries + 1 : 0;
	if (!again) {
		follow_up(thread, regs_result(&regs));
		tell_result(s, flight, regs_result(&regs));
	}
	land(thread);
	thread_resume(thread, 0);
}

/* A new image runs.  It must be the one that was decided on. */
void call_executed(struct supervisor *s, struct thread *thread)
{
	struct flight *flight = thread->state == STATE_CALL ? thread->flight : NULL;

	(void)s;
	if (!flight)
		return;
	flight->executed = true;
	if (flight->program.known && !program_runs(&flight->program, thread->tid))
		thread_kill(thread);
}
