/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/sched.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cleanup.h"
#include "notify.h"
#include "peer.h"
#include "supervisor.h"

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

/* What a slot has at the least, so that the next call of the thread fits in it, too. */
#define SLOT_LEAST ((size_t)1024)
/* What a thread keeps from call to call. */
#define SLOT_KEPT ((size_t)8192)

int callers_init(struct callers *callers)
{
	struct epoll_event event = { .events = EPOLLIN };

	pthread_mutex_init(&callers->lock, NULL);
	callers->end = eventfd(0, EFD_CLOEXEC);
	callers->deaths = epoll_create1(EPOLL_CLOEXEC);
	if (callers->end < 0 || callers->deaths < 0 ||
	    epoll_ctl(callers->deaths, EPOLL_CTL_ADD, callers->end, &event))
		return -errno;
	return 0;
}

static struct home *home_new(void)
{
	struct home *home = calloc(1, sizeof(*home));

	if (!home)
		return NULL;
	home->refs = 1;
	pthread_mutex_init(&home->making, NULL);
	return home;
}

static void home_put(struct home *home)
{
	if (!home || --home->refs)
		return;
	arena_put(home->arena);
	pthread_mutex_destroy(&home->making);
	free(home);
}

static struct peer **peer_bucket(struct callers *callers, pid_t tgid)
{
	return &callers->processes[(unsigned int)tgid % NOTIFY_BUCKETS];
}

static struct caller **caller_bucket(struct callers *callers, pid_t tid)
{
	return &callers->threads[(unsigned int)tid % NOTIFY_BUCKETS];
}

static void peer_put(struct peer *peer)
{
	if (--peer->refs)
		return;
	home_put(peer->home);
	cleanup_close(&peer->pidfd);
	free(peer);
}

static void caller_free(struct caller *caller)
{
	slot_drop(&caller->slot);
	cleanup_close(&caller->pidfd);
	peer_put(caller->peer);
	free(caller);
}

/* Called with the lock held. */
static void put(struct caller *caller)
{
	if (atomic_fetch_sub(&caller->refs, 1) == 1)
		caller_free(caller);
}

/* As long as the table has it that is one number less. */
void caller_put(struct notify *n, struct caller *caller)
{
	if (atomic_fetch_sub(&caller->refs, 1) == 1) {
		pthread_mutex_lock(&n->callers.lock);
		caller_free(caller);
		pthread_mutex_unlock(&n->callers.lock);
	}
}

/* What a pidfd stands for has ended; its number may be another's by now. */
static bool is_dead(int pidfd)
{
	struct pollfd dead = { .fd = pidfd, .events = POLLIN };

	return poll(&dead, 1, 0) != 0;
}

static void forget_caller(struct callers *callers, struct caller *caller)
{
	struct caller **at = caller_bucket(callers, caller->tid);

	while (*at != caller)
		at = &(*at)->next;
	*at = caller->next;
	put(caller);
}

/* A process with all the threads that are known of it. */
static void forget_peer(struct callers *callers, struct peer *peer)
{
	struct peer **at = peer_bucket(callers, peer->tgid);

	for (size_t i = 0; i < NOTIFY_BUCKETS; i++) {
		struct caller *next, *caller;

		for (caller = callers->threads[i]; caller; caller = next) {
			next = caller->next;
			if (caller->peer == peer)
				forget_caller(callers, caller);
		}
	}
	while (*at != peer)
		at = &(*at)->next;
	*at = peer->next;
	peer_put(peer);
}

static struct peer *find_peer(struct callers *callers, pid_t tgid)
{
	struct peer *peer = *peer_bucket(callers, tgid);

	while (peer && peer->tgid != tgid)
		peer = peer->next;
	if (peer && is_dead(peer->pidfd)) {
		forget_peer(callers, peer);
		peer = NULL;
	}
	return peer;
}

static struct caller *known_caller(struct callers *callers, pid_t tid)
{
	struct caller *caller = *caller_bucket(callers, tid);

	while (caller && caller->tid != tid)
		caller = caller->next;
	return caller;
}

static struct caller *find_caller(struct callers *callers, pid_t tid)
{
	struct caller *caller = known_caller(callers, tid);

	if (!caller)
		return NULL;
	if (is_dead(caller->peer->pidfd)) {
		forget_peer(callers, caller->peer);
		return NULL;
	}
	if (caller->pidfd >= 0 && is_dead(caller->pidfd)) {
		forget_caller(callers, caller);
		return NULL;
	}
	return caller;
}

