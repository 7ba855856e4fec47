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
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "race.h"

static struct open_how *how;
static char **arguments;
static int sender, evil_socket;
static struct sockaddr_in *names;
static struct msghdr *msg;

static void try_open(struct race *race)
{
	race_opened(race, (int)syscall(SYS_open, race->path, O_RDONLY | O_CLOEXEC));
}

static void try_openat(struct race *race)
{
	race_opened(race, openat(AT_FDCWD, race->path, O_RDONLY | O_CLOEXEC));
}

/* The word is the access mode in openat2's structure; writing is denied. */
static void setup_how(struct race *race)
{
	if (asprintf(&race->path, "%s/readonly", race->dir) < 0)
		attack_die("asprintf");
	how = race_place(race, sizeof(*how));
	attack_start(race->attack, &how->flags, 8, O_RDONLY | O_CLOEXEC, O_RDWR | O_CLOEXEC);
}

static void try_how(struct race *race)
{
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, race->path, how, sizeof(*how));

	if (fd < 0) {
		race_count(race, race_outcome(-1));
		return;
	}
	race_count(race, (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY ? RAN : WIN);
	close(fd);
}

/* argv[1] is the string "good" or "evil". */
static void setup_exec_string(struct race *race)
{
	char *arg = race_place(race, 8);

	arguments = race_place(race, 3 * sizeof(char *));
	arguments[0] = (char *)"report";
	arguments[1] = strcpy(arg, "good");
	attack_start(race->attack, arg, 4, race_word("good"), race_word("evil"));
}

/* argv[1] points to one string or the other. */
static void setup_exec_pointer(struct race *race)
{
	static char good[] = "good", evil[] = "evil";

	arguments = race_place(race, 3 * sizeof(char *));
	arguments[0] = (char *)"report";
	arguments[1] = good;
	attack_start(race->attack, &arguments[1], 8, (uintptr_t)good, (uintptr_t)evil);
}

static long execute(struct race *race)
{
	static char *const no_environment[] = { NULL };

	(void)race;
	return execve(race_program(), arguments, no_environment);
}

static void try_exec(struct race *race)
{
	race_executed(race, execute);
}

static void setup_connect(struct race *race)
{
	sender = race_socket();
	names = race_place(race, sizeof(*names));
	race_address(race, names, race->good);
	attack_start(race->attack, names, 4, race_first_word(race->good),
		     race_first_word(race->evil));
}

static void try_connect(struct race *race)
{
	struct sockaddr_in peer;
	socklen_t len = sizeof(peer);

	if (connect(sender, (struct sockaddr *)names, sizeof(*names))) {
		race_count(race, race_outcome(-1));
		return;
	}
	if (getpeername(sender, (struct sockaddr *)&peer, &len))
		attack_die("getpeername");
	race_count(race, peer.sin_port == race->evil ? WIN : RAN);
}

static void setup_send(struct race *race)
{
	static struct iovec iov = { (char *)"x", 1 };

	sender = race_socket();
	evil_socket = race_evil_socket(race);
	names = race_place(race, 2 * sizeof(*names));
	race_address(race, &names[0], race->good);
	race_address(race, &names[1], race->evil);
	msg = race_place(race, sizeof(*msg));
	msg->msg_name = names;
	msg->msg_namelen = sizeof(*names);
	msg->msg_iov = &iov;
	msg->msg_iovlen = 1;
}

/* The address of the message changes in place. */
static void setup_send_name(struct race *race)
{
	setup_send(race);
	attack_start(race->attack, names, 4, race_first_word(race->good),
		     race_first_word(race->evil));
}

/* The header of the message points to one address or the other. */
static void setup_send_header(struct race *race)
{
	setup_send(race);
	attack_start(race->attack, &msg->msg_name, 8, (uintptr_t)&names[0],
		     (uintptr_t)&names[1]);
}

static void try_send(struct race *race)
{
	race_sent(race, sendmsg(sender, msg, MSG_DONTWAIT), evil_socket);
}

static const struct race_call calls[] = {
	{ "open", race_place_path, try_open },
	{ "openat", race_place_path, try_openat },
	{ "openat2-how", setup_how, try_how },
	{ "exec-string", setup_exec_string, try_exec },
	{ "exec-pointer", setup_exec_pointer, try_exec },
	{ "connect", setup_connect, try_connect },
	{ "sendmsg-name", setup_send_name, try_send },
	{ "sendmsg-header", setup_send_header, try_send },
};

int main(int argc, char **argv)
{
	return race_main(calls, sizeof(calls) / sizeof(calls[0]), argc, argv);
}
