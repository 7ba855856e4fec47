/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reads - make calls whose arguments are hard to read, and say what came of each
 *
 *	reads ABI TABLE
 *
 * ABI is 64 or 32; TABLE is what the program "table" prints.  Runs in a
 * directory of its own.  One line a call: what it was given, and the result.
 * Two runs, with and without a supervisor, say the same.  No call has more than
 * one thing wrong with it: of two errors a supervised call may give the other.
 */
#define _GNU_SOURCE
#include "rawcall.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096u
#define PAGES 80u		/* readable, before the edge */
#define WATCHER 700		/* a descriptor of inotify */

struct number {
	char name[32];
	long nr;
};

static struct number numbers[256];
static size_t count;
static char *edge;		/* nothing can be read from here on */

static long nr_of(const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(numbers[i].name, name))
			return numbers[i].nr;
	return -1;
}

/* Root may have it, and in a container has not. */
static bool may_administer(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data))
		die("capget");
	return data[0].effective & 1u << CAP_SYS_ADMIN;
}

/* Whoever may not make a call at all has that wrong with each. */
static bool may_call(const char *name)
{
	static const char *const of_root[] = { "swapoff", "umount2", "fsopen", "mount", "fspick",
					       "mount_setattr", "open_tree_attr", "bpf" };

	for (size_t i = 0; !may_administer() && i < sizeof(of_root) / sizeof(of_root[0]); i++)
		if (!strcmp(name, of_root[i]))
			return false;
	return nr_of(name) >= 0;
}

static void read_numbers(const char *file, const char *abi)
{
	char line[256], arch[8];
	FILE *table = fopen(file, "re");

	if (!table)
		die(file);
	while (fgets(line, sizeof(line), table) && count < 256)
		if (sscanf(line, "%7s %ld %31s", arch, &numbers[count].nr,
			   numbers[count].name) == 3 && !strcmp(arch, abi))
			count++;
	fclose(table);
}

static void make_edge(void)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;

#ifdef __x86_64__
	flags |= MAP_32BIT;
#endif
	edge = mmap(NULL, (PAGES + 1) * PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (edge == MAP_FAILED)
		die("mmap");
	edge += PAGES * PAGE;
	if (mprotect(edge, PAGE, PROT_NONE))
		die("mprotect");
}

/* len bytes that end at the edge, filled with c. */
static char *at_edge(size_t len, int c)
{
	return memset(edge - len, c, len);
}

static void report(long result, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	if (result < 0)
		printf(": %s\n", strerrorname_np((int)-result));
	else
		puts(": ok");
}

/* The calls with one path, by the place of the path and of a descriptor before it. */
static const struct path_call {
	const char *name;
	int path;		/* the register */
	uint64_t rest[6];	/* the other registers */
} path_calls[] = {
	{ "open", 0, { 0, O_RDONLY } },
	{ "openat", 1, { AT_FDCWD, 0, O_RDONLY } },
	{ "creat", 0, { 0, 0600 } },
	{ "truncate", 0, { 0, 3 } },
	{ "stat", 0, { 0 } },
	{ "lstat", 0, { 0 } },
	{ "access", 0, { 0, 0 } },
	{ "faccessat", 1, { AT_FDCWD, 0, 0 } },
	{ "readlink", 0, { 0 } },
	{ "chmod", 0, { 0, 0600 } },
	{ "fchmodat", 1, { AT_FDCWD, 0, 0600 } },
	{ "mkdir", 0, { 0, 0700 } },
	{ "mkdirat", 1, { AT_FDCWD, 0, 0700 } },
	{ "mknod", 0, { 0, S_IFIFO | 0600 } },
	{ "rmdir", 0, { 0 } },
	{ "unlink", 0, { 0 } },
	{ "unlinkat", 1, { AT_FDCWD, 0, 0 } },
	{ "chdir", 0, { 0 } },
	{ "statfs", 0, { 0 } },
	{ "listxattr", 0, { 0 } },
	{ "umount2", 0, { 0, 0 } },
	{ "inotify_add_watch", 1, { WATCHER, 0, 1 } },
	{ "swapoff", 0, { 0 } },
	{ "utimensat", 1, { AT_FDCWD, 0, 0, 0 } },
	{ "name_to_handle_at", 1, { AT_FDCWD, 0 } },
	{ "mq_open", 0, { 0, 0 } },
	{ "mq_unlink", 0, { 0 } },
	{ "fsopen", 0, { 0, 0 } },
};

static long with_path(const struct path_call *call, const void *path)
{
	uint64_t args[6];
	long result;

	memcpy(args, call->rest, sizeof(args));
	args[call->path] = word_of(path);
	/* Where there is something to write: readlink, stat, handles. */
	for (int i = call->path + 1; i < 6; i++)
		if (!args[i] && strchr("rs", call->name[0]) && !strstr(call->name, "swap"))
			args[i] = i == call->path + 1 ? word_of(low(512)) : 100;
	result = call6(nr_of(call->name), args);
	if (result > 2 && strcmp(call->name, "readlink"))
		close((int)result);
	return result;
}

