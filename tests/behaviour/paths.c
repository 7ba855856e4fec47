/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * paths - make calls on oddly spelled paths, and say what came of each
 *
 *	paths DIR [threads]
 *
 * One line a call: its name, the path, the result or the errno, and what was
 * reached.  What a call changed is listed too, and the directory made anew.
 * Two runs, with and without a supervisor, say the same.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

/* On the directory of the run, and on its "d". */
static int top, sub;
static char base[PATH_MAX];

static const char *const spellings[] = {
	"",
	".",
	"..",
	"./",
	"/",
	"//",
	"d",
	"d/",
	"d//",
	"d/.",
	"d/..",
	"d/./",
	"./d",
	"d/e/..",
	"d//e/../../d",
	"empty",
	"empty/",
	"empty/.",
	"x",
	"x/",
	"x/.",
	"x/..",
	"x//",
	"x/y",
	"none",
	"none/",
	"none//",
	"none/.",
	"none/..",
	"none/y",
	"d/none",
	"d/none/",
	"l",
	"l/",
	"l/.",
	"l/..",
	"l/e",
	"l/none",
	"l-slash",
	"l-slash/",
	"l-empty",
	"l-empty/",
	"dangling",
	"dangling/",
	"dangling/.",
	"dangling/y",
	"dangling-slash",
	"loop",
	"loop/",
	"loop/y",
	"l-x",
	"l-x/",
	"l-x/.",
	"l-x/y",
	"l-x-slash",
	"d/up",
	"d/up/",
	"d/up/x",
	"d/up/d/up/none",
	"fifo",
	"fifo/",
	"locked/y",
	"locked/..",
	"locked/.",
	"/proc/self/cwd",
	"/proc/self/cwd/",
	"/proc/self/cwd/x",
	"/proc/self/cwd/none",
	"/proc/self/cwd/l/..",
	"/proc/self/fd/3",
	"/proc/self/fd/3/",
	"/proc/self/fd/4/e",
	"/proc/self/fd/99",
	"/proc/self/none",
	"/proc/thread-self/cwd/x",
	"/dev/fd/4",
	"/dev/fd/4/../x",
	"/proc/self/exe/",
	"to-cwd",
	"to-cwd/x",
	"to-cwd/none",
	"/none/such/x",
	"/proc/none",
	"/dev/null/",
	"/dev/null/x",
};

enum reach { NOTHING, A_FD, CHANGES };

struct call {
	const char *name;
	enum reach reach;
	long (*make)(const char *path, uint64_t arg);
	uint64_t arg;
};

static long do_open(const char *path, uint64_t flags)
{
	return syscall(SYS_open, path, (int)flags | O_NONBLOCK, 0644);
}

static long do_openat(const char *path, uint64_t flags)
{
	return syscall(SYS_openat, sub, path, (int)flags | O_NONBLOCK, 0644);
}

static long do_openat2(const char *path, uint64_t resolve)
{
	struct open_how how = { .flags = O_PATH, .resolve = resolve };

	return syscall(SYS_openat2, top, path, &how, sizeof(how));
}

static long do_creat(const char *path, uint64_t mode)
{
	/* It waits for a reader of a FIFO. */
	return strncmp(path, "fifo", 4) ? syscall(SYS_creat, path, mode) : 0;
}

static long of_stat(long result, const struct stat *st)
{
	if (!result)
		printf(" mode %o size %ld", st->st_mode,
		       S_ISDIR(st->st_mode) ? 0 : (long)st->st_size);
	return result;
}

static long do_stat(const char *path, uint64_t follow)
{
	struct stat st;
	long result = syscall(follow ? SYS_stat : SYS_lstat, path, &st);

	return of_stat(result, &st);
}

static long do_fstatat(const char *path, uint64_t flags)
{
	struct stat st;
	long result = syscall(SYS_newfstatat, sub, path, &st, (int)flags);

	return of_stat(result, &st);
}

static long do_statx(const char *path, uint64_t flags)
{
	struct statx st;
	long result = syscall(SYS_statx, AT_FDCWD, path, (int)flags, STATX_MODE, &st);

	if (!result)
		printf(" mode %o", st.stx_mode);
	return result;
}

static long do_access(const char *path, uint64_t mode)
{
	return syscall(SYS_access, path, mode);
}

static long do_faccessat(const char *path, uint64_t mode)
{
	return syscall(SYS_faccessat, sub, path, mode);
}

