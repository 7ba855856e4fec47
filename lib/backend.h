/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * backend.h - what turns a verdict into what happens
 */
#ifndef POINTSMAN_BACKEND_H
#define POINTSMAN_BACKEND_H

#include <pointsman/pointsman.h>

struct pm_backend {
	const char *name;
	/*
	 * Does it work here?  0, or a negative errno with one line in why (size
	 * bytes) for a person.  NULL: that is seen when it is tried.
	 */
	int (*probe)(char *why, size_t size);
	/* As pm_exec(). */
	int (*exec)(const struct pm_options *options, const char *file, char *const *argv,
		    enum pm_stage *stage);
};

/*
 * The name of the backend that this name, or "auto" or NULL, means here; NULL: none.
 * why (size bytes) becomes what is in the way of a better one, or "".
 */
const char *backend_choose(const char *name, char *why, size_t size);

extern const struct pm_backend backend_notify;
extern const struct pm_backend backend_ptrace;

#endif
