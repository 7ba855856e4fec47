/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "rights.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cleanup.h"

#define CAP_BIT(cap) (UINT64_C(1) << (cap))
/* To search any directory. */
#define SEARCH (CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_DAC_READ_SEARCH))
/* What is put down with them: to follow the links of any process. */
#define PUT_DOWN (SEARCH | CAP_BIT(CAP_SYS_PTRACE))

/* The supervisor's own, which never change. */
static struct {
	bool known, strong;	/* strong: it may search any directory */
	struct rights rights;
	struct __user_cap_data_struct capabilities[2];
	char namespace[32];
} own;

/* Of a thread; 0 is the calling one. */
static int get_capabilities(pid_t tid, struct __user_cap_data_struct *data)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3,
						   .pid = tid };

	return syscall(SYS_capget, &header, data) ? -errno : 0;
}

/* Without these; 0 for all that there are. */
static int set_capabilities(uint64_t without)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	memcpy(data, own.capabilities, sizeof(data));
	for (int i = 0; i < 2; i++)
		data[i].effective &= ~(uint32_t)(without >> (32 * i));
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

static int read_groups(const char *at, struct rights *rights)
{
	char *end;

	for (;; at = end) {
		unsigned long group = strtoul(at, &end, 10);
		gid_t *grown;

		if (end == at)
			return 0;
		grown = realloc(rights->groups, (rights->ngroups + 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		rights->groups = grown;
		rights->groups[rights->ngroups++] = (gid_t)group;
	}
}

/* What /proc says of the ids of a thread. */
static int read_status(const char *path, struct rights *rights)
{
	FILE *file = fopen(path, "re");
	auto_free char *line = NULL;
	unsigned int found = 0;
	size_t room = 0;
	int err = 0;

	if (!file)
		return errno == ENOENT ? -ESRCH : -EACCES;
	while (!err && found != 7 && getline(&line, &room, file) > 0) {
		if (sscanf(line, "Uid: %*u %*u %*u %u", &rights->uid) == 1)
			found |= 1;
		else if (sscanf(line, "Gid: %*u %*u %*u %u", &rights->gid) == 1)
			found |= 2;
		if (strncmp(line, "Groups:", 7))
			continue;
		err = read_groups(line + 7, rights);
		found |= 4;
	}
	fclose(file);
	return err ? err : found == 7 ? 0 : -EACCES;
}

/* The name of its user namespace, "" where that cannot be said. */
static void namespace_of(pid_t tid, char name[32])
{
	char path[64];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/ns/user", tid);
	len = readlink(path, name, 31);
	name[len > 0 ? len : 0] = '\0';
}

int rights_know(void)
{
	int err;

	if (own.known)
		return 0;
	rights_free(&own.rights);
	err = get_capabilities(0, own.capabilities);
	own.strong = !err && own.capabilities[0].effective & SEARCH;
	if (own.strong) {
		namespace_of(getpid(), own.namespace);
		err = read_status("/proc/thread-self/status", &own.rights);
	}
	own.known = !err;
	return err;
}

static bool same_groups(const struct rights *rights)
{
	return rights->ngroups == own.rights.ngroups &&
	       (!rights->ngroups || !memcmp(rights->groups, own.rights.groups,
					    rights->ngroups * sizeof(gid_t)));
}

int rights_of(pid_t tid, struct rights *rights)
{
	struct __user_cap_data_struct capabilities[2];
	char path[64], namespace[32];
	int err = rights_know();

	*rights = (struct rights){ .tid = tid };
	if (err || !own.strong)
		return err;
	err = get_capabilities(tid, capabilities);
	if (err)
		return err;
	if (capabilities[0].effective & SEARCH) {
		namespace_of(tid, namespace);
		if (!strcmp(namespace, own.namespace))
			return 0;
		rights->elsewhere = true;
	}
	rights->differ = true;
	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	return read_status(path, rights);
}

/* The kernel says nothing of a change that it refused: it is asked what holds. */
static bool set_ids(uid_t uid, gid_t gid)
{
	syscall(SYS_setfsgid, gid);
	syscall(SYS_setfsuid, uid);
	return (uid_t)syscall(SYS_setfsuid, -1) == uid && (gid_t)syscall(SYS_setfsgid, -1) == gid;
}

int rights_take(struct rights *rights)
{
	if (!rights->differ || rights->taken)
		return 0;
	rights->taken = true;
	if ((same_groups(rights) || !syscall(SYS_setgroups, rights->ngroups, rights->groups)) &&
	    set_ids(rights->uid, rights->gid) && !set_capabilities(PUT_DOWN))
		return 0;
	rights_leave(rights);
	return -EACCES;
}

void rights_leave(struct rights *rights)
{
	if (!rights->taken)
		return;
	rights->taken = false;
	if (!set_ids(own.rights.uid, own.rights.gid) || set_capabilities(0) ||
	    (!same_groups(rights) &&
	     syscall(SYS_setgroups, own.rights.ngroups, own.rights.groups)))
		abort();
}

void rights_free(struct rights *rights)
{
	rights_leave(rights);
	free(rights->groups);
	*rights = (struct rights){ 0 };
}

/* Is the id one of those that the map of a namespace leads to? */
static bool is_mapped(pid_t tid, const char *map, unsigned int id)
{
	unsigned int first, count;
	char path[64];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/%s", tid, map);
	file = fopen(path, "re");
	while (file && !found && fscanf(file, "%*u %u %u", &first, &count) == 2)
		found = id - first < count;
	if (file)
		fclose(file);
	return found;
}

bool rights_reach(const struct rights *rights, uid_t uid, gid_t gid)
{
	return rights->elsewhere && is_mapped(rights->tid, "uid_map", uid) &&
	       is_mapped(rights->tid, "gid_map", gid);
}
