/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * calls - make each system call that names a file or a socket, and say what it
 * did to which
 *
 *	calls ABI from|to TABLE DIR [COMMAND...]
 *
 * ABI is 64, 32 (the 32-bit table: of a 32-bit program, or through int 0x80 of
 * a 64-bit one).  TABLE is what the program "table" prints.  The calls are made
 * by this program again, run by COMMAND, on files of DIR whose names end in
 * ".from" or ".to"; what became of these is looked at from outside.  One line a
 * case:
 *
 *	CALL ROLE SPELLING: RESULT [WHAT IT FOUND] | what changed
 *
 * A file and its twin differ, so that a line tells which of them was used.
 */
#define _GNU_SOURCE
#include "calls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const spelling_names[] = { "absolute", "relative", "dirfd", "link" };

static const char *variant;
static bool have_mounts;
const char *dir;

/* The numbers of the table that is used, by row; -1 for one that it has not. */
static long *numbers;

static void read_numbers(const char *file, const char *abi)
{
	char line[256], arch[8], name[64];
	FILE *table = fopen(file, "re");
	long nr;

	if (!table)
		die(file);
	numbers = malloc(rows_count * sizeof(*numbers));
	for (size_t i = 0; i < rows_count; i++)
		numbers[i] = -1;
	while (fgets(line, sizeof(line), table)) {
		if (sscanf(line, "%7s %ld %63s", arch, &nr, name) != 3 || strcmp(arch, abi))
			continue;
		for (size_t i = 0; i < rows_count; i++)
			if (!strcmp(rows[i].call, name))
				numbers[i] = nr;
	}
	fclose(table);
}

static bool applies(const struct row *row, enum spelling spelling)
{
	if (spelling == DIRFD)
		return row->flags & AT;
	return spelling != THROUGH_LINK || row->flags & FOLLOW;
}

static void name_subject(enum subject subject, bool link, const char *which, char *name)
{
	const char *plain = subject_names[subject];
	const char *slash = strrchr(plain, '/');

	if (link)
		sprintf(name, "to-%s.%s", slash ? slash + 1 : plain, which);
	else
		sprintf(name, "%s.%s", plain, which);
}

/* Inside: make one call after the other, as the driver says. */

static void act_one(const struct row *row, long nr, enum spelling spelling, char *out, int driver)
{
	char name[64], path[PATH_MAX];
	struct act act = { .nr = nr, .out = out, .driver = driver, .dirfd = (uint32_t)AT_FDCWD };
	long result;

	name_subject(row->subject, spelling == THROUGH_LINK, variant, name);
	act.top = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (act.top < 0 || chdir(spelling == WORKING_DIR ? dir : "/"))
		die(dir);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (spelling == DIRFD)
		act.dirfd = (uint32_t)act.top;
	act.path = low_string(spelling == DIRFD || spelling == WORKING_DIR ? name : path);
	result = row->run(&act);
	say(&act, " = %s", result >= 0 ? "ok" : strerrorname_np((int)-result));
}

