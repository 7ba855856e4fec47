/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "peer.h"

#include <stdio.h>
#include <string.h>

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
