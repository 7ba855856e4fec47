/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * looks.c - prints what every call that only looks at a file says, of files, links,
 * directories, descriptors of every kind and of nothing, with flags, sizes and
 * buffers that are good and that are not.  What it prints is the same at each run.
 *
 * usage: looks DIRECTORY, which it fills
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/stat.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned char *page;		/* one that can be written, before one that cannot */

static const char *const paths[] = {
	"file", "./file", "file/", "dir", "dir/", "dir/.", "dir/..", "link", "link/", "todir",
	"todir/", "todir/file", "loop", "gone", "none", "none/", "none/file", "file/none", "", "/",
	".", "/proc/self", "/proc/self/exe", "/proc/self/cwd", "/proc/self/fd/0", "/proc/version",
	"/proc/1/none", "/dev/null", "/dev/fd/0", "/sys", "fifo", "socket", "long", "secret/file",
};

static void say(const char *call, const char *path, unsigned int flags, long result)
{
	printf("%s(%s, %#x) = %ld", call, path, flags, result < 0 ? -(long)errno : result);
}

/* Access times are of what happened in between, and so are all of what is not ours alone. */
static void say_stat(const char *path, const struct stat *st)
{
	printf(" dev %lx ino %lu mode %o uid %u gid %u rdev %lx block %ld", st->st_dev, st->st_ino,
	       st->st_mode, st->st_uid, st->st_gid, st->st_rdev, st->st_blksize);
	if (path[0] != '/')
		printf(" nlink %lu size %ld %ld m %ld.%09ld c %ld.%09ld", st->st_nlink,
		       st->st_size, st->st_blocks, st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
		       st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
}

/* The numbers of what each run makes anew differ. */
static bool is_told(const char *path)
{
	return strncmp(path, "/proc", 5) && strncmp(path, "/dev/fd", 7);
}

/*
 * What the kernel refuses before it looks for a file is refused after that where
 * there is none (docs/guarantees.md): it is asked for one that is there.
 */
static bool is_there(const char *path)
{
	return !strcmp(path, "file");
}

static void end_line(void)
{
	putchar('\n');
}

static void stat_at(int dirfd, const char *path, int flags, bool told)
{
	struct stat st = { 0 };
	struct statx stx = { 0 };
	long result = syscall(SYS_newfstatat, dirfd, path, &st, flags);

	say("newfstatat", path, (unsigned int)flags, result);
	if (!result && told)
		say_stat(path, &st);
	end_line();
	for (unsigned int mask = 0; mask < (is_there(path) ? 3 : 2); mask++) {
		static const unsigned int masks[] = { STATX_BASIC_STATS | STATX_BTIME, 0, ~0u };

		memset(&stx, 0, sizeof(stx));
		result = syscall(SYS_statx, dirfd, path, flags, masks[mask], &stx);
		say("statx", path, (unsigned int)flags, result);
		if (!result && told)
			printf(" mask %x attributes %llx of %llx mode %o ino %llu size %llu uid %u "
			       "dev %u:%u mnt %llx", stx.stx_mask, (unsigned long long)stx.stx_attributes,
			       (unsigned long long)stx.stx_attributes_mask, stx.stx_mode,
			       (unsigned long long)stx.stx_ino, (unsigned long long)stx.stx_size,
			       stx.stx_uid, stx.stx_dev_major, stx.stx_dev_minor,
			       (unsigned long long)stx.stx_mnt_id);
		end_line();
	}
}

static void stat_plain(const char *path)
{
	struct stat st = { 0 };
	long result = syscall(SYS_stat, path, &st);

	say("stat", path, 0, result);
	if (!result && is_told(path))
		say_stat(path, &st);
	end_line();
	result = syscall(SYS_lstat, path, &st);
	say("lstat", path, 0, result);
	if (!result && is_told(path))
		say_stat(path, &st);
	end_line();
}

static void read_links(const char *path)
{
	static const long sizes[] = { 4096, 3, 1, 0, -1 };
	char text[4096];

	for (size_t i = 0; i < (is_there(path) ? 5 : 3); i++) {
		long result;

		memset(text, '#', sizeof(text));
		result = syscall(SYS_readlink, path, text, sizes[i]);
		/* The process is another one each time. */
		if (!strncmp(path, "/proc/self", 10) && result > 0)
			continue;
		say("readlink", path, (unsigned int)sizes[i], result);
		printf(" '%.*s'\n", result > 0 ? (int)result + 1 : 0, text);
		result = syscall(SYS_readlinkat, AT_FDCWD, path, text, sizes[i]);
		say("readlinkat", path, (unsigned int)sizes[i], result);
		end_line();
	}
}

static void reach(const char *path)
{
	static const int modes[] = { F_OK, R_OK, W_OK, X_OK, R_OK | W_OK | X_OK, 8, -1 };

	for (size_t i = 0; i < (is_there(path) ? 7 : 5); i++) {
		say("access", path, (unsigned int)modes[i], syscall(SYS_access, path, modes[i]));
		end_line();
		say("faccessat", path, (unsigned int)modes[i],
		    syscall(SYS_faccessat, AT_FDCWD, path, modes[i]));
		end_line();
		for (int flags = 0; flags < 0x2000; flags += 0x100) {
			if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EACCESS) && !is_there(path))
				continue;
			say("faccessat2", path, (unsigned int)(modes[i] | flags << 8),
			    syscall(SYS_faccessat2, AT_FDCWD, path, modes[i], flags));
			end_line();
		}
	}
}

