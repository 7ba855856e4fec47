// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What random scenarios hardly reach: where the tables of numbers end, for redirects, at this
 * kernel's own end; and a listener beside one that is closed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/uapi.h"
#include "scenario.h"

#define NUMBERS_END 463			/* of both tables, Linux 6.12 */

/* getppid() of a table goes to the listener, whose descriptor is told first. */
static int call_once(bool narrow, int tell)
{
	const int nr = number_in(SYS_getppid, narrow);
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, narrow ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64,
			 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };
	long result = nr;
	int fd;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			  SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_REDIRECT, &program);
	if (fd < 0 || write(tell, &fd, sizeof(fd)) != sizeof(fd))
		return 2;
	if (narrow)
		asm volatile("int $0x80" : "+a"(result) : : "r8", "r9", "r10", "r11", "memory");
	else
		syscall(SYS_getppid);
	return 0;
}

/* 0, or the errno of a redirect to this number. */
static int redirect_to(int listener, uint64_t id, int nr)
{
	struct seccomp_notif_resp_redirect resp = {
		.id = id,
		.flags = SECCOMP_REDIRECT_FLAG_CONTINUE | SECCOMP_REDIRECT_FLAG_NR,
		.nr = nr,
	};

	return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND_REDIRECT, &resp) ? errno : 0;
}

static bool table_ends(bool narrow)
{
	struct seccomp_notif req = { 0 };
	int pipes[2], theirs, pidfd, listener = -1, beyond, last, status = -1;
	pid_t pid;

	if (pipe(pipes))
		return false;
	pid = fork();
	if (pid < 0)
		return false;
	if (!pid)
		_exit(call_once(narrow, pipes[1]));
	close(pipes[1]);
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (read(pipes[0], &theirs, sizeof(theirs)) == sizeof(theirs))
		listener = (int)syscall(SYS_pidfd_getfd, pidfd, theirs, 0);
	close(pipes[0]);
	if (listener < 0 || ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &req)) {
		printf("# no notification: the end of the table was not looked for\n");
		return false;
	}
	beyond = redirect_to(listener, req.id, NUMBERS_END);
	last = beyond ? redirect_to(listener, req.id, NUMBERS_END - 1) : 0;
	close(listener);
	close(pidfd);
	if (beyond != EINVAL || last)
		printf("# %d-bit table: errno %d for number %d, %d for the one before\n",
		       narrow ? 32 : 64, beyond, NUMBERS_END, last);
	return waitpid(pid, &status, 0) == pid && !status && beyond == EINVAL && !last;
}

bool edges_hold(void)
{
	bool wide = table_ends(false), narrow = table_ends(true);

	return wide && narrow;
}

/*
 * lseek(2) goes to a listener, which is closed instead; getppid(2) to the tracer, and while it
 * waits for that another filter with a listener is installed for all threads.
 */
bool closed_excludes_none(void)
{
	static const struct scenario s = {
		.filters = 2,
		.filter = {
			{ .listener = true, .otherwise = SECCOMP_RET_USER_NOTIF, .rules = 1, .rule = {
				{ .call = 3, .half = ANY, .returns = SECCOMP_RET_TRACE } } },
			{ .listener = true, .by = LATE, .otherwise = SECCOMP_RET_ALLOW },
		},
		.tracer = true,
		.calls = 2,
		.one = {
			{ .call = { .nr = SYS_lseek, .args = { 104 } },
			  .step = { { .answer = { .kind = MODEL_CLOSE, .unseen = true } } } },
			{ .call = { .nr = SYS_getppid }, .step = { { .late = true } } },
		},
	};
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		status = scenario_check(&s);
		fflush(stdout);
		_exit(status);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}
