// SPDX-License-Identifier: LGPL-2.1-or-later
/* The flow of a run: mount, run, judge, report, end. */

#include "guest.h"

#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

__attribute__((noreturn)) static void end(void)
{
	/* -no-reboot makes this the end of QEMU, without any ACPI. */
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

void fail(const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);

	dprintf(STDERR_FILENO, "init: %s\n", text);
	if (port_fd() >= 0)
		port_send(FRAME_FAILURE, text, strlen(text));
	end();
}

static void loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		fail("lo: %s", strerror(errno));
	request.ifr_flags |= IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		fail("lo up: %s", strerror(errno));
	close(fd);
}

/* As a login on Debian would find it. */
static void limits_set(void)
{
	struct rlimit files = { .rlim_cur = 1024, .rlim_max = 524288 };

	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		fail("RLIMIT_NOFILE: %s", strerror(errno));
	if (sethostname("pointsman", strlen("pointsman")) < 0)
		fail("sethostname: %s", strerror(errno));
	umask(022);
}

int main(void)
{
	struct spec spec = { 0 };
	uint32_t status;

	mounts_early();
	if (port_open() < 0)
		fail("no virtio port named pointsman: %s", strerror(errno));
	spec_read(&spec, "/spec");
	mounts_enter(&spec);
	loopback_up();
	limits_set();

	verdict_start();
	status = (uint32_t)relay_run(&spec);
	verdict_check();
	port_send(FRAME_STATUS, &status, sizeof(status));
	end();
}
