// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * swap flip KIND			exchange names until killed; says "ready"
 * swap try WHAT TRIES [KIND]		open or execute again and again, while names
 *					are exchanged by a child (KIND) or by
 *					somebody else
 * swap win WHAT TRIES [KIND]		the same, up to the first win
 *
 * What a path names changes between the decision and the use.  Runs in a
 * directory made by swap.t: everything below allowed/ may be used, nothing
 * below denied/; descriptor 8 is allowed/, descriptor 9 is denied/.  A win is
 * content of denied/ that was read or executed.  Prints
 *
 *	tries=N refused=N ran=N other=N wins=N
 *
 * refused: EACCES, or killed before the first instruction; other: the error of
 * a name that was not there, or that never held still.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"

#define ALLOWED_FD 8
#define DENIED_FD 9
#define SWAPPED_FD 10
#define STACK_SIZE 65536

enum outcome { REFUSED, RAN, OTHER, WIN, OUTCOMES };

/* So many times the tries that are asked for, until each side has been met. */
#define PATIENCE 20

static unsigned long tries, counts[OUTCOMES];
static volatile int exec_errno;
static bool until_win;

static void count(enum outcome outcome)
{
	tries++;
	counts[outcome]++;
}

/* Who swaps may not have run yet, where a processor is shared. */
static bool enough(unsigned long wanted)
{
	if (until_win)
		return counts[WIN] || tries >= wanted;
	return tries >= wanted &&
	       ((counts[REFUSED] && counts[RAN]) || tries >= wanted * PATIENCE);
}

static void pause_a_little(void)
{
	static uint32_t random = 2463534242u;

	random ^= random << 13;
	random ^= random >> 17;
	random ^= random << 5;
	for (unsigned int i = random & 1023; i; i--)
		__builtin_ia32_pause();
}

/* Flipping: each way makes the name lead here, then there, then here, ... */

static void exchange(const char *a, const char *b)
{
	if (renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE))
		attack_die("exchange %s and %s", a, b);
}

static void flip_link(unsigned long n)
{
	(void)n;
	exchange("allowed/link", "allowed/link.other");
}

static void flip_dir(unsigned long n)
{
	(void)n;
	exchange("allowed/dir", "allowed/dir.other");
}

static void flip_file(unsigned long n)
{
	(void)n;
	exchange("allowed/file", "allowed/file.other");
}

static void flip_program(unsigned long n)
{
	(void)n;
	exchange("allowed/program", "allowed/program.other");
}

static void flip_script(unsigned long n)
{
	(void)n;
	exchange("allowed/script", "allowed/script.other");
}

static void flip_other(unsigned long n)
{
	(void)n;
	exchange("allowed/other", "allowed/other.other");
}

/* The first line of a script, in place.  What runs it may keep it from being opened. */
static void flip_rewritten(unsigned long n)
{
	static const char *const line[] = { "#!allowed/program.still\n",
					    "#!denied//program.still\n" };
	int fd = open("allowed/rewritten", O_WRONLY | O_CLOEXEC);

	if (fd < 0 && errno == ETXTBSY)
		return;
	if (fd < 0 || pwrite(fd, line[n & 1], strlen(line[0]), 0) < 0)
		attack_die("rewrite");
	close(fd);
}

static void flip_rename(unsigned long n)
{
	static const char *const target[] = { "file.still", "../denied/file" };

	unlink("allowed/new-link");
	if (symlink(target[n & 1], "allowed/new-link") ||
	    rename("allowed/new-link", "allowed/link"))
		attack_die("rename");
}

static void flip_dirfd(unsigned long n)
{
	if (dup2(n & 1 ? DENIED_FD : ALLOWED_FD, SWAPPED_FD) < 0)
		attack_die("dup2");
}

static void flip_cwd(unsigned long n)
{
	if (fchdir(n & 1 ? DENIED_FD : ALLOWED_FD))
		attack_die("fchdir");
}

/* Who flips: another process, or one that shares what is flipped. */
enum flipper { PROCESS, THREAD, SHARING_PROCESS };

