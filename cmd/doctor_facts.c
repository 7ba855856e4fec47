/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "doctor_facts.h"

#include <errno.h>
#include <string.h>

/* The profile of a container, by docker(1) and podman(1). */
#define PROFILE(call) \
	"in a container: a seccomp profile that allows " call " (--security-opt seccomp=FILE)"
#define SERIES "a kernel with the patch series in kernel/ (kernel/README.md)"
#define SCOPE "sysctl kernel.yama.ptrace_scope=0, or CAP_SYS_PTRACE"

const struct fact_row fact_rows[] = {
	{ PROBE_CHILD, NEED_BOTH, "child", "processes can be made to try it" },
	{ PROBE_PROC, NEED_BOTH, "proc", "/proc is mounted" },
	{ PROBE_NO_NEW_PRIVS, NEED_BOTH, "no-new-privs", "no_new_privs can be set" },
	{ PROBE_FILTER, NEED_BOTH, "filter", "a filter can be installed" },
	{ PROBE_MEMFD, NEED_BOTH, "sealed-memory", "sealed memory can be made" },

	{ PROBE_SEIZE, NEED_PTRACE, "trace", "a process can be traced" },
	{ PROBE_TRACE, NEED_PTRACE, "trace-call", "its child stops, is read, and runs another call" },

	{ PROBE_FLAG_REDIRECT, NEED_NOTIFY, "redirect-flag", "SECCOMP_FILTER_FLAG_REDIRECT" },
	{ PROBE_FLAG_CHAIN, NEED_NOTIFY, "chain-flag", "SECCOMP_FILTER_FLAG_CHAIN" },
	{ PROBE_FLAG_WAIT_KILLABLE, NEED_NOTIFY, "wait-killable-flag",
	  "SECCOMP_FILTER_FLAG_WAIT_KILLABLE" },
	{ PROBE_FLAG_KILL_ORPHANS, NEED_NOTIFY, "kill-orphans-flag",
	  "SECCOMP_FILTER_FLAG_KILL_ORPHANS" },
	{ PROBE_TOGETHER, NEED_NOTIFY, "listener-here", "a listener with those flags that are there" },
	{ PROBE_RECV, NEED_NOTIFY, "receive", "it is told of a call" },
	{ PROBE_PIN, NEED_NOTIFY, "pin", "memory is pinned into the caller" },
	{ PROBE_REDIRECT, NEED_NOTIFY, "redirect", "the call runs on another path" },
	{ PROBE_NUMBER, NEED_NOTIFY, "redirect-number", "the call runs as another one" },
	{ PROBE_ADDFD, NEED_NOTIFY, "add-descriptor", "the call is answered with a descriptor" },
	{ PROBE_WATCH, NEED_NOTIFY, "watch", "the caller is traced until the call returns" },
	{ PROBE_READ_VM, NEED_NOTIFY, "read-vm", "memory can be read by process_vm_readv(2)" },
	{ PROBE_READ_MEM, NEED_NOTIFY, "read-mem", "or by /proc/PID/mem" },
	{ PROBE_PIDFD, NEED_NOTIFY, "pidfd", "a process has a pidfd" },
	{ PROBE_PIDFD_THREAD, NEED_NOTIFY, "pidfd-thread", "a thread has one (PIDFD_THREAD)" },

	{ PROBE_MSEAL, NEED_NONE, "mseal", "mappings can be sealed by mseal(2)" },
	{ PROBE_OPENAT2, NEED_NONE, "openat2", "files can be opened by openat2(2)" },
	{ PROBE_LANDLOCK, NEED_NONE, "landlock", "Landlock" },
	{ PROBE_LISTENER, NEED_NONE, "listener", "a filter can have a listener" },
	{ PROBE_HELD, NEED_NONE, "held-listener",
	  "its calls are held through signals (WAIT_KILLABLE_RECV)" },
	{ PROBE_CHAIN, NEED_NONE, "chain", "a listener can be inside another (CHAIN)" },
	{ PROBE_SYNC, NEED_NONE, "sync-wake-up", "a listener is woken in place" },
	{ PROBE_PIDFD_GETFD, NEED_NONE, "pidfd-getfd", "descriptors can be taken by pidfd_getfd(2)" },
	{ PROBE_KCMP, NEED_NONE, "kcmp", "processes can be compared by kcmp(2)" },
	{ PROBE_IO_URING, NEED_NONE, "io-uring", "io_uring (not for programs of pointsman)" },
};
const size_t nfact_rows = sizeof(fact_rows) / sizeof(fact_rows[0]);

const char *fact_why(const struct probe *probe, enum probe_fact fact)
{
	switch (probe->fact[fact]) {
	case 0:
		return NULL;
	case PROBE_UNTRIED:
		return "not tried";
	case PROBE_TRYING:
		return probe->late ? "it did not end" : "who tries it is killed";
	case -EBADE:
		return "it has another effect";
	default:
		return strerror(-probe->fact[fact]);
	}
}

static const char *trace_remedy(const struct probe *probe)
{
	if (probe->guarded && probe->shut)
		return "a pointsman around this one traces it: give that one this policy too, run "
		       "outside of it, or run that one with --backend notify on a kernel that has "
		       "redirects";
	if (probe->tracer)
		return "a debugger is around this process: run outside of it";
	if (probe->ptrace_scope == 3)
		return "kernel.yama.ptrace_scope=3 cannot be changed back: boot without it";
	if (probe->ptrace_scope == 2)
		return "sysctl kernel.yama.ptrace_scope=1, or CAP_SYS_PTRACE";
	return PROFILE("ptrace(2)");
}

