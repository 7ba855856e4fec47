/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "script.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"

#define HEAD 256	/* BINPRM_BUF_SIZE: what the kernel looks at */
#define DEPTH 5		/* interpreters of interpreters, as the kernel counts */

/* The first bytes of a file that is held open as O_PATH.  A length or -errno. */
static ssize_t read_head(int fd, char *head)
{
	auto_close int file = -1;
	char path[64];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (file < 0)
		return -errno;
	len = read(file, head, HEAD);
	return len < 0 ? -errno : len;
}

/* The interpreter's name in a "#!" line, cut out in place, or NULL. */
static char *interpreter(char *head)
{
	char *name = head + 2 + strspn(head + 2, " \t");

	name[strcspn(name, " \t\n")] = '\0';
	return *name ? name : NULL;
}

static bool is_elf(const char *head, ssize_t len)
{
	return len >= EI_NIDENT + 4 && !memcmp(head, ELFMAG, SELFMAG);
}

/* One file: 1 it is what runs, 0 unknown, 2 a script, its interpreter in head. */
static int look(const struct pm_where *where, char *head)
{
	char bytes[HEAD + 1] = "";
	ssize_t len = read_head(where->fd, bytes);
	char *name;

	if (len == -EACCES || len == -EPERM)
		return 1;	/* if it is a script after all, what runs will not be it: refused */
	if (len < 0)
		return 0;
	if (is_elf(bytes, len))
		return 1;
	if (len < 2 || bytes[0] != '#' || bytes[1] != '!')
		return 0;
	name = interpreter(bytes);
	if (!name)
		return -ENOEXEC;
	memmove(head, name, strlen(name) + 1);
	return 2;
}

int script_program(struct pm_call *call, const struct pm_where *where, struct stat *st)
{
	struct pm_where found = { .fd = -1 };
	char head[HEAD + 1];
	int kind = 2, err = 0;

	for (int depth = 0; !err && kind == 2 && depth <= DEPTH; depth++) {
		if (where->err || !where->exists)
			err = where->err ? -where->err : -ENOENT;
		else if (!S_ISREG(where->st.st_mode))
			err = -EACCES;
		if (err)
			break;
		*st = where->st;
		kind = look(where, head);
		if (kind != 2)
			break;
		pm_where_free(&found);
		found = (struct pm_where){ .fd = -1 };
		err = pm_call_resolve(call, head, false, &found);
		where = &found;
	}
	pm_where_free(&found);
	if (err)
		return err;
	return kind == 2 ? -ELOOP : kind;
}
