/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit.h"
#include "audit_read.h"
#include "backend.h"
#include "command.h"
#include "flight.h"
#include "settle.h"

#define PIPE_BYTES (1 << 20)

/*
 * What looks on, in the supervisor.
 *
 * Owner: watch_run(), and after a fork the supervisor's copy.
 */
struct looking {
	struct pm_layer **layers;
	const char **names;
	struct pm_options asked;	/* of the policies */
	struct audit *audit;
	bool anything;			/* no policies: all that names something */
};

static bool look_wants(void *data, const char *syscall, uint32_t classes)
{
	const struct looking *looking = data;

	return (looking->anything && classes) || chain_wants_for(&looking->asked, syscall, classes);
}

/* What a backend does up to the answer, on a copy that nothing is done with. */
static void look_at(const struct looking *looking, struct flight *flight)
{
	struct settle form = { .lonely = true, .openat2 = true };
	int err = flight_read(flight, true);

	if (!err)
		err = flight_decide(&looking->asked, flight);
	if (err) {
		flight_refuse(&looking->asked, flight, err, "built-in: what the kernel would say");
	} else if (flight_runs(flight)) {
		err = script_apply(&flight->call);
		if (!err)
			err = settle(&flight->call, &form);
		program_clear(&form.program);
		flight_tell(&looking->asked, flight, err ? "" : form.holds, -err);
		return;
	}
	flight_tell(&looking->asked, flight, "", 0);
}

/* Whatever happens here, the call goes on. */
static int look(void *data, struct pm_call *call, struct pm_verdict *verdict)
{
	const struct looking *looking = data;
	struct flight *flight;

	(void)verdict;
	flight = flight_new(&looking->asked, call->tgid, call->tid, call->arch, call->nr,
			    call->args, call->id);
	if (flight)
		look_at(looking, flight);
	flight_free(flight);
	return 0;
}

static int looking_init(struct looking *looking, const struct run_options *options)
{
	size_t n = options->npolicies;

	looking->layers = calloc(n + 1, sizeof(*looking->layers));
	looking->names = calloc(n + 1, sizeof(*looking->names));
	if (!looking->layers || !looking->names)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		looking->layers[i] = policy_layer(options->policies[i]);
		looking->names[i] = looking->layers[i]->name;
	}
	looking->asked = (struct pm_options){
		.layers = looking->layers, .nlayers = n, .unsafe = run_options_unsafe(options),
	};
	looking->anything = !n;
	return 0;
}

static int begin_audit(struct looking *looking, const struct run_options *options, int fd,
		       const char *backend)
{
	const struct audit_start start = {
		.command = options->command, .policies = looking->names,
		.npolicies = options->npolicies, .backend = backend,
	};
	int err;

	err = audit_open_fd(fd, false, &looking->audit);
	if (err)
		return err;
	close(fd);
	looking->asked.observer = audit_observer(looking->audit);
	return audit_begin(looking->audit, &start);
}

