// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * refused TEST [ARG...] - what leads around decisions, and filters of the
 * program's own
 */
#define _GNU_SOURCE
#include "check.h"
#include "filters.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* ptrace: every way to begin is refused. */
static void no_ptrace(char **args)
{
	pid_t pid;
	int status;

	(void)args;
	pid = fork();
	check(pid >= 0);
	if (!pid) {
		check(ptrace(PTRACE_TRACEME, 0, 0, 0) == -1 && errno == EPERM);
		raise(SIGSTOP);
		_exit(0);
	}
	check(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	check(ptrace(PTRACE_ATTACH, pid, 0, 0) == -1 && errno == EPERM);
	check(ptrace(PTRACE_SEIZE, pid, 0, 0) == -1 && errno == EPERM);
	check(ptrace(PTRACE_PEEKDATA, pid, &status, 0) == -1 && errno == EPERM);
	check(!kill(pid, SIGCONT));
	check_wait(pid, 0);
}

static void no_io_uring(char **args)
{
	char params[120] = "";

	(void)args;
	check(syscall(SYS_io_uring_setup, 4, params) == -1 && errno == ENOSYS);
}

static void no_handles(char **args)
{
	struct file_handle *handle = calloc(1, sizeof(*handle) + 128);
	int mount_id;

	(void)args;
	check(handle);
	handle->handle_bytes = 128;
	if (name_to_handle_at(AT_FDCWD, check_from, handle, &mount_id, 0))
		check(errno == EOPNOTSUPP);
	check(open_by_handle_at(AT_FDCWD, handle, O_RDONLY) == -1 && errno == EPERM);
	check(open_by_handle_at(AT_FDCWD, handle, O_RDONLY | O_CREAT) == -1 && errno == EPERM);
	check(open_by_handle_at(AT_FDCWD, handle, O_RDWR | O_TMPFILE) == -1 && errno == EPERM);
	free(handle);
}

/* x32: numbers of the other 64-bit table. */
static void no_x32(char **args)
{
	(void)args;
	check(syscall(0x40000000 | SYS_openat, AT_FDCWD, check_denied, O_RDONLY) == -1 &&
	      errno == ENOSYS);
	check(syscall(0x40000000 | SYS_getpid) == -1 && errno == ENOSYS);
	check(syscall(0x40000000 | 520, check_denied, NULL, NULL) == -1 && errno == ENOSYS);
	check(syscall(1000000) == -1 && errno == ENOSYS);
	check(syscall(-1) == -1 && errno == ENOSYS);
}

static long int80(long nr, long a, long b, long c)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(nr), "b"(a), "c"(b), "d"(c)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}

/* int80: calls of the 32-bit table from 64-bit code, memory below 4 GiB. */
static void by_int80(char **args)
{
	char *low = mmap(NULL, 65536, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(7641),
				    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	uint32_t *vector = (uint32_t *)(low + 8192);
	char buf[8] = "";
	long fd;

	(void)args;
	check(low != MAP_FAILED);
	for (int i = 0; i < 10; i++) {
		strcpy(low, check_from);
		fd = int80(5, (long)low, O_RDONLY, 0);
		check(fd >= 0 && read((int)fd, buf, 7) > 0 && !close((int)fd));
		check(!strncmp(buf, check_supervised() ? "to" : "from", 2));
		strcpy(low, check_denied);
		fd = int80(5, (long)low, O_RDONLY, 0);
		check(check_supervised() ? fd == -EACCES : fd >= 0 && !close((int)fd));
		strcpy(low, "/nonexistent/file");
		check(int80(5, (long)low, O_RDONLY, 0) == -ENOENT);
		check(int80(5, 1, O_RDONLY, 0) == -EFAULT);
		/* connect, by the number of its own and through socketcall. */
		memcpy(low + 4096, &name, sizeof(name));
		vector[0] = (uint32_t)socket(AF_INET, SOCK_DGRAM, 0);
		vector[1] = (uint32_t)(uintptr_t)(low + 4096);
		vector[2] = sizeof(name);
		check(int80(362, (int)vector[0], vector[1], vector[2]) ==
		      (check_supervised() ? -EACCES : 0));
		check(int80(102, 3, (long)vector, 0) == (check_supervised() ? -EACCES : 0));
		close((int)vector[0]);
		check(int80(-1, 0, 0, 0) == -ENOSYS);
		check(int80(100000, 0, 0, 0) == -ENOSYS);
		check(int80(0x40000000, 0, 0, 0) == -ENOSYS);
		check_mediated();
	}
}

static void print_ids(char **args)
{
	uid_t real, effective, saved;

	(void)args;
	check(!getresuid(&real, &effective, &saved));
	printf("%d\n", effective);
}

static void no_new_privs(char **args)
{
	(void)args;
	check(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
}

/* Filters of the program's own. */

static volatile int trapped;

static void on_sigsys(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	trapped = info->si_syscall;
}

/* filters: errors, traps and kills of a program's own filters count. */
static void filters(char **args)
{
	struct sigaction action = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO };
	struct sock_fprog strange = { 0, NULL };
	pid_t pid;

	(void)args;
	check(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL) == -1 && errno == EFAULT);
	check(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 1u << 31, &strange) == -1 &&
	      errno == EINVAL);
	check(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &strange) == -1 && errno == EINVAL);
	check(!sigaction(SIGSYS, &action, NULL));
	for (int i = 0; i < 3; i++) {
		check(!INSTALL(0, ON(SYS_mkdir, SECCOMP_RET_ERRNO | EXDEV),
			       ON(SYS_rmdir, SECCOMP_RET_TRAP),
			       ON(SYS_getppid, SECCOMP_RET_TRACE | (unsigned int)i),
			       ON(SYS_open, SECCOMP_RET_TRACE),
			       ON(SYS_chroot, SECCOMP_RET_KILL_PROCESS)));
		check(mkdir("anything", 0700) == -1 && errno == EXDEV);
		trapped = 0;
		rmdir("anything");
		check(trapped == SYS_rmdir);
		check(syscall(SYS_getppid) == -1 && errno == ENOSYS);
		/* A call that may be answered without a stop, too. */
		check(syscall(SYS_open, check_from, O_RDONLY) == -1 && errno == ENOSYS);
		check_mediated();
	}
	pid = fork();
	check(pid >= 0);
	if (!pid) {
		check(syscall(SYS_open, check_from, O_RDONLY) == -1 && errno == ENOSYS);
		check_mediated();
		check(mkdir("anything", 0700) == -1 && errno == EXDEV);
		check(chroot("/") == -1 && !"chroot ran");
	}
	check_wait(pid, SIGSYS);
	/* prctl(2) installs them too; after an exec they hold. */
	pid = fork();
	check(pid >= 0);
	if (!pid) {
		execl("/proc/self/exe", "refused", "filtered", NULL);
		_exit(99);
	}
	check_wait(pid, 0);
}

