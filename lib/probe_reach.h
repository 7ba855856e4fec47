/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* probe_reach.h - what one process may have of another */
#ifndef POINTSMAN_PROBE_REACH_H
#define POINTSMAN_PROBE_REACH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "probe.h"

/* Read what is there at addr, which is len bytes (up to 64), in each of two ways. */
void probe_reach_into(struct probe *probe, pid_t pid, uint64_t addr, const char *what, size_t len);

/* Open a process, as such and as a thread, and take a copy of a descriptor of its. */
void probe_open_pidfds(struct probe *probe, pid_t pid, int their_fd);

#endif
