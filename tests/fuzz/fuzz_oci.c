/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_oci.c - any bytes as the configuration of a container
 *
 * What is taken as its profile can be asked about any call.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oci_judge.h"
#include "quiet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char bundle[] = "/tmp/pm-fuzz-oci-XXXXXX", config[64];

static void remove_bundle(void)
{
	unlink(config);
	rmdir(bundle);
}

static void make_bundle(void)
{
	if (!mkdtemp(bundle))
		abort();
	snprintf(config, sizeof(config), "%s/config.json", bundle);
	atexit(remove_bundle);
}

static void ask(const struct oci_judge *judge, const uint8_t *data, size_t size)
{
	struct pm_call call = { .arch = AUDIT_ARCH_X86_64 };

	for (call.nr = 0; call.nr < 460; call.nr++) {
		for (int i = 0; i < 6; i++)
			call.args[i] = size ? data[(size_t)(call.nr + i) % size] : 0;
		oci_judge_asks(judge, &call);
	}
	call.arch = AUDIT_ARCH_I386;
	oci_judge_asks(judge, &call);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oci_judge *judge = NULL;
	char *text = NULL;
	int fd, err;

	if (!config[0])
		make_bundle();
	fd = open(config, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
	err = oci_profile_read(bundle, "fuzz", &text);
	if (!err)
		err = oci_judge_new(text, "fuzz", &judge);
	free(text);
	if (err > 0 || (!err && !judge))
		abort();
	if (!err)
		ask(judge, data, size);
	oci_judge_free(judge);
	return 0;
}
