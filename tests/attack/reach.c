// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * reach supervisor		try to reach into the supervisor in every way there is
 * reach bare			the same, into a process of our own
 *
 * Prints a line for each way and task, "NAME won" or "NAME ERRNO"; ways that a 64-bit
 * number, a 32-bit call or another thread of it opens are ways of their own.
 */
#define _GNU_SOURCE
#include "check.h"
#include "find.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#ifndef PTRACE_SEIZE
#define PTRACE_SEIZE 0x4206
#endif
/* What a process ignores where it has said nothing. */
#define HARMLESS SIGWINCH
#define WIDE (1L << 40)

static pid_t process;	/* whose threads are tried */

static long attach(pid_t tid)
{
	long result = ptrace(PTRACE_ATTACH, tid, 0, 0);

	if (!result) {
		waitpid(tid, NULL, __WALL);
		ptrace(PTRACE_DETACH, tid, 0, 0);
	}
	return result;
}

static long seize(pid_t tid)
{
	long result = ptrace(PTRACE_SEIZE, tid, 0, 0);

	if (!result) {
		ptrace(PTRACE_INTERRUPT, tid, 0, 0);
		waitpid(tid, NULL, __WALL);
		ptrace(PTRACE_DETACH, tid, 0, 0);
	}
	return result;
}

static long open_file(pid_t tid, const char *name, int flags)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", process, tid, name);
	if (access(path, F_OK) && errno == ENOENT)
		snprintf(path, sizeof(path), "/proc/%d/%s", tid, name);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static long open_mem(pid_t tid)
{
	return open_file(tid, "mem", O_RDWR);
}

static long open_environ(pid_t tid)
{
	return open_file(tid, "environ", O_RDONLY);
}

static long open_fd(pid_t tid)
{
	return open_file(tid, "fd/2", O_RDONLY | O_PATH);
}

static long open_root(pid_t tid)
{
	return open_file(tid, "root/", O_RDONLY);
}

static long open_cwd(pid_t tid)
{
	return open_file(tid, "cwd/", O_RDONLY);
}

static long open_exe(pid_t tid)
{
	return open_file(tid, "exe", O_RDONLY);
}

static long open_namespace(pid_t tid)
{
	return open_file(tid, "ns/mnt", O_RDONLY);
}

static long open_pagemap(pid_t tid)
{
	return open_file(tid, "pagemap", O_RDONLY);
}

static long open_maps(pid_t tid)
{
	return open_file(tid, "maps", O_RDONLY);
}

/* What is mapped there, as a file. */
static long open_mapped(pid_t tid)
{
	char path[400];
	struct dirent *entry;
	long result = -1;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/map_files", tid);
	dir = opendir(path);
	if (!dir)
		return -1;
	while (result < 0 && (entry = readdir(dir))) {
		int fd;

		snprintf(path, sizeof(path), "/proc/%d/map_files/%s", tid, entry->d_name);
		fd = entry->d_name[0] == '.' ? -1 : open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			result = close(fd);
	}
	closedir(dir);
	return result;
}

static long read_syscall(pid_t tid)
{
	char path[128], byte;
	int fd;
	long n;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", process, tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, &byte, 1);
	if (fd >= 0)
		close(fd);
	return n < 0 ? -1 : 0;
}

