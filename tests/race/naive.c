// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * naive [--keep] [--path PATH] [--arg WORD] [--port PORT] [--bind PORT] [--write PATH] COMMAND...
 *
 * The supervisor that seccomp_unotify(2) warns of: it reads what a call points
 * to, decides, and lets the call go on (SECCOMP_USER_NOTIF_FLAG_CONTINUE), which
 * then reads the memory of the program once more.  An attack that does not win
 * against it proves nothing.
 *
 * It refuses with EACCES to open, to execute, to make, to mount or to connect to
 * PATH and what lies below, to open PATH of --write for writing, to execute anything
 * with WORD as its first argument or as the value of its first variable, whose name
 * has three letters, to connect and to send to PORT, and to bind to that of --bind.  It mediates only
 * what the attacks call, on x86_64; of 32-bit calls it knows nothing.
 *
 * With --keep it reads through /proc/PID/mem, which it keeps open for each process; and what
 * it cannot read, having no descriptor left, it lets go on.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

struct naive {
	const char *path, *arg, *write;
	in_port_t port, bind;	/* in network order, 0: none */
	char **command;
	int listener;		/* written by the child, which shares our descriptors */
	int ready[2];
};

static void die(const char *what)
{
	fprintf(stderr, "naive: %s: %s\n", what, strerror(errno));
	_exit(2);
}

static int keeps;

/* The memory of a process, open for good, or -1. */
static int memory_of(pid_t pid)
{
	static struct { pid_t pid; int fd; } kept[4096];
	char path[64];

	for (unsigned int i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		if (kept[i].pid == pid)
			return kept[i].fd;
		if (kept[i].pid)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/mem", pid);
		kept[i].fd = open(path, O_RDONLY | O_CLOEXEC);
		if (kept[i].fd >= 0)
			kept[i].pid = pid;
		return kept[i].fd;
	}
	return -1;
}

static ssize_t peek_step(pid_t pid, const struct iovec *to, const struct iovec *from)
{
	if (!keeps)
		return process_vm_readv(pid, to, 1, from, 1, 0);
	return pread(memory_of(pid), to->iov_base, to->iov_len, (off_t)(uintptr_t)from->iov_base);
}

/* What can be read, and no more; short at the end of the mapping. */
static size_t peek(pid_t pid, uint64_t addr, void *buf, size_t len)
{
	size_t got = 0;

	while (got < len) {
		size_t step = 4096 - ((addr + got) & 4095);
		struct iovec to = { (char *)buf + got, 0 };
		struct iovec from = { (void *)(uintptr_t)(addr + got), 0 };

		if (step > len - got)
			step = len - got;
		to.iov_len = from.iov_len = step;
		if (peek_step(pid, &to, &from) != (ssize_t)step)
			break;
		got += step;
	}
	return got;
}

static void peek_string(pid_t pid, uint64_t addr, char *buf, size_t size)
{
	size_t got = peek(pid, addr, buf, size - 1);

	buf[got] = '\0';
}

/* The file that a path names now, in the view of the program. */
static void resolve(pid_t pid, int dirfd, const char *path, char *real)
{
	char joined[2 * PATH_MAX], *slash;

	if (path[0] == '/')
		snprintf(joined, sizeof(joined), "%s", path);
	else if (dirfd == AT_FDCWD)
		snprintf(joined, sizeof(joined), "/proc/%d/cwd/%s", pid, path);
	else
		snprintf(joined, sizeof(joined), "/proc/%d/fd/%d/%s", pid, dirfd, path);
	if (realpath(joined, real))
		return;
	/* A file that is not there yet, in a directory that is. */
	slash = strrchr(joined, '/');
	*slash = '\0';
	if (realpath(joined, real)) {
		size_t len = strlen(real);

		snprintf(real + len, PATH_MAX - len, "/%s", slash + 1);
	} else {
		real[0] = '\0';
	}
}

static int below(const char *real, const char *denied)
{
	size_t len = denied ? strlen(denied) : 0;

	return len && !strncmp(real, denied, len) && (!real[len] || real[len] == '/');
}

