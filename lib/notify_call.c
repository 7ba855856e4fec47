/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "call_private.h"
#include "filter.h"
#include "notify.h"
#include "notify_plain.h"
#include "peer.h"
#include "rights.h"
#include "settle.h"
#include "shapes.h"

/* The file has no name that could be opened: the supervisor opens it for the target. */
static void run_adopted(const struct notice *notice)
{
	const struct pm_options *options = notice->notify->options;
	struct flight *flight = notice->flight;
	struct pm_open_how how = { 0 };
	int fd;

	fd = peer_same_credentials(flight->call.tid) ? settle_open(&flight->call) : -EACCES;
	if (fd < 0) {
		reply_failure(notice, fd);
		return;
	}
	flight->tell = flight->outcome.verdict.action == PM_REDIRECT;
	flight_tell(options, flight, "file", 0);
	if (flight->outcome.verdict.action == PM_DENY) {
		close(fd);
		reply_value(notice, -flight->outcome.verdict.err);
		return;
	}
	pm_call_open_how(&flight->call, &how);
	flight_tell_result(options, flight,
			   reply_descriptor(notice, fd, (unsigned int)how.flags & O_CLOEXEC));
}

/* The form is settled: let the kernel have it.  Where the arena is gone, once more. */
static int lay_out(const struct notice *notice, size_t size, bool fresh, uint64_t *at)
{
	struct flight *flight = notice->flight;
	int err = size ? caller_room(notice, size, fresh, at) : 0;

	pm_run_clear(&flight->run);
	if (err)
		return err;
	return pm_call_layout(&flight->call, size ? slot_memory(&notice->caller->slot) : NULL,
			      size, *at, &flight->run);
}

static int redirect(const struct notice *notice, size_t size, uint64_t at)
{
	struct flight *flight = notice->flight;
	int err = reply_redirect(notice, &flight->run.steps[0], flight->run.pinned,
				  &notice->caller->slot, at);

	if (err != -EFAULT || !size)
		return err;
	err = lay_out(notice, size, true, &at);
	if (err)
		return err;
	return reply_redirect(notice, &flight->run.steps[0], flight->run.pinned,
			       &notice->caller->slot, at);
}

static bool several(const struct flight *flight)
{
	return flight->run.nsteps && flight->run.steps[0].msg_len_addr;
}

/* Let it run from the pin.  An answer that is not taken is the call's own failure. */
static void run_pinned(const struct notice *notice, size_t size, uint64_t at)
{
	int err = redirect(notice, size, at);

	if (err)
		reply_value(notice, err == -ENOENT ? -EINTR : err);
}

/* The form is known: have it laid out, told of, and run. */
static void run_settled(const struct notice *notice, const char *holds)
{
	const struct pm_options *options = notice->notify->options;
	struct flight *flight = notice->flight;
	size_t size = pm_call_layout_size(&flight->call);
	uint64_t at = 0;
	int err = lay_out(notice, size, false, &at);

	if (err) {
		reply_failure(notice, err);
		return;
	}
	flight_tell(options, flight, holds, 0);
	if (flight->outcome.verdict.action == PM_DENY) {
		reply_value(notice, -flight->outcome.verdict.err);
	} else if (several(flight)) {
		flight->tell = flight->outcome.verdict.action == PM_REDIRECT;
		send_messages(notice);
	} else if (!flight->run.nsteps ||
		   (!size && flight->as_made && !pm_call_changed(&flight->call))) {
		reply_continue(notice);
	} else {
		run_pinned(notice, size, at);
	}
}

/* Lay the decided call out in a pin and let it run from there. */
static void run_call(const struct notice *notice)
{
	const struct notify *n = notice->notify;
	struct flight *flight = notice->flight;
	struct settle form = { .lonely = caller_lonely(notice->notify, notice->caller),
			       .openat2 = n->openat2, .landlock = n->options->landlock };
	bool watched = false;
	int err;

	if (!n->redirect) {
		plain_call(notice);
		return;
	}
	if (flight->told && flight_runs_as_made(n->options, flight)) {
		pm_call_let_go(&flight->call);
		flight_tell(n->options, flight, "", 0);
		if (flight->outcome.verdict.action == PM_DENY)
			reply_value(notice, -flight->outcome.verdict.err);
		else
			reply_continue(notice);
		return;
	}
	err = script_apply(&flight->call);
	if (!err)
		err = settle(&flight->call, &form);
	flight->program = form.program;
	if (!err && form.adopt) {
		run_adopted(notice);
		return;
	}
	if (!err && flight->program.set)
		err = exec_watch(notice, form.lonely, &watched);
	if (err)
		reply_failure(notice, err);
	else
		run_settled(notice, form.holds);
	if (watched)
		exec_follow(notice);
}

