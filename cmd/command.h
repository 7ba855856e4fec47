/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * command.h - the subcommands, and how they speak to a person
 */
#ifndef POINTSMAN_COMMAND_H
#define POINTSMAN_COMMAND_H

#include <stdio.h>

/* Exit statuses of pointsman itself, as env(1) and timeout(1) have them. */
enum {
	EXIT_POINTSMAN = 125,	/* bad usage, bad policy, no way to run anything */
	EXIT_CANNOT_RUN = 126,	/* the command was found and could not be run */
	EXIT_NOT_FOUND = 127,	/* the command was not found */
};

/*
 * A subcommand.  argv[0] is its name.  run() returns the exit status; help()
 * prints its whole usage.
 */
struct command {
	const char *name;
	const char *summary;
	int (*run)(int argc, char **argv);
	void (*help)(FILE *to);
};

int run_command(int argc, char **argv);
void run_help(FILE *to);
int trace_command(int argc, char **argv);
void trace_help(FILE *to);
int learn_command(int argc, char **argv);
void learn_help(FILE *to);
int check_command(int argc, char **argv);
void check_help(FILE *to);
int explain_command(int argc, char **argv);
void explain_help(FILE *to);
int report_command(int argc, char **argv);
void report_help(FILE *to);
int agent_command(int argc, char **argv);
void agent_help(FILE *to);
int oci_profile_command(int argc, char **argv);
void oci_profile_help(FILE *to);
int doctor_command(int argc, char **argv);
void doctor_help(FILE *to);

/* One line on standard error, "pointsman: ...", in one write. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Flush standard output.  Returns 0, or EXIT_POINTSMAN after a complaint. */
int finish_output(void);

#endif
