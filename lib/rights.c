/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "rights.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
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
	bool lasting;	/* real, effective and file system ids are the same: no exec changes them */
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

/* What is root in its user namespace, as we see it; -1 where nobody is. */
static uid_t root_of(pid_t tid)
{
	unsigned int inside, first;
	uid_t root = (uid_t)-1;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/uid_map", tid);
	file = fopen(path, "re");
	while (file && root == (uid_t)-1 && fscanf(file, "%u %u %*u", &inside, &first) == 2)
		if (!inside)
			root = first;
	if (file)
		fclose(file);
	return root;
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
	if (prctl(PR_GET_SECUREBITS) & SECBIT_NO_SETUID_FIXUP)
		rights_note_secure_bits();
	own.says = peer_own_credentials(&own.credentials);
	own.lasting = (uid_t)syscall(SYS_setfsuid, -1) == geteuid() && getuid() == geteuid() &&
		      (gid_t)syscall(SYS_setfsgid, -1) == getegid() && getgid() == getegid();
	own.known = !err;
	return err;
}

static atomic_bool secure_bits;

void rights_note_secure_bits(void)
{
	atomic_store(&secure_bits, true);
}

static int read_ids(pid_t tid, struct ids *ids)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	return ids_read(path, ids);
}

static bool is_here(pid_t tid, bool here)
{
	char namespace[32];

	if (!here)
		namespace_of(tid, namespace);
	return here || !strcmp(namespace, own.namespace);
}

int rights_of(pid_t tid, bool here, struct rights *rights)
{
	struct __user_cap_data_struct capabilities[2];
	int err = rights_know();

	*rights = (struct rights){ .tid = tid };
	if (err || !own.strong)
		return err;
	err = ids_capabilities(tid, capabilities);
	if (err)
		return err;
	if (capabilities[0].effective & SEARCH) {
		rights->here = is_here(tid, here);
		if (rights->here)
			return 0;
		rights->elsewhere = true;
	}
	rights->differ = true;
	return read_ids(tid, &rights->ids);
}

/* Who is root by his real ids has all that is permitted to him, who is not has nothing. */
int rights_of_real(pid_t tid, bool here, struct rights *rights)
{
	struct __user_cap_data_struct capabilities[2];
	int err = rights_know();

	if (atomic_load(&secure_bits))
		return rights_of(tid, here, rights);
	*rights = (struct rights){ .tid = tid };
	if (err || !own.strong)
		return err;
	err = ids_capabilities(tid, capabilities);
	if (!err)
		err = read_ids(tid, &rights->ids);
	if (err)
		return err;
	rights->differ = true;
	rights->ids.fsuid = rights->ids.uid;
	rights->ids.fsgid = rights->ids.gid;
	if (!(capabilities[0].permitted & SEARCH))
		return 0;
	if (is_here(tid, here)) {
		rights->here = rights->ids.uid == 0;
		rights->differ = !rights->here;
	} else {
		rights->elsewhere = rights->ids.uid == root_of(tid);
	}
	return 0;
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

/* So its rights are the effective ones, whatever its secure bits say. */
static bool is_lasting(const struct __user_cap_data_struct *capabilities)
{
	const uint32_t effective = capabilities->effective & SEARCH;

	return effective == (capabilities->permitted & SEARCH) && (!effective || !getuid());
}

struct likeness rights_compare(pid_t tid, bool ids)
{
	const uint32_t traces = 1u << CAP_SYS_PTRACE;
	struct __user_cap_data_struct theirs[2];
	struct likeness like = { 0 };

	if (rights_know() || !own.says || ids_capabilities(tid, theirs))
		return like;
	like.opens = (theirs[0].effective | traces) == (own.capabilities[0].effective | traces) &&
		     theirs[1].effective == own.capabilities[1].effective;
	like.asks = !((theirs[0].effective ^ own.capabilities[0].effective) & SEARCH) &&
		    is_lasting(&theirs[0]) && is_lasting(&own.capabilities[0]);
	like.ids = (like.opens || like.asks) &&
		   ((ids && own.lasting) || peer_has_credentials(tid, &own.credentials));
	return like.ids ? like : (struct likeness){ 0 };
}
