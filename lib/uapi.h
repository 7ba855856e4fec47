/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * uapi.h - what <linux/seccomp.h> has on a kernel with the redirect, for systems
 * whose headers do not have it; the contract is in that header and in
 * Documentation/userspace-api/seccomp_filter.rst of the series
 */
#ifndef POINTSMAN_UAPI_H
#define POINTSMAN_UAPI_H

#include <linux/seccomp.h>
#include <linux/types.h>
#include <sys/ioctl.h>

#ifndef SECCOMP_FILTER_FLAG_REDIRECT
#define SECCOMP_FILTER_FLAG_REDIRECT		(1UL << 6)
#define SECCOMP_FILTER_FLAG_CHAIN		(1UL << 7)
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE	(1UL << 8)
#define SECCOMP_FILTER_FLAG_KILL_ORPHANS	(1UL << 9)

struct seccomp_notif_pin_install {
	__u64 id;
	__u32 flags;
	__u32 memfd;
	__u64 target_addr;
	__u64 size;
	__u64 offset;
};

#define SECCOMP_REDIRECT_FLAG_CONTINUE		(1UL << 0)
#define SECCOMP_REDIRECT_FLAG_NR		(1UL << 1)

struct seccomp_notif_resp_redirect {
	__u64 id;
	__u32 flags;
	__u32 args_mask;
	__u32 ptr_mask;
	__u32 memfd;
	__u64 args[6];
	__u64 ptr_len[6];
	__s32 nr;
	__u32 reserved;
};

#define SECCOMP_IOCTL_NOTIF_PIN_INSTALL		_IOWR('!', 5, struct seccomp_notif_pin_install)
#define SECCOMP_IOCTL_NOTIF_SEND_REDIRECT	_IOW('!', 6, struct seccomp_notif_resp_redirect)
#endif

/* Linux 6.6: who is woken runs where the one who wakes it ran. */
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP	(1UL << 0)
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS		_IOW('!', 4, __u64)
#endif
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV	/* Linux 5.19 */
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV	(1UL << 5)
#endif
#ifndef SECCOMP_ADDFD_FLAG_SEND			/* Linux 5.14 */
#define SECCOMP_ADDFD_FLAG_SEND			(1UL << 1)
#endif

#endif
