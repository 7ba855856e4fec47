/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * read.c - the deep arguments of one call, read once
 *
 * No byte that counts is read a second time: the target may have changed it by
 * then.  Lengths are checked as the kernel does, and with its errors.
 */
#include "call_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

#define SHORT_TEXT 256	/* bytes that a string is looked for in first */

#define HANDLE_HEADER 8u
#define HANDLE_BYTES 128u	/* MAX_HANDLE_SZ */

struct reading {
	struct pm_call *call;
	const struct pm_reader *reader;
	size_t used;		/* bytes of argv and envp so far */
};

int read_exact(const struct pm_reader *reader, uint64_t addr, void *buf, size_t len)
{
	ssize_t n;

	if (!len)
		return 0;
	if (addr + len < addr)
		return -EFAULT;
	n = reader->read(reader->data, addr, buf, len);
	if (n < 0)
		return (int)n;
	return (size_t)n == len ? 0 : -EFAULT;
}

/* More of a string: not beyond the page, which may be the last, and not beyond want. */
static ssize_t read_more(const struct pm_reader *reader, uint64_t addr, unsigned char *buf,
			 size_t want)
{
	size_t page = PAGE - (size_t)(addr % PAGE);
	ssize_t n = reader->read(reader->data, addr, buf, want < page ? want : page);

	return n ? n : -EFAULT;
}

/*
 * A string of up to limit bytes with its NUL, from the heap.  Never asks for a
 * page that the kernel would not look at.  Most are short.
 */
static int read_text(const struct pm_reader *reader, uint64_t addr, size_t limit, int too_long,
		     unsigned char **text, size_t *len)
{
	auto_free unsigned char *more = NULL;
	unsigned char first[SHORT_TEXT], *buf = first;
	size_t have = 0, room = limit < sizeof(first) ? limit : sizeof(first);

	while (have < limit) {
		unsigned char *end;
		ssize_t n;

		if (have == room) {
			more = malloc(limit);
			if (!more)
				return -ENOMEM;
			memcpy(more, first, have);
			buf = more;
			room = limit;
		}
		n = read_more(reader, addr + have, buf + have, room - have);
		if (n < 0)
			return (int)n;
		end = memchr(buf + have, '\0', (size_t)n);
		if (end) {
			*len = (size_t)(end - buf);
			*text = copy_bytes(buf, *len);
			return *text ? 0 : -ENOMEM;
		}
		have += (size_t)n;
	}
	return -too_long;
}

/* A new item that owns data, which is freed on failure. */
static struct pm_item *add_data(struct reading *r, enum pm_item_kind kind,
				const struct pm_shape *shape, unsigned char *data, size_t len)
{
	struct pm_item *item = call_add_item(r->call, kind, shape);

	if (!item) {
		free(data);
		return NULL;
	}
	item->data = data;
	item->len = len;
	return item;
}

static int read_string(struct reading *r, const struct pm_shape *shape)
{
	bool path = shape_kind(r->call, shape) == PM_SHAPE_PATH;
	bool own_limit = shape->kind == PM_SHAPE_STRING && (!path || shape->rule == PM_RULE_MOUNT);
	uint64_t addr = r->call->args[shape->arg];
	unsigned char *text = NULL;
	size_t len = 0;
	int err = 0;

	if (!addr && shape_null_is_empty(r->call, shape))
		text = copy_bytes("", 0);
	else
		err = read_text(r->reader, addr, own_limit ? shape->limit : PATH_BYTES,
				own_limit ? shape->too_long : ENAMETOOLONG, &text, &len);
	if (err)
		return err;
	/* do_loopback() and do_move_mount_old() ask before they look anything up. */
	if (path && shape->rule == PM_RULE_MOUNT && !len) {
		free(text);
		return -EINVAL;
	}
	if (!text || !add_data(r, path ? PM_ITEM_PATH : PM_ITEM_STRING, shape, text, len))
		return -ENOMEM;
	return 0;
}

static int read_bytes(struct reading *r, uint64_t addr, size_t len, unsigned char **bytes)
{
	auto_free unsigned char *buf = calloc(1, len + 1);
	int err;

	if (!buf)
		return -ENOMEM;
	err = read_exact(r->reader, addr, buf, len);
	if (err)
		return err;
	*bytes = buf;
	buf = NULL;
	return 0;
}

/* As move_addr_to_kernel(): an address of length 0 is not looked at. */
static int read_sockaddr(struct reading *r, const struct pm_shape *shape)
{
	int len = (int)r->call->args[shape->len - 1];
	unsigned char *bytes;
	int err;

	if (len < 0 || len > (int)ADDRESS_BYTES)
		return -EINVAL;
	err = read_bytes(r, r->call->args[shape->arg], (size_t)len, &bytes);
	if (err)
		return err;
	return add_data(r, PM_ITEM_SOCKADDR, shape, bytes, (size_t)len) ? 0 : -ENOMEM;
}