void callers_clear(struct callers *callers)
{
	for (size_t i = 0; i < NOTIFY_BUCKETS; i++)
		for (struct caller *caller = callers->threads[i]; caller; caller = caller->next)
			slot_leave(&caller->slot);
	for (size_t i = 0; i < NOTIFY_BUCKETS; i++)
		while (callers->processes[i])
			forget_peer(callers, callers->processes[i]);
	cleanup_close(&callers->deaths);
	cleanup_close(&callers->end);
	pthread_mutex_destroy(&callers->lock);
}

/* A pidfd whose end is heard of; -1 where there can be none. */
static int watch(struct callers *callers, pid_t tid, unsigned int flags)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = (int)syscall(SYS_pidfd_open, tid, flags);

	if (fd < 0)
		return -1;
	event.data.u64 = (uint64_t)(uint32_t)fd << 32 | (uint32_t)tid;
	if (epoll_ctl(callers->deaths, EPOLL_CTL_ADD, fd, &event)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The parent's address space, where a child of vfork(2) or the like has the same. */
static struct home *same_home(const struct peer *parent, pid_t tid)
{
	if (!parent || !parent->home ||
	    syscall(SYS_kcmp, parent->tgid, tid, KCMP_VM, 0, 0) != 0)
		return NULL;
	parent->home->refs++;
	return parent->home;
}

static struct peer *add_peer(struct callers *callers, pid_t tgid, pid_t tid, pid_t parent_pid)
{
	struct peer *parent = find_peer(callers, parent_pid);
	struct peer *peer = calloc(1, sizeof(*peer)), **bucket = peer_bucket(callers, tgid);

	if (!peer)
		return NULL;
	peer->tgid = tgid;
	peer->refs = 1;
	peer->pidfd = watch(callers, tgid, 0);
	if (peer->pidfd < 0) {
		free(peer);
		return NULL;
	}
	peer->home = same_home(parent, tid);
	peer->entangled = peer->entangles = parent ? parent->entangles : callers->entangled;
	peer->next = *bucket;
	*bucket = peer;
	return peer;
}

static struct caller *add_caller(struct callers *callers, pid_t tid)
{
	struct caller *caller, **bucket = caller_bucket(callers, tid);
	struct peer *peer;
	pid_t tgid, parent;

	if (!peer_family(tid, &tgid, &parent))
		return NULL;
	peer = find_peer(callers, tgid);
	if (!peer)
		peer = add_peer(callers, tgid, tid, parent);
	caller = peer ? calloc(1, sizeof(*caller)) : NULL;
	if (!caller)
		return NULL;
	caller->pidfd = tid == tgid ? -1 : watch(callers, tid, PIDFD_THREAD);
	if (tid != tgid && caller->pidfd < 0) {
		free(caller);
		return NULL;
	}
	/* One that makes calls before its birth was seen has made them beside the first. */
	if (tid != tgid)
		peer->threads = true;
	caller->tid = tid;
	caller->refs = 1;
	caller->peer = peer;
	peer->refs++;
	caller->next = *bucket;
	*bucket = caller;
	return caller;
}

/* One that is known, with a reference. */
static struct caller *get_known(struct callers *callers, pid_t tid)
{
	struct caller *caller;

	pthread_mutex_lock(&callers->lock);
	caller = known_caller(callers, tid);
	if (caller)
		caller->refs++;
	pthread_mutex_unlock(&callers->lock);
	return caller;
}

static bool lives(const struct caller *caller)
{
	return !is_dead(caller->peer->pidfd) && (caller->pidfd < 0 || !is_dead(caller->pidfd));
}

/* Whether it lives is asked without the lock: for most calls that is all. */
struct caller *caller_get(struct notify *n, pid_t tid)
{
	struct caller *caller = get_known(&n->callers, tid);

	if (caller && lives(caller))
		return caller;
	pthread_mutex_lock(&n->callers.lock);
	if (caller)
		put(caller);
	caller = find_caller(&n->callers, tid);
	if (!caller)
		caller = add_caller(&n->callers, tid);
	if (caller)
		caller->refs++;
	pthread_mutex_unlock(&n->callers.lock);
	return caller;
}

bool caller_lonely(const struct notify *n, const struct caller *caller)
{
	return n->own && !caller->peer->threads && !caller->peer->entangled;
}

void caller_births(struct notify *n, struct caller *caller, uint64_t flags)
{
	pthread_mutex_lock(&n->callers.lock);
	if (flags & CLONE_THREAD)
		caller->peer->threads = true;
	else if (flags & (CLONE_FILES | CLONE_FS))
		caller->peer->entangled = caller->peer->entangles = n->callers.entangled = true;
	pthread_mutex_unlock(&n->callers.lock);
}

void caller_executed(struct notify *n, struct caller *caller)
{
	pthread_mutex_lock(&n->callers.lock);
	caller->peer->threads = false;
	home_put(caller->peer->home);
	caller->peer->home = NULL;
	pthread_mutex_unlock(&n->callers.lock);
}

/* The thread's address space, with a reference.  stale: it is not that of this arena. */
static struct home *home_of(struct caller *caller, const struct arena *stale)
{
	struct peer *peer = caller->peer;

	if (peer->home && stale && peer->home->arena == stale) {
		home_put(peer->home);
		peer->home = NULL;
	}
	if (!peer->home)
		peer->home = home_new();
	if (peer->home)
		peer->home->refs++;
	return peer->home;
}

/* The thread maps it, woken for that inside its wait. */
static int install(const struct notice *notice, struct home *home)
{
	enum width width = width_of(notice->kernel->data.arch);
	struct seccomp_notif_pin_install pin = { .id = notice->kernel->id, .size = ARENA_SIZE };
	int err = 0;

	if (!home->arena)
		err = arena_new(&home->arena);
	if (err)
		return err;
	pin.memfd = (uint32_t)home->arena->fd;
	if (ioctl(notice->notify->listener, SECCOMP_IOCTL_NOTIF_PIN_INSTALL, &pin))
		return -errno;
	home->at[width] = pin.target_addr;
	return 0;
}

/* Another thread may just do the same. */
static int make_home(const struct notice *notice, struct home *home)
{
	enum width width = width_of(notice->kernel->data.arch);
	int err = 0;

	pthread_mutex_lock(&home->making);
	if (!home->at[width])
		err = install(notice, home);
	pthread_mutex_unlock(&home->making);
	return err;
}

/* The last call of the thread is over: what it has read may be written to. */
static int take_slot(struct caller *caller, struct arena *arena, size_t size)
{
	struct slot *slot = &caller->slot;

	if (slot->arena == arena && size <= slot->size && slot->size <= SLOT_KEPT)
		return 0;
	slot_drop(slot);
	return slot_take(arena, size < SLOT_LEAST ? SLOT_LEAST : size, slot);
}

int caller_room(const struct notice *notice, size_t size, bool fresh, uint64_t *at)
{
	struct notify *n = notice->notify;
	struct caller *caller = notice->caller;
	enum width width = width_of(notice->kernel->data.arch);
	struct home *home;
	int err;

	pthread_mutex_lock(&n->callers.lock);
	home = home_of(caller, fresh ? caller->slot.arena : NULL);
	err = home ? 0 : -ENOMEM;
	if (!err && !home->at[width]) {
		pthread_mutex_unlock(&n->callers.lock);
		err = make_home(notice, home);
		pthread_mutex_lock(&n->callers.lock);
	}
	if (!err)
		err = take_slot(caller, home->arena, size);
	if (!err)
		*at = home->at[width] + caller->slot.offset;
	home_put(home);
	pthread_mutex_unlock(&n->callers.lock);
	return err;
}

/* The program itself has ended, though not all of its children may have: its terminal is free. */
static void note_death(struct notify *n, const struct peer *peer)
{
	if (peer->tgid != n->program)
		return;
	n->program = 0;
	drop_descriptor(STDERR_FILENO);
}

static void bury(struct notify *n, uint64_t which)
{
	struct callers *callers = &n->callers;
	int pidfd = (int)(which >> 32);
	pid_t tid = (pid_t)(uint32_t)which;
	struct caller *caller;
	struct peer *peer;

	pthread_mutex_lock(&callers->lock);
	for (peer = *peer_bucket(callers, tid); peer; peer = peer->next)
		if (peer->pidfd == pidfd && is_dead(pidfd))
			break;
	for (caller = *caller_bucket(callers, tid); caller && !peer; caller = caller->next)
		if (caller->pidfd == pidfd && is_dead(pidfd))
			break;
	if (peer) {
		note_death(n, peer);
		forget_peer(callers, peer);
	} else if (caller) {
		forget_caller(callers, caller);
	}
	pthread_mutex_unlock(&callers->lock);
}

void *callers_bury(void *notify)
{
	struct notify *n = notify;
	struct epoll_event events[64];

	for (;;) {
		int count = epoll_wait(n->callers.deaths, events, 64, -1);

		for (int i = 0; i < count; i++) {
			if (!events[i].data.u64)
				return NULL;
			bury(n, events[i].data.u64);
		}
	}
}

void callers_end(struct callers *callers)
{
	uint64_t one = 1;

	if (write(callers->end, &one, sizeof(one)) != sizeof(one))
		abort();
}
