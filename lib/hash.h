/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hash.h - a number for a name, where another name of the same number does no harm */
#ifndef POINTSMAN_HASH_H
#define POINTSMAN_HASH_H

#include <stddef.h>
#include <stdint.h>

/* FNV-1a */
static inline uint32_t hash_name(const void *name, size_t len)
{
	const unsigned char *at = name;
	uint32_t hash = 2166136261u;

	while (len--)
		hash = (hash ^ *at++) * 16777619u;
	return hash;
}

#endif
