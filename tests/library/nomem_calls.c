/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * nomem_calls.c - each function that may fail with ENOMEM, by itself: it does, or it
 * succeeds; then the call is as it was, and nothing more is held than before
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pointsman/pointsman.h>

#include "nomem.h"
#include "starve.h"

#define MOST 1000	/* more than any of them asks for */

static struct pm_item *path_of(struct pm_call *call)
{
	return pm_call_item(call, PM_ITEM_PATH, NULL);
}

static int prepare_path(struct pm_call *call)
{
	return pm_call_set_path(call, path_of(call), "link");
}

static int try_where(struct pm_call *call)
{
	return -pm_item_where(call, path_of(call))->err;
}

static int resolve(struct pm_call *call, const char *path)
{
	struct pm_where where;
	int err = pm_call_resolve(call, path, false, &where);

	if (err)
		return err;
	err = -where.err;
	pm_where_free(&where);
	return err;
}

static int try_resolve(struct pm_call *call)
{
	return resolve(call, "link");
}

static int try_resolve_self(struct pm_call *call)
{
	return resolve(call, "/proc/self/status");
}

static int try_set_path(struct pm_call *call)
{
	return pm_call_set_path(call, path_of(call), "near");
}

static int try_set_arg(struct pm_call *call)
{
	return pm_call_set_arg(call, 2, O_RDONLY | O_CLOEXEC | O_NOCTTY);
}

static int prepare_nr(struct pm_call *call)
{
	return pm_call_set_nr(call, pm_syscall_number(call->arch, "openat"));
}

static int try_set_nr(struct pm_call *call)
{
	return pm_call_set_nr(call, pm_syscall_number(call->arch, "unlinkat"));
}

static int try_set_sockaddr(struct pm_call *call)
{
	struct pm_item *item = pm_call_item(call, PM_ITEM_SOCKADDR, NULL);
	unsigned char address[64];

	memcpy(address, item->data, 2);
	memset(address + 2, 'a', sizeof(address) - 2);
	return pm_call_set_sockaddr(call, item, address, sizeof(address));
}

static int try_set_strv(struct pm_call *call)
{
	char *strv[] = { "three", "two", "one", NULL };

	return pm_call_set_strv(call, pm_call_item(call, PM_ITEM_STRV, "argv"), strv);
}

static int prepare_script(struct pm_call *call)
{
	char *strv[] = { "./script", "one", NULL };
	int err = pm_call_set_strv(call, pm_call_item(call, PM_ITEM_STRV, "argv"), strv);

	return err ? err : pm_call_set_path(call, path_of(call), "./script");
}

/* One that was changed before and has not become the program does so first. */
static int prepare_interpreter(struct pm_call *call)
{
	struct pm_item *item = NULL;
	int err = 0;

	for (int i = 0; i < 2 && !err && !item; i++) {
		err = prepare_script(call);
		if (!err)
			err = pm_call_follow_program(call);
		item = pm_call_item(call, PM_ITEM_PATH, "interpreter");
	}
	return err ? err : pm_call_set_path(call, item, target);
}

static const struct trial {
	const char *name, *syscall;
	int (*prepare)(struct pm_call *call);	/* with memory */
	int (*act)(struct pm_call *call);
	bool restores;	/* the call is as it was where this fails */
	bool copies;	/* in a handler, too */
} trials[] = {
	{ "pm_item_where", "openat", prepare_path, try_where, false, false },
	{ "pm_call_resolve", "openat", NULL, try_resolve, true, true },
	{ "pm_call_resolve of /proc", "openat", NULL, try_resolve_self, true, true },
	{ "pm_call_set_path", "openat", prepare_path, try_set_path, true, true },
	{ "pm_call_set_arg", "openat", NULL, try_set_arg, true, true },
	{ "pm_call_set_nr", "openat", prepare_nr, try_set_nr, true, true },
	{ "pm_call_set_sockaddr", "connect", NULL, try_set_sockaddr, true, true },
	{ "pm_call_set_strv", "execve", NULL, try_set_strv, true, true },
	{ "pm_call_follow_program", "execve", prepare_script, pm_call_follow_program, false,
	  false },
	{ "pm_call_follow_program, changed", "execve", prepare_interpreter,
	  pm_call_follow_program, false, false },
};

