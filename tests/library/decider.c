/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * decider HOW COMMAND [ARGUMENT...] - a command whose chdir(2) is decided on by
 * name: what is called "crash", "stall", "forget" or "exit" gets just that, "denied"
 * is, "later" is let through by another thread, "from" becomes "to"
 *
 * HOW is "handler", in a process of its own; "value", the same where a call that is
 * not answered answers 0; or "layer", in the supervisor.  The limit of a handler is
 * in LIMIT, in milliseconds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pointsman/pointsman.h>

static bool wants(void *data, const char *syscall, uint32_t classes)
{
	(void)data;
	(void)syscall;
	return classes & PM_BIT(PM_CLASS_CHDIR);
}

static void crash(void)
{
	/* What is not known here cannot be left out. */
	volatile char *volatile nowhere = NULL;

	*nowhere = 1;
}

static void *answer(void *request)
{
	pm_request_answer(request, &(struct pm_verdict){ .rule = "later" });
	return NULL;
}

/* The last part of the path, or "". */
static const char *name_of(struct pm_call *call, struct pm_arg *path)
{
	const char *slash;

	if (pm_call_arg(call, "path", path))
		return "";
	slash = strrchr(path->text, '/');
	return slash ? slash + 1 : path->text;
}

static int decide(void *data, struct pm_call *call, struct pm_verdict *verdict)
{
	struct pm_arg path;
	const char *name = name_of(call, &path);

	(void)data;
	if (!strcmp(name, "crash"))
		crash();
	if (!strcmp(name, "denied"))
		return -EXDEV;
	if (!strcmp(name, "from")) {
		verdict->action = PM_REDIRECT;
		return pm_call_set_path(call, path.item, "to");
	}
	return 0;
}

static void handle(void *data, struct pm_request *request)
{
	struct pm_verdict verdict = { .action = PM_ALLOW };
	struct pm_call *call = pm_request_call(request);
	struct pm_arg path;
	const char *name = name_of(call, &path);
	pthread_t thread;
	int err;

	if (!strcmp(name, "forget"))
		return;
	if (!strcmp(name, "exit"))
		exit(3);
	while (!strcmp(name, "stall"))
		pause();
	if (!strcmp(name, "later") && !pthread_create(&thread, NULL, answer, request))
		return;
	err = decide(data, call, &verdict);
	if (err)
		verdict = (struct pm_verdict){ .action = PM_DENY, .err = -err };
	pm_request_answer(request, &verdict);
}

int main(int argc, char **argv)
{
	const struct pm_verdict value = { .action = PM_VALUE, .value = 0 };
	const char *limit = getenv("LIMIT");
	struct pm_handler handler = { .name = "decider", .wants = wants, .handle = handle,
				      .threads = 2,
				      .limit = limit ? (unsigned int)atoi(limit) : 60000 };
	struct pm_layer own = { .name = "decider", .wants = wants, .decide = decide };
	struct pm_layer *layer = &own;
	struct pm_options options = { .layers = &layer, .nlayers = 1,
				      .backend = getenv("PM_BACKEND") };
	enum pm_stage stage;

	if (argc < 3)
		return 125;
	if (!strcmp(argv[1], "value"))
		handler.late = &value;
	if (strcmp(argv[1], "layer") && pm_handler_layer(&handler, &layer))
		return 125;
	pm_exec(&options, argv[2], argv + 2, &stage);
	fprintf(stderr, "decider: %s\n", pm_error());
	return 125;
}
