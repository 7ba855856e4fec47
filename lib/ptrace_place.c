/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the supervisor and a thread run.
 *
 * A call that stops, or is sent to a listener, hands the processor over and back.  Between two
 * processors that is a wake-up of the other one each time, which takes longer than all that is
 * done about the call, and left alone the scheduler takes them apart.  So where one thread
 * makes such calls again and again, and no other does, it and the supervisor are kept on one
 * processor.  They are let go when another thread makes one, and every TICK; then the scheduler
 * places them anew.
 *
 * The thread must not notice.  It is let go before a call that shows or sets how a thread is
 * scheduled, or that may take from us the right to let it go, and kept from being placed until
 * that is over; a child begins with what its parent had before; and as the mask can be read in
 * /proc as well, nobody is placed any more once a file called "status" is opened.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/magic.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "alike.h"
#include "call_private.h"
#include "ptrace.h"

/*
 * So many calls of one thread, one after the other.  With fewer, two programs that each open
 * some files and then compute come to share a processor: make -j2 was slower by a twentieth
 * with eight.
 */
#define CALLS 24
#define TICK_NS 100000000L
#define TICK_SIGNAL SIGRTMAX

static struct placing *ticking;

static void set_mask(pid_t tid, const cpu_set_t *mask)
{
	syscall(SYS_sched_setaffinity, tid, sizeof(*mask), mask);
}

static bool get_mask(pid_t tid, cpu_set_t *mask)
{
	CPU_ZERO(mask);
	return syscall(SYS_sched_getaffinity, tid, sizeof(*mask), mask) > 0;
}

/* Is it still what we made of it?  Somebody else may have placed it. */
static bool is_single(pid_t tid, int processor)
{
	cpu_set_t mask;

	return get_mask(tid, &mask) && CPU_COUNT(&mask) == 1 && CPU_ISSET(processor, &mask);
}

/*
 * A thread for which nobody ever asked for less than there is: so it may run on processors
 * that are added to its cpuset later.  The kernel keeps what was asked for, and not only what
 * there is of it.
 */
static void give_back(pid_t tid, const cpu_set_t *before)
{
	cpu_set_t all, now;

	memset(&all, 0xff, sizeof(all));
	set_mask(tid, &all);
	if (!get_mask(tid, &now) || !CPU_EQUAL(&now, before))
		set_mask(tid, before);
}

static void release(const struct placing *p, pid_t tid, const cpu_set_t *before)
{
	if (is_single(tid, p->processor))
		give_back(tid, before);
}

/* Also from the handler: only system calls, and what nobody changes meanwhile. */
static void let_go(struct placing *p)
{
	struct thread *thread = p->placed;

	p->placed = NULL;
	release(p, thread->tid, thread->processors);
	release(p, 0, &p->own);
}

static void tick(int signal)
{
	static const struct itimerspec never;
	int err = errno;

	(void)signal;
	if (!ticking->busy) {
		if (ticking->placed) {
			ticking->calls = 0;
			let_go(ticking);
		} else {
			ticking->ticks = false;
			timer_settime(ticking->timer, 0, &never, NULL);
		}
	}
	errno = err;
}

static void busy(struct placing *p, bool is)
{
	p->busy = is;
	atomic_signal_fence(memory_order_seq_cst);
}

static bool start_ticking(struct placing *p)
{
	static const struct itimerspec each = { { 0, TICK_NS }, { 0, TICK_NS } };

	if (!p->ticks)
		p->ticks = !timer_settime(p->timer, 0, &each, NULL);
	return p->ticks;
}

/* One that is scheduled by other rules could keep the supervisor from running. */
static bool may_be_placed(pid_t tid)
{
	int how = sched_getscheduler(tid);

	return how == SCHED_OTHER || how == SCHED_BATCH;
}

static void place(struct placing *p, struct thread *thread)
{
	int processor = sched_getcpu();
	cpu_set_t before, one;

	if (processor < 0 || processor >= CPU_SETSIZE || !get_mask(thread->tid, &before) ||
	    CPU_COUNT(&before) < 2 || !CPU_ISSET(processor, &before) ||
	    !may_be_placed(thread->tid) || !start_ticking(p))
		return;
	if (!thread->processors)
		thread->processors = malloc(sizeof(*thread->processors));
	if (!thread->processors)
		return;
	*thread->processors = before;
	CPU_ZERO(&one);
	CPU_SET(processor, &one);
	p->processor = processor;
	p->placed = thread;
	set_mask(thread->tid, &one);
	set_mask(0, &one);
}