#define TRIALS (sizeof(trials) / sizeof(trials[0]))

/* Shared: how far each has come; 0: it was not tried. */
static _Atomic long *reached;
static bool handled;

static uint64_t mix(uint64_t sum, const void *data, size_t len)
{
	const unsigned char *at = data;

	while (len--)
		sum = (sum ^ *at++) * 0x100000001b3;
	return sum;
}

/* Of all that a layer can see of a call. */
static uint64_t sum_of(const struct pm_call *call)
{
	uint64_t sum = mix(0xcbf29ce484222325, call->args, sizeof(call->args));

	sum = mix(sum, &call->nr, sizeof(call->nr));
	sum = mix(sum, &call->nitems, sizeof(call->nitems));
	for (size_t i = 0; i < call->nitems; i++) {
		const struct pm_item *item = &call->items[i];

		sum = mix(sum, item->role, strlen(item->role) + 1);
		sum = mix(sum, &item->classes, sizeof(item->classes));
		sum = mix(sum, &item->dirfd, sizeof(item->dirfd));
		sum = mix(sum, item->data, item->data ? item->len : 0);
		for (size_t k = 0; k < item->nstr; k++)
			sum = mix(sum, item->strv[k], strlen(item->strv[k]) + 1);
	}
	return sum;
}

/* Returns how many requests failed: 0, it has had all that it wants. */
static long try_once(const struct trial *trial, struct pm_call *call, long n)
{
	uint64_t before;
	long failed;
	int err = trial->prepare ? trial->prepare(call) : 0;

	if (err)
		fault(n, "%s: not prepared: %s", trial->name, strerrorname_np(-err));
	before = sum_of(call);
	starve_here(n);
	err = trial->act(call);
	failed = starve_end();
	if (err && (err != -ENOMEM || !failed))
		fault(n, "%s: %s", trial->name, strerrorname_np(-err));
	if (err && trial->restores && sum_of(call) != before)
		fault(n, "%s: fails, and has changed the call", trial->name);
	return failed;
}

static void sweep(const struct trial *trial, struct pm_call *call)
{
	long n = 1, held;

	while (try_once(trial, call, n) && n < MOST) {
		held = starve_held();
		try_once(trial, call, n);
		if (starve_held() > held)
			fault(n, "%s: what is held grows", trial->name);
		n++;
	}
	if (n == MOST)
		fault(n, "%s: it is never enough", trial->name);
	reached[trial - trials] = n;
}

static bool wants(void *data, const char *syscall, uint32_t classes)
{
	(void)data;
	(void)classes;
	return !strcmp(syscall, "openat") || !strcmp(syscall, "connect") ||
	       !strcmp(syscall, "execve");
}

/* The calls of the target's own, which are denied in the end. */
static bool is_meant(struct pm_call *call)
{
	const struct pm_item *item = path_of(call);
	const char *path = item ? (const char *)item->data : "";

	if (!strcmp(call->name, "connect"))
		return true;
	return !strcmp(path, "link") || !strcmp(path, "./script");
}

static int decide(void *data, struct pm_call *call, struct pm_verdict *verdict)
{
	(void)data;
	if (!is_meant(call))
		return 0;
	for (size_t i = 0; i < TRIALS; i++)
		if (!strcmp(trials[i].syscall, call->name) && (trials[i].copies || !handled))
			sweep(&trials[i], call);
	*verdict = (struct pm_verdict){ .action = PM_DENY, .err = EXDEV };
	return 0;
}

static void handle(void *data, struct pm_request *request)
{
	struct pm_verdict verdict = { .action = PM_ALLOW };

	decide(data, pm_request_call(request), &verdict);
	pm_request_answer(request, &verdict);
}

/* Runs the target under the layer, whatever it is. */
static void execute(void *how)
{
	static struct pm_layer own = { .name = "nomem", .wants = wants, .decide = decide };
	const struct pm_handler *handler = how;
	struct pm_layer *layer = &own;
	const struct pm_options options = { .layers = &layer, .nlayers = 1, .backend = "ptrace" };
	char *command[] = { target, (char *)(handler ? handler->data : "calls"), NULL };
	enum pm_stage stage;

	if (!handler || !pm_handler_layer(handler, &layer))
		pm_exec(&options, target, command, &stage);
	_exit(125);
}

