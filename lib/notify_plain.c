/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "notify_plain.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* So often is a call decided on anew, since what it named has changed. */
#define TRIES 40

static _Thread_local unsigned int tries;

static bool opens(const struct pm_call *call)
{
	struct pm_open_how how;

	return !pm_call_open_how(call, &how);
}

/* What the kernel runs is what was decided: everything of it is in the registers. */
static bool is_untouched(const struct flight *flight)
{
	return !flight->call.nitems && flight->as_made && !pm_call_changed(&flight->call);
}

static void refuse(const struct notice *notice)
{
	reply_refuse(notice, -EPERM, PLAIN_REFUSED);
}

/* Told what will be done.  False: it is denied instead, and answered. */
static bool tell(const struct notice *notice, const char *holds)
{
	struct flight *flight = notice->flight;

	flight->tell = flight->outcome.verdict.action == PM_REDIRECT;
	flight_tell(notice->notify->options, flight, holds, 0);
	if (flight->outcome.verdict.action != PM_DENY)
		return true;
	reply_value(notice, -flight->outcome.verdict.err);
	return false;
}

static void give(const struct notice *notice)
{
	struct flight *flight = notice->flight;
	struct pm_open_how how = { 0 };
	int fd, check = plain_open_check(&flight->call);

	if (check > 0) {
		refuse(notice);
		return;
	}
	if (check < 0) {
		reply_failure(notice, check);
		return;
	}
	if (!tell(notice, "file"))
		return;
	fd = plain_open(notice);
	if (fd == -EAGAIN && tries < TRIES) {
		tries++;
		notify_call(notice->notify, notice->kernel);
		tries--;
		return;
	}
	if (fd == -EINTR && plain_again(notice))
		return;
	if (fd < 0) {
		/* Somebody plays with the name: as on a path of too many links. */
		if (fd == -EAGAIN)
			fd = -ELOOP;
		flight_tell_result(notice->notify->options, flight, fd);
		reply_value(notice, fd);
		return;
	}
	pm_call_open_how(&flight->call, &how);
	flight_tell_result(notice->notify->options, flight,
			   reply_descriptor(notice, fd, (unsigned int)how.flags & O_CLOEXEC));
}

static void join(const struct notice *notice)
{
	int err;

	if (!tell(notice, ""))
		return;
	err = plain_connect(notice);
	if (err == -EINTR && plain_again(notice))
		return;
	flight_tell_result(notice->notify->options, notice->flight, err);
	reply_value(notice, err);
}

void plain_call(const struct notice *notice)
{
	struct flight *flight = notice->flight;

	if (opens(&flight->call))
		give(notice);
	else if (!strcmp(flight->call.name, "connect"))
		join(notice);
	else if (!is_untouched(flight))
		refuse(notice);
	else if (tell(notice, ""))
		reply_continue(notice);
}
