// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * args try|win CALL ATTACKER TRIES DIR ADDRESS GOOD_PORT EVIL_PORT
 *
 * As race(1) of tests/race, for the kinds of arguments that are not there: the second
 * path of a call, what is executed and its environment, addresses that are bound, of
 * messages one after the other, of sockets with names, what is mounted; and for all
 * kinds once more by 32-bit calls (int 0x80) from 64-bit code.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "race.h"

static char **vector;
static int sender, evil_socket;
static struct sockaddr_in *names;
static struct mmsghdr *messages;
static struct iovec one_byte = { (char *)"x", 1 };

static char *in_dir(const struct race *race, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", race->dir, name) < 0)
		attack_die("asprintf");
	return path;
}

/* The second path of a call: DIR/good or DIR/evil, which is not there, is made. */

static char *made_evil, *mine, *still;

static void setup_second(struct race *race)
{
	made_evil = in_dir(race, "evil");
	mine = in_dir(race, "mine");
	still = in_dir(race, "still");
	if (mknod(still, S_IFREG | 0600, 0) && errno != EEXIST)
		attack_die("%s", still);
	race_place_name(race);
}

static void try_made(struct race *race, long result)
{
	struct stat st;

	if (result < 0) {
		race_count(race, race_outcome(result));
		return;
	}
	race_count(race, lstat(made_evil, &st) ? RAN : WIN);
	for (const char *const *name = (const char *[]){ "good", "evil", NULL }; *name; name++) {
		char *path = in_dir(race, *name);

		unlink(path);
		free(path);
	}
}

static void try_rename(struct race *race)
{
	if (mknod(mine, S_IFREG | 0600, 0) && errno != EEXIST)
		attack_die("%s", mine);
	try_made(race, syscall(SYS_rename, mine, race->path));
}

static void try_link(struct race *race)
{
	try_made(race, syscall(SYS_link, still, race->path));
}

static void try_symlink(struct race *race)
{
	try_made(race, syscall(SYS_symlink, "still", race->path));
}

/* The path of openat2, beside a structure that holds still. */
static void try_openat2(struct race *race)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC };

	race_opened(race, (int)syscall(SYS_openat2, AT_FDCWD, race->path, &how, sizeof(how)));
}

/* What is executed: DIR/good ends with 20, DIR/evil with 21. */

static char *const no_environment[] = { NULL };

static void setup_program(struct race *race)
{
	vector = race_place(race, 2 * sizeof(char *));
	vector[0] = (char *)"program";
	race_place_path(race);
}

static long by_execve(struct race *race)
{
	return execve(race->path, vector, no_environment);
}

static long by_execveat(struct race *race)
{
	return syscall(SYS_execveat, AT_FDCWD, race->path, vector, no_environment, 0);
}

static void try_execve(struct race *race)
{
	race_executed(race, by_execve);
}

static void try_execveat(struct race *race)
{
	race_executed(race, by_execveat);
}

/* The environment: the value of the only variable, and which string that is. */

static void setup_env_string(struct race *race)
{
	char *text = race_place(race, 16);

	vector = race_place(race, 2 * sizeof(char *));
	vector[0] = strcpy(text, "ENV=good");
	attack_start(race->attack, text + 4, 4, race_word("good"), race_word("evil"));
}

static void setup_env_pointer(struct race *race)
{
	static char good[] = "ENV=good", evil[] = "ENV=evil";

	vector = race_place(race, 2 * sizeof(char *));
	vector[0] = good;
	attack_start(race->attack, &vector[0], 8, (uintptr_t)good, (uintptr_t)evil);
}

static long with_env(struct race *race)
{
	static char *const argv[] = { (char *)"report", NULL };

	(void)race;
	return execve(race_program(), argv, vector);
}

static void try_env(struct race *race)
{
	race_executed(race, with_env);
}

/* Addresses. */

/* Ports of its own, ten above. */
static in_port_t to_bind(in_port_t port)
{
	return htons((uint16_t)(ntohs(port) + 10));
}

static void setup_bind(struct race *race)
{
	names = race_place(race, sizeof(*names));
	race_address(race, names, to_bind(race->good));
	attack_start(race->attack, names, 4, race_first_word(to_bind(race->good)),
		     race_first_word(to_bind(race->evil)));
}

static void try_bind(struct race *race)
{
	struct sockaddr_in got;
	socklen_t len = sizeof(got);
	int fd = race_socket();
	long result = bind(fd, (struct sockaddr *)names, sizeof(*names));

	if (!result && getsockname(fd, (struct sockaddr *)&got, &len))
		attack_die("getsockname");
	race_count(race, !result && got.sin_port == to_bind(race->evil) ? WIN :
		   race_outcome(result));
	close(fd);
}

static void setup_sockets(struct race *race)
{
	sender = race_socket();
	evil_socket = race_evil_socket(race);
	names = race_place(race, 2 * sizeof(*names));
	race_address(race, &names[0], race->good);
	race_address(race, &names[1], race->evil);
}

