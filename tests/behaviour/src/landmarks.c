/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * landmarks.c - looks at a file so often that a supervisor may have kept its directory, changes
 * where the name leads, looks once more, and prints what it saw
 *
 * usage: landmarks DIRECTORY [mounts]	its own changes, and mounts as well
 *	  landmarks DIRECTORY asks	another one makes the changes: it is asked by standard
 *					output, answers by standard input, and results go to
 *					standard error
 *	  landmarks DIRECTORY serves	that one
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define OFTEN 12

static const char *top;

static void must(int result, const char *what)
{
	if (result < 0)
		err(1, "%s", what);
}

/* So long that its size says which one it is. */
static void put(const char *path, size_t size)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);

	must(fd, path);
	must(ftruncate(fd, (off_t)size), path);
	close(fd);
}

static void dir(const char *path)
{
	must(mkdir(path, 0755), path);
}

/* Trees alike, whose files are not, and directories for what else is done. */
static void make_trees(void)
{
	static const char *const dirs[] = {
		"a", "a/b", "a/b/c", "other", "other/b", "other/b/c", "empty", "hollow", "hollow/d",
		"elsewhere", "elsewhere/a", "elsewhere/a/b", "elsewhere/a/b/c",
	};

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		dir(dirs[i]);
	put("a/b/c/file", 1);
	put("other/b/c/file", 2);
	put("other/b/c/new", 3);
	put("elsewhere/a/b/c/file", 8);
	put("elsewhere/a/b/c/new", 9);
}

/* The changes. */
static void nothing(void)
{
}

static void move_away(void)
{
	must(rename("a/b/c", "a/b/d"), "rename");
	must(rename("other/b/c", "a/b/c"), "rename");
}

static void move_above(void)
{
	must(rename("a", "was-a"), "rename");
	must(rename("other", "a"), "rename");
}

static void only_move_above(void)
{
	must(rename("a/b", "was-b"), "rename");
}

static void exchange(void)
{
	must(renameat2(AT_FDCWD, "a", AT_FDCWD, "other", RENAME_EXCHANGE), "renameat2");
}

static void exchange_below(void)
{
	must(renameat2(AT_FDCWD, "other/b", AT_FDCWD, "a/b", RENAME_EXCHANGE), "renameat2");
}

static void link_in_place(void)
{
	must(rename("a/b", "was-b"), "rename");
	must(symlink("../other/b", "a/b"), "symlink");
}

static void link_of_file(void)
{
	must(unlink("a/b/c/file"), "unlink");
	must(symlink("../../../other/b/c/file", "a/b/c/file"), "symlink");
}

static void remove_file(void)
{
	must(unlink("a/b/c/file"), "unlink");
}

static void make_file(void)
{
	put("a/b/c/new", 4);
}

static void replace_file(void)
{
	must(rename("other/b/c/file", "a/b/c/file"), "rename");
}

static void remove_all(void)
{
	must(unlink("a/b/c/file"), "unlink");
	must(rmdir("a/b/c"), "rmdir");
}

static void make_anew(void)
{
	remove_all();
	dir("a/b/c");
	put("a/b/c/new", 5);
}

static void move_over(void)
{
	must(unlink("a/b/c/file"), "unlink");
	must(rename("other/b/c", "a/b/c"), "rename");
}

static void make_directory(void)
{
	dir("a/gone");
	put("a/gone/file", 6);
}

static void move_in(void)
{
	must(rename("other/b/c", "a/gone"), "rename");
}

static void link_in(void)
{
	must(symlink("../other/b/c", "a/gone"), "symlink");
}

static void file_in(void)
{
	put("a/gone", 7);
}

static void close_above(void)
{
	must(chmod("a", 0), "chmod");
}

static void close_it(void)
{
	must(chmod("a/b/c", 0600), "chmod");
}

static void close_between(void)
{
	must(chmod("a/b", 0644), "chmod");
}

static void mount_over(void)
{
	must(mount("other/b", "a/b", NULL, MS_BIND, NULL), "mount");
}

static void mount_below(void)
{
	must(mount("other/b/c", "a/b/c", NULL, MS_BIND, NULL), "mount");
}

static void mount_on_file(void)
{
	must(mount("other/b/c/file", "a/b/c/file", NULL, MS_BIND, NULL), "mount");
}