static long do_faccessat2(const char *path, uint64_t flags)
{
	return syscall(SYS_faccessat2, AT_FDCWD, path, W_OK, (int)flags);
}

static long do_readlink(const char *path, uint64_t at)
{
	char text[PATH_MAX] = "";
	long result = at ? syscall(SYS_readlinkat, top, path, text, sizeof(text) - 1) :
			   syscall(SYS_readlink, path, text, sizeof(text) - 1);

	if (result > 0 && text[0] != '/')
		printf(" \"%s\"", text);
	return result < 0 ? result : 0;
}

static long do_statfs(const char *path, uint64_t arg)
{
	struct statfs fs;
	long result = syscall(SYS_statfs, path, &fs);

	(void)arg;
	if (!result)
		printf(" type %lx", (long)fs.f_type);
	return result;
}

static long do_chdir(const char *path, uint64_t arg)
{
	char text[PATH_MAX];
	long result = syscall(SYS_chdir, path);
	int err = errno;

	(void)arg;
	if (!result && readlink("/proc/self/cwd", text, sizeof(text)) > (ssize_t)strlen(base))
		printf(" below");
	if (fchdir(top))
		perror("fchdir");
	errno = err;
	return result;
}

static long do_chmod(const char *path, uint64_t at)
{
	return at ? syscall(SYS_fchmodat, top, path, 0711) : syscall(SYS_chmod, path, 0711);
}

static long do_fchmodat2(const char *path, uint64_t flags)
{
	return syscall(SYS_fchmodat2, top, path, 0711, (int)flags);
}

static long do_chown(const char *path, uint64_t follow)
{
	return syscall(follow ? SYS_chown : SYS_lchown, path, -1, -1);
}

static long do_fchownat(const char *path, uint64_t flags)
{
	return syscall(SYS_fchownat, top, path, -1, -1, (int)flags);
}

static long do_utimensat(const char *path, uint64_t flags)
{
	struct timespec times[2] = { { 0, UTIME_OMIT }, { 5, 0 } };

	return syscall(SYS_utimensat, top, path, times, (int)flags);
}

static long do_utime(const char *path, uint64_t arg)
{
	struct utimbuf times = { 5, 5 };
	struct timeval values[2] = { { 5, 0 }, { 5, 0 } };

	return arg == 0 ? syscall(SYS_utime, path, &times) :
	       arg == 1 ? syscall(SYS_utimes, path, values) :
			  syscall(SYS_futimesat, top, path, values);
}

static long do_truncate(const char *path, uint64_t size)
{
	return syscall(SYS_truncate, path, size);
}

static long do_mkdir(const char *path, uint64_t at)
{
	return at ? syscall(SYS_mkdirat, sub, path, 0755) : syscall(SYS_mkdir, path, 0755);
}

static long do_mknod(const char *path, uint64_t at)
{
	return at ? syscall(SYS_mknodat, sub, path, S_IFIFO | 0644, 0) :
		    syscall(SYS_mknod, path, S_IFREG | 0644, 0);
}

static long do_symlink(const char *path, uint64_t at)
{
	return at ? syscall(SYS_symlinkat, "to/x", sub, path) : syscall(SYS_symlink, "to/x", path);
}

static long do_link_from(const char *path, uint64_t flags)
{
	return flags ? syscall(SYS_linkat, top, path, sub, "fresh", (int)flags) :
		       syscall(SYS_link, path, "fresh");
}

static long do_link_to(const char *path, uint64_t arg)
{
	(void)arg;
	return syscall(SYS_link, "x", path);
}

static long do_unlink(const char *path, uint64_t arg)
{
	(void)arg;
	return syscall(SYS_unlink, path);
}

static long do_unlinkat(const char *path, uint64_t flags)
{
	return syscall(SYS_unlinkat, top, path, (int)flags);
}

static long do_rmdir(const char *path, uint64_t arg)
{
	(void)arg;
	return syscall(SYS_rmdir, path);
}

static long do_rename_from(const char *path, uint64_t arg)
{
	(void)arg;
	return syscall(SYS_rename, path, "fresh");
}

static long do_rename_to(const char *path, uint64_t arg)
{
	return syscall(SYS_rename, arg ? "empty" : "x", path);
}

static long do_renameat2(const char *path, uint64_t flags)
{
	return syscall(SYS_renameat2, top, "x", top, path, (unsigned int)flags);
}

static long do_getxattr(const char *path, uint64_t follow)
{
	char value[16];

	return syscall(follow ? SYS_getxattr : SYS_lgetxattr, path, "user.none", value, 16);
}