/* Does the call reach for one of the supervisor's threads? */
static bool reaches_us(const struct pm_call *call)
{
	int arg = filter_reaches(call->arch, call->nr);
	char path[64];

	if (arg < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/self/task/%d", abs((int)call->args[arg]));
	return !access(path, F_OK) && peer_same_namespace(call->tid, "pid");
}

/* What the supervisor itself has to see.  True: answered. */
static bool own_call(const struct notice *notice)
{
	struct pm_call *call = &notice->flight->call;
	struct pm_item *block;
	uint64_t flags;

	if (call->name && reaches_us(call)) {
		reply_refuse(notice, -EPERM, "built-in: the supervisor's own");
		return true;
	}
	if (!call->name)
		return false;
	if (!strcmp(call->name, "clone")) {
		caller_births(notice->notify, notice->caller, call->args[0]);
	} else if (!strcmp(call->name, "clone3")) {
		block = pm_call_item(call, PM_ITEM_BLOCK, NULL);
		if (block && block->len >= sizeof(flags)) {
			memcpy(&flags, block->data, sizeof(flags));
			caller_births(notice->notify, notice->caller, flags);
		}
	} else if (!strcmp(call->name, "prctl") && (int)call->args[0] == PR_SET_SECUREBITS) {
		rights_note_secure_bits();
	} else if (!strcmp(call->name, "prctl") && (int)call->args[0] == PR_SET_DUMPABLE &&
		   call->args[1] == 0) {
		/* What may not be dumped may not be read by its supervisor either. */
		notice->flight->outcome.verdict = (struct pm_verdict){ .action = PM_VALUE };
		reply_final(notice);
		return true;
	}
	return false;
}

static void decide(const struct notice *notice)
{
	struct flight *flight = notice->flight;
	int err = flight_decide(notice->notify->options, flight);

	if (err)
		reply_refuse(notice, err, "built-in: what the kernel would say");
	else if (!flight_runs(flight))
		reply_final(notice);
	else if (!own_call(notice))
		run_call(notice);
}

static bool is_known(const struct seccomp_notif *kernel)
{
	return pm_sysent_find(kernel->data.arch, kernel->data.nr) ||
	       pm_syscall_names_nothing(kernel->data.arch, kernel->data.nr);
}

static bool executes(const struct seccomp_notif *kernel)
{
	const char *name = pm_syscall_name(kernel->data.arch, kernel->data.nr);

	return name && !strncmp(name, "execve", 6);
}

static bool stands(const void *notice)
{
	return notice_stands(notice);
}

void notify_call(struct notify *n, const struct seccomp_notif *kernel)
{
	struct notice notice = { .notify = n, .kernel = kernel };
	unsigned int why = filter_reason(&n->tables[width_of(kernel->data.arch)], kernel->data.nr);
	int err;

	/* A filter that is not ours may send what nobody has asked for. */
	if (!n->own && !(why & STOPS_FOR_LAYERS)) {
		if (is_known(kernel))
			reply_continue(&notice);
		else
			reply_value(&notice, -ENOSYS);
		return;
	}
	/* An execve that nobody asks about is not looked into. */
	if (!(why & STOPS_FOR_LAYERS) && executes(kernel)) {
		reply_continue(&notice);
		return;
	}
	notice.caller = caller_get(n, (pid_t)kernel->pid);
	if (notice.caller)
		notice.flight = flight_new(n->options, notice.caller->peer->tgid,
					   (pid_t)kernel->pid, kernel->data.arch, kernel->data.nr,
					   (const uint64_t *)kernel->data.args,
					   atomic_fetch_add(&n->calls, 1) + 1);
	if (!notice.flight) {
		reply_value(&notice, -ENOMEM);
	} else {
		err = flight_read(notice.flight, true);
		if (notice.flight->call.priv)
			notice.flight->call.priv->standing = (struct standing){ stands, &notice };
		if (!notice_stands(&notice))
			;	/* what was read may be another's */
		else if (err)
			reply_refuse(&notice, err, "built-in: what the kernel would say");
		else if (why & STOPS_FOR_LAYERS)
			decide(&notice);
		else if (!own_call(&notice))
			run_call(&notice);
	}
	flight_free(notice.flight);
	if (notice.caller)
		caller_put(n, notice.caller);
}