static long steal_descriptor(pid_t tid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, tid, 0), fd;

	if (pidfd < 0)
		return -1;
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, 2, 0);
	close(pidfd);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static long open_pidfd(pid_t tid)
{
	int fd = (int)syscall(SYS_pidfd_open, tid, 0);

	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static long look_in(pid_t tid)
{
	static char byte;
	struct iovec ours = { &byte, 1 }, theirs = { &byte, 1 };

	return process_vm_readv(tid, &ours, 1, &theirs, 1, 0) < 0 ? -1 : 0;
}

static long write_in(pid_t tid)
{
	static char byte;
	struct iovec ours = { &byte, 1 }, theirs = { &byte, 1 };

	return process_vm_writev(tid, &ours, 1, &theirs, 1, 0) < 0 ? -1 : 0;
}

static long by_kill(pid_t tid)
{
	return syscall(SYS_kill, tid, HARMLESS);
}

static long by_wide_kill(pid_t tid)
{
	return syscall(SYS_kill, WIDE | tid, HARMLESS);
}

static long by_group_kill(pid_t tid)
{
	return syscall(SYS_kill, -tid, HARMLESS);
}

static long by_tkill(pid_t tid)
{
	return syscall(SYS_tkill, tid, HARMLESS);
}

static long by_tgkill(pid_t tid)
{
	return syscall(SYS_tgkill, process, tid, HARMLESS);
}

static long by_sigqueue(pid_t tid)
{
	siginfo_t info = { .si_signo = HARMLESS, .si_code = SI_QUEUE };

	return syscall(SYS_rt_sigqueueinfo, tid, HARMLESS, &info);
}

static long by_tgsigqueue(pid_t tid)
{
	siginfo_t info = { .si_signo = HARMLESS, .si_code = SI_QUEUE };

	return syscall(SYS_rt_tgsigqueueinfo, process, tid, HARMLESS, &info);
}

static long set_limit(pid_t tid)
{
	struct rlimit limit;

	if (prlimit(tid, RLIMIT_CORE, NULL, &limit))
		return -1;
	return prlimit(tid, RLIMIT_CORE, &limit, NULL);
}

static long set_affinity(pid_t tid)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	return sched_setaffinity(tid, sizeof(set), &set);
}

static long set_scheduler(pid_t tid)
{
	struct sched_param none = { 0 };

	return sched_setscheduler(tid, SCHED_BATCH, &none);
}

static long set_priority(pid_t tid)
{
	return setpriority(PRIO_PROCESS, (id_t)tid, 1);
}

static long set_group_priority(pid_t tid)
{
	return setpriority(PRIO_PGRP, (id_t)tid, 1);
}

static long set_io_priority(pid_t tid)
{
	return syscall(SYS_ioprio_set, 1, tid, 2 << 13 | 7);
}

static long count_events(pid_t tid)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE, .size = sizeof(attr),
					.config = PERF_COUNT_SW_CPU_CLOCK, .exclude_kernel = 1,
					.sample_period = 1000, .sample_type = PERF_SAMPLE_REGS_USER,
					.sample_regs_user = 1 };
	int fd = (int)syscall(SYS_perf_event_open, &attr, tid, -1, -1, 0);

	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static long compare(pid_t tid)
{
	return syscall(SYS_kcmp, getpid(), tid, KCMP_VM, 0, 0) < 0 ? -1 : 0;
}

static long robust_list(pid_t tid)
{
	size_t len;
	void *head;

	return syscall(SYS_get_robust_list, tid, &head, &len);
}

static long move_its_pages(pid_t tid)
{
	void *page = (void *)((uintptr_t)&process & ~(uintptr_t)4095);
	int status;

	return syscall(SYS_move_pages, tid, 1, &page, NULL, &status, 0) < 0 ? -1 : 0;
}

static sigjmp_buf faulted;

static void on_fault(int sig)
{
	(void)sig;
	siglongjmp(faulted, 1);
}

/* By the 32-bit table.  ENOSYS from a kernel that has none. */
static long int80(long nr, long a, long b, long c, long d)
{
	long result;

	signal(SIGSEGV, on_fault);
	if (sigsetjmp(faulted, 1)) {
		errno = ENOSYS;
		return -1;
	}
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d)
			 : "memory", "r8", "r9", "r10", "r11");
	signal(SIGSEGV, SIG_DFL);
	if ((int)result < 0) {
		errno = -(int)result;
		return -1;
	}
	return 0;
}

