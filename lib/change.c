/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * change.c - what layers, and the last stage, change of a call
 *
 * Nothing is read from the target again.  A change after which the kernel
 * would read an argument that was not read here is refused.
 */
#include "call_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "changes.h"

static bool owns(const struct pm_call *call, const struct pm_item *item, enum pm_item_kind kind)
{
	return call->items && item >= call->items && item < call->items + call->nitems &&
	       item->kind == kind;
}

static uint64_t in_width(const struct pm_call *call, uint64_t value)
{
	return call_narrow(call) ? (uint32_t)value : value;
}

static int replace_data(struct pm_call *call, struct pm_item *item, enum change change,
			const void *data, size_t len)
{
	void *copy = copy_bytes(data, len);
	int err = copy ? changes_note(call, change, (uint64_t)(item - call->items), data, len) :
			 -ENOMEM;

	if (err) {
		free(copy);
		return err;
	}
	free(item->data);
	item->data = copy;
	item->len = len;
	call->priv->changed = true;
	return 0;
}

/* The path no longer starts at a descriptor: the register or the structure says so. */
static void drop_dirfd(struct pm_call *call, struct pm_item *item)
{
	const struct pm_shape *shape = item->priv->shape;
	struct pm_item *attr;

	if (!shape)
		return;
	if (shape->kind == PM_SHAPE_BPF && item->dirfd != AT_FDCWD) {
		attr = &call->items[item->priv->parent];
		bpf_drop_fd(attr->data);
	} else if (shape->dirfd && (int)call->args[shape->dirfd - 1] != AT_FDCWD) {
		/* The kernel takes 32 bits of it. */
		call->args[shape->dirfd - 1] = in_width(call, (uint64_t)(int64_t)AT_FDCWD);
	}
}

int pm_call_set_path(struct pm_call *call, struct pm_item *item, const char *path)
{
	size_t len = strlen(path);
	int err;

	if (!owns(call, item, PM_ITEM_PATH))
		return -EINVAL;
	if (len >= PATH_BYTES)
		return -ENAMETOOLONG;
	err = replace_data(call, item, CHANGE_PATH, path, len);
	if (err)
		return err;
	free(item->priv->run_text);
	item->priv->run_text = NULL;
	item_forget_where(item);
	item->priv->redirected = true;
	item->priv->straight = false;
	drop_dirfd(call, item);
	call_classify(call);
	return 0;
}

void call_store_length(struct pm_call *call, const struct pm_item *item)
{
	const struct pm_item_private *priv = item->priv;

	if (priv->parent >= 0)
		store_le(call->items[priv->parent].data + call_msghdr_form(call)->name_len, 4,
			 item->len);
	else if (priv->shape && priv->shape->len)
		call->args[priv->shape->len - 1] = item->len;
}

int pm_call_set_sockaddr(struct pm_call *call, struct pm_item *item, const void *addr,
			 size_t len)
{
	int err;

	if (!owns(call, item, PM_ITEM_SOCKADDR) || len > ADDRESS_BYTES || len < 2 ||
	    item->len < 2)
		return -EINVAL;
	if (memcmp(item->data, addr, 2))
		return -EAFNOSUPPORT;
	err = replace_data(call, item, CHANGE_SOCKADDR, addr, len);
	if (err)
		return err;
	call_store_length(call, item);
	call_name_address(call);
	return 0;
}

int pm_call_set_strv(struct pm_call *call, struct pm_item *item, char *const *strv)
{
	size_t count = 0, len = 0;
	char *text, *at, **packed;
	int err = -ENOMEM;

	if (!owns(call, item, PM_ITEM_STRV))
		return -EINVAL;
	for (; strv[count]; count++)
		len += strlen(strv[count]) + 1;
	text = at = malloc(len + 1);
	if (!text)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		at = stpcpy(at, strv[i]) + 1;
	packed = strv_pack(text, len, count);
	if (packed)
		err = changes_note(call, CHANGE_STRV, (uint64_t)(item - call->items), text, len);
	free(text);
	if (err) {
		free(packed);
		return err;
	}
	free(item->strv);
	item->strv = packed;
	item->nstr = count;
	call->priv->changed = true;
	return 0;
}

/* Does an item hang on this register, or its length stand in it? */
static bool register_taken(const struct pm_call *call, unsigned int arg)
{
	for (size_t i = 0; i < call->nitems; i++) {
		const struct pm_item_private *priv = call->items[i].priv;

		if (priv->parent < 0 && call->items[i].arg == arg)
			return true;
		if (priv->shape && priv->shape->len == PM_REG(arg))
			return true;
	}
	return false;
}

static struct pm_item *item_on(const struct pm_call *call, unsigned int arg)
{
	for (size_t i = 0; i < call->nitems; i++)
		if (call->items[i].priv->parent < 0 && call->items[i].arg == arg)
			return &call->items[i];
	return NULL;
}

static bool is_text(unsigned int kind)
{
	return kind == PM_SHAPE_PATH || kind == PM_SHAPE_STRING;
}

/* Can what was read as one shape stand for another? */
static bool same_kind(const struct pm_shape *old, const struct pm_shape *shape)
{
	if (is_text(old->kind) && is_text(shape->kind))
		return true;
	/* Structures of their own layout stand for themselves only. */
	if (old->kind == PM_SHAPE_BLOCK)
		return shape->kind == PM_SHAPE_BLOCK && !strcmp(old->role, shape->role);
	return old->kind == shape->kind;
}

