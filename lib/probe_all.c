/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * probe_all.c - single tries, and all of them
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arena.h"
#include "probe.h"
#include "uapi.h"

/* A filter that lets everything pass. */
static long install(unsigned long flags)
{
	struct sock_filter allow = { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW };
	struct sock_fprog program = { .len = 1, .filter = &allow };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

static long try_child(void)
{
	return 0;
}

static long try_proc(void)
{
	return access("/proc/self/fd", X_OK);
}

static long try_no_new_privs(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static long try_filter(void)
{
	return install(0);
}

static long try_memfd(void)
{
	struct arena *arena;
	int err = arena_new(&arena);

	errno = -err;
	return err ? -1 : 0;
}

static long try_mseal(void)
{
	errno = ENOSYS;
	return arena_seals(NULL) ? 0 : -1;
}

static long try_openat2(void)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS };

	return syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how));
}

/* It looks at its structure before it does anything; there is none. */
static long try_io_uring(void)
{
	syscall(SYS_io_uring_setup, 1, NULL);
	return errno == EFAULT ? 0 : -1;
}

static long try_listener(void)
{
	return install(SECCOMP_FILTER_FLAG_NEW_LISTENER);
}

static long try_held(void)
{
	return install(SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
}

/* In one segment there can be one listener. */
static long try_chain(void)
{
	const unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_CHAIN;

	return install(flags) < 0 ? -1 : install(flags);
}

static const struct {
	enum probe_fact fact;
	long (*try)(void);
} tries[] = {
	{ PROBE_CHILD, try_child },
	{ PROBE_PROC, try_proc },
	{ PROBE_NO_NEW_PRIVS, try_no_new_privs },
	{ PROBE_FILTER, try_filter },
	{ PROBE_MEMFD, try_memfd },
	{ PROBE_MSEAL, try_mseal },
	{ PROBE_OPENAT2, try_openat2 },
	{ PROBE_IO_URING, try_io_uring },
	{ PROBE_LISTENER, try_listener },
	{ PROBE_HELD, try_held },
};

static void try_singles(struct probe *probe)
{
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++)
		probe_try(probe, tries[i].fact, tries[i].try);
}

static void try_landlock(struct probe *probe)
{
	long version;

	probe->fact[PROBE_LANDLOCK] = PROBE_TRYING;
	version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	probe->landlock = (int)version;
	probe_keep(probe, PROBE_LANDLOCK, version);
}

static void try_flags(struct probe *probe)
{
	probe_flags(probe);
	if (!probe->fact[PROBE_FLAG_CHAIN])
		probe_try(probe, PROBE_CHAIN, try_chain);
}

int probe_all(struct probe *probe)
{
	static void (*const bodies[])(struct probe * probe) = {
		try_singles, try_landlock, probe_ptrace, probe_reach, try_flags, probe_listener,
	};
	int err = probe_around(probe, getpid());

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]) && !err; i++)
		err = probe_apart(probe, bodies[i]);
	return err;
}
