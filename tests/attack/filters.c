// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * filters WAY TRIES GOOD EVIL - filters of the program's own make of a call what it may not do
 *
 * A child installs a filter with a listener and opens GOOD; its parent answers that
 *
 *	path	EVIL is opened instead, whose name it pins into the child
 *	number	an openat of EVIL takes the place of a getpid whose arguments it has set
 *	changed	GOOD is opened, from a pin which it makes EVIL at the same moment
 *
 * and that the filter is a chain filter, so that what is outside would have to opt in.
 * Refused is EACCES, or that the filter may not be installed; a win is EVIL, opened.
 */
#define _GNU_SOURCE
#include "filters.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "race.h"
#include "uapi.h"

#define PAGE 4096u

static const char *good, *evil;
static char *text;		/* of the file that is pinned */
static int memfd;
static struct both {
	atomic_int listener;	/* the child's descriptor, and 1; -1: it may not be installed */
	atomic_bool taken;
} *both;

static void make_pin(void)
{
	const int seals = F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;

	memfd = memfd_create("own", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	check(memfd >= 0 && !ftruncate(memfd, PAGE));
	text = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	check(text != MAP_FAILED && !fcntl(memfd, F_ADD_SEALS, seals));
}

/* Everything before the filter, so that the child makes no call that is not meant. */
static void child(struct race *race, bool number, unsigned long tries)
{
	int fd = INSTALL(SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_REDIRECT |
			 SECCOMP_FILTER_FLAG_CHAIN,
			 ON((unsigned int)(number ? SYS_getpid : SYS_openat),
			    SECCOMP_RET_USER_NOTIF));

	atomic_store(&both->listener, fd < 0 ? -1 : fd + 1);
	if (fd < 0) {
		for (unsigned long i = 0; i < tries; i++)
			race_count(race, REFUSED);
		race_count(race, open(good, O_RDONLY | O_CLOEXEC) < 0 ? OTHER : RAN);
		return;
	}
	while (!atomic_load(&both->taken))
		sched_yield();
	close(fd);
	for (unsigned long i = 0; i < tries; i++)
		race_opened(race, (int)(number ?
			syscall(SYS_getpid, AT_FDCWD, good, O_RDONLY | O_CLOEXEC, 0) :
			syscall(SYS_openat, AT_FDCWD, good, O_RDONLY | O_CLOEXEC, 0)));
}

static void answer(int listener, const char *way, unsigned long n)
{
	struct seccomp_notif notif = { 0 };
	struct seccomp_notif_pin_install pin = { .size = PAGE, .memfd = (uint32_t)memfd };
	struct seccomp_notif_resp_redirect resp = { .flags = SECCOMP_REDIRECT_FLAG_CONTINUE,
						    .memfd = (uint32_t)memfd };
	static uint64_t where;

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &notif))
		return;
	pin.id = resp.id = notif.id;
	if (!where) {
		check(!ioctl(listener, SECCOMP_IOCTL_NOTIF_PIN_INSTALL, &pin));
		where = pin.target_addr;
	}
	/* Now and then what was asked for, so that it is known to work. */
	strcpy(text, n % 8 && strcmp(way, "changed") ? evil : good);
	memcpy(resp.args, notif.data.args, sizeof(resp.args));
	resp.args[1] = where;
	resp.args_mask = resp.ptr_mask = 2;
	resp.ptr_len[1] = strlen(text) + 1;
	if (!strcmp(way, "number")) {
		resp.flags |= SECCOMP_REDIRECT_FLAG_NR;
		resp.nr = SYS_openat;
	}
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND_REDIRECT, &resp);
	if (!strcmp(way, "changed") && n % 8) {
		for (unsigned int i = n * 97 % 4000; i; i--)
			__builtin_ia32_pause();
		strcpy(text, evil);
	}
}

int main(int argc, char **argv)
{
	unsigned long tries, n = 0;
	struct race *race;
	struct stat st;
	int listener, pidfd, status;
	pid_t pid;

	if (argc != 5) {
		fprintf(stderr, "usage: filters path|number|changed TRIES GOOD EVIL\n");
		return 2;
	}
	tries = strtoul(argv[2], NULL, 10);
	good = argv[3];
	evil = argv[4];
	race = check_shared(sizeof(*race));
	both = check_shared(sizeof(*both));
	check(!stat(evil, &st));
	race->evil_ino = st.st_ino;
	make_pin();
	pid = fork();
	check(pid >= 0);
	if (!pid) {
		child(race, !strcmp(argv[1], "number"), tries);
		_exit(0);
	}
	while (!(listener = atomic_load(&both->listener)))
		sched_yield();
	if (listener > 0) {
		pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		listener = (int)syscall(SYS_pidfd_getfd, pidfd, listener - 1, 0);
		check(listener >= 0);
		atomic_store(&both->taken, true);
		for (;;) {
			struct pollfd ready = { .fd = listener, .events = POLLIN };

			check(poll(&ready, 1, -1) == 1);
			/* Nobody is left under the filter. */
			if (!(ready.revents & POLLIN))
				break;
			answer(listener, argv[1], n++);
		}
	}
	check(waitpid(pid, &status, 0) == pid && !status);
	race_print(race);
	return 0;
}
