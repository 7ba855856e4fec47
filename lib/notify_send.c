/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sendmmsg writes the length of each message beside it, which a pin does not
 * let the kernel do, and a redirected call has one result.  So the messages are
 * sent here, on a duplicate of the target's socket and as the target: addresses
 * and control messages from the snapshot, the data from its memory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "call_private.h"
#include "cleanup.h"
#include "identity.h"
#include "memory.h"
#include "notify.h"
#include "notify_plain.h"

/* As the kernel has them. */
#define VECTORS 1024u
/* More data than this goes in several calls, where that makes no difference to who receives it. */
#define DATA_BYTES ((size_t)1 << 20)
#define CONTROL_BYTES ((size_t)1 << 16)
#define DESCRIPTORS 253u	/* in one control message: SCM_MAX_FD */

/* One message as it is sent here.  Owner: send_one(). */
struct message {
	struct msghdr header;
	struct plain_address address;
	struct iovec data;
	bool cut;		/* there are more than these */
	int *descriptors;	/* ours, closed after the message */
	size_t ndescriptors;
};

static void message_clear(struct message *message)
{
	for (size_t i = 0; i < message->ndescriptors; i++)
		close(message->descriptors[i]);
	free(message->descriptors);
	free(message->header.msg_control);
	free(message->data.iov_base);
	cleanup_close(&message->address.fd);
}

/* A word of a msghdr that was read, in the width of its table. */
static uint64_t word(const struct pm_call *call, const struct pm_item *item, size_t index)
{
	size_t width = call_msghdr_form(call)->word;

	return load_le(item->data + index * width, width);
}

/* msg_name, msg_namelen, msg_iov, msg_iovlen, msg_control, msg_controllen, msg_flags */
enum { IOV = 2, IOVLEN = 3, CONTROL = 4, CONTROLLEN = 5 };

static int gather(const struct pm_call *call, uint64_t vectors, size_t count, bool stream,
		  struct message *message)
{
	size_t width = call_msghdr_form(call)->word, total = 0, room = DATA_BYTES;
	unsigned char raw[16];

	if (count > VECTORS)
		return -EMSGSIZE;
	for (int pass = 0; pass < 2; pass++) {
		size_t at = 0;

		for (size_t i = 0; i < count && at < room; i++) {
			uint64_t base, len;
			int err = memory_read(call->tid, vectors + i * 2 * width, raw, 2 * width);

			if (err)
				return err;
			base = load_le(raw, width);
			len = load_le(raw + width, width);
			if (len > room - at && !stream)
				return -EMSGSIZE;
			if (len > room - at) {
				len = room - at;
				message->cut = true;
			}
			if (pass && len &&
			    (err = memory_read(call->tid, base,
					       (char *)message->data.iov_base + at, len)))
				return err;
			at += len;
		}
		if (pass)
			break;
		/* The program may lengthen them meanwhile: what was seen first is the limit. */
		room = total = at;
		message->data.iov_base = malloc(total ? total : 1);
		if (!message->data.iov_base)
			return -ENOMEM;
	}
	message->data.iov_len = total;
	return 0;
}

/* The descriptors that a control message names are the target's. */
static int take_descriptors(const struct pm_call *call, struct cmsghdr *control,
			    struct message *message)
{
	size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	int *numbers = (int *)(void *)CMSG_DATA(control), *grown;

	if (count > DESCRIPTORS)
		return -EINVAL;
	grown = realloc(message->descriptors, (message->ndescriptors + count + 1) * sizeof(int));
	if (!grown)
		return -ENOMEM;
	message->descriptors = grown;
	for (size_t i = 0; i < count; i++) {
		int fd = plain_descriptor(call, numbers[i]);

		if (fd < 0)
			return fd;
		numbers[i] = message->descriptors[message->ndescriptors++] = fd;
	}
	return 0;
}

static int take_control(const struct pm_call *call, uint64_t from, size_t len,
			struct message *message)
{
	struct msghdr *header = &message->header;
	int err;

