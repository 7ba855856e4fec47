/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* procmap.h - asking /proc/PID/maps for one mapping, as <linux/fs.h> has it since 6.11 */
#ifndef POINTSMAN_PROCMAP_H
#define POINTSMAN_PROCMAP_H

#include <linux/fs.h>
#include <linux/types.h>
#include <sys/ioctl.h>

#ifndef PROCMAP_QUERY
enum {
	PROCMAP_QUERY_VMA_READABLE = 1,
	PROCMAP_QUERY_VMA_WRITABLE = 2,
	PROCMAP_QUERY_VMA_EXECUTABLE = 4,
	PROCMAP_QUERY_VMA_SHARED = 8,
};

struct procmap_query {
	__u64 size;		/* of this structure */
	__u64 query_flags;
	__u64 query_addr;
	__u64 vma_start, vma_end, vma_flags, vma_page_size, vma_offset;
	__u64 inode;
	__u32 dev_major, dev_minor;
	__u32 vma_name_size, build_id_size;	/* 0: not wanted */
	__u64 vma_name_addr, build_id_addr;
};

#define PROCMAP_QUERY _IOWR('f', 17, struct procmap_query)
#endif

#endif
