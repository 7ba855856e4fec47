/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bench_supervise - what people write with seccomp(2)'s notifications, to compare with
 *
 *	bench_supervise continue|addfd [FROM=TO]... -- COMMAND [ARGUMENT...]
 *
 * continue: reads the path of each call and lets it go on.  It decides nothing, and could
 * not: the kernel reads the path again.  addfd: opens files itself, FROM at TO, and hands
 * the descriptor over; makes connections (ADDRESS:PORT=ADDRESS:PORT) on a duplicate of the
 * socket; all other calls go on as with continue.  Both wake by SYNC_WAKE_UP where the
 * kernel has it.
 *
 * A measure, not a tool: the opened file is the supervisor's, not the program's (its ids,
 * umask and namespaces), and what goes on is decided on a path that can change.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS _IOW('!', 4, __u64)
#endif
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP 1ul
#endif
#define PAGE 4096u

/* The calls that are sent, and which argument is their path. */
static const struct {
	int nr;
	int path;
} sent[] = {
	{ SYS_open, 0 }, { SYS_openat, 1 }, { SYS_openat2, 1 }, { SYS_creat, 0 },
	{ SYS_stat, 0 }, { SYS_lstat, 0 }, { SYS_newfstatat, 1 }, { SYS_statx, 1 },
	{ SYS_access, 0 }, { SYS_faccessat, 1 }, { SYS_faccessat2, 1 },
	{ SYS_readlink, 0 }, { SYS_readlinkat, 1 }, { SYS_execve, 0 }, { SYS_execveat, 1 },
	{ SYS_chdir, 0 }, { SYS_mkdir, 0 }, { SYS_unlink, 0 }, { SYS_unlinkat, 1 },
	{ SYS_rename, 0 }, { SYS_connect, -1 },
};
#define SENT (sizeof(sent) / sizeof(sent[0]))

static int listener;
static pid_t child;
static bool answers;		/* addfd */

/* FROM and TO, sorted by FROM. */
static struct pair {
	const char *from, *to;
} *pairs;
static size_t npairs;

static int by_from(const void *a, const void *b)
{
	return strcmp(((const struct pair *)a)->from, ((const struct pair *)b)->from);
}

static const char *mapped(const char *from)
{
	const struct pair wanted = { .from = from }, *found;

	found = bsearch(&wanted, pairs, npairs, sizeof(*pairs), by_from);
	return found ? found->to : NULL;
}

static void map(char *words)
{
	char *equals = strchr(words, '=');

	if (!equals)
		errx(2, "%s: no FROM=TO", words);
	*equals = '\0';
	pairs[npairs++] = (struct pair){ words, equals + 1 };
}

static int install(void)
{
	struct sock_filter code[SENT + 5], *at = code;
	struct sock_fprog program = { .filter = code };

	*at++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					     offsetof(struct seccomp_data, arch));
	*at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0,
					     SENT + 1);
	*at++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					     offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < SENT; i++)
		*at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
						     (unsigned int)sent[i].nr,
						     (unsigned char)(SENT - i), 0);
	*at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	*at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	program.len = (unsigned short)(at - code);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			    SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW,
			    &program);
}

/* A descriptor and no more, over a socket; sendmsg is not sent to the listener. */
static void pass(int sock, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if (sendmsg(sock, &message, 0) != 1)
		err(1, "sendmsg");
}

static int take(int sock)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };
	int fd;

	if (recvmsg(sock, &message, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&message))
		errx(1, "the command has no listener");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

/* A text from the program's memory: a page after the other, for the next may be missing. */
static int read_text(pid_t tid, uint64_t from, char text[PATH_MAX])
{
	size_t got = 0;

	while (got < PATH_MAX) {
		size_t len = PAGE - (from + got) % PAGE;
		struct iovec local, remote;
		ssize_t n;

		if (len > PATH_MAX - got)
			len = PATH_MAX - got;
		local = (struct iovec){ text + got, len };
		remote = (struct iovec){ (void *)(uintptr_t)(from + got), len };
		n = process_vm_readv(tid, &local, 1, &remote, 1, 0);
		if (n <= 0)
			return -EFAULT;
		if (memchr(text + got, '\0', (size_t)n))
			return 0;
		got += (size_t)n;
	}
	return -ENAMETOOLONG;
}

/* Where a relative path begins. */
static int open_base(pid_t tid, int dirfd)
{
	char path[64];

	if (dirfd == AT_FDCWD)
		snprintf(path, sizeof(path), "/proc/%d/cwd", tid);
	else
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", tid, dirfd);
	return open(path, O_PATH | O_CLOEXEC);
}

/* What the supervisor cannot open in the program's place: what is the opener's own. */
static bool is_its_own(const char *path)
{
	return !strncmp(path, "/proc", 5) || !strcmp(path, "/dev/tty");
}

static int open_for(pid_t tid, int dirfd, const char *path, int flags, mode_t mode)
{
	const char *to = mapped(path);
	int base = AT_FDCWD, fd;

	if (path[0] != '/')
		base = open_base(tid, dirfd);
	if (base < 0 && base != AT_FDCWD)
		return -EBADF;
	fd = openat(base, to ? to : path, flags | O_CLOEXEC | O_NOCTTY, mode);
	if (fd < 0)
		fd = -errno;
	if (base >= 0)
		close(base);
	return fd;
}

