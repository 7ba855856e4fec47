// SPDX-License-Identifier: GPL-2.0
/*
 * A container has a policy that refuses unshare. In it, a program installs a
 * filter with a listener, and redirects a call that does not exist to unshare.
 * The policy must hold, whether it opted in to filter chains or not, and one with
 * a listener of its own is asked about unshare; without a policy the redirect
 * must work, or the rest shows nothing.
 *
 * Prints a line for each, and ends with 1 where one is not as expected.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "demo.h"

#define NO_SUCH_CALL	12345
#define MARK		0x5eccL

enum policy { NONE, NOT_OPTED_IN, OPTED_IN, LISTENER };

static const struct scene {
	const char *name;
	enum policy policy;
	const char *expected;
} scenes[] = {
	{ "no policy", NONE, "unshare runs" },
	{ "a policy that did not opt in", NOT_OPTED_IN, "EPERM of the policy" },
	{ "a policy that opted in (CHAIN)", OPTED_IN, "EPERM of the policy" },
	{ "one with a listener (CHAIN)", LISTENER, "asked about unshare" },
};

/* What happened, in a page that all processes of a scene share. */
struct outcome {
	int setup;		/* -errno of a filter or of the redirect */
	int asked;		/* the call that the inner listener was asked about */
	int asked_outside;	/* and the policy's, afterwards */
	bool returned;
	long result;
	long mark;		/* the caller's register, after the call */
	bool new_namespace;
};

static ino_t uts_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/uts", &st) ? 0 : st.st_ino;
}

/* The caller reads its own register back. */
static void call(struct outcome *out)
{
	ino_t before = uts_namespace();
	long result, mark = MARK;

	asm volatile("syscall"
		     : "=a" (result), "+D" (mark)
		     : "a" (NO_SUCH_CALL)
		     : "rcx", "r11", "memory");
	out->result = result;
	out->mark = mark;
	out->new_namespace = uts_namespace() != before;
	out->returned = true;
}

static int redirect_to_unshare(int listener, struct outcome *out)
{
	struct seccomp_notif_resp_redirect answer = {
		.flags = SECCOMP_REDIRECT_FLAG_CONTINUE |
			 SECCOMP_REDIRECT_FLAG_NR,
		.nr = SYS_unshare,
		.args_mask = 1,
		.args = { CLONE_NEWUTS },
	};
	struct seccomp_notif req;
	int ret = notification_receive(listener, &req);

	if (ret)
		return ret;
	out->asked = req.data.nr;
	answer.id = req.id;
	ret = notification_redirect(listener, &answer);
	if (ret)
		notification_refuse(listener, req.id, -ret);
	return ret;
}

/* The policy's listener is asked about the call as it now stands. */
static int refuse_outside(int listener, struct outcome *out)
{
	struct seccomp_notif req;
	int ret = notification_receive(listener, &req);

	if (ret)
		return ret;
	out->asked_outside = req.data.nr;
	return notification_refuse(listener, req.id, EPERM);
}

/* 0, or the listener of a policy that has one. */
static int policy_install(enum policy policy)
{
	switch (policy) {
	case NOT_OPTED_IN:
		return filter_install(0, SYS_unshare,
				      SECCOMP_RET_ERRNO | EPERM);
	case OPTED_IN:
		return filter_install(SECCOMP_FILTER_FLAG_CHAIN, SYS_unshare,
				      SECCOMP_RET_ERRNO | EPERM);
	case LISTENER:
		return filter_install(SECCOMP_FILTER_FLAG_CHAIN |
				      SECCOMP_FILTER_FLAG_NEW_LISTENER,
				      SYS_unshare, SECCOMP_RET_USER_NOTIF);
	default:
		return 0;
	}
}

/* The container: its policy, and in it the one who redirects and who calls. */
static int contain(enum policy policy, struct outcome *out)
{
	int outside, listener, ret;
	pid_t pid;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	outside = policy_install(policy);
	if (outside < 0)
		return outside;
	listener = filter_install(SECCOMP_FILTER_FLAG_NEW_LISTENER |
				  SECCOMP_FILTER_FLAG_REDIRECT, NO_SUCH_CALL,
				  SECCOMP_RET_USER_NOTIF);
	if (listener < 0)
		return listener;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		call(out);
		_exit(0);
	}
	ret = redirect_to_unshare(listener, out);
	if (!ret && policy == LISTENER)
		ret = refuse_outside(outside, out);
	waitpid(pid, NULL, 0);
	return ret;
}

static void tell(const struct outcome *out, char *text, size_t size)
{
	if (out->setup)
		snprintf(text, size, "%s", strerror(-out->setup));
	else if (!out->returned)
		snprintf(text, size, "the call never returned");
	else if (out->asked != NO_SUCH_CALL)
		snprintf(text, size, "asked about call %d", out->asked);
	else if (out->mark != MARK)
		snprintf(text, size, "a register changed: %lx", out->mark);
	else if (!out->result && out->new_namespace)
		snprintf(text, size, "unshare runs");
	else if (out->result == -EPERM && !out->new_namespace &&
		 out->asked_outside == SYS_unshare)
		snprintf(text, size, "asked about unshare");
	else if (out->result == -EPERM && !out->new_namespace &&
		 !out->asked_outside)
		snprintf(text, size, "EPERM of the policy");
	else
		snprintf(text, size, "result %ld, namespace %s", out->result,
			 out->new_namespace ? "new" : "as before");
}

static bool play(const struct scene *scene)
{
	struct outcome *out;
	char seen[80];
	bool right;
	pid_t pid;

	out = mmap(NULL, sizeof(*out), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (out == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	pid = fork();
	if (pid < 0) {
		perror("fork");
		exit(1);
	}
	if (!pid) {
		out->setup = contain(scene->policy, out);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	tell(out, seen, sizeof(seen));
	munmap(out, sizeof(*out));
	right = !strcmp(seen, scene->expected);
	printf("   %-32s expected: %-20s seen: %-20s %s\n", scene->name,
	       scene->expected, seen, right ? "ok" : "WRONG");
	fflush(stdout);
	return right;
}

int main(void)
{
	size_t i;
	int wrong = 0;

	for (i = 0; i < ARRAY_SIZE(scenes); i++)
		wrong += !play(&scenes[i]);
	return wrong ? 1 : 0;
}
