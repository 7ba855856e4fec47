// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * opens WHAT DIRECTORY - opens that only read, as whoever may or may not; prints what came of
 * each, which is the same by itself and under a policy
 *
 * DIRECTORY has "file", "secret" (mode 0, another's), "group" (0040, of group 4711), "link",
 * "fifo", "tree".
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/securebits.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void say(const char *name, int flags)
{
	char link[64], path[4096] = "";
	struct stat st = { 0 };
	int fd = open(name, flags, 0600), err = errno;

	if (fd < 0) {
		printf("%s %#o: %s\n", name, (unsigned int)flags, strerror(err));
		return;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	check(readlink(link, path, sizeof(path) - 1) > 0 && !fstat(fd, &st));
	printf("%s %#o: %d flags %#x of it %d size %lld is %s\n", name, (unsigned int)flags, fd,
	       (unsigned int)fcntl(fd, F_GETFL), fcntl(fd, F_GETFD), (long long)st.st_size, path);
	close(fd);
}

static void say_all(void)
{
	static const char *const names[] = {
		"file", "secret", "group", "link", "fifo", "tree", "tree/", "file/", "tree/.",
		"none", "none/none", "file/none", "tree/../file", "./file", "/dev/null",
		"/proc/self/comm", "/dev/tty",
	};
	static const int flags[] = {
		O_RDONLY | O_NONBLOCK, O_RDONLY | O_NONBLOCK | O_CLOEXEC,
		O_RDONLY | O_NONBLOCK | O_DIRECTORY, O_RDONLY | O_NONBLOCK | O_NOFOLLOW,
		O_RDONLY | O_NONBLOCK | O_APPEND, O_RDONLY | O_NONBLOCK | O_NOATIME, O_PATH,
		O_PATH | O_NOFOLLOW, O_RDONLY | O_NONBLOCK | O_NOCTTY, O_WRONLY | O_NONBLOCK,
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (size_t j = 0; j < sizeof(flags) / sizeof(flags[0]); j++)
			say(names[i], flags[j]);
	say("file", O_RDONLY);
	say("tree", O_RDONLY | O_DIRECTORY);
}

/* plain: whatever there is, and no number left for one more. */
static void plain(char **args)
{
	struct rlimit limit;

	(void)args;
	say_all();
	check(!getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = 3;
	check(!setrlimit(RLIMIT_NOFILE, &limit));
	check(open("file", O_RDONLY) < 0 && errno == EMFILE);
}

static void *say_in_thread(void *data)
{
	say("file", O_RDONLY);
	say("secret", O_RDONLY);
	return data;
}

/* In it, in a child, in a thread, and in what it executes. */
static void say_everywhere(const char *directory)
{
	pthread_t thread;
	int status;
	pid_t pid;

	say("file", O_RDONLY);
	say("secret", O_RDONLY);
	say("group", O_RDONLY);
	check(!pthread_create(&thread, NULL, say_in_thread, NULL) && !pthread_join(thread, NULL));
	fflush(stdout);
	pid = fork();
	check(pid >= 0);
	if (!pid) {
		say("file", O_RDONLY);
		say("secret", O_RDONLY);
		fflush(stdout);
		execl("/proc/self/exe", "opens", "plain", directory, NULL);
		_exit(2);
	}
	check(waitpid(pid, &status, 0) == pid);
	printf("status %d\n", status);
}

static void set_capabilities(uint32_t without)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	check(!syscall(SYS_capget, &header, data));
	data[0].effective &= ~without;
	check(!syscall(SYS_capset, &header, data));
}

/* fsuid: the ids of files only, and back; the thread beside it keeps its own. */
static void fsuid(char **args)
{
	say_everywhere(args[0]);
	check(setfsuid(65534) == 0);
	say_everywhere(args[0]);
	check(setfsuid(0) == 65534);
	say_everywhere(args[0]);
}

/* capabilities: root without those that pass over permissions. */
static void capabilities(char **args)
{
	say_everywhere(args[0]);
	set_capabilities(1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH);
	say_everywhere(args[0]);
}

/* noroot: root that what it executes gives no capabilities. */
static void noroot(char **args)
{
	check(!prctl(PR_SET_SECUREBITS, SECBIT_NOROOT));
	say_everywhere(args[0]);
}

/* groups: another user, in a group and no longer in it. */
static void groups(char **args)
{
	const gid_t group = 4711;

	check(!syscall(SYS_setgroups, 1, &group));
	check(!syscall(SYS_setresgid, 4712, 4712, 4712));
	check(!syscall(SYS_setresuid, 4712, 4712, 4712));
	say_everywhere(args[0]);
}

/* group: root that passes over nothing loses its group while it runs. */
static void group(char **args)
{
	const gid_t mine = 4711;

	check(!syscall(SYS_setgroups, 1, &mine));
	set_capabilities(1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH);
	say_everywhere(args[0]);
	check(!syscall(SYS_setgroups, 0, NULL));
	say_everywhere(args[0]);
	check(!syscall(SYS_setresgid, -1, mine, -1));
	say_everywhere(args[0]);
}

/* landlock: it keeps itself from reading all but a tree. */
static void landlock(char **args)
{
	struct landlock_ruleset_attr attr = {
		.handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
	};
	struct landlock_path_beneath_attr tree = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
		.parent_fd = open("tree", O_PATH | O_CLOEXEC),
	};
	int set = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	if (set < 0) {
		puts("no Landlock");
		return;
	}
	check(!syscall(SYS_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH, &tree, 0));
	say_everywhere(args[0]);
	check(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	check(!syscall(SYS_landlock_restrict_self, set, 0));
	say_everywhere(args[0]);
}

static void *opens_leased(void *data)
{
	*(int *)data = open("file", O_RDONLY);
	return NULL;
}

/* lease: who opens waits for who has a lease on the file, who is told and lets go. */
static void lease(char **args)
{
	struct timespec longest = { .tv_sec = 60 };
	pthread_t thread;
	sigset_t set;
	int fd, leased;

	(void)args;
	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	check(!sigprocmask(SIG_BLOCK, &set, NULL));
	fd = open("file", O_RDONLY | O_CLOEXEC);
	close(fd);
	fd = open("file", O_WRONLY | O_CLOEXEC);
	check(fd >= 0);
	if (fcntl(fd, F_SETLEASE, F_WRLCK)) {
		puts("no leases");
		return;
	}
	check(open("file", O_RDONLY | O_NONBLOCK) < 0 && errno == EWOULDBLOCK);
	check(sigtimedwait(&set, NULL, &longest) == SIGIO);
	check(!pthread_create(&thread, NULL, opens_leased, &leased));
	check(!fcntl(fd, F_SETLEASE, F_UNLCK));
	check(!pthread_join(thread, NULL) && leased >= 0);
}

static void *answer_opens(void *data)
{
	struct fanotify_event_metadata event;
	int queue = *(int *)data;

	while (read(queue, &event, sizeof(event)) == sizeof(event)) {
		struct fanotify_response answer = { event.fd, FAN_ALLOW };
		char link[64], path[4096];

		/* Which one is it?  That is a call like any other. */
		snprintf(link, sizeof(link), "/proc/self/fd/%d", event.fd);
		check(readlink(link, path, sizeof(path)) > 0);
		check(write(queue, &answer, sizeof(answer)) == sizeof(answer));
		close(event.fd);
	}
	return NULL;
}

/* watched: each open is asked about, by a thread that is supervised as well. */
static void watched(char **args)
{
	int queue = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC);
	pthread_t thread;

	if (queue < 0 || fanotify_mark(queue, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, "file")) {
		puts("no fanotify");
		return;
	}
	(void)args;
	check(!pthread_create(&thread, NULL, answer_opens, &queue));
	for (int i = 0; i < 20; i++) {
		int fd = open("file", O_RDONLY | O_CLOEXEC);

		check(fd >= 0);
		close(fd);
	}
	puts("asked");
	fflush(stdout);
	_exit(0);
}

/* listener: may it have one of its own? */
static void listener(char **args)
{
	struct sock_filter allow = { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW };
	struct sock_fprog program = { 1, &allow };
	long fd;

	(void)args;
	check(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
		     &program);
	puts(fd < 0 ? strerror(errno) : "it may");
}

/* closed: what it has closed nobody holds any more, nor the locks on it. */
static void closed(char **args)
{
	static const int flags[] = { O_RDONLY, O_RDWR, O_RDONLY | O_NOFOLLOW, O_RDONLY | O_CLOEXEC };
	int other = open("file", O_RDONLY | O_CLOEXEC), held[4] = { 0 };

	(void)args;
	for (int round = 0; round < 100; round++)
		for (int i = 0; i < 4; i++) {
			int fd = open("file", flags[i]);

			check(fd >= 0 && !flock(fd, LOCK_EX) && !close(fd));
			held[i] += flock(other, LOCK_EX | LOCK_NB) != 0;
			check(!flock(other, LOCK_UN));
		}
	for (int i = 0; i < 4; i++)
		printf("%#o: locked after %d of 100 closes\n", (unsigned int)flags[i], held[i]);
}

static const struct test tests[] = {
	{ "plain", plain },	  { "fsuid", fsuid },	    { "capabilities", capabilities },
	{ "noroot", noroot },	  { "groups", groups },	    { "group", group },
	{ "landlock", landlock }, { "lease", lease },	    { "watched", watched },
	{ "listener", listener }, { "closed", closed },
};

int main(int argc, char **argv)
{
	check(argc == 3 && !chdir(argv[2]));
	return check_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