void place_start(struct placing *p, const struct pm_options *options)
{
	const struct sigaction action = { .sa_handler = tick, .sa_flags = SA_RESTART };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = TICK_SIGNAL };
	sigset_t set;

	p->off = true;
	/* Where openings are not seen, nor is who looks into /proc. */
	if (!(filter_stops(options, 0, AUDIT_ARCH_X86_64, SYS_openat) & STOPS_FOR_LAYERS) ||
	    options->unsafe & PM_UNSAFE_IO_URING)
		return;
	/* A filter around us, a service's say, may kill for a call that nothing but this makes. */
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 0)
		return;
	if (!get_mask(0, &p->own) || CPU_COUNT(&p->own) < 2 ||
	    timer_create(CLOCK_MONOTONIC, &event, &p->timer))
		return;
	ticking = p;
	sigemptyset(&set);
	sigaddset(&set, TICK_SIGNAL);
	if (!sigaction(TICK_SIGNAL, &action, NULL) && !sigprocmask(SIG_UNBLOCK, &set, NULL))
		p->off = false;
}

void place_hold(const struct placing *p, sigset_t *mask)
{
	sigset_t tick;

	sigemptyset(&tick);
	if (!p->off)
		sigaddset(&tick, TICK_SIGNAL);
	sigprocmask(SIG_BLOCK, &tick, mask);
}

void place_call(struct placing *p, struct thread *thread)
{
	if (p->off || p->placed == thread)
		return;
	busy(p, true);
	if (p->placed)
		let_go(p);
	if (p->last != thread)
		p->calls = 0;
	p->last = thread;
	if (++p->calls >= CALLS && !p->shown.now)
		place(p, thread);
	busy(p, false);
}

void place_apart(struct placing *p)
{
	p->calls = 0;
	if (!p->placed)
		return;
	busy(p, true);
	if (p->placed)
		let_go(p);
	busy(p, false);
}

void place_show(struct placing *p, struct flight *flight)
{
	place_apart(p);
	flight->changes = &p->shown;
	p->shown.now++;
}

static bool is_of_proc(const struct pm_where *where)
{
	struct statfs fs;

	if (where && where->exists && where->fd < 0)
		return !alike_device(where->st.st_dev);
	return !where || where->fd < 0 || fstatfs(where->fd, &fs) ||
	       fs.f_type == PROC_SUPER_MAGIC;
}

/* /proc/PID/status, by whatever way: it tells of processors. */
static bool opens_status(const struct pm_call *call)
{
	static const char name[] = "/status";
	const size_t size = sizeof(name) - 1;

	for (size_t i = 0; !strncmp(call->name, "open", 4) && i < call->nitems; i++) {
		const struct pm_item *item = &call->items[i];
		const struct pm_where *where =
			item->priv && item->priv->asked ? &item->priv->where : NULL;
		const char *path = where && where->name ? where->name :
				   (const char *)item->data;
		size_t len = path ? strlen(path) : 0;

		if (item->kind == PM_ITEM_PATH && len + 1 >= size &&
		    !strcmp(path + len + 1 - size, name + 1) &&
		    (len + 1 == size || path[len - size] == '/') && is_of_proc(where))
			return true;
	}
	return false;
}

void place_opening(struct placing *p, const struct pm_call *call)
{
	if (p->off || !opens_status(call))
		return;
	place_apart(p);
	p->off = true;
}

void place_born(struct placing *p, const struct thread *parent, pid_t child)
{
	cpu_set_t now;

	place_apart(p);
	/* One that has been let go by now had its child while it was placed? */
	if (parent->processors && get_mask(child, &now) && CPU_COUNT(&now) == 1 &&
	    get_mask(parent->tid, &now) && CPU_EQUAL(&now, parent->processors))
		give_back(child, parent->processors);
}

void place_renamed(struct placing *p, const struct thread *thread)
{
	/* It may have been let go when it had this number already, and we did not know. */
	if (thread->processors && p->placed != thread)
		release(p, thread->tid, thread->processors);
}

void place_gone(struct placing *p, struct thread *thread)
{
	if (p->last == thread)
		p->last = NULL;
	if (p->placed != thread)
		return;
	busy(p, true);
	p->placed = NULL;
	release(p, 0, &p->own);
	busy(p, false);
}
