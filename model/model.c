// SPDX-License-Identifier: LGPL-2.1-or-later
/* The rules, in the order and in the words of the semantics. */
#include "model.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>

/*
 * What the kernel keeps to itself: the call was interrupted.  It is issued again after a
 * handler with SA_RESTART; after every handler; after none.
 */
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513
#define ERESTARTNOHAND 514

#define MAX_ERRNO 4095

/* What a redirect put in place of one register, and what was there before the first. */
struct substitute {
	bool is;
	uint64_t first, last;
};

struct task {
	struct model_world *world;
	struct model_outcome *out;
	struct model_call call;		/* as it now stands */
	struct substitute args[6], nr;
	unsigned int pending;		/* bit n: enum model_signal n */
	long result;
};

/* What became of the call so far. */
enum verdict {
	PASS,		/* the next segment is asked; after the outermost, the call runs */
	FINAL,		/* it does not run; the task has a result */
	TRAPPED,
	KILLED,
	RERUN,		/* a tracer has seen it */
	REDIRECTED,
};

/* ---- section 4: registers ---- */

static void substitute(struct substitute *s, uint64_t now, uint64_t then)
{
	if (!s->is)
		s->first = now;
	s->is = true;
	s->last = then;
}

static void redirect(struct task *t, const struct model_change *change)
{
	for (int i = 0; i < 6; i++) {
		if (!(change->mask & 1U << i))
			continue;
		substitute(&t->args[i], t->call.args[i], change->args[i]);
		t->call.args[i] = change->args[i];
	}
	if (change->changes_nr) {
		substitute(&t->nr, (uint64_t)t->call.nr, (uint64_t)change->nr);
		t->call.nr = change->nr;
	}
}

/* What a tracer writes is written: a redirect does not know of it. */
static void retouch(struct task *t, const struct model_change *change)
{
	for (int i = 0; i < 6; i++)
		if (change->mask & 1U << i)
			t->call.args[i] = change->args[i];
	if (change->changes_nr)
		t->call.nr = change->nr;
}

/*
 * "Every argument register that still holds the substituted value, and the number, are
 * back to what the task loaded first, however many redirects there were."
 */
static void restore(struct task *t)
{
	for (int i = 0; i < 6; i++) {
		if (t->args[i].is && t->call.args[i] == t->args[i].last)
			t->call.args[i] = t->args[i].first;
		t->args[i].is = false;
	}
	if (t->nr.is && t->call.nr == (int)t->nr.last)
		t->call.nr = (int)t->nr.first;
	t->nr.is = false;
}

/* ---- what others see ---- */

static void tell(struct task *t, int kind, int filter, unsigned int data)
{
	struct model_event event = { .kind = kind, .filter = filter, .data = data };

	if (!t->world->tell)
		return;
	if (kind != MODEL_SAW_UNRECEIVED)
		event.call = t->call;
	t->world->tell(t->world, &event);
}

/* ---- section 3: what the segment's verdict does ---- */

static enum verdict final(struct task *t, long result)
{
	t->result = result;
	return FINAL;
}

static enum verdict kill(struct task *t, int how)
{
	t->out->end = how;
	return KILLED;
}

static void pend(struct task *t, enum model_signal signal)
{
	if (signal != MODEL_NO_SIGNAL)
		t->pending |= 1U << signal;
}

/*
 * A signal comes while the task waits.  Only a fatal one ends a killable wait; another
 * one is pending then.  Returns whether the wait goes on; else *verdict says.
 */
static bool waits_on(struct task *t, enum model_signal signal, bool killable,
		     enum verdict *verdict)
{
	if (signal == MODEL_SIGNAL_KILLS) {
		*verdict = kill(t, MODEL_KILLED_SIGKILL);
		return false;
	}
	pend(t, signal);
	if (!t->pending || killable)
		return true;
	*verdict = final(t, -ERESTARTSYS);
	return false;
}

static enum verdict orphan(struct task *t, unsigned int flags)
{
	/* "kills the process, as SECCOMP_RET_KILL_PROCESS does, instead of ENOSYS" */
	return flags & MODEL_KILL_ORPHANS ? kill(t, MODEL_KILLED_SIGSYS) : final(t, -ENOSYS);
}

/* "Fi's listener decides; no listener: ENOSYS, final." */
static enum verdict notify(struct task *t, int i)
{
	struct model_world *w = t->world;
	unsigned int flags = w->flags(w, i);
	bool killable = flags & MODEL_KILLABLE;
	struct model_answer answer;
	enum verdict verdict;

