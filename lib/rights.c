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

#include "peer.h"

#define CAP_BIT(cap) (UINT64_C(1) << (cap))
/* To search any directory. */
#define SEARCH (CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_DAC_READ_SEARCH))
/* What is put down with them: to follow the links of any process. */
#define PUT_DOWN (SEARCH | CAP_BIT(CAP_SYS_PTRACE))

/* The supervisor's own, which never change. */
static struct {
	bool known, strong;	/* strong: it may search any directory */
	struct ids ids;
	struct __user_cap_data_struct capabilities[2];
	char namespace[32];
	bool says;	/* credentials could be read */
	struct credentials credentials;
} own;

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
	ids_free(&own.ids);
	err = ids_capabilities(0, own.capabilities);
	own.strong = !err && own.capabilities[0].effective & SEARCH;
	if (own.strong) {
		namespace_of(getpid(), own.namespace);
		err = ids_read("/proc/thread-self/status", &own.ids);
	}
	own.says = peer_own_credentials(&own.credentials);
	own.known = !err;
	return err;
}

int rights_of(pid_t tid, bool here, struct rights *rights)
{
	struct __user_cap_data_struct capabilities[2];
	char path[64], namespace[32];
	int err = rights_know();

	*rights = (struct rights){ .tid = tid };
	if (err || !own.strong)
		return err;
	err = ids_capabilities(tid, capabilities);
	if (err)
		return err;
	if (capabilities[0].effective & SEARCH) {
		if (!here)
			namespace_of(tid, namespace);
		rights->here = here || !strcmp(namespace, own.namespace);
		if (rights->here)
			return 0;
		rights->elsewhere = true;
	}
	rights->differ = true;
	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	return ids_read(path, &rights->ids);
}

int rights_take(struct rights *rights)
{
	if (!rights->differ || rights->taken)
		return 0;
	rights->taken = true;
	if ((ids_same_groups(&rights->ids, &own.ids) || ids_set_groups(&rights->ids)) &&
	    ids_set_files(&rights->ids) && !set_capabilities(PUT_DOWN))
		return 0;
	rights_leave(rights);
	return -EACCES;
}

void rights_leave(struct rights *rights)
{
	if (!rights->taken)
		return;
	rights->taken = false;
	if (!ids_set_files(&own.ids) || set_capabilities(0) ||
	    (!ids_same_groups(&rights->ids, &own.ids) && !ids_set_groups(&own.ids)))
		abort();
}

void rights_free(struct rights *rights)
{
	rights_leave(rights);
	ids_free(&rights->ids);
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

bool rights_open_alike(pid_t tid)
{
	const uint32_t traces = 1u << CAP_SYS_PTRACE;
	struct __user_cap_data_struct theirs[2];

	return !rights_know() && !ids_capabilities(tid, theirs) &&
	       (theirs[0].effective | traces) == (own.capabilities[0].effective | traces) &&
	       theirs[1].effective == own.capabilities[1].effective && own.says &&
	       peer_has_credentials(tid, &own.credentials);
}