static void paths(void)
{
	static const size_t sizes[] = { 1, 100, 255, 256, 4094, 4095, 4096, 4097, 5000 };

	for (size_t i = 0; i < sizeof(path_calls) / sizeof(path_calls[0]); i++) {
		const struct path_call *call = &path_calls[i];
		char *path;

		if (!may_call(call->name))
			continue;
		report(with_path(call, NULL), "%s(NULL)", call->name);
		report(with_path(call, edge), "%s(unreadable)", call->name);
		report(with_path(call, (void *)-1), "%s(-1)", call->name);
		report(with_path(call, (void *)(uintptr_t)-4096), "%s(-4096)", call->name);
		report(with_path(call, low_string("")), "%s(\"\")", call->name);
		for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
			path = at_edge(sizes[s], 'x');
			report(with_path(call, path), "%s(%zu without a NUL)", call->name, sizes[s]);
			edge[-1] = '\0';
			report(with_path(call, path), "%s(%zu)", call->name, sizes[s]);
			for (size_t c = 100; c < sizes[s] - 1; c += 100)
				path[c] = '/';
			report(with_path(call, path), "%s(%zu of components)", call->name, sizes[s]);
			for (size_t c = 0; c < sizes[s] - 1; c++)
				path[c] = '/';
			/* Long enough to be refused, or else the root: nothing is done to it. */
			if (sizes[s] > PATH_MAX)
				report(with_path(call, path), "%s(%zu slashes)", call->name,
				       sizes[s]);
		}
	}
}

/* Strings that are no paths, with limits of their own. */
static void strings(void)
{
	static const size_t sizes[] = { 1, 2, 255, 256, 257, 4095, 4096, 4097 };
	const char *file = low_string("file");
	long fs = RAWCALL(nr_of("fsopen"), low_string("tmpfs"), 0);

	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		for (int nul = 0; nul < 2; nul++) {
			char *text = at_edge(sizes[s], 'x');

			if (nul)
				edge[-1] = '\0';
			report(RAWCALL(nr_of("getxattr"), file, text, low(16), 16),
			       "getxattr(name of %zu, %d)", sizes[s], nul);
			report(RAWCALL(nr_of("setxattr"), file, text, low(16), 16, 0),
			       "setxattr(name of %zu, %d)", sizes[s], nul);
			report(RAWCALL(nr_of("removexattr"), file, text),
			       "removexattr(name of %zu, %d)", sizes[s], nul);
			report(RAWCALL(nr_of("fgetxattr"), 0, text, low(16), 16),
			       "fgetxattr(name of %zu, %d)", sizes[s], nul);
			report(RAWCALL(nr_of("symlink"), text, low_string("made")),
			       "symlink(target of %zu, %d)", sizes[s], nul);
			unlink("made");
			if (!may_call("mount"))
				continue;
			report(RAWCALL(nr_of("mount"), text, file, 0, 0, 0),
			       "mount(source of %zu, %d)", sizes[s], nul);
			report(RAWCALL(nr_of("mount"), text, file, 0, 4096, 0),
			       "mount(bind of %zu, %d)", sizes[s], nul);
			report(RAWCALL(nr_of("mount"), 0, file, text, 0, 0),
			       "mount(type of %zu, %d)", sizes[s], nul);
			report(RAWCALL(nr_of("mount"), 0, file, low_string("none"), 0, text),
			       "mount(data of %zu, %d)", sizes[s], nul);
			report(RAWCALL(nr_of("fsconfig"), fs, 1, text, low_string("v"), 0),
			       "fsconfig(key of %zu, %d)", sizes[s], nul);
			report(RAWCALL(nr_of("fsconfig"), fs, 1, low_string("k"), text, 0),
			       "fsconfig(value of %zu, %d)", sizes[s], nul);
		}
	}
	if (!may_call("mount"))
		return;
	report(RAWCALL(nr_of("mount"), low_string(""), file, 0, 4096, 0), "mount(bind of \"\")");
	report(RAWCALL(nr_of("mount"), low_string(""), file, 0, 8192, 0), "mount(move of \"\")");
	report(RAWCALL(nr_of("mount"), 0, file, 0, 4096, 0), "mount(bind of NULL)");
	report(RAWCALL(nr_of("mount"), low_string("none/such"), file, 0, 4096, 0),
	       "mount(bind of what is not there)");
}

/* Structures with a size. */

static const struct sized {
	const char *name;
	int block, size;	/* registers */
	size_t known;		/* bytes of today's structure */
	uint64_t rest[6];
	int path;
} sized[] = {
	{ "openat2", 2, 3, 24, { AT_FDCWD }, 1 },
	{ "mount_setattr", 3, 4, 32, { AT_FDCWD }, 1 },
	{ "open_tree_attr", 3, 4, 32, { AT_FDCWD }, 1 },
	{ "setxattrat", 4, 5, 16, { AT_FDCWD }, 1 },
	{ "getxattrat", 4, 5, 16, { AT_FDCWD }, 1 },
	{ "file_setattr", 2, 3, 24, { AT_FDCWD }, 1 },
	{ "clone3", 0, 1, 88, { 0 }, -1 },
	{ "bpf", 1, 2, 24, { 7 }, -1 },
};

