/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * without CALL[=ERRNO]... -- COMMAND [ARG...]: run a command on a kernel, or in
 * a container, that lacks some calls: they answer ENOSYS, or the errno given, or
 * kill the process that makes them (CALL=kill).  Calls that have no name are
 * "listener": seccomp(2) where it asks for one; "held": where it asks for one whose
 * calls no signal interrupts; and "set_syscall_info": ptrace(2) where it sets a call in
 * one piece.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define NEW_LISTENER 8u
#define WAIT_KILLABLE_RECV 32u	/* of Linux 5.19 */
#define SET_SYSCALL_INFO 0x4212	/* PTRACE_SET_SYSCALL_INFO of Linux 6.16 */

static int take_away(scmp_filter_ctx ctx, char *what)
{
	char *equal = strchr(what, '=');
	uint32_t action = SCMP_ACT_ERRNO(ENOSYS);
	int err, nr;

	if (equal) {
		*equal = '\0';
		err = atoi(equal + 1);
		action = err > 0 ? SCMP_ACT_ERRNO((unsigned int)err) : 0;
		if (!strcmp(equal + 1, "kill"))
			action = SCMP_ACT_KILL_PROCESS;
	}
	if (!strcmp(what, "listener"))
		return seccomp_rule_add(ctx, action, SCMP_SYS(seccomp), 1,
					SCMP_A1(SCMP_CMP_MASKED_EQ, NEW_LISTENER, NEW_LISTENER));
	if (!strcmp(what, "held"))
		return seccomp_rule_add(ctx, action, SCMP_SYS(seccomp), 1,
					SCMP_A1(SCMP_CMP_MASKED_EQ, WAIT_KILLABLE_RECV,
						WAIT_KILLABLE_RECV));
	if (!strcmp(what, "set_syscall_info"))
		return seccomp_rule_add(ctx, action, SCMP_SYS(ptrace), 1,
					SCMP_A0(SCMP_CMP_EQ, SET_SYSCALL_INFO, 0));
	nr = strcmp(what, "mseal") ? seccomp_syscall_resolve_name(what) : 462;
	if (nr < 0 || !action) {
		fprintf(stderr, "without: what is %s\n", what);
		return -1;
	}
	return seccomp_rule_add(ctx, action, nr, 0);
}

int main(int argc, char **argv)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int i;

	for (i = 1; ctx && i < argc && strcmp(argv[i], "--"); i++)
		if (take_away(ctx, argv[i]))
			return 125;
	if (!ctx || i + 1 >= argc) {
		fprintf(stderr, "usage: without CALL[=ERRNO]... -- COMMAND [ARG...]\n");
		return 125;
	}
	if (seccomp_load(ctx)) {
		fprintf(stderr, "without: the filter cannot be loaded\n");
		return 125;
	}
	seccomp_release(ctx);
	execvp(argv[i + 1], argv + i + 1);
	perror(argv[i + 1]);
	return 127;
}
