/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * layout.c - a call as the kernel will read it, written into a pin
 *
 * Items lie one after the other in their order, so that what holds a pointer
 * comes before what it points to.
 */
#include "call_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ALIGN 8u
#define FEW_ITEMS 4

/* Where it is written to; with mem NULL it is only measured. */
struct pen {
	unsigned char *mem;
	size_t at, size;
	uint64_t base;		/* the target's address of mem */
	bool full;
};

/* Room for len bytes, filled with zeros up to it; returns its offset. */
static size_t pen_room(struct pen *pen, size_t len)
{
	size_t start = (pen->at + ALIGN - 1) / ALIGN * ALIGN;

	if (pen->mem && (start > pen->size || pen->size - start < len))
		pen->full = true;
	else if (pen->mem)
		memset(pen->mem + pen->at, 0, start - pen->at);
	if (!pen->full)
		pen->at = start + len;
	return start;
}

static void pen_write(struct pen *pen, size_t at, const void *from, size_t len)
{
	if (pen->mem && !pen->full && len)
		memcpy(pen->mem + at, from, len);
}

static void pen_pointer(struct pen *pen, size_t at, size_t width, uint64_t value)
{
	pen_write(pen, at, &value, width);
}

static size_t put_bytes(struct pen *pen, const void *bytes, size_t len)
{
	size_t start = pen_room(pen, len ? len : 1);

	if (!len)
		pen_write(pen, start, "", 1);
	pen_write(pen, start, bytes, len);
	return start;
}

static size_t put_strv(struct pen *pen, const struct pm_item *item, size_t width)
{
	size_t len = (item->nstr + 1) * width, start, at;

	for (size_t i = 0; i < item->nstr; i++)
		len += strlen(item->strv[i]) + 1;
	start = pen_room(pen, len);
	at = start + (item->nstr + 1) * width;
	for (size_t i = 0; i < item->nstr; i++) {
		size_t bytes = strlen(item->strv[i]) + 1;

		pen_pointer(pen, start + i * width, width, pen->base + at);
		pen_write(pen, at, item->strv[i], bytes);
		at += bytes;
	}
	pen_pointer(pen, start + item->nstr * width, width, 0);
	return start;
}

static size_t put_item(struct pen *pen, const struct pm_call *call, const struct pm_item *item)
{
	const char *text = item->priv->run_text;

	switch (item->kind) {
	case PM_ITEM_STRV:
		return put_strv(pen, item, call_narrow(call) ? 4 : 8);
	case PM_ITEM_PATH:
	case PM_ITEM_STRING:
		if (text)
			return put_bytes(pen, text, strlen(text) + 1);
		return put_bytes(pen, item->data, item->len + 1);
	default:
		return put_bytes(pen, item->data, item->len);
	}
}

/* The register of an item in the call that runs, or -1 where it is left out. */
static int item_register(const struct pm_call *call, size_t i)
{
	if (call->items[i].priv->parent >= 0 || call->items[i].arg == PM_NO_REGISTER)
		return -1;
	return call->priv->run_as ? call->priv->run_arg[i] : call->items[i].arg;
}

static bool item_runs(const struct pm_call *call, size_t i)
{
	int parent = call->items[i].priv->parent;

	return item_register(call, parent >= 0 ? (size_t)parent : i) >= 0;
}

/*
 * Write all that runs.  offsets, where it is not NULL, gets the place of each
 * item; *extra that of the block of pm_call_run_as().
 */
static void put_all(struct pen *pen, const struct pm_call *call, size_t *offsets, size_t *extra)
{
	for (size_t i = 0; i < call->nitems; i++) {
		const struct pm_item_private *priv = call->items[i].priv;
		size_t at;

		if (!item_runs(call, i))
			continue;
		at = put_item(pen, call, &call->items[i]);
		if (!offsets)
			continue;
		offsets[i] = at;
		if (priv->parent >= 0)
			pen_pointer(pen, offsets[priv->parent] + priv->at, priv->width,
				    pen->base + at);
	}
	if (call->priv->run_as && call->priv->extra_len)
		*extra = put_bytes(pen, call->priv->extra, call->priv->extra_len);
}

