/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_policy_index.c - rules found by names decide as all rules asked in turn do
 */
#define _GNU_SOURCE
#include <unistd.h>

#include "policy_ask.h"

#define RULES	40
#define POLICIES 150
#define CALLS	200

/* Few names, so that rules meet: by prefixes, by whole components, at the root. */
static const char *const parts[] = { "a", "b", "ab", "abc", "c" };
static unsigned int seed;

static unsigned int dice(unsigned int sides)
{
	return (unsigned int)rand_r(&seed) / 7 % sides;
}

static void draw_name(char *name, size_t size)
{
	unsigned int n = dice(5);
	size_t len = 0;

	snprintf(name, size, "/");
	for (unsigned int i = 0; i < n; i++)
		len += (size_t)snprintf(name + len, size - len, "/nosuch%s", parts[dice(5)]);
}

static void draw_rule(FILE *out)
{
	static const char *const kinds[] = { "path", "tree", "glob" };
	static const char *const actions[] = { "deny: EPERM", "allow: true", "deny: ENOENT",
					       "value: 0", "redirect: {path: /nosuch/other}" };
	static const char *const classes[] = { "", "class: open-read, ", "class: open-write, ",
					       "class: [open-read, rename], " };
	const char *kind = kinds[dice(8) ? dice(2) : 2];
	const char *action = actions[dice(5)];
	char name[128], other[128];

	draw_name(name, sizeof(name));
	draw_name(other, sizeof(other));
	if (strstr(action, "redirect"))
		fprintf(out, "- {class: open-read, path: %s, %s}\n", name, action);
	else if (!dice(12))
		fprintf(out, "- {syscall: openat, deny: EIO, args: [{index: 3, equal: %u}]}\n", dice(3));
	else
		fprintf(out, "- {%s%s: [%s, %s], %s}\n", classes[dice(4)], kind, name, other, action);
}

static void draw_policy(void)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	fprintf(out, "default: deny\nrules:\n");
	for (int i = 0; i < RULES; i++)
		draw_rule(out);
	fclose(out);
	rules(text);
	free(text);
}

static void draw_call(void)
{
	static const uint32_t masks[] = { READ, WRITE, READ | WRITE, PM_BIT(PM_CLASS_METADATA),
					  PM_BIT(PM_CLASS_RENAME) };
	static char name[128];	/* the call has it */

	draw_name(name, sizeof(name));
	stub_init(&stub, "openat");
	stub_path(&stub, masks[dice(5)], name, name);
	stub.call.args[3] = dice(3);
}

static void ignore(void *data, const struct policy_step *step)
{
	(void)data;
	(void)step;
}

/* Who watches has all rules asked in turn. */
static void as_all_in_turn(void **state)
{
	const struct policy_watch watch = { .tell = ignore };
	unsigned int by_rule = 0;

	(void)state;
	for (seed = 1; seed < 1 + POLICIES; seed++) {
		unsigned int began = seed;

		draw_policy();
		for (int i = 0; i < CALLS; i++) {
			unsigned int before = seed;
			struct pm_verdict quick;

			draw_call();
			decided();
			quick = verdict;
			seed = before;
			draw_call();
			policy_watch(policy, &watch);
			decided();
			policy_watch(policy, NULL);
			if (quick.action != verdict.action || quick.err != verdict.err ||
			    strcmp(quick.rule, verdict.rule))
				fail_msg("policy %u, '%s': %s, and %s of all rules", began,
					 PATH, quick.rule, verdict.rule);
			by_rule += strcmp(quick.rule, "default") != 0;
		}
		seed = began;
	}
	assert_true(by_rule > POLICIES * CALLS / 4);
	assert_true(by_rule < POLICIES * CALLS);
}

/* No name, and names that are not absolute: they match as they do of all rules. */
static void strange(void **state)
{
	static const char *const names[] = { "", "nosuch", "(unreachable)/nosuch" };

	(void)state;
	rules("rules:\n- {tree: /, deny: EPERM}\n- {path: /nosuch, deny: EIO}\n");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *exact = strdup(names[i]);	/* so that reading on is found out */

		stub_init(&stub, "openat");
		stub_path(&stub, READ, exact, exact);
		for (int anonymous = 0; anonymous < 2; anonymous++) {
			((struct pm_where *)pm_item_where(&stub.call, &stub.call.items[0]))->anonymous =
				anonymous;
			decided();
		}
		free(exact);
	}
}

/* More directories with rules of their own than are walked at once. */
static void deep(void **state)
{
	char name[1024] = "";
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	fprintf(out, "rules:\n");
	for (int i = 0; i < 100; i++) {
		strcat(name, "/nosuch");
		fprintf(out, "- {tree: %s, class: %s, deny: EPERM}\n", name,
			i == 70 ? "open-read" : "chdir");
	}
	fclose(out);
	rules(text);
	free(text);
	assert_int_equal(opened(READ, name), PM_DENY);
	assert_string_equal(verdict.rule, "rules[70]");
	assert_int_equal(opened(WRITE, name), PM_ALLOW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(as_all_in_turn, clear),
		cmocka_unit_test_teardown(strange, clear),
		cmocka_unit_test_teardown(deep, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
