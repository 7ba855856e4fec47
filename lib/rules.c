/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rules.c - what the flags of a call make of its arguments
 *
 * All of this follows from the registers and the blocks as they stand, so it
 * is done again whenever one of them is changed.
 */
#define _GNU_SOURCE
#include "call_private.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/socket.h>

#define UMOUNT_NOFOLLOW_BIT 8u
#define Q_QUOTAON_COMMAND 0x800002u
/* Those of mount(2), which <sys/mount.h> and <linux/mount.h> fight over. */
#define MOUNT_REMOUNT (1u << 5)
#define MOUNT_BIND (1u << 12)
#define MOUNT_MOVE (1u << 13)
#define MOUNT_PROPAGATION (0xfu << 17)	/* unbindable, private, slave, shared */
#define MOUNT_MAGIC_MASK 0xffff0000u
#define MOUNT_MAGIC 0xc0ed0000u		/* MS_MGC_VAL: what is this above says nothing */
#define TMPFILE_BIT ((uint64_t)(O_TMPFILE & ~O_DIRECTORY))

#define BPF_PATH_FD (1u << 14)		/* BPF_F_PATH_FD of Linux 6.5 */
#define BPF_UPROBE_MULTI 48u		/* BPF_TRACE_UPROBE_MULTI of Linux 6.6 */
#define BPF_UPROBE_SESSION 57u		/* BPF_TRACE_UPROBE_SESSION of Linux 6.13 */

/* Offsets in union bpf_attr: of BPF_OBJ_PIN and BPF_OBJ_GET, of BPF_LINK_CREATE. */
enum { OBJ_PATH = 0, OBJ_FLAGS = 12, OBJ_PATH_FD = 16, LINK_TYPE = 8, LINK_PATH = 16 };

/* The rules that are single bits of the flags. */
static const struct bits {
	uint32_t nofollow;	/* set: a final link is not followed */
	uint32_t follow;	/* not set: likewise */
	uint32_t empty;		/* set: "" names the dirfd */
} bits[] = {
	[PM_RULE_AT] = { AT_SYMLINK_NOFOLLOW, 0, AT_EMPTY_PATH },
	[PM_RULE_AT_FOLLOW] = { 0, AT_SYMLINK_FOLLOW, AT_EMPTY_PATH },
	[PM_RULE_MOVE_FROM] = { 0, MOVE_MOUNT_F_SYMLINKS, MOVE_MOUNT_F_EMPTY_PATH },
	[PM_RULE_MOVE_TO] = { 0, MOVE_MOUNT_T_SYMLINKS, MOVE_MOUNT_T_EMPTY_PATH },
	[PM_RULE_FSPICK] = { FSPICK_SYMLINK_NOFOLLOW, 0, FSPICK_EMPTY_PATH },
	[PM_RULE_UMOUNT] = { UMOUNT_NOFOLLOW_BIT, 0, 0 },
	[PM_RULE_INOTIFY] = { IN_DONT_FOLLOW, 0, 0 },
	[PM_RULE_FANOTIFY] = { FAN_MARK_DONT_FOLLOW, 0, 0 },
};

static const struct bits *bits_of(const struct pm_shape *shape)
{
	static const struct bits none;

	return shape->rule < sizeof(bits) / sizeof(bits[0]) ? &bits[shape->rule] : &none;
}

static uint32_t flags_of(const struct pm_call *call, const struct pm_shape *shape)
{
	return shape->flags ? (uint32_t)call->args[shape->flags - 1] : 0;
}

bool shape_empty_ok(const struct pm_call *call, const struct pm_shape *shape)
{
	uint32_t flags = flags_of(call, shape);

	if (shape->rule == PM_RULE_FSCONFIG)
		return flags == FSCONFIG_SET_PATH_EMPTY;
	return (shape->options & PM_SHAPE_EMPTY) || (flags & bits_of(shape)->empty);
}

