// SPDX-License-Identifier: LGPL-2.1-or-later
/* Frames over the virtio port: its driver waits until the host took each write. */

#include "guest.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HEADER_SIZE 5

static int port = -1;
static uint8_t inbox[HEADER_SIZE + FRAME_MAX];
static size_t inbox_size;

int port_fd(void)
{
	return port;
}

static bool name_is(const char *device, const char *want)
{
	char path[512], name[64] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", device);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(name, sizeof(name), file))
		name[0] = '\0';
	fclose(file);
	name[strcspn(name, "\n")] = '\0';
	return strcmp(name, want) == 0;
}

static int port_find(void)
{
	DIR *dir = opendir("/sys/class/virtio-ports");
	struct dirent *entry;
	char path[512];
	int fd = -1;

	if (!dir)
		return -1;
	while (fd < 0 && (entry = readdir(dir))) {
		if (!name_is(entry->d_name, "pointsman"))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		fd = open(path, O_RDWR | O_CLOEXEC);
	}
	closedir(dir);
	return fd;
}

/*
 * The host names its ports in messages of their own, which the guest takes up
 * after the driver has begun: so the port may come a moment after init.
 */
int port_open(void)
{
	for (int tries = 0; tries < 2000; tries++) {
		port = port_find();
		if (port >= 0)
			return 0;
		usleep(5000);
	}
	errno = ENODEV;
	return -1;
}

static void write_all(const uint8_t *data, size_t size)
{
	while (size > 0) {
		ssize_t n = write(port, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			port = -1;
			fail("virtio port: %s", strerror(errno));
		}
		data += n;
		size -= (size_t)n;
	}
}

void port_send(enum frame_type type, const void *data, size_t size)
{
	static uint8_t frame[HEADER_SIZE + FRAME_MAX];
	uint32_t length = htole32((uint32_t)size);

	if (size > FRAME_MAX)
		fail("a frame of %zu bytes", size);
	frame[0] = (uint8_t)type;
	memcpy(frame + 1, &length, sizeof(length));
	memcpy(frame + HEADER_SIZE, data, size);
	write_all(frame, HEADER_SIZE + size);
}

void port_receive(void (*take)(void *ctx, enum frame_type type,
			       const uint8_t *data, size_t size), void *ctx)
{
	size_t at = 0;
	ssize_t n;

	n = read(port, inbox + inbox_size, sizeof(inbox) - inbox_size);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0)
		fail("virtio port: the host has gone");
	inbox_size += (size_t)n;

	while (inbox_size - at >= HEADER_SIZE) {
		uint32_t length;

		memcpy(&length, inbox + at + 1, sizeof(length));
		length = le32toh(length);
		if (length > FRAME_MAX)
			fail("virtio port: a frame of %u bytes", length);
		if (inbox_size - at - HEADER_SIZE < length)
			break;
		take(ctx, inbox[at], inbox + at + HEADER_SIZE, length);
		at += HEADER_SIZE + length;
	}
	memmove(inbox, inbox + at, inbox_size - at);
	inbox_size -= at;
}