static long do_setxattr(const char *path, uint64_t follow)
{
	return syscall(follow ? SYS_setxattr : SYS_lsetxattr, path, "user.pm", "1", 1, 0);
}

static long do_removexattr(const char *path, uint64_t follow)
{
	return syscall(follow ? SYS_removexattr : SYS_lremovexattr, path, "user.pm");
}

static long do_listxattr(const char *path, uint64_t follow)
{
	return syscall(follow ? SYS_listxattr : SYS_llistxattr, path, NULL, 0);
}

static long do_watch(const char *path, uint64_t flags)
{
	int fd = inotify_init1(IN_CLOEXEC);
	long result = syscall(SYS_inotify_add_watch, fd, path, IN_ATTRIB | (uint32_t)flags);
	int err = errno;

	close(fd);
	errno = err;
	return result < 0 ? result : 0;
}

static long do_handle(const char *path, uint64_t flags)
{
	struct {
		struct file_handle head;
		unsigned char more[128];
	} handle = { .head.handle_bytes = 128 };
	int mount;
	long result = syscall(SYS_name_to_handle_at, top, path, &handle, &mount, (int)flags);

	return result < 0 ? result : 0;
}

static long do_socket(const char *path, uint64_t binds)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int err, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	long result;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	result = binds ? bind(fd, (struct sockaddr *)&addr, sizeof(addr)) :
			 connect(fd, (struct sockaddr *)&addr, sizeof(addr));
	err = errno;
	close(fd);
	errno = err;
	return result;
}

/* The child ends with 7 where the program ran, else with 100 + errno. */
static long do_exec(const char *path, uint64_t at)
{
	char *const argv[] = { "x", NULL };
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (at)
			syscall(SYS_execveat, top, path, argv, argv, (int)(at & ~1u));
		else
			syscall(SYS_execve, path, argv, argv);
		_exit(100 + errno);
	}
	waitpid(pid, &status, 0);
	if (WIFEXITED(status))
		printf(" exit %d", WEXITSTATUS(status));
	else
		printf(" signal %d", WTERMSIG(status));
	return 0;
}

#define BOTH(name, make)                   \
	{ name, NOTHING, make, 1 },        \
	{                                  \
		"l" name, NOTHING, make, 0 \
	}

