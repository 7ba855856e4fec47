/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * naive_supervisor - how not to do it: read the path, check it, continue
 *
 * naive_supervisor FORBIDDEN COMMAND [ARGUMENT...]
 *
 * Every openat(2) of the command comes here as a SECCOMP_RET_USER_NOTIF.  The
 * path is read from the command's memory and compared with FORBIDDEN: it is
 * refused with EACCES, anything else goes on with
 * SECCOMP_USER_NOTIF_FLAG_CONTINUE.  The kernel then reads the path from the
 * command's memory once more; nothing says that it is still the same.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int install_listener(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			    SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

/* One descriptor through a socket: fd to send, or -1 to receive. */
static int pass_fd(int sock, int fd)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = sizeof(control) };

	if (fd < 0) {
		if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&msg))
			return -1;
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
		return fd;
	}
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	return sendmsg(sock, &msg, 0) == 1 ? 0 : -1;
}

static void run_command(int sock, char **argv)
{
	int listener = install_listener();

	if (listener < 0 || pass_fd(sock, listener)) {
		perror("naive_supervisor: no listener");
		_exit(125);
	}
	close(listener);
	close(sock);
	execvp(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

/* Is this open of the forbidden file?  The check: as good as its moment. */
static int check(const struct seccomp_notif *request, const char *forbidden)
{
	char mem[32], path[PATH_MAX] = "";
	int fd;

	snprintf(mem, sizeof(mem), "/proc/%u/mem", request->pid);
	fd = open(mem, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -EACCES;
	/* Short at the end of the mapping, where the path has long ended. */
	if (pread(fd, path, sizeof(path) - 1, (off_t)request->data.args[1]) <= 0)
		path[0] = '\0';
	close(fd);
	return strcmp(path, forbidden) ? 0 : -EACCES;
}

static void supervise(int listener, const char *forbidden)
{
	struct pollfd ready = { .fd = listener, .events = POLLIN };

	while (poll(&ready, 1, -1) >= 0 && !(ready.revents & POLLHUP)) {
		struct seccomp_notif request = { 0 };
		struct seccomp_notif_resp answer = { 0 };

		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request))
			continue;
		answer.id = request.id;
		answer.error = check(&request, forbidden);
		if (!answer.error)
			answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	}
}

int main(int argc, char **argv)
{
	int listener, socks[2], status = 0;
	pid_t child;

	if (argc < 3) {
		fprintf(stderr, "usage: naive_supervisor FORBIDDEN COMMAND [ARGUMENT...]\n");
		return 2;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks)) {
		perror("naive_supervisor: socketpair");
		return 125;
	}
	child = fork();
	if (child < 0) {
		perror("naive_supervisor: fork");
		return 125;
	}
	if (!child)
		run_command(socks[1], argv + 2);
	close(socks[1]);
	listener = pass_fd(socks[0], -1);
	if (listener >= 0)
		supervise(listener, argv[1]);
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}