	if (!w->listens(w, i))
		return orphan(t, flags);
	if (t->pending && !killable)
		t->out->race = true;

	answer = w->answers(w, i, &t->call);
	if (answer.first != MODEL_NO_SIGNAL)
		tell(t, MODEL_SAW_UNRECEIVED, i, 0);
	if (!waits_on(t, answer.first, killable, &verdict))
		return verdict;
	if (answer.kind == MODEL_CLOSE && answer.unseen) {
		tell(t, MODEL_SAW_UNRECEIVED, i, 0);
		return orphan(t, flags);
	}
	tell(t, MODEL_SAW_NOTIFICATION, i, 0);
	if (!waits_on(t, answer.then, killable || (flags & MODEL_KILLABLE_RECV), &verdict))
		return verdict;

	switch (answer.kind) {
	case MODEL_CLOSE:
		return orphan(t, flags);
	case MODEL_VALUE:
	case MODEL_ERROR:
		return final(t, answer.value);
	case MODEL_CONTINUE:
		return PASS;
	case MODEL_REDIRECT:
		redirect(t, &answer.change);
		return REDIRECTED;
	}
	__builtin_unreachable();
}

/* "No tracer: ENOSYS, final.  Tracer skips the call: final.  Else …" */
static enum verdict trace(struct task *t, int i, unsigned int data)
{
	struct model_world *w = t->world;
	struct model_trace trace;

	if (!w->tracer)
		return final(t, -ENOSYS);
	tell(t, MODEL_SAW_STOP, i, data);
	trace = w->traces(w, &t->call);
	if (trace.then == MODEL_SIGNAL_KILLS)
		return kill(t, MODEL_KILLED_SIGKILL);
	pend(t, trace.then);
	if (trace.skips) {
		t->call.nr = -1;
		return final(t, trace.value);
	}
	retouch(t, &trace.change);
	return RERUN;
}

static enum verdict act(struct task *t, uint32_t value, int i, bool traced)
{
	unsigned int data = value & SECCOMP_RET_DATA;

	switch (value & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_TRAP:
		t->result = (long)data;
		return TRAPPED;
	case SECCOMP_RET_ERRNO:
		return final(t, -(long)(data < MAX_ERRNO ? data : MAX_ERRNO));
	case SECCOMP_RET_USER_NOTIF:
		return notify(t, i);
	case SECCOMP_RET_TRACE:
		return traced ? PASS : trace(t, i, data);
	case SECCOMP_RET_LOG:
		tell(t, MODEL_SAW_LOG, i, 0);
		return PASS;
	case SECCOMP_RET_ALLOW:
		return PASS;
	default:	/* KILL_PROCESS, KILL_THREAD, and what is no action */
		return kill(t, MODEL_KILLED_SIGSYS);
	}
}

/* ---- section 3: which filters run, and on what ---- */

/* "The longest outer run of chain filters": how many there are in it. */
static int chain_filters(struct model_world *w)
{
	int k = 0;

	while (k < w->filters && (w->flags(w, k) & MODEL_CHAIN))
		k++;
	return k;
}

/* "The least permissive value wins, the innermost filter on a tie." */
static uint32_t segment(struct task *t, int outermost, int innermost, int *who)
{
	uint32_t worst = 0;

	*who = -1;
	for (int i = innermost; i >= outermost; i--) {
		uint32_t value = t->world->returns(t->world, i, &t->call);

		if (*who >= 0 && (int32_t)(value & SECCOMP_RET_ACTION_FULL) >=
					 (int32_t)(worst & SECCOMP_RET_ACTION_FULL))
			continue;
		worst = value;
		*who = i;
	}
	return worst;
}

/*
 * "Filters and chain flags are those of the moment at which the call was made", but where a
 * tracer has the innermost segment run once more: that begins with the filters that are there
 * then, or something would differ from a stock kernel without chain filter and redirect.
 */
static enum verdict evaluate(struct task *t)
{
	int chains = chain_filters(t->world);
	int innermost = t->world->filters - 1;	/* of what is still to be run */
	bool traced = false;			/* TRACE counts as ALLOW */
	bool first = true;			/* it is the innermost segment, as the task called */

