/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

#include <pointsman/pointsman.h>

static _Thread_local char message[512];

int pm_fail(int err, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	return err;
}

const char *pm_error(void)
{
	return message;
}
