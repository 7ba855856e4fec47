/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* calls_rows.c - every call that names a file or a socket, and how it is made */
#define _GNU_SOURCE
#include "calls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define MGC 0xc0ed0000ul	/* what old programs add to the flags of mount(2) */

const char *const subject_names[SUBJECTS] = {
	[FILE_] = "file", [DIR_] = "dir", [NONE] = "none", [LINK] = "link",
	[GONE] = "gone",	/* a directory; its twin is not there */
	[PROGRAM] = "program", [MOUNT] = "mount", [STREAM] = "stream", [DATAGRAM] = "datagram",
	[UNBOUND] = "unbound", [PINNED] = "bpf/pinned", [UNPINNED] = "bpf/none",
};

void say(struct act *act, const char *format, ...)
{
	size_t len = strlen(act->out);
	va_list args;

	va_start(args, format);
	vsnprintf(act->out + len, TEXT_SIZE - len, format, args);
	va_end(args);
}

/* What a descriptor is of. */
static long of_fd(struct act *act, long fd)
{
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat((int)fd, &st))
		die("fstat");
	say(act, " size %ld", S_ISDIR(st.st_mode) ? 0 : (long)st.st_size);
	close((int)fd);
	return 0;
}

int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a directory, in order. */
static void of_directory(struct act *act, int fd)
{
	char *names[64];
	size_t n = 0;
	DIR *stream = fdopendir(fd);
	struct dirent *entry;

	if (!stream)
		die("fdopendir");
	while ((entry = readdir(stream)) && n < 64)
		if (entry->d_name[0] != '.')
			names[n++] = strdup(entry->d_name);
	closedir(stream);
	qsort(names, n, sizeof(*names), by_text);
	for (size_t i = 0; i < n; i++)
		say(act, " %s", names[i]);
}

static const char *neutral(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return low_string(path);
}

/* The calls. */

static long open_read(struct act *a) { return of_fd(a, RAWCALL(a->nr, a->path, O_RDONLY)); }
static long open_new(struct act *a) { return of_fd(a, RAWCALL(a->nr, a->path, O_CREAT | O_WRONLY, 0600)); }
static long make_new(struct act *a) { return of_fd(a, RAWCALL(a->nr, a->path, 0600)); }
static long openat_read(struct act *a) { return of_fd(a, RAWCALL(a->nr, a->dirfd, a->path, O_RDONLY)); }

static long openat_new(struct act *a)
{
	return of_fd(a, RAWCALL(a->nr, a->dirfd, a->path, O_CREAT | O_WRONLY, 0600));
}

static long openat_tmpfile(struct act *a)
{
	return of_fd(a, RAWCALL(a->nr, a->dirfd, a->path, O_TMPFILE | O_WRONLY, 0600));
}

static long openat2(struct act *a, uint64_t flags, uint64_t mode)
{
	uint64_t *how = low(24);

	how[0] = flags;
	how[1] = mode;
	return of_fd(a, RAWCALL(a->nr, a->dirfd, a->path, (void *)how, 24));
}

static long openat2_read(struct act *a) { return openat2(a, O_RDONLY, 0); }
static long openat2_new(struct act *a) { return openat2(a, O_CREAT | O_WRONLY, 0600); }

static long path_only(struct act *a) { return RAWCALL(a->nr, a->path); }
static long path_buffer(struct act *a) { return RAWCALL(a->nr, a->path, low(512)); }
static long path_mode(struct act *a) { return RAWCALL(a->nr, a->path, 0); }
static long at_buffer(struct act *a) { return RAWCALL(a->nr, a->dirfd, a->path, low(512)); }
static long at_mode(struct act *a) { return RAWCALL(a->nr, a->dirfd, a->path, 0, 0); }
static long statx_(struct act *a) { return RAWCALL(a->nr, a->dirfd, a->path, 0, 1, low(512)); }
static long statfs64_(struct act *a) { return RAWCALL(a->nr, a->path, 84, low(512)); }

static long read_link(struct act *a)
{
	char *text = low(256);
	long len = RAWCALL(a->nr, a->path, text, 255);

	if (len < 0)
		return len;
	say(a, " %s", text);
	return 0;
}