	t->out->segments = 0;
	while (innermost >= 0) {
		/* "Each of them is a segment of its own; all the others are one segment." */
		int outermost = innermost < chains ? innermost : chains;
		uint32_t value;
		enum verdict verdict;
		int who;

		t->out->segments++;
		value = segment(t, outermost, innermost, &who);
		verdict = act(t, value, who, traced);
		switch (verdict) {
		case PASS:
			innermost = outermost - 1;
			first = false;
			break;
		case RERUN:
			traced = true;
			if (first) {
				chains = chain_filters(t->world);
				innermost = t->world->filters - 1;
			}
			break;
		case REDIRECTED:
			/* "The filters of the same segment outside Fi … then the next segment" */
			innermost = who - 1;
			traced = false;
			first = false;
			break;
		default:
			return verdict;
		}
	}
	return PASS;
}

/*
 * "The new image's registers are left alone, also those that happen to hold a substituted
 * value (a zero)."  Its signals have no handlers.
 */
static void exec(struct task *t)
{
	t->out->execed = true;
	memset(&t->call, 0, sizeof(t->call));
	memset(t->args, 0, sizeof(t->args));
	t->nr.is = false;
	if (t->pending)
		kill(t, MODEL_KILLED_UNHANDLED);
}

/* ---- section 5: signals and restarts ---- */

static void run(struct task *t)
{
	struct model_run run = t->world->runs(t->world, &t->call);

	t->out->ran = true;
	t->out->run = t->call;
	t->result = run.value;
	if (run.execs) {
		exec(t);
		return;
	}
	if (run.forks && t->pending) {
		t->result = -ERESTARTNOINTR;
	} else if (run.forks) {
		struct task child = *t;

		restore(&child);
		t->out->forked = true;
		memcpy(t->out->child, child.call.args, sizeof(child.call.args));
	}
	if (!run.sleeps)
		return;
	if (!t->pending) {
		tell(t, MODEL_SAW_SLEEP, 0, 0);
		if (run.then == MODEL_SIGNAL_KILLS) {
			kill(t, MODEL_KILLED_SIGKILL);
			return;
		}
		pend(t, run.then);
	}
	if (t->pending)
		t->result = run.interrupted == MODEL_RESTARTSYS ? -ERESTARTSYS : -ERESTARTNOHAND;
}

static struct model_frame *frame(struct task *t, int kind)
{
	struct model_frame *f = &t->out->frame[t->out->frames % MODEL_FRAMES];

	t->out->frames++;
	*f = (struct model_frame){ .kind = kind, .result = t->result };
	memcpy(f->args, t->call.args, sizeof(f->args));
	return f;
}

/*
 * On the way to user mode, registers being restored: handlers, the one with SA_RESTART first
 * (its signal has the lower number), and the first one decides whether the call starts
 * again.  Returns that.
 */
static bool deliver(struct task *t)
{
	bool again = false;

	for (unsigned int signal = 1; t->pending; signal++) {
		if (!(t->pending & 1U << signal))
			continue;
		t->pending &= ~(1U << signal);
		if (t->result <= -ERESTARTSYS && t->result >= -ERESTARTNOHAND) {
			again = t->result == -ERESTARTNOINTR ||
				(t->result == -ERESTARTSYS && signal == MODEL_SIGNAL_RESTARTS);
			t->result = again ? t->call.nr : -EINTR;
		}
		frame(t, MODEL_FRAME_SIGNAL)->signal = signal;
	}
	return again;
}

/* "The signal frame shows the original registers, and si_syscall the original number." */
static void trap(struct task *t)
{
	unsigned int data = (unsigned int)t->result;
	struct model_frame *f;

	t->result = t->call.nr;
	f = frame(t, MODEL_FRAME_SIGSYS);
	f->data = data;
	f->nr = t->call.nr;
}

void model_call(struct model_world *world, const struct model_call *made,
		struct model_outcome *outcome)
{
	struct task t = { .world = world, .out = outcome, .call = *made };

	*outcome = (struct model_outcome){ .end = MODEL_RETURNED };
	do {
		enum verdict verdict = evaluate(&t);

		outcome->evaluations++;
		outcome->ran = false;
		if (verdict == PASS)
			run(&t);
		if (outcome->end != MODEL_RETURNED)
			return;
		restore(&t);
		if (verdict == TRAPPED)
			trap(&t);
	} while (deliver(&t));
	outcome->result = t.result;
	memcpy(outcome->args, t.call.args, sizeof(outcome->args));
}
