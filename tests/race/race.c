// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * race try|win CALL ATTACKER TRIES DIR ADDRESS GOOD_PORT EVIL_PORT
 *
 * Makes a call again and again while an attacker turns what it points to from
 * what the policy allows ("good") into what it denies ("evil") and back, and
 * looks at what the kernel did each time.  A win is a denied thing that was
 * done; with "win" the first one ends it.  Prints
 *
 *	tries=N refused=N ran=N other=N wins=N
 *
 * refused: EACCES, as the policy says; ran: the allowed thing was done; other:
 * neither (a word that was half written names nothing).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"

enum outcome { REFUSED, RAN, OTHER, WIN, OUTCOMES };

struct race {
	struct attack *attack;
	unsigned char *next;		/* free memory of the attack */
	const char *dir;
	struct in_addr address;
	in_port_t good, evil;		/* in network order */
	unsigned long tries, count[OUTCOMES];

	char *path;
	ino_t evil_ino;
	struct open_how *how;
	char **argv;
	int socket, evil_socket;
	struct sockaddr_in *name;
	struct msghdr *msg;
};

struct race_call {
	const char *name;
	void (*setup)(struct race *race);
	void (*try)(struct race *race);
};

static void count(struct race *race, enum outcome outcome)
{
	race->tries++;
	race->count[outcome]++;
}

/* Memory that the attacker can write; the result is aligned to 16 bytes. */
static void *place(struct race *race, size_t size)
{
	void *memory = race->next;

	race->next += (size + 15) & ~(size_t)15;
	if (race->next > race->attack->memory + ATTACK_MEMORY) {
		errno = ENOMEM;
		attack_die("attack memory");
	}
	return memory;
}

static uint64_t word(const char *four)
{
	uint32_t value;

	memcpy(&value, four, sizeof(value));
	return value;
}

/*
 * DIR/good or DIR/evil, where the last four bytes are one aligned word.
 */
static void place_path(struct race *race)
{
	size_t len = strlen(race->dir) + 1;
	size_t pad = -len & 3;
	char *path = (char *)place(race, pad + len + 5) + pad;

	snprintf(path, len + 5, "%s/good", race->dir);
	race->path = path;
	attack_start(race->attack, path + len, 4, word("good"), word("evil"));
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

static void setup_open(struct race *race)
{
	race->evil_ino = inode_of(race, "evil");
	place_path(race);
}

static void opened(struct race *race, int fd)
{
	struct stat st;

	if (fd < 0) {
		count(race, errno == EACCES ? REFUSED : OTHER);
		return;
	}
	if (fstat(fd, &st))
		attack_die("fstat");
	close(fd);
	count(race, st.st_ino == race->evil_ino ? WIN : RAN);
}

static void try_open(struct race *race)
{
	opened(race, (int)syscall(SYS_open, race->path, O_RDONLY | O_CLOEXEC));
}

static void try_openat(struct race *race)
{
	opened(race, openat(AT_FDCWD, race->path, O_RDONLY | O_CLOEXEC));
}

/* The word is the access mode in openat2's structure; writing is denied. */
static void setup_how(struct race *race)
{
	if (asprintf(&race->path, "%s/readonly", race->dir) < 0)
		attack_die("asprintf");
	race->how = place(race, sizeof(*race->how));
	attack_start(race->attack, &race->how->flags, 8, O_RDONLY | O_CLOEXEC,
		     O_RDWR | O_CLOEXEC);
}

static void try_how(struct race *race)
{
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, race->path, race->how,
			      sizeof(*race->how));

	if (fd < 0) {
		count(race, errno == EACCES ? REFUSED : OTHER);
		return;
	}
	count(race, (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY ? RAN : WIN);
	close(fd);
}

/* argv[1] is the string "good" or "evil". */
static void setup_exec_string(struct race *race)
{
	char *arg = place(race, 8);

	race->argv = place(race, 3 * sizeof(char *));
	race->argv[0] = (char *)"report";
	race->argv[1] = strcpy(arg, "good");
	attack_start(race->attack, arg, 4, word("good"), word("evil"));
}

/* argv[1] points to one string or the other. */
static void setup_exec_pointer(struct race *race)
{
	static char good[] = "good", evil[] = "evil";

	race->argv = place(race, 3 * sizeof(char *));
	race->argv[0] = (char *)"report";
	race->argv[1] = good;
	attack_start(race->attack, &race->argv[1], 8, (uintptr_t)good, (uintptr_t)evil);
}

/*
 * The child is in our memory, stops us meanwhile, and tries until it becomes
 * the program, which tells by its exit status what it was given.
 */
static void try_exec(struct race *race)
{
	static char *const no_environment[] = { NULL };
	char *const *argv = race->argv;
	static char *program;
	static volatile unsigned long refused, other;
	int status;
	pid_t pid;

	if (!program) {
		program = getenv("RACE_REPORT");
		if (!program) {
			errno = ENOENT;
			attack_die("RACE_REPORT");
		}
	}
	refused = other = 0;
	pid = vfork();
	if (pid < 0)
		attack_die("vfork");
	if (!pid) {
		while (refused + other < 100) {
			execve(program, argv, no_environment);
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
		count(race, RAN);
		break;
	case 11:
		count(race, WIN);
		break;
	case 12:
		count(race, OTHER);
		break;
	}
}

static void set_address(const struct race *race, struct sockaddr_in *name, in_port_t port)
{
	name->sin_family = AF_INET;
	name->sin_port = port;
	name->sin_addr = race->address;
}

static int udp_socket(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		attack_die("socket");
	return fd;
}

/* The first word of an address: its family and its port. */
static uint64_t first_word(in_port_t port)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = port };
	uint32_t value;

	memcpy(&value, &name, sizeof(value));
	return value;
}

