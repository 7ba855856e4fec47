/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void complain(const char *format, ...)
{
	char *message = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&message, format, args) < 0)
		message = NULL;
	va_end(args);
	/* Standard error is unbuffered, but one fprintf() is one write(2). */
	fprintf(stderr, "pointsman: %s\n", message ? message : format);
	free(message);
}

int finish_output(void)
{
	if (fflush(stdout) || ferror(stdout)) {
		complain("cannot write to standard output: %s", strerror(errno));
		return EXIT_POINTSMAN;
	}
	return EXIT_SUCCESS;
}