static int decide_path(const struct naive *naive, pid_t pid, int dirfd, uint64_t addr,
		       uint64_t flags)
{
	char path[PATH_MAX], real[PATH_MAX];

	peek_string(pid, addr, path, sizeof(path));
	resolve(pid, dirfd, path, real);
	if (below(real, naive->path))
		return EACCES;
	if ((flags & O_ACCMODE) != O_RDONLY && below(real, naive->write))
		return EACCES;
	return 0;
}

/* Is the string that is pointed to at addr the word, from its skip'th byte on? */
static int is_word(const struct naive *naive, pid_t pid, uint64_t addr, size_t skip)
{
	uint64_t pointer = 0;
	char word[16];

	peek(pid, addr, &pointer, sizeof(pointer));
	if (!pointer)
		return 0;
	peek_string(pid, pointer, word, sizeof(word));
	return strlen(word) >= skip && !strcmp(word + skip, naive->arg);
}

static int decide_exec(const struct naive *naive, pid_t pid, int dirfd, uint64_t path,
		       uint64_t argv, uint64_t envp)
{
	int err = decide_path(naive, pid, dirfd, path, O_RDONLY);

	if (err || !naive->arg)
		return err;
	return is_word(naive, pid, argv + 8, 0) || is_word(naive, pid, envp, 4) ? EACCES : 0;
}

static int decide_address(pid_t pid, uint64_t addr, uint64_t len, in_port_t port)
{
	struct sockaddr_in name = { 0 };

	peek(pid, addr, &name, len < sizeof(name) ? len : sizeof(name));
	return name.sin_family == AF_INET && port && name.sin_port == port ? EACCES : 0;
}

static int decide_connect(const struct naive *naive, pid_t pid, uint64_t addr, uint64_t len)
{
	struct sockaddr_un name = { 0 };

	peek(pid, addr, &name, len < sizeof(name) ? len : sizeof(name) - 1);
	if (name.sun_family == AF_UNIX)
		return below(name.sun_path, naive->path) ? EACCES : 0;
	return decide_address(pid, addr, len, naive->port);
}

static int decide_message(const struct naive *naive, pid_t pid, uint64_t addr)
{
	struct msghdr msg = { 0 };

	peek(pid, addr, &msg, sizeof(msg));
	return decide_address(pid, (uintptr_t)msg.msg_name, msg.msg_namelen,
			      naive->port);
}

static int decide_messages(const struct naive *naive, pid_t pid, uint64_t addr, uint64_t n)
{
	int err = 0;

	for (uint64_t i = 0; !err && i < n && i < 16; i++)
		err = decide_message(naive, pid, addr + i * sizeof(struct mmsghdr));
	return err;
}

static int decide(const struct naive *naive, const struct seccomp_notif *notif)
{
	const __u64 *args = notif->data.args;
	pid_t pid = (pid_t)notif->pid;
	struct open_how how = { 0 };

	switch (notif->data.nr) {
	case SYS_open:
		return decide_path(naive, pid, AT_FDCWD, args[0], args[1]);
	case SYS_openat:
		return decide_path(naive, pid, (int)args[0], args[1], args[2]);
	case SYS_openat2:
		peek(pid, args[2], &how, sizeof(how));
		return decide_path(naive, pid, (int)args[0], args[1], how.flags);
	case SYS_execve:
		return decide_exec(naive, pid, AT_FDCWD, args[0], args[1], args[2]);
	case SYS_execveat:
		return decide_exec(naive, pid, (int)args[0], args[1], args[2], args[3]);
	case SYS_mount:
		return decide_path(naive, pid, AT_FDCWD, args[0], O_RDONLY);
	case SYS_rename:
	case SYS_link:
	case SYS_symlink:
		return decide_path(naive, pid, AT_FDCWD, args[1], O_RDONLY);
	case SYS_connect:
		return decide_connect(naive, pid, args[1], args[2]);
	case SYS_bind:
		return decide_address(pid, args[1], args[2], naive->bind);
	case SYS_sendto:
		return decide_address(pid, args[4], args[5], naive->port);
	case SYS_sendmsg:
		return decide_message(naive, pid, args[1]);
	case SYS_sendmmsg:
		return decide_messages(naive, pid, args[1], args[2]);
	}
	return 0;
}

