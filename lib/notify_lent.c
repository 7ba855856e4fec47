/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A listener that somebody else has installed: a container runtime.  Its filter
 * is not ours, and may not ask for redirects; nor may its kernel have them.
 *
 * It can be handed on to another process while calls come: whoever received one
 * answers it, and nobody receives another.  A receiver cannot be told so while it
 * waits inside the kernel, but by a signal, which is blocked everywhere else.
 * One that comes just before the wait is lost: it is sent until all are gone.
 *
 * Receivers let no other signal in.  A kernel before 6.12.117 (or 6.18.44) answers with 0
 * where one interrupts SECCOMP_IOCTL_NOTIF_ADDFD with SECCOMP_ADDFD_FLAG_SEND: the target
 * would take that for its descriptor.  The caller's signals are handled by the thread that hears.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "notify.h"

#define AGAIN_NS 10000000L

/* Owner: pm_serve(). */
struct lent {
	int over;			/* an eventfd: no receiver is left */
	atomic_bool *ends;		/* shared with processes that act for us, see identity.c */
	bool stopped;			/* by pm_serve_stop() */
	struct receiver *receivers;	/* under the lock of notify */
};

/* pm_serve_stop() was called; once a listener was served an eventfd says so, too. */
static atomic_bool asked;
static atomic_int stop = -1;

/* Not the one that a program would use by chance. */
static int waking(void)
{
	return SIGRTMAX - 1;
}

static void wake(int signal)
{
	(void)signal;
}

static void let_through(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, waking());
	pthread_sigmask(how, &set, NULL);
}

void lent_enter(struct notify *n, struct receiver *receiver)
{
	if (!n->lent)
		return;
	receiver->thread = pthread_self();
	pthread_mutex_lock(&n->lock);
	receiver->next = n->lent->receivers;
	n->lent->receivers = receiver;
	pthread_mutex_unlock(&n->lock);
}

void lent_leave(struct notify *n, struct receiver *receiver)
{
	struct receiver **at;

	if (!n->lent)
		return;
	pthread_mutex_lock(&n->lock);
	for (at = &n->lent->receivers; *at != receiver; at = &(*at)->next)
		;
	*at = receiver->next;
	pthread_mutex_unlock(&n->lock);
}

bool lent_ends(const struct notify *n)
{
	return n->lent && *n->lent->ends;
}

bool lent_wait(struct notify *n)
{
	if (!n->lent)
		return true;
	let_through(SIG_UNBLOCK);
	return !*n->lent->ends;
}

void lent_waited(struct notify *n)
{
	int err = errno;

	if (!n->lent)
		return;
	let_through(SIG_BLOCK);
	errno = err;
}

/* Wake those that wait until nobody is left. */
static void end_all(struct notify *n)
{
	const struct timespec again = { .tv_nsec = AGAIN_NS };
	bool left = true;

	*n->lent->ends = true;
	while (left) {
		pthread_mutex_lock(&n->lock);
		n->done = true;
		pthread_cond_broadcast(&n->changed);
		for (struct receiver *r = n->lent->receivers; r; r = r->next)
			pthread_kill(r->thread, waking());
		left = n->lent->receivers;
		pthread_mutex_unlock(&n->lock);
		if (left)
			nanosleep(&again, NULL);
	}
}

/*
 * A thread's body: hears that it is to be stopped, that the last target is gone
 * (before Linux 6.11 who waits inside the kernel does not), or that it is over.
 */
static void *hear(void *notify)
{
	struct notify *n = notify;
	struct pollfd any[] = { { .fd = stop, .events = POLLIN },
				{ .fd = n->lent->over, .events = POLLIN },
				{ .fd = n->listener } };

	while (poll(any, 3, -1) < 0)
		;
	n->lent->stopped = any[0].revents && !any[1].revents && !any[2].revents;
	if (!any[1].revents)
		end_all(n);
	return NULL;
}

static int get_ready(void)
{
	struct sigaction action = { .sa_handler = wake };	/* without SA_RESTART */
	int fd, none = -1;

	let_through(SIG_BLOCK);
	if (sigaction(waking(), &action, NULL))
		return -errno;
	if (stop >= 0)
		return 0;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (!atomic_compare_exchange_strong(&stop, &none, fd))
		close(fd);
	/* It may have been before there was anything to write to. */
	if (asked)
		pm_serve_stop();
	return 0;
}

void pm_serve_stop(void)
{
	const uint64_t one = 1;
	int err = errno;

	asked = true;
	if (stop < 0 || write(stop, &one, sizeof(one)) < 0)
		errno = err;
}

static int serve_lent(struct notify *n)
{
	struct lent lent = { .over = eventfd(0, EFD_CLOEXEC) };
	const uint64_t one = 1;
	sigset_t all, before;
	pthread_t hearer;
	int err;

	if (lent.over < 0)
		return -errno;
	lent.ends = mmap(NULL, sizeof(*lent.ends), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (lent.ends == MAP_FAILED) {
		close(lent.over);
		return -ENOMEM;
	}
	n->lent = &lent;
	err = get_ready();
	if (!err)
		err = -pthread_create(&hearer, NULL, hear, n);
	if (!err) {
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &before);
		notify_serve(n);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
		if (write(lent.over, &one, sizeof(one)) != sizeof(one))
			abort();
		pthread_join(hearer, NULL);
	}
	n->lent = NULL;
	munmap(lent.ends, sizeof(*lent.ends));
	close(lent.over);
	return err ? err : lent.stopped;
}

/*
 * Asked about a notification that there cannot be: ENOENT where a redirect
 * could be an answer, EPERM where the filter did not ask for it, EINVAL where
 * the kernel does not know it.
 */
static bool may_redirect(int listener)
{
	struct seccomp_notif_resp_redirect answer = { .flags = SECCOMP_REDIRECT_FLAG_CONTINUE };

	return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND_REDIRECT, &answer) < 0 && errno == ENOENT;
}

/* There is no notification of that number: who knows that is a listener. */
static int check_listener(int listener)
{
	uint64_t none = 0;

	if (!ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &none) || errno == ENOENT)
		return 0;
	return errno == EBADF ? -EBADF : -EINVAL;
}

int pm_serve(const struct pm_options *options, int listener)
{
	struct notify *n;
	int err = chain_check(options);

	if (!err)
		err = check_listener(listener);
	if (!err && access("/proc/self/fd", X_OK))
		err = -errno;
	if (err)
		return err;
	n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	n->options = options;
	err = notify_init(n);
	if (!err) {
		n->listener = listener;
		n->redirect = may_redirect(listener);
		err = serve_lent(n);
	}
	notify_clear(n);
	free(n);
	return err;
}