/* Of the working directory: who looks makes them. */
static void go(void)
{
	must(chdir("elsewhere"), "chdir");
}

static void go_by_descriptor(void)
{
	int fd = open("elsewhere", O_PATH | O_DIRECTORY | O_CLOEXEC);

	must(fd, "elsewhere");
	must(fchdir(fd), "fchdir");
	close(fd);
}

static void go_in_vain(void)
{
	if (!chdir("none") || !fchdir(-1))
		errx(1, "there is no such directory");
}

static void *go_alone(void *data)
{
	if (data)
		must(unshare(CLONE_FS), "unshare");
	go();
	return NULL;
}

static void let_thread(void *data)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, go_alone, data) || pthread_join(thread, NULL))
		errx(1, "no thread");
}

static void let_thread_go(void)
{
	let_thread(NULL);
}

static void let_thread_part(void)
{
	let_thread(&top);
}

static int go_there(void *data)
{
	(void)data;
	go();
	return 0;
}

static void wait_for(pid_t pid)
{
	int status;

	must(pid, "child");
	must(waitpid(pid, &status, 0), "waitpid");
	if (status)
		errx(1, "child: %d", status);
}

/* A process that has the same working directory. */
static void let_other_go(void)
{
	static _Alignas(16) char stack[65536];

	wait_for(clone(go_there, stack + sizeof(stack), CLONE_FS | CLONE_VM | SIGCHLD, NULL));
}

/* What the child sees is told, too. */
static void (*look_here)(void);

static void let_child_go(void)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		go();
		look_here();
		fflush(NULL);
		_exit(0);
	}
	wait_for(pid);
}

static const struct change {
	const char *name;
	void (*make)(void);
	enum { TREE, MOUNTS, OWN } what;	/* OWN: of nobody but who makes it */
} changes[] = {
	{ "nothing", nothing, TREE },
	{ "move away", move_away, TREE },
	{ "move above", move_above, TREE },
	{ "only move above", only_move_above, TREE },
	{ "exchange", exchange, TREE },
	{ "exchange below", exchange_below, TREE },
	{ "link in place", link_in_place, TREE },
	{ "link of file", link_of_file, TREE },
	{ "remove file", remove_file, TREE },
	{ "make file", make_file, TREE },
	{ "replace file", replace_file, TREE },
	{ "remove all", remove_all, TREE },
	{ "make anew", make_anew, TREE },
	{ "move over", move_over, TREE },
	{ "make directory", make_directory, TREE },
	{ "move in", move_in, TREE },
	{ "link in", link_in, TREE },
	{ "file in", file_in, TREE },
	{ "close above", close_above, TREE },
	{ "close it", close_it, TREE },
	{ "close between", close_between, TREE },
	{ "mount over", mount_over, MOUNTS },
	{ "mount below", mount_below, MOUNTS },
	{ "mount on file", mount_on_file, MOUNTS },
	{ "go", go, OWN },
	{ "go by descriptor", go_by_descriptor, OWN },
	{ "go in vain", go_in_vain, OWN },
	{ "let thread go", let_thread_go, OWN },
	{ "let thread part", let_thread_part, OWN },
	{ "let other go", let_other_go, OWN },
	{ "let child go", let_child_go, OWN },
};

#define CHANGES (sizeof(changes) / sizeof(changes[0]))

/* The program. */
static FILE *told;

static void say(const char *how, const char *path, int result, long size)
{
	if (result)
		fprintf(told, "  %s %s: %s\n", how, path, strerror(errno));
	else
		fprintf(told, "  %s %s: %ld\n", how, path, size);
}

static void look_at_text(int dirfd, const char *path, const char *shown, bool tell)
{
	char text[PATH_MAX];
	ssize_t len = readlinkat(dirfd, path, text, sizeof(text));

	if (tell)
		say("readlink", shown, len < 0, len);
}

static void look_at_directory(const char *path, const char *shown, bool tell)
{
	struct statx st = { 0 };
	int result = statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_TYPE | STATX_MODE, &st);

	if (tell)
		say("statx", shown, result, st.stx_mode);
	look_at_text(AT_FDCWD, path, shown, tell);
}

