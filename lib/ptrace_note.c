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
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cleanup.h"
#include "ptrace.h"

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

void note_take(struct supervisor *s, struct thread *thread,
	       const struct __ptrace_syscall_info *info)
{
	int fd = courier_fetch(thread->tid, thread->process->tgid, (int)info->entry.args[1]);
	sigset_t child;

	s->awaits = false;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	if (fd >= 0) {
		s->stops = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
		if (s->stops < 0) {
			int err = -errno;

			close(fd);
			fd = err;
		}
	}
	if (fd >= 0) {
		filter_wake_in_place(fd);
		place_hold(&s->placing, &s->waiting);
		grow_table(fd);
		guard_listener();
		s->listener = fd;
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
	close(s->listener);
	close(s->stops);
	s->listener = 0;
}

static void serve(struct supervisor *s, const struct timespec *patience)
{
	/* The landmarks come last: they are looked at when the notification was there. */
	struct pollfd fds[4] = { { .fd = s->listener, .events = POLLIN },
				 { .fd = s->stops, .events = POLLIN } };

	for (unsigned int turns = 0; turns < NOTE_TURNS; turns++) {
		struct signalfd_siginfo signal;
		struct seccomp_notif notice;

		landmarks_poll(&s->landmarks, &fds[2]);
		if (ppoll(fds, 4, patience, &s->waiting) <= 0)
			return;
		landmarks_polled(&s->landmarks, &fds[2]);
		if (fds[0].revents & POLLIN) {
			memset(&notice, 0, sizeof(notice));
			/* Else who had made the call was killed. */
			if (!ioctl(s->listener, SECCOMP_IOCTL_NOTIF_RECV, &notice))
				notified(s, &notice);
		} else if (fds[0].revents) {
			end(s);
			return;
		}
		if (fds[1].revents) {
			/* Taken before it is waited for: who stops after that is told of anew. */
			if (read(s->stops, &signal, sizeof(signal)) < 0 && errno != EAGAIN)
				end(s);
			return;
		}
	}
}

void note_wait(struct supervisor *s)
{
	serve(s, NULL);
}

void note_look(struct supervisor *s)
{
	const struct timespec at_once = { 0 };

	serve(s, &at_once);
}
