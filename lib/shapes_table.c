/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table: the calls that name something, by what they name.
 *
 * An entry without shapes is a call that names nothing by itself and leads to
 * what others name (rings, handles): it is here to be seen, not read.
 *
 * The class "create" of the open family says that O_CREAT was given; whether
 * something is created is for the reader of pm_item_where() to see.
 */
#include "shapes.h"

#include <errno.h>
#include <linux/audit.h>

#define READ PM_BIT(PM_CLASS_OPEN_READ)
#define WRITE PM_BIT(PM_CLASS_OPEN_WRITE)
#define CREATE PM_BIT(PM_CLASS_CREATE)
#define OPENS (READ | WRITE | CREATE)
#define REMOVE PM_BIT(PM_CLASS_REMOVE)
#define RENAME PM_BIT(PM_CLASS_RENAME)
#define LINK PM_BIT(PM_CLASS_LINK)
#define META PM_BIT(PM_CLASS_METADATA)
#define SET PM_BIT(PM_CLASS_SET_METADATA)
#define EXEC PM_BIT(PM_CLASS_EXEC)
#define CHDIR PM_BIT(PM_CLASS_CHDIR)
#define CHROOT PM_BIT(PM_CLASS_CHROOT)
#define MOUNT PM_BIT(PM_CLASS_MOUNT)
#define WATCH PM_BIT(PM_CLASS_WATCH)
#define CONNECT PM_BIT(PM_CLASS_CONNECT)
#define BIND PM_BIT(PM_CLASS_BIND)
#define SEND (PM_BIT(PM_CLASS_SEND) | CONNECT)
#define SYSTEM PM_BIT(PM_CLASS_SYSTEM)
#define IPC PM_BIT(PM_CLASS_IPC)

/* One shape: the register, the role, the classes, and what else there is. */
#define PATH(n, name, what, ...) \
	{ .kind = PM_SHAPE_PATH, .arg = (n), .role = (name), .classes = (what), __VA_ARGS__ }
#define STRING(n, name, max, err, ...) \
	{ .kind = PM_SHAPE_STRING, .arg = (n), .role = (name), .limit = (max), \
	  .too_long = (err), __VA_ARGS__ }
