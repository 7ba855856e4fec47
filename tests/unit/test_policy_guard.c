/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unit tests of policy/guard.c: what is denied gets no other name. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mount.h>

#include "policy_ask.h"

/* One class of /name, in this role. */
static enum pm_action as_role(enum pm_class class, const char *role, const char *name)
{
	opened(PM_BIT(class), name);
	stub.items[0].role = role;
	stub_where(&stub, &stub.items[0])->st.st_mode = S_IFDIR;
	return decided();
}

/* A call that gives the file /old the name /new. */
static enum pm_action renamed(enum pm_class class, enum pm_class new_class, const char *old,
			      const char *new)
{
	stub_init(&stub, "rename");
	stub_path(&stub, PM_BIT(class), old, old);
	stub_path(&stub, PM_BIT(new_class), new, new);
	stub_where(&stub, &stub.items[1])->exists = false;
	return decided();
}

static void new_names(void **state)
{
	const enum pm_class rename = PM_CLASS_RENAME, link = PM_CLASS_LINK,
			    create = PM_CLASS_CREATE;

	(void)state;
	rules("rules:\n"
	      "- {class: rename, tree: /a/free, allow: true}\n"
	      "- {class: open-read, tree: /a, deny: EPERM}\n"
	      "- {class: exec, glob: '/g/*.sh', deny: EIO}\n");
	assert_int_equal(renamed(rename, rename, "/a/x", "/b"), PM_DENY);
	assert_int_equal(verdict.err, EPERM);
	assert_int_equal(renamed(rename, rename, "/a", "/b"), PM_DENY);
	assert_int_equal(renamed(link, create, "/a/x", "/b"), PM_DENY);
	assert_int_equal(renamed(rename, rename, "/a/x", "/a/y"), PM_ALLOW);
	assert_int_equal(renamed(link, create, "/a/x", "/a/y"), PM_ALLOW);
	assert_int_equal(renamed(rename, rename, "/b", "/a/x"), PM_ALLOW);
	assert_int_equal(renamed(rename, rename, "/a/free/x", "/b"), PM_ALLOW);
	assert_int_equal(renamed(link, create, "/a/free/x", "/b"), PM_DENY);
	assert_int_equal(renamed(rename, rename, "/g/x.sh", "/g/y.sh"), PM_ALLOW);
	assert_int_equal(renamed(rename, rename, "/g/x.sh", "/g/x"), PM_DENY);
	assert_int_equal(verdict.err, EIO);
	assert_int_equal(renamed(rename, rename, "/g/x", "/g/x.sh"), PM_ALLOW);
	/* Both are old names where they change places. */
	renamed(rename, rename, "/b", "/a/x");
	stub_where(&stub, &stub.items[1])->exists = true;
	assert_int_equal(decided(), PM_DENY);
	/* What is not there gets no name. */
	renamed(rename, rename, "/a/x", "/b");
	stub_where(&stub, &stub.items[0])->exists = false;
	assert_int_equal(decided(), PM_ALLOW);
}

static void names_anew(void **state)
{
	struct pm_layer *layer;

	(void)state;
	rules("rules:\n"
	      "- {class: mount, path: /a, allow: true}\n"
	      "- {class: open-read, tree: /a/b/c, deny: EPERM}\n"
	      "- {class: open-read, glob: /g/*/x, deny: EIO}\n"
	      "- {class: open-read, tree: /r, redirect: {tree: /s}}\n");
	assert_int_equal(as_role(PM_CLASS_RENAME, "oldpath", "/a/b"), PM_DENY);
	assert_int_equal(verdict.err, EPERM);
	assert_string_equal(verdict.rule, "rules[1]");
	assert_int_equal(as_role(PM_CLASS_RENAME, "oldpath", "/a"), PM_DENY);
	assert_int_equal(as_role(PM_CLASS_RENAME, "oldpath", "/a/bb"), PM_ALLOW);
	assert_int_equal(as_role(PM_CLASS_RENAME, "oldpath", "/a/b/d"), PM_ALLOW);
	assert_int_equal(as_role(PM_CLASS_RENAME, "oldpath", "/g"), PM_DENY);
	assert_int_equal(verdict.err, EIO);
	assert_int_equal(as_role(PM_CLASS_RENAME, "oldpath", "/r"), PM_ALLOW);
	assert_int_equal(as_role(PM_CLASS_MOUNT, "source", "/a/b"), PM_DENY);
	assert_int_equal(as_role(PM_CLASS_MOUNT, "source", "/"), PM_DENY);
	assert_int_equal(as_role(PM_CLASS_MOUNT, "from_pathname", "/a/b"), PM_DENY);
	assert_int_equal(as_role(PM_CLASS_MOUNT, "target", "/a/b"), PM_ALLOW);
	assert_int_equal(as_role(PM_CLASS_MOUNT, "source", "/a"), PM_ALLOW);
	assert_int_equal(as_role(PM_CLASS_CHROOT, "path", "/a"), PM_DENY);
	assert_int_equal(as_role(PM_CLASS_CHROOT, "path", "/a/b/c"), PM_DENY);
	assert_int_equal(as_role(PM_CLASS_CHROOT, "path", "/a/b/c/d"), PM_DENY);
	assert_int_equal(as_role(PM_CLASS_CHROOT, "path", "/x"), PM_ALLOW);
	assert_int_equal(as_role(PM_CLASS_CHROOT, "new_root", "/x"), PM_DENY);
	assert_int_equal(as_role(PM_CLASS_MOUNT, "source", "/a/b/c/d"), PM_DENY);
	assert_int_equal(as_role(PM_CLASS_MOUNT, "path", "/a/b"), PM_ALLOW);
	assert_int_equal(as_role(PM_CLASS_CHROOT, "path", "/"), PM_ALLOW);
	assert_int_equal(as_role(PM_CLASS_METADATA, "pathname", "/a"), PM_ALLOW);

	layer = policy_layer(policy);
	assert_true(layer->wants(layer->data, "rename", PM_BIT(PM_CLASS_RENAME)));
	assert_true(layer->wants(layer->data, "link", PM_BIT(PM_CLASS_LINK)));
	assert_true(layer->wants(layer->data, "mount", PM_BIT(PM_CLASS_MOUNT)));
	assert_false(layer->wants(layer->data, "stat", PM_BIT(PM_CLASS_METADATA)));
}