static long with_block(const struct sized *call, const void *block, uint64_t size)
{
	uint64_t args[6];
	long result;

	memcpy(args, call->rest, sizeof(args));
	if (call->path >= 0)
		args[call->path] = word_of(low_string("file"));
	if (strstr(call->name, "xattrat"))
		args[3] = word_of(low_string("user.k"));
	args[call->block] = word_of(block);
	args[call->size] = size;
	result = call6(nr_of(call->name), args);
	if (!result && !strcmp(call->name, "clone3"))
		_exit(0);
	if (result > 2 && !strcmp(call->name, "clone3"))
		waitpid((pid_t)result, NULL, 0);
	else if (result > 2)
		close((int)result);
	return result;
}

static void blocks(void)
{
	for (size_t i = 0; i < sizeof(sized) / sizeof(sized[0]); i++) {
		const struct sized *call = &sized[i];
		size_t sizes[] = { 0, 1, 8, call->known - 1, call->known, call->known + 1,
				   call->known + 8, 64, 88, 128, 4095, 4096, 4097, 5000 };
		bool clone = !strcmp(call->name, "clone3");

		if (!may_call(call->name))
			continue;
		report(with_block(call, NULL, call->known), "%s(NULL)", call->name);
		report(with_block(call, NULL, 0), "%s(NULL, 0)", call->name);
		report(with_block(call, low(8192), UINT64_MAX), "%s(size -1)", call->name);
		report(with_block(call, low(8192), 1ull << 32 | call->known), "%s(size 2^32+)",
		       call->name);
		for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
			unsigned char *block = low(8192);

			/* What it leaves out of the pointer is zero. */
			if (sizes[s] < 8 && !strcmp(call->name, "bpf"))
				continue;
			if (clone)
				block[32] = SIGCHLD;
			else if (!strcmp(call->name, "bpf"))
				memcpy(block, &(uint64_t){ word_of(low_string("file")) }, 8);
			report(with_block(call, block, sizes[s]), "%s(%zu)", call->name, sizes[s]);
			block[sizes[s]] = 1;
			report(with_block(call, block, sizes[s]), "%s(%zu, and a byte after it)",
			       call->name, sizes[s]);
			if (sizes[s] > call->known) {
				block[sizes[s] - 1] = 1;
				report(with_block(call, block, sizes[s]), "%s(%zu, its last byte)",
				       call->name, sizes[s]);
			}
			if (sizes[s] > 1)
				report(with_block(call, at_edge(sizes[s] - 1, 0), sizes[s]),
				       "%s(%zu, cut)", call->name, sizes[s]);
		}
	}
}

