/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a container's profile says of a call, by its config.json
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "oci_judge.h"

static char dir[] = "/tmp/test-judge-XXXXXX";

/* The judge of a bundle whose linux.seccomp is this text. */
static int judge_of(const char *profile, struct oci_judge **judge)
{
	char path[64], *text = NULL;
	FILE *file;
	int err;

	snprintf(path, sizeof(path), "%s/config.json", dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "{\"linux\": {\"seccomp\": %s}}", profile);
	fclose(file);
	err = oci_profile_read(dir, "c", &text);
	if (!err)
		err = oci_judge_new(text, "c", judge);
	free(text);
	return err;
}

static uint32_t asks(const struct oci_judge *judge, int nr, uint64_t first)
{
	const struct pm_call call = { .arch = AUDIT_ARCH_X86_64, .nr = nr, .args = { first } };

	return oci_judge_asks(judge, &call);
}

static void test_actions(void **state)
{
	struct oci_judge *judge;

	(void)state;
	assert_int_equal(judge_of("{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 38,"
				  "\"architectures\": [\"SCMP_ARCH_X86_64\"], \"syscalls\": ["
				  "{\"names\": [\"read\", \"no_such_call\"], \"action\": \"SCMP_ACT_ALLOW\"},"
				  "{\"names\": [\"openat\"], \"action\": \"SCMP_ACT_NOTIFY\"},"
				  "{\"names\": [\"unshare\"], \"action\": \"SCMP_ACT_ERRNO\"},"
				  "{\"names\": [\"mount\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 13},"
				  "{\"names\": [\"reboot\"], \"action\": \"SCMP_ACT_KILL_PROCESS\"},"
				  "{\"names\": [\"swapon\"], \"action\": \"SCMP_ACT_OF_TOMORROW\"}]}",
				  &judge), 0);
	assert_int_equal(asks(judge, SYS_read, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(asks(judge, SYS_openat, 0), SECCOMP_RET_USER_NOTIF);
	assert_int_equal(asks(judge, SYS_unshare, 0), SECCOMP_RET_ERRNO | EPERM);
	assert_int_equal(asks(judge, SYS_mount, 0), SECCOMP_RET_ERRNO | EACCES);
	assert_int_equal(asks(judge, SYS_reboot, 0), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(asks(judge, SYS_getpid, 0), SECCOMP_RET_ERRNO | ENOSYS);
	assert_int_equal(asks(judge, 4000, 0), SECCOMP_RET_ERRNO | ENOSYS);
	/* What is not known is what is strictest. */
	assert_int_equal(asks(judge, SYS_swapon, 0), SECCOMP_RET_KILL_THREAD);
	oci_judge_free(judge);
}

static void test_arguments(void **state)
{
	struct oci_judge *judge;

	(void)state;
	assert_int_equal(judge_of("{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": ["
				  "{\"names\": [\"unshare\"], \"action\": \"SCMP_ACT_ERRNO\", \"args\": ["
				  "{\"index\": 0, \"value\": 268435456, \"valueTwo\": 268435456,"
				  " \"op\": \"SCMP_CMP_MASKED_EQ\"}]},"
				  "{\"names\": [\"personality\"], \"action\": \"SCMP_ACT_ERRNO\", \"args\": ["
				  "{\"index\": 0, \"value\": 8, \"op\": \"SCMP_CMP_GE\"}]},"
				  "{\"names\": [\"alarm\"], \"action\": \"SCMP_ACT_ERRNO\", \"args\": ["
				  "{\"index\": 0, \"value\": 1, \"op\": \"SCMP_CMP_EQ\"},"
				  "{\"index\": 0, \"value\": 2, \"op\": \"SCMP_CMP_EQ\"}]}]}", &judge), 0);
	assert_int_equal(asks(judge, SYS_unshare, 0x10000000), SECCOMP_RET_ERRNO | EPERM);
	assert_int_equal(asks(judge, SYS_unshare, 0x14000000), SECCOMP_RET_ERRNO | EPERM);
	assert_int_equal(asks(judge, SYS_unshare, 0x4000000), SECCOMP_RET_ALLOW);
	assert_int_equal(asks(judge, SYS_personality, 7), SECCOMP_RET_ALLOW);
	assert_int_equal(asks(judge, SYS_personality, 8), SECCOMP_RET_ERRNO | EPERM);
	assert_int_equal(asks(judge, SYS_personality, UINT64_MAX), SECCOMP_RET_ERRNO | EPERM);
	assert_int_equal(asks(judge, SYS_alarm, 1), SECCOMP_RET_ERRNO | EPERM);
	assert_int_equal(asks(judge, SYS_alarm, 2), SECCOMP_RET_ERRNO | EPERM);
	assert_int_equal(asks(judge, SYS_alarm, 3), SECCOMP_RET_ALLOW);
	oci_judge_free(judge);
}

/* A table that the profile does not let in. */
static void test_tables(void **state)
{
	const struct pm_call call = { .arch = AUDIT_ARCH_I386, .nr = 3 };
	struct oci_judge *judge;

	(void)state;
	assert_int_equal(judge_of("{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": ["
				  "{\"names\": [\"mount\"], \"action\": \"SCMP_ACT_ERRNO\"}]}", &judge), 0);
	assert_int_equal(oci_judge_asks(judge, &call), SECCOMP_RET_KILL_THREAD);
	oci_judge_free(judge);
	assert_int_equal(judge_of("{\"defaultAction\": \"SCMP_ACT_ALLOW\","
				  "\"architectures\": [\"SCMP_ARCH_X86_64\", \"SCMP_ARCH_X86\"],"
				  "\"syscalls\": [{\"names\": [\"mount\"], \"action\": \"SCMP_ACT_ERRNO\"}]}",
				  &judge), 0);
	assert_int_equal(oci_judge_asks(judge, &call), SECCOMP_RET_ALLOW);
	oci_judge_free(judge);
}

static void test_failures(void **state)
{
	struct oci_judge *judge = NULL;
	char *text = NULL;

	(void)state;
	assert_int_equal(oci_profile_read("/nowhere", "c", &text), -ENOENT);
	assert_int_equal(oci_profile_read(NULL, "c", &text), -ENOENT);
	assert_int_equal(oci_judge_new("no JSON", "c", &judge), -EINVAL);
	assert_int_equal(judge_of("null", &judge), -ENOENT);
	assert_int_equal(judge_of("{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": ["
				  "{\"names\": [\"mount\"], \"action\": \"SCMP_ACT_ERRNO\", \"args\": ["
				  "{\"index\": 0, \"value\": 1, \"op\": \"SCMP_CMP_NEARLY\"}]}]}", &judge),
			 -EINVAL);
	assert_null(judge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_failures),
	};
	char path[64];
	int failed;

	if (!mkdtemp(dir))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(path, sizeof(path), "%s/config.json", dir);
	unlink(path);
	rmdir(dir);
	return failed;
}