/* What a descriptor from before chroot(2) leads to may be what a rule refuses. */
static void out_of_view(void **state)
{
	(void)state;
	rules("rules:\n"
	      "- {class: open-read, path: /free, anonymous: '(unreachable)/free', allow: true}\n"
	      "- {class: open-read, tree: /a, deny: EPERM}\n");
	assert_int_equal(opened(READ, "(unreachable)/a/x"), PM_DENY);
	assert_int_equal(verdict.err, EPERM);
	assert_int_equal(opened(READ, "(unreachable)/b"), PM_DENY);
	assert_int_equal(opened(READ, "(unreachable)/free"), PM_ALLOW);
	assert_int_equal(opened(WRITE, "(unreachable)/a/x"), PM_ALLOW);
	assert_int_equal(opened(READ, "deleted:/a/x"), PM_ALLOW);
	assert_int_equal(opened(READ, "pipe:[1]"), PM_ALLOW);
	assert_int_equal(opened(READ, "/b"), PM_ALLOW);
	assert_int_equal(renamed(PM_CLASS_RENAME, PM_CLASS_RENAME, "(unreachable)/b", "/c"), PM_DENY);
	assert_int_equal(renamed(PM_CLASS_LINK, PM_CLASS_CREATE, "(unreachable)/b", "/c"), PM_DENY);
}

/* mount(2) of a file system of this type at /mnt. */
static enum pm_action mounted(const char *type, uint64_t flags)
{
	stub_init(&stub, "mount");
	stub_path(&stub, PM_BIT(PM_CLASS_MOUNT), "/mnt", "/mnt")->role = "target";
	stub_path(&stub, 0, type, "/")->kind = PM_ITEM_STRING;
	stub.items[1].role = "filesystemtype";
	stub.call.args[3] = flags;
	return decided();
}

static enum pm_action opened_type(const char *type)
{
	stub_init(&stub, "fsopen");
	stub_path(&stub, PM_BIT(PM_CLASS_MOUNT), type, "/")->kind = PM_ITEM_STRING;
	stub.items[0].role = "fsname";
	return decided();
}

static void mounts(void **state)
{
	(void)state;
	rules("rules:\n"
	      "- {class: open-read, tree: /home/x, deny: EPERM}\n"
	      "- {class: open-read, glob: '/proc/*/mem', deny: EIO}\n"
	      "- {class: open-read, tree: /sys, redirect: {tree: /s}}\n");
	assert_int_equal(mounted("overlay", 0), PM_DENY);
	assert_int_equal(verdict.err, EPERM);
	assert_int_equal(mounted("ext4", MS_RDONLY | MS_NOSUID), PM_DENY);
	assert_int_equal(mounted("tmpfs", 0), PM_ALLOW);
	assert_int_equal(mounted("tmpfsx", 0), PM_DENY);
	assert_int_equal(mounted("fuse.sshfs", 0), PM_ALLOW);
	assert_int_equal(mounted("sysfs", 0), PM_ALLOW);
	assert_int_equal(mounted("proc", 0), PM_DENY);
	assert_int_equal(verdict.err, EIO);
	assert_int_equal(mounted("overlay", MS_REMOUNT | MS_RDONLY), PM_ALLOW);
	assert_int_equal(mounted("overlay", MS_REC | MS_PRIVATE), PM_ALLOW);
	assert_int_equal(opened_type("overlay"), PM_DENY);
	assert_int_equal(opened_type("tmpfs"), PM_ALLOW);
	assert_int_equal(opened_type("proc"), PM_DENY);

	rules("rules:\n"
	      "- {class: mount, path: /mnt, allow: true}\n"
	      "- {class: open-read, path: /sys/fs/cgroup, deny: EPERM}\n");
	assert_int_equal(mounted("overlay", 0), PM_ALLOW);
	assert_int_equal(opened_type("overlay"), PM_DENY);
	assert_int_equal(opened_type("cgroup2"), PM_DENY);
	assert_int_equal(opened_type("sysfs"), PM_DENY);
	assert_int_equal(opened_type("proc"), PM_ALLOW);

	rules("rules:\n- {class: open-read, tree: /x, redirect: {tree: /s}}\n");
	assert_int_equal(mounted("overlay", 0), PM_ALLOW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(new_names, clear),
		cmocka_unit_test_teardown(names_anew, clear),
		cmocka_unit_test_teardown(out_of_view, clear),
		cmocka_unit_test_teardown(mounts, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