#define STRV(n, name) { .kind = PM_SHAPE_STRV, .arg = (n), .role = (name) }
#define DEEP(what, n, name, ...) \
	{ .kind = PM_SHAPE_##what, .arg = (n), .role = (name), __VA_ARGS__ }
#define DIRFD(n) .dirfd = PM_REG(n)
#define FLAGS(n, how) .flags = PM_REG(n), .rule = PM_RULE_##how
#define LEN(n) .len = PM_REG(n)
#define SIZES(min, max) .least = (min), .limit = (max)
#define OPTIONS(bits) .options = (bits)
#define NOFOLLOW OPTIONS(PM_SHAPE_NOFOLLOW)
#define NULLABLE OPTIONS(PM_SHAPE_NULL)
#define MAYBE_NULL OPTIONS(PM_SHAPE_NULL_EMPTY)	/* getname_maybe_null() of the kernel */
#define SYMBOL(n, name, ...) STRING(n, name, 4096, ENAMETOOLONG, __VA_ARGS__)
#define XATTR_NAME(n) STRING(n, "name", 256, ERANGE, .classes = 0)

#define I386 .arch = AUDIT_ARCH_I386
#define X86_64 .arch = AUDIT_ARCH_X86_64

const struct pm_sysent pm_sysents[] = {
	/* Open. */
	{ "open", .shapes = { PATH(0, "pathname", OPENS, FLAGS(1, OPEN)) } },
	{ "creat", .shapes = { PATH(0, "pathname", WRITE | CREATE, FLAGS(1, CREAT)) } },
	{ "openat", .shapes = { PATH(1, "pathname", OPENS, DIRFD(0), FLAGS(2, OPEN)) } },
	{ "openat2", .shapes = { PATH(1, "pathname", OPENS, DIRFD(0), FLAGS(2, HOW)),
				 DEEP(BLOCK, 2, "how", LEN(3), SIZES(24, 24)) } },
	{ "open_by_handle_at", .shapes = { DEEP(HANDLE, 1, "handle", .classes = OPENS,
						FLAGS(2, OPEN)) } },
	{ "truncate", .shapes = { PATH(0, "path", WRITE) } },
	{ "truncate64", .shapes = { PATH(0, "path", WRITE) } },

	/* Look at. */
	{ "stat", .shapes = { PATH(0, "pathname", META) } },
	{ "lstat", .shapes = { PATH(0, "pathname", META, NOFOLLOW) } },
	{ "oldstat", .shapes = { PATH(0, "pathname", META) } },
	{ "oldlstat", .shapes = { PATH(0, "pathname", META, NOFOLLOW) } },
	{ "stat64", .shapes = { PATH(0, "pathname", META) } },
	{ "lstat64", .shapes = { PATH(0, "pathname", META, NOFOLLOW) } },
	{ "newfstatat", .shapes = { PATH(1, "pathname", META, DIRFD(0), FLAGS(3, AT),
					 MAYBE_NULL) } },
	{ "fstatat64", .shapes = { PATH(1, "pathname", META, DIRFD(0), FLAGS(3, AT),
					MAYBE_NULL) } },
	{ "statx", .shapes = { PATH(1, "pathname", META, DIRFD(0), FLAGS(2, AT), MAYBE_NULL) } },
	{ "access", .shapes = { PATH(0, "pathname", META) } },
	{ "faccessat", .shapes = { PATH(1, "pathname", META, DIRFD(0)) } },
	{ "faccessat2", .shapes = { PATH(1, "pathname", META, DIRFD(0), FLAGS(3, AT)) } },
	{ "readlink", .shapes = { PATH(0, "pathname", META, NOFOLLOW) } },
	{ "readlinkat", .shapes = { PATH(1, "pathname", META, DIRFD(0),
					 OPTIONS(PM_SHAPE_NOFOLLOW | PM_SHAPE_EMPTY)) } },
	{ "statfs", .shapes = { PATH(0, "path", META) } },
	{ "statfs64", .shapes = { PATH(0, "path", META) } },
	{ "name_to_handle_at", .shapes = { PATH(1, "pathname", META, DIRFD(0),
						FLAGS(4, AT_FOLLOW)) } },
	{ "file_getattr", .shapes = { PATH(1, "pathname", META, DIRFD(0), FLAGS(4, AT),
					   MAYBE_NULL) } },
	{ "getxattr", .shapes = { PATH(0, "path", META), XATTR_NAME(1) } },
	{ "lgetxattr", .shapes = { PATH(0, "path", META, NOFOLLOW), XATTR_NAME(1) } },
	{ "fgetxattr", .shapes = { XATTR_NAME(1) } },
	{ "getxattrat", .shapes = { PATH(1, "path", META, DIRFD(0), FLAGS(2, AT), MAYBE_NULL),
				    XATTR_NAME(3),
				    DEEP(BLOCK, 4, "args", LEN(5), SIZES(16, 16)) } },
	{ "listxattr", .shapes = { PATH(0, "path", META) } },
	{ "llistxattr", .shapes = { PATH(0, "path", META, NOFOLLOW) } },
	{ "listxattrat", .shapes = { PATH(1, "path", META, DIRFD(0), FLAGS(2, AT),
					  MAYBE_NULL) } },

	/* Change what is there. */
	{ "chmod", .shapes = { PATH(0, "pathname", SET) } },
	{ "fchmodat", .shapes = { PATH(1, "pathname", SET, DIRFD(0)) } },
	{ "fchmodat2", .shapes = { PATH(1, "pathname", SET, DIRFD(0), FLAGS(3, AT)) } },
	{ "chown", .shapes = { PATH(0, "pathname", SET) } },
	{ "chown32", .shapes = { PATH(0, "pathname", SET) } },
	{ "lchown", .shapes = { PATH(0, "pathname", SET, NOFOLLOW) } },
	{ "lchown32", .shapes = { PATH(0, "pathname", SET, NOFOLLOW) } },
	{ "fchownat", .shapes = { PATH(1, "pathname", SET, DIRFD(0), FLAGS(4, AT)) } },
	{ "utime", .shapes = { PATH(0, "filename", SET) } },
	{ "utimes", .shapes = { PATH(0, "filename", SET) } },
	{ "futimesat", .shapes = { PATH(1, "pathname", SET, DIRFD(0),
					OPTIONS(PM_SHAPE_NULL_DIRFD)) } },
	{ "utimensat", .shapes = { PATH(1, "pathname", SET, DIRFD(0), FLAGS(3, AT),
					OPTIONS(PM_SHAPE_NULL_DIRFD)) } },
	{ "utimensat_time64", .shapes = { PATH(1, "pathname", SET, DIRFD(0), FLAGS(3, AT),
					       OPTIONS(PM_SHAPE_NULL_DIRFD)) } },
	{ "setxattr", .shapes = { PATH(0, "path", SET), XATTR_NAME(1) } },
	{ "lsetxattr", .shapes = { PATH(0, "path", SET, NOFOLLOW), XATTR_NAME(1) } },
	{ "fsetxattr", .shapes = { XATTR_NAME(1) } },
	{ "setxattrat", .shapes = { PATH(1, "path", SET, DIRFD(0), FLAGS(2, AT), MAYBE_NULL),
				    XATTR_NAME(3),
				    DEEP(BLOCK, 4, "args", LEN(5), SIZES(16, 16)) } },
	{ "removexattr", .shapes = { PATH(0, "path", SET), XATTR_NAME(1) } },
	{ "lremovexattr", .shapes = { PATH(0, "path", SET, NOFOLLOW), XATTR_NAME(1) } },
	{ "fremovexattr", .shapes = { XATTR_NAME(1) } },
	{ "removexattrat", .shapes = { PATH(1, "path", SET, DIRFD(0), FLAGS(2, AT), MAYBE_NULL),
				       XATTR_NAME(3) } },
	{ "file_setattr", .shapes = { PATH(1, "pathname", SET, DIRFD(0), FLAGS(4, AT),
					   MAYBE_NULL),
				      DEEP(BLOCK, 2, "attr", LEN(3), SIZES(24, 24)) } },

	/* Make, remove and move names. */
	{ "mkdir", .shapes = { PATH(0, "pathname", CREATE, NOFOLLOW) } },
	{ "mkdirat", .shapes = { PATH(1, "pathname", CREATE, DIRFD(0), NOFOLLOW) } },
	{ "mknod", .shapes = { PATH(0, "pathname", CREATE, NOFOLLOW) } },
	{ "mknodat", .shapes = { PATH(1, "pathname", CREATE, DIRFD(0), NOFOLLOW) } },
	{ "symlink", .shapes = { SYMBOL(0, "target"), PATH(1, "linkpath", CREATE, NOFOLLOW) } },
	{ "symlinkat", .shapes = { SYMBOL(0, "target"),
				   PATH(2, "linkpath", CREATE, DIRFD(1), NOFOLLOW) } },
	{ "link", .shapes = { PATH(0, "oldpath", LINK, NOFOLLOW),
			      PATH(1, "newpath", CREATE, NOFOLLOW) } },
	{ "linkat", .shapes = { PATH(1, "oldpath", LINK, DIRFD(0), FLAGS(4, AT_FOLLOW)),
				PATH(3, "newpath", CREATE, DIRFD(2), NOFOLLOW) } },
	{ "unlink", .shapes = { PATH(0, "pathname", REMOVE, NOFOLLOW) } },
	{ "rmdir", .shapes = { PATH(0, "pathname", REMOVE, NOFOLLOW) } },
	{ "unlinkat", .shapes = { PATH(1, "pathname", REMOVE, DIRFD(0), NOFOLLOW) } },
	{ "rename", .shapes = { PATH(0, "oldpath", RENAME, NOFOLLOW),
				PATH(1, "newpath", RENAME, NOFOLLOW) } },
	{ "renameat", .shapes = { PATH(1, "oldpath", RENAME, DIRFD(0), NOFOLLOW),
				  PATH(3, "newpath", RENAME, DIRFD(2), NOFOLLOW) } },
	{ "renameat2", .shapes = { PATH(1, "oldpath", RENAME, DIRFD(0), NOFOLLOW),
				   PATH(3, "newpath", RENAME, DIRFD(2), NOFOLLOW) } },

	/* Programs, and where they stand. */
	{ "execve", .shapes = { PATH(0, "pathname", EXEC), STRV(1, "argv"), STRV(2, "envp") } },
	{ "execveat", .shapes = { PATH(1, "pathname", EXEC, DIRFD(0), FLAGS(4, AT)),
				  STRV(2, "argv"), STRV(3, "envp") } },
	{ "uselib", .shapes = { PATH(0, "library", EXEC) } },
	{ "clone3", .shapes = { DEEP(BLOCK, 0, "cl_args", LEN(1), SIZES(64, 88)) } },
	{ "chdir", .shapes = { PATH(0, "path", CHDIR) } },
	{ "chroot", .shapes = { PATH(0, "path", CHROOT) } },
	{ "pivot_root", .shapes = { PATH(0, "new_root", CHROOT), PATH(1, "put_old", CHROOT) } },

	/* Mounts. */
	{ "mount", .shapes = { STRING(0, "source", 4096, EINVAL, .classes = MOUNT, NULLABLE,
				      FLAGS(3, MOUNT)),
			       PATH(1, "target", MOUNT),
			       STRING(2, "filesystemtype", 4096, EINVAL, NULLABLE),
			       DEEP(OPTIONS, 4, "data", NULLABLE) } },
	{ "umount", I386, .shapes = { PATH(0, "target", MOUNT) } },
	{ "umount2", .shapes = { PATH(0, "target", MOUNT, FLAGS(1, UMOUNT)) } },
	{ "open_tree", .shapes = { PATH(1, "filename", MOUNT, DIRFD(0), FLAGS(2, AT)) } },
	{ "open_tree_attr", .shapes = { PATH(1, "filename", MOUNT, DIRFD(0), FLAGS(2, AT)),
					DEEP(BLOCK, 3, "attr", LEN(4), SIZES(32, 32),
					     NULLABLE) } },
	{ "move_mount", .shapes = { PATH(1, "from_pathname", MOUNT, DIRFD(0),
					 FLAGS(4, MOVE_FROM), MAYBE_NULL),
				    PATH(3, "to_pathname", MOUNT, DIRFD(2),
					 FLAGS(4, MOVE_TO), MAYBE_NULL) } },
	{ "fspick", .shapes = { PATH(1, "path", MOUNT, DIRFD(0), FLAGS(2, FSPICK)) } },
	{ "fsopen", .shapes = { STRING(0, "fsname", 4096, EINVAL, .classes = MOUNT) } },
	{ "fsconfig", .shapes = { STRING(2, "key", 256, EINVAL, NULLABLE),
				  STRING(3, "value", 256, EINVAL, .classes = MOUNT, DIRFD(4),
					 FLAGS(1, FSCONFIG), NULLABLE) } },
	{ "mount_setattr", .shapes = { PATH(1, "path", MOUNT, DIRFD(0), FLAGS(2, AT)),
				       DEEP(BLOCK, 3, "attr", LEN(4), SIZES(32, 32)) } },

	/* Watching. */
	{ "inotify_add_watch", .shapes = { PATH(1, "pathname", WATCH, FLAGS(2, INOTIFY)) } },
	{ "fanotify_mark", X86_64, .shapes = { PATH(4, "pathname", WATCH, DIRFD(3),
						    FLAGS(1, FANOTIFY), NULLABLE) } },
	{ "fanotify_mark", I386, .shapes = { PATH(5, "pathname", WATCH, DIRFD(4),
						  FLAGS(1, FANOTIFY), NULLABLE) } },

	/* Sockets. */
	{ "connect", .shapes = { DEEP(SOCKADDR, 1, "addr", LEN(2), .classes = CONNECT) } },
	{ "bind", .shapes = { DEEP(SOCKADDR, 1, "addr", LEN(2), .classes = BIND) } },
	{ "sendto", .shapes = { DEEP(SOCKADDR, 4, "dest_addr", LEN(5), .classes = SEND,
				     FLAGS(3, SEND), NULLABLE) } },
	{ "sendmsg", .shapes = { DEEP(MSGHDR, 1, "msg", .classes = SEND, FLAGS(2, SEND)) } },
	{ "sendmmsg", .shapes = { DEEP(MMSGHDR, 1, "msgvec", LEN(2), .classes = SEND,
				       FLAGS(3, SEND)) } },
	{ "socketcall", I386, .shapes = { DEEP(SOCKETCALL, 1, "args",
					       .classes = BIND | SEND) } },

	/* The whole system. */
	{ "acct", .shapes = { PATH(0, "filename", SYSTEM, NULLABLE) } },
	{ "swapon", .shapes = { PATH(0, "path", SYSTEM) } },
	{ "swapoff", .shapes = { PATH(0, "path", SYSTEM) } },
	{ "quotactl", .shapes = { PATH(1, "special", SYSTEM, NULLABLE),
				  PATH(3, "addr", SYSTEM, FLAGS(0, QUOTA)) } },
	{ "bpf", .shapes = { DEEP(BPF, 1, "attr", LEN(2), FLAGS(0, BPF),
				  .classes = OPENS | SYSTEM) } },

	/* Message queues. */
	{ "mq_open", .shapes = { SYMBOL(0, "name", .classes = IPC) } },
	{ "mq_unlink", .shapes = { SYMBOL(0, "name", .classes = IPC) } },

	/* What passes requests by the filter. */
	{ .name = "io_uring_setup" },
	{ .name = "io_uring_enter" },
	{ .name = "io_uring_register" },
};

const size_t pm_sysents_count = sizeof(pm_sysents) / sizeof(pm_sysents[0]);
