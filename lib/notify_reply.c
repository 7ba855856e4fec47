/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "notify.h"

static struct note note_of(const struct notice *notice)
{
	return (struct note){ notice->notify->listener, notice->kernel->id };
}

bool notice_stands(const struct notice *notice)
{
	uint64_t id = notice->kernel->id;

	return !ioctl(notice->notify->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id);
}

void reply_continue(const struct notice *notice)
{
	const struct note note = note_of(notice);

	note_continue(&note);
}

void reply_value(const struct notice *notice, int64_t value)
{
	const struct note note = note_of(notice);

	note_value(&note, value);
}

int reply_redirect(const struct notice *notice, const struct pm_step *step, uint32_t pinned,
		    const struct slot *slot, uint64_t slot_at)
{
	const struct seccomp_data *made = &notice->kernel->data;
	struct seccomp_notif_resp_redirect answer = {
		.id = notice->kernel->id, .flags = SECCOMP_REDIRECT_FLAG_CONTINUE
	};

	if (step->nr != made->nr) {
		answer.flags |= SECCOMP_REDIRECT_FLAG_NR;
		answer.nr = step->nr;
	}
	for (unsigned int i = 0; i < 6; i++) {
		bool pointer = pinned >> i & 1;

		if (!pointer && step->args[i] == made->args[i])
			continue;
		answer.args_mask |= 1u << i;
		answer.args[i] = step->args[i];
		if (!pointer)
			continue;
		answer.ptr_mask |= 1u << i;
		answer.ptr_len[i] = slot_at + slot->size - step->args[i];
		answer.memfd = (uint32_t)slot->arena->fd;
	}
	return ioctl(notice->notify->listener, SECCOMP_IOCTL_NOTIF_SEND_REDIRECT, &answer) ?
		       -errno :
		       0;
}

/*
 * On a listener of ours no signal comes between the two.  On another one it could, and the
 * call would be made again and have two descriptors: there both are one.
 */
int reply_descriptor(const struct notice *notice, int fd, unsigned int flags)
{
	const struct note note = note_of(notice);
	int number = note_put_descriptor(&note, fd, flags,
					 notice->notify->lent ? SECCOMP_ADDFD_FLAG_SEND : 0);

	close(fd);
	/* It has no number left, for example: that is its own error. */
	if (number < 0 || !notice->notify->lent)
		note_value(&note, number);
	return number;
}

int reply_lend(const struct notice *notice, int fd, unsigned int flags)
{
	const struct note note = note_of(notice);

	return note_put_descriptor(&note, fd, flags, 0);
}

void reply_final(const struct notice *notice)
{
	struct flight *flight = notice->flight;
	const struct pm_verdict *verdict = &flight->outcome.verdict;

	flight_tell(notice->notify->options, flight, "", 0);
	switch (verdict->action) {
	case PM_KILL:
		if (notice_stands(notice))
			kill(flight->call.tgid, SIGKILL);
		reply_value(notice, -EPERM);
		return;
	case PM_VALUE:
		reply_value(notice, verdict->value);
		return;
	default:
		reply_value(notice, -verdict->err);
	}
}

void reply_refuse(const struct notice *notice, int err, const char *rule)
{
	flight_refuse(notice->notify->options, notice->flight, err, rule);
	reply_final(notice);
}

void reply_failure(const struct notice *notice, int err)
{
	struct flight *flight = notice->flight;

	flight->tell = flight->outcome.verdict.action == PM_REDIRECT;
	flight_tell(notice->notify->options, flight, "", -err);
	if (flight->outcome.verdict.action == PM_DENY)
		err = -flight->outcome.verdict.err;
	else
		flight_tell_result(notice->notify->options, flight, err);
	reply_value(notice, err);
}
