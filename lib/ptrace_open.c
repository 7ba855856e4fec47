/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An open that is answered by a descriptor.
 *
 * The supervisor opens the very file that was decided on and hands it over.  Only where the
 * thread would have opened the same and nothing else comes of it: a regular file or a
 * directory, to read, of a file system that tells everybody the same, by a thread with the
 * supervisor's ids and capabilities that no rule set of its own restricts.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "call_private.h"
#include "filter.h"
#include "ptrace.h"
#include "rights.h"
#include "stand_in.h"

/* What stays with a file that is open. */
#define KEPT (O_APPEND | O_DIRECT | O_NOATIME)

/* The file that it is to open, where that is one of those. */
static const struct pm_where *file_of(const struct pm_call *call, const struct pm_open_how *how)
{
	const struct pm_item *item = call->nitems == 1 ? &call->items[0] : NULL;
	const struct pm_where *where;

	if (!item || item->kind != PM_ITEM_PATH || how->strict || how->flags & FILTER_OPENS_ELSE)
		return NULL;
	where = pm_item_peek(item);
	if (!where || where->err || !where->exists || where->missing || where->anonymous ||
	    where->fd < 0)
		return NULL;
	if (S_ISREG(where->st.st_mode) && !where->slash)
		return where;
	return S_ISDIR(where->st.st_mode) ? where : NULL;
}

/* What is known of the thread's view in this call; it stays known in later ones. */
static const struct pm_view_known *compare(struct thread *thread)
{
	struct pm_view_known *known = &thread->flight->call.priv->known;
	struct likeness like;

	if (!known->compared) {
		like = rights_compare(thread->tid, known->ids);
		known->ids = like.ids;
		known->opens = like.opens;
		known->asks = like.asks;
		known->compared = true;
	}
	thread->known.ids = known->ids;
	thread->known.opens = known->opens;
	thread->known.asks = known->asks;
	thread->known.compared = true;
	return known;
}

static bool opens_alike(const struct supervisor *s, struct thread *thread)
{
	return !s->watched && !s->changes.now && !thread->process->confined &&
	       compare(thread)->opens;
}

bool open_asks_alike(const struct supervisor *s, struct thread *thread)
{
	return !s->changes.now && compare(thread)->asks;
}

/* By way of the links of /proc, from where only the last one has to be looked up. */
static int open_link(int file, int flags)
{
	static int links = -1;
	char name[16];

	if (links < 0)
		links = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	snprintf(name, sizeof(name), "%d", file);
	return links < 0 ? -1 : openat(links, name, flags);
}

/*
 * It must not wait for somebody who has a lease on the file, and may wait for us.  O_NOFOLLOW
 * stays with a file that is open, and does not lead to it by the link of /proc.
 */
static int open_again(int file, bool directory, int flags)
{
	const int wanted = flags | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
	int fd = directory ? openat(file, ".", wanted) : open_link(file, wanted);

	if (fd >= 0 && !(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags & KEPT)) {
		close(fd);
		return -1;
	}
	return fd;
}

bool open_answered(struct supervisor *s, struct thread *thread)
{
	struct flight *flight = thread->flight;
	const struct pm_where *where;
	struct pm_open_how how;
	int fd, number;

	if (pm_call_open_how(&flight->call, &how))
		return false;
	where = file_of(&flight->call, &how);
	if (!where || !stand_in_knows(&flight->call, where) || !opens_alike(s, thread))
		return false;
	fd = open_again(where->fd, S_ISDIR(where->st.st_mode), (int)how.flags);
	if (fd < 0)
		return false;
	flight->tell = flight->outcome.verdict.action == PM_REDIRECT;
	flight_tell(s->options, flight, "file", 0);
	if (flight->outcome.verdict.action == PM_DENY) {
		number = -flight->outcome.verdict.err;
	} else {
		number = note_put_descriptor(&flight->note, fd,
					     (unsigned int)how.flags & O_CLOEXEC, 0);
		flight_tell_result(s->options, flight, number);
	}
	/* When it is closed there it has to be closed, with all locks on it. */
	close(fd);
	answer_value(thread, false, number);
	return true;
}
