/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* exec.c - the facade: which backend, and on with it */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "backend.h"
#include "chain.h"
#include "error.h"

/* In the order of "auto"; the last one is taken as it is. */
static const struct pm_backend *const backends[] = { &backend_notify, &backend_ptrace };

#define BACKENDS (sizeof(backends) / sizeof(backends[0]))

static const struct pm_backend *by_name(const char *name)
{
	for (size_t i = 0; i < BACKENDS; i++)
		if (!strcmp(name, backends[i]->name))
			return backends[i];
	return NULL;
}

/* Does it work here?  Tried once: what it does is no small matter at each start. */
static int probe(const struct pm_backend *backend, char *why, size_t size)
{
	static struct {
		bool tried;
		int err;
		char why[256];
	} known[BACKENDS];
	size_t i = 0;

	if (!backend->probe)
		return 0;
	while (backends[i] != backend)
		i++;
	if (!known[i].tried)
		known[i].err = backend->probe(known[i].why, sizeof(known[i].why));
	known[i].tried = true;
	if (known[i].err)
		snprintf(why, size, "%s", known[i].why);
	return known[i].err;
}

/* The first that works here; why says what is wrong with the ones before it. */
static const struct pm_backend *best(char *why, size_t size)
{
	for (size_t i = 0; i + 1 < BACKENDS; i++)
		if (!probe(backends[i], why, size))
			return backends[i];
	return backends[BACKENDS - 1];
}

static const struct pm_backend *choose(const char *name, char *why, size_t size)
{
	return name && strcmp(name, "auto") ? by_name(name) : best(why, size);
}

const char *backend_choose(const char *name, char *why, size_t size)
{
	const struct pm_backend *backend;

	*why = '\0';
	backend = choose(name, why, size);
	return backend ? backend->name : NULL;
}

int pm_exec(const struct pm_options *options, const char *file, char *const *argv,
	    enum pm_stage *stage)
{
	const char *name = options->backend ? options->backend : "auto";
	char why[256] = "";
	const struct pm_backend *backend = choose(name, why, sizeof(why));
	int err;

	*stage = PM_STAGE_SETUP;
	if (!backend)
		return pm_fail(-EINVAL, "no backend is called %s", name);
	if (chain_check(options))
		return pm_fail(-EINVAL, "a layer has no decide(), or the observer no tell()");
	err = probe(backend, why, sizeof(why));
	if (err)
		return pm_fail(err, "the %s backend does not work here: %s", name, why);
	err = backend->exec(options, file, argv, stage);
	if (*stage == PM_STAGE_EXEC)
		pm_fail(err, "cannot run '%s': %s", file, strerror(-err));
	return err;
}
