/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* backend_table.h - the table of README.md of what each backend guarantees, for one machine */
#ifndef POINTSMAN_BACKEND_TABLE_H
#define POINTSMAN_BACKEND_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "probe.h"

struct backend_row {
	const char *what;
	const char *ptrace, *notify;	/* "-" where the backend does not work here */
};

extern const size_t nbackend_rows;

/* A row by its number, of what probe_all() found out. */
struct backend_row backend_row(const struct probe *probe, size_t n, bool ptrace_works,
			       bool notify_works);

/* Print a row as Markdown; 80 columns are enough. */
void backend_print_row(const struct backend_row *row);

#endif