#define NOTIFY(nr) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), \
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF)

static struct sock_filter filter[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	NOTIFY(SYS_open),
	NOTIFY(SYS_openat),
	NOTIFY(SYS_openat2),
	NOTIFY(SYS_execve),
	NOTIFY(SYS_execveat),
	NOTIFY(SYS_connect),
	NOTIFY(SYS_bind),
	NOTIFY(SYS_sendto),
	NOTIFY(SYS_sendmsg),
	NOTIFY(SYS_sendmmsg),
	NOTIFY(SYS_rename),
	NOTIFY(SYS_link),
	NOTIFY(SYS_symlink),
	NOTIFY(SYS_mount),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

static int become_command(void *data)
{
	struct naive *naive = data;
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		die("no_new_privs");
	naive->listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
				       SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	if (naive->listener < 0)
		die("seccomp");
	/* In the shared table: the supervisor has it from now on, we must not. */
	if (write(naive->ready[1], "!", 1) != 1 || unshare(CLONE_FILES))
		die("unshare");
	close(naive->listener);
	close(naive->ready[0]);
	close(naive->ready[1]);
	execvp(naive->command[0], naive->command);
	fprintf(stderr, "naive: %s: %s\n", naive->command[0], strerror(errno));
	_exit(127);
}

/* Ends when nobody is left under the filter. */
static void supervise(const struct naive *naive)
{
	for (;;) {
		struct pollfd poll_listener = { .fd = naive->listener, .events = POLLIN };
		struct seccomp_notif notif = { 0 };
		struct seccomp_notif_resp resp = { 0 };
		int err;

		if (poll(&poll_listener, 1, -1) < 0)
			die("poll");
		if (!(poll_listener.revents & POLLIN))
			return;
		if (ioctl(naive->listener, SECCOMP_IOCTL_NOTIF_RECV, &notif)) {
			if (errno == ENOENT || errno == EINTR)
				continue;
			die("receive");
		}
		err = decide(naive, &notif);
		resp.id = notif.id;
		resp.error = -err;
		resp.flags = err ? 0 : SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		if (ioctl(naive->listener, SECCOMP_IOCTL_NOTIF_SEND, &resp) && errno != ENOENT)
			die("answer");
	}
}

static int parse(struct naive *naive, int argc, char **argv)
{
	int i = 1;

	if (argc > 1 && !strcmp(argv[1], "--keep")) {
		keeps = 1;
		i++;
	}
	for (; i + 1 < argc && !strncmp(argv[i], "--", 2); i += 2) {
		if (!strcmp(argv[i], "--path"))
			naive->path = argv[i + 1];
		else if (!strcmp(argv[i], "--arg"))
			naive->arg = argv[i + 1];
		else if (!strcmp(argv[i], "--write"))
			naive->write = argv[i + 1];
		else if (!strcmp(argv[i], "--port"))
			naive->port = htons((in_port_t)atoi(argv[i + 1]));
		else if (!strcmp(argv[i], "--bind"))
			naive->bind = htons((in_port_t)atoi(argv[i + 1]));
		else
			return -1;
	}
	naive->command = argv + i;
	return i < argc ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct naive *naive = mmap(NULL, sizeof(*naive), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	size_t stack_size = 1 << 20;
	char *stack = malloc(stack_size);
	int status;
	pid_t pid;
	char byte;

	if (naive == MAP_FAILED || !stack)
		die("memory");
	if (parse(naive, argc, argv)) {
		fprintf(stderr, "usage: naive [--keep] [--path PATH] [--arg WORD] [--port PORT] [--bind PORT] [--write PATH] COMMAND...\n");
		return 2;
	}
	if (pipe(naive->ready))
		die("pipe");
	pid = clone(become_command, stack + stack_size, CLONE_FILES | SIGCHLD, naive);
	if (pid < 0)
		die("clone");
	if (read(naive->ready[0], &byte, 1) != 1)
		die("the command");
	/* From here on the child has a table of its own, or is about to. */
	supervise(naive);
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
