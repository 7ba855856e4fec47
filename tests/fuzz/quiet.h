/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* quiet.h - complaints of the command, written as they would be, and said to nobody */
#ifndef POINTSMAN_FUZZ_QUIET_H
#define POINTSMAN_FUZZ_QUIET_H

#include <stdarg.h>
#include <stdio.h>

#include "command.h"

void complain(const char *format, ...)
{
	va_list args;
	char text[512];

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
}

#endif