/* What openat2 refuses and open ignores. */
static void open_flags(void)
{
	static const struct {
		uint64_t how[3];
		bool wrong;		/* for openat2: on files that are there only */
	} hows[] = {
		{ { O_RDONLY, 0, 0 }, false }, { { O_CREAT | O_WRONLY, 0600, 0 }, false }, { { O_PATH, 0, 0 }, false },
		{ { O_PATH | O_NOFOLLOW | O_DIRECTORY, 0, 0 }, false },
		{ { O_TMPFILE | O_WRONLY, 0600, 0 }, false }, { { O_CREAT | O_EXCL | O_WRONLY, 0600, 0 }, false },
		{ { 3, 0, 0 }, false }, { { O_RDONLY | O_TRUNC, 0, 0 }, false }, { { O_SYNC, 0, 0 }, false },
		{ { O_NOATIME, 0, 0 }, false }, { { O_ASYNC, 0, 0 }, false }, { { O_EXCL, 0, 0 }, false },
		{ { O_RDONLY, 0, 1 }, false }, { { O_RDONLY, 0, 2 }, false }, { { O_RDONLY, 0, 4 }, false },
		{ { O_RDONLY, 0, 8 }, false }, { { O_RDONLY, 0, 16 }, false },
		{ { O_RDONLY, 0600, 0 }, true }, { { O_CREAT | O_WRONLY, 010000, 0 }, true },
		{ { O_CREAT | O_WRONLY, 1ull << 40, 0 }, true }, { { 1u << 30, 0, 0 }, true },
		{ { 1ull << 40, 0, 0 }, true }, { { 04, 0, 0 }, true }, { { 010, 0, 0 }, true },
		{ { O_PATH | O_CREAT, 0, 0 }, true }, { { O_PATH | O_WRONLY, 0, 0 }, true },
		{ { O_PATH | O_TRUNC, 0, 0 }, true }, { { O_TMPFILE, 0600, 0 }, true },
		{ { O_TMPFILE & ~O_DIRECTORY, 0600, 0 }, true },
		{ { O_TMPFILE | O_CREAT | O_WRONLY, 0600, 0 }, true },
		{ { O_CREAT | O_DIRECTORY, 0600, 0 }, true }, { { O_DIRECT, 0, 0 }, true },
		{ { O_RDONLY, 0, 24 }, true }, { { O_RDONLY, 0, 64 }, true },
		{ { O_RDONLY, 0, 1ull << 33 }, true }, { { O_CREAT | O_WRONLY, 0600, 32 }, true },
		{ { O_TRUNC | O_WRONLY, 0, 32 }, true }, { { O_PATH, 0, 32 }, true },
		{ { O_RDONLY, 0600, 32 }, true },
	};
	static const char *const names[] = { "file", "dir", "none", "link", "large", "none/such", "" };

	for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
		for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
			const char *name = low_string(names[n]);
			const uint64_t *want = hows[i].how;
			uint64_t *how = memcpy(low(24), want, 24);
			long fd;

			if (hows[i].wrong && (!*name || strchr(name, '/')))
				continue;
			fd = RAWCALL(nr_of("openat2"), AT_FDCWD, name, (void *)how, 24);
			report(fd, "openat2(%s, %#llo, %#llo, %llu)", name,
			       (unsigned long long)want[0], (unsigned long long)want[1],
			       (unsigned long long)want[2]);
			if (fd >= 0)
				close((int)fd);
			if (!strcmp(name, "none"))
				unlink(name);
			if (want[2])
				continue;
			fd = RAWCALL(nr_of("openat"), AT_FDCWD, name, want[0], want[1]);
			report(fd, "openat(%s, %#llo, %#llo)", name,
			       (unsigned long long)want[0], (unsigned long long)want[1]);
			if (fd >= 0) {
				/* O_LARGEFILE is there always: see docs/guarantees.md. */
				printf("  flags %#o\n", fcntl((int)fd, F_GETFL) & ~0100000);
				close((int)fd);
			}
			if (!strcmp(name, "none"))
				unlink(name);
		}
	}
}

/* Flags of the at-calls, empty paths, odd descriptors. */

static const struct at_call {
	const char *name;
	int flags;		/* the register; the descriptor is the first, the path the second */
	uint64_t rest[6];
	int buffer;		/* a register of memory, or 0 */
	uint64_t valid;		/* the flags that it knows */
} at_calls[] = {
	{ "newfstatat", 3, { 0 }, 2,
	  AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT },
	{ "fstatat64", 3, { 0 }, 2,
	  AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT },
	{ "statx", 2, { [3] = 1 }, 4,
	  AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT },
	{ "faccessat2", 3, { 0 }, 0,
	  AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_EACCESS },
	{ "fchmodat2", 3, { [2] = 0700 }, 0,
	  AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH },
	{ "fchownat", 4, { [2] = -1, [3] = -1 }, 0,
	  AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH },
	{ "utimensat", 3, { 0 }, 0,
	  AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH },
	{ "unlinkat", 2, { 0 }, 0,
	  AT_REMOVEDIR },
	{ "name_to_handle_at", 4, { 0 }, 2,
	  AT_SYMLINK_FOLLOW | AT_EMPTY_PATH },
	{ "execveat", 4, { 0 }, 0,
	  AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH },
	{ "open_tree", 2, { 0 }, 0,
	  AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT },
	{ "fspick", 2, { 0 }, 0,
	  0xf },
	{ "listxattrat", 2, { [4] = 512 }, 3,
	  AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH },
	{ "file_getattr", 4, { [3] = 24 }, 2,
	  AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH },
	{ "readlinkat", 5, { [3] = 100 }, 2,
	  -1 },
	{ "futimesat", 5, { 0 }, 0,
	  -1 },
	{ "openat", 2, { 0 }, 0,
	  0 },
	{ "mkdirat", 5, { [2] = 0700 }, 0,
	  -1 },
};

static long make_at(const struct at_call *call, int fd, const char *path, uint64_t flags)
{
	long result, *shared;
	uint64_t args[6];
	pid_t pid;

	memcpy(args, call->rest, sizeof(args));
	args[0] = (uint64_t)(int64_t)fd;
	args[1] = word_of(path);
	args[call->flags] = flags;
	if (call->buffer)
		args[call->buffer] = word_of(low(512));
	if (!strcmp(call->name, "name_to_handle_at")) {
		*(uint32_t *)(uintptr_t)args[2] = 128;
		args[3] = word_of(low(8));
	}
	if (!strcmp(call->name, "execveat")) {
		args[2] = word_of(words(2, "", NULL));
		args[3] = word_of(words(1, NULL));
		shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			      0);
		args[2] = word_of(words(2, low_string("p"), NULL));
		pid = fork();
		if (!pid) {
			*shared = call6(nr_of(call->name), args);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
		return *shared;
	}
	result = call6(nr_of(call->name), args);
	if (result > 2 && (strstr(call->name, "open") || strstr(call->name, "pick")))
		close((int)result);
	return result;
}

