/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls that come by a notification.
 *
 * A stop costs more than a notification, and most calls that only look at a file are answered
 * by the supervisor anyway.  Those come by a listener: while one waits for its answer, its
 * thread can no more run than at a stop.
 *
 * The supervisor cannot answer all of them, and to let one go on would let the kernel read
 * its arguments again.  Such a call is diverted: it is told to restart, and its thread is
 * interrupted on its way out, where a register that it does not use gets a mark.  So when it
 * is made again the filter lets it stop, and it runs from a pin as any other one.  No signal
 * comes in between.  The mark is also in what runs under such a number for another reason.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cleanup.h"
#include "ptrace.h"

/* Of what it is waited for; the landmarks have two descriptors. */
enum { EVENT_NOTICE, EVENT_STOP, EVENTS = LANDMARKS_CHANGE + 1 };

int note_hand_over(int listener)
{
	return prctl((int)FILTER_DIVERTED, listener, 0, 0, 0) ? -errno : 0;
}

bool note_is_hand_over(const struct supervisor *s, const struct __ptrace_syscall_info *info)
{
	return s->awaits && info->entry.nr == SYS_prctl && info->entry.args[0] == FILTER_DIVERTED;
}

/* Nothing is called here that could fail: errno is the supervisor's. */
static int keep_listener(void *pidfd)
{
	struct pollfd end = { .fd = (int)(intptr_t)pidfd, .events = POLLIN };

	syscall(SYS_ppoll, &end, 1, NULL, NULL, 0);
	return 0;
}

/*
 * When the supervisor dies its descriptors are closed before its tracees are killed: what they
 * had called would answer ENOSYS, and they would act on that for a moment.  Somebody who has
 * the same descriptors keeps them open until it is really gone.
 */
static void guard_listener(void)
{
	static _Alignas(16) char stack[4096];
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (pidfd >= 0)
		clone(keep_listener, stack + sizeof(stack), CLONE_VM | CLONE_FILES | CLONE_PARENT,
		      (void *)(intptr_t)pidfd);
}

/*
 * A table of descriptors that two processes share grows only after everybody else has been
 * waited for (RCU): that takes 10 ms.  It grows before it is shared.
 */
static void grow_table(int fd)
{
	int last = fcntl(fd, F_DUPFD_CLOEXEC, 4 * LANDMARKS - 1);

	cleanup_close(&last);
}

/* One for the listener, and one for stops. */
static int watch(struct supervisor *s, int listener)
{
	struct epoll_event notice = { .events = EPOLLIN, .data.u32 = EVENT_NOTICE };
	struct epoll_event stop = { .events = EPOLLIN, .data.u32 = EVENT_STOP };
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	s->stops = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	s->events = epoll_create1(EPOLL_CLOEXEC);
	if (s->stops >= 0 && s->events >= 0 &&
	    !epoll_ctl(s->events, EPOLL_CTL_ADD, listener, &notice) &&
	    !epoll_ctl(s->events, EPOLL_CTL_ADD, s->stops, &stop))
		return 0;
	return -errno;
}

void note_take(struct supervisor *s, struct thread *thread,
	       const struct __ptrace_syscall_info *info)
{
	int fd = courier_fetch(thread->tid, thread->process->tgid, (int)info->entry.args[1]);
	int err = fd < 0 ? fd : watch(s, fd);

	s->awaits = false;
	if (err && fd >= 0) {
		close(fd);
		fd = err;
	}
	if (fd >= 0) {
		filter_wake_in_place(fd);
		place_hold(&s->placing, &s->waiting);
		grow_table(fd);
		guard_listener();
		s->listener = fd;
		s->landmarks.events = s->events;
	}
	thread_skip(thread, fd < 0 ? fd : 0);
	thread_resume(thread, 0);
}

void note_divert(struct thread *thread)
{
	struct flight *flight = thread->flight;
	const struct note note = flight->note;

	flight->note = (struct note){ 0 };
	flight->diverted = true;
	thread->state = STATE_DIVERTED;
	thread->marked = false;
	if (ptrace(PTRACE_INTERRUPT, thread->tid, NULL, NULL) && errno != ESRCH)
		thread_kill(thread);
	note_restart(&note);
}

static void check_done(struct thread *thread, int err)
{
	if (err && !gone(err))
		thread_kill(thread);
}

static void put(struct thread *thread, uint64_t value)
{
	check_done(thread, regs_put_arg(thread->tid, thread->flight->call.arch,
					FILTER_DIVERTED_ARG, value));
}

void note_mark(struct thread *thread)
{
	if (thread->state != STATE_DIVERTED || thread->marked)
		return;
	put(thread, FILTER_DIVERTED);
	thread->marked = true;
	check_done(thread, signals_hold(thread));
}

void note_arrived(struct thread *thread)
{
	check_done(thread, signals_release(thread));
	thread->state = STATE_FREE;
	thread->marked = false;
}

