/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* unpack.c - calls of the 32-bit table whose arguments lie in memory */
#include "call_private.h"

#include <errno.h>
#include <linux/net.h>
#include <string.h>

/* What each subcall of socketcall(2) is as a call of its own. */
static const struct {
	const char *name;
	uint8_t args;
} subcalls[] = {
	[SYS_SOCKET] = { "socket", 3 },
	[SYS_BIND] = { "bind", 3 },
	[SYS_CONNECT] = { "connect", 3 },
	[SYS_LISTEN] = { "listen", 2 },
	[SYS_ACCEPT] = { "accept4", 3 },
	[SYS_GETSOCKNAME] = { "getsockname", 3 },
	[SYS_GETPEERNAME] = { "getpeername", 3 },
	[SYS_SOCKETPAIR] = { "socketpair", 4 },
	[SYS_SEND] = { "sendto", 4 },
	[SYS_RECV] = { "recvfrom", 4 },
	[SYS_SENDTO] = { "sendto", 6 },
	[SYS_RECVFROM] = { "recvfrom", 6 },
	[SYS_SHUTDOWN] = { "shutdown", 2 },
	[SYS_SETSOCKOPT] = { "setsockopt", 5 },
	[SYS_GETSOCKOPT] = { "getsockopt", 5 },
	[SYS_SENDMSG] = { "sendmsg", 3 },
	[SYS_RECVMSG] = { "recvmsg", 3 },
	[SYS_ACCEPT4] = { "accept4", 4 },
	[SYS_RECVMMSG] = { "recvmmsg", 5 },
	[SYS_SENDMMSG] = { "sendmmsg", 4 },
};

/* Become call nr with count arguments from memory, the others 0. */
static int become(struct pm_call *call, const struct pm_reader *reader, const char *name,
		  uint64_t addr, size_t count)
{
	uint32_t words[6] = { 0 };
	int nr = pm_syscall_number(call->arch, name);
	int err;

	if (nr < 0)
		return -ENOSYS;
	call->nr = nr;
	call->name = pm_syscall_name(call->arch, nr);
	call->ent = pm_sysent_find(call->arch, nr);
	memset(call->args, 0, sizeof(call->args));
	call->priv->unpacked = true;
	err = read_exact(reader, addr, words, count * sizeof(*words));
	for (size_t i = 0; !err && i < count; i++)
		call->args[i] = words[i];
	return err;
}

int call_unpack(struct pm_call *call, const struct pm_reader *reader)
{
	uint64_t addr = call->args[1];
	uint32_t sub = (uint32_t)call->args[0];
	int err;

	if (!call_narrow(call))
		return 0;
	if (!strcmp(call->name, "socketcall")) {
		if (sub < SYS_SOCKET || sub > SYS_SENDMMSG)
			return -EINVAL;
		return become(call, reader, subcalls[sub].name, addr, subcalls[sub].args);
	}
	if (strcmp(call->name, "mmap"))
		return 0;
	err = become(call, reader, "mmap2", call->args[0], 6);
	if (err)
		return err;
	if (call->args[5] & (PAGE - 1))
		return -EINVAL;
	call->args[5] /= PAGE;
	return 0;
}
