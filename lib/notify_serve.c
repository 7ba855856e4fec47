/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who receives a notification decides on it and answers, in the same thread: a
 * hand-over would cost more than most decisions.  While all that have received
 * are busy, another one waits: what is slow for one target holds up no other.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "notify.h"

/* So many wait for a notification at the most, where each one wakes them all. */
#define WAITING 2
/* So many calls can be dealt with at the same time. */
#define AT_MOST 512

static void *serve(void *notify);

/* Called with the lock held: somebody else has to wait now. */
static void call_another(struct notify *n)
{
	pthread_t thread;

	if (n->idle > n->wanted) {
		n->wanted++;
		n->waiting++;
		pthread_cond_signal(&n->changed);
	} else if (n->all < AT_MOST) {
		/* Counted first: it takes itself off without the lock. */
		n->waiting++;
		if (pthread_create(&thread, NULL, serve, n)) {
			n->waiting--;
			return;
		}
		pthread_detach(thread);
		n->all++;
	}
}

static void begin(struct notify *n)
{
	if (atomic_fetch_sub(&n->waiting, 1) > 1)
		return;
	pthread_mutex_lock(&n->lock);
	if (!n->waiting)
		call_another(n);
	pthread_mutex_unlock(&n->lock);
}

/* One of those who wait, where there are not enough. */
static bool wait_too(struct notify *n)
{
	unsigned int waiting = n->waiting;

	while (waiting < n->may_wait)
		if (atomic_compare_exchange_weak(&n->waiting, &waiting, waiting + 1))
			return true;
	return false;
}

/* Back to waiting for a notification, or first for being wanted.  False: it is over. */
static bool end(struct notify *n)
{
	if (wait_too(n))
		return !n->done;
	pthread_mutex_lock(&n->lock);
	if (!wait_too(n)) {
		n->idle++;
		while (!n->done && !n->wanted)
			pthread_cond_wait(&n->changed, &n->lock);
		if (n->wanted)
			n->wanted--;
		n->idle--;
	}
	pthread_mutex_unlock(&n->lock);
	return !n->done;
}

/* Has the last target gone? */
static bool is_over(const struct notify *n)
{
	struct pollfd listener = { .fd = n->listener };

	return poll(&listener, 1, 0) > 0 && listener.revents & (POLLHUP | POLLERR | POLLNVAL);
}

/* The next notification.  False: there will be none. */
static bool receive(struct notify *n, struct seccomp_notif *notice)
{
	for (;;) {
		bool received;

		memset(notice, 0, sizeof(*notice));
		if (!lent_wait(n))
			return false;
		received = !ioctl(n->listener, SECCOMP_IOCTL_NOTIF_RECV, notice);
		lent_waited(n);
		if (received)
			return true;
		/* Who had made the call was killed, or all have ended. */
		if (errno != EINTR && errno != ENOENT)
			return false;
		if (is_over(n))
			return false;
	}
}

static void *serve(void *notify)
{
	struct notify *n = notify;
	struct seccomp_notif notice;
	struct receiver receiver;

	lent_enter(n, &receiver);
	while (receive(n, &notice)) {
		begin(n);
		notify_call(n, &notice);
		if (!end(n))
			break;
	}
	lent_leave(n, &receiver);
	pthread_mutex_lock(&n->lock);
	n->done = true;
	n->all--;
	pthread_cond_broadcast(&n->changed);
	pthread_mutex_unlock(&n->lock);
	return NULL;
}

/*
 * A kernel with the redirect wakes one for a notification.  There as many may wait as can
 * be busy at once: on each processor one that decides, and one that has answered and is kept
 * from its wait by who has the answer.  With one more nobody has to be called meanwhile.
 */
static unsigned int how_many_wait(const struct notify *n)
{
	long all = n->redirect ? 2 * sysconf(_SC_NPROCESSORS_ONLN) + 1 : WAITING;

	return all < WAITING ? WAITING : all > AT_MOST ? AT_MOST : (unsigned int)all;
}

void notify_serve(struct notify *n)
{
	pthread_t burier;
	bool buries = !pthread_create(&burier, NULL, callers_bury, n);

	n->all = 1;
	n->waiting = 1;
	n->may_wait = how_many_wait(n);
	serve(n);
	pthread_mutex_lock(&n->lock);
	while (n->all)
		pthread_cond_wait(&n->changed, &n->lock);
	pthread_mutex_unlock(&n->lock);
	if (buries) {
		callers_end(&n->callers);
		pthread_join(burier, NULL);
	}
}