void note_unmark(struct thread *thread)
{
	const struct flight *flight = thread->flight;

	if (flight && flight->diverted)
		put(thread, regs_arg(&flight->original, flight->call.arch, FILTER_DIVERTED_ARG));
}

void note_astray(const struct supervisor *s, struct thread *thread)
{
	if (!thread->flight->undecided)
		flight_tell(s->options, thread->flight, "", EINTR);
	if (thread->marked) {
		note_unmark(thread);
		note_arrived(thread);
	}
	thread_drop_flight(thread);
	thread->state = STATE_FREE;
}

/*
 * A call that we have not received yet was interrupted.  None of those that are sent to us
 * would have been, without us: it is made again after any handler.
 */
static void insist(const struct supervisor *s, pid_t tid)
{
	struct __ptrace_syscall_info info;
	struct regs regs, changed;
	uint64_t args[6];
	int err = regs_get(tid, &regs);

	if (err || regs_result(&regs) != -ERESTARTSYS ||
	    ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) < 0)
		return;
	for (unsigned int i = 0; i < 6; i++)
		args[i] = regs_arg(&regs, AUDIT_ARCH_X86_64, i);
	if (filter_answers(s->options, s->filter, info.arch, regs_number(&regs), args)) {
		changed = regs;
		regs_set_result(&changed, -ERESTARTNOINTR);
		regs_change(tid, &regs, &changed);
	}
}

void note_signalled(const struct supervisor *s, struct thread *thread, int signal)
{
	if (thread->state == STATE_FREE && s->listener && !thread->interrupted)
		insist(s, thread->tid);
	thread->interrupted = false;
	/* Of those that nobody can hold this one has no handler. */
	if (thread->state == STATE_DIVERTED && signal != SIGSTOP)
		note_astray(s, thread);
}

static void notified(struct supervisor *s, const struct seccomp_notif *kernel)
{
	const struct note note = { s->listener, kernel->id };
	struct thread *thread = task_find(&s->tasks, (pid_t)kernel->pid);
	struct __ptrace_syscall_info info;

	/* Nobody else is under the filter; what runs for a thread bears a mark. */
	if (!thread || thread->state != STATE_FREE || thread->at_entry) {
		if (thread)
			thread_kill(thread);
		else
			kill((pid_t)kernel->pid, SIGKILL);
		note_value(&note, -EPERM);
		return;
	}
	/*
	 * They are numbered as they come.  This one was there when it was waited for, or it is
	 * a later one, since those before it were taken back meanwhile.
	 */
	if (kernel->id != s->next_notice)
		landmarks_look(&s->landmarks);
	s->next_notice = kernel->id + 1;
	place_call(&s->placing, thread);
	memset(&info, 0, sizeof(info));
	info.op = PTRACE_SYSCALL_INFO_SECCOMP;
	info.arch = kernel->data.arch;
	info.entry.nr = (uint64_t)kernel->data.nr;
	memcpy(info.entry.args, kernel->data.args, sizeof(info.entry.args));
	call_notice(s, thread, &info, &note);
}

/* No task is left under the filter. */
static void end(struct supervisor *s)
{
	close(s->events);
	close(s->listener);
	close(s->stops);
	s->listener = 0;
}

/*
 * What is there to be seen.  The landmarks are looked at when the notification was there: what
 * changed before it was made shows with it.
 */
static bool wait_for_events(struct supervisor *s, int timeout, uint32_t seen[EVENTS])
{
	struct epoll_event events[EVENTS + 1];
	int n = epoll_pwait(s->events, events, EVENTS + 1, timeout, &s->waiting);

	for (int i = 0; i < n; i++)
		seen[events[i].data.u32] |= events[i].events;
	if (n > 0)
		landmarks_looked(&s->landmarks, seen[LANDMARKS_CHANGE]);
	return n > 0;
}

static void serve(struct supervisor *s, int timeout)
{
	for (unsigned int turns = 0; turns < NOTE_TURNS; turns++) {
		uint32_t seen[EVENTS] = { 0 };
		struct signalfd_siginfo signal;
		struct seccomp_notif notice;

		if (!wait_for_events(s, timeout, seen))
			return;
		if (seen[EVENT_NOTICE] & EPOLLIN) {
			memset(&notice, 0, sizeof(notice));
			/* Else who had made the call was killed. */
			if (!ioctl(s->listener, SECCOMP_IOCTL_NOTIF_RECV, &notice))
				notified(s, &notice);
		} else if (seen[EVENT_NOTICE]) {
			end(s);
			return;
		}
		if (seen[EVENT_STOP]) {
			/* Taken before it is waited for: who stops after that is told of anew. */
			if (read(s->stops, &signal, sizeof(signal)) < 0 && errno != EAGAIN)
				end(s);
			return;
		}
	}
}

void note_wait(struct supervisor *s)
{
	serve(s, -1);
}

void note_look(struct supervisor *s)
{
	serve(s, 0);
}
