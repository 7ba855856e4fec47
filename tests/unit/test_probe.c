/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is said of facts that were found out, whatever they are: the one thing
 * that is in the way, a reason and a remedy for each.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "doctor_facts.h"
#include "probe.h"

/* All that a backend needs, and what is said where it is what is missing. */
static const struct missing {
	enum probe_fact fact;
	const char *ptrace, *notify;	/* NULL: it works all the same */
} missing[] = {
	{ PROBE_CHILD, "no process can be made to try what is needed",
	  "no process can be made to try what is needed" },
	{ PROBE_PROC, "/proc is not mounted", "/proc is not mounted" },
	{ PROBE_NO_NEW_PRIVS, "no_new_privs cannot be set", "no_new_privs cannot be set" },
	{ PROBE_FILTER, "no filter can be installed", NULL },
	{ PROBE_MEMFD, "no sealed memory can be made", "no sealed memory can be made" },
	{ PROBE_SEIZE, "ptrace is not permitted here", NULL },
	{ PROBE_TRACE, "a traced call cannot be changed", NULL },
	{ PROBE_TOGETHER, NULL, "no listener can be installed" },
	{ PROBE_RECV, NULL, "a listener is not told of calls" },
	{ PROBE_READ_VM, NULL, NULL },
	{ PROBE_READ_MEM, NULL, NULL },
	{ PROBE_PIDFD, NULL, "pidfd_open(2) does not work" },
	{ PROBE_PIDFD_THREAD, NULL, "pidfd_open(2) does not know PIDFD_THREAD" },
	{ PROBE_PIN, NULL, "memory cannot be pinned" },
	{ PROBE_REDIRECT, NULL, "a call cannot be redirected" },
	{ PROBE_NUMBER, NULL, "a call cannot be redirected to another" },
	{ PROBE_ADDFD, NULL, "a call cannot be answered with a descriptor" },
	{ PROBE_WATCH, NULL, "an execve cannot be watched by ptrace" },
	{ PROBE_FLAG_REDIRECT, NULL, "no listener can be installed" },
	{ PROBE_FLAG_CHAIN, NULL, "no listener can be installed" },
	{ PROBE_FLAG_WAIT_KILLABLE, NULL, "no listener can be installed" },
	{ PROBE_FLAG_KILL_ORPHANS, NULL, "no listener can be installed" },
	{ PROBE_MSEAL, NULL, NULL },
	{ PROBE_OPENAT2, NULL, NULL },
	{ PROBE_LANDLOCK, NULL, NULL },
	{ PROBE_KCMP, NULL, NULL },
	{ PROBE_IO_URING, NULL, NULL },
	{ PROBE_PIDFD_GETFD, NULL, NULL },
	{ PROBE_LISTENER, NULL, NULL },
	{ PROBE_HELD, NULL, NULL },
	{ PROBE_CHAIN, NULL, NULL },
	{ PROBE_SYNC, NULL, NULL },
};
#define NMISSING (sizeof(missing) / sizeof(missing[0]))

typedef int (*says_fn)(const struct probe *probe, char *why, size_t size);

/* With this fact so, and all others as they should be. */
static void expect(says_fn says, enum probe_fact fact, int value, const char *what,
		   const char *because, int err)
{
	struct probe probe = { .ptrace_scope = -1 };
	char why[512] = "", text[512] = "";

	probe.fact[fact] = value;
	assert_int_equal(says(&probe, why, sizeof(why)), what ? err : 0);
	if (what) {
		strcat(strcpy(text, what), ": ");
		strcat(text, because);
	}
	assert_string_equal(why, text);
}

static void each_need_is_said(void **state)
{
	(void)state;
	assert_int_equal(NMISSING, PROBE_NFACTS);
	for (size_t i = 0; i < NMISSING; i++) {
		const struct missing *m = &missing[i];

		expect(probe_says_ptrace, m->fact, -EACCES, m->ptrace, strerror(EACCES), -EACCES);
		expect(probe_says_notify, m->fact, -EACCES, m->notify, strerror(EACCES), -EACCES);
		expect(probe_says_ptrace, m->fact, PROBE_TRYING, m->ptrace, "who tries it is killed",
		       -ECHILD);
		expect(probe_says_notify, m->fact, PROBE_TRYING, m->notify, "who tries it is killed",
		       -ECHILD);
		if (m->fact >= PROBE_FLAG_REDIRECT && m->fact <= PROBE_FLAG_KILL_ORPHANS)
			continue;
		expect(probe_says_ptrace, m->fact, PROBE_UNTRIED, m->ptrace,
		       "it could not be tried", -ECANCELED);
		expect(probe_says_notify, m->fact, PROBE_UNTRIED, m->notify,
		       "it could not be tried", -ECANCELED);
	}
	expect(probe_says_notify, PROBE_TOGETHER, -EBUSY, "no listener can be installed",
	       "another one is around this process", -EBUSY);
	expect(probe_says_notify, PROBE_REDIRECT, -EBADE, "a call cannot be redirected",
	       "it has another effect", -EBADE);
}

