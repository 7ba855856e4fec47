/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * handler.h - a layer that decides in a process of its own
 *
 * handler.c		the layer: a call goes over, its answer comes back
 * handler_process.c	the process, and the one that starts it anew
 * copy.c, changes.c	what goes over, and back
 *
 * Each call has a socket pair of its own.  One end goes over the control socket
 * to whichever thread of the handler is free, which answers with a pidfd of its process;
 * the call follows, and the answer comes back.  A call that nobody waits for any more has
 * an end that is closed.  One whose handler is gone is told by that, or by the pidfd where
 * the handler has forked and left the end to a child.
 */
#ifndef POINTSMAN_HANDLER_H
#define POINTSMAN_HANDLER_H

#include <pointsman/pointsman.h>

#include "bytes.h"

#define ANSWER_LIMIT (64u << 20)	/* bytes */

void verdict_write(const struct pm_verdict *verdict, struct bytes *bytes);
/* Strings are copied to the call.  0, -ENOMEM, -EBADMSG. */
int verdict_read(struct bytes_left *left, struct pm_call *call, struct pm_verdict *verdict);

/* The keeper, with the other end of the control socket. */
_Noreturn void handler_keep(const struct pm_handler *handler, int control);

#endif
