/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "give.h"

#include <errno.h>
#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>

#include "arena.h"
#include "cleanup.h"
#include "memory.h"

#ifndef PTRACE_GETSIGMASK
#define PTRACE_GETSIGMASK 0x420a
#define PTRACE_SETSIGMASK 0x420b
#endif

/* What lies where in the scratch page. */
#define SCRATCH_SIZE 4096
#define SCRATCH_HEADER 0
#define SCRATCH_VECTOR 128
#define SCRATCH_BYTE 192
#define SCRATCH_CONTROL 256
#define SCRATCH_CONTROL_SIZE 64
#define SCRATCH_NAME 512
#define SCRATCH_NAME_LEN 768

/* The numbers of the calls of ours, for each table. */
struct numbers {
	int mmap, munmap, socket, bind, getsockname, recvmsg, close, mseal;
};

static const struct numbers *numbers_of(uint32_t arch)
{
	static const struct numbers wide = { 9, 11, 41, 49, 51, 47, 3, 462 };
	static const struct numbers narrow = { 192, 91, 359, 361, 367, 372, 6, 462 };

	return regs_narrow(arch) ? &narrow : &wide;
}

void giving_free(struct giving *giving)
{
	if (!giving)
		return;
	cleanup_close(&giving->fd);
	free(giving);
}

/* The call of this step, in the registers.  Where it stands changes nothing else. */
static void load_call(const struct giving *giving, struct regs *regs)
{
	const struct numbers *nr = numbers_of(giving->arch);
	const uint64_t none = (uint64_t)-1;
	int call = -1;
	uint64_t args[6] = { 0 };

	switch (giving->step) {
	case GIVING_SCRATCH:
		call = nr->mmap;
		memcpy(args, (uint64_t[]){ 0, SCRATCH_SIZE, PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS, none, 0 }, sizeof(args));
		break;
	case GIVING_SOCKET:
		call = nr->socket;
		args[0] = AF_UNIX;
		args[1] = SOCK_DGRAM | SOCK_CLOEXEC;
		break;
	case GIVING_BIND:
		call = nr->bind;
		args[0] = (uint64_t)giving->socket;
		args[1] = giving->scratch + SCRATCH_NAME;
		args[2] = sizeof(sa_family_t);
		break;
	case GIVING_NAME:
		call = nr->getsockname;
		args[0] = (uint64_t)giving->socket;
		args[1] = giving->scratch + SCRATCH_NAME;
		args[2] = giving->scratch + SCRATCH_NAME_LEN;
		break;
	case GIVING_RECEIVE:
		call = nr->recvmsg;
		args[0] = (uint64_t)giving->socket;
		args[1] = giving->scratch + SCRATCH_HEADER;
		args[2] = MSG_DONTWAIT | (giving->keep_on_exec ? 0 : MSG_CMSG_CLOEXEC);
		break;
	case GIVING_MAP:
		call = nr->mmap;
		memcpy(args, (uint64_t[]){ 0, ARENA_SIZE, PROT_READ, MAP_SHARED,
					   (uint64_t)giving->received, 0 }, sizeof(args));
		break;
	case GIVING_SEAL:
		call = nr->mseal;
		args[0] = giving->map;
		args[1] = ARENA_SIZE;
		break;
	case GIVING_CLOSE:
		call = nr->close;
		args[0] = (uint64_t)giving->received;
		break;
	case GIVING_CLOSE_SOCKET:
		call = nr->close;
		args[0] = (uint64_t)giving->socket;
		break;
	case GIVING_UNMAP:
		call = nr->munmap;
		args[0] = giving->scratch;
		args[1] = SCRATCH_SIZE;
		break;
	case GIVING_DONE:
		break;
	}
	for (unsigned int i = 0; i < 6; i++)
		regs_set_arg(regs, giving->arch, i, args[i]);
	regs_set_number(regs, call);
}

/* Is there something to do in this step, as things stand? */
static bool step_applies(const struct giving *giving, const struct courier *courier)
{
	switch (giving->step) {
	case GIVING_SCRATCH:
	case GIVING_SOCKET:
		return !giving->err;
	case GIVING_BIND:
	case GIVING_NAME:
		return !giving->err && courier_by_name(courier);
	case GIVING_RECEIVE:
		return !giving->err;
	case GIVING_MAP:
		return !giving->err && giving->kind == GIVE_ARENA;
	case GIVING_SEAL:
		return !giving->err && giving->map && giving->seal;
	case GIVING_CLOSE:
		return giving->received >= 0 && (giving->kind == GIVE_ARENA || giving->err);
	case GIVING_CLOSE_SOCKET:
		return giving->socket >= 0;
	case GIVING_UNMAP:
		return giving->scratch != 0;
	case GIVING_DONE:
		break;
	}
	return true;
}

/* A msghdr for recvmsg, in the target's width, all inside the scratch page. */
static int write_header(const struct giving *giving, pid_t tid)
{
	uint64_t base = giving->scratch;
	uint64_t wide[7 + 2] = { [2] = base + SCRATCH_VECTOR, [3] = 1,
				 [4] = base + SCRATCH_CONTROL, [5] = SCRATCH_CONTROL_SIZE,
				 [7] = base + SCRATCH_BYTE, [8] = 1 };
	uint32_t narrow[7 + 2] = { [2] = (uint32_t)wide[2], [3] = 1, [4] = (uint32_t)wide[4],
				   [5] = SCRATCH_CONTROL_SIZE, [7] = (uint32_t)wide[7], [8] = 1 };
	bool is_narrow = regs_narrow(giving->arch);
	size_t word = is_narrow ? sizeof(*narrow) : sizeof(*wide);
	char *words = is_narrow ? (char *)narrow : (char *)wide;
	int err = memory_write(tid, base + SCRATCH_HEADER, words, 7 * word);

	return err ? err : memory_write(tid, base + SCRATCH_VECTOR, words + 7 * word, 2 * word);
}

