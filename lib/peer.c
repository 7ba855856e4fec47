/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "peer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"

/* The lines of a status file that say whose rights a thread has. */
static bool read_credentials(const char *path, char *out, size_t room)
{
	FILE *file = fopen(path, "re");
	auto_free char *line = NULL;
	size_t line_room = 0, len = 0;

	if (!file)
		return false;
	while (getline(&line, &line_room, file) > 0) {
		if (strncmp(line, "Uid:", 4) && strncmp(line, "Gid:", 4) &&
		    strncmp(line, "Groups:", 7))
			continue;
		if (len + strlen(line) >= room) {
			len = 0;
			break;
		}
		len += (size_t)sprintf(out + len, "%s", line);
	}
	fclose(file);
	return len > 0;
}

bool peer_same_credentials(pid_t tid)
{
	char ours[4096], theirs[4096], path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	return read_credentials("/proc/self/status", ours, sizeof(ours)) &&
	       read_credentials(path, theirs, sizeof(theirs)) && !strcmp(ours, theirs);
}

bool peer_same_namespace(pid_t tid, const char *kind)
{
	char path[64], ours[64], theirs[64];
	ssize_t len, their_len;

	snprintf(path, sizeof(path), "/proc/thread-self/ns/%s", kind);
	len = readlink(path, ours, sizeof(ours));
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", tid, kind);
	their_len = readlink(path, theirs, sizeof(theirs));
	/* A kernel without this kind has it nowhere. */
	if (len < 0 && their_len < 0)
		return access("/proc/thread-self/ns", X_OK) == 0;
	return len > 0 && len == their_len && !memcmp(ours, theirs, (size_t)len);
}

/* The beginning of its status, with the numbers of its family; false where it is gone. */
static bool read_status(pid_t tid, char *status, size_t room)
{
	auto_close int fd = -1;
	char path[64];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : read(fd, status, room - 1);
	if (len < 0)
		return false;
	status[len] = '\0';
	return true;
}

/* The number after this word, or 0. */
static pid_t number_after(const char *status, const char *word)
{
	const char *at = strstr(status, word);

	return at ? (pid_t)atoi(at + strlen(word)) : 0;
}

bool peer_family(pid_t tid, pid_t *tgid, pid_t *parent)
{
	char status[1024];

	if (!read_status(tid, status, sizeof(status)))
		return false;
	*tgid = number_after(status, "\nTgid:");
	*parent = number_after(status, "\nPPid:");
	return *tgid > 0;
}

bool peer_is_traced(pid_t tid)
{
	char status[1024];

	return read_status(tid, status, sizeof(status)) && number_after(status, "\nTracerPid:");
}
