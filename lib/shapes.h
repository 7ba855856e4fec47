/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * shapes.h - what each argument of each system call is
 *
 * shapes_table.c is the table of the calls that name something: a file, a
 * socket address, a program's arguments, a structure that holds one of these.
 * shapes_quiet.c lists those that are known to name nothing, and why.  A
 * number that is in neither is unknown, and refused by whoever asks.
 */
#ifndef POINTSMAN_SHAPES_H
#define POINTSMAN_SHAPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pointsman/pointsman.h>

/* What lies behind a pointer argument. */
enum pm_shape_kind {
	PM_SHAPE_NONE,		/* ends a list of shapes */
	PM_SHAPE_PATH,		/* a path */
	PM_SHAPE_STRING,	/* a string that is not a path */
	PM_SHAPE_SOCKADDR,	/* a socket address; len holds its length */
	PM_SHAPE_STRV,		/* a NULL-terminated vector of strings */
	PM_SHAPE_BLOCK,		/* a structure; len holds its size */
	PM_SHAPE_MSGHDR,	/* a msghdr: header and name, not iovec and control */
	PM_SHAPE_MMSGHDR,	/* as many mmsghdr as len says */
	PM_SHAPE_HANDLE,	/* a file_handle, which holds its own size */
	PM_SHAPE_OPTIONS,	/* mount's data: up to a page of anything */
	PM_SHAPE_BPF,		/* a bpf_attr of len bytes and the path that it may hold */
	PM_SHAPE_SOCKETCALL,	/* the arguments of another call */
};

/* How the flags of a call change what a shape means. */
enum pm_rule {
	PM_RULE_PLAIN,		/* not at all */
	/* By single bits of the flags, see rules.c. */
	PM_RULE_AT,		/* AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH */
	PM_RULE_AT_FOLLOW,	/* AT_SYMLINK_FOLLOW, AT_EMPTY_PATH */
	PM_RULE_MOVE_FROM,	/* MOVE_MOUNT_F_* */
	PM_RULE_MOVE_TO,	/* MOVE_MOUNT_T_* */
	PM_RULE_FSPICK,		/* FSPICK_* */
	PM_RULE_UMOUNT,		/* UMOUNT_NOFOLLOW */
	PM_RULE_INOTIFY,	/* IN_DONT_FOLLOW */
	PM_RULE_FANOTIFY,	/* FAN_MARK_DONT_FOLLOW, and FAN_MARK_FLUSH reads no path */
	/* By more than that. */
	PM_RULE_OPEN,		/* O_*; the mode is the argument after the flags */
	PM_RULE_CREAT,		/* as open with O_CREAT | O_WRONLY | O_TRUNC */
	PM_RULE_HOW,		/* O_* in the open_how of the call */
	PM_RULE_SEND,		/* MSG_FASTOPEN connects */
	PM_RULE_MOUNT,		/* the source is a path for MS_BIND and MS_MOVE */
	PM_RULE_FSCONFIG,	/* the command says what the value is */
	PM_RULE_QUOTA,		/* addr is a path for Q_QUOTAON */
	PM_RULE_BPF,		/* the command says what the attributes hold */
};

#define PM_SHAPE_NULL		1u	/* NULL is a value of its own: no item */
#define PM_SHAPE_NOFOLLOW	2u	/* never follows a final symbolic link */
#define PM_SHAPE_EMPTY		4u	/* "" names the dirfd without any flag */
#define PM_SHAPE_NULL_EMPTY	8u	/* NULL is "" where "" is allowed, see null_path.c */
#define PM_SHAPE_NULL_DIRFD	16u	/* NULL names the dirfd, where there is one */

/*
 * Texts of the tables are in them: a pointer to one would be written, with the page that it
 * lies on, at each start of a program.
 */
#define PM_NAME_SIZE 32
#define PM_ROLE_SIZE 16

/* Registers in a shape: 0 is none, PM_REG(n) is args[n]. */
#define PM_REG(n) ((n) + 1)

/* One pointer argument. */
struct pm_shape {
	uint8_t kind;		/* enum pm_shape_kind */
	uint8_t arg;		/* the register of the pointer, from 0 */
	uint8_t dirfd;		/* PATH: the register of what it is relative to */
	uint8_t len;		/* the register of its length, size or count */
	uint8_t flags;		/* the register that rule reads */
	uint8_t rule;		/* enum pm_rule */
	uint8_t options;	/* PM_SHAPE_* */
	uint16_t limit;		/* STRING: bytes with the NUL.  BLOCK: the size known here */
	uint16_t least;		/* BLOCK: the smallest size */
	uint16_t too_long;	/* STRING: the errno of one that is longer */
	uint32_t classes;	/* all that this can be */
	char role[PM_ROLE_SIZE];	/* as in the manual page */
};

#define PM_SHAPES 4

/*
 * A call of the table.
 *
 * Constant, and lives as long as the program.
 */
struct pm_sysent {
	char name[PM_NAME_SIZE];
	uint32_t arch;		/* AUDIT_ARCH_* where the shape is of one table only, else 0 */
	struct pm_shape shapes[PM_SHAPES];
};

extern const struct pm_sysent pm_sysents[];
extern const size_t pm_sysents_count;
extern const char pm_quiet_names[][PM_NAME_SIZE];
extern const size_t pm_quiet_names_count;

/* The entry of a number, or NULL for one that is not in the table. */
const struct pm_sysent *pm_sysent_find(uint32_t arch, int nr);

/* All that an entry (NULL: none) can be. */
uint32_t pm_sysent_classes(const struct pm_sysent *ent);

/* Known to name nothing, whatever its arguments. */
bool pm_syscall_names_nothing(uint32_t arch, int nr);

/* The highest number of a table that is known here; -1 for another architecture. */
int pm_syscall_max(uint32_t arch);

/*
 * All entries of an architecture in the order of their numbers: the first that
 * is >= *nr, which is set to it, or NULL.  Start with *nr = 0, go on with
 * *nr + 1.
 */
const struct pm_sysent *pm_sysent_next(uint32_t arch, int *nr);

/*
 * The calls that this one can stand for once its memory has been read
 * (socketcall, the old mmap): the i'th name, or NULL.  Who wants to see one of
 * them has to stop this one.
 */
const char *pm_syscall_stands_for(uint32_t arch, int nr, unsigned int i);

/* Does this number own the register file (rt_sigreturn, restart_syscall, ...)? */
bool pm_syscall_owns_registers(uint32_t arch, int nr);

/* What an argument of a call is, for who wants to know without a call at hand. */
enum pm_arg_kind {
	PM_ARG_PLAIN,		/* a value, or memory that is not looked at */
	PM_ARG_SHAPE,		/* the pointer of a shape */
	PM_ARG_DIRFD,
	PM_ARG_LENGTH,
	PM_ARG_FLAGS,
};

/* Sets *shape (unless NULL) for all but PLAIN. */
enum pm_arg_kind pm_sysent_arg(const struct pm_sysent *ent, unsigned int arg,
			       const struct pm_shape **shape);

#define PM_SHAPE_EACH(ent, shape) \
	for (const struct pm_shape *shape = (ent) ? (ent)->shapes : NULL; \
	     shape && shape < (ent)->shapes + PM_SHAPES && shape->kind; shape++)

#endif
