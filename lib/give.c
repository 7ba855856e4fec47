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

/* What lies where in the scratch memory; a mapping of its own is a page. */
#define SCRATCH_PAGE 4096
#define SCRATCH_HEADER 0
#define SCRATCH_VECTOR 64
#define SCRATCH_BYTE 80
#define SCRATCH_CONTROL 96
#define SCRATCH_CONTROL_SIZE 64
#define SCRATCH_NAME 160
#define SCRATCH_NAME_LEN 272
#define RED_ZONE 128
/* That much of a new stack is there without growing, and not yet in use. */
#define STACK_NEAR ((uint64_t)64 << 10)

_Static_assert(SCRATCH_NAME + sizeof(struct sockaddr_un) <= SCRATCH_NAME_LEN, "name");
_Static_assert(SCRATCH_NAME_LEN + sizeof(socklen_t) <= SCRATCH_SIZE, "length");

/* The numbers of the calls of ours, for each table. */
struct numbers {
	int mmap, munmap, socket, bind, getsockname, recvmsg, close, close_range, mseal;
};

static const struct numbers *numbers_of(uint32_t arch)
{
	static const struct numbers wide = { 9, 11, 41, 49, 51, 47, 3, 436, 462 };
	static const struct numbers narrow = { 192, 91, 359, 361, 367, 372, 6, 436, 462 };

	return regs_narrow(arch) ? &narrow : &wide;
}

void giving_free(struct giving *giving)
{
	if (!giving)
		return;
	if (giving->kind == GIVE_FILE)
		cleanup_close(&giving->fd);
	free(giving);
}