static void setup_sendto(struct race *race)
{
	setup_sockets(race);
	attack_start(race->attack, names, 4, race_first_word(race->good),
		     race_first_word(race->evil));
}

static void try_sendto(struct race *race)
{
	race_sent(race, sendto(sender, "x", 1, MSG_DONTWAIT, (struct sockaddr *)names,
			       sizeof(*names)), evil_socket);
}

/* The second of two messages. */
static void setup_messages(struct race *race)
{
	setup_sockets(race);
	messages = race_place(race, 2 * sizeof(*messages));
	for (int i = 0; i < 2; i++)
		messages[i].msg_hdr = (struct msghdr){ .msg_name = names,
			.msg_namelen = sizeof(*names), .msg_iov = &one_byte, .msg_iovlen = 1 };
}

static void setup_messages_name(struct race *race)
{
	struct sockaddr_in *second;

	setup_messages(race);
	second = race_place(race, sizeof(*second));
	race_address(race, second, race->good);
	messages[1].msg_hdr.msg_name = second;
	attack_start(race->attack, second, 4, race_first_word(race->good),
		     race_first_word(race->evil));
}

static void setup_messages_header(struct race *race)
{
	setup_messages(race);
	attack_start(race->attack, &messages[1].msg_hdr.msg_name, 8, (uintptr_t)&names[0],
		     (uintptr_t)&names[1]);
}

static void try_messages(struct race *race)
{
	int sent = sendmmsg(sender, messages, 2, MSG_DONTWAIT);

	race_sent(race, sent > 0 ? 1 : sent, evil_socket);
}

/* The path of a socket: DIR/good or DIR/evil. */

static struct sockaddr_un *unix_name;

static int bound_to(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(name.sun_path)) {
		errno = ENAMETOOLONG;
		attack_die("%s", path);
	}
	strcpy(name.sun_path, path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof(name)))
		attack_die("%s", path);
	return fd;
}

static void setup_unix(struct race *race)
{
	char *evil = in_dir(race, "evil"), *good = in_dir(race, "good");
	size_t at = strlen(good) - 4, skip = -(at + offsetof(struct sockaddr_un, sun_path)) & 3;

	bound_to(evil);
	bound_to(good);
	sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	/* More slashes, until the word is aligned. */
	unix_name = race_place(race, sizeof(*unix_name));
	unix_name->sun_family = AF_UNIX;
	memset(unix_name->sun_path, '/', skip);
	strcpy(unix_name->sun_path + skip, good);
	attack_start(race->attack, unix_name->sun_path + skip + at, 4, race_word("good"),
		     race_word("evil"));
}

static void try_unix(struct race *race)
{
	struct sockaddr_un peer = { 0 };
	socklen_t len = sizeof(peer);
	long result = connect(sender, (struct sockaddr *)unix_name, sizeof(*unix_name));

	if (!result && getpeername(sender, (struct sockaddr *)&peer, &len))
		attack_die("getpeername");
	race_count(race, !result && !strcmp(peer.sun_path + strlen(peer.sun_path) - 4, "evil") ?
		   WIN : race_outcome(result));
}

/* What is mounted, in namespaces of our own: DIR/good or DIR/evil on DIR/here. */

static char *here;

static void setup_mount(struct race *race)
{
	here = in_dir(race, "here");
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		attack_die("unshare");
	race_place_path(race);
}

static void try_mount(struct race *race)
{
	struct stat st;
	long result = mount(race->path, here, NULL, MS_BIND, NULL);

	if (result) {
		race_count(race, race_outcome(result));
		return;
	}
	if (stat(here, &st) || umount2(here, MNT_DETACH))
		attack_die("%s", here);
	race_count(race, st.st_ino == race->evil_ino ? WIN : RAN);
}

/* 32-bit calls.  All that they name lies in the memory of the attack, which is low. */

#define I386_OPEN 5
#define I386_EXECVE 11
#define I386_SOCKETCALL 102
#define I386_SENDMMSG 345
#define I386_CONNECT 362
#define I386_OPENAT2 437

static long i386_call(long nr, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result)
			 : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d)
			 : "memory", "r8", "r9", "r10", "r11");
	if ((int)result < 0 && (int)result > -4096) {
		errno = -(int)result;
		return -1;
	}
	return result;
}

static void try_open32(struct race *race)
{
	race_opened(race, (int)i386_call(I386_OPEN, (uintptr_t)race->path, O_RDONLY, 0, 0));
}

static struct open_how *how;

static void setup_how32(struct race *race)
{
	how = race_place(race, sizeof(*how));
	how->flags = O_RDONLY | O_CLOEXEC;
	race_place_path(race);
}

static void try_how32(struct race *race)
{
	race_opened(race, (int)i386_call(I386_OPENAT2, (uintptr_t)AT_FDCWD & 0xffffffff,
					 (uintptr_t)race->path, (uintptr_t)how, sizeof(*how)));
}

static char *low_program;
static uint32_t *vector32;

