/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "ids.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cleanup.h"

static int read_groups(const char *at, struct ids *ids)
{
	char *end;

	for (;; at = end) {
		unsigned long group = strtoul(at, &end, 10);
		gid_t *grown;

		if (end == at)
			return 0;
		grown = realloc(ids->groups, (ids->ngroups + 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		ids->groups = grown;
		ids->groups[ids->ngroups++] = (gid_t)group;
	}
}

/* What is short is no refusal. */
static int why_not_read(int err)
{
	switch (err) {
	case ENOENT:
		return -ESRCH;
	case ENOMEM:
		return -ENOMEM;
	case EMFILE:
	case ENFILE:
		return -EMFILE;
	default:
		return -EACCES;
	}
}

int ids_read(const char *path, struct ids *ids)
{
	FILE *file = fopen(path, "re");
	auto_free char *line = NULL;
	unsigned int found = 0;
	size_t room = 0;
	int err = 0;

	*ids = (struct ids){ .umask = (mode_t)-1 };
	if (!file)
		return why_not_read(errno);
	/* The umask comes before the others. */
	while (!err && found != 7 && getline(&line, &room, file) > 0) {
		if (sscanf(line, "Uid: %u %u %*u %u", &ids->uid, &ids->euid, &ids->fsuid) == 3)
			found |= 1;
		else if (sscanf(line, "Gid: %u %u %*u %u", &ids->gid, &ids->egid, &ids->fsgid) == 3)
			found |= 2;
		else
			sscanf(line, "Umask: %o", &ids->umask);
		if (strncmp(line, "Groups:", 7))
			continue;
		err = read_groups(line + 7, ids);
		found |= 4;
	}
	if (!err && found != 7)
		err = feof(file) ? -EACCES : why_not_read(errno);
	fclose(file);
	return err;
}

void ids_free(struct ids *ids)
{
	free(ids->groups);
	*ids = (struct ids){ 0 };
}

bool ids_same_groups(const struct ids *a, const struct ids *b)
{
	return a->ngroups == b->ngroups &&
	       (!a->ngroups || !memcmp(a->groups, b->groups, a->ngroups * sizeof(gid_t)));
}

bool ids_set_groups(const struct ids *ids)
{
	return !syscall(SYS_setgroups, ids->ngroups, ids->groups);
}

/* The kernel says nothing of a change that it refused: it is asked what holds. */
bool ids_set_files(const struct ids *ids)
{
	syscall(SYS_setfsgid, ids->fsgid);
	syscall(SYS_setfsuid, ids->fsuid);
	return (uid_t)syscall(SYS_setfsuid, -1) == ids->fsuid &&
	       (gid_t)syscall(SYS_setfsgid, -1) == ids->fsgid;
}

int ids_capabilities(pid_t tid, struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3,
						   .pid = tid };

	return syscall(SYS_capget, &header, data) ? -errno : 0;
}
