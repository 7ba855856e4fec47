/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * filter.h - the seccomp filter under which a target runs
 *
 * It stops (SECCOMP_RET_TRACE) what some layer wants to see and what the
 * supervisor itself has to, lets pass what is known to name nothing, and
 * answers ENOSYS to every number of every table that it does not know.
 */
#ifndef POINTSMAN_FILTER_H
#define POINTSMAN_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

#include <pointsman/pointsman.h>

#define FILTER_TRACE_DATA 0x706d

/*
 * Builds the filter.  supervisor is its pid: calls that would reach into it
 * are refused with EPERM.  guard: there is no mseal, calls that could move the
 * arena stop.  The caller frees program->filter.  Returns 0, -ENOMEM, -E2BIG.
 */
int filter_build(const struct pm_options *options, pid_t supervisor, bool guard,
		 struct sock_fprog *program);

/* Why a number stops, whatever its arguments: a mask, 0 where it does not. */
#define STOPS_FOR_LAYERS 1u
#define STOPS_FOR_US 2u
#define STOPS_SOMETIMES 4u	/* for us, with some arguments */
unsigned int filter_stops(const struct pm_options *options, bool guard, uint32_t arch, int nr);

/* Install it in the calling thread, which gets no_new_privs.  0 or -errno. */
int filter_install(const struct sock_fprog *program);

#endif