static const struct call calls[] = {
	{ "open", A_FD, do_open, O_RDONLY },
	{ "open nofollow", A_FD, do_open, O_RDONLY | O_NOFOLLOW },
	{ "open path", A_FD, do_open, O_PATH },
	{ "open path nofollow", A_FD, do_open, O_PATH | O_NOFOLLOW },
	{ "open directory", A_FD, do_open, O_RDONLY | O_DIRECTORY },
	{ "open directory nofollow", A_FD, do_open, O_RDONLY | O_DIRECTORY | O_NOFOLLOW },
	{ "open write", A_FD, do_open, O_WRONLY },
	{ "open create", CHANGES, do_open, O_CREAT | O_WRONLY },
	{ "open create excl", CHANGES, do_open, O_CREAT | O_EXCL | O_WRONLY },
	{ "open create nofollow", CHANGES, do_open, O_CREAT | O_NOFOLLOW | O_RDWR },
	{ "open create read", CHANGES, do_open, O_CREAT | O_RDONLY },
	{ "open trunc", CHANGES, do_open, O_TRUNC | O_RDWR },
	{ "open tmpfile", A_FD, do_open, O_TMPFILE | O_RDWR },
	{ "creat", CHANGES, do_creat, 0600 },
	{ "openat", A_FD, do_openat, O_RDONLY },
	{ "openat create", CHANGES, do_openat, O_CREAT | O_RDWR },
	{ "openat2", A_FD, do_openat2, 0 },
	{ "openat2 no_symlinks", A_FD, do_openat2, RESOLVE_NO_SYMLINKS },
	{ "openat2 no_magiclinks", A_FD, do_openat2, RESOLVE_NO_MAGICLINKS },
	{ "openat2 no_xdev", A_FD, do_openat2, RESOLVE_NO_XDEV },
	{ "openat2 beneath", A_FD, do_openat2, RESOLVE_BENEATH },
	{ "openat2 in_root", A_FD, do_openat2, RESOLVE_IN_ROOT },
	BOTH("stat", do_stat),
	{ "fstatat", NOTHING, do_fstatat, 0 },
	{ "fstatat nofollow", NOTHING, do_fstatat, AT_SYMLINK_NOFOLLOW },
	{ "fstatat empty", NOTHING, do_fstatat, AT_EMPTY_PATH },
	{ "statx", NOTHING, do_statx, 0 },
	{ "statx nofollow empty", NOTHING, do_statx, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH },
	{ "access", NOTHING, do_access, R_OK },
	{ "faccessat", NOTHING, do_faccessat, F_OK },
	{ "faccessat2", NOTHING, do_faccessat2, 0 },
	{ "faccessat2 nofollow", NOTHING, do_faccessat2, AT_SYMLINK_NOFOLLOW },
	{ "readlink", NOTHING, do_readlink, 0 },
	{ "readlinkat", NOTHING, do_readlink, 1 },
	{ "statfs", NOTHING, do_statfs, 0 },
	{ "chdir", NOTHING, do_chdir, 0 },
	{ "chmod", CHANGES, do_chmod, 0 },
	{ "fchmodat", CHANGES, do_chmod, 1 },
	{ "fchmodat2 nofollow", CHANGES, do_fchmodat2, AT_SYMLINK_NOFOLLOW },
	BOTH("chown", do_chown),
	{ "fchownat", NOTHING, do_fchownat, 0 },
	{ "fchownat nofollow", NOTHING, do_fchownat, AT_SYMLINK_NOFOLLOW },
	{ "fchownat empty", NOTHING, do_fchownat, AT_EMPTY_PATH },
	{ "utimensat", CHANGES, do_utimensat, 0 },
	{ "utimensat nofollow", CHANGES, do_utimensat, AT_SYMLINK_NOFOLLOW },
	{ "utime", CHANGES, do_utime, 0 },
	{ "utimes", CHANGES, do_utime, 1 },
	{ "futimesat", CHANGES, do_utime, 2 },
	{ "truncate", CHANGES, do_truncate, 3 },
	{ "mkdir", CHANGES, do_mkdir, 0 },
	{ "mkdirat", CHANGES, do_mkdir, 1 },
	{ "mknod", CHANGES, do_mknod, 0 },
	{ "mknodat", CHANGES, do_mknod, 1 },
	{ "symlink", CHANGES, do_symlink, 0 },
	{ "symlinkat", CHANGES, do_symlink, 1 },
	{ "link from", CHANGES, do_link_from, 0 },
	{ "linkat follow from", CHANGES, do_link_from, AT_SYMLINK_FOLLOW },
	{ "link to", CHANGES, do_link_to, 0 },
	{ "unlink", CHANGES, do_unlink, 0 },
	{ "unlinkat", CHANGES, do_unlinkat, 0 },
	{ "unlinkat removedir", CHANGES, do_unlinkat, AT_REMOVEDIR },
	{ "rmdir", CHANGES, do_rmdir, 0 },
	{ "rename from", CHANGES, do_rename_from, 0 },
	{ "rename to", CHANGES, do_rename_to, 0 },
	{ "rename directory to", CHANGES, do_rename_to, 1 },
	{ "renameat2 noreplace", CHANGES, do_renameat2, RENAME_NOREPLACE },
	{ "renameat2 exchange", CHANGES, do_renameat2, RENAME_EXCHANGE },
	BOTH("getxattr", do_getxattr),
	BOTH("listxattr", do_listxattr),
	BOTH("removexattr", do_removexattr),
	{ "setxattr", CHANGES, do_setxattr, 1 },
	{ "lsetxattr", CHANGES, do_setxattr, 0 },
	{ "inotify_add_watch", NOTHING, do_watch, 0 },
	{ "inotify_add_watch nofollow", NOTHING, do_watch, IN_DONT_FOLLOW },
	{ "inotify_add_watch directory", NOTHING, do_watch, IN_ONLYDIR },
	{ "name_to_handle_at", NOTHING, do_handle, 0 },
	{ "name_to_handle_at follow", NOTHING, do_handle, AT_SYMLINK_FOLLOW },
	{ "connect", NOTHING, do_socket, 0 },
	{ "bind", CHANGES, do_socket, 1 },
	{ "execve", NOTHING, do_exec, 0 },
	{ "execveat", NOTHING, do_exec, 1 },
	{ "execveat nofollow", NOTHING, do_exec, 1 | AT_SYMLINK_NOFOLLOW },
};

