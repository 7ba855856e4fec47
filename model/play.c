// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A scenario by the kernel: one process is supervisor of all listeners and tracer; the task
 * is play_task.c, and what both find is made in play_once.c.
 *
 * Nothing is done at a time, all of it on a condition.  What does not come in PATIENCE
 * seconds is a difference.
 */
#define _GNU_SOURCE
#include "play.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../lib/uapi.h"

#define PATIENCE 60
#define TICK 1				/* milliseconds: how often it is looked whether a call sleeps */

struct play {
	const struct scenario *s;
	struct results *results;
	pid_t pid;			/* 0: it is dead */
	int listener[MAX_FILTERS];	/* -1: none, or closed */
	int syscall_fd, wchan_fd;	/* /proc/PID/syscall, /proc/PID/wchan */
	int call, step;
	int next;			/* filter, of those that come late */
	int execs;			/* after which the pin of this address space was made */
	int held;			/* the status of a stop that is not looked at yet, or 0 */
	time_t since;
};

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void stuck(struct play *p, const char *why)
{
	if (!p->results->stuck)
		p->results->stuck = why;
	if (p->pid) {
		kill(p->pid, SIGKILL);
		waitpid(p->pid, NULL, __WALL);
		p->pid = 0;
	}
}

static const struct step *next_step(struct play *p)
{
	static const struct step nothing;

	return p->step < MAX_STEPS ? &p->s->one[p->call].step[p->step++] : &nothing;
}

/* Something has happened to the call that is being made. */
static struct model_event *event(struct play *p, int kind, int filter)
{
	static struct model_event lost;
	struct result *result;
	struct model_event *e;

	if (shared.current != p->call) {
		p->call = shared.current;
		p->step = 0;
	}
	result = &p->results->result[p->call];
	e = result->events < MAX_EVENTS ? &result->event[result->events] : &lost;
	result->events++;
	*e = (struct model_event){ .kind = kind, .filter = filter };
	return e;
}

static void died(struct play *p, int status)
{
	int *end = (int *)&p->results->result[shared.current].outcome.end;

	p->pid = 0;
	/* Of threads that die alone the last one's status is that of all. */
	if (WIFEXITED(status)) {
		if (shared.threads && shared.done < p->s->calls)
			*end = MODEL_KILLED_SIGSYS;
		return;
	}
	if (WTERMSIG(status) == SIGSYS)
		*end = MODEL_KILLED_SIGSYS;
	else if (WTERMSIG(status) == SIGUSR1 || WTERMSIG(status) == SIGUSR2)
		*end = MODEL_KILLED_UNHANDLED;
	else if (WTERMSIG(status) == SIGKILL)
		*end = MODEL_KILLED_SIGKILL;
	else
		stuck(p, "the task died of a signal of its own");
}

/* What waitpid() has: death and delivery of signals at once, a stop of a filter is held. */
static void look_at_status(struct play *p)
{
	int status;

	while (p->pid && !p->held && waitpid(p->pid, &status, WNOHANG | __WALL) > 0) {
		if (!WIFSTOPPED(status))
			died(p, status);
		else if (status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8))
			p->held = status;
		else
			ptrace(PTRACE_CONT, p->pid, 0, WSTOPSIG(status));
	}
}

static void drain_sigchld(void)
{
	struct signalfd_siginfo si;

	while (read(sigchld_fd, &si, sizeof(si)) > 0)
		;
}

static bool patient(struct play *p)
{
	if (seconds() - p->since < PATIENCE)
		return true;
	stuck(p, "nothing happens");
	return false;
}

/* Send a signal; wait until its handler has run, or the task is dead, where it is due. */
static void send_signal(struct play *p, enum model_signal signal, bool due)
{
	static const int numbers_of[] = { 0, SIGUSR1, SIGUSR2, SIGKILL };
	const volatile int *frames = &shared.seen[p->call].frames;
	int before = *frames;

	kill(p->pid, numbers_of[signal]);
	if (!due && signal != MODEL_SIGNAL_KILLS)
		return;
	for (int n = 0; p->pid && (signal == MODEL_SIGNAL_KILLS || *frames == before); n++) {
		struct pollfd fd = { .fd = sigchld_fd, .events = POLLIN };

		poll(&fd, 1, n < 20 ? 0 : TICK);
		drain_sigchld();
		look_at_status(p);
		if (!patient(p))
			return;
		sched_yield();
	}
}