int sweep_calls(bool handler)
{
	const struct pm_handler how = { .name = "nomem", .data = "calls", .wants = wants,
					.handle = handle, .limit = 600000 };
	struct ended ended;

	handled = handler;
	reached = shared(TRIALS * sizeof(*reached));
	run_apart(0, execute, handler ? (void *)&how : NULL, &ended);
	if (ended.killed || ended.status)
		fault(0, "the target ended with %d", ended.killed ? -1 : ended.status);
	for (size_t i = 0; i < TRIALS; i++) {
		if (handled && !trials[i].copies)
			continue;
		printf("%s: n = %ld\n", trials[i].name, reached[i]);
		if (!reached[i])
			fault(0, "%s: not tried", trials[i].name);
	}
	return 0;
}

/* Each answer to an open of "near" asks for one piece of memory more until it fails. */
static void answer(void *data, struct pm_request *request)
{
	struct pm_verdict verdict = { .action = PM_ALLOW };
	struct pm_call *call = pm_request_call(request);
	struct pm_item *item = path_of(call);
	long failed;
	int err;

	(void)data;
	if (!item || strcmp((const char *)item->data, "near")) {
		pm_request_answer(request, &verdict);
		return;
	}
	verdict = (struct pm_verdict){ .action = PM_DENY, .err = EXDEV, .rule = "answer" };
	pm_call_set_path(call, item, "to");
	starve_here(++*reached);
	err = pm_request_answer(request, &verdict);
	failed = starve_end();
	if (err != (failed ? -ENOMEM : 0))
		fault(*reached, "pm_request_answer: %s", err ? strerrorname_np(-err) : "0");
	if (pm_request_answer(request, &verdict) != -EALREADY)
		fault(*reached, "pm_request_answer: a request that it has taken is still there");
}

int sweep_answer(void)
{
	const struct pm_handler how = { .name = "nomem", .data = "answers", .wants = wants,
					.handle = answer, .limit = 600000 };
	struct ended ended;

	reached = shared(sizeof(*reached));
	run_apart(0, execute, (void *)&how, &ended);
	if (ended.killed || ended.status)
		fault(*reached, "the target ended with %d", ended.killed ? -1 : ended.status);
	printf("n = %ld\n", *reached);
	return 0;
}

/* Shared: nothing was short. */
static _Atomic bool *enough;
static long number;
static enum starve what;

static void make_layer(void *data)
{
	const struct pm_handler *how = data;
	struct pm_layer *const nothing = (struct pm_layer *)&number, *layer = nothing;
	size_t files = descriptors();
	long held = starve_held();
	int err;

	starve_begin(what, number, false);
	err = pm_handler_layer(how, &layer);
	*enough = !starve_end();
	/* That there is no memory for a thread is EAGAIN, too. */
	if (err && err != -EAGAIN && (err != -ENOMEM || what == STARVE_THREADS))
		fault(number, "pm_handler_layer: %s", strerrorname_np(-err));
	if (err && layer != nothing)
		fault(number, "pm_handler_layer: fails, and makes a layer");
	if (!err)
		pm_layer_free(layer);
	if (descriptors() != files || starve_held() != held)
		fault(number, "pm_handler_layer: something is left of it");
	_exit(err && *enough);
}

/* Of memory first, then of threads. */
int sweep_layer(void)
{
	const struct pm_handler how = { .name = "nomem", .handle = handle, .threads = 3,
					.limit = 600000 };
	struct ended ended;

	enough = shared(sizeof(*enough));
	for (what = STARVE_MEMORY; what <= STARVE_THREADS; what++) {
		number = 0;
		do {
			number++;
			run_apart(number, make_layer, (void *)&how, &ended);
			if (ended.killed || ended.status)
				fault(number, "pm_handler_layer: fails with nothing short");
		} while (!*enough && number < MOST);
		printf("%s: n = %ld\n", what == STARVE_MEMORY ? "memory" : "threads", number);
	}
	return 0;
}