static int act(int driver)
{
	unsigned char what[2];
	char *out = mmap(NULL, TEXT_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	while (read(driver, what, 2) == 2) {
		const struct row *row = &rows[what[0]];
		int status;
		pid_t pid;

		*out = '\0';
		pid = fork();
		if (!pid) {
			act_one(row, numbers[what[0]], what[1], out, driver);
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			die("fork");
		if (status)
			sprintf(out, " ended with status %#x", status);
		if (write(driver, "R", 1) != 1 || write(driver, out, TEXT_SIZE) != TEXT_SIZE)
			die("write");
	}
	return 0;
}

/* Outside: files as they are to be before each call, and what became of them. */

static int listeners[2], receivers[2];
static const char *const variants[] = { "from", "to" };

static void put(const char *name, const char *text, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || fchmod(fd, mode))
		die(name);
	close(fd);
}

static void copy_program(const char *from, const char *to)
{
	char buf[65536];
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	ssize_t len;

	if (in < 0 || out < 0)
		die(from);
	while ((len = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, (size_t)len) != len)
			die(to);
	close(in);
	close(out);
}

/* Copied once, beside the directory, and linked from then on. */
static void put_program(const char *from, const char *name)
{
	char copy[PATH_MAX];

	snprintf(copy, sizeof(copy), "%s.%s", dir, name);
	if (access(copy, F_OK))
		copy_program(from, copy);
	if (link(copy, name))
		die(name);
}

static void unmount_below(void)
{
	static const char *const places[] = { "mount.from", "mount.to", "other.mount", "other.dir",
					      "dir.from", "dir.to", "bpf" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		while (!umount2(places[i], MNT_DETACH | UMOUNT_NOFOLLOW))
			;
}

static void remove_tree(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent *entry;
	DIR *stream;

	if (fd < 0) {
		unlinkat(parent, name, 0);
		return;
	}
	stream = fdopendir(fd);
	while ((entry = readdir(stream)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			remove_tree(fd, entry->d_name);
	closedir(stream);
	unlinkat(parent, name, AT_REMOVEDIR);
}

static int bound(const char *name, int type)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(addr.sun_path, name);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		die(name);
	if (type == SOCK_STREAM && listen(fd, 8))
		die("listen");
	return fd;
}

static void mount_new(const char *place, const char *type)
{
	if (mount("none", place, type, 0, NULL))
		die(place);
}

static void prepare_mounts(void)
{
	mount_new("mount.from", "tmpfs");
	mount_new("mount.to", "tmpfs");
	mount_new("other.mount", "tmpfs");
	put("mount.from/is-from", "", 0644);
	put("mount.to/is-to", "", 0644);
	put("other.mount/is-other", "", 0644);
	if (mount("none", "bpf", "bpf", 0, NULL))
		return;
	int map = new_map();
	uint64_t attr[3] = { word_of("bpf/pinned.from"), (uint32_t)map };

	if (map >= 0)
		syscall(SYS_bpf, 6, attr, sizeof(attr));
	close(map);
}

static void prepare(bool mounts)
{
	static const char *const dirs[] = { "dir.from", "dir.to", "gone.from", "mount.from",
					    "mount.to", "other.dir", "other.mount", "bpf" };
	static bool again, mounted;

	if (mounted)
		unmount_below();
	mounted = mounts;
	if (again)
		for (int i = 0; i < 2; i++) {
			close(listeners[i]);
			close(receivers[i]);
		}
	again = true;
	remove_tree(AT_FDCWD, ".");
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (mkdir(dirs[i], 0755))
			die(dirs[i]);
	put("file.from", "12345", 0755);
	put("file.to", "123456789", 0644);
	put("other.file", "1234567", 0644);
	put_program("/bin/true", "program.from");
	put_program("/bin/false", "program.to");
	for (int i = 0; i < 2; i++) {
		char name[64], link[64];

		snprintf(name, sizeof(name), "text-%s", variants[i]);
		snprintf(link, sizeof(link), "link.%s", variants[i]);
		if (symlink(name, link))
			die(link);
		for (int subject = 0; subject < SUBJECTS; subject++) {
			name_subject((enum subject)subject, true, variants[i], link);
			name_subject((enum subject)subject, false, variants[i], name);
			if (symlink(name, link) && errno != EEXIST)
				die(link);
		}
		snprintf(name, sizeof(name), "stream.%s", variants[i]);
		listeners[i] = bound(name, SOCK_STREAM);
		snprintf(name, sizeof(name), "datagram.%s", variants[i]);
		receivers[i] = bound(name, SOCK_DGRAM);
	}
	if (mounts)
		prepare_mounts();
}

struct listing {
	char *lines[256];
	size_t n;
};

static void list_one(struct listing *listing, int parent, const char *name, const char *path)
{
	char line[2 * PATH_MAX], text[PATH_MAX] = "";
	struct stat st;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW))
		die(path);
	if (S_ISLNK(st.st_mode) && readlinkat(parent, name, text, sizeof(text) - 1) < 0)
		die(path);
	snprintf(line, sizeof(line), "%s(%o size %ld%s%s%s)", path, st.st_mode,
		 S_ISDIR(st.st_mode) ? 0 : (long)st.st_size, *text ? " " : "", text,
		 st.st_mtime < 1000000 ? " old" : "");
	if (listing->n == 256)
		die("listing");
	listing->lines[listing->n++] = strdup(line);
}

static void list(struct listing *listing, int parent, const char *name, const char *path)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent *entry;
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);

	while (stream && (entry = readdir(stream))) {
		char below[PATH_MAX];

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		snprintf(below, sizeof(below), "%s%s%s", path, *path ? "/" : "", entry->d_name);
		list_one(listing, fd, entry->d_name, below);
		list(listing, fd, entry->d_name, below);
	}
	if (stream)
		closedir(stream);
}

/* Where something is mounted, and how. */
static void list_mounts(struct listing *listing)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[1024], place[512], root[512], options[256];

	while (file && fgets(line, sizeof(line), file)) {
		size_t len = strlen(dir);

		if (sscanf(line, "%*s %*s %*s %511s %511s %255s", root, place, options) != 3 ||
		    strncmp(place, dir, len) || place[len] != '/')
			continue;
		snprintf(line, sizeof(line), "mount:%s(%s)", place + len, options);
		listing->lines[listing->n++] = strdup(line);
	}
	if (file)
		fclose(file);
}

static struct listing look(void)
{
	struct listing listing = { .n = 0 };

	list(&listing, AT_FDCWD, ".", "");
	if (have_mounts)
		list_mounts(&listing);
	qsort(listing.lines, listing.n, sizeof(*listing.lines), by_text);
	return listing;
}

