// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * /spec is a list of records: key u8, length u32 (little-endian), the bytes,
 * a NUL that the length does not count.  So any bytes that an argument may hold
 * survive, and a record is a C string where it stands.
 */

#include "guest.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void list_add(char ***list, char *value)
{
	size_t count = 0;

	while (*list && (*list)[count])
		count++;
	*list = realloc(*list, (count + 2) * sizeof(**list));
	if (!*list)
		fail("no memory for the spec");
	(*list)[count] = value;
	(*list)[count + 1] = NULL;
}

static void record_take(struct spec *spec, char key, char *value)
{
	switch (key) {
	case 'a':
		list_add(&spec->args, value);
		return;
	case 'e':
		list_add(&spec->env, value);
		return;
	case 'f':
		list_add(&spec->fresh, value);
		return;
	case 'k':
		list_add(&spec->keep, value);
		return;
	case 'm':
		list_add(&spec->make, value);
		return;
	case 'o':
		list_add(&spec->shares, value);
		return;
	case 'd':
		spec->cwd = value;
		return;
	case 'p':
		spec->in = SPEC_STDIN_PIPE;
		return;
	case 't':
		spec->in = SPEC_STDIN_TTY;
		if (sscanf(value, "%hu %hu", &spec->rows, &spec->columns) != 2)
			fail("spec: bad window size");
		return;
	default:
		fail("spec: unknown key %d", key);
	}
}

static char *text_read(const char *path, size_t *size)
{
	struct stat st;
	size_t done = 0;
	char *text;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		fail("%s: %s", path, strerror(errno));
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		fail("no memory for the spec");
	while (done < (size_t)st.st_size) {
		ssize_t n = read(fd, text + done, (size_t)st.st_size - done);

		if (n <= 0)
			fail("%s: cut short", path);
		done += (size_t)n;
	}
	close(fd);
	*size = done;
	return text;
}

void spec_read(struct spec *spec, const char *path)
{
	size_t size, at = 0;
	char *text = text_read(path, &size);

	/* Never NULL, so that users need not look. */
	spec->args = calloc(1, sizeof(char *));
	spec->env = calloc(1, sizeof(char *));
	spec->fresh = calloc(1, sizeof(char *));
	spec->keep = calloc(1, sizeof(char *));
	spec->make = calloc(1, sizeof(char *));
	spec->shares = calloc(1, sizeof(char *));
	if (!spec->args || !spec->env || !spec->fresh || !spec->keep ||
	    !spec->make || !spec->shares)
		fail("no memory for the spec");

	while (at < size) {
		uint32_t length;

		if (size - at < 5)
			fail("%s: cut short", path);
		memcpy(&length, text + at + 1, sizeof(length));
		length = le32toh(length);
		if (length >= size - at - 5 || text[at + 5 + length] != '\0')
			fail("%s: bad record", path);
		record_take(spec, text[at], text + at + 5);
		at += 5 + (size_t)length + 1;
	}
	if (!spec->args[0] || !spec->cwd)
		fail("%s: no command or no directory", path);
}
