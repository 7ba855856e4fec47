/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "call_private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>

#include "changes.h"
#include "cleanup.h"

/* Owner: the call. */
struct kept {
	struct kept *next;
	char text[];
};

static const char *const class_names[PM_NCLASSES] = {
	[PM_CLASS_OPEN_READ] = "open-read",
	[PM_CLASS_OPEN_WRITE] = "open-write",
	[PM_CLASS_CREATE] = "create",
	[PM_CLASS_REMOVE] = "remove",
	[PM_CLASS_RENAME] = "rename",
	[PM_CLASS_LINK] = "link",
	[PM_CLASS_METADATA] = "metadata",
	[PM_CLASS_SET_METADATA] = "set-metadata",
	[PM_CLASS_EXEC] = "exec",
	[PM_CLASS_CHDIR] = "chdir",
	[PM_CLASS_CHROOT] = "chroot",
	[PM_CLASS_MOUNT] = "mount",
	[PM_CLASS_WATCH] = "watch",
	[PM_CLASS_CONNECT] = "connect",
	[PM_CLASS_BIND] = "bind",
	[PM_CLASS_SEND] = "send",
	[PM_CLASS_SYSTEM] = "system",
	[PM_CLASS_IPC] = "ipc",
};

const char *pm_class_name(enum pm_class class)
{
	return (unsigned int)class < PM_NCLASSES ? class_names[class] : NULL;
}

int pm_class_by_name(const char *name)
{
	for (int class = 0; class < PM_NCLASSES; class++)
		if (!strcmp(class_names[class], name))
			return class;
	return -ENOENT;
}

bool call_narrow(const struct pm_call *call)
{
	return call->arch == AUDIT_ARCH_I386;
}

const struct msghdr_form *call_msghdr_form(const struct pm_call *call)
{
	static const struct msghdr_form wide = { 8, 8, 48, 56, 56, 64 };
	static const struct msghdr_form narrow = { 4, 4, 24, 28, 28, 32 };

	return call_narrow(call) ? &narrow : &wide;
}

uint64_t load_le(const void *from, size_t width)
{
	uint64_t value = 0;

	memcpy(&value, from, width);
	return value;
}

void store_le(void *to, size_t width, uint64_t value)
{
	memcpy(to, &value, width);
}

void *copy_bytes(const void *from, size_t len)
{
	unsigned char *copy = malloc(len + 1);

	if (!copy)
		return NULL;
	if (len)
		memcpy(copy, from, len);
	copy[len] = '\0';
	return copy;
}

struct pm_item *call_add_item(struct pm_call *call, enum pm_item_kind kind,
			      const struct pm_shape *shape)
{
	struct pm_item_private *priv = malloc(sizeof(*priv));
	struct pm_item *item;

	if (priv && call->nitems == call->priv->room) {
		size_t room = call->priv->room ? call->priv->room * 2 : 4;
		struct pm_item *items = realloc(call->items, room * sizeof(*items));

		if (items) {
			call->items = items;
			call->priv->room = room;
		}
	}
	if (!priv || call->nitems == call->priv->room) {
		free(priv);
		return NULL;
	}
	*priv = (struct pm_item_private){ .shape = shape, .parent = -1, .where.fd = -1 };
	item = &call->items[call->nitems++];
	*item = (struct pm_item){ .kind = kind, .role = shape ? shape->role : NULL,
				  .arg = shape ? shape->arg : PM_NO_REGISTER,
				  .dirfd = AT_FDCWD, .priv = priv };
	return item;
}

void item_forget_where(struct pm_item *item)
{
	if (item->priv->asked)
		pm_where_free(&item->priv->where);
	item->priv->asked = item->priv->native = item->priv->passing = false;
	item->priv->where = (struct pm_where){ .fd = -1 };
	item->priv->below = 0;
}

void call_drop_item(struct pm_call *call)
{
	struct pm_item *item = &call->items[--call->nitems];

	item_forget_where(item);
	free(item->priv->run_text);
	free(item->priv);
	free(item->data);
	free(item->strv);
}

const char *call_keep(struct pm_call *call, const char *text)
{
	size_t len = strlen(text) + 1;
	struct kept *kept = malloc(sizeof(*kept) + len);

	if (!kept)
		return NULL;
	memcpy(kept->text, text, len);
	kept->next = call->priv->kept;
	call->priv->kept = kept;
	return kept->text;
}

void pm_call_clear(struct pm_call *call)
{
	while (call->nitems)
		call_drop_item(call);
	free(call->items);
	call->items = NULL;
	if (call->priv) {
		while (call->priv->kept) {
			struct kept *next = call->priv->kept->next;

			free(call->priv->kept);
			call->priv->kept = next;
		}
		changes_free(call->priv->changes);
		free(call->priv->run_arg);
		free(call->priv->extra);
	}
	free(call->priv);
	call->priv = NULL;
}

/*
 * A call that was unpacked counts as changed: run as it was made, it would
 * read its arguments from the target's memory again.
 */
bool pm_call_changed(const struct pm_call *call)
{
	return call->priv && (call->priv->changed || call->priv->unpacked || call->priv->run_as);
}

struct pm_item *pm_call_item(struct pm_call *call, enum pm_item_kind kind, const char *role)
{
	for (size_t i = 0; i < call->nitems; i++)
		if (call->items[i].kind == kind &&
		    (!role || !strcmp(call->items[i].role, role)))
			return &call->items[i];
	return NULL;
}

const struct pm_where *pm_item_peek(const struct pm_item *item)
{
	return item->priv->asked ? &item->priv->where : NULL;
}

/* access(2) and its kin go by the real ids, but where they are told not to. */
static bool asks_really(const struct pm_call *call)
{
	if (!strcmp(call->name, "access") || !strcmp(call->name, "faccessat"))
		return true;
	return !strcmp(call->name, "faccessat2") && !(call->args[3] & AT_EACCESS);
}