static void at_flags(void)
{
	static const uint64_t flags[] = { 0, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH, AT_SYMLINK_FOLLOW,
					  AT_REMOVEDIR, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW,
					  AT_EMPTY_PATH | AT_NO_AUTOMOUNT,
					  0x800, 0x10000, 0x80000000, 0x100000000ull };
	static const char *const names[] = { "file", "link", "none", "file/x", "", NULL };
	int fds[] = { AT_FDCWD, -1, 999, -200, open(".", O_PATH), open(".", O_RDONLY),
		      open("file", O_RDONLY), open("file", O_PATH),
		      open("link", O_PATH | O_NOFOLLOW), open("program", O_PATH) };
	static const char *const fd_names[] = { "cwd", "-1", "closed", "-200", "path of dir", "dir",
						"file", "path of file", "path of link",
						"path of program" };

	for (size_t i = 0; i < sizeof(at_calls) / sizeof(at_calls[0]); i++) {
		if (!may_call(at_calls[i].name))
			continue;
		for (size_t f = 0; f < sizeof(flags) / sizeof(flags[0]); f++)
			for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
				for (size_t d = 0; d < sizeof(fds) / sizeof(fds[0]); d++) {
					const char *path = names[n] ? low_string(names[n]) : NULL;
					bool wrong = flags[f] & ~at_calls[i].valid & UINT32_MAX;
					long result;

					if (wrong && (n || (d && strcmp(fd_names[d], "dir"))))
						continue;
					result = make_at(&at_calls[i], fds[d], path, flags[f]);
					report(result, "%s(%s, %s, %#llx)", at_calls[i].name,
					       fd_names[d], names[n] ? names[n] : "NULL",
					       (unsigned long long)flags[f]);
					/* What was there is there again. */
					close(open("file", O_CREAT | O_WRONLY, 0600));
					if (symlink("file", "link") && errno != EEXIST)
						die("link");
					unlinkat(AT_FDCWD, "none", AT_REMOVEDIR);
				}
	}
	for (size_t d = 0; d < sizeof(fds) / sizeof(fds[0]); d++)
		if (fds[d] > 2)
			close(fds[d]);
}

/* Programs. */