size_t pm_call_layout_size(const struct pm_call *call)
{
	struct pen pen = { 0 };
	size_t extra;

	if (!call->priv)
		return 0;
	put_all(&pen, call, NULL, &extra);
	return (pen.at + ALIGN - 1) / ALIGN * ALIGN;
}

static bool is_messages(const struct pm_call *call)
{
	return !call->priv->run_as && call->nitems && call->items[0].priv->shape &&
	       call->items[0].priv->shape->kind == PM_SHAPE_MMSGHDR;
}

/* One sendmsg for each message. */
static int fill_messages(const struct pm_call *call, uint64_t base, const size_t *offsets,
			 struct pm_run *run)
{
	const struct msghdr_form *form = call_msghdr_form(call);
	const struct pm_shape *shape = call->items[0].priv->shape;
	uint64_t flags = call->args[shape->flags - 1];
	int nr = pm_syscall_number(call->arch, "sendmsg");

	run->steps = calloc(call->nitems, sizeof(*run->steps));
	if (!run->steps)
		return -ENOMEM;
	run->pinned = 1u << 1;
	for (size_t i = 0; i < call->nitems; i++) {
		const struct pm_item *item = &call->items[i];
		uint64_t own;

		if (item->priv->parent >= 0)
			continue;
		/* The one flag that sendmmsg takes from the header, and sendmsg does not. */
		own = load_le(item->data + form->flags, 4) & MSG_EOR;
		run->steps[run->nsteps++] = (struct pm_step){
			.nr = nr,
			.args = { call->args[0], base + offsets[i], flags | own },
			.msg_len_addr = item->priv->entry + form->entry_len,
		};
	}
	return 0;
}

static int fill_call(const struct pm_call *call, uint64_t base, const size_t *offsets,
		     size_t extra, struct pm_run *run)
{
	const struct pm_call_private *priv = call->priv;
	struct pm_step *step = malloc(sizeof(*step));

	if (!step)
		return -ENOMEM;
	run->steps = step;
	run->nsteps = 1;
	*step = (struct pm_step){ .nr = priv->run_as ? priv->run_nr : call->nr };
	memcpy(step->args, priv->run_as ? priv->run_args : call->args, sizeof(step->args));
	for (size_t i = 0; i < call->nitems; i++) {
		int arg = item_register(call, i);

		if (arg < 0)
			continue;
		step->args[arg] = base + offsets[i];
		run->pinned |= 1u << arg;
	}
	if (priv->run_as && priv->extra_len) {
		step->args[priv->extra_arg] = base + extra;
		run->pinned |= 1u << priv->extra_arg;
	}
	for (int i = 0; i < 6 && call_narrow(call); i++)
		step->args[i] = (uint32_t)step->args[i];
	return 0;
}

int pm_call_layout(const struct pm_call *call, void *mem, size_t size, uint64_t target_addr,
		   struct pm_run *run)
{
	struct pen pen = { .mem = mem, .size = size, .base = target_addr };
	size_t extra = 0, few[FEW_ITEMS] = { 0 }, *offsets = few;
	int err;

	*run = (struct pm_run){ 0 };
	if (size && (target_addr + size < target_addr ||
		     (call_narrow(call) && target_addr + size > (uint64_t)1 << 32)))
		return -EOVERFLOW;
	if (pm_call_layout_size(call) > size)
		return -ENOMEM;
	if (call->nitems > FEW_ITEMS)
		offsets = calloc(call->nitems, sizeof(*offsets));
	if (!offsets)
		return -ENOMEM;
	put_all(&pen, call, offsets, &extra);
	err = is_messages(call) ? fill_messages(call, target_addr, offsets, run) :
				  fill_call(call, target_addr, offsets, extra, run);
	if (offsets != few)
		free(offsets);
	if (err)
		pm_run_clear(run);
	return err;
}

void pm_run_clear(struct pm_run *run)
{
	free(run->steps);
	*run = (struct pm_run){ 0 };
}
