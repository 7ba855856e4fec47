/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a forked address space is believed to hold, and whose descriptor one is.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "courier.h"
#include "task.h"

#define THERE 0x10000u

/* As it is when the arena has been made and looked at. */
static struct space *verified_space(bool alone)
{
	struct space *space = space_new();

	assert_non_null(space);
	assert_int_equal(arena_new(&space->arena), 0);
	space->at[WIDE] = THERE;
	space_verify(space, WIDE, true, alone);
	assert_true(space->verified[WIDE]);
	return space;
}

static void forked_is(struct space *space, bool sure, bool verified)
{
	struct space *child = space_fork(space, sure);

	assert_non_null(child);
	assert_ptr_equal(child->arena, space->arena);
	assert_int_equal(child->at[WIDE], THERE);
	assert_int_equal(child->verified[WIDE], verified);
	assert_int_equal(child->at[NARROW], 0);
	assert_false(child->verified[NARROW]);
	space_put(child);
	space_put(space);
}

static void copy_is_as_verified(void **state)
{
	(void)state;
	forked_is(verified_space(true), true, true);
}

/* A fork that has copied the address space before it was made may be told of after that. */
static void copy_may_be_older(void **state)
{
	(void)state;
	forked_is(verified_space(false), true, false);
}

static void copy_may_lack_it(void **state)
{
	struct space *space = verified_space(true);

	(void)state;
	space->kept = true;
	forked_is(space, true, false);
	forked_is(verified_space(true), false, false);
}

static void not_verified_is_not_inherited(void **state)
{
	struct space *space = verified_space(true);

	(void)state;
	space->verified[WIDE] = false;
	forked_is(space, true, false);
}

/* A child of a copy that was not believed, once that has been looked at. */
static void verified_again(void **state)
{
	struct space *space = verified_space(true), *child;

	(void)state;
	space->kept = true;
	child = space_fork(space, true);
	space_put(space);
	assert_non_null(child);
	space_verify(child, WIDE, true, true);
	forked_is(child, true, true);
}

static void not_there(void **state)
{
	struct space *space = verified_space(true);

	(void)state;
	space_verify(space, WIDE, false, true);
	assert_int_equal(space->at[WIDE], 0);
	assert_false(space->verified[WIDE]);
	space_put(space);
}

static void only_what_was_brought(void **state)
{
	int ours = open("/dev/null", O_RDONLY | O_CLOEXEC), same = dup(ours);
	int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int third = open("/dev/null", O_RDONLY | O_CLOEXEC);
	pid_t child = fork();
	int status;

	(void)state;
	assert_true(ours >= 0 && same >= 0 && other >= 0 && third >= 0 && child >= 0);
	if (!child) {
		pause();
		_exit(0);
	}
	assert_true(courier_brought(child, same, other, ours));
	/* Of the same name, and opened by somebody else. */
	assert_false(courier_brought(child, other, third, ours));
	/* Who says of all that they are the same says nothing. */
	assert_false(courier_brought(child, same, same, ours));
	assert_false(courier_brought(child, 9999, other, ours));
	assert_false(courier_brought(child, same, 9999, ours));
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	close(ours);
	close(same);
	close(other);
	close(third);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copy_is_as_verified),
		cmocka_unit_test(copy_may_be_older),
		cmocka_unit_test(copy_may_lack_it),
		cmocka_unit_test(not_verified_is_not_inherited),
		cmocka_unit_test(verified_again),
		cmocka_unit_test(not_there),
		cmocka_unit_test(only_what_was_brought),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
