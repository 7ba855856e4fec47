/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "note.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>

#include "uapi.h"

static void reply(const struct note *note, int64_t value, int32_t err, uint32_t flags)
{
	struct seccomp_notif_resp answer = {
		.id = note->id, .val = value, .error = err, .flags = flags
	};

	ioctl(note->listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

void note_value(const struct note *note, int64_t value)
{
	if (value < 0 && value >= -4095)
		reply(note, 0, (int32_t)value, 0);
	else
		reply(note, value, 0, 0);
}

void note_continue(const struct note *note)
{
	reply(note, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

void note_restart(const struct note *note)
{
	note_value(note, -ERESTARTNOINTR);
}

int note_put_descriptor(const struct note *note, int fd, unsigned int flags, uint32_t how)
{
	struct seccomp_notif_addfd answer = {
		.id = note->id, .flags = how, .srcfd = (uint32_t)fd, .newfd_flags = flags
	};
	int number = ioctl(note->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &answer);

	return number < 0 ? -errno : number;
}