/*
 * The pin of this address space, which the task shares, or of its own, after an exec.  It is
 * made where a redirect first needs it; until then a redirect to it must be refused.
 */
static bool pin_ready(struct play *p, int i, const struct seccomp_notif_resp_redirect *resp)
{
	struct seccomp_notif_pin_install pin = { .id = resp->id, .memfd = (uint32_t)pin_fd,
						 .target_addr = PIN, .size = 4096 };
	static bool made;

	if (shared.execs ? p->execs == shared.execs : made)
		return true;
	if (!ioctl(p->listener[i], SECCOMP_IOCTL_NOTIF_SEND_REDIRECT, resp) || errno != EFAULT ||
	    ioctl(p->listener[i], SECCOMP_IOCTL_NOTIF_PIN_INSTALL, &pin) ||
	    pin.target_addr != PIN)
		return false;
	made = made || !shared.execs;
	p->execs = shared.execs;
	return true;
}

static void redirect(struct play *p, int i, uint64_t id, const struct model_change *made)
{
	const struct model_change is = change_in(made, p->s->one[p->call].narrow), *change = &is;
	struct seccomp_notif_resp_redirect resp = {
		.id = id,
		.flags = SECCOMP_REDIRECT_FLAG_CONTINUE,
		.args_mask = change->mask,
	};

	for (int n = 0; n < 6; n++)
		if (change->mask & 1U << n)
			resp.args[n] = change->args[n];
	if (change->changes_nr) {
		resp.flags |= SECCOMP_REDIRECT_FLAG_NR;
		resp.nr = change->nr;
	}
	if (change->mask & 1 && IN_PIN(change->args[0])) {
		resp.ptr_mask = 1;
		resp.ptr_len[0] = NAME_SPACE;
		resp.memfd = (uint32_t)pin_fd;
		if (!pin_ready(p, i, &resp)) {
			stuck(p, "PIN_INSTALL fails, or a pin is there that nobody made");
			return;
		}
	}
	if (ioctl(p->listener[i], SECCOMP_IOCTL_NOTIF_SEND_REDIRECT, &resp))
		stuck(p, "SEND_REDIRECT fails");
}

static void answer(struct play *p, int i, uint64_t id, const struct model_answer *answer)
{
	struct seccomp_notif_resp resp = { .id = id };

	switch (answer->kind) {
	case MODEL_REDIRECT:
		if (p->s->filter[i].redirects) {
			redirect(p, i, id, &answer->change);
			return;
		}
		/* fall through */
	case MODEL_CONTINUE:
		resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		break;
	case MODEL_VALUE:
		resp.val = answer->value;
		break;
	case MODEL_ERROR:
		resp.error = (int)answer->value;
		break;
	case MODEL_CLOSE:
		close(p->listener[i]);
		p->listener[i] = -1;
		return;
	}
	if (ioctl(p->listener[i], SECCOMP_IOCTL_NOTIF_SEND, &resp))
		stuck(p, "SEND fails");
}

static void set_call(struct model_event *e, int nr, const uint64_t *args)
{
	e->call.nr = nr;
	memcpy(e->call.args, args, sizeof(e->call.args));
}

/* Have the second thread do something, whatever the first one waits for. */
static bool ask(struct play *p, int what, int subject)
{
	static const struct timespec tick = { .tv_nsec = 1000000L * TICK };

	ask_thread(what, subject);
	while (!shared.thread_done) {
		raw(SYS_futex, (long)&shared.thread_done, FUTEX_WAIT, 0, (long)&tick);
		if (!patient(p))
			return false;
	}
	return true;
}