static long run_program(const char *path, const void *argv, const void *envp, rlim_t stack)
{
	long *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t pid = fork();

	if (!pid) {
		struct rlimit limit = { stack, stack };

		if (stack && setrlimit(RLIMIT_STACK, &limit))
			die("setrlimit");
		*shared = RAWCALL(nr_of("execve"), path, argv, envp);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (status)
		printf("status %d ", status);
	return *shared;
}

/* A vector of n strings of size bytes each. */
static void *many(size_t n, size_t size)
{
	size_t width = narrow ? 4 : 8, all = (n + 1) * width + size;
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	unsigned char *memory;

#ifdef __x86_64__
	flags |= MAP_32BIT;
#endif
	memory = mmap(NULL, all, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (memory == MAP_FAILED)
		die("mmap");
	memset(memory + (n + 1) * width, 'y', size - 1);
	for (size_t i = 0; i < n; i++) {
		uint64_t at = word_of(memory + (n + 1) * width);

		memcpy(memory + i * width, &at, width);
	}
	return memory;
}

static void programs(void)
{
	const char *program = low_string("program");
	void *none = words(1, NULL), *one = words(2, program, NULL);
	static const struct {
		size_t n, size;
		rlim_t stack;
	} sizes[] = {
		{ 1, 131072, 0 }, { 1, 131073, 0 }, { 1, 1 << 20, 0 }, { 10, 131072, 0 },
		{ 1000, 100, 0 }, { 15, 131072, 8 << 20 }, { 17, 131072, 8 << 20 },
		{ 200000, 2, 8 << 20 }, { 220000, 2, 8 << 20 }, { 100, 2000, 1 << 20 },
		{ 100, 2400, 1 << 20 }, { 100, 2700, 1 << 20 }, { 100, 1000, 1 << 18 },
		{ 100, 1500, 1 << 18 }, { 48, 131072, 64 << 20 }, { 47, 131072, 64 << 20 },
	};

	if (chmod(program, 0755))
		die(program);
	report(run_program(program, NULL, NULL, 0), "execve(argv NULL, envp NULL)");
	report(run_program(program, none, none, 0), "execve(argv empty)");
	report(run_program(program, one, NULL, 0), "execve(envp NULL)");
	report(run_program(program, edge, none, 0), "execve(argv unreadable)");
	report(run_program(program, (void *)-1, none, 0), "execve(argv -1)");
	report(run_program(program, one, edge, 0), "execve(envp unreadable)");
	report(run_program(program, words(2, edge, NULL), none, 0), "execve(argv[0] unreadable)");
	report(run_program(program, words(3, program, W(-1), NULL), none, 0), "execve(argv[1] -1)");
	report(run_program(program, words(2, at_edge(100, 'z'), NULL), none, 0),
	       "execve(argv[0] without a NUL)");
	report(run_program(program, words(2, at_edge(200000, 'z'), NULL), none, 0),
	       "execve(argv[0] of 200000 without a NUL)");
	report(run_program(low_string("none"), one, none, 0), "execve(what is not there)");
	report(run_program(low_string("dir"), one, none, 0), "execve(a directory)");
	report(run_program(low_string("file"), one, none, 0), "execve(what is no program)");
	report(run_program(low_string("program/x"), one, none, 0), "execve(below a program)");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		void *argv = many(sizes[i].n, sizes[i].size);

		report(run_program(program, argv, none, sizes[i].stack),
		       "execve(argv of %zu times %zu, stack %lld)", sizes[i].n, sizes[i].size,
		       (long long)sizes[i].stack);
		report(run_program(program, one, argv, sizes[i].stack),
		       "execve(envp of %zu times %zu, stack %lld)", sizes[i].n, sizes[i].size,
		       (long long)sizes[i].stack);
	}
	/* A vector that does not end. */
	memset(edge - 800, 0, 800);
	for (size_t i = 0; i < 800; i += narrow ? 4 : 8) {
		uint64_t at = word_of(program);

		memcpy(edge - 800 + i, &at, narrow ? 4 : 8);
	}
	report(run_program(program, edge - 800, none, 0), "execve(argv without an end)");
	report(run_program(program, edge - 800 + 1, none, 0), "execve(argv not aligned)");
}

/* Sockets. */

static long connected(const char *call, int type, int domain, const void *addr, int len)
{
	int fd = socket(domain, type, 0);
	long result = RAWCALL(nr_of(call), fd, addr, len);

	close(fd);
	return result;
}

static long sent(int domain, const void *addr, int len)
{
	int fd = socket(domain, SOCK_DGRAM, 0);
	long result = RAWCALL(nr_of("sendto"), fd, low(4), 4, 0, addr, len);

	close(fd);
	return result;
}

/* Where it has none, the descriptor is wrong with each call too. */
static bool has_domain(int domain)
{
	int fd = socket(domain, SOCK_DGRAM, 0);

	if (fd >= 0)
		close(fd);
	else if (errno != EAFNOSUPPORT)
		die("socket");
	else
		printf("no sockets of domain %d\n", domain);
	return fd >= 0;
}

static void addresses(void)
{
	static const int lens[] = { INT_MIN, -1, 0, 1, 2, 3, 8, 16, 24, 28, 100, 109, 110, 111, 127,
				    128, 129, 200, INT_MAX };
	static const int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_UNSPEC, AF_NETLINK, 77 };
	static const int domains[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };

	for (size_t d = 0; d < sizeof(domains) / sizeof(domains[0]); d++) {
		if (!has_domain(domains[d]))
			continue;
		for (size_t f = 0; f < sizeof(families) / sizeof(families[0]); f++)
			for (size_t l = 0; l < sizeof(lens) / sizeof(lens[0]); l++) {
				unsigned char *addr = low(256);
				int type = domains[d] == AF_NETLINK ? SOCK_RAW : SOCK_DGRAM;

				memcpy(addr, &(uint16_t){ (uint16_t)families[f] }, 2);
				if (families[f] == AF_UNIX)
					memset(addr + 2, 'u', 200);
				for (int c = 0; c < 2; c++)
					report(connected(c ? "bind" : "connect", type, domains[d],
							 addr, lens[l]),
					       "%s(%d, family %d, %d)", c ? "bind" : "connect",
					       domains[d], families[f], lens[l]);
				report(sent(domains[d], addr, lens[l]), "sendto(%d, family %d, %d)",
				       domains[d], families[f], lens[l]);
				if (lens[l] > 1 && lens[l] < 1000)
					report(sent(domains[d], memcpy(at_edge((size_t)lens[l] - 1, 0),
								       addr, (size_t)lens[l] - 1),
						    lens[l]),
					       "sendto(%d, family %d, %d, cut)", domains[d],
					       families[f], lens[l]);
				report(sent(domains[d], NULL, lens[l]), "sendto(%d, NULL, %d)",
				       domains[d], lens[l]);
				report(connected("connect", type, domains[d], NULL, lens[l]),
				       "connect(%d, NULL, %d)", domains[d], lens[l]);
			}
	}
	report(RAWCALL(nr_of("connect"), 999, low(16), 16), "connect(closed)");
	report(RAWCALL(nr_of("connect"), 0, low(16), 16), "connect(no socket)");
}

/* A msghdr in the width of the table. */
static unsigned char *header(const void *name, int namelen, const void *iov, uint64_t iovlen,
			     const void *control, uint64_t controllen)
{
	return words(8, name, W((unsigned int)namelen), iov, W(iovlen), control, W(controllen), NULL,
		     NULL);
}

