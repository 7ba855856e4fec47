/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * probe_ptrace.c - tracing
 *
 * A process lets a sibling seize it, installs a filter that asks for a tracer,
 * and makes a child, whose call becomes another one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fork.h"
#include "memory.h"
#include "probe.h"
#include "regs.h"

/* A call that a supervisor makes too, so that no filter around us refuses it; an option of none. */
#define ASKED SYS_prctl
#define GIVEN SYS_getpid

static const char named[] = "pointsman was here";

static int install(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ASKED, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

/* Nothing but the call that is looked for comes after the filter. */
static _Noreturn void be_child(struct probe *probe)
{
	pid_t self = getpid();

	if (syscall(ASKED, named) != self && probe->fact[PROBE_TRACE] == PROBE_TRYING)
		probe->fact[PROBE_TRACE] = -EBADE;
	_exit(probe->fact[PROBE_TRACE] == PROBE_TRYING ? 0 : 1);
}

static _Noreturn void be_tracee(struct probe *probe, int sock, pid_t tracer)
{
	pid_t self = getpid(), child;
	int status;
	char go;

	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	prctl(PR_SET_PTRACER, tracer, 0, 0, 0);
	if (send(sock, &self, sizeof(self), MSG_NOSIGNAL) != sizeof(self) ||
	    recv(sock, &go, sizeof(go), 0) != 1)
		_exit(0);
	probe->fact[PROBE_TRACE] = PROBE_TRYING;
	child = fork_steady(0);
	if (child == 0) {
		if (!install())
			be_child(probe);
		/* Another fact is about that. */
		probe->fact[PROBE_TRACE] = PROBE_UNTRIED;
		_exit(1);
	}
	if (child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	    !WEXITSTATUS(status))
		probe->fact[PROBE_TRACE] = 0;
	else if (child < 0)
		probe_keep(probe, PROBE_TRACE, -1);
	_exit(0);
}

/* At the stop of the call: read what it names, and make another of it. */
static int change_call(pid_t tid)
{
	struct __ptrace_syscall_info info;
	char text[sizeof(named)];
	struct regs regs;
	int err;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) < 0)
		return -errno;
	err = memory_read(tid, info.seccomp.args[0], text, sizeof(text));
	if (err)
		return err;
	if (memcmp(text, named, sizeof(text)))
		return -EBADE;
	err = regs_get(tid, &regs);
	if (err)
		return err;
	regs_set_number(&regs, GIVEN);
	return regs_set(tid, &regs);
}

/* Until the tracee and its child are gone. */
static void trace(struct probe *probe)
{
	int status;
	pid_t tid;

	while ((tid = waitpid(-1, &status, __WALL)) > 0) {
		int event = status >> 16, signal = 0, err;

		if (!WIFSTOPPED(status))
			continue;
		if (event == PTRACE_EVENT_SECCOMP) {
			err = change_call(tid);
			if (err)
				probe->fact[PROBE_TRACE] = err;
		} else if (event == 0) {
			signal = WSTOPSIG(status);
		}
		ptrace(PTRACE_CONT, tid, NULL, (void *)(long)signal);
	}
}

static _Noreturn void be_tracer(struct probe *probe, int sock)
{
	const long options = PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK | PTRACE_O_TRACESECCOMP;
	pid_t tracee;

	if (recv(sock, &tracee, sizeof(tracee), 0) != sizeof(tracee))
		_exit(0);
	probe->fact[PROBE_SEIZE] = PROBE_TRYING;
	if (probe_keep(probe, PROBE_SEIZE, ptrace(PTRACE_SEIZE, tracee, NULL, (void *)options)) &&
	    send(sock, "g", 1, MSG_NOSIGNAL) == 1)
		trace(probe);
	_exit(0);
}

void probe_ptrace(struct probe *probe)
{
	pid_t tracer, tracee = -1;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		probe_keep(probe, PROBE_SEIZE, -1);
		return;
	}
	tracer = probe_fork();
	if (tracer == 0) {
		close(pair[0]);
		be_tracer(probe, pair[1]);
	}
	if (tracer > 0)
		tracee = probe_fork();
	if (tracee == 0) {
		close(pair[1]);
		be_tracee(probe, pair[0], tracer);
	}
	if (tracee < 0)
		probe_keep(probe, PROBE_SEIZE, -1);
	close(pair[0]);
	close(pair[1]);
}
