/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend_table.h"

#include <stdio.h>

/* What is guaranteed with a fact, and what without it; NULL: it does not depend on it. */
struct cell {
	const char *with, *without;
	enum probe_fact fact;
};

static const struct {
	const char *what;
	struct cell ptrace, notify;
} rows[] = {
	{ "the bytes decided on are used", { .with = "yes" }, { .with = "yes" } },
	{ "the file decided on is opened",
	  { "with openat2", "by its name only", PROBE_OPENAT2 },
	  { "with openat2", "by its name only", PROBE_OPENAT2 } },
	{ "the program decided on is executed", { .with = "yes" }, { .with = "yes" } },
	{ "other names stay in allowed trees",
	  { "with Landlock", "no", PROBE_LANDLOCK },
	  { "with Landlock", "no", PROBE_LANDLOCK } },
	{ "pins are kept in place by", { "mseal", "refusals", PROBE_MSEAL }, { .with = "the kernel" } },
	{ "without a supervisor, programs end", { .with = "at once" }, { .with = "at their next call" } },
	{ "strace and gdb work inside", { .with = "no" }, { .with = "yes" } },
	{ "pointsman works inside", { .with = "no" }, { "yes", "on ptrace", PROBE_CHAIN } },
	{ "what a redirected call returned", { .with = "in the audit" }, { .with = "not known" } },
	{ "a decision costs a program", { .with = "two stops" }, { .with = "one wait" } },
	{ "a look at a file costs it", { "one wait", "two stops", PROBE_HELD }, { .with = "one wait" } },
};
const size_t nbackend_rows = sizeof(rows) / sizeof(rows[0]);

static const char *say(const struct probe *probe, const struct cell *cell, bool works)
{
	if (!works)
		return "-";
	return cell->without && probe->fact[cell->fact] ? cell->without : cell->with;
}

struct backend_row backend_row(const struct probe *probe, size_t n, bool ptrace_works,
			       bool notify_works)
{
	return (struct backend_row){ .what = rows[n].what,
				     .ptrace = say(probe, &rows[n].ptrace, ptrace_works),
				     .notify = say(probe, &rows[n].notify, notify_works) };
}

void backend_print_row(const struct backend_row *row)
{
	printf("| %-34s | %-18s | %-18s |\n", row->what, row->ptrace, row->notify);
}
