/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * backend.h - what turns a verdict into what happens
 */
#ifndef POINTSMAN_BACKEND_H
#define POINTSMAN_BACKEND_H

#include <pointsman/pointsman.h>

struct pm_backend {
	const char *name;
	/* As pm_exec(). */
	int (*exec)(const struct pm_options *options, const char *file, char *const *argv,
		    enum pm_stage *stage);
};

extern const struct pm_backend backend_ptrace;

#endif
