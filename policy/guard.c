/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * guard.c - what is denied gets no other name
 *
 * Rules speak of names.  A rename, a hard link, a bind mount, another root or a
 * new mount of the same files would give a file that a rule denies a name that
 * the rule does not mean.  So a rule that refuses names refuses such calls too,
 * whatever its classes.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mount.h>

#include "rules.h"

static bool refuses_names(const struct rule *rule)
{
	return (rule->action == PM_DENY || rule->action == PM_KILL) && rule->match.npatterns;
}

uint32_t guard_classes(const struct rule *rule)
{
	return refuses_names(rule) ? NAMING_CLASSES : 0;
}

/* Does the rule mean something below this directory? */
static bool means_below(const struct rule *rule, const char *dir)
{
	for (size_t i = 0; i < rule->match.npatterns; i++)
		if (pattern_below(&rule->match.patterns[i], dir))
			return true;
	return false;
}

/* Does the rule mean something in this directory, or it? */
static bool means_in(const struct rule *rule, const char *dir)
{
	return means_below(rule, dir) ||
	       match_names(&rule->match, &(struct pm_where){ .name = (char *)(uintptr_t)dir });
}

/*
 * A file system that shows the same files wherever it is mounted, by the place
 * where it is found; one whose files are new has none.  Of any other one its
 * files may be those that have names already: from directories (overlay), or
 * on the same device.
 */
static bool type_shows(const struct rule *rule, const char *type)
{
	static const struct {
		const char *type, *place;
	} known[] = {
		{ "binfmt_misc", "/proc/sys/fs/binfmt_misc" },
		{ "bpf", "/sys/fs/bpf" },
		{ "cgroup", "/sys/fs/cgroup" },
		{ "cgroup2", "/sys/fs/cgroup" },
		{ "debugfs", "/sys/kernel/debug" },
		{ "devpts", "/dev/pts" },
		{ "devtmpfs", "/dev" },
		{ "fuse", NULL },
		{ "hugetlbfs", "/dev/hugepages" },
		{ "mqueue", "/dev/mqueue" },
		{ "proc", "/proc" },
		{ "ramfs", NULL },
		{ "securityfs", "/sys/kernel/security" },
		{ "sysfs", "/sys" },
		{ "tmpfs", NULL },
		{ "tracefs", "/sys/kernel/tracing" },
	};
	/* What follows a dot is for the file system itself. */
	size_t len = strcspn(type, ".");

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i].type) == len && !strncmp(known[i].type, type, len))
			return known[i].place && means_in(rule, known[i].place);
	return true;
}

/* Is this mount(2) one of a file system, and not a change of one that is there? */
static bool mounts_anew(struct pm_call *call)
{
	const uint64_t other = MS_REMOUNT | MS_BIND | MS_MOVE | MS_SHARED | MS_PRIVATE |
			       MS_SLAVE | MS_UNBINDABLE;

	return !(call->args[3] & other);
}

static bool guard_mount(const struct rule *rule, struct pm_call *call, const struct pm_item *item)
{
	const struct pm_item *type;

	if (!strcmp(item->role, "fsname"))
		return type_shows(rule, (const char *)item->data);
	if (strcmp(call->name, "mount") || strcmp(item->role, "target") || !mounts_anew(call))
		return false;
	type = pm_call_item(call, PM_ITEM_STRING, "filesystemtype");
	/* Without a type the call fails. */
	return type && type_shows(rule, (const char *)type->data);
}

/* Does this class of this path give the file, and all below it, another name? */
static bool names_anew(const struct pm_item *item, enum pm_class class)
{
	static const char *const mounted[] = { "source", "from_pathname", "filename" };

	if (class == PM_CLASS_RENAME || class == PM_CLASS_LINK || class == PM_CLASS_CHROOT)
		return true;
	for (size_t i = 0; i < sizeof(mounted) / sizeof(mounted[0]); i++)
		if (class == PM_CLASS_MOUNT && !strcmp(item->role, mounted[i]))
			return true;
	return false;
}

/* Does the rule mean the other path of the call too, which is the new name? */
static bool means_new_name(const struct rule *rule, struct pm_call *call,
			   const struct pm_item *old)
{
	const uint32_t naming = PM_BIT(PM_CLASS_RENAME) | PM_BIT(PM_CLASS_CREATE) |
				PM_BIT(PM_CLASS_MOUNT);

	for (size_t i = 0; i < call->nitems; i++) {
		struct pm_item *item = &call->items[i];

		if (item != old && item->kind == PM_ITEM_PATH && item->classes & naming)
			return match_names(&rule->match, pm_item_where(call, item));
	}
	return false;
}

/*
 * What lies outside the program's root, or on a mount that is not in its view, is
 * still reached through a descriptor from before, and has no name by which a
 * rule could mean it: it may be anything that the rule refuses.
 */
static bool is_out_of_view(const struct pm_where *where)
{
	const char *prefix = "(unreachable)";

	return where->anonymous && !where->err && !strncmp(where->name, prefix, strlen(prefix));
}

bool guard_refuses(const struct rule *rule, struct pm_call *call, struct pm_item *item,
		   enum pm_class class)
{
	const struct pm_where *where;

	if (!item || !refuses_names(rule))
		return false;
	if (class == PM_CLASS_MOUNT && guard_mount(rule, call, item))
		return true;
	if (item->kind != PM_ITEM_PATH)
		return false;
	where = pm_item_where(call, item);
	if (rule->match.classes & PM_BIT(class) && is_out_of_view(where))
		return true;
	if (!names_anew(item, class))
		return false;
	if (is_out_of_view(where))
		return true;
	/* What is not there cannot come there: the rename to it is asked about too. */
	if (!where->exists)
		return false;
	/* The root as the root changes no name; pivot_root(2) those of the old root. */
	if (class == PM_CLASS_CHROOT) {
		if (!strcmp(item->role, "new_root"))
			return true;
		if (!strcmp(where->name, "/"))
			return false;
	}
	if (match_names(&rule->match, where))
		return !means_new_name(rule, call, item);
	return S_ISDIR(where->st.st_mode) && means_below(rule, where->name);
}