/* The descriptor's number, from the control message that recvmsg has written. */
static int read_received(struct giving *giving, pid_t tid)
{
	unsigned char control[32];
	size_t word = regs_narrow(giving->arch) ? 4 : 8;
	uint64_t len = 0;
	int level, type, err;

	err = memory_read(tid, giving->scratch + SCRATCH_CONTROL, control, sizeof(control));
	if (err)
		return err;
	memcpy(&len, control, word);
	memcpy(&level, control + word, sizeof(level));
	memcpy(&type, control + word + 4, sizeof(type));
	if (len != word + 8 + sizeof(int) || level != SOL_SOCKET || type != SCM_RIGHTS)
		return -EMFILE;
	memcpy(&giving->received, control + word + 8, sizeof(giving->received));
	return giving->received >= 0 ? 0 : -EBADF;
}

/* A family, to be named by the kernel, and room for the name. */
static int write_name(const struct giving *giving, pid_t tid)
{
	const struct sockaddr_un name = { .sun_family = AF_UNIX };
	const socklen_t len = sizeof(name);
	int err = memory_write(tid, giving->scratch + SCRATCH_NAME, &name, len);

	return err ? err : memory_write(tid, giving->scratch + SCRATCH_NAME_LEN, &len, sizeof(len));
}

static int send_by_name(const struct giving *giving, const struct courier *courier, pid_t tid)
{
	struct sockaddr_un name;
	socklen_t len;
	int err = memory_read(tid, giving->scratch + SCRATCH_NAME_LEN, &len, sizeof(len));

	if (!err)
		err = memory_read(tid, giving->scratch + SCRATCH_NAME, &name, sizeof(name));
	return err ? err : courier_send_to(courier, &name, len, giving->fd);
}

/* What a step's result means.  Returns 0 or the negative errno that ends it. */
static int take_result(struct giving *giving, const struct courier *courier, pid_t tid, pid_t tgid,
		       int64_t result)
{
	bool failed = result < 0 && result >= -4095;
	int err;

	if (failed)
		return (int)result;
	switch (giving->step) {
	case GIVING_SCRATCH:
		giving->scratch = (uint64_t)result;
		err = write_header(giving, tid);
		return err ? err : write_name(giving, tid);
	case GIVING_SOCKET:
		giving->socket = (int)result;
		return courier_by_name(courier) ?
			       0 : courier_send(tid, tgid, giving->socket, giving->fd);
	case GIVING_NAME:
		return send_by_name(giving, courier, tid);
	case GIVING_RECEIVE:
		return read_received(giving, tid);
	case GIVING_MAP:
		giving->map = (uint64_t)result;
		return 0;
	default:
		return 0;
	}
}

/* All was done: the thread's own registers and mask again. */
static int finish(struct giving *giving, pid_t tid)
{
	struct regs regs = giving->original;
	int err;

	if (ptrace(PTRACE_SETSIGMASK, tid, sizeof(giving->blocked), &giving->blocked))
		return -errno;
	if (giving->kind == GIVE_ARENA)
		regs_reissue(&regs, regs_number(&giving->original));
	else
		regs_set_result(&regs, giving->err ? giving->err : giving->received);
	err = regs_set(tid, &regs);
	return err;
}

int giving_next(struct giving *giving, const struct courier *courier, pid_t tid, pid_t tgid)
{
	struct regs regs;
	int err = regs_get(tid, &regs);

	if (err)
		return err;
	err = take_result(giving, courier, tid, tgid, regs_result(&regs));
	if (err == -ESRCH)
		return err;
	if (err && !giving->err)
		giving->err = err;
	do
		giving->step++;
	while (!step_applies(giving, courier));
	if (giving->step == GIVING_DONE)
		return finish(giving, tid);
	load_call(giving, &regs);
	regs_reissue(&regs, regs_number(&regs));
	giving->issued = regs;
	err = regs_set(tid, &regs);
	return err ? err : 1;
}

bool giving_is_issued(const struct giving *giving, const struct __ptrace_syscall_info *info)
{
	return regs_issued(&giving->issued, giving->arch, info);
}

struct giving *giving_start(enum giving_kind kind, pid_t tid, uint32_t arch, int fd,
			    bool seal, bool keep_on_exec, int *err)
{
	struct giving *giving = calloc(1, sizeof(*giving));
	const uint64_t all = ~(uint64_t)0;
	struct regs regs;

	if (!giving) {
		close(fd);
		*err = -ENOMEM;
		return NULL;
	}
	*giving = (struct giving){ .kind = kind, .fd = fd, .seal = seal, .arch = arch,
				   .keep_on_exec = keep_on_exec, .socket = -1, .received = -1 };
	*err = regs_get(tid, &giving->original);
	if (!*err && ptrace(PTRACE_GETSIGMASK, tid, sizeof(giving->blocked), &giving->blocked))
		*err = -errno;
	if (!*err && ptrace(PTRACE_SETSIGMASK, tid, sizeof(all), &all))
		*err = -errno;
	if (!*err) {
		regs = giving->original;
		load_call(giving, &regs);
		*err = regs_set(tid, &regs);
	}
	if (*err) {
		giving_free(giving);
		return NULL;
	}
	return giving;
}