static void setup_connect(struct race *race)
{
	race->socket = udp_socket();
	race->name = place(race, sizeof(*race->name));
	set_address(race, race->name, race->good);
	attack_start(race->attack, race->name, 4, first_word(race->good),
		     first_word(race->evil));
}

static void try_connect(struct race *race)
{
	struct sockaddr_in peer;
	socklen_t len = sizeof(peer);

	if (connect(race->socket, (struct sockaddr *)race->name, sizeof(*race->name))) {
		count(race, errno == EACCES ? REFUSED : OTHER);
		return;
	}
	if (getpeername(race->socket, (struct sockaddr *)&peer, &len))
		attack_die("getpeername");
	count(race, peer.sin_port == race->evil ? WIN : RAN);
}

static void setup_send(struct race *race)
{
	struct sockaddr_in name = { 0 };
	static struct iovec iov = { (char *)"x", 1 };

	race->socket = udp_socket();
	race->evil_socket = udp_socket();
	set_address(race, &name, race->evil);
	if (bind(race->evil_socket, (struct sockaddr *)&name, sizeof(name)))
		attack_die("bind");
	race->name = place(race, 2 * sizeof(*race->name));
	set_address(race, &race->name[0], race->good);
	set_address(race, &race->name[1], race->evil);
	race->msg = place(race, sizeof(*race->msg));
	race->msg->msg_name = race->name;
	race->msg->msg_namelen = sizeof(*race->name);
	race->msg->msg_iov = &iov;
	race->msg->msg_iovlen = 1;
}

/* The address of the message changes in place. */
static void setup_send_name(struct race *race)
{
	setup_send(race);
	attack_start(race->attack, race->name, 4, first_word(race->good),
		     first_word(race->evil));
}

/* The header of the message points to one address or the other. */
static void setup_send_header(struct race *race)
{
	setup_send(race);
	attack_start(race->attack, &race->msg->msg_name, 8, (uintptr_t)&race->name[0],
		     (uintptr_t)&race->name[1]);
}

static void try_send(struct race *race)
{
	char byte;

	if (sendmsg(race->socket, race->msg, MSG_DONTWAIT) != 1)
		count(race, errno == EACCES ? REFUSED : OTHER);
	else if (recv(race->evil_socket, &byte, 1, MSG_DONTWAIT) == 1)
		count(race, WIN);
	else
		count(race, RAN);
}

static const struct race_call calls[] = {
	{ "open", setup_open, try_open },
	{ "openat", setup_open, try_openat },
	{ "openat2-how", setup_how, try_how },
	{ "exec-string", setup_exec_string, try_exec },
	{ "exec-pointer", setup_exec_pointer, try_exec },
	{ "connect", setup_connect, try_connect },
	{ "sendmsg-name", setup_send_name, try_send },
	{ "sendmsg-header", setup_send_header, try_send },
};

int main(int argc, char **argv)
{
	const struct attack_kind *kind = argc == 9 ? attack_kind(argv[3]) : NULL;
	const struct race_call *call = NULL;
	unsigned long tries;
	struct race race = { 0 };

	for (size_t i = 0; kind && i < sizeof(calls) / sizeof(calls[0]); i++)
		if (!strcmp(calls[i].name, argv[2]))
			call = &calls[i];
	if (!call || (strcmp(argv[1], "try") && strcmp(argv[1], "win"))) {
		fprintf(stderr, "usage: race try|win CALL ATTACKER TRIES DIR ADDRESS GOOD_PORT EVIL_PORT\n");
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
	while (race.tries < tries && !(race.count[WIN] && !strcmp(argv[1], "win")))
		call->try(&race);
	attack_stop(race.attack);
	printf("tries=%lu refused=%lu ran=%lu other=%lu wins=%lu\n", race.tries,
	       race.count[REFUSED], race.count[RAN], race.count[OTHER], race.count[WIN]);
	return 0;
}
