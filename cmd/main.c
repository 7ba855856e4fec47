/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pointsman - the command: a table of subcommands
 */
#include "command.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <pointsman/pointsman.h>

#include "nearest.h"

static int help_command(int argc, char **argv);
static int version_command(int argc, char **argv);

static const struct command commands[] = {
	{ "run", "run a command under policies", run_command, run_help },
	{ "trace", "show what would be mediated, while it happens", trace_command, trace_help },
	{ "learn", "write a policy that allows what a command does", learn_command, learn_help },
	{ "check", "say all that is wrong with policy files", check_command, check_help },
	{ "explain", "say which rule decides a call, and why", explain_command, explain_help },
	{ "report", "make a page of an audit", report_command, report_help },
	{ "agent", "serve the listeners of containers", agent_command, agent_help },
	{ "oci-profile", "print a container's seccomp section for the agent", oci_profile_command, oci_profile_help },
	{ "doctor", "say what works here, and what to do where it does not", doctor_command, doctor_help },
	{ "help", "say how a subcommand is used", help_command, NULL },
	{ "version", "say which version this is", version_command, NULL },
};

/* Spellings that people try first. */
static const struct {
	const char *option;
	const char *command;
} aliases[] = {
	{ "--help", "help" },
	{ "-h", "help" },
	{ "--version", "version" },
	{ "-V", "version" },
};

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (!strcmp(name, aliases[i].option))
			name = aliases[i].command;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(name, commands[i].name))
			return &commands[i];
	return NULL;
}

static int no_such_command(const char *name)
{
	struct nearest nearest = { .word = name };
	bool option = name[0] == '-';

	for (size_t i = 0; option && i < sizeof(aliases) / sizeof(aliases[0]); i++)
		nearest_try(&nearest, aliases[i].option);
	for (size_t i = 0; !option && i < sizeof(commands) / sizeof(commands[0]); i++)
		nearest_try(&nearest, commands[i].name);
	complain("unknown %s '%s'%s", option ? "option" : "subcommand", name,
		 nearest.found[0] ? nearest_hint(&nearest) :
		 option	       ? "; the subcommand comes first, see 'pointsman help'" :
				 "; see 'pointsman help'");
	return EXIT_POINTSMAN;
}

static int help_command(int argc, char **argv)
{
	const struct command *command;

	if (argc > 2) {
		complain("help: one subcommand at a time, not '%s'", argv[2]);
		return EXIT_POINTSMAN;
	}
	if (argc == 2) {
		command = find(argv[1]);
		if (!command)
			return no_such_command(argv[1]);
		if (command->help)
			command->help(stdout);
		else
			printf("pointsman %s: %s\n", command->name, command->summary);
		return finish_output();
	}
	printf("Usage: pointsman SUBCOMMAND [ARGUMENTS]\n\n"
	       "Redirects the system calls of unmodified programs.\n\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		printf("  %-11s %s\n", commands[i].name, commands[i].summary);
	printf("\n'pointsman help run' has the options.\n");
	return finish_output();
}

static int version_command(int argc, char **argv)
{
	if (argc > 1) {
		complain("version: takes no argument, not '%s'", argv[1]);
		return EXIT_POINTSMAN;
	}
	printf("pointsman %s\n", PM_VERSION);
	return finish_output();
}

int main(int argc, char **argv)
{
	const struct command *command;

	/*
	 * Small pieces that are free are put together at once: done all at a time later, in
	 * a supervisor, it would write to all the pages that its fork shares.
	 */
	mallopt(M_MXFAST, 0);
	if (argc < 2) {
		complain("no subcommand given; see 'pointsman help'");
		return EXIT_POINTSMAN;
	}
	command = find(argv[1]);
	return command ? command->run(argc - 1, argv + 1) : no_such_command(argv[1]);
}