static const struct kind {
	const char *name;
	void (*flip)(unsigned long n);
	enum flipper flipper;
} kinds[] = {
	{ "link", flip_link, PROCESS },
	{ "rename", flip_rename, PROCESS },
	{ "dir", flip_dir, PROCESS },
	{ "file", flip_file, PROCESS },
	{ "program", flip_program, PROCESS },
	{ "script", flip_script, PROCESS },
	{ "other", flip_other, PROCESS },
	{ "rewritten", flip_rewritten, PROCESS },
	{ "dirfd-thread", flip_dirfd, THREAD },
	{ "dirfd-process", flip_dirfd, SHARING_PROCESS },
	{ "cwd-thread", flip_cwd, THREAD },
	{ "cwd-process", flip_cwd, SHARING_PROCESS },
};

struct flipping {
	const struct kind *kind;
	atomic_bool stop;
	atomic_ulong flips;
	pthread_t thread;
	pid_t pid;
};

static void flip(struct flipping *flipping)
{
	attack_place(true);
	while (!atomic_load(&flipping->stop)) {
		flipping->kind->flip(atomic_load(&flipping->flips));
		atomic_fetch_add(&flipping->flips, 1);
		pause_a_little();
	}
}

static void *flip_in_thread(void *data)
{
	flip(data);
	return NULL;
}

static int flip_in_process(void *data)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	flip(data);
	_exit(0);
}

static void *shared_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		attack_die("mmap");
	return memory;
}

static struct flipping *start_flipping(const struct kind *kind)
{
	struct flipping *flipping = shared_memory(sizeof(*flipping));
	unsigned char *stack = shared_memory(STACK_SIZE);
	int flags = SIGCHLD;

	flipping->kind = kind;
	switch (kind->flipper) {
	case THREAD:
		errno = pthread_create(&flipping->thread, NULL, flip_in_thread, flipping);
		if (errno)
			attack_die("pthread_create");
		break;
	case SHARING_PROCESS:
		flags |= CLONE_FILES | CLONE_FS;
		/* fall through */
	case PROCESS:
		flipping->pid = clone(flip_in_process, stack + STACK_SIZE, flags, flipping);
		if (flipping->pid < 0)
			attack_die("clone");
		break;
	}
	while (atomic_load(&flipping->flips) < 2)
		sched_yield();
	return flipping;
}

static void stop_flipping(struct flipping *flipping)
{
	int status = 0;

	atomic_store(&flipping->stop, true);
	if (!flipping->pid)
		pthread_join(flipping->thread, NULL);
	else if (waitpid(flipping->pid, &status, 0) != flipping->pid)
		attack_die("waitpid");
	if (status) {
		fprintf(stderr, "the attacker ended with status %#x\n", status);
		_exit(2);
	}
}

/* Trying: allowed content begins with 'a', denied content with 'd'. */

static void opened(int fd)
{
	char byte;

	if (fd < 0) {
		count(errno == EACCES ? REFUSED : OTHER);
		return;
	}
	if (read(fd, &byte, 1) != 1)
		attack_die("read");
	close(fd);
	count(byte == 'd' ? WIN : RAN);
}

static bool is_file(int fd, const struct stat *expected)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_dev == expected->st_dev && st.st_ino == expected->st_ino;
}

static void try_link(void)
{
	opened(open("allowed/link", O_RDONLY | O_CLOEXEC));
}

static void try_link_openat2(void)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC };

	opened((int)syscall(SYS_openat2, AT_FDCWD, "allowed/link", &how, sizeof(how)));
}

/* What O_PATH has found is read through another name of it. */
static void try_link_path(void)
{
	int fd = open("allowed/link", O_PATH | O_CLOEXEC), readable;
	struct stat st;

	if (fd < 0) {
		count(errno == EACCES ? REFUSED : OTHER);
		return;
	}
	if (fstat(fd, &st))
		attack_die("fstat");
	close(fd);
	readable = openat(ALLOWED_FD, "file.still", O_RDONLY | O_CLOEXEC);
	count(is_file(readable, &st) ? RAN : WIN);
	close(readable);
}

static void try_dir(void)
{
	opened(open("allowed/dir/file", O_RDONLY | O_CLOEXEC));
}

static void try_file(void)
{
	opened(open("allowed/file", O_RDONLY | O_CLOEXEC));
}

