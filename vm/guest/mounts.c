// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * From the initramfs to the host's files at their own paths: the host's root over
 * 9p, read-only, with this kernel's own file systems and fresh directories on it.
 */

#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW_ROOT "/root"
#define P9_OPTIONS "trans=virtio,version=9p2000.L,msize=512000,access=any"

static void mount_must(const char *source, const char *target, const char *type,
		       unsigned long flags, const char *options)
{
	if (mount(source, target, type, flags, options) < 0)
		fail("mount %s on %s: %s", type ? type : source, target,
		     strerror(errno));
}

/* A kernel may be built without one of these, and then has no place for it. */
static void mount_where_built(const char *target, const char *type,
			      unsigned long flags)
{
	if (mount(type, target, type, flags, NULL) < 0 && errno != ENODEV &&
	    errno != ENOENT)
		fail("mount %s on %s: %s", type, target, strerror(errno));
}

static void directory_must(const char *path)
{
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		fail("mkdir %s: %s", path, strerror(errno));
}

static void directories_must(const char *path)
{
	char part[PATH_MAX];
	size_t length = strlen(path);

	if (length >= sizeof(part))
		fail("mkdir %s: %s", path, strerror(ENAMETOOLONG));
	for (size_t i = 1; i <= length; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		directory_must(part);
	}
}

/* What is needed to find the port; moved to the new root afterwards. */
void mounts_early(void)
{
	directory_must("/dev");
	directory_must("/sys");
	directory_must("/proc");
	directory_must(NEW_ROOT);
	mount_must("proc", "/proc", "proc", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL);
	mount_must("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL);
	/* The kernel may have done this one by itself. */
	if (mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=0755") < 0 &&
	    errno != EBUSY)
		fail("mount devtmpfs: %s", strerror(errno));
}

static void devices_complete(void)
{
	static const struct {
		const char *target, *path;
	} links[] = {
		{ "/proc/self/fd", "/dev/fd" },
		{ "/proc/self/fd/0", "/dev/stdin" },
		{ "/proc/self/fd/1", "/dev/stdout" },
		{ "/proc/self/fd/2", "/dev/stderr" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (symlink(links[i].target, links[i].path) < 0)
			fail("symlink %s: %s", links[i].path, strerror(errno));
	directory_must("/dev/pts");
	directory_must("/dev/shm");
	directory_must("/dev/mqueue");
	mount_must("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		   "newinstance,ptmxmode=0666,mode=0620,gid=5");
	mount_must("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
	mount_where_built("/dev/mqueue", "mqueue",
			  MS_NOSUID | MS_NODEV | MS_NOEXEC);
}

static void kernel_mounts(void)
{
	unsigned long flags = MS_NOSUID | MS_NOEXEC | MS_NODEV;

	mount_where_built("/sys/kernel/security", "securityfs", flags);
	mount_where_built("/sys/kernel/debug", "debugfs", flags);
	mount_where_built("/sys/kernel/tracing", "tracefs", flags);
	mount_where_built("/sys/fs/bpf", "bpf", flags);
	mount_where_built("/sys/fs/cgroup", "cgroup2", flags);
}

/* A directory of the host as it was before something covered it. */
struct kept {
	const char *path;
	int fd;
};

#define KEPT_MAX 8

static void fresh_mounts(const struct spec *spec)
{
	struct kept kept[KEPT_MAX];
	size_t count = 0;
	char source[32];

	for (char **path = spec->keep; *path; path++) {
		if (count == KEPT_MAX)
			fail("more than %d directories to keep", KEPT_MAX);
		kept[count].path = *path;
		kept[count].fd = open(*path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (kept[count].fd < 0)
			fail("%s: %s", *path, strerror(errno));
		count++;
	}
	for (char **path = spec->fresh; *path; path++) {
		mount_must("tmpfs", *path, "tmpfs", MS_NODEV, "mode=1777");
		/* A kept directory may hold one that is to be fresh. */
		for (size_t i = 0; i < count; i++) {
			size_t length = strlen(*path);

			if (strncmp(kept[i].path, *path, length) != 0 ||
			    kept[i].path[length] != '/')
				continue;
			directories_must(kept[i].path);
			snprintf(source, sizeof(source), "/proc/self/fd/%d",
				 kept[i].fd);
			mount_must(source, kept[i].path, NULL, MS_BIND, NULL);
		}
	}
	for (size_t i = 0; i < count; i++)
		close(kept[i].fd);
}

static void share_mounts(const struct spec *spec)
{
	char tag[16];

	for (size_t i = 0; spec->shares[i]; i++) {
		snprintf(tag, sizeof(tag), "out%zu", i);
		directories_must(spec->shares[i]);
		mount_must(tag, spec->shares[i], "9p", 0, P9_OPTIONS);
	}
}

void mounts_enter(const struct spec *spec)
{
	static const char *const moved[] = { "/dev", "/sys", "/proc" };
	char target[64];

	mount_must("root", NEW_ROOT, "9p", MS_RDONLY, P9_OPTIONS ",cache=loose");
	for (size_t i = 0; i < ARRAY_SIZE(moved); i++) {
		snprintf(target, sizeof(target), NEW_ROOT "%s", moved[i]);
		mount_must(moved[i], target, NULL, MS_MOVE, NULL);
	}
	/* Over the old root, so that nothing counts as a chroot. */
	if (chdir(NEW_ROOT) < 0)
		fail("chdir: %s", strerror(errno));
	mount_must(".", "/", NULL, MS_MOVE, NULL);
	if (chroot(".") < 0 || chdir("/") < 0)
		fail("chroot: %s", strerror(errno));

	devices_complete();
	kernel_mounts();
	fresh_mounts(spec);
	share_mounts(spec);
	for (char **path = spec->make; *path; path++)
		directories_must(*path);
	/* A working directory in the scratch folder starts empty too. */
	if (access(spec->cwd, F_OK) < 0)
		directories_must(spec->cwd);
}