/* Was all that the kernel will read, as the registers stand, read here? */
static bool all_read(const struct pm_call *call, const struct pm_sysent *ent)
{
	PM_SHAPE_EACH(ent, shape) {
		const struct pm_item *item = item_on(call, shape->arg);

		if (!shape_applies(call, shape))
			continue;
		/* No messages at all is nothing to read. */
		if (!item && shape->kind == PM_SHAPE_MMSGHDR &&
		    !(uint32_t)call->args[shape->len - 1])
			continue;
		if (!item || !item->priv->shape || !same_kind(item->priv->shape, shape))
			return false;
	}
	return true;
}

/* A bpf command, too, decides which pointer of the block is one. */
static bool bpf_read(const struct pm_call *call)
{
	for (size_t i = 0; i < call->nitems; i++) {
		const struct pm_item *item = &call->items[i];
		const struct pm_item *next = i + 1 < call->nitems ? item + 1 : NULL;
		bool child = next && next->priv->parent == (int)i;
		uint16_t at;

		if (!item->priv->shape || item->priv->shape->kind != PM_SHAPE_BPF ||
		    item->priv->parent >= 0)
			continue;
		if (bpf_path(call, item->data, &at) != child ||
		    (child && next->priv->at != at))
			return false;
	}
	return true;
}

int pm_call_set_arg(struct pm_call *call, unsigned int arg, uint64_t value)
{
	uint64_t before;
	int err = 0;

	if (arg > 5 || register_taken(call, arg))
		return -EINVAL;
	before = call->args[arg];
	call->args[arg] = in_width(call, value);
	if (!all_read(call, call->ent) || !bpf_read(call))
		err = -EINVAL;
	if (!err)
		err = changes_note(call, CHANGE_ARG, arg, &value, sizeof(value));
	if (err) {
		call->args[arg] = before;
		return err;
	}
	call->priv->changed = true;
	call_classify(call);
	return 0;
}

/* The item takes its line in the new call, with the role that goes with it. */
static void reshape(struct pm_item *item, const struct pm_sysent *ent)
{
	const struct pm_shape *old = item->priv->shape;

	if (!old || item->priv->parent >= 0)
		return;
	item->priv->shape = NULL;
	PM_SHAPE_EACH(ent, shape) {
		if (shape->arg != item->arg || !same_kind(old, shape))
			continue;
		item->priv->shape = shape;
		item->role = shape->role;
	}
}

/*
 * Items stay on their registers.  One whose register holds the same kind of
 * thing in the new call becomes that: role, classes, dirfd and flags are the
 * new call's.  Any other stays where it is, pinned, but the call does nothing
 * to it: no classes, the role it had.  Where the new call would read what was
 * not read for the old one, the answer is -EINVAL and nothing is changed; so
 * it is for sendmmsg and any other call, which do not run in one piece.
 */
int pm_call_set_nr(struct pm_call *call, int nr)
{
	const struct pm_sysent *ent = pm_sysent_find(call->arch, nr);
	const char *name = pm_syscall_name(call->arch, nr);
	const struct pm_sysent *old = call->ent;
	bool old_messages = old && old->shapes[0].kind == PM_SHAPE_MMSGHDR;
	bool messages = ent && ent->shapes[0].kind == PM_SHAPE_MMSGHDR;
	int err;

	if (!name || pm_syscall_owns_registers(call->arch, nr) ||
	    pm_syscall_owns_registers(call->arch, call->nr))
		return -EINVAL;
	if (nr == call->nr)
		return 0;
	if (old_messages || messages || !all_read(call, ent))
		return -EINVAL;
	err = changes_note(call, CHANGE_NR, (uint64_t)nr, NULL, 0);
	if (err)
		return err;
	call->nr = nr;
	call->name = name;
	call->ent = ent;
	call->priv->changed = true;
	for (size_t i = 0; i < call->nitems; i++)
		reshape(&call->items[i], ent);
	for (size_t i = 0; i < call->nitems; i++) {
		struct pm_item_private *priv = call->items[i].priv;

		if (priv->parent >= 0 && !call->items[priv->parent].priv->shape)
			priv->shape = NULL;
		/* A length stands where the new call looks for it. */
		if (priv->shape && priv->shape->len && priv->parent < 0)
			call->args[priv->shape->len - 1] = call->items[i].len;
		item_forget_where(&call->items[i]);
	}
	call_classify(call);
	call_name_address(call);
	return 0;
}

void pm_call_forbid_create(struct pm_call *call)
{
	changes_note_always(call, CHANGE_NO_CREATE, 0, NULL, 0);
	call->priv->no_create = true;
}

bool pm_call_no_create(const struct pm_call *call)
{
	return call->priv->no_create;
}

int pm_call_run_text(struct pm_call *call, struct pm_item *item, const char *text)
{
	char *copy = NULL;

	if (!owns(call, item, PM_ITEM_PATH))
		return -EINVAL;
	if (text && strlen(text) >= PATH_BYTES)
		return -ENAMETOOLONG;
	if (text) {
		copy = copy_bytes(text, strlen(text));
		if (!copy)
			return -ENOMEM;
	}
	free(item->priv->run_text);
	item->priv->run_text = copy;
	return 0;
}

int pm_call_run_as(struct pm_call *call, int nr, const uint64_t args[6], const int8_t *item_arg,
		   const void *extra, size_t len, unsigned int extra_arg)
{
	struct pm_call_private *priv = call->priv;
	int8_t *registers = copy_bytes(item_arg, call->nitems);
	void *block = copy_bytes(extra, len);

	if (!registers || !block) {
		free(registers);
		free(block);
		return -ENOMEM;
	}
	free(priv->run_arg);
	free(priv->extra);
	priv->run_as = true;
	priv->run_nr = nr;
	memcpy(priv->run_args, args, sizeof(priv->run_args));
	priv->run_arg = registers;
	priv->extra = block;
	priv->extra_len = len;
	priv->extra_arg = extra_arg;
	return 0;
}
