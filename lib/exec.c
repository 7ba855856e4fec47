/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* exec.c - the facade: which backend, and on with it */
#include <errno.h>
#include <string.h>

#include "backend.h"
#include "error.h"

/* In the order of "auto". */
static const struct pm_backend *const backends[] = { &backend_ptrace };

int pm_exec(const struct pm_options *options, const char *file, char *const *argv,
	    enum pm_stage *stage)
{
	const char *name = options->backend ? options->backend : "auto";

	*stage = PM_STAGE_SETUP;
	for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++)
		if (!strcmp(name, "auto") || !strcmp(name, backends[i]->name))
			return backends[i]->exec(options, file, argv, stage);
	return pm_fail(-EINVAL, "no backend is called %s", name);
}