/* As path_mount() of the kernel goes through the flags. */
static bool mounts_path(uint32_t flags)
{
	if ((flags & MOUNT_MAGIC_MASK) == MOUNT_MAGIC)
		flags &= ~MOUNT_MAGIC_MASK;
	if (flags & (MOUNT_REMOUNT | MOUNT_BIND))
		return !(flags & MOUNT_REMOUNT);
	return (flags & MOUNT_MOVE) && !(flags & MOUNT_PROPAGATION);
}

enum pm_shape_kind shape_kind(const struct pm_call *call, const struct pm_shape *shape)
{
	uint32_t flags = flags_of(call, shape);

	switch (shape->rule) {
	case PM_RULE_MOUNT:
		return mounts_path(flags) ? PM_SHAPE_PATH : PM_SHAPE_STRING;
	case PM_RULE_FSCONFIG:
		return flags == FSCONFIG_SET_STRING ? PM_SHAPE_STRING : PM_SHAPE_PATH;
	default:
		return shape->kind;
	}
}

bool shape_applies(const struct pm_call *call, const struct pm_shape *shape)
{
	uint32_t flags = flags_of(call, shape);

	if (!call->args[shape->arg]) {
		if (shape->options & PM_SHAPE_NULL)
			return false;
		if ((shape->options & PM_SHAPE_NULL_DIRFD) &&
		    (int)call->args[shape->dirfd - 1] != AT_FDCWD)
			return false;
	}
	switch (shape->rule) {
	case PM_RULE_FANOTIFY:
		return !(flags & FAN_MARK_FLUSH);
	case PM_RULE_QUOTA:
		return flags >> 8 == Q_QUOTAON_COMMAND;
	case PM_RULE_FSCONFIG:
		return flags == FSCONFIG_SET_STRING || flags == FSCONFIG_SET_PATH ||
		       flags == FSCONFIG_SET_PATH_EMPTY;
	case PM_RULE_BPF:
		return flags == BPF_OBJ_PIN || flags == BPF_OBJ_GET || flags == BPF_LINK_CREATE;
	default:
		return true;
	}
}

static uint32_t attr_word(const unsigned char *attr, size_t at)
{
	return (uint32_t)load_le(attr + at, 4);
}

bool bpf_path(const struct pm_call *call, const unsigned char *attr, uint16_t *at)
{
	uint32_t type = attr_word(attr, LINK_TYPE);

	switch ((uint32_t)call->args[0]) {
	case BPF_OBJ_PIN:
	case BPF_OBJ_GET:
		*at = OBJ_PATH;
		return true;
	case BPF_LINK_CREATE:
		*at = LINK_PATH;
		return type == BPF_UPROBE_MULTI || type == BPF_UPROBE_SESSION;
	default:
		return false;
	}
}

void bpf_drop_fd(unsigned char *attr)
{
	store_le(attr + OBJ_PATH_FD, 4, (uint64_t)AT_FDCWD);
}

static uint32_t open_classes(uint64_t flags)
{
	static const uint32_t by_mode[] = {
		[O_RDONLY] = PM_BIT(PM_CLASS_OPEN_READ),
		[O_WRONLY] = PM_BIT(PM_CLASS_OPEN_WRITE),
		[O_RDWR] = PM_BIT(PM_CLASS_OPEN_READ) | PM_BIT(PM_CLASS_OPEN_WRITE),
		/* For ioctl(2) only; it takes both permissions. */
		[O_ACCMODE] = PM_BIT(PM_CLASS_OPEN_READ) | PM_BIT(PM_CLASS_OPEN_WRITE),
	};
	uint32_t classes;

	if (flags & O_PATH)
		return PM_BIT(PM_CLASS_OPEN_READ);
	classes = by_mode[flags & O_ACCMODE];
	if (flags & O_TRUNC)
		classes |= PM_BIT(PM_CLASS_OPEN_WRITE);
	if (flags & O_CREAT)
		classes |= PM_BIT(PM_CLASS_CREATE);
	if (flags & TMPFILE_BIT)
		classes |= PM_BIT(PM_CLASS_CREATE) | PM_BIT(PM_CLASS_OPEN_WRITE);
	return classes;
}

