/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * uname RELEASE COMMAND [ARGUMENT...] - a command that sees another release of the
 * kernel
 *
 * The call does not run: its answer is made here, and written where the program
 * wants it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include <pointsman/pointsman.h>

/* Older forms of the call, which have room for less, are refused. */
static bool wants(void *data, const char *syscall, uint32_t classes)
{
	(void)data;
	(void)classes;
	return !strcmp(syscall, "uname") || !strcmp(syscall, "olduname") ||
	       !strcmp(syscall, "oldolduname");
}

static int decide(void *data, struct pm_call *call, struct pm_verdict *verdict)
{
	struct utsname answer;
	int err;

	if (strcmp(call->name, "uname") || uname(&answer))
		return -ENOSYS;
	memset(answer.release, 0, sizeof(answer.release));
	strncpy(answer.release, data, sizeof(answer.release) - 1);
	err = pm_call_write(call, call->args[0], &answer, sizeof(answer));
	if (err)
		return err;
	verdict->action = PM_VALUE;
	verdict->value = 0;
	verdict->rule = "uname";
	return 0;
}

int main(int argc, char **argv)
{
	struct pm_layer layer = { .name = "uname", .data = argv[1], .wants = wants,
				  .decide = decide };
	struct pm_layer *layers[] = { &layer };
	struct pm_options options = { .layers = layers, .nlayers = 1 };
	enum pm_stage stage;

	if (argc < 3) {
		fputs("Usage: uname RELEASE COMMAND [ARGUMENT...]\n", stderr);
		return 125;
	}
	pm_exec(&options, argv[2], argv + 2, &stage);
	fprintf(stderr, "uname: %s\n", pm_error());
	return 125;
}