static long read_link_at(struct act *a)
{
	char *text = low(256);
	long len = RAWCALL(a->nr, a->dirfd, a->path, text, 255);

	if (len < 0)
		return len;
	say(a, " %s", text);
	return 0;
}

static long to_handle(struct act *a)
{
	uint32_t *handle = low(256);

	handle[0] = 128;
	return RAWCALL(a->nr, a->dirfd, a->path, (void *)handle, low(8), 0);
}

static long file_attr(struct act *a) { return RAWCALL(a->nr, a->dirfd, a->path, low(24), 24, 0); }

static const char *xattr(void) { return low_string("user.k"); }
static long get_xattr(struct act *a) { return RAWCALL(a->nr, a->path, xattr(), low(16), 16); }
static long list_xattr(struct act *a) { return RAWCALL(a->nr, a->path, low(512), 512); }
static long set_xattr(struct act *a) { return RAWCALL(a->nr, a->path, xattr(), low_string("v"), 1, 0); }
static long remove_xattr(struct act *a) { return RAWCALL(a->nr, a->path, xattr()); }
static long list_xattr_at(struct act *a) { return RAWCALL(a->nr, a->dirfd, a->path, 0, low(512), 512); }
static long remove_xattr_at(struct act *a) { return RAWCALL(a->nr, a->dirfd, a->path, 0, xattr()); }

static long xattr_at(struct act *a)
{
	unsigned char *args = low(16);
	uint64_t value = word_of(low(16));
	uint32_t size = 1;

	memcpy(args, &value, 8);
	memcpy(args + 8, &size, 4);
	return RAWCALL(a->nr, a->dirfd, a->path, 0, xattr(), args, 16);
}

static long truncate_to(struct act *a) { return RAWCALL(a->nr, a->path, 3); }
static long change_mode(struct act *a) { return RAWCALL(a->nr, a->path, 0700); }
static long change_mode_at(struct act *a) { return RAWCALL(a->nr, a->dirfd, a->path, 0700, 0); }
static long change_owner(struct act *a) { return RAWCALL(a->nr, a->path, -1, -1); }
static long change_owner_at(struct act *a) { return RAWCALL(a->nr, a->dirfd, a->path, -1, -1, 0); }
static long set_times(struct act *a) { return RAWCALL(a->nr, a->path, low(64)); }
static long set_times_at(struct act *a) { return RAWCALL(a->nr, a->dirfd, a->path, low(64), 0); }

static long make_at(struct act *a) { return RAWCALL(a->nr, a->dirfd, a->path, 0700); }
static long make_fifo(struct act *a) { return RAWCALL(a->nr, a->path, S_IFIFO | 0600, 0); }
static long make_fifo_at(struct act *a) { return RAWCALL(a->nr, a->dirfd, a->path, S_IFIFO | 0600, 0); }
static long make_symlink(struct act *a) { return RAWCALL(a->nr, low_string("text"), a->path); }

static long make_symlink_at(struct act *a)
{
	return RAWCALL(a->nr, low_string("text"), a->dirfd, a->path);
}

/* link, rename: from the subject, and to it. */
static long from_it(struct act *a) { return RAWCALL(a->nr, a->path, neutral("other.none")); }
static long to_it(struct act *a) { return RAWCALL(a->nr, neutral("other.file"), a->path); }

static long from_it_at(struct act *a)
{
	return RAWCALL(a->nr, a->dirfd, a->path, AT_FDCWD, neutral("other.none"), 0);
}

static long to_it_at(struct act *a)
{
	return RAWCALL(a->nr, AT_FDCWD, neutral("other.file"), a->dirfd, a->path, 0);
}

static long link_followed(struct act *a)
{
	return RAWCALL(a->nr, a->dirfd, a->path, AT_FDCWD, neutral("other.none"), AT_SYMLINK_FOLLOW);
}

static long exchange_at(struct act *a)
{
	return RAWCALL(a->nr, AT_FDCWD, neutral("other.file"), a->dirfd, a->path, RENAME_EXCHANGE);
}

