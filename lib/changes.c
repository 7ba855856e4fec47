/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "changes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "call_private.h"

int changes_note(struct pm_call *call, enum change change, uint64_t number, const void *bytes,
		 size_t len)
{
	struct changes *changes = call->priv ? call->priv->changes : NULL;
	uint32_t which = change;
	size_t before;
	int err;

	if (!changes)
		return 0;
	before = changes->bytes.len;
	bytes_put(&changes->bytes, &which, sizeof(which));
	bytes_put(&changes->bytes, &number, sizeof(number));
	bytes_put_block(&changes->bytes, bytes, len);
	err = changes->bytes.err;
	if (err) {
		changes->bytes.len = before;
		changes->bytes.err = 0;
	}
	return err;
}

int changes_note_always(struct pm_call *call, enum change change, uint64_t number,
			const void *bytes, size_t len)
{
	int err = changes_note(call, change, number, bytes, len);

	if (err)
		call->priv->changes->err = err;
	return err;
}

void changes_free(struct changes *changes)
{
	if (!changes)
		return;
	bytes_clear(&changes->bytes);
	free(changes);
}

static int apply_path(struct pm_call *call, struct pm_item *item, const char *path, size_t len)
{
	char *copy = copy_bytes(path, len);
	int err = copy ? pm_call_set_path(call, item, copy) : -ENOMEM;

	free(copy);
	return err;
}

static int apply_strv(struct pm_call *call, struct pm_item *item, const char *text, size_t len)
{
	size_t count = 0;
	char **strv;
	int err;

	if (len && text[len - 1])
		return -EBADMSG;
	for (size_t i = 0; i < len; i++)
		count += !text[i];
	strv = strv_pack(text, len, count);
	err = strv ? pm_call_set_strv(call, item, strv) : -ENOMEM;
	free(strv);
	return err;
}

static int apply_item(struct pm_call *call, enum change change, uint64_t index, const void *bytes,
		      size_t len)
{
	struct pm_item *item = index < call->nitems ? &call->items[index] : NULL;

	if (!item || !bytes)
		return -EBADMSG;
	switch (change) {
	case CHANGE_PATH:
		return apply_path(call, item, bytes, len);
	case CHANGE_SOCKADDR:
		return pm_call_set_sockaddr(call, item, bytes, len);
	default:
		return apply_strv(call, item, bytes, len);
	}
}

static int apply(struct pm_call *call, uint32_t change, uint64_t number, const void *bytes,
		 size_t len)
{
	uint64_t value;

	switch (change) {
	case CHANGE_PATH:
	case CHANGE_SOCKADDR:
	case CHANGE_STRV:
		return apply_item(call, (enum change)change, number, bytes, len);
	case CHANGE_ARG:
		if (len != sizeof(value) || number > 5)
			return -EBADMSG;
		memcpy(&value, bytes, sizeof(value));
		return pm_call_set_arg(call, (unsigned int)number, value);
	case CHANGE_NR:
		return pm_call_set_nr(call, (int)number);
	case CHANGE_NO_CREATE:
		pm_call_forbid_create(call);
		return 0;
	case CHANGE_MEMORY:
		return bytes ? pm_call_write(call, number, bytes, len) : -EBADMSG;
	default:
		return -EBADMSG;
	}
}

int changes_apply(struct pm_call *call, struct bytes_left *left)
{
	int err = 0;

	while (!err && left->len) {
		const void *bytes;
		uint64_t number;
		uint32_t change;
		size_t len;

		bytes_get(left, &change, sizeof(change));
		bytes_get(left, &number, sizeof(number));
		bytes = bytes_get_block(left, &len);
		err = left->torn ? -EBADMSG : apply(call, change, number, bytes, len);
	}
	return err;
}
