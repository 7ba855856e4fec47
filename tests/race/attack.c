// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include "attack.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_SIZE 65536

void attack_die(const char *format, ...)
{
	int err = errno;
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, ": %s\n", strerror(err));
	_exit(2);
}

void attack_place(bool attacker)
{
	cpu_set_t all, some;
	int last = -1;

	if (sched_getaffinity(0, sizeof(all), &all))
		attack_die("sched_getaffinity");
	if (CPU_COUNT(&all) < 2)
		return;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all))
			last = cpu;
	if (attacker) {
		CPU_ZERO(&some);
		CPU_SET(last, &some);
	} else {
		some = all;
		CPU_CLR(last, &some);
	}
	if (sched_setaffinity(0, sizeof(some), &some))
		attack_die("sched_setaffinity");
}

static void store(void *to, size_t width, uint64_t value)
{
	if (width == 4)
		__atomic_store_n((uint32_t *)to, (uint32_t)value, __ATOMIC_RELEASE);
	else
		__atomic_store_n((uint64_t *)to, value, __ATOMIC_RELEASE);
}

static void write_directly(struct attack *attack, uint64_t value)
{
	store(attack->word, attack->width, value);
}

static void write_alias(struct attack *attack, uint64_t value)
{
	size_t offset = (size_t)((unsigned char *)attack->word - attack->memory);

	store(attack->alias + offset, attack->width, value);
}

static void write_proc_mem(struct attack *attack, uint64_t value)
{
	if (pwrite(attack->mem_fd, &value, attack->width,
		   (off_t)(uintptr_t)attack->word) != (ssize_t)attack->width)
		attack_die("/proc/self/mem");
}

static void write_vm(struct attack *attack, uint64_t value)
{
	struct iovec from = { &value, attack->width };
	struct iovec to = { attack->word, attack->width };

	if (process_vm_writev(getpid(), &from, 1, &to, 1, 0) != (ssize_t)attack->width)
		attack_die("process_vm_writev");
}

/*
 * The values take turns, for times that differ, so that no rhythm of the
 * attacked calls can keep in step with them.  Only plain memory accesses and
 * system calls: this also runs in a process without a thread descriptor.
 */
static void flip(struct attack *attack)
{
	unsigned long n = 0;
	uint32_t random = 2463534242u;

	attack_place(true);
	while (!atomic_load_explicit(&attack->stop, memory_order_relaxed)) {
		attack->kind->write(attack, attack->value[++n & 1]);
		atomic_store_explicit(&attack->flips, n, memory_order_release);
		random ^= random << 13;
		random ^= random >> 17;
		random ^= random << 5;
		for (unsigned int i = random & 255; i; i--)
			__builtin_ia32_pause();
	}
}

static void *flip_thread(void *data)
{
	flip(data);
	return NULL;
}

static int flip_process(void *data)
{
	flip(data);
	_exit(0);
}

static void start_thread(struct attack *attack)
{
	int err = pthread_create(&attack->thread, NULL, flip_thread, attack);

	if (err) {
		errno = err;
		attack_die("pthread_create");
	}
}

static void start_clone(struct attack *attack)
{
	unsigned char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

	if (stack == MAP_FAILED)
		attack_die("mmap");
	attack->pid = clone(flip_process, stack + STACK_SIZE, CLONE_VM | SIGCHLD, attack);
	if (attack->pid < 0)
		attack_die("clone");
}

static void start_fork(struct attack *attack)
{
	attack->pid = fork();
	if (attack->pid < 0)
		attack_die("fork");
	if (!attack->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		flip_process(attack);
	}
}

static const struct attack_kind kinds[] = {
	{ "thread", false, start_thread, write_directly },
	{ "clone-vm", false, start_clone, write_directly },
	{ "proc-mem", false, start_thread, write_proc_mem },
	{ "vm-writev", false, start_thread, write_vm },
	{ "alias", true, start_thread, write_alias },
	{ "shared", true, start_fork, write_alias },
};

const struct attack_kind *attack_kind(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

/* Where 32-bit calls reach it too. */
static void *map(int flags, int fd)
{
	void *memory = mmap(NULL, ATTACK_MEMORY, PROT_READ | PROT_WRITE, flags | MAP_32BIT, fd, 0);

	if (memory == MAP_FAILED)
		attack_die("mmap");
	return memory;
}

struct attack *attack_new(const struct attack_kind *kind)
{
	struct attack *attack = map(MAP_SHARED | MAP_ANONYMOUS, -1);

	attack->kind = kind;
	attack->mem_fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	if (attack->mem_fd < 0)
		attack_die("/proc/self/mem");
	if (kind->shared) {
		int fd = memfd_create("attack", MFD_CLOEXEC);

		if (fd < 0 || ftruncate(fd, ATTACK_MEMORY))
			attack_die("memfd_create");
		attack->memory = map(MAP_SHARED, fd);
		attack->alias = map(MAP_SHARED, fd);
		close(fd);
	} else {
		attack->memory = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	}
	return attack;
}

void attack_start(struct attack *attack, void *word, size_t width, uint64_t a, uint64_t b)
{
	attack->word = word;
	attack->width = width;
	attack->value[0] = a;
	attack->value[1] = b;
	attack->kind->start(attack);
	attack_place(false);
	while (atomic_load_explicit(&attack->flips, memory_order_acquire) < 2)
		sched_yield();
}

void attack_stop(struct attack *attack)
{
	atomic_store(&attack->stop, true);
	if (attack->pid) {
		int status;

		if (waitpid(attack->pid, &status, 0) != attack->pid)
			attack_die("waitpid");
		if (status) {
			fprintf(stderr, "the attacker ended with status %#x\n", status);
			_exit(2);
		}
	} else {
		pthread_join(attack->thread, NULL);
	}
}