/* What leads to them by a redirect. */
static void try_to_file(void)
{
	opened(open("to-file", O_RDONLY | O_CLOEXEC));
}

static void try_to_dir(void)
{
	opened(open("to-dir", O_RDONLY | O_CLOEXEC));
}

static void try_dirfd(void)
{
	opened(openat(SWAPPED_FD, "file.still", O_RDONLY | O_CLOEXEC));
}

static void try_cwd(void)
{
	opened(open("file.still", O_RDONLY | O_CLOEXEC));
}

/* A file that comes to be below denied/ is a win. */
static void try_create(void)
{
	int fd = open("allowed/dir/created", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0) {
		count(errno == EACCES ? REFUSED : OTHER);
		return;
	}
	close(fd);
	count(faccessat(DENIED_FD, "created", F_OK, 0) ? RAN : WIN);
}

/* The same with creat(2), which empties what is there. */
static void try_creat(void)
{
	int fd = creat("allowed/dir/created", 0600);

	if (fd < 0) {
		count(errno == EACCES ? REFUSED : OTHER);
		return;
	}
	close(fd);
	count(faccessat(DENIED_FD, "created", F_OK, 0) ? RAN : WIN);
}

/* A file without a name, in the directory that it would get a name in. */
static void try_tmpfile(void)
{
	int fd = open("allowed/dir", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	char link[64], path[PATH_MAX];
	ssize_t len;

	if (fd < 0) {
		count(errno == EACCES ? REFUSED : OTHER);
		return;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	if (len < 0)
		attack_die("readlink");
	path[len] = '\0';
	close(fd);
	count(strstr(path, "/denied/") ? WIN : RAN);
}

/*
 * Calls that have no way to refuse links: outside of what Landlock lets them,
 * nothing may come of them.  What was done to denied/ stays done.
 */
static void changed(int result, bool won)
{
	if (won)
		count(WIN);
	else if (result)
		count(errno == EACCES || errno == EXDEV ? REFUSED : OTHER);
	else
		count(RAN);
}

static void try_mkdir(void)
{
	int result = mkdir("allowed/dir/made", 0700), error = errno;
	bool won = !faccessat(DENIED_FD, "made", F_OK, 0);

	unlinkat(ALLOWED_FD, "dir/made", AT_REMOVEDIR);
	unlinkat(ALLOWED_FD, "dir.other/made", AT_REMOVEDIR);
	errno = error;
	changed(result, won);
}

static void try_truncate(void)
{
	int result = truncate("allowed/dir/long", 1), error = errno;
	struct stat st;
	bool won = !fstatat(DENIED_FD, "long", &st, 0) && st.st_size != 4;

	errno = error;
	changed(result, won);
}

/* The allowed one comes back, wherever its directory is now. */
static void put_victim(void)
{
	linkat(ALLOWED_FD, "file.still", ALLOWED_FD, "dir/victim", 0);
	linkat(ALLOWED_FD, "file.still", ALLOWED_FD, "dir.other/victim", 0);
}

static void try_unlink(void)
{
	int result = unlink("allowed/dir/victim"), error = errno;
	bool won = faccessat(DENIED_FD, "victim", F_OK, 0) != 0;

	put_victim();
	errno = error;
	changed(result, won);
}

static void try_rename(void)
{
	int result = rename("allowed/dir/victim", "allowed/dir/moved"), error = errno;
	bool won = faccessat(DENIED_FD, "victim", F_OK, 0) != 0;

	put_victim();
	errno = error;
	changed(result, won);
}

struct execution {
	int dirfd;
	const char *path;
};

static int execute_child(void *data)
{
	static const char *const argv[] = { "report", "none", NULL };
	const struct execution *execution = data;

	syscall(SYS_execveat, execution->dirfd, execution->path, argv, argv + 2, 0);
	exec_errno = errno;
	_exit(99);
}

static int execute_child_plainly(void *data)
{
	static char *const argv[] = { (char *)"report", (char *)"none", NULL };
	const struct execution *execution = data;

	execve(execution->path, argv, argv + 2);
	exec_errno = errno;
	_exit(99);
}

/* The child shares all that an attacker may change under it. */
static void execute(int dirfd, const char *path)
{
	static unsigned char *stack;
	struct execution execution = { dirfd, path };
	int status;
	pid_t pid;

	if (!stack)
		stack = shared_memory(STACK_SIZE);
	pid = clone(dirfd == AT_FDCWD ? execute_child_plainly : execute_child,
		    stack + STACK_SIZE,
		    CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_FS | SIGCHLD, &execution);
	if (pid < 0)
		attack_die("clone");
	if (waitpid(pid, &status, 0) != pid)
		attack_die("waitpid");
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		count(REFUSED);
	else if (!WIFEXITED(status))
		attack_die("report ended with status %#x", status);
	else if (WEXITSTATUS(status) == 20 || WEXITSTATUS(status) == 10)
		count(RAN);
	else if (WEXITSTATUS(status) == 21 || WEXITSTATUS(status) == 11)
		count(WIN);
	else if (WEXITSTATUS(status) == 99)
		count(exec_errno == EACCES ? REFUSED : exec_errno == ENOEXEC ? RAN : OTHER);
	else
		attack_die("report ended with status %#x", status);
}

static void try_exec(void)
{
	execute(AT_FDCWD, "allowed/program");
}

static void try_exec_dir(void)
{
	execute(AT_FDCWD, "allowed/dir/program");
}

static void try_exec_script(void)
{
	execute(AT_FDCWD, "allowed/script");
}

static void try_exec_rewritten(void)
{
	execute(AT_FDCWD, "allowed/rewritten");
}

/* A file of no format at all; ENOEXEC is how it "runs". */
static void try_exec_other(void)
{
	execute(AT_FDCWD, "allowed/other");
}

static void try_exec_dirfd(void)
{
	execute(SWAPPED_FD, "program.still");
}

static void try_exec_cwd(void)
{
	execute(AT_FDCWD, "program.still");
}

static const struct {
	const char *name;
	void (*try)(void);
} whats[] = {
	{ "open-link", try_link },
	{ "open-dir", try_dir },
	{ "openat2-link", try_link_openat2 },
	{ "path-link", try_link_path },
	{ "creat", try_creat },
	{ "tmpfile", try_tmpfile },
	{ "mkdir", try_mkdir },
	{ "truncate", try_truncate },
	{ "unlink", try_unlink },
	{ "rename", try_rename },
	{ "open-file", try_file },
	{ "open-to-file", try_to_file },
	{ "open-to-dir", try_to_dir },
	{ "open-dirfd", try_dirfd },
	{ "open-cwd", try_cwd },
	{ "create", try_create },
	{ "exec", try_exec },
	{ "exec-dir", try_exec_dir },
	{ "exec-script", try_exec_script },
	{ "exec-other", try_exec_other },
	{ "exec-rewritten", try_exec_rewritten },
	{ "exec-dirfd", try_exec_dirfd },
	{ "exec-cwd", try_exec_cwd },
};

static const struct kind *find_kind(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	errno = EINVAL;
	attack_die("%s", name);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "flip")) {
		struct flipping flipping = { .kind = find_kind(argv[2]) };

		flipping.kind->flip(0);
		attack_place(true);
		puts("ready");
		fflush(stdout);
		flip(&flipping);
	}
	if (argc < 4 || argc > 5 ||
	    (strcmp(argv[1], "try") && strcmp(argv[1], "win"))) {
		fprintf(stderr, "usage: swap flip KIND | swap try|win WHAT TRIES [KIND]\n");
		return 2;
	}
	until_win = !strcmp(argv[1], "win");
	for (size_t i = 0; i < sizeof(whats) / sizeof(whats[0]); i++) {
		unsigned long wanted = strtoul(argv[3], NULL, 10);
		struct flipping *flipping = NULL;

		if (strcmp(whats[i].name, argv[2]))
			continue;
		if (argc == 5)
			flipping = start_flipping(find_kind(argv[4]));
		attack_place(false);
		while (!enough(wanted))
			whats[i].try();
		if (flipping)
			stop_flipping(flipping);
		printf("tries=%lu refused=%lu ran=%lu other=%lu wins=%lu\n", tries,
		       counts[REFUSED], counts[RAN], counts[OTHER], counts[WIN]);
		return 0;
	}
	errno = EINVAL;
	attack_die("%s", argv[2]);
}