static void open_for_look(const char *path)
{
	static const int flags[] = { O_RDONLY, O_WRONLY, O_DIRECTORY, O_PATH, O_NOFOLLOW,
				     O_PATH | O_NOFOLLOW, O_NONBLOCK | O_RDWR };

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags[i] | O_NONBLOCK);

		say("openat", path, (unsigned int)flags[i], fd < 0 ? fd : 0);
		end_line();
		if (fd >= 0)
			close(fd);
	}
}

/* Where the thread may not write, a call fails as the kernel's copy does. */
static void to_buffers(const char *path)
{
	unsigned char *const to[] = { page + 4096, page + 4096 - 8, page + 4096 - 144, NULL,
				      (unsigned char *)1, (unsigned char *)-4096L,
				      (unsigned char *)(uintptr_t)to_buffers };

	for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
		say("newfstatat to", path, (unsigned int)i,
		    syscall(SYS_newfstatat, AT_FDCWD, path, to[i], 0));
		end_line();
		say("statx to", path, (unsigned int)i,
		    syscall(SYS_statx, AT_FDCWD, path, 0, STATX_BASIC_STATS, to[i]));
		end_line();
		say("readlink to", path, (unsigned int)i, syscall(SYS_readlink, path, to[i], 64L));
		end_line();
		say("newfstatat of 0 to", "", (unsigned int)i,
		    syscall(SYS_newfstatat, 0, "", to[i], AT_EMPTY_PATH));
		end_line();
	}
}

