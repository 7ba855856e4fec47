/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * policy_ask.h - one policy, asked about one call at a time
 */
#ifndef POINTSMAN_POLICY_ASK_H
#define POINTSMAN_POLICY_ASK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy_stubs.h"
#include "rules.h"

#define READ   PM_BIT(PM_CLASS_OPEN_READ)
#define WRITE  PM_BIT(PM_CLASS_OPEN_WRITE)
#define CREATE PM_BIT(PM_CLASS_CREATE)
#define EXEC   PM_BIT(PM_CLASS_EXEC)

static struct policy *policy;
static struct stub_call stub;
static struct pm_verdict verdict;

static inline int clear(void **state)
{
	(void)state;
	policy_free(policy);
	policy = NULL;
	return 0;
}

/* The policy for what follows: rules, each of one line, after line 1. */
static inline void rules(const char *text)
{
	char *whole, *error;

	policy_free(policy);
	assert_true(asprintf(&whole, "version: 1\n%s", text) > 0);
	if (policy_parse("p.yaml", whole, strlen(whole), &policy, &error))
		fail_msg("%s", error);
	free(whole);
}

static inline int decide(void)
{
	struct pm_layer *layer = policy_layer(policy);

	verdict = (struct pm_verdict){ 0 };
	return layer->decide(layer->data, &stub.call, &verdict);
}

static inline enum pm_action decided(void)
{
	int err = decide();

	if (err)
		fail_msg("%s", strerror(-err));
	return verdict.action;
}

/* A call that opens the file so; what was made of its path. */
static inline enum pm_action opened(uint32_t classes, const char *name)
{
	stub_init(&stub, "openat");
	stub_path(&stub, classes, name, name);
	return decided();
}

static inline bool wants(const char *syscall, uint32_t classes)
{
	struct pm_layer *layer = policy_layer(policy);

	return layer->wants(layer->data, syscall, classes);
}

#define PATH ((const char *)stub.items[0].data)

static inline enum pm_action executed(const char *file, const char *const *argv,
				      const char *const *envp)
{
	stub_init(&stub, "execve");
	stub_path(&stub, EXEC, file, file);
	if (argv)
		stub_strv(&stub, "argv", argv);
	if (envp)
		stub_strv(&stub, "envp", envp);
	return decided();
}

/* The strings, and a NULL. */
#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

#endif