static int receiver(const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	unlink(name);
	strcpy(addr.sun_path, name);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		die(name);
	return fd;
}

/* What has arrived. */
static void drain(int fd)
{
	char control[512], data[4096];
	struct iovec iov = { data, sizeof(data) };
	ssize_t n;

	for (;;) {
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				      .msg_controllen = sizeof(control) };

		n = recvmsg(fd, &msg, 0);
		if (n < 0)
			return;
		printf("  %zd bytes, control %d, flags %#x\n", n, msg.msg_controllen > 0,
		       msg.msg_flags);
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
			if (c->cmsg_type == SCM_RIGHTS)
				close(*(int *)CMSG_DATA(c));
	}
}

static void messages(void)
{
	static const int lens[] = { INT_MIN, -1, 0, 1, 2, 11, 110, 111, 127, 128, 129, 200, 5000,
				    INT_MAX };
	int in = receiver("socket"), out = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	struct sockaddr_un *name = low(8192);
	void *iov = words(2, low(16), W(5));
	static const uint64_t counts[] = { 0, 1, 2, 1024, 1025, 1u << 20, 1u << 31, UINT64_MAX };
	size_t word = narrow ? 4 : 8;
	long send = nr_of("sendmsg");
	unsigned char *control;

	name->sun_family = AF_UNIX;
	strcpy(name->sun_path, "socket");
	for (size_t l = 0; l < sizeof(lens) / sizeof(lens[0]); l++) {
		report(RAWCALL(send, out, header(name, lens[l], iov, 1, NULL, 0), 0),
		       "sendmsg(name of %d)", lens[l]);
		report(RAWCALL(send, out, header(NULL, lens[l], iov, 1, NULL, 0), 0),
		       "sendmsg(name NULL, %d)", lens[l]);
		report(RAWCALL(send, out, header(edge, lens[l], iov, 1, NULL, 0), 0),
		       "sendmsg(name unreadable, %d)", lens[l]);
		drain(in);
	}
	for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
		report(RAWCALL(send, out, header(name, 110, words(4, low(4), W(2), low(4), W(3)),
						 counts[c], NULL, 0), 0),
		       "sendmsg(%llu vectors)", (unsigned long long)counts[c]);
		report(RAWCALL(send, out, header(name, 110, edge, counts[c], NULL, 0), 0),
		       "sendmsg(%llu vectors, unreadable)", (unsigned long long)counts[c]);
		report(RAWCALL(send, out, header(name, 110, iov, 1, low(16), counts[c]), 0),
		       "sendmsg(control of %llu)", (unsigned long long)counts[c]);
		report(RAWCALL(send, out, header(name, 110, iov, 1, edge, counts[c]), 0),
		       "sendmsg(control of %llu, unreadable)", (unsigned long long)counts[c]);
		drain(in);
	}
	/* Vectors that overlap each other, and the header itself. */
	control = header(name, 110, NULL, 3, NULL, 0);
	memcpy(control + 2 * word, &(uint64_t){ word_of(control) }, word);
	report(RAWCALL(send, out, control, 0), "sendmsg(vectors in the header)");
	drain(in);
	report(RAWCALL(send, out, header(name, 110, words(4, name, W(100), name, W(100)), 2, NULL, 0),
		       0), "sendmsg(vectors that overlap)");
	drain(in);
	/* A descriptor goes along. */
	control = low(32);
	memcpy(control, &(uint64_t){ word + 8 + 4 }, word);
	memcpy(control + word, (int[]){ SOL_SOCKET, SCM_RIGHTS, in }, 12);
	report(RAWCALL(send, out, header(name, 110, iov, 1, control, word + 8 + 8), 0),
	       "sendmsg(a descriptor)");
	drain(in);
	memcpy(control + word, (int[]){ SOL_SOCKET, SCM_RIGHTS, 999 }, 12);
	report(RAWCALL(send, out, header(name, 110, iov, 1, control, word + 8 + 8), 0),
	       "sendmsg(a closed descriptor)");
	report(RAWCALL(send, out, NULL, 0), "sendmsg(NULL)");
	report(RAWCALL(send, out, edge, 0), "sendmsg(unreadable)");
	report(RAWCALL(send, out, edge - 8, 0), "sendmsg(cut)");
	report(RAWCALL(send, 999, header(name, 110, iov, 1, NULL, 0), 0), "sendmsg(closed)");
	report(RAWCALL(send, out, header(name, 110, iov, 1, NULL, 0), 0x4000000),
	       "sendmsg(zero-copy)");
	drain(in);
	report(RAWCALL(send, out, header(name, 110, iov, 1, NULL, 0), 0x80000000),
	       "sendmsg(the flag of 32-bit calls)");
	drain(in);
	report(RAWCALL(send, out, header(name, 110, iov, 1, NULL, 0), MSG_OOB), "sendmsg(MSG_OOB)");
	close(in);
	close(out);
}

