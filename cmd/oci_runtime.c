/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * docs/agent.md says how the table was made.
 */
#include "oci_runtime.h"

#include <string.h>

static const char tells[] = "runtimes tell of the listener with it";
static const char reports[] = "runtimes hand the listener over with it";
static const char closes[] = "runtimes let go of the listener with it";
static const char scheduler[] = "the scheduler of Go calls it in runc at any time";

static const struct {
	const char *syscall;
	const char *who;
} table[] = {
	{ "write", tells },
	{ "writev", tells },
	{ "sendmsg", reports },
	{ "sendto", reports },
	{ "close", closes },
	{ "clock_nanosleep", scheduler },
	{ "clone", scheduler },
	{ "epoll_ctl", scheduler },
	{ "epoll_pwait", scheduler },
	{ "exit", scheduler },
	{ "futex", scheduler },
	{ "getpid", scheduler },
	{ "gettid", scheduler },
	{ "madvise", scheduler },
	{ "mmap", scheduler },
	{ "munmap", scheduler },
	{ "nanosleep", scheduler },
	{ "rt_sigaction", scheduler },
	{ "rt_sigprocmask", scheduler },
	{ "rt_sigreturn", scheduler },
	{ "sched_yield", scheduler },
	{ "sigaltstack", scheduler },
	{ "tgkill", scheduler },
};

const char *oci_runtime_calls(const char *syscall)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (!strcmp(table[i].syscall, syscall))
			return table[i].who;
	return NULL;
}
