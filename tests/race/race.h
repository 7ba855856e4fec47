/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * race.h - a program that makes one call again and again under an attacker, and
 * counts what came of it
 *
 * Prints "tries=N refused=N ran=N other=N wins=N", see race.c.
 */
#ifndef RACE_H
#define RACE_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "attack.h"

enum outcome { REFUSED, RAN, OTHER, WIN, OUTCOMES };

/* Owner: race_main(), for the life of the program. */
struct race {
	struct attack *attack;
	unsigned char *next;		/* free memory of the attack */
	const char *dir;
	struct in_addr address;
	in_port_t good, evil;		/* in network order */
	unsigned long tries, count[OUTCOMES];

	char *path;			/* DIR/good or DIR/evil */
	ino_t evil_ino;
};

struct race_call {
	const char *name;
	void (*setup)(struct race *race);	/* ends with attack_start() */
	void (*try)(struct race *race);
};

/* The program's main(); returns its status. */
int race_main(const struct race_call *calls, size_t n, int argc, char **argv);

void race_count(struct race *race, enum outcome outcome);
/* The line of counts. */
void race_print(const struct race *race);
/* By the result of a call that makes no descriptor; a win is the caller's to find. */
enum outcome race_outcome(long result);
/* By the file that a descriptor is of; closes it.  Negative: an error, in errno. */
void race_opened(struct race *race, int fd);

/* Memory that the attacker can write; the result is aligned to 16 bytes. */
void *race_place(struct race *race, size_t size);
/* Four bytes of a text as one word. */
uint64_t race_word(const char *four);
/* race->path, whose last four bytes are one aligned word.  Starts the attack. */
void race_place_name(struct race *race);
/* And evil_ino, of a file that is there. */
void race_place_path(struct race *race);

/* What tells by its exit status which word it was given, see report.c. */
const char *race_program(void);
/*
 * The child is in our memory, stops us meanwhile, and tries until it becomes
 * the program.
 */
void race_executed(struct race *race, long (*execute)(struct race *race));

void race_address(const struct race *race, struct sockaddr_in *name, in_port_t port);
/* The first word of an address: its family and its port. */
uint64_t race_first_word(in_port_t port);
/* A datagram socket, and one that is bound to what is evil. */
int race_socket(void);
int race_evil_socket(const struct race *race);
/* By the result of sending one byte, and whether it came to what is evil. */
void race_sent(struct race *race, long result, int evil_socket);

#endif
