// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a supervisor of played scenarios needs once: descriptors, files, handlers. */
#define _GNU_SOURCE
#include "play.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRAM "itself..."		/* as long as its link */

int sigchld_fd = -1, pin_fd = -1;

/* This program, with the task's entry.  Returns 0 or -errno. */
static int program_in(const char *dir)
{
	char path[128];
	Elf64_Ehdr *header;
	struct stat st;
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), to, err = 0;

	if (from < 0 || fstat(from, &st))
		return -errno;
	header = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, from, 0);
	close(from);
	if (header == MAP_FAILED)
		return -errno;
	/* All of it at fixed places, and no other program loads it. */
	if (header->e_type != ET_EXEC)
		err = -ENOEXEC;
	header->e_entry = (Elf64_Addr)task_entry;
	snprintf(path, sizeof(path), "%s/" PROGRAM, dir);
	to = err ? -1 : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (!err && (to < 0 || write(to, header, (size_t)st.st_size) != st.st_size))
		err = to < 0 ? -errno : -ENOSPC;
	if (to >= 0)
		close(to);
	munmap(header, (size_t)st.st_size);
	return err;
}

/* What the task has also when it is another program. */
static int shared_memory(void)
{
	int fd = memfd_create("shared", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, sizeof(shared) + 4096) || dup2(fd, FD_SHARED) < 0)
		return -errno;
	close(fd);
	return mmap(&shared, sizeof(shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		    FD_SHARED, 0) == &shared ? 0 : -errno;
}

/* A link for each name, and the paths of them in the order of NAMES, and that of PIN. */
static int name_links(void)
{
	char dir[] = "/tmp/links-XXXXXX";
	char (*names)[NAME_SPACE], (*pinned)[NAME_SPACE];
	int err;

	names = mmap((void *)NAMES, 4096, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_FIXED_NOREPLACE, FD_SHARED, sizeof(shared));
	pin_fd = memfd_create("pin", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (names == MAP_FAILED || pin_fd < 0 || ftruncate(pin_fd, 4096) || !mkdtemp(dir))
		return -errno;
	pinned = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, pin_fd, 0);
	if (pinned == MAP_FAILED ||
	    fcntl(pin_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE))
		return -errno;
	for (int i = 0; i < ALL_NAMES; i++) {
		char text[] = "nowhere...";

		if (i == NAME_PROGRAM)
			memcpy(text, PROGRAM, sizeof(PROGRAM));
		text[LINK_LEN(i)] = 0;
		snprintf(names[i], NAME_SPACE, "%s/%d", dir, i);
		memcpy(pinned[ALL_NAMES - 1 - i], names[i], NAME_SPACE);
		if (symlink(text, names[i]))
			return -errno;
	}
	munmap(pinned, 4096);
	err = program_in(dir);
	return err;
}

int scenario_prepare(void)
{
	static const int flags[] = { [SIGSYS] = SA_SIGINFO, [SIGUSR1] = SA_SIGINFO | SA_RESTART,
				     [SIGUSR2] = SA_SIGINFO };
	struct rlimit no_core = { 0, 0 };
	sigset_t chld;
	int pipes[2], err;

	setrlimit(RLIMIT_CORE, &no_core);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	for (int sig = 1; sig <= SIGSYS; sig++) {
		struct sigaction action = { .sa_sigaction = on_signal };

		if (sig != SIGSYS && sig != SIGUSR1 && sig != SIGUSR2)
			continue;
		action.sa_flags = flags[sig];
		sigfillset(&action.sa_mask);
		if (sigaction(sig, &action, NULL))
			return -errno;
	}
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &chld, NULL))
		return -errno;
	sigchld_fd = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	if (sigchld_fd < 0 || pipe2(pipes, O_CLOEXEC))
		return -errno;
	if (dup2(pipes[0], FD_SLEEP) < 0 || dup2(pipes[1], FD_SLEEP_END) < 0)
		return -errno;
	close(pipes[0]);
	close(pipes[1]);
	err = shared_memory();
	if (!err)
		err = sized_file(FD_SMALL, SIZE_SMALL);
	if (!err)
		err = sized_file(FD_LARGE, SIZE_LARGE);
	if (err)
		return err;
	if (mmap((void *)BUFFER, 4096, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED)
		return -errno;
	return name_links();
}