static bool open_nofollow(uint64_t flags)
{
	if (flags & O_NOFOLLOW)
		return true;
	return !(flags & O_PATH) && (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
}

/* The path inside a bpf_attr. */
static void classify_bpf(const struct pm_call *call, struct pm_item *item)
{
	const struct pm_item *attr = &call->items[item->priv->parent];
	uint32_t flags = attr_word(attr->data, OBJ_FLAGS);
	uint32_t command = (uint32_t)call->args[0];

	item->role = "pathname";
	if (command == BPF_LINK_CREATE) {
		item->classes = PM_BIT(PM_CLASS_SYSTEM);
		return;
	}
	if (flags & BPF_PATH_FD)
		item->dirfd = (int)attr_word(attr->data, OBJ_PATH_FD);
	item->nofollow = command == BPF_OBJ_PIN;
	if (command == BPF_OBJ_PIN)
		item->classes = PM_BIT(PM_CLASS_CREATE);
	else
		item->classes = open_classes(flags & BPF_F_RDONLY ? O_RDONLY :
					     flags & BPF_F_WRONLY ? O_WRONLY : O_RDWR);
}

static void classify_path(const struct pm_call *call, struct pm_item *item,
			  const struct pm_shape *shape)
{
	const struct bits *by = bits_of(shape);
	uint32_t flags = flags_of(call, shape);

	if (shape->dirfd)
		item->dirfd = (int)call->args[shape->dirfd - 1];
	item->empty_ok = shape_empty_ok(call, shape);
	item->nofollow = (shape->options & PM_SHAPE_NOFOLLOW) || (flags & by->nofollow) ||
			 (by->follow && !(flags & by->follow));
}

static void classify_item(const struct pm_call *call, struct pm_item *item)
{
	const struct pm_shape *shape = item->priv->shape;
	struct pm_open_how how;

	/* Added to what was read (the interpreter of a script): says itself what it is. */
	if (item->arg == PM_NO_REGISTER)
		return;
	item->dirfd = AT_FDCWD;
	item->nofollow = item->empty_ok = false;
	item->classes = 0;
	if (!shape)
		return;
	if (shape->kind == PM_SHAPE_BPF) {
		if (item->kind == PM_ITEM_PATH)
			classify_bpf(call, item);
		return;
	}
	/* Of a message it is the name that counts. */
	if (item->kind != PM_ITEM_BLOCK || shape->kind == PM_SHAPE_HANDLE)
		item->classes = shape->classes;
	if (item->kind == PM_ITEM_PATH || item->kind == PM_ITEM_STRING) {
		item->kind = shape_kind(call, shape) == PM_SHAPE_PATH ? PM_ITEM_PATH :
									PM_ITEM_STRING;
		if (item->kind == PM_ITEM_PATH)
			classify_path(call, item, shape);
	}
	switch (shape->rule) {
	case PM_RULE_OPEN:
		item->classes = open_classes(flags_of(call, shape));
		item->nofollow |= open_nofollow(flags_of(call, shape));
		break;
	case PM_RULE_HOW:
		if (!pm_call_open_how(call, &how)) {
			item->classes = open_classes(how.flags);
			item->nofollow |= open_nofollow(how.flags);
		}
		break;
	case PM_RULE_SEND:
		if (!(flags_of(call, shape) & MSG_FASTOPEN))
			item->classes &= ~PM_BIT(PM_CLASS_CONNECT);
		break;
	default:
		break;
	}
}

void call_classify(struct pm_call *call)
{
	for (size_t i = 0; i < call->nitems; i++) {
		struct pm_item *item = &call->items[i];
		struct pm_item before = *item;

		classify_item(call, item);
		if (before.kind != item->kind || before.dirfd != item->dirfd ||
		    before.nofollow != item->nofollow || before.empty_ok != item->empty_ok)
			item_forget_where(item);
	}
}
