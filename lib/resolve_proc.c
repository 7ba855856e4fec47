/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is another for the target than for the supervisor: /proc/self, the links
 * of procfs that lead to objects and not to names, and who may follow a link.
 */
#define _GNU_SOURCE
#include "resolve_own.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>

#include "cleanup.h"

#define PROC_ROOT_INO 1
/* What procfs says is the size of a link that leads to an object. */
#define MAGIC_SIZE    64
#define SECURITYFS    0x73636673
#define APPARMORFS    0x5a3c69f0
#ifndef ST_NOSYMFOLLOW
#define ST_NOSYMFOLLOW 0x2000
#endif

/* Nested pid namespaces: the kernel's own limit is 32. */
#define MAX_LEVELS 33

bool on_procfs(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && fs.f_type == PROC_SUPER_MAGIC;
}

/* At most size - 1 bytes of a file, as a string. */
static int read_small(int dirfd, const char *path, char *buf, size_t size)
{
	auto_close int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t got = 1;

	if (fd < 0)
		return -errno;
	while (got > 0 && len < size - 1) {
		got = read(fd, buf + len, size - 1 - len);
		if (got < 0)
			return -errno;
		len += (size_t)got;
	}
	buf[len] = '\0';
	return 0;
}

/* The numbers of a line of /proc/PID/status; returns how many. */
static int status_line(const char *status, const char *key, long *numbers, int max)
{
	const char *line = strstr(status, key);
	char *end;
	int n = 0;

	if (!line)
		return 0;
	line += strlen(key);
	while (n < max) {
		while (*line == ' ' || *line == '\t')
			line++;
		numbers[n] = strtol(line, &end, 10);
		if (end == line)
			break;
		line = end;
		n++;
	}
	return n;
}

/* The time that a process began, the 22nd word of stat. */
static int start_time(int dirfd, const char *path, unsigned long long *start)
{
	char stat[1024];
	const char *word;
	int err = read_small(dirfd, path, stat, sizeof(stat));

	if (err)
		return err;
	word = strrchr(stat, ')');
	for (int i = 2; word && i < 22; i++) {
		word = strchr(word, ' ');
		if (word)
			word++;
	}
	return word && sscanf(word, "%llu", start) == 1 ? 0 : -ENOENT;
}

/* Ids as the namespaces from one level on see them. */
struct levels {
	long tgid[MAX_LEVELS], tid[MAX_LEVELS];
	int n;
};

static int read_levels(int dirfd, const char *path, struct levels *levels)
{
	char status[4096];
	int n, err = read_small(dirfd, path, status, sizeof(status));

	if (err)
		return err;
	n = status_line(status, "\nNStgid:", levels->tgid, MAX_LEVELS);
	levels->n = status_line(status, "\nNSpid:", levels->tid, MAX_LEVELS);
	return n == levels->n ? 0 : -ENOENT;
}

/*
 * A procfs of another pid namespace than the supervisor's: the target is there
 * under one of the ids that it has in the namespaces that it is in.
 */
static int find_ids(const struct pm_view *view, int proc_fd, pid_t *tgid, pid_t *tid)
{
	unsigned long long start, found;
	struct levels levels, there;
	char path[96];
	int err;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", view->tgid, view->tid);
	err = read_levels(AT_FDCWD, path, &levels);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", view->tgid, view->tid);
	if (!err)
		err = start_time(AT_FDCWD, path, &start);
	if (err)
		return -ENOENT;
	for (int i = 0; i < levels.n; i++) {
		size_t rest = (size_t)(levels.n - i) * sizeof(long);

		snprintf(path, sizeof(path), "%ld/task/%ld/status", levels.tgid[i], levels.tid[i]);
		if (read_levels(proc_fd, path, &there) || there.n != levels.n - i ||
		    memcmp(there.tid, levels.tid + i, rest) ||
		    memcmp(there.tgid, levels.tgid + i, rest))
			continue;
		snprintf(path, sizeof(path), "%ld/task/%ld/stat", levels.tgid[i], levels.tid[i]);
		if (start_time(proc_fd, path, &found) || found != start)
			continue;
		*tgid = (pid_t)levels.tgid[i];
		*tid = (pid_t)levels.tid[i];
		return 0;
	}
	return -ENOENT;
}

int proc_ids(const struct pm_view *view, int proc_fd, pid_t *tgid, pid_t *tid)
{
	struct stat ours, theirs;

	if (fstat(proc_fd, &theirs))
		return -errno;
	if (!stat("/proc", &ours) && ours.st_dev == theirs.st_dev) {
		*tgid = view->tgid;
		*tid = view->tid;
		return 0;
	}
	return find_ids(view, proc_fd, tgid, tid);
}

/* "self" and "thread-self" right below the root of a procfs. */
static int own_link(struct walk *walk, const char *name, char *text)
{
	pid_t tgid, tid;
	int err = proc_ids(walk->view, walk->cur.fd, &tgid, &tid);

	if (err)
		return err;
	if (!strcmp(name, "self"))
		snprintf(text, PATH_MAX, "%d", tgid);
	else
		snprintf(text, PATH_MAX, "%d/task/%d", tgid, tid);
	return 0;
}

/* A task, by what two looks at it have in common, whatever namespace they are from. */
struct who {
	struct levels levels;
	unsigned long long start;
};

static int read_who(int dirfd, const char *status, const char *stat, struct who *who)
{
	int err = read_levels(dirfd, status, &who->levels);

	return err ? err : start_time(dirfd, stat, &who->start);
}

