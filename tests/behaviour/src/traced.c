// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * traced [-f] COMMAND... - run it under a tracer, as a debugger does
 *
 * -f: its children are traced too.  The status is the command's.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	const long follow = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
	int first = argc > 1 && !strcmp(argv[1], "-f") ? 2 : 1, status, end = 125;
	pid_t command, tid;

	if (first >= argc)
		return 125;
	command = fork();
	if (command == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(125);
		raise(SIGSTOP);
		execvp(argv[first], argv + first);
		_exit(127);
	}
	if (command < 0 || waitpid(command, &status, 0) != command || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, command, NULL, (void *)(first == 2 ? follow : 0)) ||
	    ptrace(PTRACE_CONT, command, NULL, NULL))
		return 125;
	while ((tid = waitpid(-1, &status, __WALL)) > 0) {
		int signal = 0;

		if (WIFEXITED(status) && tid == command)
			end = WEXITSTATUS(status);
		if (!WIFSTOPPED(status))
			continue;
		/* Not that of an exec, nor the first of a child. */
		if (!(status >> 16) && WSTOPSIG(status) != SIGTRAP && WSTOPSIG(status) != SIGSTOP)
			signal = WSTOPSIG(status);
		ptrace(PTRACE_CONT, tid, NULL, (void *)(long)signal);
	}
	return end;
}
