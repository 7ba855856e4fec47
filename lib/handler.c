/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "handler.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "call_private.h"
#include "chain.h"
#include "changes.h"
#include "cleanup.h"
#include "courier.h"
#include "fork.h"

/*
 * Owner: who made the layer; other processes have copies.  Constant.
 */
struct handler {
	struct pm_layer layer;
	struct pm_handler is;
	struct pm_verdict late;
	int control;
};

void verdict_write(const struct pm_verdict *verdict, struct bytes *bytes)
{
	bytes_put(bytes, verdict, sizeof(*verdict));
	bytes_put_text(bytes, verdict->rule);
	bytes_put_text(bytes, verdict->source);
}

static const char *keep_text(struct bytes_left *left, struct pm_call *call, int *err)
{
	const char *text = bytes_get_text(left);
	const char *kept = text ? call_keep(call, text) : NULL;

	if (text && !kept)
		*err = -ENOMEM;
	return kept;
}

int verdict_read(struct bytes_left *left, struct pm_call *call, struct pm_verdict *verdict)
{
	int err = 0;

	bytes_get(left, verdict, sizeof(*verdict));
	verdict->rule = keep_text(left, call, &err);
	verdict->source = keep_text(left, call, &err);
	return left->torn || !verdict_is_sound(verdict) ? -EBADMSG : err;
}

/* One end of the pair goes to a thread of the handler. */
static int hand_over(const struct handler *handler, int fd, int64_t until)
{
	int err;

	while ((err = courier_pass(handler->control, fd)) == -EAGAIN) {
		err = bytes_wait(handler->control, POLLOUT, until);
		if (err)
			break;
	}
	return err;
}

/* The thread that has taken the call says first of which process it is. */
static int meet(struct bytes_way *way)
{
	int err = bytes_wait(way->sock, POLLIN, way->until);

	if (err)
		return err;
	way->peer = courier_take(way->sock);
	return way->peer < 0 ? way->peer : 0;
}

/* 0 with the answer, -ENOMEM and the like of our own, or why there is none. */
static int ask(const struct handler *handler, struct pm_call *call, struct bytes *answer)
{
	struct bytes_way way = { .sock = -1, .peer = -1,
				 .until = bytes_now() + handler->is.limit };
	auto_close int ours = -1, theirs = -1, peer = -1;
	struct bytes question = { 0 };
	int pair[2], err;

	copy_write(call, &question);
	if (question.err || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		err = question.err ? question.err : -errno;
		bytes_clear(&question);
		return err;
	}
	way.sock = ours = pair[0];
	theirs = pair[1];
	err = hand_over(handler, theirs, way.until);
	cleanup_close(&theirs);
	theirs = -1;
	if (!err)
		err = meet(&way);
	peer = way.peer;
	if (!err)
		err = bytes_send(&way, &question);
	bytes_clear(&question);
	return err ? err : bytes_receive(&way, answer, ANSWER_LIMIT);
}

static int decide(void *data, struct pm_call *call, struct pm_verdict *verdict)
{
	const struct handler *handler = data;
	struct bytes answer = { 0 };
	struct bytes_left left;
	int err = ask(handler, call, &answer);

	if (err) {
		*verdict = handler->late;
		if (!verdict->rule)
			verdict->rule = err == -ETIMEDOUT ? "handler: no answer in time" :
							    "handler: no answer";
		return 0;
	}
	left = (struct bytes_left){ .at = answer.at, .len = answer.len };
	err = verdict_read(&left, call, verdict);
	if (!err)
		err = changes_apply(call, &left);
	bytes_clear(&answer);
	return err;
}

static bool wants(void *data, const char *syscall, uint32_t classes)
{
	const struct handler *handler = data;

	return !handler->is.wants || handler->is.wants(handler->is.data, syscall, classes);
}

static int start_process(const struct pm_handler *is, int *control)
{
	auto_close int ours = -1, theirs = -1;
	int pair[2], err, said;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	err = fork_apart(0);
	if (err > 0) {
		cleanup_close(&ours);
		handler_keep(is, theirs);
	}
	if (err)
		return err;
	cleanup_close(&theirs);
	theirs = -1;
	if (recv(ours, &said, sizeof(said), 0) != sizeof(said))
		return -ECHILD;
	if (!said)
		*control = steal_fd(&ours);
	return said;
}

int pm_handler_layer(const struct pm_handler *is, struct pm_layer **layer)
{
	static const struct pm_verdict refused = { .action = PM_DENY, .err = EPERM };
	const struct pm_verdict *late = is->late ? is->late : &refused;
	struct handler *handler;
	int err;

	if (!is->handle || !is->limit || late->action == PM_REDIRECT || !verdict_is_sound(late))
		return -EINVAL;
	handler = malloc(sizeof(*handler));
	if (!handler)
		return -ENOMEM;
	*handler = (struct handler){
		.is = *is,
		.late = *late,
		.layer = { .name = is->name, .data = handler, .wants = wants, .decide = decide,
			   .concurrent = true },
	};
	err = start_process(&handler->is, &handler->control);
	if (err) {
		free(handler);
		return err;
	}
	*layer = &handler->layer;
	return 0;
}

void pm_layer_free(struct pm_layer *layer)
{
	struct handler *handler = layer ? layer->data : NULL;

	if (!handler)
		return;
	close(handler->control);
	free(handler);
}
