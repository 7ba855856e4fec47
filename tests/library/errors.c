/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * errors CASE [COMMAND...] - has the library fail in one way, and prints what it says
 *
 * The backend is that of PM_BACKEND.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <pointsman/pointsman.h>

#define NOBODY 65534

static struct pm_verdict said;
static int returned;

static bool wants(void *data, const char *syscall, uint32_t classes)
{
	(void)data;
	(void)classes;
	return !strcmp(syscall, "chdir");
}

static bool wants_to_die(void *data, const char *syscall, uint32_t classes)
{
	(void)data;
	(void)syscall;
	(void)classes;
	_exit(1);
}

static int decide(void *data, struct pm_call *call, struct pm_verdict *verdict)
{
	(void)data;
	(void)call;
	*verdict = said;
	return returned;
}

static int confine(void *data)
{
	(void)data;
	return -EXDEV;
}

static void handle(void *data, struct pm_request *request)
{
	(void)data;
	(void)request;
}

static struct pm_layer layer = { .name = "errors", .wants = wants, .decide = decide };
static struct pm_layer *layers[] = { &layer };
static struct pm_observer observer;
static struct pm_options options = { .layers = layers, .nlayers = 1 };
static char **command;

/* As many descriptors as there are. */
static void no_more_files(void)
{
	int next = dup(STDIN_FILENO);
	const struct rlimit limit = { (rlim_t)next, (rlim_t)next };

	close(next);
	if (setrlimit(RLIMIT_NOFILE, &limit))
		abort();
}

static void become_nobody(void)
{
	if (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
		abort();
}

/* Of a user whom the limit is for. */
static void no_more_processes(void)
{
	const struct rlimit limit = { 0, 0 };

	if (setrlimit(RLIMIT_NPROC, &limit))
		abort();
	if (!getuid())
		become_nobody();
}

/* All calls are seen, and where the first arena would lie is something else. */
static void no_low_memory(void)
{
	void *low = (void *)((uintptr_t)256 << 20);

	layer.wants = NULL;
	if (mmap(low, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) !=
	    low)
		abort();
}

static const char *word(int err)
{
	return err < 0 ? strerrorname_np(-err) : err ? "1" : "0";
}

static void *execute(void *unused)
{
	enum pm_stage stage = PM_STAGE_EXEC;
	int err = pm_exec(&options, command[0], command, &stage);

	printf("%s %s: %s\n", stage == PM_STAGE_SETUP ? "setup" : "exec", word(err), pm_error());
	fflush(stdout);
	_exit(125);
	return unused;
}

/* What the library is given, or finds. */
static void prepare(const char *how)
{
	static const struct {
		const char *name;
		struct pm_verdict said;
		int returned;
	} answers[] = {
		{ "denies", { .action = PM_DENY, .err = EXDEV }, 0 },
		{ "no-errno", { .action = PM_DENY }, 0 },
		{ "large-errno", { .action = PM_DENY, .err = 4096 }, 0 },
		{ "minus-errno", { .action = PM_DENY, .err = -EXDEV }, 0 },
		{ "no-action", { .action = (enum pm_action)17 }, 0 },
		{ "error", { .action = PM_ALLOW }, -EXDEV },
		{ "plus-error", { .action = PM_ALLOW }, EXDEV },
		{ "large-error", { .action = PM_ALLOW }, -4096 },
	};

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (!strcmp(how, answers[i].name)) {
			said = answers[i].said;
			returned = answers[i].returned;
		}
	options.backend = getenv("PM_BACKEND");
	if (!strcmp(how, "backend"))
		options.backend = "none";
	if (!strcmp(how, "no-layer"))
		layers[0] = NULL;
	if (!strcmp(how, "undecided"))
		layer.decide = NULL;
	if (!strcmp(how, "untold"))
		options.observer = &observer;
	if (!strcmp(how, "confine"))
		options.confine = confine;
	if (!strcmp(how, "dies"))
		layer.wants = wants_to_die;
	if (!strcmp(how, "files"))
		no_more_files();
	if (!strcmp(how, "nobody"))
		become_nobody();
	if (!strcmp(how, "processes"))
		no_more_processes();
	if (!strcmp(how, "taken"))
		no_low_memory();
}

static int make_handler(void)
{
	const struct pm_handler handler = { .handle = handle, .limit = 1 };
	struct pm_layer *made;

	return pm_handler_layer(&handler, &made);
}

/* A listener; who is under its filter is gone, or stays as long as this process. */
static int listener_of(bool stays)
{
	struct sock_filter allow = { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW };
	struct sock_fprog program = { .len = 1, .filter = &allow };
	int ends[2], fd = -1;
	pid_t child;

	if (pipe(ends))
		abort();
	child = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
				  SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
		if (write(ends[1], &fd, sizeof(fd)) != sizeof(fd))
			_exit(1);
		while (stays)
			pause();
		_exit(0);
	}
	if (child < 0 || read(ends[0], &fd, sizeof(fd)) != sizeof(fd) || fd < 0 ||
	    (!stays && waitpid(child, NULL, 0) != child))
		abort();
	return fd;
}

static int serve(const char *how)
{
	bool stops = !strcmp(how, "stop");
	int ends[2], fd;

	if (!strcmp(how, "nothing"))
		return pm_serve(&options, -1);
	if (!strcmp(how, "pipe"))
		return pipe(ends) ? -errno : pm_serve(&options, ends[0]);
	fd = listener_of(stops);
	prepare(how);
	if (stops)
		pm_serve_stop();
	return pm_serve(&options, fd);
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc < 3)
		return 125;
	if (!strcmp(argv[1], "serve")) {
		puts(word(serve(argv[2])));
		return 0;
	}
	if (!strcmp(argv[1], "handler")) {
		prepare(argv[2]);
		puts(word(make_handler()));
		return 0;
	}
	prepare(argv[1]);
	command = argv + 2;
	if (strcmp(argv[1], "thread"))
		execute(NULL);
	said = (struct pm_verdict){ .action = PM_DENY, .err = EXDEV };
	if (pthread_create(&thread, NULL, execute, NULL))
		return 125;
	pthread_exit(NULL);
}