/* How the call looks at its path. */
static unsigned int walk_flags(const struct pm_call *call, const struct pm_item *item)
{
	const uint32_t names = PM_BIT(PM_CLASS_CREATE) | PM_BIT(PM_CLASS_REMOVE) |
			       PM_BIT(PM_CLASS_RENAME);
	struct pm_open_how how;
	unsigned int flags = 0;

	if (item->nofollow)
		flags |= PM_RESOLVE_NOFOLLOW;
	if (item->empty_ok)
		flags |= PM_RESOLVE_EMPTY;
	if (pm_call_open_how(call, &how)) {
		if (item->nofollow && item->classes & names)
			flags |= PM_RESOLVE_PARENT;
	} else if (how.flags & O_CREAT && !(how.flags & O_PATH)) {
		flags |= PM_RESOLVE_CREATE;
	}
	if (!call->priv->as_effective && asks_really(call))
		flags |= PM_RESOLVE_REAL;
	if (call->priv->only_asks)
		flags |= PM_RESOLVE_LOOK;
	if (call->priv->asks_again || item->priv->passing)
		flags |= PM_RESOLVE_AGAIN;
	return flags;
}

struct pm_view call_view(const struct pm_call *call)
{
	return (struct pm_view){ .tid = call->tid, .tgid = call->tgid,
				 .known = call->priv ? &call->priv->known : NULL };
}

const struct pm_where *pm_item_where(struct pm_call *call, struct pm_item *item)
{
	const struct pm_view view = call_view(call);
	struct pm_where *where = &item->priv->where;
	int err = -ENOENT;

	if (item->kind != PM_ITEM_PATH)
		return NULL;
	if (item->priv->asked)
		return where;
	item->priv->asked = true;
	/* What is to run is walked once, by the supervisor. */
	if (call->priv->changes) {
		err = -EOPNOTSUPP;
	} else if (item->len || item->empty_ok) {
		call->priv->known.below = 0;
		err = pm_resolve(&view, item->dirfd, (const char *)item->data,
				 walk_flags(call, item), pm_call_resolve_flags(call), where);
		item->priv->below = call->priv->known.below;
	}
	if (err) {
		*where = (struct pm_where){ .err = -err, .fd = -1 };
		where->name = copy_bytes(item->data, item->len);
	}
	return where;
}

/* Absolute, and spelled as the name of what it leads to on a way without links. */
static bool is_spelled_out(const char *path)
{
	if (*path != '/' || !path[1])
		return false;
	while (*path) {
		const char *name = path + 1, *end = strchrnul(name, '/');
		size_t len = (size_t)(end - name);

		if (!len || (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'))))
			return false;
		path = end;
	}
	return true;
}

/*
 * Only to open what is there: whether something is to be made depends on the walk.  So
 * does what openat2's own flags forbid.
 */
bool pm_item_leads_straight(struct pm_call *call, struct pm_item *item)
{
	const uint64_t makes = O_CREAT | (O_TMPFILE & ~O_DIRECTORY);
	struct pm_open_how how;

	item->priv->straight = call->priv && call->priv->asked_again &&
			       item->kind == PM_ITEM_PATH && item->priv->redirected &&
			       !item->priv->asked && !pm_call_open_how(call, &how) &&
			       !how.strict && !(how.flags & makes) &&
			       is_spelled_out((const char *)item->data);
	return item->priv->straight;
}

void pm_call_let_go(struct pm_call *call)
{
	for (size_t i = 0; i < call->nitems; i++) {
		cleanup_close(&call->items[i].priv->where.fd);
		call->items[i].priv->where.fd = -1;
	}
}

int pm_call_resolve(struct pm_call *call, const char *path, bool nofollow, struct pm_where *out)
{
	const struct pm_view view = call_view(call);

	return pm_resolve(&view, AT_FDCWD, path, nofollow ? PM_RESOLVE_NOFOLLOW : 0, 0, out);
}

/* The open_how of openat2, or NULL. */
static const struct pm_item *how_of(const struct pm_call *call)
{
	for (size_t i = 0; i < call->nitems; i++) {
		const struct pm_item *item = &call->items[i];

		if (item->kind == PM_ITEM_BLOCK && item->len >= 24 && item->priv->shape &&
		    !strcmp(item->priv->shape->role, "how"))
			return item;
	}
	return NULL;
}

uint64_t pm_call_resolve_flags(const struct pm_call *call)
{
	const struct pm_item *how = how_of(call);

	return how ? load_le(how->data + 16, 8) : 0;
}

int pm_call_open_how(const struct pm_call *call, struct pm_open_how *how)
{
	const struct pm_shape *shape = call->ent ? &call->ent->shapes[0] : NULL;
	const struct pm_item *block;

	*how = (struct pm_open_how){ 0 };
	if (!shape || shape->kind != PM_SHAPE_PATH)
		return -EINVAL;
	switch (shape->rule) {
	case PM_RULE_OPEN:
		how->flags = (uint32_t)call->args[shape->flags - 1];
		how->mode = (uint16_t)call->args[shape->flags];
		return 0;
	case PM_RULE_CREAT:
		how->flags = O_CREAT | O_WRONLY | O_TRUNC;
		how->mode = (uint16_t)call->args[shape->flags - 1];
		return 0;
	case PM_RULE_HOW:
		block = how_of(call);
		if (!block)
			return -EINVAL;
		how->flags = load_le(block->data, 8);
		how->mode = load_le(block->data + 8, 8);
		how->resolve = load_le(block->data + 16, 8);
		how->strict = true;
		return 0;
	default:
		return -EINVAL;
	}
}