/* True: the descriptor is there, and the call has been answered by it. */
static bool hand_over(uint64_t id, int fd, int flags)
{
	struct seccomp_notif_addfd add = {
		.id = id,
		.flags = SECCOMP_ADDFD_FLAG_SEND,
		.srcfd = (unsigned int)fd,
		.newfd_flags = flags & O_CLOEXEC,
	};
	bool done = ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) >= 0;

	close(fd);
	return done;
}

static int connect_for(pid_t tid, int number, uint64_t from, size_t len)
{
	struct sockaddr_storage address = { 0 };
	struct sockaddr_in *in = (struct sockaddr_in *)&address;
	struct iovec local = { &address, len }, remote = { (void *)(uintptr_t)from, len };
	char text[64], *colon;
	const char *to;
	int process, fd, done;

	if (len > sizeof(address) || process_vm_readv(tid, &local, 1, &remote, 1, 0) < 0)
		return -EFAULT;
	if (address.ss_family == AF_INET && len >= sizeof(*in)) {
		snprintf(text, sizeof(text), "%s:%d", inet_ntoa(in->sin_addr),
			 ntohs(in->sin_port));
		to = mapped(text);
		if (to) {
			snprintf(text, sizeof(text), "%s", to);
			colon = strchr(text, ':');
			if (!colon)
				return -EINVAL;
			*colon = '\0';
			inet_aton(text, &in->sin_addr);
			in->sin_port = htons((uint16_t)atoi(colon + 1));
		}
	}
	process = (int)syscall(SYS_pidfd_open, tid, 0);
	if (process < 0)
		return -errno;
	fd = (int)syscall(SYS_pidfd_getfd, process, number, 0);
	done = fd < 0 || connect(fd, (struct sockaddr *)&address, (socklen_t)len) ? -errno : 0;
	close(process);
	if (fd >= 0)
		close(fd);
	return done;
}

/* True: answered.  What is left is answered as reply says. */
static bool answer(const struct seccomp_notif *notice, const char *path,
		   struct seccomp_notif_resp *reply)
{
	const __u64 *args = notice->data.args;
	pid_t tid = (pid_t)notice->pid;
	int flags, fd;

	if (notice->data.nr == SYS_connect) {
		reply->flags = 0;
		reply->error = connect_for(tid, (int)args[0], args[1], args[2]);
		return false;
	}
	if ((notice->data.nr != SYS_openat && notice->data.nr != SYS_open) || is_its_own(path))
		return false;
	if (notice->data.nr == SYS_openat) {
		flags = (int)args[2];
		fd = open_for(tid, (int)args[0], path, flags, (mode_t)args[3]);
	} else {
		flags = (int)args[1];
		fd = open_for(tid, AT_FDCWD, path, flags, (mode_t)args[2]);
	}
	if (fd >= 0)
		return hand_over(notice->id, fd, flags);
	reply->flags = 0;
	reply->error = fd;
	return false;
}

static int path_argument(int nr)
{
	for (size_t i = 0; i < SENT; i++)
		if (sent[i].nr == nr)
			return sent[i].path;
	return -1;
}

static void serve(const struct seccomp_notif *notice)
{
	struct seccomp_notif_resp reply = { .id = notice->id,
					    .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };
	int arg = path_argument(notice->data.nr);
	char path[PATH_MAX] = "";

	/* What cannot be read fails in the kernel too. */
	if (arg >= 0)
		read_text((pid_t)notice->pid, notice->data.args[arg], path);
	if (!answers || !answer(notice, path, &reply))
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
}

/* The command has ended: so does this, with its status. */
static void ended(int signal)
{
	int status;

	(void)signal;
	if (waitpid(child, &status, WNOHANG) == child)
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static _Noreturn void run(char **command, int sock)
{
	int fd = install();

	if (fd < 0)
		err(125, "seccomp");
	pass(sock, fd);
	close(fd);
	close(sock);
	execvp(command[0], command);
	err(127, "%s", command[0]);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = ended };
	struct seccomp_notif notice;
	sigset_t ends;
	int pair[2], i = 2;

	if (argc < 4 || (strcmp(argv[1], "continue") && strcmp(argv[1], "addfd")))
		errx(2, "usage: bench_supervise continue|addfd [FROM=TO]... -- COMMAND...");
	answers = !strcmp(argv[1], "addfd");
	pairs = calloc((size_t)argc, sizeof(*pairs));
	if (!pairs)
		err(1, "calloc");
	for (; i < argc && strcmp(argv[i], "--"); i++)
		map(argv[i]);
	qsort(pairs, npairs, sizeof(*pairs), by_from);
	if (i + 1 >= argc)
		errx(2, "no command");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		err(1, "socketpair");
	sigemptyset(&ends);
	sigaddset(&ends, SIGCHLD);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	child = fork();
	if (child < 0)
		err(1, "fork");
	if (!child) {
		sigprocmask(SIG_UNBLOCK, &ends, NULL);
		run(argv + i + 1, pair[1]);
	}
	close(pair[1]);
	sigaction(SIGCHLD, &action, NULL);
	sigprocmask(SIG_UNBLOCK, &ends, NULL);
	listener = take(pair[0]);
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	for (;;) {
		memset(&notice, 0, sizeof(notice));
		if (!ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &notice))
			serve(&notice);
		else if (errno != EINTR && errno != ENOENT)
			err(1, "SECCOMP_IOCTL_NOTIF_RECV");
	}
}
