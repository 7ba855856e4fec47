/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the two programs of the demonstration share: a filter that does one
 * thing about one call, and the supervisor's side of a notification.
 *
 * Functions return 0 or a descriptor, or -errno.
 */
#ifndef KERNEL_DEMO_H
#define KERNEL_DEMO_H

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The call @nr gets @action, others are allowed; no other calling convention. */
static inline int filter_install(unsigned int flags, int nr, __u32 action)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (__u32)nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = ARRAY_SIZE(filter),
		.filter = filter,
	};
	int ret = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);

	return ret < 0 ? -errno : ret;
}

/*
 * Waits for a notification: -EPIPE once no task has the filter any more,
 * -ENOENT where a task left its call before.
 */
static inline int notification_receive(int listener, struct seccomp_notif *req)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };

	if (poll(&p, 1, -1) < 0)
		return -errno;
	if (!(p.revents & POLLIN))
		return -EPIPE;
	*req = (struct seccomp_notif){};
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, req) ? -errno : 0;
}

static inline int notification_refuse(int listener, __u64 id, int error)
{
	struct seccomp_notif_resp answer = { .id = id, .error = -error };

	return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) ? -errno : 0;
}

static inline int
notification_redirect(int listener,
		      const struct seccomp_notif_resp_redirect *answer)
{
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND_REDIRECT, answer) ?
		       -errno : 0;
}

#endif