static long attach32(pid_t tid)
{
	long result = int80(26, PTRACE_ATTACH, tid, 0, 0);

	if (!result) {
		waitpid(tid, NULL, __WALL);
		ptrace(PTRACE_DETACH, tid, 0, 0);
	}
	return result;
}

static long kill32(pid_t tid)
{
	return int80(37, tid, HARMLESS, 0, 0);
}

static long tkill32(pid_t tid)
{
	return int80(238, tid, HARMLESS, 0, 0);
}

static long pidfd32(pid_t tid)
{
	return int80(434, tid, 0, 0, 0);
}

static const struct {
	const char *name;
	long (*make)(pid_t tid);
	bool process_only;	/* makes no sense of one of several threads */
} ways[] = {
	{ "ptrace-attach", attach, false },
	{ "ptrace-seize", seize, false },
	{ "proc-mem", open_mem, false },
	{ "proc-environ", open_environ, false },
	{ "proc-fd", open_fd, false },
	{ "proc-root", open_root, false },
	{ "proc-cwd", open_cwd, false },
	{ "proc-exe", open_exe, false },
	{ "proc-ns", open_namespace, false },
	{ "proc-pagemap", open_pagemap, false },
	{ "proc-maps", open_maps, false },
	{ "proc-map_files", open_mapped, true },
	{ "proc-syscall", read_syscall, false },
	{ "pidfd_getfd", steal_descriptor, true },
	{ "pidfd_open", open_pidfd, true },
	{ "process_vm_readv", look_in, false },
	{ "process_vm_writev", write_in, false },
	{ "kill", by_kill, false },
	{ "kill-wide", by_wide_kill, false },
	{ "kill-group", by_group_kill, true },
	{ "tkill", by_tkill, false },
	{ "tgkill", by_tgkill, false },
	{ "rt_sigqueueinfo", by_sigqueue, false },
	{ "rt_tgsigqueueinfo", by_tgsigqueue, false },
	{ "prlimit", set_limit, false },
	{ "sched_setaffinity", set_affinity, false },
	{ "sched_setscheduler", set_scheduler, false },
	{ "setpriority", set_priority, false },
	{ "setpriority-group", set_group_priority, true },
	{ "ioprio_set", set_io_priority, false },
	{ "perf_event_open", count_events, false },
	{ "kcmp", compare, false },
	{ "get_robust_list", robust_list, false },
	{ "move_pages", move_its_pages, false },
	{ "ptrace-attach-32", attach32, false },
	{ "kill-32", kill32, false },
	{ "tkill-32", tkill32, false },
	{ "pidfd_open-32", pidfd32, true },
};

static void try_all(pid_t tid)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (ways[i].process_only && tid != process)
			continue;
		errno = 0;
		if (ways[i].make(tid) >= 0)
			printf("%s won\n", ways[i].name);
		else
			printf("%s %s\n", ways[i].name, strerrorname_np(errno));
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	struct dirent *entry;
	char path[64];
	bool bare = argc == 2 && !strcmp(argv[1], "bare");
	DIR *tasks;

	if (!bare && (argc != 2 || strcmp(argv[1], "supervisor"))) {
		fprintf(stderr, "usage: reach supervisor|bare\n");
		return 2;
	}
	if (bare) {
		int ready[2];
		char byte;

		check(!pipe(ready));
		process = fork();
		check(process >= 0);
		if (!process) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			setpgid(0, 0);
			if (write(ready[1], "", 1) != 1)
				_exit(1);
			for (;;)
				pause();
		}
		check(read(ready[0], &byte, 1) == 1);
	} else {
		process = find_supervisor();
	}
	snprintf(path, sizeof(path), "/proc/%d/task", process);
	tasks = opendir(path);
	check(tasks);
	while ((entry = readdir(tasks)))
		if (entry->d_name[0] != '.')
			try_all((pid_t)atoi(entry->d_name));
	closedir(tasks);
	if (bare)
		kill(process, SIGKILL);
	return 0;
}