/* sendmmsg: how many went, and what was written back. */
static void send_many(int out, const unsigned char *entries, size_t n, uint32_t flags,
		      const char *what)
{
	size_t size = narrow ? 32 : 64, at = narrow ? 28 : 56;
	long result = RAWCALL(nr_of("sendmmsg"), out, (void *)(uintptr_t)entries, n, flags);

	report(result, "sendmmsg(%s, %zu)", what, n);
	printf("  %ld:", result);
	for (size_t i = 0; i < 3 && result > 0 && i < (size_t)result; i++) {
		uint32_t len;

		memcpy(&len, entries + i * size + at, 4);
		printf(" %u", len);
	}
	putchar('\n');
}

static void many_messages(void)
{
	int in = receiver("socket"), out = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	size_t size = narrow ? 32 : 64;
	struct sockaddr_un *name = low(256);
	void *iov = words(2, low(16), W(5));
	unsigned char *entries = low(size * 1100), *near;
	int pair[2];

	name->sun_family = AF_UNIX;
	strcpy(name->sun_path, "socket");
	for (size_t i = 0; i < 3; i++)
		memcpy(entries + i * size, header(name, 110, iov, 1, NULL, 0), size);
	send_many(out, entries, 0, 0, "none");
	send_many(out, NULL, 0, 0, "none at NULL");
	send_many(out, NULL, 1, 0, "NULL");
	send_many(out, entries, 3, 0, "three");
	drain(in);
	memcpy(entries + size, header(edge, 110, iov, 1, NULL, 0), size);
	send_many(out, entries, 3, 0, "the second name unreadable");
	drain(in);
	memcpy(entries + size, header(name, -1, iov, 1, NULL, 0), size);
	send_many(out, entries, 3, 0, "the second name of -1");
	drain(in);
	memcpy(entries + size, header(name, 110, edge, 1, NULL, 0), size);
	send_many(out, entries, 3, 0, "the second vector unreadable");
	drain(in);
	memcpy(entries, header(name, -1, iov, 1, NULL, 0), size);
	send_many(out, entries, 3, 0, "the first name of -1");
	near = memcpy(at_edge(2 * size + 8, 0), entries + 2 * size, size);
	memcpy(near + size, entries + 2 * size, size);
	send_many(out, near, 3, 0, "the third cut");
	drain(in);
	send_many(999, near, 2, 0, "closed");
	/* Without names, more than there may be in one call. */
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair))
		die("socketpair");
	for (size_t i = 0; i < 1100; i++)
		memcpy(entries + i * size, header(NULL, 0, iov, 0, NULL, 0), size);
	send_many(pair[0], entries, 1100, 0, "1100");
	drain(pair[1]);
	close(in);
	close(out);
	close(pair[0]);
	close(pair[1]);
}

/* TCP: with the first data in the connection. */
static void fast_open(void)
{
	struct sockaddr_in *addr = low(sizeof(*addr));
	socklen_t len = sizeof(*addr);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd;
	char data[8] = "";

	addr->sin_family = AF_INET;
	addr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)addr, len) || listen(listener, 4) ||
	    getsockname(listener, (struct sockaddr *)addr, &len))
		die("listener");
	for (int way = 0; way < 3; way++) {
		int out = socket(AF_INET, SOCK_STREAM, 0);
		void *iov = words(2, low_string("hello"), W(5));
		unsigned char *msg = header(addr, 16, iov, 1, NULL, 0);
		long result = way == 0 ? RAWCALL(nr_of("sendto"), out, low_string("hello"), 5,
						 MSG_FASTOPEN, (void *)addr, 16) :
			      way == 1 ? RAWCALL(nr_of("sendmsg"), out, msg, MSG_FASTOPEN) :
					 RAWCALL(nr_of("sendmmsg"), out, msg, 1, MSG_FASTOPEN);

		report(result, "fast open, way %d", way);
		if (result > 0) {
			fd = accept(listener, NULL, NULL);
			memset(data, 0, sizeof(data));
			if (recv(fd, data, 5, MSG_WAITALL) < 0)
				die("recv");
			printf("  %s\n", data);
			close(fd);
		}
		close(out);
	}
	close(listener);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fputs("usage: reads ABI TABLE\n", stderr);
		return 2;
	}
	narrow = !strcmp(argv[1], "32");
	read_numbers(argv[2], argv[1]);
	make_edge();
	setvbuf(stdout, NULL, _IOLBF, 0);
	umask(022);
	if (dup2(inotify_init(), WATCHER) != WATCHER)
		die("inotify");
	close(RAWCALL(nr_of("creat"), low_string("large"), 0644));
	if (RAWCALL(nr_of(narrow ? "truncate64" : "truncate"), low_string("large"), 1u << 31, 0))
		die("large");
	paths();
	strings();
	blocks();
	open_flags();
	at_flags();
	programs();
	addresses();
	messages();
	many_messages();
	fast_open();
	return 0;
}
