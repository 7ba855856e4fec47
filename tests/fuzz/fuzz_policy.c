/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_policy.c - any bytes as a policy file
 *
 * What is refused says why in one line that begins with a position; what is
 * taken can be asked.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_error(const char *error)
{
	size_t line, column;
	char first;

	if (!error || strchr(error, '\n') ||
	    sscanf(error, "fuzz:%zu:%zu: %c", &line, &column, &first) != 3 || !line || !column)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pm_call call = { .name = "getpid" };
	struct pm_verdict verdict = { 0 };
	struct policy *policy;
	char *error;
	int err;

	err = policy_parse("fuzz", (const char *)data, size, &policy, &error);
	if (!err) {
		struct pm_layer *layer = policy_layer(policy);

		if (error)
			abort();
		layer->wants(layer->data, "openat", PM_BIT(PM_CLASS_OPEN_READ));
		layer->decide(layer->data, &call, &verdict);
	} else if (err == -EINVAL) {
		check_error(error);
	} else if (err != -ENOMEM) {
		abort();
	}
	free(error);
	policy_free(policy);
	return 0;
}