/* There is no namespace in which theirs has a number and ours has not. */
static bool same_task(const struct who *ours, const struct who *theirs)
{
	int above = ours->levels.n - theirs->levels.n;
	size_t size = (size_t)theirs->levels.n * sizeof(long);

	return above >= 0 && ours->start == theirs->start &&
	       !memcmp(theirs->levels.tgid, ours->levels.tgid + above, size) &&
	       !memcmp(theirs->levels.tid, ours->levels.tid + above, size);
}

/* Is it a thread of the supervisor?  True also where that cannot be told. */
static bool is_our_thread(const struct who *who)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	bool found = !tasks;

	while (tasks && !found && (entry = readdir(tasks))) {
		char status[300], stat[300];
		struct who ours;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(status, sizeof(status), "/proc/self/task/%s/status", entry->d_name);
		snprintf(stat, sizeof(stat), "/proc/self/task/%s/stat", entry->d_name);
		switch (read_who(AT_FDCWD, status, stat, &ours)) {
		case 0:
			found = same_task(&ours, who);
			break;
		case -ENOENT:
		case -ESRCH:
			break;	/* it has ended */
		default:
			found = true;
		}
	}
	if (tasks)
		closedir(tasks);
	return found;
}

/*
 * Is this directory of procfs about the supervisor itself, or a thread of it?  It may
 * follow its own links always; nobody whom it works for may.  True also where that
 * cannot be told.
 */
static bool is_ours(int dirfd)
{
	static const char *const files[][2] = { { "status", "stat" }, { "../status", "../stat" } };
	struct who who;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		switch (read_who(dirfd, files[i][0], files[i][1], &who)) {
		case 0:
			if (is_our_thread(&who))
				return true;
			break;
		/* A process may always search its own directories. */
		case -EACCES:
		case -ENOENT:
		case -ENOTDIR:
		case -ESRCH:
			break;
		default:
			return true;
		}
	}
	return false;
}

int read_link(struct walk *walk, int fd, const struct object *link, const char *name, char *text,
	      enum link_kind *kind)
{
	bool proc, root;
	struct statfs fs;
	ssize_t len;

	*kind = LINK_TEXT;
	/* 9p asks its server, which follows the link: its directory is on the same mount. */
	if (fstatfs(fd, &fs) &&
	    (link->mount != walk->cur.is.mount || fstatfs(walk->cur.fd, &fs)))
		return -errno;
	if ((walk->resolve & RESOLVE_NO_SYMLINKS) || (fs.f_flags & ST_NOSYMFOLLOW))
		return -ELOOP;
	proc = fs.f_type == PROC_SUPER_MAGIC;
	root = proc && walk->cur.is.ino == PROC_ROOT_INO && walk->cur.is.dev == link->dev;
	if (root && (!strcmp(name, "self") || !strcmp(name, "thread-self")))
		return own_link(walk, name, text);

	if (fs.f_type == APPARMORFS || fs.f_type == SECURITYFS) {
		*kind = LINK_MAGIC;
		return 0;
	}
	len = readlinkat(fd, "", text, PATH_MAX);
	if (len == PATH_MAX) {
		len = -1;
		errno = ENAMETOOLONG;
	}
	if (len >= 0)
		text[len] = '\0';
	if (proc && !root && (len < 0 || link->size == MAGIC_SIZE || link->size != (uint64_t)len)) {
		*kind = LINK_MAGIC;
		return is_ours(walk->cur.fd) ? -EACCES : 0;
	}
	return len < 0 ? -errno : len ? 0 : -ENOENT;
}

/* Of a sticky directory that all may write, as sysctl fs.protected_symlinks wants it. */
int may_follow(const struct walk *walk, const struct object *dir, const struct object *link)
{
	char text[4096], path[64];
	long uids[4];
	int err;

	if ((dir->mode & (S_ISVTX | S_IWOTH)) != (S_ISVTX | S_IWOTH) || dir->uid == link->uid)
		return 0;
	/* A kernel without it protects nothing; where it cannot be read, everything is. */
	err = read_small(AT_FDCWD, "/proc/sys/fs/protected_symlinks", text, sizeof(text));
	if (err == -ENOENT || (!err && text[0] == '0'))
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/status", walk->view->tid);
	if (read_small(AT_FDCWD, path, text, sizeof(text)) ||
	    status_line(text, "\nUid:", uids, 4) != 4 || (uid_t)uids[3] != link->uid)
		return -EACCES;
	return 0;
}

int self_name(const struct walk *walk, const char *name, char **self)
{
	static const char proc[] = "/proc/";
	const size_t len = sizeof(proc) - 1;
	struct object root;
	pid_t tgid, tid;
	char *end;
	long pid;

	if (strncmp(name, proc, len) || !isdigit((unsigned char)name[len]))
		return 0;
	pid = strtol(name + len, &end, 10);
	if (*end && *end != '/')
		return 0;

	auto_close int fd = open_path(walk->root.fd, "proc", O_NOFOLLOW);

	if (fd < 0)
		return fd == -EMFILE ? fd : 0;
	if (!on_procfs(fd) || object_of(fd, &root) || root.ino != PROC_ROOT_INO ||
	    proc_ids(walk->view, fd, &tgid, &tid) || tgid != pid)
		return 0;
	if (asprintf(self, "/proc/self%s", end) < 0) {
		*self = NULL;
		return -ENOMEM;
	}
	return 0;
}
