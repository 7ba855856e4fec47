/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * attack.h - somebody who changes a program's memory while it makes calls
 *
 * An attacker writes one of two values to a word, the other, and so on, until
 * it is told to stop.  The kinds differ in who writes and by which way.
 */
#ifndef ATTACK_H
#define ATTACK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ATTACK_MEMORY 65536

struct attack;

struct attack_kind {
	const char *name;
	bool shared;			/* the memory is MAP_SHARED, mapped twice */
	void (*start)(struct attack *attack);
	void (*write)(struct attack *attack, uint64_t value);
};

/*
 * Owner: the attacked program, in memory that attackers of other processes
 * share.
 */
struct attack {
	const struct attack_kind *kind;
	unsigned char *memory;		/* ATTACK_MEMORY bytes for what will be attacked */
	unsigned char *alias;		/* the same bytes, where kind->shared */
	void *word;			/* in memory; width bytes, aligned to them */
	size_t width;			/* 4 or 8 */
	uint64_t value[2];
	atomic_bool stop;
	atomic_ulong flips;
	int mem_fd;			/* /proc/self/mem */
	pthread_t thread;
	pid_t pid;
};

/* By name; NULL for one that is not known. */
const struct attack_kind *attack_kind(const char *name);

/* Memory for the attack; the caller lays out what is attacked in ->memory. */
struct attack *attack_new(const struct attack_kind *kind);

/* word turns into a, b, a, b, ...  Returns when it has been both. */
void attack_start(struct attack *attack, void *word, size_t width, uint64_t a, uint64_t b);
void attack_stop(struct attack *attack);

/*
 * The attacker has one processor to itself and the attacked program the others,
 * where there are two or more: what takes turns does not race.
 */
void attack_place(bool attacker);

/* Says why on standard error and ends the process with status 2. */
void attack_die(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));

#endif
