// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include "race.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

void race_count(struct race *race, enum outcome outcome)
{
	race->tries++;
	race->count[outcome]++;
}

void race_print(const struct race *race)
{
	printf("tries=%lu refused=%lu ran=%lu other=%lu wins=%lu\n", race->tries,
	       race->count[REFUSED], race->count[RAN], race->count[OTHER], race->count[WIN]);
}

enum outcome race_outcome(long result)
{
	if (result >= 0)
		return RAN;
	return errno == EACCES ? REFUSED : OTHER;
}

void race_opened(struct race *race, int fd)
{
	struct stat st;

	if (fd < 0) {
		race_count(race, race_outcome(fd));
		return;
	}
	if (fstat(fd, &st))
		attack_die("fstat");
	close(fd);
	race_count(race, st.st_ino == race->evil_ino ? WIN : RAN);
}

void *race_place(struct race *race, size_t size)
{
	void *memory = race->next;

	race->next += (size + 15) & ~(size_t)15;
	if (race->next > race->attack->memory + ATTACK_MEMORY) {
		errno = ENOMEM;
		attack_die("attack memory");
	}
	return memory;
}

uint64_t race_word(const char *four)
{
	uint32_t value;

	memcpy(&value, four, sizeof(value));
	return value;
}

static ino_t inode_of(const struct race *race, const char *name)
{
	char *path;
	struct stat st;

	if (asprintf(&path, "%s/%s", race->dir, name) < 0)
		attack_die("asprintf");
	if (stat(path, &st))
		attack_die("%s", path);
	free(path);
	return st.st_ino;
}

void race_place_name(struct race *race)
{
	size_t len = strlen(race->dir) + 1;
	size_t pad = -len & 3;
	char *path = (char *)race_place(race, pad + len + 5) + pad;

	snprintf(path, len + 5, "%s/good", race->dir);
	race->path = path;
	attack_start(race->attack, path + len, 4, race_word("good"), race_word("evil"));
}

void race_place_path(struct race *race)
{
	race->evil_ino = inode_of(race, "evil");
	race_place_name(race);
}

void race_address(const struct race *race, struct sockaddr_in *name, in_port_t port)
{
	name->sin_family = AF_INET;
	name->sin_port = port;
	name->sin_addr = race->address;
}

uint64_t race_first_word(in_port_t port)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = port };
	uint32_t value;

	memcpy(&value, &name, sizeof(value));
	return value;
}

int race_socket(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		attack_die("socket");
	return fd;
}

int race_evil_socket(const struct race *race)
{
	struct sockaddr_in name = { 0 };
	int fd = race_socket();

	race_address(race, &name, race->evil);
	if (bind(fd, (struct sockaddr *)&name, sizeof(name)))
		attack_die("bind");
	return fd;
}

void race_sent(struct race *race, long result, int evil_socket)
{
	char byte;

	if (result == 1 && recv(evil_socket, &byte, 1, MSG_DONTWAIT) == 1)
		race_count(race, WIN);
	else
		race_count(race, result == 1 ? RAN : race_outcome(-1));
}

const char *race_program(void)
{
	const char *program = getenv("RACE_REPORT");

	if (!program) {
		errno = ENOENT;
		attack_die("RACE_REPORT");
	}
	return program;
}

void race_executed(struct race *race, long (*execute)(struct race *race))
{
	static volatile unsigned long refused, other;
	int status;
	pid_t pid;

	refused = other = 0;
	pid = vfork();
	if (pid < 0)
		attack_die("vfork");
	if (!pid) {
		while (refused + other < 100) {
			execute(race);
			if (errno == EACCES)
				refused = refused + 1;
			else
				other = other + 1;
		}
		_exit(99);
	}
	if (waitpid(pid, &status, 0) != pid)
		attack_die("waitpid");
	race->tries += refused + other;
	race->count[REFUSED] += refused;
	race->count[OTHER] += other;
	if (!WIFEXITED(status)) {
		errno = ECHILD;
		attack_die("report ended with status %#x", status);
	}
	switch (WEXITSTATUS(status)) {
	case 10:
	case 20:
		race_count(race, RAN);
		break;
	case 11:
	case 21:
		race_count(race, WIN);
		break;
	case 12:
		race_count(race, OTHER);
		break;
	}
}

/* An attacker may be slow: what is allowed and what is denied are both to come up. */
static bool goes_on(const struct race *race, unsigned long tries, bool until_win)
{
	if (until_win && race->count[WIN])
		return false;
	return race->tries < tries || (!until_win && race->tries < 100 * tries &&
				       (!race->count[REFUSED] || !race->count[RAN]));
}

int race_main(const struct race_call *calls, size_t n, int argc, char **argv)
{
	const struct attack_kind *kind = argc == 9 ? attack_kind(argv[3]) : NULL;
	const struct race_call *call = NULL;
	unsigned long tries;
	struct race race = { 0 };

	for (size_t i = 0; kind && i < n; i++)
		if (!strcmp(calls[i].name, argv[2]))
			call = &calls[i];
	if (!call || (strcmp(argv[1], "try") && strcmp(argv[1], "win"))) {
		fprintf(stderr, "usage: %s try|win CALL ATTACKER TRIES DIR ADDRESS GOOD_PORT EVIL_PORT\n",
			argv[0]);
		return 2;
	}
	tries = strtoul(argv[4], NULL, 10);
	race.dir = argv[5];
	if (inet_pton(AF_INET, argv[6], &race.address) != 1) {
		errno = EINVAL;
		attack_die("%s", argv[6]);
	}
	race.good = htons((uint16_t)atoi(argv[7]));
	race.evil = htons((uint16_t)atoi(argv[8]));
	race.attack = attack_new(kind);
	race.next = race.attack->memory;
	call->setup(&race);
	while (goes_on(&race, tries, !strcmp(argv[1], "win")))
		call->try(&race);
	attack_stop(race.attack);
	race_print(&race);
	return 0;
}