static void look(int dirfd, const char *path, const char *shown, bool tell)
{
	struct stat st = { 0 };
	int result = fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW), fd;

	if (tell)
		say("lstat", shown, result, S_ISLNK(st.st_mode) ? -1 : st.st_size);
	result = faccessat(dirfd, path, F_OK, 0);
	if (tell)
		say("access", shown, result, 0);
	fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	st.st_size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	if (tell)
		say("open", shown, fd < 0, st.st_size);
	if (fd >= 0)
		close(fd);
	fd = openat(dirfd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	st.st_size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	if (tell)
		say("open no link", shown, fd < 0, st.st_size);
	if (fd >= 0)
		close(fd);
	look_at_text(dirfd, path, shown, tell);
	fd = openat(dirfd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (tell)
		say("make", shown, fd < 0, 0);
	if (fd >= 0) {
		close(fd);
		unlinkat(dirfd, path, 0);
	}
}

/*
 * From the root, from the directory of the tree, and from ones on the way; and in a
 * directory that is not there.
 */
static void look_all(unsigned int number, const int *dirs, bool tell)
{
	static const char *const names[] = { "file", "new", "none" };
	static const char *const ways[] = { "a", "a/b", "a/b/c" };
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		look_at_directory(ways[i], ways[i], tell);
		snprintf(path, sizeof(path), "%s/%u/%s", top, number, ways[i]);
		look_at_directory(path, path + strlen(top), tell);
	}

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%u/a/b/c/%s", top, number, names[i]);
		look(AT_FDCWD, path, path + strlen(top), tell);
		snprintf(path, sizeof(path), "a/b/c/%s", names[i]);
		look(AT_FDCWD, path, path, tell);
		look(dirs[0], path + strlen("a/"), path, tell);
		look(dirs[1], names[i], path, tell);
		snprintf(path, sizeof(path), "%s/%u/a/gone/%s", top, number, names[i]);
		look(AT_FDCWD, path, path + strlen(top), tell);
		snprintf(path, sizeof(path), "%s/%u/a/gone/further/%s", top, number, names[i]);
		look(AT_FDCWD, path, path + strlen(top), tell);
	}
}

static unsigned int here;
static int dirs_here[2];

static void look_all_here(void)
{
	look_all(here, dirs_here, true);
}

static void ask(unsigned int number)
{
	unsigned char byte = (unsigned char)number;

	if (write(STDOUT_FILENO, &byte, 1) != 1 || read(STDIN_FILENO, &byte, 1) != 1)
		err(1, "who makes the changes is gone");
}

static void watch(bool mounts, bool asks)
{
	char name[16];

	look_here = look_all_here;
	for (unsigned int i = 0; i < CHANGES; i++) {
		int dirs[2];

		if (changes[i].what == MOUNTS && !mounts)
			continue;
		snprintf(name, sizeof(name), "%u", i);
		must(chdir(top), top);
		dir(name);
		must(chdir(name), name);
		make_trees();
		must(dirs[0] = open("a", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "a");
		must(dirs[1] = open("a/b/c", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "a/b/c");
		here = i;
		memcpy(dirs_here, dirs, sizeof(dirs));
		for (int times = 0; times < OFTEN; times++)
			look_all(i, dirs, false);
		if (asks && changes[i].what != OWN)
			ask(i);
		else
			changes[i].make();
		fprintf(told, "%s\n", changes[i].name);
		look_all(i, dirs, true);
		close(dirs[0]);
		close(dirs[1]);
	}
}

static void serve(void)
{
	unsigned char number;
	char name[PATH_MAX];

	while (read(STDIN_FILENO, &number, 1) == 1) {
		if (number >= CHANGES)
			errx(1, "no such change");
		snprintf(name, sizeof(name), "%s/%u", top, number);
		must(chdir(name), name);
		changes[number].make();
		if (write(STDOUT_FILENO, "", 1) != 1)
			err(1, "cannot answer");
	}
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[2] : "";

	if (argc < 2)
		errx(2, "usage: landmarks DIRECTORY [mounts|asks|serves]");
	top = argv[1];
	told = strcmp(what, "asks") ? stdout : stderr;
	if (!strcmp(what, "serves"))
		serve();
	else
		watch(!strcmp(what, "mounts"), !strcmp(what, "asks"));
	return 0;
}