	if (!len)
		return 0;
	/* They look otherwise in the 32-bit table. */
	if (call_narrow(call))
		return -EOPNOTSUPP;
	if (len > CONTROL_BYTES)
		return -ENOBUFS;
	header->msg_control = malloc(len);
	if (!header->msg_control)
		return -ENOMEM;
	header->msg_controllen = len;
	err = memory_read(call->tid, from, header->msg_control, len);
	for (struct cmsghdr *at = CMSG_FIRSTHDR(header); !err && at; at = CMSG_NXTHDR(header, at)) {
		if (at->cmsg_len < sizeof(*at) ||
		    at->cmsg_len > len - (size_t)((char *)at - (char *)header->msg_control))
			return -EINVAL;
		if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SCM_RIGHTS)
			err = take_descriptors(call, at, message);
	}
	return err;
}

/* The address of the i-th item, a message, or NULL. */
static const struct pm_item *address_of(const struct pm_call *call, size_t i)
{
	for (size_t j = 0; j < call->nitems; j++)
		if (call->items[j].kind == PM_ITEM_SOCKADDR &&
		    call->items[j].priv->parent == (int)i)
			return &call->items[j];
	return NULL;
}

static int build(struct pm_call *call, size_t i, bool stream, struct message *message)
{
	const struct pm_item *item = &call->items[i], *address = address_of(call, i);
	int err = address ? plain_find_address(call, address, &message->address) : 0;

	if (!err)
		err = gather(call, word(call, item, IOV), word(call, item, IOVLEN), stream, message);
	if (!err)
		err = take_control(call, word(call, item, CONTROL),
				   word(call, item, CONTROLLEN), message);
	if (address) {
		message->header.msg_name = &message->address.data;
		message->header.msg_namelen = message->address.len;
	}
	message->header.msg_iov = &message->data;
	message->header.msg_iovlen = 1;
	return err;
}

/* May last as long as the target waits for it. */
static ssize_t transmit(const struct notice *notice, int fd, const struct msghdr *header, int flags)
{
	struct plain_wait wait;
	ssize_t sent;
	int err = plain_wait(&wait);

	if (err)
		return err;
	do {
		sent = sendmsg(fd, header, flags | MSG_NOSIGNAL);
		if (sent < 0)
			sent = -errno;
	} while (sent == -EINTR && plain_go_on(notice));
	plain_wait_end(&wait);
	return sent;
}

/* *whole: all of it was sent, so that the next one may be. */
static ssize_t send_one(const struct notice *notice, int fd, bool stream, size_t i, int flags,
			bool *whole)
{
	struct pm_call *call = &notice->flight->call;
	struct message message = { .address = { .fd = -1 } };
	struct identity theirs, own;
	ssize_t sent = build(call, i, stream, &message);

	if (!sent)
		sent = identity_of(call->tid, &theirs);
	if (!sent) {
		sent = notice_stands(notice) ? identity_take(&theirs, &own) : -ESRCH;
		identity_free(&theirs);
		if (!sent) {
			sent = transmit(notice, fd, &message.header, flags);
			identity_leave(&own);
		}
	}
	*whole = sent >= 0 && !message.cut && (size_t)sent == message.data.iov_len;
	message_clear(&message);
	return sent;
}

static bool is_stream(int fd)
{
	socklen_t len = sizeof(int);
	int type = 0;

	return !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) && type == SOCK_STREAM;
}

void send_messages(const struct notice *notice)
{
	struct pm_call *call = &notice->flight->call;
	const struct pm_run *run = &notice->flight->run;
	auto_close int fd = plain_descriptor(call, (int)call->args[0]);
	bool stream = fd >= 0 && is_stream(fd), whole = true;
	ssize_t sent = fd < 0 ? fd : 0;
	size_t done = 0;

	for (size_t i = 0; sent >= 0 && whole && done < run->nsteps && i < call->nitems; i++) {
		const struct pm_step *step = &run->steps[done];
		uint32_t len;

		if (call->items[i].priv->parent >= 0)
			continue;
		sent = send_one(notice, fd, stream, i, (int)step->args[2], &whole);
		len = (uint32_t)sent;
		if (sent >= 0)
			sent = memory_write_standing(call->tid, step->msg_len_addr, &len,
						     sizeof(len), &call->priv->standing);
		if (sent >= 0)
			done++;
	}
	if (sent == -EPIPE && !done && !((int)run->steps[0].args[2] & MSG_NOSIGNAL) &&
	    notice_stands(notice))
		syscall(SYS_tgkill, call->tgid, call->tid, SIGPIPE);
	if (sent == -EINTR && !done && plain_again(notice))
		return;
	sent = done ? (ssize_t)done : sent;
	flight_tell_result(notice->notify->options, notice->flight, sent);
	reply_value(notice, sent);
}
