/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* arg.c - what a call names, by the name that it has in the manual page */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <pointsman/pointsman.h>

/* "argv[2]": len bytes of name, then an index. */
struct spelling {
	const char *name;
	size_t len;
	size_t index;
	bool indexed;
};

static int spell(const char *name, struct spelling *spelling)
{
	const char *bracket = name + strcspn(name, "[");
	char *end;

	*spelling = (struct spelling){ .name = name, .len = (size_t)(bracket - name) };
	if (!spelling->len)
		return -EINVAL;
	if (!*bracket)
		return 0;
	/* Digits alone: strtoul() takes a sign and blanks too. */
	if (bracket[1] < '0' || bracket[1] > '9')
		return -EINVAL;
	errno = 0;
	spelling->index = strtoul(bracket + 1, &end, 10);
	spelling->indexed = true;
	return errno || strcmp(end, "]") ? -EINVAL : 0;
}

static bool is(const struct spelling *spelling, const char *name)
{
	return name && strlen(name) == spelling->len &&
	       !memcmp(name, spelling->name, spelling->len);
}

static bool has_role(const struct pm_item *item, const struct spelling *spelling)
{
	return is(spelling, item->role);
}

/* The names that do not depend on the call. */
static bool has_kind(const struct pm_item *item, const struct spelling *spelling)
{
	switch (item->kind) {
	case PM_ITEM_PATH:
		return is(spelling, "path");
	case PM_ITEM_SOCKADDR:
		return is(spelling, "sockaddr");
	default:
		return false;
	}
}

/* The nth that fits, or NULL; *found is how many there are up to it. */
static struct pm_item *find(struct pm_call *call, const struct spelling *spelling, size_t nth,
			    bool (*fits)(const struct pm_item *, const struct spelling *),
			    size_t *found)
{
	*found = 0;
	for (size_t i = 0; i < call->nitems; i++)
		if (fits(&call->items[i], spelling) && (*found)++ == nth)
			return &call->items[i];
	return NULL;
}

static bool is_vector(const struct pm_item *item)
{
	return item && item->kind == PM_ITEM_STRV;
}

int pm_call_arg(struct pm_call *call, const char *name, struct pm_arg *arg)
{
	bool (*fits)(const struct pm_item *, const struct spelling *) = has_role;
	struct spelling spelling;
	struct pm_item *item;
	size_t found;
	int err = spell(name, &spelling);

	*arg = (struct pm_arg){ 0 };
	if (err)
		return err;
	item = find(call, &spelling, 0, fits, &found);
	if (!item) {
		fits = has_kind;
		item = find(call, &spelling, 0, fits, &found);
	}
	if (!item)
		return -ENOENT;
	if (is_vector(item)) {
		if (spelling.indexed && spelling.index >= item->nstr)
			return -ERANGE;
		*arg = (struct pm_arg){ .item = item, .len = item->nstr };
		if (spelling.indexed) {
			arg->text = item->strv[spelling.index];
			arg->len = strlen(arg->text);
		}
		return 0;
	}
	item = find(call, &spelling, spelling.index, fits, &found);
	if (!item)
		return -ERANGE;
	*arg = (struct pm_arg){ .item = item, .len = item->len };
	if (item->kind == PM_ITEM_PATH || item->kind == PM_ITEM_STRING)
		arg->text = (const char *)item->data;
	return 0;
}