static void put(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, mode);

	if (fd < 0 || write(fd, text, strlen(text)) < 0 || fchmod(fd, mode) || close(fd)) {
		perror(path);
		exit(1);
	}
}

static void clear(int dir)
{
	DIR *list = fdopendir(dir);
	struct dirent *entry;

	while (list && (entry = readdir(list))) {
		const char *name = entry->d_name;

		if (!strcmp(name, ".") || !strcmp(name, ".."))
			continue;
		if (entry->d_type == DT_DIR)
			clear(openat(dirfd(list), name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
		unlinkat(dirfd(list), name, entry->d_type == DT_DIR ? AT_REMOVEDIR : 0);
	}
	if (list)
		closedir(list);
}

/* The directory as it is before each call that may change it. */
static void make_anew(void)
{
	int fd;

	clear(open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	chmod(".", 0755);
	chmod("..", 0755);
	removexattr(".", "user.pm");
	removexattr("..", "user.pm");
	mkdir("d", 0755);
	mkdir("d/e", 0755);
	mkdir("empty", 0755);
	mkdir("locked", 0755);
	put("x", "#!/bin/sh\nexit 7\n", 0755);
	put("d/e/x", "deep\n", 0644);
	mkfifo("fifo", 0644);
	if (symlink("d", "l") || symlink("d/", "l-slash") || symlink("empty", "l-empty") ||
	    symlink("nowhere", "dangling") || symlink("nowhere/", "dangling-slash") ||
	    symlink("loop", "loop") || symlink("x", "l-x") || symlink("x/", "l-x-slash") ||
	    symlink("..", "d/up") || symlink("/proc/self/cwd", "to-cwd"))
		perror("symlink");
	chmod("locked", 0);
	fd = open("d", O_RDONLY | O_DIRECTORY);
	if (fd != sub)
		dup2(fd, sub);
	if (fd != sub)
		close(fd);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void list(const char *dir)
{
	struct dirent **entries;
	int n = scandir(dir, &entries, NULL, by_name);

	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;
		char path[PATH_MAX];
		struct stat st;

		snprintf(path, sizeof(path), "%s/%s", dir, name);
		if (strcmp(name, ".") && strcmp(name, "..") && !lstat(path, &st)) {
			printf(" %s:%o:%ld:%d", path, st.st_mode, (long)st.st_nlink,
			       st.st_mtime == 5);
			if (S_ISREG(st.st_mode))
				printf(":%ld", (long)st.st_size);
			if (S_ISDIR(st.st_mode))
				list(path);
		}
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

/* Where a descriptor leads, without the directory of the run. */
static void tell_fd(int fd)
{
	char link[64], text[PATH_MAX] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, text, sizeof(text) - 1) < 0)
		perror(link);
	if (strchr(text, '#'))
		printf(" temporary");
	else if (!strncmp(text, base, strlen(base)))
		printf(" .%s", text + strlen(base));
	else if (strncmp(text, "/proc/", 6))
		printf(" %s", text);
	printf(" flags %o", fcntl(fd, F_GETFL));
}

static void try(const struct call *call, const char *path)
{
	long result;

	/* What others live in stays as it is. */
	if (call->reach == CHANGES && path[0] == '/' && strncmp(path, "/proc/self/", 11))
		return;
	printf("%s \"%s\":", call->name, path);
	errno = 0;
	result = call->make(path, call->arg);
	if (result < 0)
		printf(" %s", strerrorname_np(errno));
	else if (strncmp(call->name, "open", 4) && strcmp(call->name, "creat"))
		printf(" %ld", result);
	else
		tell_fd((int)result);
	if (result > 0)
		close((int)result);
	if (call->reach == CHANGES && result >= 0) {
		list(".");
		make_anew();
	}
	printf("\n");
}

static void *idle(void *data)
{
	for (;;)
		pause();
	return data;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc < 2 || chdir(argv[1]) || !getcwd(base, sizeof(base))) {
		perror("paths");
		return 1;
	}
	umask(022);
	top = open(".", O_RDONLY | O_DIRECTORY);
	sub = dup(top);
	if (top != 3 || sub != 4) {
		fprintf(stderr, "paths: descriptors are open\n");
		return 1;
	}
	make_anew();
	if (argc > 2 && pthread_create(&thread, NULL, idle, NULL))
		return 1;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		for (size_t j = 0; j < sizeof(spellings) / sizeof(spellings[0]); j++)
			try(&calls[i], spellings[j]);
	chmod("locked", 0700);
	clear(open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	return 0;
}
