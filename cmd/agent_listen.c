/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The socket at a path.  One that nobody listens at any more is in the way, and is
 * removed; that, and the making of the new one, is done by one agent at a time: another
 * one could remove what was made just now.  Who does it has a lock on a file beside the
 * socket, PATH.lock, which is gone afterwards.  A lock on the directory itself anybody
 * could hold who may read that.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"
#include "bytes.h"
#include "cleanup.h"
#include "command.h"

#define BACKLOG 128
/* What is done under the lock waits for nothing: longer it is held by who is stopped. */
#define LOCK_MS 10000
#define LOCK_TURN_MS 10

/* Owner: agent_listen(). */
struct lock {
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path) + sizeof(".lock")];
	int fd;
};

static bool is_named(int fd, const char *path)
{
	struct stat open, named;

	return !fstat(fd, &open) && !lstat(path, &named) && open.st_dev == named.st_dev &&
	       open.st_ino == named.st_ino;
}

/* 0 with the lock, -EAGAIN where somebody else has it, or another negative errno. */
static int try_lock(struct lock *lock)
{
	auto_close int fd = open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB))
		return -errno;
	/* Who had it before has removed the file: a newer one may be locked as well. */
	if (!is_named(fd, lock->path))
		return -EAGAIN;
	lock->fd = steal_fd(&fd);
	return 0;
}

static int take_lock(struct lock *lock, const char *path)
{
	const struct timespec turn = { .tv_nsec = LOCK_TURN_MS * 1000000L };
	int64_t until = bytes_now() + LOCK_MS;
	int err;

	snprintf(lock->path, sizeof(lock->path), "%s.lock", path);
	while ((err = try_lock(lock)) == -EAGAIN && bytes_now() < until)
		nanosleep(&turn, NULL);
	return err;
}

static void give_back(struct lock *lock)
{
	if (lock->fd >= 0)
		unlink(lock->path);
	cleanup_close(&lock->fd);
}

/* The process that listens there, as it was then; -1: nobody may tell. */
static pid_t peer_of(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) ? -1 : peer.pid;
}

/* -EADDRINUSE with *who: somebody listens.  With a full queue, too, which is not waited for. */
static int remove_stale(const struct sockaddr_un *address, pid_t *who)
{
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (lstat(address->sun_path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	if (!connect(fd, (const struct sockaddr *)address, sizeof(*address))) {
		*who = peer_of(fd);
		return -EADDRINUSE;
	}
	if (errno == EAGAIN)
		return -EADDRINUSE;
	if (errno != ECONNREFUSED)
		return -errno;
	return unlink(address->sun_path) ? -errno : 0;
}

/* Under the lock. */
static int make_socket(struct agent *agent, const struct sockaddr_un *address, pid_t *who)
{
	auto_close int fd = -1;
	mode_t before;
	int err = remove_stale(address, who);

	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* A runtime that connects says which policy a container has: root's, or ours. */
	before = umask(0177);
	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)))
		err = -errno;
	umask(before);
	if (!err)
		err = agent_listen_on(fd);
	if (!err)
		agent->socket = steal_fd(&fd);
	return err;
}

int agent_listen_on(int fd)
{
	const int flags = fcntl(fd, F_GETFL);

	/* accept(2) is not to wait for anybody. */
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK))
		return -errno;
	return listen(fd, BACKLOG) ? -errno : 0;
}

int agent_listen(struct agent *agent)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = agent->options.socket;
	struct lock lock = { .fd = -1 };
	pid_t who = -1;
	int err;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	err = take_lock(&lock, path);
	if (err == -EAGAIN) {
		complain(
			"agent: cannot listen at '%s': another agent that starts has '%s' and does not go on",
			path, lock.path);
		return err;
	}
	if (!err)
		err = make_socket(agent, &address, &who);
	give_back(&lock);
	if (err == -EADDRINUSE && agent->options.replace)
		return err;
	if (err == -EADDRINUSE && who > 0)
		complain("agent: process %d listens at '%s'; --replace takes an agent's place", who,
			 path);
	else if (err == -EADDRINUSE)
		complain("agent: somebody listens at '%s'; --replace takes an agent's place", path);
	else if (err)
		complain("agent: cannot listen at '%s': %s", path, strerror(-err));
	return err;
}