/* As copy_struct_from_user(): a tail that is not known here has to be zero. */
static int read_block(struct reading *r, const struct pm_shape *shape)
{
	uint64_t size = r->call->args[shape->len - 1];
	unsigned char *bytes;
	int err;

	if (size > PAGE)
		return -E2BIG;
	if (size < shape->least)
		return -EINVAL;
	err = read_bytes(r, r->call->args[shape->arg], (size_t)size, &bytes);
	if (err)
		return err;
	if (!add_data(r, PM_ITEM_BLOCK, shape, bytes, (size_t)size))
		return -ENOMEM;
	for (size_t i = shape->limit; i < size; i++)
		if (bytes[i])
			return -E2BIG;
	return 0;
}

/* bytes become an item that the pointer at `at` in the item parent names. */
static struct pm_item *add_child(struct reading *r, enum pm_item_kind kind, size_t parent,
				 size_t at, size_t width, unsigned char *bytes, size_t len)
{
	const struct pm_shape *shape = r->call->items[parent].priv->shape;
	struct pm_item *item = add_data(r, kind, shape, bytes, len);

	if (!item)
		return NULL;
	item->priv->parent = (int)parent;
	item->priv->at = (uint16_t)at;
	item->priv->width = (uint8_t)width;
	return item;
}

/* As __copy_msghdr(): a name that is too long is cut, a NULL one has no length. */
static int read_message(struct reading *r, const struct pm_shape *shape, uint64_t addr)
{
	const struct msghdr_form *form = call_msghdr_form(r->call);
	auto_free unsigned char *header = NULL;
	auto_free unsigned char *name = NULL;
	struct pm_item *item;
	uint64_t name_addr;
	size_t parent;
	int len, err;

	err = read_bytes(r, addr, form->size, &header);
	if (err)
		return err;
	name_addr = load_le(header, form->word);
	len = name_addr ? (int)load_le(header + form->name_len, 4) : 0;
	if (len < 0)
		return -EINVAL;
	if (len > (int)ADDRESS_BYTES)
		len = ADDRESS_BYTES;
	err = len ? read_bytes(r, name_addr, (size_t)len, &name) : 0;
	if (err)
		return err;
	store_le(header + form->name_len, 4, (uint64_t)len);
	if (!len)
		store_le(header, form->word, 0);
	item = add_data(r, PM_ITEM_BLOCK, shape, header, form->size);
	header = NULL;
	if (!item)
		return -ENOMEM;
	item->priv->entry = addr;
	if (!len)
		return 0;
	parent = r->call->nitems - 1;
	item = add_child(r, PM_ITEM_SOCKADDR, parent, 0, form->word, name, (size_t)len);
	name = NULL;
	if (!item)
		return -ENOMEM;
	item->role = "msg_name";
	return 0;
}

/* What cannot be read ends the list; only in the first message it is an error. */
static int read_messages(struct reading *r, const struct pm_shape *shape)
{
	const struct msghdr_form *form = call_msghdr_form(r->call);
	uint32_t count = (uint32_t)r->call->args[shape->len - 1];
	uint64_t addr = r->call->args[shape->arg];

	if (count > MESSAGES)
		count = MESSAGES;
	for (uint32_t i = 0; i < count; i++) {
		int err = read_message(r, shape, addr + (uint64_t)i * form->entry_size);

		if (err && (!i || err == -ENOMEM || err == -ESRCH))
			return err;
		if (err)
			break;
	}
	return 0;
}

static int read_handle(struct reading *r, const struct pm_shape *shape)
{
	uint64_t addr = r->call->args[shape->arg];
	unsigned char bytes[HANDLE_HEADER + HANDLE_BYTES], *copy;
	int err = read_exact(r->reader, addr, bytes, HANDLE_HEADER);
	size_t size;

	if (err)
		return err;
	size = (size_t)load_le(bytes, 4);
	if (!size || size > HANDLE_BYTES)
		return -EINVAL;
	err = read_exact(r->reader, addr + HANDLE_HEADER, bytes + HANDLE_HEADER, size);
	if (err)
		return err;
	copy = copy_bytes(bytes, HANDLE_HEADER + size);
	if (!copy || !add_data(r, PM_ITEM_BLOCK, shape, copy, HANDLE_HEADER + size))
		return -ENOMEM;
	return 0;
}

/* As copy_mount_options(): a page, or as much of it as there is, and zeros. */
static int read_options(struct reading *r, const struct pm_shape *shape)
{
	uint64_t addr = r->call->args[shape->arg];
	size_t first = PAGE - (size_t)(addr % PAGE);
	auto_free unsigned char *page = calloc(1, PAGE);
	unsigned char *bytes;
	ssize_t n, more = 0;

	if (!page)
		return -ENOMEM;
	n = r->reader->read(r->reader->data, addr, page, first);
	if (n <= 0)
		return n ? (int)n : -EFAULT;
	if ((size_t)n == first && first < PAGE)
		more = r->reader->read(r->reader->data, addr + first, page + first, PAGE - first);
	if (more < 0 && more != -EFAULT)
		return (int)more;
	page[PAGE - 1] = '\0';
	bytes = page;
	page = NULL;
	return add_data(r, PM_ITEM_BLOCK, shape, bytes, PAGE) ? 0 : -ENOMEM;
}

