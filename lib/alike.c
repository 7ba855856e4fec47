/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "alike.h"

#include <linux/magic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/sysmacros.h>

#ifndef SOCKFS_MAGIC
#define SOCKFS_MAGIC 0x534F434B
#endif
#define XFS_MAGIC 0x58465342

static dev_t known_device;

static bool tells_all_the_same(__fsword_t type)
{
	static const uint32_t types[] = {
		EXT4_SUPER_MAGIC, XFS_MAGIC, BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC, TMPFS_MAGIC,
		RAMFS_MAGIC, OVERLAYFS_SUPER_MAGIC, SQUASHFS_MAGIC, EROFS_SUPER_MAGIC_V1,
		ISOFS_SUPER_MAGIC, MSDOS_SUPER_MAGIC, PIPEFS_MAGIC, SOCKFS_MAGIC,
		ANON_INODE_FS_MAGIC, DEVPTS_SUPER_MAGIC,
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if ((uint32_t)type == types[i])
			return true;
	return false;
}

bool alike_device(dev_t device)
{
	return device && device == known_device;
}

bool alike_learn(dev_t device, __fsword_t type)
{
	if (!tells_all_the_same(type))
		return false;
	if (major(device))
		known_device = device;
	return true;
}