static const char *memfd_remedy(int err)
{
	if (err == -EACCES)
		return "sysctl vm.memfd_noexec=1";
	if (err == -EFBIG)
		return "raise the hard limit on the size of files to 16 MiB (ulimit -Hf 16384)";
	if (err == -ENOMEM)
		return "raise the limit on address space (ulimit -v), or the memory of the container";
	return PROFILE("memfd_create(2)");
}

static const char *listener_remedy(int err)
{
	if (err == -EBUSY)
		return "a listener that is no chain filter is around this process (a container's, or "
		       "another supervisor's): run outside of it, or with --backend ptrace";
	return "Linux 5.5 or later; " PROFILE("seccomp(2) with SECCOMP_FILTER_FLAG_NEW_LISTENER");
}

/* A listener may be there, and none inside it. */
static const char *chain_remedy(const struct probe *probe, int err)
{
	if (err == -EBUSY && !probe->fact[PROBE_LISTENER])
		return "a filter that is no chain filter is around this process (a container's "
		       "profile): one listener is all that it allows, so a pointsman in a pointsman "
		       "runs outside of it";
	return listener_remedy(err);
}

static const char *landlock_remedy(int err)
{
	if (err == -EOPNOTSUPP)
		return "boot with landlock in the list of lsm= (names are then held in their trees)";
	return "a kernel with CONFIG_SECURITY_LANDLOCK (names are then held in their trees); "
	       PROFILE("landlock_create_ruleset(2)");
}

/* Where only this process is not let, or nobody. */
static const char *reading_remedy(const struct probe *probe, const char *profile)
{
	return probe->ptrace_scope > 0 ? SCOPE : profile;
}

static const char *io_uring_remedy(const struct probe *probe)
{
	if (probe->guarded)
		return "only a policy that says 'unsafe: [io_uring]' has use for it";
	if (probe->io_uring_disabled > 0)
		return "only a policy that says 'unsafe: [io_uring]' has use for it: sysctl "
		       "kernel.io_uring_disabled=0";
	return "only a policy that says 'unsafe: [io_uring]' has use for it: a kernel with "
	       "CONFIG_IO_URING; " PROFILE("io_uring_setup(2)");
}

static const char *missing_remedy(const struct probe *probe, enum probe_fact fact, int err)
{
	switch (fact) {
	case PROBE_CHILD:
		return PROFILE("clone(2), prctl(2) and socketpair(2)") ", and no limit "
		       "on processes";
	case PROBE_PROC:
		return "mount -t proc proc /proc";
	case PROBE_NO_NEW_PRIVS:
		return PROFILE("prctl(2)");
	case PROBE_FILTER:
		return "a kernel with CONFIG_SECCOMP_FILTER; " PROFILE("seccomp(2)");
	case PROBE_MEMFD:
		return memfd_remedy(err);
	case PROBE_SEIZE:
		return trace_remedy(probe);
	case PROBE_TRACE:
		return "Linux 5.3 or later, and no emulation of it (gVisor, qemu-user)";
	case PROBE_FLAG_REDIRECT:
	case PROBE_FLAG_CHAIN:
	case PROBE_FLAG_WAIT_KILLABLE:
	case PROBE_FLAG_KILL_ORPHANS:
		return err == -EINVAL ? SERIES : PROFILE("seccomp(2)");
	case PROBE_LISTENER:
	case PROBE_TOGETHER:
		return listener_remedy(err);
	case PROBE_HELD:
		return err == -EINVAL ? "Linux 5.19 or later" : listener_remedy(err);
	case PROBE_CHAIN:
		return chain_remedy(probe, err);
	case PROBE_RECV:
		return "Linux 5.5 or later; " PROFILE("ioctl(2)");
	case PROBE_PIN:
	case PROBE_REDIRECT:
	case PROBE_NUMBER:
		return probe->fact[PROBE_FLAG_REDIRECT] ? NULL : PROFILE("ioctl(2)");
	case PROBE_ADDFD:
		return "Linux 5.14 or later";
	case PROBE_WATCH:
		return probe->ptrace_scope == 1 ? SCOPE : trace_remedy(probe);
	case PROBE_READ_VM:
		return reading_remedy(probe, PROFILE("process_vm_readv(2)"));
	case PROBE_READ_MEM:
		return reading_remedy(probe, "a /proc that is mounted without hidepid");
	case PROBE_PIDFD:
		return "Linux 5.3 or later; " PROFILE("pidfd_open(2)");
	case PROBE_PIDFD_THREAD:
		return "Linux 6.9 or later";
	case PROBE_MSEAL:
		return "Linux 6.10 or later; " PROFILE("mseal(2)");
	case PROBE_OPENAT2:
		return "Linux 5.6 or later; " PROFILE("openat2(2)");
	case PROBE_LANDLOCK:
		return landlock_remedy(err);
	case PROBE_SYNC:
		return "Linux 6.6 or later";
	case PROBE_PIDFD_GETFD:
		return reading_remedy(probe, "Linux 5.6 or later; " PROFILE("pidfd_getfd(2)"));
	case PROBE_KCMP:
		return "a kernel with CONFIG_KCMP; " PROFILE("kcmp(2)");
	case PROBE_IO_URING:
		return io_uring_remedy(probe);
	case PROBE_NFACTS:
		break;
	}
	return NULL;
}

const char *fact_remedy(const struct probe *probe, enum probe_fact fact)
{
	int err = probe->fact[fact];

	return err && err != PROBE_UNTRIED ? missing_remedy(probe, fact, err) : NULL;
}