static void filtered(char **args)
{
	(void)args;
	check(mkdir("anything", 0700) == -1 && errno == EXDEV);
	check(syscall(SYS_open, check_from, O_RDONLY) == -1 && errno == ENOSYS);
	check_mediated();
}

static void *wait_until_filtered(void *data)
{
	while (!atomic_load((atomic_bool *)data))
		sched_yield();
	check(mkdir("anything", 0700) == -1 && errno == EXDEV);
	check_mediated();
	return NULL;
}

/* tsync: a filter for all threads; with a listener it would reach those who do not stop. */
static void tsync(char **args)
{
	static atomic_bool filtered_now;
	pthread_t thread;

	(void)args;
	check(!pthread_create(&thread, NULL, wait_until_filtered, &filtered_now));
	check(!INSTALL(SECCOMP_FILTER_FLAG_TSYNC, ON(SYS_mkdir, SECCOMP_RET_ERRNO | EXDEV)));
	check(INSTALL(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH |
		      SECCOMP_FILTER_FLAG_NEW_LISTENER, ON(SYS_openat, SECCOMP_RET_USER_NOTIF)) ==
	      -1 && errno == EBUSY);
	atomic_store(&filtered_now, true);
	check(!pthread_join(thread, NULL));
	check(mkdir("anything", 0700) == -1 && errno == EXDEV);
	check_mediated();
}

static volatile char selector;
static volatile int dispatched;

static void on_dispatch(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	selector = SYSCALL_DISPATCH_FILTER_ALLOW;
	dispatched = info->si_syscall;
	check_mediated();
}

/* dispatch: calls that the program takes itself do not run, the others are mediated. */
static void dispatch(char **args)
{
	struct sigaction action = { .sa_sigaction = on_dispatch, .sa_flags = SA_SIGINFO };

	(void)args;
	check(!sigaction(SIGSYS, &action, NULL));
	selector = SYSCALL_DISPATCH_FILTER_ALLOW;
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &selector)) {
		check(errno == EINVAL);
		return;
	}
	for (int i = 0; i < 20; i++) {
		check_mediated();
		dispatched = 0;
		selector = SYSCALL_DISPATCH_FILTER_BLOCK;
		/* The handler has made its calls; this one is the handler's to answer. */
		syscall(SYS_openat, AT_FDCWD, check_denied, O_RDONLY, 0);
		check(dispatched == SYS_openat);
	}
}

struct listening {
	int fd;
	unsigned int opens;
};

/* Answers getppid with 4242, lets opens go on, and refuses unlink. */
static void *listen_to_it(void *data)
{
	struct listening *listening = data;

	for (;;) {
		struct seccomp_notif notif = { 0 };
		struct seccomp_notif_resp resp = { 0 };

		if (ioctl(listening->fd, SECCOMP_IOCTL_NOTIF_RECV, &notif)) {
			check(errno == EINTR || errno == ENOENT);
			continue;
		}
		resp.id = notif.id;
		if (notif.data.nr == SYS_getppid) {
			resp.val = 4242;
		} else if (notif.data.nr == SYS_openat) {
			listening->opens++;
			resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		} else if (notif.data.nr == SYS_unlink) {
			resp.error = -EROFS;
		} else {
			return NULL;
		}
		check(!ioctl(listening->fd, SECCOMP_IOCTL_NOTIF_SEND, &resp) || errno == ENOENT);
		if (notif.data.nr == SYS_unlink)
			return NULL;
	}
}