/* Returns whether there are any. */
static bool print_changes(struct listing *before, struct listing *after)
{
	size_t a = 0, b = 0;
	bool changed = false;

	while (a < before->n || b < after->n) {
		int order = a == before->n ? 1 : b == after->n ? -1 :
			    strcmp(before->lines[a], after->lines[b]);

		if (order < 0)
			printf(" -%s", before->lines[a]);
		else if (order > 0)
			printf(" +%s", after->lines[b]);
		a += order <= 0;
		b += order >= 0;
		changed |= order != 0;
	}
	for (a = 0; a < before->n; a++)
		free(before->lines[a]);
	for (b = 0; b < after->n; b++)
		free(after->lines[b]);
	return changed;
}

static void print_reached(void)
{
	char buf[16];

	for (int i = 0; i < 2; i++) {
		int fd = accept(listeners[i], NULL, NULL);

		if (fd >= 0)
			printf(" connected:%s", variants[i]);
		close(fd);
		if (recv(receivers[i], buf, sizeof(buf), 0) >= 0)
			printf(" received:%s", variants[i]);
	}
}

static void answer_poke(int actor)
{
	int fd = open("file.to", O_WRONLY | O_APPEND | O_CLOEXEC);

	if (chmod("file.from", 0700) || fd < 0 || write(fd, "!", 1) != 1 ||
	    write(actor, "P", 1) != 1)
		die("poke");
	close(fd);
}

static void drive_one(int actor, unsigned char i, unsigned char spelling)
{
	const struct row *row = &rows[i];
	static char out[TEXT_SIZE];
	static bool untouched;
	struct listing before, after;
	size_t have = 0;
	char kind = 0;

	printf("%s %s %s %s:", row->call, row->role, subject_names[row->subject],
	       spelling_names[spelling]);
	if (row->flags & MOUNTS && !have_mounts) {
		puts(" no mounts");
		return;
	}
	if (!untouched || row->flags & MOUNTS)
		prepare(row->flags & MOUNTS);
	before = look();
	if (write(actor, (unsigned char[]){ i, spelling }, 2) != 2)
		die("write");
	while (kind != 'R') {
		if (read(actor, &kind, 1) != 1)
			die("the program that makes the calls is gone");
		if (kind == 'P')
			answer_poke(actor);
	}
	while (have < TEXT_SIZE) {
		ssize_t n = read(actor, out + have, TEXT_SIZE - have);

		if (n <= 0)
			die("read");
		have += (size_t)n;
	}
	after = look();
	printf("%s |", out);
	/* Attributes are not listed. */
	untouched = !print_changes(&before, &after) && !(row->flags & MOUNTS) &&
		    !strstr(row->call, "set");
	print_reached();
	putchar('\n');
}

static void write_text(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, text, strlen(text)) < 0)
		die(file);
	close(fd);
}

/* A namespace in which things can be mounted, as root or not. */
static bool enter_namespace(void)
{
	char map[64];
	uid_t uid = getuid();
	gid_t gid = getgid();

	if (unshare(CLONE_NEWNS)) {
		if (unshare(CLONE_NEWNS | CLONE_NEWUSER))
			return false;
		write_text("/proc/self/setgroups", "deny");
		snprintf(map, sizeof(map), "0 %u 1", uid);
		write_text("/proc/self/uid_map", map);
		snprintf(map, sizeof(map), "0 %u 1", gid);
		write_text("/proc/self/gid_map", map);
	}
	return !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

static void drive(char **argv)
{
	int pair[2];
	char number[16];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		die("socketpair");
	fcntl(pair[0], F_SETFD, FD_CLOEXEC);
	snprintf(number, sizeof(number), "%d", pair[1]);
	setenv("CALLS_DRIVER", number, 1);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execvp(argv[0], argv);
		die(argv[0]);
	}
	close(pair[1]);
	if (chdir(dir))
		die(dir);
	for (size_t i = 0; i < rows_count; i++)
		for (int spelling = 0; spelling < SPELLINGS; spelling++)
			if (numbers[i] >= 0 && applies(&rows[i], (enum spelling)spelling))
				drive_one(pair[0], (unsigned char)i, (unsigned char)spelling);
	close(pair[0]);
	waitpid(pid, NULL, 0);
	if (have_mounts)
		unmount_below();
	remove_tree(AT_FDCWD, ".");
}

int main(int argc, char **argv)
{
	const char *driver = getenv("CALLS_DRIVER");
	char **command;
	size_t n = 0;

	if (argc < 5) {
		fputs("usage: calls ABI from|to TABLE DIR [COMMAND...]\n", stderr);
		return 2;
	}
	narrow = !strcmp(argv[1], "32");
	variant = argv[2];
	read_numbers(argv[3], argv[1]);
	dir = argv[4];
	setvbuf(stdout, NULL, _IOLBF, 0);
	umask(022);
	if (driver)
		return act(atoi(driver));
	have_mounts = enter_namespace();
	command = calloc((size_t)argc + 6, sizeof(*command));
	for (int i = 5; i < argc; i++)
		command[n++] = argv[i];
	memcpy(command + n, argv, 5 * sizeof(*command));
	drive(command);
	return 0;
}
