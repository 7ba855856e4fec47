// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include "find.h"

#include <dirent.h>

#include "check.h"

static long field_of(const char *path, const char *field)
{
	FILE *file = fopen(path, "re");
	char line[256];
	long value = 0;

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, field, strlen(field)))
			value = strtol(line + strlen(field), NULL, 10);
	if (file)
		fclose(file);
	return value;
}

/* Our tracer; where there is none, the only process that is called as a supervisor is. */
pid_t find_supervisor(void)
{
	pid_t found = (pid_t)field_of("/proc/self/status", "TracerPid:");
	struct dirent *entry;
	DIR *proc;

	if (found)
		return found;
	proc = opendir("/proc");
	check(proc);
	while ((entry = readdir(proc))) {
		char path[300], name[16] = "";
		FILE *comm;

		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		comm = fopen(path, "re");
		if (!comm)
			continue;
		if (fgets(name, sizeof(name), comm) && !strcmp(name, "pointsman\n")) {
			check(!found);
			found = (pid_t)atoi(entry->d_name);
		}
		fclose(comm);
	}
	closedir(proc);
	check(found);
	return found;
}