static long remove_at(struct act *a) { return RAWCALL(a->nr, a->dirfd, a->path, 0); }
static long remove_dir_at(struct act *a) { return RAWCALL(a->nr, a->dirfd, a->path, AT_REMOVEDIR); }

/* The status of a child that calls run, or its error. */
static long in_child(struct act *a, long (*run)(struct act *a))
{
	long *result = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();
	int status;

	if (!pid) {
		*result = run(a);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	say(a, " status %d", status);
	return *result;
}

static long execute(struct act *a)
{
	return RAWCALL(a->nr, a->path, words(2, a->path, NULL), words(1, NULL));
}

static long execute_at(struct act *a)
{
	return RAWCALL(a->nr, a->dirfd, a->path, words(2, a->path, NULL), words(1, NULL), 0);
}

static long exec_child(struct act *a) { return in_child(a, execute); }
static long exec_at_child(struct act *a) { return in_child(a, execute_at); }

static long change_dir(struct act *a)
{
	char path[PATH_MAX];
	long result = RAWCALL(a->nr, a->path);

	if (!result && getcwd(path, sizeof(path)))
		say(a, " in %s", strrchr(path, '/') + 1);
	return result;
}

static long change_root(struct act *a)
{
	long result = RAWCALL(a->nr, a->path);

	if (!result)
		of_directory(a, open("/", O_RDONLY | O_DIRECTORY));
	return result;
}

static long pivot(struct act *a, const char *root, const char *old)
{
	long result;

	if (unshare(CLONE_NEWNS))
		die("unshare");
	result = RAWCALL(a->nr, root, old);
	if (!result && !chdir("/"))
		of_directory(a, open("/", O_RDONLY | O_DIRECTORY));
	return result;
}

static long pivot_root_(struct act *a) { return pivot(a, a->path, a->path); }
static long pivot_old(struct act *a) { return pivot(a, neutral("other.mount"), a->path); }

/* Mounts. */

static long bind_from(struct act *a)
{
	return RAWCALL(a->nr, a->path, neutral("other.dir"), 0, MS_BIND, 0);
}

static long old_bind_from(struct act *a)
{
	return RAWCALL(a->nr, a->path, neutral("other.dir"), 0, MGC | MS_BIND, 0);
}

static long move_from(struct act *a)
{
	return RAWCALL(a->nr, a->path, neutral("other.dir"), 0, MS_MOVE, 0);
}

static long old_move_from(struct act *a)
{
	return RAWCALL(a->nr, a->path, neutral("other.dir"), 0, MGC | MS_MOVE, 0);
}

static long mount_on(struct act *a)
{
	const char *type = low_string("tmpfs");

	return RAWCALL(a->nr, type, a->path, type, 0, 0);
}

/* Nobody may hold what is unmounted. */
static long unmount(struct act *a) { return RAWCALL(a->nr, a->path, 0); }
static long unmount_later(struct act *a) { return RAWCALL(a->nr, a->path, MNT_DETACH); }

static long of_tree(struct act *a, long fd)
{
	if (fd < 0)
		return fd;
	fd = openat((int)fd, ".", O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		die("openat");
	of_directory(a, (int)fd);
	return 0;
}

static long tree(struct act *a) { return of_tree(a, RAWCALL(a->nr, a->dirfd, a->path, 0)); }
static long tree_attr(struct act *a) { return of_tree(a, RAWCALL(a->nr, a->dirfd, a->path, 0, 0, 0)); }

static long move_mount_from(struct act *a)
{
	return RAWCALL(a->nr, a->dirfd, a->path, AT_FDCWD, neutral("other.dir"), 1);
}

static long move_mount_to(struct act *a)
{
	return RAWCALL(a->nr, AT_FDCWD, neutral("other.mount"), a->dirfd, a->path, 0x10);
}

static long pick(struct act *a) { return RAWCALL(a->nr, a->dirfd, a->path, 0); }

static long configure_path(struct act *a)
{
	int fd = (int)syscall(SYS_fsopen, "ext4", 0);
	long result;

	if (fd < 0)
		return -errno;
	result = RAWCALL(a->nr, fd, 3, low_string("journal_path"), a->path, a->dirfd);
	close(fd);
	return result;
}

static long mount_attr(struct act *a)
{
	uint64_t *attr = low(32);

	attr[0] = 8;	/* MOUNT_ATTR_NOEXEC */
	return RAWCALL(a->nr, a->dirfd, a->path, 0, (void *)attr, 32);
}

/* Watching: somebody outside changes the mode of one, and writes to its twin. */

static void poke(struct act *act)
{
	char byte = 'P';

	if (write(act->driver, &byte, 1) != 1 || read(act->driver, &byte, 1) != 1)
		die("poke");
}

static long watch(struct act *a)
{
	int fd = inotify_init1(IN_NONBLOCK);
	struct inotify_event event;
	long result = RAWCALL(a->nr, fd, a->path, IN_ATTRIB | IN_MODIFY);

	if (result < 0)
		return result;
	poke(a);
	while (read(fd, &event, sizeof(event)) > 0)
		say(a, " %#x", event.mask);
	return 0;
}

static long mark(struct act *a)
{
	int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK | FAN_REPORT_FID, O_RDONLY);
	unsigned char events[4096];
	uint64_t mask = FAN_ATTRIB | FAN_MODIFY;
	ssize_t len;
	long result;

	if (fd < 0)
		return -errno;
	if (narrow)
		result = RAWCALL(a->nr, fd, FAN_MARK_ADD, mask, 0, a->dirfd, a->path);
	else
		result = RAWCALL(a->nr, fd, FAN_MARK_ADD, mask, a->dirfd, a->path);
	if (result < 0)
		return result;
	poke(a);
	len = read(fd, events, sizeof(events));
	for (struct fanotify_event_metadata *event = (void *)events; FAN_EVENT_OK(event, len);
	     event = FAN_EVENT_NEXT(event, len))
		say(a, " %#llx", (unsigned long long)event->mask);
	return 0;
}

/* Sockets. */

static void *address(struct act *a, uint32_t *len)
{
	struct sockaddr_un *addr = low(sizeof(*addr));

	addr->sun_family = AF_UNIX;
	snprintf(addr->sun_path, sizeof(addr->sun_path), "%s", a->path);
	*len = (uint32_t)(offsetof(struct sockaddr_un, sun_path) + strlen(a->path) + 1);
	return addr;
}

/* As call nr of its own, or through socketcall(2). */
static long socket_call(struct act *a, unsigned int sub, size_t n, void *const *args)
{
	void *all[6] = { 0 };

	memcpy(all, args, n * sizeof(*args));
	if (sub)
		return RAWCALL(a->nr, sub, words(6, all[0], all[1], all[2], all[3], all[4], all[5]));
	return call6(a->nr, (uint64_t[]){ word_of(all[0]), word_of(all[1]), word_of(all[2]),
					  word_of(all[3]), word_of(all[4]), word_of(all[5]) });
}

static long with_address(struct act *a, unsigned int sub, int type)
{
	uint32_t len;
	void *addr = address(a, &len);

	return socket_call(a, sub, 3, (void *[]){ W(socket(AF_UNIX, type, 0)), addr, W(len) });
}

static long send_to(struct act *a, unsigned int sub)
{
	uint32_t len;
	void *addr = address(a, &len);

	return socket_call(a, sub, 6, (void *[]){ W(socket(AF_UNIX, SOCK_DGRAM, 0)), low(4), W(4),
						  NULL, addr, W(len) });
}

static void *message(struct act *a)
{
	uint32_t len;
	void *addr = address(a, &len);

	return words(8, addr, W(len), words(2, low(4), W(4)), W(1), NULL, NULL, NULL, NULL);
}

static long send_message(struct act *a, unsigned int sub)
{
	return socket_call(a, sub, 3, (void *[]){ W(socket(AF_UNIX, SOCK_DGRAM, 0)), message(a),
						  NULL });
}

static long send_messages(struct act *a, unsigned int sub)
{
	return socket_call(a, sub, 4, (void *[]){ W(socket(AF_UNIX, SOCK_DGRAM, 0)), message(a),
						  W(1), NULL });
}

static long connect_(struct act *a) { return with_address(a, 0, SOCK_STREAM); }
static long bind_(struct act *a) { return with_address(a, 0, SOCK_STREAM); }
static long sendto_(struct act *a) { return send_to(a, 0); }
static long sendmsg_(struct act *a) { return send_message(a, 0); }
static long sendmmsg_(struct act *a) { return send_messages(a, 0); }
static long sub_bind(struct act *a) { return with_address(a, 2, SOCK_STREAM); }
static long sub_connect(struct act *a) { return with_address(a, 3, SOCK_STREAM); }
static long sub_sendto(struct act *a) { return send_to(a, 11); }
static long sub_sendmsg(struct act *a) { return send_message(a, 16); }
static long sub_sendmmsg(struct act *a) { return send_messages(a, 20); }

/* The whole system.  None of these comes to do anything. */

static long quota(struct act *a) { return RAWCALL(a->nr, 0x80000400u, a->path, 0, low(64)); }

static long quota_on(struct act *a)
{
	return RAWCALL(a->nr, 0x80000200u, neutral("other.file"), 1, a->path);
}

int new_map(void)
{
	uint32_t attr[32] = { 2, 4, 4, 1 };	/* an array of one word */

	return (int)syscall(SYS_bpf, 0, attr, sizeof(attr));
}

static long bpf_with(struct act *a, unsigned int command, uint32_t fd)
{
	uint64_t *attr = low(128);

	attr[0] = word_of(a->path);
	attr[1] = fd;
	return RAWCALL(a->nr, command, (void *)attr, 24);
}

static long bpf_pin(struct act *a)
{
	return bpf_with(a, 6, (uint32_t)new_map());
}

static long bpf_get(struct act *a)
{
	long fd = bpf_with(a, 7, 0);

	return fd < 0 ? fd : 0;
}

/* A uprobe of a file: refused, since there is no program to run at it. */
static long bpf_uprobe(struct act *a)
{
	uint64_t *attr = low(128);

	attr[0] = (uint32_t)-1;
	attr[1] = 48;
	attr[2] = word_of(a->path);
	return RAWCALL(a->nr, 28, (void *)attr, 64);
}

static long queue(struct act *a) { return RAWCALL(a->nr, low_string("none.such"), O_RDONLY, 0, 0); }

const struct row rows[] = {
	{ "open", "pathname", FILE_, FOLLOW, open_read },
	{ "open", "pathname", NONE, FOLLOW, open_new },
	{ "creat", "pathname", FILE_, FOLLOW, make_new },
	{ "creat", "pathname", NONE, FOLLOW, make_new },
	{ "openat", "pathname", FILE_, AT | FOLLOW, openat_read },
	{ "openat", "pathname", NONE, AT | FOLLOW, openat_new },
	{ "openat", "pathname", GONE, AT | FOLLOW, openat_tmpfile },
	{ "openat2", "pathname", FILE_, AT | FOLLOW, openat2_read },
	{ "openat2", "pathname", NONE, AT | FOLLOW, openat2_new },
	{ "truncate", "path", FILE_, FOLLOW, truncate_to },
	{ "truncate64", "path", FILE_, FOLLOW, truncate_to },

	{ "stat", "pathname", GONE, FOLLOW, path_buffer },
	{ "lstat", "pathname", GONE, 0, path_buffer },
	{ "oldstat", "pathname", GONE, FOLLOW, path_buffer },
	{ "oldlstat", "pathname", GONE, 0, path_buffer },
	{ "stat64", "pathname", GONE, FOLLOW, path_buffer },
	{ "lstat64", "pathname", GONE, 0, path_buffer },
	{ "newfstatat", "pathname", GONE, AT | FOLLOW, at_buffer },
	{ "fstatat64", "pathname", GONE, AT | FOLLOW, at_buffer },
	{ "statx", "pathname", GONE, AT | FOLLOW, statx_ },
	{ "access", "pathname", GONE, FOLLOW, path_mode },
	{ "faccessat", "pathname", GONE, AT | FOLLOW, at_mode },
	{ "faccessat2", "pathname", GONE, AT | FOLLOW, at_mode },
	{ "readlink", "pathname", LINK, 0, read_link },
	{ "readlinkat", "pathname", LINK, AT, read_link_at },
	{ "statfs", "path", GONE, FOLLOW, path_buffer },
	{ "statfs64", "path", GONE, FOLLOW, statfs64_ },
	{ "name_to_handle_at", "pathname", GONE, AT, to_handle },
	{ "file_getattr", "pathname", GONE, AT | FOLLOW, file_attr },
	{ "getxattr", "path", GONE, FOLLOW, get_xattr },
	{ "lgetxattr", "path", GONE, 0, get_xattr },
	{ "getxattrat", "path", GONE, AT | FOLLOW, xattr_at },
	{ "listxattr", "path", GONE, FOLLOW, list_xattr },
	{ "llistxattr", "path", GONE, 0, list_xattr },
	{ "listxattrat", "path", GONE, AT | FOLLOW, list_xattr_at },

	{ "chmod", "pathname", FILE_, FOLLOW, change_mode },
	{ "fchmodat", "pathname", FILE_, AT | FOLLOW, change_mode_at },
	{ "fchmodat2", "pathname", FILE_, AT | FOLLOW, change_mode_at },
	{ "chown", "pathname", GONE, FOLLOW, change_owner },
	{ "chown32", "pathname", GONE, FOLLOW, change_owner },
	{ "lchown", "pathname", GONE, 0, change_owner },
	{ "lchown32", "pathname", GONE, 0, change_owner },
	{ "fchownat", "pathname", GONE, AT | FOLLOW, change_owner_at },
	{ "utime", "filename", FILE_, FOLLOW, set_times },
	{ "utimes", "filename", FILE_, FOLLOW, set_times },
	{ "futimesat", "pathname", FILE_, AT | FOLLOW, set_times_at },
	{ "utimensat", "pathname", FILE_, AT | FOLLOW, set_times_at },
	{ "utimensat_time64", "pathname", FILE_, AT | FOLLOW, set_times_at },
	{ "setxattr", "path", GONE, FOLLOW, set_xattr },
	{ "lsetxattr", "path", GONE, 0, set_xattr },
	{ "setxattrat", "path", GONE, AT | FOLLOW, xattr_at },
	{ "removexattr", "path", GONE, FOLLOW, remove_xattr },
	{ "lremovexattr", "path", GONE, 0, remove_xattr },
	{ "removexattrat", "path", GONE, AT | FOLLOW, remove_xattr_at },
	{ "file_setattr", "pathname", GONE, AT | FOLLOW, file_attr },

	{ "mkdir", "pathname", NONE, 0, path_mode },
	{ "mkdirat", "pathname", NONE, AT, make_at },
	{ "mknod", "pathname", NONE, 0, make_fifo },
	{ "mknodat", "pathname", NONE, AT, make_fifo_at },
	{ "symlink", "linkpath", NONE, 0, make_symlink },
	{ "symlinkat", "linkpath", NONE, AT, make_symlink_at },
	{ "link", "oldpath", FILE_, 0, from_it },
	{ "link", "newpath", NONE, 0, to_it },
	{ "linkat", "oldpath", FILE_, AT, from_it_at },
	{ "linkat", "oldpath", FILE_, AT | FOLLOW, link_followed },
	{ "linkat", "newpath", NONE, AT, to_it_at },
	{ "unlink", "pathname", FILE_, 0, path_only },
	{ "unlink", "pathname", LINK, 0, path_only },
	{ "rmdir", "pathname", DIR_, 0, path_only },
	{ "unlinkat", "pathname", FILE_, AT, remove_at },
	{ "unlinkat", "pathname", DIR_, AT, remove_dir_at },
	{ "rename", "oldpath", FILE_, 0, from_it },
	{ "rename", "newpath", NONE, 0, to_it },
	{ "renameat", "oldpath", FILE_, AT, from_it_at },
	{ "renameat", "newpath", NONE, AT, to_it_at },
	{ "renameat2", "oldpath", FILE_, AT, from_it_at },
	{ "renameat2", "newpath", NONE, AT, to_it_at },
	{ "renameat2", "newpath", FILE_, AT, exchange_at },

	{ "execve", "pathname", PROGRAM, FOLLOW, exec_child },
	{ "execveat", "pathname", PROGRAM, AT | FOLLOW, exec_at_child },
	{ "uselib", "library", GONE, FOLLOW, path_only },
	{ "chdir", "path", DIR_, FOLLOW, change_dir },
	{ "chroot", "path", MOUNT, FOLLOW | MOUNTS, change_root },
	{ "pivot_root", "new_root", MOUNT, FOLLOW | MOUNTS, pivot_root_ },
	{ "pivot_root", "put_old", GONE, FOLLOW | MOUNTS, pivot_old },

	{ "mount", "source", MOUNT, FOLLOW | MOUNTS, bind_from },
	{ "mount", "source", MOUNT, FOLLOW | MOUNTS, old_bind_from },
	{ "mount", "source", MOUNT, FOLLOW | MOUNTS, move_from },
	{ "mount", "source", MOUNT, FOLLOW | MOUNTS, old_move_from },
	{ "mount", "target", DIR_, FOLLOW | MOUNTS, mount_on },
	{ "umount", "target", MOUNT, FOLLOW | MOUNTS, unmount },
	{ "umount2", "target", MOUNT, FOLLOW | MOUNTS, unmount },
	{ "umount2", "target", MOUNT, FOLLOW | MOUNTS, unmount_later },
	{ "open_tree", "filename", MOUNT, AT | FOLLOW | MOUNTS, tree },
	{ "open_tree_attr", "filename", MOUNT, AT | FOLLOW | MOUNTS, tree_attr },
	{ "move_mount", "from_pathname", MOUNT, AT | FOLLOW | MOUNTS, move_mount_from },
	{ "move_mount", "to_pathname", DIR_, AT | FOLLOW | MOUNTS, move_mount_to },
	{ "fspick", "path", GONE, AT | FOLLOW | MOUNTS, pick },
	{ "fsconfig", "value", GONE, AT | FOLLOW | MOUNTS, configure_path },
	{ "mount_setattr", "path", MOUNT, AT | FOLLOW | MOUNTS, mount_attr },

	{ "inotify_add_watch", "pathname", FILE_, FOLLOW, watch },
	{ "fanotify_mark", "pathname", FILE_, AT | FOLLOW, mark },

	{ "connect", "addr", STREAM, FOLLOW, connect_ },
	{ "bind", "addr", UNBOUND, 0, bind_ },
	{ "sendto", "dest_addr", DATAGRAM, FOLLOW, sendto_ },
	{ "sendmsg", "msg", DATAGRAM, FOLLOW, sendmsg_ },
	{ "sendmmsg", "msgvec", DATAGRAM, FOLLOW, sendmmsg_ },
	{ "socketcall", "args", UNBOUND, 0, sub_bind },
	{ "socketcall", "args", STREAM, FOLLOW, sub_connect },
	{ "socketcall", "args", DATAGRAM, FOLLOW, sub_sendto },
	{ "socketcall", "args", DATAGRAM, FOLLOW, sub_sendmsg },
	{ "socketcall", "args", DATAGRAM, FOLLOW, sub_sendmmsg },

	{ "acct", "filename", GONE, FOLLOW, path_only },
	{ "swapon", "path", GONE, FOLLOW, path_mode },
	{ "swapoff", "path", GONE, FOLLOW, path_only },
	{ "quotactl", "special", GONE, FOLLOW, quota },
	{ "quotactl", "addr", GONE, FOLLOW, quota_on },
	{ "bpf", "attr", UNPINNED, MOUNTS, bpf_pin },
	{ "bpf", "attr", PINNED, FOLLOW | MOUNTS, bpf_get },
	{ "bpf", "attr", GONE, FOLLOW, bpf_uprobe },
	{ "mq_open", "name", NONE, 0, queue },
	{ "mq_unlink", "name", NONE, 0, queue },
};

const size_t rows_count = sizeof(rows) / sizeof(rows[0]);
