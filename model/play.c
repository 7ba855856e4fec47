// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A scenario by the kernel: one process is supervisor of all listeners and tracer; the task
 * is play_task.c.
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
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
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
	int held;			/* the status of a stop that is not looked at yet, or 0 */
	time_t since;
};

static int sigchld_fd = -1, pin_fd = -1;

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
	if (WIFEXITED(status))
		return;
	if (WTERMSIG(status) == SIGSYS)
		*end = MODEL_KILLED_SIGSYS;
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
 * The pin of this address space, which the task shares.  It is made where a redirect first
 * needs it.
 */
static bool pin_ready(struct play *p, int i, uint64_t id)
{
	struct seccomp_notif_pin_install pin = { .id = id, .memfd = (uint32_t)pin_fd,
						 .target_addr = PIN, .size = 4096 };
	static bool made;

	if (!made && (ioctl(p->listener[i], SECCOMP_IOCTL_NOTIF_PIN_INSTALL, &pin) ||
		      pin.target_addr != PIN))
		return false;
	made = true;
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
	if (change->mask & 1 && IN_PIN(change->args[0])) {
		if (!pin_ready(p, i, id)) {
			stuck(p, "PIN_INSTALL fails");
			return;
		}
		resp.ptr_mask = 1;
		resp.ptr_len[0] = NAME_SPACE;
		resp.memfd = (uint32_t)pin_fd;
	}
	if (change->changes_nr) {
		resp.flags |= SECCOMP_REDIRECT_FLAG_NR;
		resp.nr = change->nr;
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

/* There is a notification for the listener of a filter. */
static void notification(struct play *p, int i)
{
	unsigned int flags = p->s->filter[i].flags;
	bool killable = flags & MODEL_KILLABLE;
	const struct model_answer *a;
	struct seccomp_notif req = { 0 };
	struct model_event *e;

	e = event(p, MODEL_SAW_UNRECEIVED, i);
	a = &next_step(p)->answer;
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
	const struct model_trace *t = &next_step(p)->trace;
	const bool narrow = p->s->one[p->call].narrow;
	const struct model_change change = change_in(&t->change, narrow);
	unsigned long long **args = narrow ? low : wide;
	unsigned long data;

	p->held = 0;
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

	shared.s = s;
	shared.ready = shared.go = shared.current = shared.done = 0;
	memset(shared.seen, 0, sizeof(shared.seen));
	for (int i = 0; i < s->filters; i++) {
		const struct filter *f = &s->filter[i];

		shared.program[i].filter = shared.insn[i];
		shared.program[i].len = (unsigned short)program_of(f, shared.insn[i]);
		shared.flags[i] =
			(f->flags & MODEL_CHAIN ? SECCOMP_FILTER_FLAG_CHAIN : 0) |
			(f->listener ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0) |
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
	for (int i = 0; i < s->filters; i++) {
		p->results->installed[i] = shared.installed[i] < 0 ? (int)shared.installed[i] : 0;
		if (!s->filter[i].listener || shared.installed[i] < 0)
			continue;
		p->listener[i] = (int)shared.installed[i];
		if (s->filter[i].sync)
			ioctl(p->listener[i], SECCOMP_IOCTL_NOTIF_SET_FLAGS,
			      SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	}
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

/* ---- once ---- */

/* A link for each name, and the paths of them in the order of NAMES, and that of PIN. */
static int name_links(void)
{
	char dir[] = "/tmp/links-XXXXXX";
	char (*names)[NAME_SPACE], (*pinned)[NAME_SPACE];

	names = mmap((void *)NAMES, 4096, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	pin_fd = memfd_create("pin", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (names == MAP_FAILED || pin_fd < 0 || ftruncate(pin_fd, 4096) || !mkdtemp(dir))
		return -errno;
	pinned = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, pin_fd, 0);
	if (pinned == MAP_FAILED ||
	    fcntl(pin_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE))
		return -errno;
	for (int i = 0; i < ALL_NAMES; i++) {
		char text[] = "nowhere...";

		text[LINK_LEN(i)] = 0;
		snprintf(names[i], NAME_SPACE, "%s/%d", dir, i);
		memcpy(pinned[ALL_NAMES - 1 - i], names[i], NAME_SPACE);
		if (symlink(text, names[i]))
			return -errno;
	}
	munmap(pinned, 4096);
	return 0;
}

int scenario_prepare(void)
{
	static const int flags[] = { [SIGSYS] = SA_SIGINFO, [SIGUSR1] = SA_SIGINFO | SA_RESTART,
				     [SIGUSR2] = SA_SIGINFO };
	struct rlimit no_core = { 0, 0 };
	sigset_t chld;
	int pipes[2], err;

	setrlimit(RLIMIT_CORE, &no_core);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	for (int sig = 1; sig <= SIGSYS; sig++) {
		struct sigaction action = { .sa_sigaction = on_signal };

		if (sig != SIGSYS && sig != SIGUSR1 && sig != SIGUSR2)
			continue;
		action.sa_flags = flags[sig];
		sigfillset(&action.sa_mask);
		if (sigaction(sig, &action, NULL))
			return -errno;
	}
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &chld, NULL))
		return -errno;
	sigchld_fd = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	if (sigchld_fd < 0 || pipe2(pipes, O_CLOEXEC))
		return -errno;
	if (dup2(pipes[0], FD_SLEEP) < 0 || dup2(pipes[1], FD_SLEEP_END) < 0)
		return -errno;
	close(pipes[0]);
	close(pipes[1]);
	err = sized_file(FD_SMALL, SIZE_SMALL);
	if (!err)
		err = sized_file(FD_LARGE, SIZE_LARGE);
	if (err)
		return err;
	if (mmap((void *)BUFFER, 4096, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED)
		return -errno;
	return name_links();
}