/* argv[1] points to one string or the other, by four bytes. */
static void setup_exec32(struct race *race)
{
	char *good = strcpy(race_place(race, 8), "good"), *evil = strcpy(race_place(race, 8), "evil");

	low_program = strcpy(race_place(race, strlen(race_program()) + 1), race_program());
	vector32 = race_place(race, 4 * sizeof(*vector32));
	vector32[0] = (uint32_t)(uintptr_t)low_program;
	vector32[1] = (uint32_t)(uintptr_t)good;
	attack_start(race->attack, &vector32[1], 4, (uintptr_t)good, (uintptr_t)evil);
}

static long by_execve32(struct race *race)
{
	(void)race;
	return i386_call(I386_EXECVE, (uintptr_t)low_program, (uintptr_t)vector32, 0, 0);
}

static void try_exec32(struct race *race)
{
	race_executed(race, by_execve32);
}

static void setup_connect32(struct race *race)
{
	sender = race_socket();
	names = race_place(race, 2 * sizeof(*names));
	race_address(race, &names[0], race->good);
	race_address(race, &names[1], race->evil);
}

static void connected(struct race *race, long result)
{
	struct sockaddr_in peer;
	socklen_t len = sizeof(peer);

	if (!result && getpeername(sender, (struct sockaddr *)&peer, &len))
		attack_die("getpeername");
	race_count(race, !result && peer.sin_port == race->evil ? WIN : race_outcome(result));
}

static void setup_name32(struct race *race)
{
	setup_connect32(race);
	attack_start(race->attack, names, 4, race_first_word(race->good),
		     race_first_word(race->evil));
}

static void try_connect32(struct race *race)
{
	connected(race, i386_call(I386_CONNECT, (uintptr_t)sender, (uintptr_t)names,
				  sizeof(*names), 0));
}

/* The arguments of socketcall(2) are memory themselves. */
static void setup_socketcall(struct race *race)
{
	setup_connect32(race);
	vector32 = race_place(race, 3 * sizeof(*vector32));
	vector32[0] = (uint32_t)sender;
	vector32[1] = (uint32_t)(uintptr_t)names;
	vector32[2] = sizeof(*names);
	attack_start(race->attack, &vector32[1], 4, (uintptr_t)&names[0], (uintptr_t)&names[1]);
}

static void try_socketcall(struct race *race)
{
	connected(race, i386_call(I386_SOCKETCALL, 3, (uintptr_t)vector32, 0, 0));
}

/* As the kernel lays them out for 32-bit programs. */
struct message32 {
	uint32_t name, namelen, iov, iovlen, control, controllen, flags, len;
};

static struct message32 *messages32;

static void setup_messages32(struct race *race)
{
	uint32_t *iov = race_place(race, 2 * sizeof(*iov));

	iov[0] = (uint32_t)(uintptr_t)iov;
	iov[1] = 1;
	setup_sockets(race);
	messages32 = race_place(race, 2 * sizeof(*messages32));
	for (int i = 0; i < 2; i++)
		messages32[i] = (struct message32){ .name = (uint32_t)(uintptr_t)names,
			.namelen = sizeof(*names), .iov = (uint32_t)(uintptr_t)iov, .iovlen = 1 };
	attack_start(race->attack, &messages32[1].name, 4, (uintptr_t)&names[0],
		     (uintptr_t)&names[1]);
}

static void try_messages32(struct race *race)
{
	long sent = i386_call(I386_SENDMMSG, (uintptr_t)sender, (uintptr_t)messages32, 2,
			      MSG_DONTWAIT);

	race_sent(race, sent > 0 ? 1 : sent, evil_socket);
}

static const struct race_call calls[] = {
	{ "rename-second", setup_second, try_rename },
	{ "link-second", setup_second, try_link },
	{ "symlink-second", setup_second, try_symlink },
	{ "openat2-path", race_place_path, try_openat2 },
	{ "execve-path", setup_program, try_execve },
	{ "execveat-path", setup_program, try_execveat },
	{ "env-string", setup_env_string, try_env },
	{ "env-pointer", setup_env_pointer, try_env },
	{ "bind", setup_bind, try_bind },
	{ "sendto", setup_sendto, try_sendto },
	{ "sendmmsg-name", setup_messages_name, try_messages },
	{ "sendmmsg-header", setup_messages_header, try_messages },
	{ "unix-connect", setup_unix, try_unix },
	{ "mount-source", setup_mount, try_mount },
	{ "open-32", race_place_path, try_open32 },
	{ "openat2-32", setup_how32, try_how32 },
	{ "exec-pointer-32", setup_exec32, try_exec32 },
	{ "connect-32", setup_name32, try_connect32 },
	{ "socketcall-32", setup_socketcall, try_socketcall },
	{ "sendmmsg-32", setup_messages32, try_messages32 },
};

int main(int argc, char **argv)
{
	return race_main(calls, sizeof(calls) / sizeof(calls[0]), argc, argv);
}