/* Filter i has been installed, or not; by a program that has descriptors of its own. */
static void take_listener(struct play *p, int i, bool own)
{
	long is = shared.installed[i];

	p->results->installed[i] = is < 0 ? (int)is : 0;
	if (!p->s->filter[i].listener || is < 0)
		return;
	if (own) {
		int task = (int)syscall(SYS_pidfd_open, p->pid, 0);

		p->listener[i] = (int)syscall(SYS_pidfd_getfd, task, (int)is, 0);
		close(task);
		if (p->listener[i] < 0 || !ask(p, THREAD_CLOSES, (int)is)) {
			stuck(p, "the listener cannot be taken");
			return;
		}
	} else {
		p->listener[i] = (int)is;
	}
	if (p->s->filter[i].sync)
		ioctl(p->listener[i], SECCOMP_IOCTL_NOTIF_SET_FLAGS,
		      SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
}

/* Another filter, for all threads, while the first one waits. */
static void install_late(struct play *p)
{
	int i = p->next;

	if (i == p->s->filters)
		return;
	p->next++;
	if (ask(p, THREAD_INSTALLS, i))
		take_listener(p, i, shared.execs > 0);
}

/* There is a notification for the listener of a filter. */
static void notification(struct play *p, int i)
{
	unsigned int flags = p->s->filter[i].flags;
	bool killable = flags & MODEL_KILLABLE;
	const struct model_answer *a;
	const struct step *step;
	struct seccomp_notif req = { 0 };
	struct model_event *e;

	e = event(p, MODEL_SAW_UNRECEIVED, i);
	step = next_step(p);
	a = &step->answer;
	if (a->first != MODEL_NO_SIGNAL) {
		send_signal(p, a->first, !killable);
		if (!killable || a->first == MODEL_SIGNAL_KILLS)
			return;
		e = event(p, MODEL_SAW_UNRECEIVED, i);
	}
	if (a->kind == MODEL_CLOSE && a->unseen) {
		answer(p, i, 0, a);
		return;
	}
	e->kind = MODEL_SAW_NOTIFICATION;
	if (ioctl(p->listener[i], SECCOMP_IOCTL_NOTIF_RECV, &req)) {
		stuck(p, "RECV fails");
		return;
	}
	set_call(e, req.data.nr, (const uint64_t *)req.data.args);
	if (late_at_answer(step))
		install_late(p);
	if (!p->pid)
		return;
	if (a->then != MODEL_NO_SIGNAL) {
		killable = killable || (flags & MODEL_KILLABLE_RECV);
		send_signal(p, a->then, !killable);
		if (!killable || a->then == MODEL_SIGNAL_KILLS)
			return;
	}
	answer(p, i, req.id, a);
}

/* The task is at the stop of a filter that returned TRACE. */
static void filter_stop(struct play *p)
{
	struct user_regs_struct regs;
	unsigned long long *wide[] = { &regs.rdi, &regs.rsi, &regs.rdx,
				       &regs.r10, &regs.r8,  &regs.r9 };
	unsigned long long *low[] = { &regs.rbx, &regs.rcx, &regs.rdx,
				      &regs.rsi, &regs.rdi, &regs.rbp };
	uint64_t now[6];
	struct model_event *e = event(p, MODEL_SAW_STOP, 0);
	const struct step *step = next_step(p);
	const struct model_trace *t = &step->trace;
	const bool narrow = p->s->one[p->call].narrow;
	const struct model_change change = change_in(&t->change, narrow);
	unsigned long long **args = narrow ? low : wide;
	unsigned long data;

	p->held = 0;
	if (step->late)
		install_late(p);
	if (!p->pid)
		return;
	if (ptrace(PTRACE_GETEVENTMSG, p->pid, 0, &data) ||
	    ptrace(PTRACE_GETREGS, p->pid, 0, &regs)) {
		stuck(p, "the task cannot be traced");
		return;
	}
	e->data = (unsigned int)data;
	for (int i = 0; i < 6; i++) {
		now[i] = *args[i];
		if (change.mask & 1U << i)
			*args[i] = change.args[i];
	}
	set_call(e, (int)regs.orig_rax, now);
	if (change.changes_nr)
		regs.orig_rax = (unsigned long long)change.nr;
	if (t->then == MODEL_SIGNAL_KILLS) {
		send_signal(p, t->then, true);
		return;
	}
	if (t->skips) {
		regs.orig_rax = -1ULL;
		regs.rax = (unsigned long long)t->value;
	}
	if (ptrace(PTRACE_SETREGS, p->pid, 0, &regs))
		stuck(p, "the task cannot be traced");
	if (t->then != MODEL_NO_SIGNAL)
		send_signal(p, t->then, false);
	ptrace(PTRACE_CONT, p->pid, 0, 0);
}

static bool anything(struct play *p, struct pollfd *fds, int timeout)
{
	int n = 0;

	for (int i = 0; i < p->s->filters; i++)
		fds[n++] = (struct pollfd){ .fd = p->listener[i], .events = POLLIN };
	fds[n++] = (struct pollfd){ .fd = sigchld_fd, .events = POLLIN };
	return poll(fds, (nfds_t)n, timeout) > 0;
}

static bool read_text(int fd, char *text, size_t size)
{
	ssize_t n = pread(fd, text, size - 1, 0);

	text[n > 0 ? n : 0] = 0;
	return n > 0;
}

/*
 * Does it sleep in a call that runs?  /proc/PID/syscall also has the call of a task that
 * waits for a listener, or is about to wake up; /proc/PID/wchan has where it sleeps, and
 * nothing where it was woken.
 */
static void look_at_sleep(struct play *p)
{
	struct pollfd fds[MAX_FILTERS + 1];
	enum model_signal signal;
	struct model_event *e;
	char text[256];
	bool narrow, pauses;
	uint64_t args[6];
	long nr;

	if (!read_text(p->syscall_fd, text, sizeof(text)))
		return;
	if (sscanf(text, "%ld %lx %lx %lx %lx %lx %lx", &nr, &args[0], &args[1], &args[2], &args[3],
		   &args[4], &args[5]) != 7)
		return;
	/* It is the table of what is being made, where it has not gone on meanwhile. */
	narrow = shared.current >= 0 && p->s->one[shared.current].narrow;
	pauses = nr == number_in(SYS_pause, narrow);
	if (!pauses && !(nr == number_in(SYS_read, narrow) &&
			 (unsigned int)args[0] == FD_SLEEP && args[2]))
		return;
	if (!read_text(p->wchan_fd, text, sizeof(text)) ||
	    !strstr(text, pauses ? "pause" : "pipe_read"))
		return;
	if (anything(p, fds, 0))
		return;
	look_at_status(p);
	if (!p->pid || p->held)
		return;
	e = event(p, MODEL_SAW_SLEEP, 0);
	set_call(e, (int)nr, args);
	signal = next_step(p)->sleep;
	if (signal == MODEL_NO_SIGNAL && pauses)
		signal = MODEL_SIGNAL_INTERRUPTS;
	if (signal != MODEL_NO_SIGNAL)
		send_signal(p, signal, true);
	else if (write(FD_SLEEP_END, "!", 1) != 1)
		stuck(p, "the pipe cannot be written");
}

static void supervise(struct play *p)
{
	struct pollfd fds[MAX_FILTERS + 1];
	int done = 0;

	p->since = seconds();
	while (p->pid) {
		bool any = anything(p, fds, p->held ? 0 : TICK);

		if (shared.done != done || any)
			p->since = seconds();
		done = shared.done;
		for (int i = 0; any && p->pid && i < p->s->filters; i++)
			if (p->listener[i] >= 0 && fds[i].revents & POLLIN)
				notification(p, i);
		if (any && fds[p->s->filters].revents)
			drain_sigchld();
		if (p->s->tracer || !any || fds[p->s->filters].revents)
			look_at_status(p);
		if (p->held)
			filter_stop(p);
		else if (!any && p->pid)
			look_at_sleep(p);
		if (p->pid && !patient(p))
			return;
	}
}

static bool start(struct play *p)
{
	const struct scenario *s = p->s;
	char path[64];

	shared.s = *s;
	shared.threads = false;
	shared.ready = shared.go = shared.current = shared.done = shared.execs = 0;
	p->next = early_filters(s);
	memset(shared.seen, 0, sizeof(shared.seen));
	for (int i = 0; i < s->filters; i++) {
		const struct filter *f = &s->filter[i];

		shared.threads = shared.threads || f->by != BY_TASK;
		shared.program[i].filter = shared.insn[i];
		shared.program[i].len = (unsigned short)program_of(f, shared.insn[i]);
		shared.flags[i] =
			(f->flags & MODEL_CHAIN ? SECCOMP_FILTER_FLAG_CHAIN : 0) |
			(f->listener ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0) |
			(shared.threads ? SECCOMP_FILTER_FLAG_TSYNC |
					  SECCOMP_FILTER_FLAG_TSYNC_ESRCH : 0) |
			(f->redirects ? SECCOMP_FILTER_FLAG_REDIRECT : 0) |
			(f->flags & MODEL_KILLABLE ? SECCOMP_FILTER_FLAG_WAIT_KILLABLE : 0) |
			(f->flags & MODEL_KILLABLE_RECV ? SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV :
							  0) |
			(f->flags & MODEL_KILL_ORPHANS ? SECCOMP_FILTER_FLAG_KILL_ORPHANS : 0);
		p->listener[i] = -1;
	}
	p->pid = clone(task, shared.stack + sizeof(shared.stack), CLONE_VM | CLONE_FILES | SIGCHLD,
		       NULL);
	if (p->pid < 0) {
		p->pid = 0;
		stuck(p, "no process can be made");
		return false;
	}
	snprintf(path, sizeof(path), "/proc/%d/syscall", (int)p->pid);
	p->syscall_fd = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/wchan", (int)p->pid);
	p->wchan_fd = open(path, O_RDONLY | O_CLOEXEC);
	wait_for_one(&shared.ready);
	/* It may have become another program since, which has none of them. */
	for (int i = 0; i < p->next; i++)
		take_listener(p, i, false);
	if (s->tracer) {
		if (ptrace(PTRACE_SEIZE, p->pid, 0, PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL))
			stuck(p, "the task cannot be traced");
		raise_to_one(&shared.go);
	}
	return true;
}

static void collect(struct play *p)
{
	int bytes = 0;

	for (int c = 0; c < p->results->calls; c++) {
		const struct seen *seen = &shared.seen[c];
		struct model_outcome *o = &p->results->result[c].outcome;

		o->result = (long)seen->after.nr;
		memcpy(o->args, seen->after.args, sizeof(o->args));
		o->forked = seen->forked;
		o->execed = seen->execed;
		memcpy(o->child, seen->child, sizeof(o->child));
		o->frames = seen->frames;
		memcpy(o->frame, seen->frame, sizeof(o->frame));
	}
	if (ioctl(FD_SLEEP, FIONREAD, &bytes) || bytes) {
		char text[64];

		stuck(p, "a byte is left that nobody has read");
		if (bytes > 0 && read(FD_SLEEP, text, sizeof(text)) < 0)
			p->results->stuck = "the pipe cannot be read";
	}
}

void scenario_play(const struct scenario *s, struct results *results)
{
	struct play p = { .s = s, .results = results, .syscall_fd = -1, .wchan_fd = -1, .call = -1 };

	memset(results, 0, sizeof(*results));
	if (start(&p))
		supervise(&p);
	drain_sigchld();
	results->calls = shared.done < s->calls ? shared.done + 1 : s->calls;
	collect(&p);
	for (int i = 0; i < s->filters; i++)
		if (p.listener[i] >= 0)
			close(p.listener[i]);
	if (p.syscall_fd >= 0)
		close(p.syscall_fd);
	if (p.wchan_fd >= 0)
		close(p.wchan_fd);
}