static void *make_calls(void *data)
{
	struct listening *listening = data;
	pthread_t thread;

	/* This thread alone is filtered; the other one answers it. */
	listening->fd = INSTALL(SECCOMP_FILTER_FLAG_NEW_LISTENER,
				ON(SYS_getppid, SECCOMP_RET_USER_NOTIF),
				ON(SYS_openat, SECCOMP_RET_USER_NOTIF),
				ON(SYS_unlink, SECCOMP_RET_USER_NOTIF),
				ON(SYS_getuid, SECCOMP_RET_TRACE),
				ON(SYS_open, SECCOMP_RET_TRACE),
				/* No number that nobody calls may come, where a call is refused. */
				ON((unsigned int)-1, SECCOMP_RET_KILL_PROCESS));
	check(listening->fd >= 0);
	/* Made by us, so filtered as we are, but it makes no such call. */
	check(!pthread_create(&thread, NULL, listen_to_it, listening));
	for (int i = 0; i < 50; i++) {
		check(syscall(SYS_getppid) == 4242);
		check(syscall(SYS_getuid) == -1 && errno == ENOSYS);
		check(syscall(SYS_open, check_from, O_RDONLY) == -1 && errno == ENOSYS);
		check_mediated();
	}
	/* The second of check_mediated()'s opens is refused before it gets there. */
	check(listening->opens >= 50);
	check(unlink("anything") == -1 && errno == EROFS);
	check(!pthread_join(thread, NULL));
	return NULL;
}

/* listener: a program that supervises a thread of its own. */
static void listener(char **args)
{
	struct listening listening = { 0 };
	pthread_t thread;

	(void)args;
	check(!pthread_create(&thread, NULL, make_calls, &listening));
	check(!pthread_join(thread, NULL));
	check_mediated();
}

static void unreachable(const char *path)
{
	static const int flags[] = { O_RDONLY | O_NONBLOCK, O_WRONLY | O_NONBLOCK, O_PATH };

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		check(open(path, flags[i]) == -1 && (errno == EACCES || errno == ENOENT));
}

/* reach: neither signals nor memory of the supervisor; args[0] is its pid. */
static void reach(char **args)
{
	pid_t tracer = 0;
	char line[256];
	FILE *status = fopen("/proc/self/status", "re");

	(void)args;
	check(status);
	while (fgets(line, sizeof(line), status))
		if (sscanf(line, "TracerPid: %d", &tracer) == 1)
			break;
	fclose(status);
	check(tracer > 0);
	check(kill(tracer, SIGKILL) == -1 && errno == EPERM);
	check(syscall(SYS_tgkill, tracer, tracer, SIGKILL) == -1 && errno == EPERM);
	check(syscall(SYS_tkill, tracer, SIGSTOP) == -1 && errno == EPERM);
	check(syscall(SYS_pidfd_open, tracer, 0) == -1 && errno == EPERM);
	check(ptrace(PTRACE_ATTACH, tracer, 0, 0) == -1 && errno == EPERM);
	check(kill(-tracer, SIGKILL) == -1 && errno == EPERM);
	check(syscall(SYS_rt_sigqueueinfo, tracer, SIGKILL, NULL) == -1 && errno == EPERM);
	check(syscall(SYS_prlimit64, tracer, RLIMIT_NOFILE, &(struct rlimit){ 0 }, NULL) == -1 &&
	      errno == EPERM);
	check(setpriority(PRIO_PROCESS, (id_t)tracer, 19) == -1 && errno == EPERM);
	check(syscall(SYS_process_vm_readv, tracer, NULL, 0, NULL, 0, 0) <= 0);
	snprintf(line, sizeof(line), "/proc/%d/mem", tracer);
	check(open(line, O_RDWR) == -1);
	/* Its descriptors: its standard error, and what the audit goes to. */
	for (int fd = 0; fd < 20; fd++) {
		snprintf(line, sizeof(line), "/proc/%d/fd/%d", tracer, fd);
		unreachable(line);
		snprintf(line, sizeof(line), "/proc/%d/task/%d/fd/%d", tracer, tracer, fd);
		unreachable(line);
	}
	snprintf(line, sizeof(line), "/proc/%d/root/etc", tracer);
	unreachable(line);
	snprintf(line, sizeof(line), "/proc/%d/cwd", tracer);
	unreachable(line);
	check_mediated();
}

static const struct test tests[] = {
	{ "ptrace", no_ptrace },
	{ "io-uring", no_io_uring },
	{ "handles", no_handles },
	{ "x32", no_x32 },
	{ "int80", by_int80 },
	{ "ids", print_ids },
	{ "no-new-privs", no_new_privs },
	{ "filters", filters },
	{ "filtered", filtered },
	{ "tsync", tsync },
	{ "dispatch", dispatch },
	{ "listener", listener },
	{ "reach", reach },
};

int main(int argc, char **argv)
{
	return check_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
