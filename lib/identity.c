/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The real and the saved user id stay, so that there is a way back, and nobody with the target's ids can send signals to this thread.
 */
#define _GNU_SOURCE
#include "identity.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "peer.h"

#define KEEP ((unsigned int)-1)

/* Make these the effective ones, of those that are permitted. */
static int set_effective(uint64_t wanted)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	int err = ids_capabilities(0, data);

	if (err)
		return err;
	for (int i = 0; i < 2; i++)
		data[i].effective = data[i].permitted & (uint32_t)(wanted >> (32 * i));
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

bool identity_same_namespaces(pid_t tid)
{
	return peer_same_namespace(tid, "net") && peer_same_namespace(tid, "ipc") &&
	       peer_same_namespace(tid, "uts");
}

int identity_of(pid_t tid, struct identity *identity)
{
	struct __user_cap_data_struct data[2];
	char path[64];
	int err;

	*identity = (struct identity){ .elsewhere = -1 };
	err = ids_capabilities(tid, data);
	if (err)
		return err;
	identity->capabilities = data[0].effective | (uint64_t)data[1].effective << 32;
	if (!peer_same_namespace(tid, "user")) {
		snprintf(path, sizeof(path), "/proc/%d/ns/user", tid);
		identity->elsewhere = open(path, O_RDONLY | O_CLOEXEC);
		if (identity->elsewhere < 0)
			return errno == ENOENT ? -ESRCH : -EACCES;
	}
	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	err = ids_read(path, &identity->ids);
	if (!err && identity->ids.umask == (mode_t)-1)
		err = -EACCES;
	if (err)
		identity_free(identity);
	return err;
}

void identity_free(struct identity *identity)
{
	ids_free(&identity->ids);
	free(identity->room);
	cleanup_close(&identity->elsewhere);
	*identity = (struct identity){ .elsewhere = -1 };
}

static bool change(const struct identity *from_whom, const struct identity *to_whom)
{
	const struct ids *from = &from_whom->ids, *to = &to_whom->ids;

	/* To become root again, or no longer to be it, changes what is effective: all, then less. */
	if (from->euid != to->euid && from->euid && syscall(SYS_setresuid, KEEP, to->euid, KEEP))
		return false;
	if (set_effective(UINT64_MAX) || (!ids_same_groups(from, to) && !ids_set_groups(to)) ||
	    (from->egid != to->egid && syscall(SYS_setresgid, KEEP, to->egid, KEEP)))
		return false;
	if (from->euid != to->euid && !from->euid &&
	    (syscall(SYS_setresuid, KEEP, to->euid, KEEP) || set_effective(UINT64_MAX)))
		return false;
	return ids_set_files(to) && !set_effective(to_whom->capabilities);
}

/* What change() has to know of the calling thread's.  Asks for no memory and no descriptor. */
static bool now_is(const struct identity *own, struct identity *now)
{
	uid_t uid, saved_uid;
	gid_t gid, saved_gid;
	int ngroups = (int)syscall(SYS_getgroups, 0, NULL);

	if (ngroups < 0 || syscall(SYS_getresuid, &uid, &now->ids.euid, &saved_uid) ||
	    syscall(SYS_getresgid, &gid, &now->ids.egid, &saved_gid))
		return false;
	now->ids.ngroups = (size_t)ngroups;
	now->ids.groups = own->room;
	/* Of another number they are others. */
	return now->ids.ngroups != own->ids.ngroups ||
	       syscall(SYS_getgroups, ngroups, own->room) == ngroups;
}

void identity_leave(struct identity *own)
{
	struct identity now = { 0 };

	if (!now_is(own, &now) || !change(&now, own))
		abort();
	umask(own->ids.umask);
	identity_free(own);
}

/* With these capabilities. */
static int take(const struct identity *identity, uint64_t capabilities, struct identity *own)
{
	struct identity taken = *identity;
	int err = identity_of((pid_t)syscall(SYS_gettid), own);

	if (err)
		return err == -ENOMEM || err == -EMFILE ? err : -EACCES;
	own->room = malloc((own->ids.ngroups + 1) * sizeof(*own->room));
	if (!own->room) {
		identity_free(own);
		return -ENOMEM;
	}
	/* The umask is the process's, until a thread has one of its own. */
	if (identity->ids.umask != own->ids.umask && unshare(CLONE_FS))
		err = -EACCES;
	taken.capabilities = capabilities;
	if (!err && !change(own, &taken))
		err = -EACCES;
	if (err) {
		identity_leave(own);
		return err;
	}
	umask(identity->ids.umask);
	return 0;
}

int identity_take(const struct identity *identity, struct identity *own)
{
	return take(identity, identity->elsewhere < 0 ? identity->capabilities : 0, own);
}

/*
 * In a process of its own: the ids while it still may have any, then the namespace,
 * in which it has all capabilities, of which only the target's stay.
 */
static int do_elsewhere(const struct identity *identity, int (*act)(void *data), void *data)
{
	struct identity own;
	int err = take(identity, UINT64_MAX, &own);

	if (err)
		return err;
	if (setns(identity->elsewhere, CLONE_NEWUSER) || set_effective(identity->capabilities))
		return -EACCES;
	return act(data);
}

static int send_result(int to, int result, bool gives)
{
	struct iovec iov = { &result, sizeof(result) };
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (gives && result >= 0) {
		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &result, sizeof(int));
	}
	return sendmsg(to, &message, MSG_NOSIGNAL) == sizeof(result) ? 0 : -errno;
}

/* What the process did, or -EACCES where it did not come to say so. */
static int receive_result(int from, bool gives)
{
	int result, fd = -1;
	struct iovec iov = { &result, sizeof(result) };
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	ssize_t len;

	do {
		len = recvmsg(from, &message, MSG_CMSG_CLOEXEC);
	} while (len < 0 && errno == EINTR);
	if (len != sizeof(result))
		return -EACCES;
	c = CMSG_FIRSTHDR(&message);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(int));
	if (!gives || result < 0)
		return result;
	return fd < 0 ? -EMFILE : fd;
}

static int do_in_process(const struct identity *identity, bool gives, int (*act)(void *data),
			 void *data)
{
	auto_close int ours = -1, theirs = -1;
	int pair[2], result;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		close(ours);
		_exit(send_result(theirs, do_elsewhere(identity, act, data), gives) ? 1 : 0);
	}
	close(steal_fd(&theirs));
	result = receive_result(ours, gives);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return result;
}

int identity_do(const struct identity *identity, bool gives, int (*act)(void *data), void *data)
{
	struct identity own;
	int result;

	if (identity->elsewhere >= 0)
		return do_in_process(identity, gives, act, data);
	result = identity_take(identity, &own);
	if (result)
		return result;
	result = act(data);
	identity_leave(&own);
	return result;
}