static void of_descriptors(void)
{
	int pair[2], sockets[2], fds[16], n = 0;
	char name[32];

	fds[n++] = open("file", O_RDONLY);
	fds[n++] = open("dir", O_RDONLY);
	fds[n++] = open("link", O_PATH | O_NOFOLLOW);
	fds[n++] = open("file", O_PATH);
	fds[n++] = open("made/gone", O_RDWR | O_CREAT, 0600);
	unlink("made/gone");
	fds[n++] = open("made", O_TMPFILE | O_RDWR, 0600);
	if (pipe(pair) || socketpair(AF_UNIX, SOCK_STREAM, 0, sockets))
		exit(1);
	fds[n++] = pair[0];
	fds[n++] = sockets[0];
	fds[n++] = eventfd(0, 0);
	fds[n++] = memfd_create("looks", 0);
	fds[n++] = open("/dev/null", O_RDONLY);
	fds[n++] = open("/proc/version", O_RDONLY);
	fds[n++] = 1000;
	fds[n++] = -1;
	fds[n++] = AT_FDCWD;
	for (int i = 0; i < n; i++) {
		struct stat st = { 0 };
		long result = syscall(SYS_newfstatat, fds[i], "", &st, AT_EMPTY_PATH);

		snprintf(name, sizeof(name), "descriptor %d", i);
		say("newfstatat", name, 0, result);
		if (!result)
			printf(" mode %o uid %u gid %u size %ld rdev %lx", st.st_mode, st.st_uid,
			       st.st_gid, st.st_size, st.st_rdev);
		end_line();
		/* Whatever that is: the two must agree. */
		if (fds[i] >= 0) {
			struct stat same = { 0 };
			long other = syscall(SYS_fstat, fds[i], &same);

			say("fstat", name, 0, other);
			printf(" %s\n", st.st_ino == same.st_ino && st.st_dev == same.st_dev &&
			       st.st_nlink == same.st_nlink ? "the same" : "another");
		}
		for (int flags = 0; flags < 0x10000; flags = flags ? flags << 1 : 0x100)
			if (!(flags & AT_EMPTY_PATH))
				stat_at(fds[i], "", flags | AT_EMPTY_PATH, i < 4);
		stat_at(fds[i], "./file", 0, i == 1 || fds[i] == AT_FDCWD);
		stat_at(fds[i], "", 0, false);
	}
}

static void fill(const char *directory)
{
	if (chdir(directory) || mkdir("dir", 0700) || mkdir("made", 0700) || symlink("file", "link") ||
	    symlink("dir", "todir") || symlink("loop", "loop") || symlink("none", "gone") ||
	    mkfifo("fifo", 0640) || mkdir("secret", 0) ||
	    mknod("socket", S_IFSOCK | 0600, 0) ||
	    symlink("a/long/link/that/leads/to/nothing/at/all", "long"))
		exit(1);
	close(open("file", O_WRONLY | O_CREAT, 0644));
	close(open("dir/file", O_WRONLY | O_CREAT, 0600));
	if (truncate("file", 12345))
		exit(1);
}

static void look(void)
{
	const int stat_flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH |
			       AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		stat_plain(paths[i]);
		for (int flags = 0; flags < 0x10000; flags = flags ? flags << 1 : 0x100)
			if (is_there(paths[i]) || !(flags & ~stat_flags))
				stat_at(AT_FDCWD, paths[i], flags, is_told(paths[i]));
		read_links(paths[i]);
		reach(paths[i]);
		open_for_look(paths[i]);
		to_buffers(paths[i]);
	}
	of_descriptors();
}

/* Without the capabilities to pass over permissions, in the effective set or in both. */
static void put_down(const char *sets)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	const uint32_t others = ~(1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH);

	if (syscall(SYS_capget, &header, data))
		exit(1);
	data[0].effective &= others;
	if (!strcmp(sets, "permitted"))
		data[0].permitted &= others;
	if (syscall(SYS_capset, &header, data))
		exit(1);
}

int main(int argc, char **argv)
{
	const struct rlimit none = { .rlim_cur = 3, .rlim_max = 3 };

	if (argc < 2)
		return 2;
	if (getenv("LOOKS_WITHOUT"))
		put_down(getenv("LOOKS_WITHOUT"));
	page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED || mprotect(page + 4096, 4096, PROT_READ))
		return 1;
	if (strcmp(argv[1], "."))
		fill(argv[1]);
	look();
	/* Where it has no descriptor left. */
	if (!setrlimit(RLIMIT_NOFILE, &none))
		for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
			stat_at(AT_FDCWD, paths[i], 0, is_told(paths[i]));
	return 0;
}
