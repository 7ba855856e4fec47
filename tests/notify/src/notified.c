/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* notified - what a program sees that is served through a listener */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

static unsigned int count_pins(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned int count = 0;
	char line[512];

	check(maps);
	while (fgets(line, sizeof(line), maps))
		count += strstr(line, "memfd:pointsman") != NULL;
	fclose(maps);
	return count;
}

static void *open_often(void *data)
{
	(void)data;
	for (int i = 0; i < 50; i++)
		check_mediated();
	return NULL;
}

/* pins: one in an address space, whatever makes calls in it. */
static void pins(char **args)
{
	pthread_t threads[8];
	char *command[] = { "/bin/true", NULL };
	pid_t pid;

	(void)args;
	check_mediated();
	check(count_pins() == 1);
	for (int i = 0; i < 8; i++)
		check(!pthread_create(&threads[i], NULL, open_often, NULL));
	for (int i = 0; i < 8; i++)
		check(!pthread_join(threads[i], NULL));
	check(count_pins() == 1);
	/* Children of vfork(2) make a call in it, their execve. */
	for (int i = 0; i < 8; i++) {
		check(!posix_spawn(&pid, command[0], NULL, NULL, command, environ));
		check_wait(pid, 0);
	}
	check(count_pins() == 1);
	pid = fork();
	check(pid >= 0);
	if (!pid) {
		check_mediated();
		check(count_pins() == 1);
		_exit(0);
	}
	check_wait(pid, 0);
}

/* again: executed by itself with the number of pins that it finds before its first call. */
static void again(char **args)
{
	char *command[] = { "notified", "again", "2", NULL };

	if (!args[0]) {
		check_mediated();
		execv("/proc/self/exe", command);
		check(!"execv");
	}
	check_mediated();
	check(count_pins() == 1);
}

static void *open_meeting(void *path)
{
	check(open(path, O_RDONLY) == 1000);
	return NULL;
}

/* meet PLACES: so many calls are decided on at once, of threads and of processes. */
static void meet(char **args)
{
	int places = atoi(args[0]);
	pthread_t threads[64];
	pid_t pids[64];

	check(places / 2 <= 64);
	for (int i = 0; i < places / 2; i++) {
		check(!pthread_create(&threads[i], NULL, open_meeting, "/meet/thread"));
		pids[i] = fork();
		check(pids[i] >= 0);
		if (!pids[i]) {
			open_meeting("/meet/process");
			_exit(0);
		}
	}
	for (int i = 0; i < places / 2; i++) {
		check(!pthread_join(threads[i], NULL));
		check_wait(pids[i], 0);
	}
}

static pid_t find_supervisor(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	pid_t found = 0;

	check(dir);
	while ((entry = readdir(dir))) {
		char path[64], comm[32] = "";
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%d/comm", atoi(entry->d_name));
		file = fopen(path, "re");
		if (!file)
			continue;
		check(fgets(comm, sizeof(comm), file));
		fclose(file);
		if (!strcmp(comm, "pointsman\n"))
			found = atoi(entry->d_name);
	}
	closedir(dir);
	check(found);
	return found;
}

static void refused(long result)
{
	check(result == -1 && errno == EPERM);
}

static void leave_alone(pid_t tid)
{
	char path[64];

	refused(kill(tid, SIGKILL));
	refused(syscall(SYS_tkill, tid, SIGSTOP));
	check(syscall(SYS_tgkill, tid, tid, SIGKILL) == -1 && (errno == EPERM || errno == ESRCH));
	refused(syscall(SYS_pidfd_open, tid, 0));
	refused(syscall(SYS_pidfd_open, tid, O_EXCL));
	refused(syscall(SYS_rt_sigqueueinfo, tid, SIGKILL, NULL));
	refused(syscall(SYS_prlimit64, tid, RLIMIT_NOFILE, &(struct rlimit){ 0 }, NULL));
	refused(setpriority(PRIO_PROCESS, (id_t)tid, 19));
	refused(sched_setaffinity(tid, sizeof(cpu_set_t), &(cpu_set_t){ 0 }));
	check(syscall(SYS_process_vm_readv, tid, NULL, 0, NULL, 0, 0) <= 0);
	snprintf(path, sizeof(path), "/proc/%d/mem", tid);
	check(open(path, O_RDWR) == -1);
}

/* reach: no thread of the supervisor is in reach, and what is not its own is. */
static void reach(char **args)
{
	pid_t supervisor = find_supervisor(), pid;
	char path[64];
	struct dirent *entry;
	unsigned int threads = 0;
	DIR *dir;

	(void)args;
	snprintf(path, sizeof(path), "/proc/%d/task", supervisor);
	dir = opendir(path);
	check(dir);
	while ((entry = readdir(dir))) {
		if (!atoi(entry->d_name))
			continue;
		leave_alone(atoi(entry->d_name));
		threads++;
	}
	closedir(dir);
	check(threads > 1);
	pid = fork();
	check(pid >= 0);
	if (!pid)
		for (;;)
			pause();
	check(!kill(pid, 0) && !syscall(SYS_tkill, pid, 0));
	check(!setpriority(PRIO_PROCESS, (id_t)pid, 1));
	check(!kill(pid, SIGTERM));
	check_wait(pid, SIGTERM);
	check(!kill(getpid(), 0) && !kill(0, 0));
	check_mediated();
}

/* orphan: says its supervisor's number, and makes calls until it is killed for one. */
static void orphan(char **args)
{
	(void)args;
	printf("%d\n", find_supervisor());
	check(!fflush(stdout));
	for (;;) {
		int fd = open(check_from, O_RDONLY);

		/* What it answers where nobody is killed for it. */
		if (fd < 0 && errno == ENOSYS)
			_exit(38);
		check(fd >= 0);
		close(fd);
	}
}

