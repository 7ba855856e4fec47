/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The system calls themselves: glibc's setresuid(3) and the like change all
 * threads of the process.  The real and the saved user id stay, so that there is
 * a way back, and nobody with the target's ids can send signals to this thread.
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

#define KEEP ((unsigned int)-1)

static int get_capabilities(pid_t tid, struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3,
						   .pid = tid };

	return syscall(SYS_capget, &header, data) ? -errno : 0;
}

/* Make these the effective ones, of those that are permitted. */
static int set_effective(uint64_t wanted)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	int err = get_capabilities(0, data);

	if (err)
		return err;
	for (int i = 0; i < 2; i++)
		data[i].effective = data[i].permitted & (uint32_t)(wanted >> (32 * i));
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

static int read_groups(const char *at, struct identity *identity)
{
	char *end;

	for (;; at = end) {
		unsigned long group = strtoul(at, &end, 10);
		gid_t *grown;

		if (end == at)
			return 0;
		grown = realloc(identity->groups, (identity->ngroups + 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		identity->groups = grown;
		identity->groups[identity->ngroups++] = (gid_t)group;
	}
}

/* What /proc says of the ids of a thread. */
static int read_status(const char *path, struct identity *identity)
{
	FILE *file = fopen(path, "re");
	auto_free char *line = NULL;
	unsigned int found = 0;
	size_t room = 0;
	int err = 0;

	if (!file)
		return errno == ENOENT ? -ESRCH : -EACCES;
	while (!err && found != 15 && getline(&line, &room, file) > 0) {
		if (sscanf(line, "Uid: %*u %u %*u %u", &identity->euid, &identity->fsuid) == 2)
			found |= 1;
		else if (sscanf(line, "Gid: %*u %u %*u %u", &identity->egid,
				&identity->fsgid) == 2)
			found |= 2;
		else if (sscanf(line, "Umask: %o", &identity->umask) == 1)
			found |= 4;
		if (strncmp(line, "Groups:", 7))
			continue;
		err = read_groups(line + 7, identity);
		found |= 8;
	}
	fclose(file);
	return err ? err : found == 15 ? 0 : -EACCES;
}

/* Is this namespace of the thread the calling thread's own? */
static bool same_namespace(pid_t tid, const char *kind)
{
	char path[64], ours[64], theirs[64];
	ssize_t len, their_len;

	snprintf(path, sizeof(path), "/proc/thread-self/ns/%s", kind);
	len = readlink(path, ours, sizeof(ours));
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", tid, kind);
	their_len = readlink(path, theirs, sizeof(theirs));
	/* A kernel without this kind has it nowhere. */
	if (len < 0 && their_len < 0)
		return access("/proc/thread-self/ns", X_OK) == 0;
	return len > 0 && len == their_len && !memcmp(ours, theirs, (size_t)len);
}

bool identity_same_namespaces(pid_t tid)
{
	return same_namespace(tid, "net") && same_namespace(tid, "ipc") &&
	       same_namespace(tid, "uts");
}

int identity_of(pid_t tid, struct identity *identity)
{
	struct __user_cap_data_struct data[2];
	char path[64];
	int err;

	*identity = (struct identity){ .elsewhere = -1 };
	err = get_capabilities(tid, data);
	if (err)
		return err;
	identity->capabilities = data[0].effective | (uint64_t)data[1].effective << 32;
	if (!same_namespace(tid, "user")) {
		snprintf(path, sizeof(path), "/proc/%d/ns/user", tid);
		identity->elsewhere = open(path, O_RDONLY | O_CLOEXEC);
		if (identity->elsewhere < 0)
			return errno == ENOENT ? -ESRCH : -EACCES;
	}
	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	err = read_status(path, identity);
	if (err)
		identity_free(identity);
	return err;
}

void identity_free(struct identity *identity)
{
	free(identity->groups);
	cleanup_close(&identity->elsewhere);
	*identity = (struct identity){ .elsewhere = -1 };
}

static bool same_groups(const struct identity *a, const struct identity *b)
{
	return a->ngroups == b->ngroups &&
	       (!a->ngroups || !memcmp(a->groups, b->groups, a->ngroups * sizeof(gid_t)));
}

/* The kernel says nothing of a change that it refused: it is asked what holds. */
static bool set_file_ids(uid_t uid, gid_t gid)
{
	syscall(SYS_setfsgid, gid);
	syscall(SYS_setfsuid, uid);
	return (uid_t)syscall(SYS_setfsuid, KEEP) == uid &&
	       (gid_t)syscall(SYS_setfsgid, KEEP) == gid;
}

static bool change(const struct identity *from, const struct identity *to)
{
	/* To become root again, or no longer to be it, changes what is effective: all, then less. */
	if (from->euid != to->euid && from->euid && syscall(SYS_setresuid, KEEP, to->euid, KEEP))
		return false;
	if (set_effective(UINT64_MAX) ||
	    (!same_groups(from, to) && syscall(SYS_setgroups, to->ngroups, to->groups)) ||
	    (from->egid != to->egid && syscall(SYS_setresgid, KEEP, to->egid, KEEP)))
		return false;
	if (from->euid != to->euid && !from->euid &&
	    (syscall(SYS_setresuid, KEEP, to->euid, KEEP) || set_effective(UINT64_MAX)))
		return false;
	return set_file_ids(to->fsuid, to->fsgid) && !set_effective(to->capabilities);
}

void identity_leave(struct identity *own)
{
	struct identity now = { 0 };

	if (identity_of((pid_t)syscall(SYS_gettid), &now) || !change(&now, own))
		abort();
	if (now.umask != own->umask)
		umask(own->umask);
	identity_free(&now);
	identity_free(own);
}

/* With these capabilities. */
static int take(const struct identity *identity, uint64_t capabilities, struct identity *own)
{
	struct identity taken = *identity;
	int err = identity_of((pid_t)syscall(SYS_gettid), own);

	if (err)
		return err == -ENOMEM ? err : -EACCES;
	/* The umask is the process's, until a thread has one of its own. */
	if (identity->umask != own->umask && unshare(CLONE_FS))
		err = -EACCES;
	taken.capabilities = capabilities;
	if (!err && !change(own, &taken))
		err = -EACCES;
	if (err) {
		identity_leave(own);
		return err;
	}
	umask(identity->umask);
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