/* Both of its descriptors lie side by side: nothing else is between them. */
static bool closes_both(const struct giving *giving)
{
	return giving->tools & GIVE_CLOSE_RANGE && giving->kind == GIVE_ARENA &&
	       giving->socket >= 0 && giving->received == giving->socket + 1;
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
		memcpy(args, (uint64_t[]){ 0, SCRATCH_PAGE, PROT_READ | PROT_WRITE,
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
		args[2] = MSG_DONTWAIT | (giving->tools & GIVE_KEEP_ON_EXEC ? 0 : MSG_CMSG_CLOEXEC);
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
		call = closes_both(giving) ? nr->close_range : nr->close;
		args[0] = (uint64_t)(closes_both(giving) ? giving->socket : giving->received);
		args[1] = closes_both(giving) ? (uint64_t)giving->received : 0;
		break;
	case GIVING_CLOSE_SOCKET:
		call = nr->close;
		args[0] = (uint64_t)giving->socket;
		break;
	case GIVING_UNMAP:
		call = nr->munmap;
		args[0] = giving->scratch;
		args[1] = SCRATCH_PAGE;
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
		return !giving->err && !giving->borrowed;
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
		return !giving->err && giving->map && giving->tools & GIVE_SEAL;
	case GIVING_CLOSE:
		return giving->received >= 0 && (giving->kind == GIVE_ARENA || giving->err);
	case GIVING_CLOSE_SOCKET:
		return giving->socket >= 0;
	case GIVING_UNMAP:
		return giving->scratch && !giving->borrowed;
	case GIVING_DONE:
		break;
	}
	return true;
}

/*
 * A msghdr for recvmsg, in the target's width, all inside the scratch memory; and a
 * family, to be named by the kernel, with room for the name.
 */
static int write_scratch(const struct giving *giving, pid_t tid)
{
	uint64_t base = giving->scratch;
	uint64_t wide[7 + 2] = { [2] = base + SCRATCH_VECTOR, [3] = 1,
				 [4] = base + SCRATCH_CONTROL, [5] = SCRATCH_CONTROL_SIZE,
				 [7] = base + SCRATCH_BYTE, [8] = 1 };
	uint32_t narrow[7 + 2] = { [2] = (uint32_t)wide[2], [3] = 1, [4] = (uint32_t)wide[4],
				   [5] = SCRATCH_CONTROL_SIZE, [7] = (uint32_t)wide[7], [8] = 1 };
	bool is_narrow = regs_narrow(giving->arch);
	size_t word = is_narrow ? sizeof(*narrow) : sizeof(*wide);
	const char *words = is_narrow ? (char *)narrow : (char *)wide;
	const struct sockaddr_un name = { .sun_family = AF_UNIX };
	const socklen_t len = sizeof(name);
	char scratch[SCRATCH_SIZE] = { 0 };

	memcpy(scratch + SCRATCH_HEADER, words, 7 * word);
	memcpy(scratch + SCRATCH_VECTOR, words + 7 * word, 2 * word);
	memcpy(scratch + SCRATCH_NAME, &name, len);
	memcpy(scratch + SCRATCH_NAME_LEN, &len, sizeof(len));
	return memory_write(tid, base, scratch, sizeof(scratch));
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

	if (failed && giving->step == GIVING_CLOSE && closes_both(giving)) {
		/* One after the other then. */
		giving->tools &= ~(unsigned int)GIVE_CLOSE_RANGE;
		giving->step--;
		return 0;
	}
	if (failed)
		return (int)result;
	switch (giving->step) {
	case GIVING_SCRATCH:
		giving->scratch = (uint64_t)result;
		return write_scratch(giving, tid);
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
		giving->brought = courier_brought(tid, giving->received, giving->socket, giving->fd);
		return 0;
	case GIVING_SEAL:
		giving->sealed = true;
		return 0;
	case GIVING_CLOSE:
		if (closes_both(giving))
			giving->socket = -1;
		return 0;
	default:
		return 0;
	}
}

/* All was done: the thread's own registers and mask again. */
static int finish(struct giving *giving, pid_t tid)
{
	struct regs regs = giving->original;

	if (giving->borrowed) {
		int err = memory_write(tid, giving->scratch, giving->kept, sizeof(giving->kept));

		if (err)
			return err;
	}
	if (ptrace(PTRACE_SETSIGMASK, tid, sizeof(giving->blocked), &giving->blocked))
		return -errno;
	if (giving->kind == GIVE_ARENA)
		regs_reissue(&regs, regs_number(&giving->original));
	else
		regs_set_result(&regs, giving->err ? giving->err : giving->received);
	return regs_set(tid, &regs);
}

int giving_next(struct giving *giving, const struct courier *courier, pid_t tid, pid_t tgid,
		int64_t result)
{
	struct regs regs = giving->original;
	int err = take_result(giving, courier, tid, tgid, result);

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

/* Scratch memory where the thread's stack has never been, as it now stands. */
static int borrow(struct giving *giving, pid_t tid)
{
	uint64_t stack = regs_stack(&giving->original);
	/* A call of the 32-bit table by 64-bit code does not reach it. */
	bool reached = !regs_narrow(giving->arch) || stack <= UINT32_MAX;
	int err;

	if (reached && stack <= giving->stack && giving->stack - stack < STACK_NEAR) {
		giving->scratch = (stack - RED_ZONE - SCRATCH_SIZE) & ~(uint64_t)15;
		err = memory_read(tid, giving->scratch, giving->kept, sizeof(giving->kept));
		if (!err)
			err = write_scratch(giving, tid);
		if (err == -ESRCH)
			return err;
		giving->borrowed = !err;
		if (err)
			giving->scratch = 0;
	}
	giving->step = giving->borrowed ? GIVING_SOCKET : GIVING_SCRATCH;
	return 0;
}

struct giving *giving_start(enum giving_kind kind, pid_t tid, uint32_t arch, int fd,
			    unsigned int tools, uint64_t stack, int *err)
{
	struct giving *giving = calloc(1, sizeof(*giving));
	const uint64_t all = ~(uint64_t)0;
	struct regs regs;

	if (!giving) {
		if (kind == GIVE_FILE)
			close(fd);
		*err = -ENOMEM;
		return NULL;
	}
	*giving = (struct giving){ .kind = kind, .fd = fd, .tools = tools, .stack = stack,
				   .arch = arch, .socket = -1, .received = -1 };
	*err = regs_get(tid, &giving->original);
	if (!*err)
		*err = borrow(giving, tid);
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
