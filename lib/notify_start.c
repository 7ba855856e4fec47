/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "backend.h"
#include "error.h"
#include "filter.h"
#include "notify.h"
#include "probe.h"
#include "rights.h"
#include "settle.h"
#include "supervisor.h"

int notify_init(struct notify *n)
{
	int err;

	n->listener = -1;
	pthread_mutex_init(&n->lock, NULL);
	pthread_cond_init(&n->changed, NULL);
	n->openat2 = settle_has_openat2();
	err = callers_init(&n->callers);
	if (!err)
		err = rights_know();
	if (!err)
		err = filter_table(n->options, FILTER_NOTIFY, AUDIT_ARCH_X86_64, &n->tables[WIDE]);
	if (!err)
		err = filter_table(n->options, FILTER_NOTIFY, AUDIT_ARCH_I386, &n->tables[NARROW]);
	return err;
}

void notify_clear(struct notify *n)
{
	callers_clear(&n->callers);
	filter_table_clear(&n->tables[WIDE]);
	filter_table_clear(&n->tables[NARROW]);
	pthread_cond_destroy(&n->changed);
	pthread_mutex_destroy(&n->lock);
}

static int attach(void *data, pid_t program, pid_t caller, int their_fd, unsigned int *filter)
{
	struct notify *n = data;

	(void)caller;
	(void)their_fd;
	*filter = FILTER_NOTIFY;
	n->program = program;
	n->own = n->redirect = true;
	return notify_init(n);
}

static void supervise(void *data)
{
	struct notify *n = data;

	n->listener = supervisor_take();
	if (n->listener < 0)
		return;
	filter_wake_in_place(n->listener);
	notify_serve(n);
}

static int notify_exec(const struct pm_options *options, const char *file, char *const *argv,
		       enum pm_stage *stage)
{
	struct notify *n = calloc(1, sizeof(*n));
	struct supervision how = { .data = n, .attach = attach, .supervise = supervise,
				   .takes_descriptor = true };
	struct sock_fprog program = { 0 };
	unsigned int filter;
	int err, listener;

	*stage = PM_STAGE_SETUP;
	if (!n)
		return pm_fail(-ENOMEM, "%s", strerror(ENOMEM));
	n->options = options;
	err = supervisor_confine(options, &how, &program, &filter);
	free(n);
	if (err)
		return err;
	listener = filter_install_listener(&program, !options->keep_orphans);
	/* From here on this process is a target: it makes no call but the last. */
	supervisor_hand_over(listener);
	if (listener < 0) {
		free(program.filter);
		return pm_fail(listener, "cannot confine the program: %s", strerror(-listener));
	}
	*stage = PM_STAGE_EXEC;
	execvp(file, argv);
	return -errno;
}

const struct pm_backend backend_notify = {
	.name = "notify",
	.probe = pm_probe_notify,
	.exec = notify_exec,
};
