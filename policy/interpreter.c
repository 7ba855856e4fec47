/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * interpreter.c - what the kernel opens besides a program, to run it
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interpreter.h"

#define HEAD 256	/* BINPRM_BUF_SIZE: what the kernel reads of a script */
#define MAX_SEGMENTS 128

/* "#!/bin/sh -e" */
static int of_script(const char *head, size_t len, char **out)
{
	size_t from = 2, end;

	while (from < len && (head[from] == ' ' || head[from] == '\t'))
		from++;
	for (end = from; end < len && !strchr(" \t\n", head[end]); end++)
		;
	if (end == from)
		return -ENOENT;
	*out = strndup(head + from, end - from);
	return *out ? 0 : -ENOMEM;
}

static int read_name(int fd, uint64_t offset, uint64_t size, char **out)
{
	char *name;

	if (!size || size > PATH_MAX || offset > INT64_MAX)
		return -ENOEXEC;
	name = calloc(1, (size_t)size + 1);
	if (!name)
		return -ENOMEM;
	if (pread(fd, name, (size_t)size, (off_t)offset) != (ssize_t)size) {
		free(name);
		return -ENOEXEC;
	}
	*out = name;
	return 0;
}

static int of_elf64(int fd, const char *head, char **out)
{
	Elf64_Phdr segment;
	Elf64_Ehdr header;

	memcpy(&header, head, sizeof(header));
	if (header.e_phentsize != sizeof(segment) || header.e_phoff > INT32_MAX)
		return -ENOEXEC;
	for (unsigned int i = 0; i < header.e_phnum && i < MAX_SEGMENTS; i++) {
		off_t at = (off_t)(header.e_phoff + i * sizeof(segment));

		if (pread(fd, &segment, sizeof(segment), at) != sizeof(segment))
			return -ENOEXEC;
		if (segment.p_type == PT_INTERP)
			return read_name(fd, segment.p_offset, segment.p_filesz, out);
	}
	return -ENOENT;
}

static int of_elf32(int fd, const char *head, char **out)
{
	Elf32_Phdr segment;
	Elf32_Ehdr header;

	memcpy(&header, head, sizeof(header));
	if (header.e_phentsize != sizeof(segment) || header.e_phoff > INT32_MAX)
		return -ENOEXEC;
	for (unsigned int i = 0; i < header.e_phnum && i < MAX_SEGMENTS; i++) {
		off_t at = (off_t)(header.e_phoff + i * sizeof(segment));

		if (pread(fd, &segment, sizeof(segment), at) != sizeof(segment))
			return -ENOEXEC;
		if (segment.p_type == PT_INTERP)
			return read_name(fd, segment.p_offset, segment.p_filesz, out);
	}
	return -ENOENT;
}

static int of_open(int fd, char **out)
{
	char head[HEAD] = { 0 };
	struct stat st;
	ssize_t len;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOENT;
	len = pread(fd, head, sizeof(head), 0);
	if (len < 0)
		return -errno;
	if (len > 2 && !memcmp(head, "#!", 2))
		return of_script(head, (size_t)len, out);
	if ((size_t)len < sizeof(Elf64_Ehdr) || memcmp(head, ELFMAG, SELFMAG))
		return -ENOENT;
	return head[EI_CLASS] == ELFCLASS64 ? of_elf64(fd, head, out) : of_elf32(fd, head, out);
}

int interpreter_of(const char *program, char **out)
{
	int fd, err;

	*out = NULL;
	fd = open(program, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	err = of_open(fd, out);
	close(fd);
	return err;
}
