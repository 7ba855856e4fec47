/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * copy.c - a call in another process
 *
 * Both are of one image: one was forked from the other.  So structures go over as
 * they lie in memory, and what they point to in the tables of the library is in
 * the same place.  What they own follows them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "call_private.h"
#include "changes.h"

static size_t strv_bytes(const struct pm_item *item)
{
	const char *last = item->nstr ? item->strv[item->nstr - 1] : NULL;

	/* strv_pack() and read_strv() have all strings in one block. */
	return last ? (size_t)(last - item->strv[0]) + strlen(last) + 1 : 0;
}

static void write_item(struct pm_call *call, struct pm_item *item, struct bytes *bytes)
{
	/* Before it is written: it fills in what is. */
	const struct pm_where *where = pm_item_where(call, item);

	bytes_put(bytes, item, sizeof(*item));
	bytes_put(bytes, item->priv, sizeof(*item->priv));
	bytes_put_block(bytes, item->data, item->len);
	bytes_put_block(bytes, item->nstr ? item->strv[0] : NULL, strv_bytes(item));
	if (where) {
		bytes_put_text(bytes, where->name);
		bytes_put_text(bytes, where->self_name);
	}
}

void copy_write(struct pm_call *call, struct bytes *bytes)
{
	bytes_put(bytes, call, sizeof(*call));
	bytes_put(bytes, call->priv, sizeof(*call->priv));
	for (size_t i = 0; i < call->nitems; i++)
		write_item(call, &call->items[i], bytes);
}

static char *get_text(struct bytes_left *left, int *err)
{
	const char *text = bytes_get_text(left);
	char *copy = text ? copy_bytes(text, strlen(text)) : NULL;

	if (text && !copy)
		*err = -ENOMEM;
	return copy;
}

static int read_where(struct bytes_left *left, struct pm_where *where)
{
	int err = 0;

	where->fd = -1;
	where->name = get_text(left, &err);
	where->self_name = get_text(left, &err);
	return err;
}

static int read_item(struct bytes_left *left, struct pm_call *copy)
{
	struct pm_item_private *priv = calloc(1, sizeof(*priv));
	struct pm_item *item = &copy->items[copy->nitems];
	const void *data, *strings;
	size_t len, strings_len;
	int err = 0;

	if (!priv)
		return -ENOMEM;
	copy->nitems++;
	bytes_get(left, item, sizeof(*item));
	bytes_get(left, priv, sizeof(*priv));
	/* What is owned, and not yet there. */
	item->priv = priv;
	item->data = NULL;
	item->strv = NULL;
	priv->run_text = NULL;
	priv->where.name = priv->where.self_name = NULL;
	priv->where.fd = -1;
	data = bytes_get_block(left, &len);
	strings = bytes_get_block(left, &strings_len);
	if (item->kind == PM_ITEM_PATH)
		err = read_where(left, &priv->where);
	if (left->torn)
		return -EBADMSG;
	if (data) {
		item->data = copy_bytes(data, len);
		err = item->data ? err : -ENOMEM;
	}
	if (item->kind == PM_ITEM_STRV) {
		item->strv = strv_pack(strings, strings_len, item->nstr);
		err = item->strv ? err : -ENOMEM;
	}
	return err;
}

int copy_read(struct bytes_left *left, struct pm_call *copy)
{
	size_t nitems;
	int err = 0;

	bytes_get(left, copy, sizeof(*copy));
	nitems = copy->nitems;
	copy->nitems = 0;
	copy->items = calloc(nitems + 1, sizeof(*copy->items));
	copy->priv = calloc(1, sizeof(*copy->priv));
	if (!copy->items || !copy->priv)
		return -ENOMEM;
	bytes_get(left, copy->priv, sizeof(*copy->priv));
	copy->priv->room = nitems + 1;
	copy->priv->kept = NULL;
	/* It was found by comparison with the root and the rights of who asks. */
	copy->priv->known = (struct pm_view_known){ 0 };
	copy->priv->standing = (struct standing){ 0 };
	copy->priv->run_arg = NULL;
	copy->priv->extra = NULL;
	copy->priv->changes = calloc(1, sizeof(*copy->priv->changes));
	if (!copy->priv->changes)
		return -ENOMEM;
	while (!err && copy->nitems < nitems)
		err = read_item(left, copy);
	return left->torn ? -EBADMSG : err;
}