/* In the child: become the command.  Returns the exit status of a failure. */
static int become(const struct watch *watch, int fd)
{
	struct looking looking = { 0 };
	/* What it asks is locked where that is needed: held around all of it, that would be twice. */
	struct pm_layer layer = { .name = "watch", .data = &looking, .wants = look_wants,
				  .decide = look, .concurrent = true, .ignores_comm = true,
				  .ignores_fd = true };
	struct pm_layer *layers[] = { &layer };
	struct pm_options options = { .layers = layers, .nlayers = 1 };
	char **command = watch->options->command;
	enum pm_stage stage = PM_STAGE_SETUP;
	char why[256];
	int err;

	options.backend = backend_choose(watch->options->backend, why, sizeof(why));
	err = looking_init(&looking, watch->options);
	if (!err)
		err = begin_audit(&looking, watch->options, fd, options.backend);
	if (!err && watch->output_to_error && dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		err = -errno;
	if (err) {
		complain("cannot watch '%s': %s", command[0], strerror(-err));
		return EXIT_POINTSMAN;
	}
	options.unsafe = looking.asked.unsafe;
	err = pm_exec(&options, command[0], command, &stage);
	if (stage == PM_STAGE_EXEC) {
		complain("cannot run '%s': %s", command[0], strerror(-err));
		return err == -ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
	}
	complain("%s", pm_error());
	return EXIT_POINTSMAN;
}

/* For the handlers of signals: the command, the pipe of lines, and /dev/null. */
static volatile sig_atomic_t command_pid, lines_fd, null_fd;

/*
 * Once the command itself has ended, a signal is to whoever waits for the processes that
 * it has left behind: there are no more lines then.
 */
static void hand_on(int signal_number)
{
	int error = errno;
	siginfo_t info = { 0 };

	if (!waitid(P_PID, (id_t)command_pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid)
		dup2((int)null_fd, (int)lines_fd);
	else if (signal_number == SIGTERM || signal_number == SIGHUP)
		kill((pid_t)command_pid, signal_number);
	errno = error;
}

/* SIGINT and SIGQUIT a terminal sends to the command too; the others are handed on. */
static void leave_signals(void)
{
	static const int numbers[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = hand_on, .sa_flags = SA_RESTART };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct sigaction before;

		/* What nohup(1) has ignored stays so. */
		sigaction(numbers[i], NULL, &before);
		if (before.sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
	}
}

static int read_lines(const struct watch *watch, int fd)
{
	FILE *from = fdopen(fd, "re");
	struct audit_reader reader;
	json_object *object;
	int got, err = 0;

	if (!from) {
		close(fd);
		return -ENOMEM;
	}
	err = audit_reader_init(&reader, from);
	while (!err && (got = audit_reader_next(&reader, &object))) {
		/* One that breaks off is of a supervisor that was killed. */
		if (got == 1)
			err = watch->line(watch->data, reader.line, reader.len, object);
		else if (got != -EBADMSG)
			err = got;
		json_object_put(object);
	}
	/* The command does not wait for who does not read. */
	lines_fd = null_fd;
	fclose(from);
	audit_reader_clear(&reader);
	return err;
}

static int watch_child(const struct watch *watch, pid_t child, int fd, const sigset_t *mask,
		       int *status)
{
	int err;

	null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	command_pid = child;
	lines_fd = fd;
	leave_signals();
	sigprocmask(SIG_SETMASK, mask, NULL);
	err = read_lines(watch, fd);
	/* A handler that comes late leaves alone what has taken the number since. */
	lines_fd = null_fd;
	while (waitpid(child, status, 0) < 0)
		if (errno != EINTR)
			break;
	return err;
}

int watch_run(const struct watch *watch, int *status)
{
	int ends[2], err;
	/* The exit status of a failure, set in the child. */
	int *failed = mmap(NULL, sizeof(*failed), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sigset_t all, mask;
	pid_t child;

	if (failed == MAP_FAILED || pipe2(ends, O_CLOEXEC)) {
		complain("cannot watch '%s': %s", watch->options->command[0], strerror(errno));
		return EXIT_POINTSMAN;
	}
	fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES);
	fflush(NULL);
	/* Until they are handled signals wait. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &mask);
	child = fork();
	if (!child) {
		sigprocmask(SIG_SETMASK, &mask, NULL);
		close(ends[0]);
		*failed = become(watch, ends[1]);
		_exit(*failed);
	}
	close(ends[1]);
	if (child < 0) {
		complain("cannot watch '%s': %s", watch->options->command[0], strerror(errno));
		close(ends[0]);
		sigprocmask(SIG_SETMASK, &mask, NULL);
		return EXIT_POINTSMAN;
	}
	err = watch_child(watch, child, ends[0], &mask, status);
	if (*failed)
		return *failed;
	return err ? EXIT_POINTSMAN : 0;
}

int watch_exit(int status)
{
	const struct rlimit no_core = { 0 };
	sigset_t one;

	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	/* The core is the command's. */
	setrlimit(RLIMIT_CORE, &no_core);
	signal(WTERMSIG(status), SIG_DFL);
	sigemptyset(&one);
	sigaddset(&one, WTERMSIG(status));
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	raise(WTERMSIG(status));
	return 128 + WTERMSIG(status);
}
