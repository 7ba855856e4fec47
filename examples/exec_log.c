/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * exec_log FILE COMMAND [ARGUMENT...] - a line in FILE for each program that
 * COMMAND and what it starts execute: the process, the program's name without
 * links, and its argv
 *
 * A name that is not there (a shell goes through PATH) is not told.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <pointsman/pointsman.h>

static bool wants(void *data, const char *syscall, uint32_t classes)
{
	(void)data;
	(void)syscall;
	return classes & PM_BIT(PM_CLASS_EXEC);
}

/* In quotes, on one line whatever it holds. */
static void put(FILE *log, const char *text)
{
	fputs(" \"", log);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(log, "\\%c", c);
		else if (c < 0x80 && isprint(c))
			fputc(c, log);
		else
			fprintf(log, "\\%03o", c);
	}
	fputc('"', log);
}

/* What cannot be written down does not run. */
static int decide(void *data, struct pm_call *call, struct pm_verdict *verdict)
{
	FILE *log = data;
	const struct pm_where *where;
	struct pm_arg arg;

	(void)verdict;
	if (pm_call_arg(call, "path", &arg))
		return 0;
	where = pm_item_where(call, arg.item);
	if (!where->exists)
		return 0;
	fprintf(log, "%d %s:", call->tgid, where->name);
	if (!pm_call_arg(call, "argv", &arg))
		for (size_t i = 0; i < arg.len; i++)
			put(log, arg.item->strv[i]);
	fputc('\n', log);
	return fflush(log) ? -EIO : 0;
}

int main(int argc, char **argv)
{
	struct pm_layer layer = { .name = "exec_log", .wants = wants, .decide = decide };
	struct pm_layer *layers[] = { &layer };
	struct pm_options options = { .layers = layers, .nlayers = 1 };
	enum pm_stage stage;

	if (argc < 3) {
		fputs("Usage: exec_log FILE COMMAND [ARGUMENT...]\n", stderr);
		return 125;
	}
	/* Closed by exec: the supervisor's, and not the program's. */
	layer.data = fopen(argv[1], "ae");
	if (!layer.data) {
		fprintf(stderr, "exec_log: %s: %s\n", argv[1], strerror(errno));
		return 125;
	}
	pm_exec(&options, argv[2], argv + 2, &stage);
	fprintf(stderr, "exec_log: %s\n", pm_error());
	return 125;
}