/* Several messages in one call: what arrives, and what the call says. */
static void messages(char **args)
{
	struct mmsghdr vector[3] = { 0 };
	struct iovec parts[3][2];
	int pair[2], fds[2], received = -1;
	char buffer[64];
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec in = { buffer, sizeof(buffer) };
	struct msghdr message = { .msg_iov = &in, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	(void)args;
	check(!socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) && !pipe(fds));
	for (int i = 0; i < 3; i++) {
		parts[i][0] = (struct iovec){ "ab", 2 };
		parts[i][1] = (struct iovec){ "cdef", (size_t)i + 1 };
		vector[i].msg_hdr.msg_iov = parts[i];
		vector[i].msg_hdr.msg_iovlen = 2;
		vector[i].msg_len = 4711;
	}
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &fds[1], sizeof(int));
	vector[2].msg_hdr.msg_control = &control;
	vector[2].msg_hdr.msg_controllen = sizeof(control);
	check(sendmmsg(pair[0], vector, 3, 0) == 3);
	for (int i = 0; i < 3; i++) {
		check(vector[i].msg_len == (unsigned int)i + 3);
		message.msg_controllen = sizeof(control);
		check(recvmsg(pair[1], &message, 0) == i + 3 && !memcmp(buffer, "abcdef", (size_t)i + 3));
	}
	check(message.msg_controllen);
	memcpy(&received, CMSG_DATA(&control.header), sizeof(int));
	check(write(received, "x", 1) == 1 && read(fds[0], buffer, 1) == 1);
	/* What cannot be sent ends it, and says how many could. */
	parts[1][0].iov_base = (void *)8;
	check(sendmmsg(pair[0], vector, 3, 0) == 1);
	check(recv(pair[1], buffer, sizeof(buffer), MSG_DONTWAIT) == 3);
	check(recv(pair[1], buffer, sizeof(buffer), MSG_DONTWAIT) == -1 && errno == EAGAIN);
	parts[0][0].iov_base = (void *)8;
	check(sendmmsg(pair[0], vector, 3, 0) == -1 && errno == EFAULT);
	close(pair[1]);
	signal(SIGPIPE, SIG_IGN);
	parts[0][0].iov_base = "ab";
	check(sendmmsg(pair[0], vector, 1, 0) == -1 && errno == ECONNREFUSED);
	check(sendmmsg(-1, vector, 1, 0) == -1 && errno == EBADF);
	check(sendmmsg(fds[1], vector, 1, 0) == -1 && errno == ENOTSOCK);
}

/* dumpable: who gives that up can still be served. */
static void dumpable(char **args)
{
	(void)args;
	check(!prctl(PR_SET_DUMPABLE, 0));
	check_mediated();
}

/* answered: where memory may not be written to by its owner, nobody writes there. */
static void answered(char **args)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct utsname name;

	(void)args;
	check(pages != MAP_FAILED);
	check(!prctl(PR_SET_NAME, "who asks"));
	check(!uname(&name) && !strcmp(name.sysname, "answered"));
	check(!strcmp(name.machine, "who asks"));
	check(!uname((struct utsname *)(pages + page / 2)));
	check(!strcmp(pages + page / 2, "answered"));
	memset(pages, 0, 2 * page);
	check(!mprotect(pages + page, page, PROT_READ));
	check(uname((struct utsname *)(pages + page)) == -1 && errno == EFAULT);
	check(uname((struct utsname *)(pages + page - 16)) == -1 && errno == EFAULT);
	for (size_t i = 0; i < page; i++)
		check(!pages[page + i]);
	check(!munmap(pages + page, page));
	check(uname((struct utsname *)(pages + page - 16)) == -1 && errno == EFAULT);
	check(uname(NULL) == -1 && errno == EFAULT);
}

/* Of who is to be killed in its call, and of who gets its number. */
static struct utsname name_of_both;

static pid_t fork_as(pid_t pid)
{
	struct {
		uint64_t words[10];
	} clone_args = { { 0 } };

	clone_args.words[4] = SIGCHLD;
	clone_args.words[8] = (uint64_t)(uintptr_t)&pid;	/* set_tid */
	clone_args.words[9] = 1;
	return (pid_t)syscall(SYS_clone3, &clone_args, sizeof(clone_args));
}

/* reborn FILE: an answer is not written to who has the number of a thread that is gone. */
static void reborn(char **args)
{
	const struct timespec again = { .tv_nsec = 1000000 };
	int go_on[2];
	char said[16] = "";
	FILE *file;
	pid_t pid = fork();

	check(pid >= 0);
	if (!pid) {
		uname(&name_of_both);
		_exit(1);
	}
	check_wait(pid, SIGKILL);
	check(!pipe(go_on));
	pid = fork_as(pid);
	check(pid >= 0);
	if (!pid) {
		close(go_on[1]);
		check(!prctl(PR_SET_NAME, "reborn"));
		check(read(go_on[0], said, 1) == 1);
		_exit(memcmp(&name_of_both, &(struct utsname){ 0 }, sizeof(name_of_both)) != 0);
	}
	while (!(file = fopen(args[0], "re")))
		check(errno == ENOENT && !nanosleep(&again, NULL));
	check(fgets(said, sizeof(said), file) && atoi(said) == -ESRCH);
	fclose(file);
	check(write(go_on[1], "x", 1) == 1);
	check_wait(pid, 0);
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		{ "pins", pins }, { "again", again }, { "meet", meet }, { "reach", reach },
		{ "orphan", orphan }, { "messages", messages }, { "dumpable", dumpable },
		{ "answered", answered }, { "reborn", reborn },
	};

	return check_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
