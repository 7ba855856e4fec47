/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* alike.h - file systems that tell everybody the same of a file */
#ifndef POINTSMAN_ALIKE_H
#define POINTSMAN_ALIKE_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/vfs.h>

/*
 * A device that was found to hold one of them.  Numbers of file systems without a device are
 * given again, to others: of these none is known.
 */
bool alike_device(dev_t device);

/* Is a file system of this type, found on this device, one of them?  One thread asks at a time. */
bool alike_learn(dev_t device, __fsword_t type);

#endif
