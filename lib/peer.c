/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "peer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"

/* The beginning of a status file; false: there is none. */
static bool read_status_file(const char *path, char *status, size_t room)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, status, room - 1);

	if (len < 0)
		return false;
	status[len] = '\0';
	return true;
}

static bool read_status(pid_t tid, char *status, size_t room)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	return read_status_file(path, status, room);
}

/* Append the line that begins with this word, whole. */
static bool keep_line(const char *status, const char *word, struct credentials *out)
{
	const char *line = strstr(status, word);
	const char *end = line ? strchr(line + 1, '\n') : NULL;
	size_t size = end ? (size_t)(end - line) : 0, len = strlen(out->lines);

	if (!end || len + size >= sizeof(out->lines))
		return false;
	memcpy(out->lines + len, line, size);
	out->lines[len + size] = '\0';
	return true;
}

/* As much of a status as says all of them. */
#define STATUS_ROOM (sizeof(struct credentials) + 1024)

static bool keep_credentials(const char *status, struct credentials *out)
{
	out->lines[0] = '\0';
	return keep_line(status, "\nUid:", out) && keep_line(status, "\nGid:", out) &&
	       keep_line(status, "\nGroups:", out);
}

bool peer_own_credentials(struct credentials *out)
{
	char status[STATUS_ROOM];

	return read_status_file("/proc/self/status", status, sizeof(status)) &&
	       keep_credentials(status, out);
}

bool peer_has_credentials(pid_t tid, const struct credentials *credentials)
{
	struct credentials theirs;
	char status[STATUS_ROOM];

	return read_status(tid, status, sizeof(status)) && keep_credentials(status, &theirs) &&
	       !strcmp(credentials->lines, theirs.lines);
}

bool peer_same_credentials(pid_t tid)
{
	struct credentials ours;

	return peer_own_credentials(&ours) && peer_has_credentials(tid, &ours);
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
