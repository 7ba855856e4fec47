// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ring PATH - the kernel is made to unmap the pins
 *
 * io_destroy(2) unmaps its ring, wherever it was, also when something else is
 * there by then.  This program is static and makes no mediated call before it
 * has a ring and has unmapped it; PATH, of the first such call, is refused.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	unsigned long ring = 0;
	unsigned char there;
	size_t size;

	if (argc != 2)
		return 2;
	if (syscall(SYS_io_setup, 60000, &ring)) {
		perror("io_setup");
		return 2;
	}
	/* A header, and events of 32 bytes each, as the header says. */
	size = 32 + 32 * (size_t)((unsigned int *)ring)[1];
	size = (size + 4095) & ~(size_t)4095;
	if (munmap((void *)ring, size)) {
		perror("munmap");
		return 2;
	}
	if (mkdir(argv[1], 0700) == 0 || errno != EACCES) {
		perror(argv[1]);
		return 2;
	}
	if (mincore((void *)ring, 4096, &there)) {
		puts("the pins are elsewhere");
		return 0;
	}
	syscall(SYS_io_destroy, ring);
	if (mincore((void *)ring, 4096, &there)) {
		puts("escaped: the pins are unmapped");
		return 1;
	}
	puts("the pins hold");
	return 0;
}