/*
 * As __sys_bpf(): what is left out is zero, be it half a pointer.  The call runs
 * with the whole of what was looked at.
 */
static int read_bpf(struct reading *r, const struct pm_shape *shape)
{
	uint32_t size = (uint32_t)r->call->args[shape->len - 1];
	uint32_t whole = size < BPF_BYTES ? BPF_BYTES : size;
	auto_free unsigned char *attr = NULL;
	unsigned char *bytes, *path;
	size_t len, parent;
	uint16_t at;
	int err;

	if (size > PAGE)
		return -E2BIG;
	err = read_bytes(r, r->call->args[shape->arg], size, &attr);
	if (err)
		return err;
	bytes = calloc(1, whole + 1);
	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, attr, size);
	if (!add_data(r, PM_ITEM_BLOCK, shape, bytes, whole))
		return -ENOMEM;
	r->call->args[shape->len - 1] = whole;
	parent = r->call->nitems - 1;
	if (!bpf_path(r->call, bytes, &at))
		return 0;
	err = read_text(r->reader, load_le(bytes + at, 8), PATH_BYTES, ENAMETOOLONG, &path, &len);
	if (err)
		return err;
	return add_child(r, PM_ITEM_PATH, parent, at, 8, path, len) ? 0 : -ENOMEM;
}

static int read_vector(struct reading *r, const struct pm_shape *shape)
{
	struct pm_item *item = call_add_item(r->call, PM_ITEM_STRV, shape);
	int err;

	if (!item)
		return -ENOMEM;
	err = read_strv(r->reader, r->call->args[shape->arg], call_narrow(r->call) ? 4 : 8,
			&r->used, item);
	/* Who is told of the call finds no vector that is none. */
	if (err)
		call_drop_item(r->call);
	return err;
}

static int read_shape(struct reading *r, const struct pm_shape *shape)
{
	switch ((enum pm_shape_kind)shape->kind) {
	case PM_SHAPE_PATH:
	case PM_SHAPE_STRING:
		return read_string(r, shape);
	case PM_SHAPE_SOCKADDR:
		return read_sockaddr(r, shape);
	case PM_SHAPE_STRV:
		return read_vector(r, shape);
	case PM_SHAPE_BLOCK:
		return read_block(r, shape);
	case PM_SHAPE_MSGHDR:
		return read_message(r, shape, r->call->args[shape->arg]);
	case PM_SHAPE_MMSGHDR:
		return read_messages(r, shape);
	case PM_SHAPE_HANDLE:
		return read_handle(r, shape);
	case PM_SHAPE_OPTIONS:
		return read_options(r, shape);
	case PM_SHAPE_BPF:
		return read_bpf(r, shape);
	case PM_SHAPE_SOCKETCALL:
	case PM_SHAPE_NONE:
		break;
	}
	return -ENOSYS;
}

static int read_call(struct pm_call *call, const struct pm_reader *reader, bool vectors)
{
	struct reading r = { .call = call, .reader = reader };
	int err;

	call->name = pm_syscall_name(call->arch, call->nr);
	call->ent = pm_sysent_find(call->arch, call->nr);
	call->items = NULL;
	call->nitems = 0;
	call->priv = malloc(sizeof(*call->priv));
	if (!call->priv)
		return -ENOMEM;
	*call->priv = (struct pm_call_private){ 0 };
	if (!call->name)
		return -ENOSYS;
	for (int i = 0; i < 6 && call_narrow(call); i++)
		call->args[i] = (uint32_t)call->args[i];
	err = call_unpack(call, reader);
	if (err)
		return err;
	PM_SHAPE_EACH(call->ent, shape) {
		if (shape->kind == PM_SHAPE_STRV && !vectors)
			call->priv->unread = true;
		else if (shape_applies(call, shape))
			err = read_shape(&r, shape);
		if (err)
			break;
	}
	call_classify(call);
	call_name_address(call);
	return err;
}

int pm_call_read(struct pm_call *call, const struct pm_reader *reader)
{
	return read_call(call, reader, true);
}

int call_read_but_vectors(struct pm_call *call, const struct pm_reader *reader)
{
	return read_call(call, reader, false);
}

/* The last item goes before what stands in no register: the interpreters of a script. */
static void move_last(struct pm_call *call)
{
	const struct pm_item last = call->items[call->nitems - 1];
	size_t at = 0;

	while (at < call->nitems - 1 && call->items[at].arg != PM_NO_REGISTER)
		at++;
	memmove(&call->items[at + 1], &call->items[at],
		(call->nitems - 1 - at) * sizeof(call->items[0]));
	call->items[at] = last;
}

int call_read_vectors(struct pm_call *call, const struct pm_reader *reader)
{
	struct reading r = { .call = call, .reader = reader };
	int err = 0;

	if (!call->priv->unread)
		return 0;
	call->priv->unread = false;
	PM_SHAPE_EACH(call->ent, shape) {
		if (err || shape->kind != PM_SHAPE_STRV || !shape_applies(call, shape))
			continue;
		err = read_vector(&r, shape);
		if (!err)
			move_last(call);
	}
	return err;
}