static void memory_is_read_in_one_way_or_the_other(void **state)
{
	struct probe probe = { .ptrace_scope = -1 };
	char why[128] = "";

	(void)state;
	probe.fact[PROBE_READ_VM] = probe.fact[PROBE_READ_MEM] = -EPERM;
	assert_int_equal(probe_says_notify(&probe, why, sizeof(why)), -EPERM);
	assert_string_equal(why, "the memory of a program's child cannot be read: "
				 "Operation not permitted");
	assert_int_equal(probe_says_ptrace(&probe, why, sizeof(why)), 0);
}

static void each_flag_is_needed(void **state)
{
	(void)state;
	for (int fact = PROBE_FLAG_REDIRECT; fact <= PROBE_FLAG_KILL_ORPHANS; fact++) {
		struct probe probe = { 0 };
		char why[128] = "";

		probe.fact[fact] = -EINVAL;
		assert_int_equal(probe_says_notify(&probe, why, sizeof(why)), -EOPNOTSUPP);
		assert_string_equal(why, "this kernel's seccomp(2) has no redirects");
	}
}

static void a_try_that_does_not_end_is_said(void **state)
{
	struct probe probe = { .late = true };
	char why[128] = "", cut[8] = "";

	(void)state;
	probe.fact[PROBE_RECV] = PROBE_TRYING;
	assert_int_equal(probe_says_notify(&probe, why, sizeof(why)), -ETIMEDOUT);
	assert_string_equal(why, "a listener is not told of calls: it did not end");
	assert_string_equal(fact_why(&probe, PROBE_RECV), "it did not end");
	probe_says_notify(&probe, cut, sizeof(cut));
	assert_string_equal(cut, "a liste");
}

static void each_fact_has_a_line_and_a_remedy(void **state)
{
	struct probe probe = { .ptrace_scope = -1 };
	bool seen[PROBE_NFACTS] = { false };

	(void)state;
	assert_int_equal(nfact_rows, PROBE_NFACTS);
	for (size_t i = 0; i < nfact_rows; i++) {
		enum probe_fact fact = fact_rows[i].fact;

		assert_false(seen[fact]);
		seen[fact] = true;
		assert_null(fact_why(&probe, fact));
		assert_null(fact_remedy(&probe, fact));
		for (int err = 1; err < 134; err++) {
			probe.fact[fact] = -err;
			assert_non_null(fact_why(&probe, fact));
			assert_non_null(fact_remedy(&probe, fact));
		}
		probe.fact[fact] = PROBE_UNTRIED;
		assert_string_equal(fact_why(&probe, fact), "not tried");
		assert_null(fact_remedy(&probe, fact));
		probe.fact[fact] = PROBE_TRYING;
		assert_string_equal(fact_why(&probe, fact), "who tries it is killed");
		assert_non_null(fact_remedy(&probe, fact));
		probe.fact[fact] = 0;
		for (size_t k = 0; k < i; k++) {
			assert_string_not_equal(fact_rows[k].name, fact_rows[i].name);
			assert_string_not_equal(fact_rows[k].what, fact_rows[i].what);
		}
	}
}

/* The limit is a limit, and whoever is left is ended too: it has this open. */
static int left[2];

static void hang(struct probe *probe)
{
	probe->fact[PROBE_RECV] = PROBE_TRYING;
	if (probe_fork() == 0) {
		if (probe_fork() == 0)
			setsid();
		for (;;)
			pause();
	}
}

static void what_hangs_is_ended(void **state)
{
	struct probe *probe = probe_new();

	char byte;

	(void)state;
	assert_non_null(probe);
	assert_int_equal(pipe(left), 0);
	probe->limit = 1;
	assert_int_equal(probe_apart(probe, hang), 0);
	close(left[1]);
	assert_int_equal(read(left[0], &byte, 1), 0);
	close(left[0]);
	assert_true(probe->late);
	assert_int_equal(probe->fact[PROBE_RECV], PROBE_TRYING);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	probe_free(probe);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_need_is_said),
		cmocka_unit_test(memory_is_read_in_one_way_or_the_other),
		cmocka_unit_test(each_flag_is_needed),
		cmocka_unit_test(a_try_that_does_not_end_is_said),
		cmocka_unit_test(each_fact_has_a_line_and_a_remedy),
		cmocka_unit_test(what_hangs_is_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
