/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * nomem_run.c - a program under a supervisor whose n-th request for memory, for a
 * thread or for descriptors fails
 *
 * However that ends: the run fails, or a call of the program's, or all is as it
 * should be.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <pointsman/pointsman.h>

#include "nomem.h"
#include "starve.h"

#define MOST 20000	/* more than any run asks for */
#define TIMES 40	/* of a call, in which what is held must not grow */
#define SETTLED 20	/* decisions, those of the start among them: what is kept is there */

static const struct kind {
	const char *name;
	enum starve what;
	bool lasting;
	const char *errors;	/* that calls may fail with then */
} kinds[] = {
	{ "memory", STARVE_MEMORY, false, "ENOMEM" },
	{ "all-memory", STARVE_MEMORY, true, "ENOMEM" },
	{ "threads", STARVE_THREADS, false, "" },
	{ "all-threads", STARVE_THREADS, true, "" },
	{ "files", STARVE_NOTHING, false, "EMFILE" },
};

/* Shared by all processes of a run. */
static struct {
	_Atomic int err;		/* the run's, or 0 */
	_Atomic bool executes;		/* it was the execve that failed */
	_Atomic int status;		/* serve: of the program */
	_Atomic size_t leaked;		/* serve: descriptors */
	_Atomic unsigned int calls;	/* churn: have been decided on */
	_Atomic long settled, held;	/* churn: pieces of memory, early and last */
} *said;

/* Of this run.  Copied to its processes. */
static const struct kind *kind;
static bool handled, served, churns;
static long number;	/* n */
static pid_t caller;

/* As many descriptors as n, in the process that supervises. */
static void limit_files(void)
{
	const struct rlimit limit = { (rlim_t)number, (rlim_t)number };

	if (kind->what == STARVE_NOTHING && setrlimit(RLIMIT_NOFILE, &limit))
		abort();
}

static bool wants(void *data, const char *syscall, uint32_t classes)
{
	(void)data;
	(void)syscall;
	/* Asked by the supervisor first, whose limits have been raised. */
	if (!served && getpid() != caller)
		limit_files();
	return classes & (PM_BIT(PM_CLASS_OPEN_READ) | PM_BIT(PM_CLASS_EXEC));
}

/* By where it leads, whatever became of the look: the library has the last word. */
static int decide(void *data, struct pm_call *call, struct pm_verdict *verdict)
{
	struct pm_item *item = pm_call_item(call, PM_ITEM_PATH, "pathname");
	const struct pm_where *where = item ? pm_item_where(call, item) : NULL;
	const char *name;

	(void)data;
	if (!where)
		return 0;
	if (!where->name)
		return -where->err;
	name = strrchr(where->name, '/');
	name = name ? name + 1 : where->name;
	if (!strcmp(name, "from")) {
		verdict->action = PM_REDIRECT;
		return pm_call_set_path(call, item, "to");
	}
	if (!strcmp(name, "denied"))
		*verdict = (struct pm_verdict){ .action = PM_DENY, .err = EXDEV };
	return 0;
}

static void handle(void *data, struct pm_request *request)
{
	struct pm_verdict verdict = { .action = PM_ALLOW };
	int err = decide(data, pm_request_call(request), &verdict);

	if (err)
		verdict = (struct pm_verdict){ .action = PM_DENY, .err = -err };
	pm_request_answer(request, &verdict);
}

/* Looks at all that there is, as an audit does. */
static int tell(void *data, const struct pm_event *event)
{
	size_t *seen = data;

	for (size_t i = 0; i < event->call->nitems; i++) {
		const struct pm_item *item = &event->call->items[i];

		*seen += strlen(item->role);
		if (item->kind == PM_ITEM_PATH)
			*seen += strlen((const char *)item->data);
		for (size_t k = 0; k < item->nstr; k++)
			*seen += strlen(item->strv[k]);
	}
	return 0;
}

static size_t seen;
static const struct pm_observer observer = { .data = &seen, .tell = tell };
static struct pm_layer own = { .name = "nomem", .wants = wants, .decide = decide };
/* One that waits for its limit is late for ours. */
static const struct pm_handler handler = { .name = "nomem", .wants = wants, .handle = handle,
					   .threads = 2, .limit = 600000 };
static struct pm_layer *layer = &own;
static const struct pm_options options = { .layers = &layer, .nlayers = 1,
					   .observer = &observer, .backend = "ptrace" };

static char *command[4] = { NULL, "all" };

static void fails(int err)
{
	said->err = err;
	_exit(1);
}

/* Both ends are the program's alone. */
static void give_pipe(void)
{
	char text[32];
	int ends[2];

	if (pipe2(ends, O_NONBLOCK))
		abort();
	snprintf(text, sizeof(text), "%d %d", ends[0], ends[1]);
	setenv("NOMEM_PIPE", text, 1);
}

static void make_layer(void)
{
	int err = handled ? pm_handler_layer(&handler, &layer) : 0;

	if (err)
		fails(err);
}

static void execute(void *unused)
{
	enum pm_stage stage;
	int err;

	(void)unused;
	caller = getpid();
	give_pipe();
	if (!churns)
		starve_begin(kind->what, number, kind->lasting);
	make_layer();
	err = pm_exec(&options, target, command, &stage);
	said->executes = stage == PM_STAGE_EXEC;
	fails(err);
}

/* A program whose opens a listener is told of; its descriptors are ours until it runs. */
static int listen_to(pid_t *program)
{
	struct sock_filter opens[] = {
		{ BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr) },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_openat },
		{ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_USER_NOTIF },
		{ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW },
	};
	struct sock_fprog filter = { .len = 4, .filter = opens };
	int ends[2], fd = -1;

	if (pipe2(ends, O_CLOEXEC))
		abort();
	*program = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (*program == 0) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
				  SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
		if (write(ends[1], &fd, sizeof(fd)) == sizeof(fd) && fd >= 0)
			execv(target, command);
		_exit(125);
	}
	if (*program < 0 || read(ends[0], &fd, sizeof(fd)) != sizeof(fd) || fd < 0)
		abort();
	close(ends[0]);
	close(ends[1]);
	return fd;
}

static void serve(void *unused)
{
	int listener, status, err;
	size_t before;
	pid_t program;

	(void)unused;
	before = descriptors();
	listener = listen_to(&program);
	starve_begin(kind->what, number, kind->lasting);
	if (handled)
		err = pm_handler_layer(&handler, &layer);
	else
		err = 0;
	limit_files();
	if (!err)
		err = pm_serve(&options, listener);
	/* What fails from here on is ours.  The count of what has failed stays. */
	starve_end();
	close(listener);
	if (handled && layer != &own)
		pm_layer_free(layer);
	if (waitpid(program, &status, 0) != program)
		abort();
	said->err = err;
	said->status = status;
	said->leaked = kind->what == STARVE_NOTHING ? 0 : descriptors() - before;
	_exit(0);
}

/* The errors of the header for what is short; of an execve those of a call. */
static bool is_documented(int err)
{
	if (said->executes)
		return strstr(getenv("NOMEM_ERRORS"), strerrorname_np(-err));
	return err == -ENOMEM || err == -EAGAIN || err == -EMFILE || err == -ECHILD;
}

/* How the runs of a sweep ended. */
struct tally {
	long failed, killed, refused, right;
	size_t leaked;	/* most of all */
};

static void judge_program(const struct ended *ended, struct tally *tally)
{
	if (ended->killed) {
		tally->killed++;
		return;
	}
	if (ended->status == TARGET_ENDS) {
		tally->refused++;
		return;
	}
	if (ended->status & TARGET_REACHED)
		fault(number, "the program has read what it must not");
	if (ended->status & TARGET_HELD)
		fault(number, "a descriptor of the program's is held by another");
	if (ended->status & TARGET_ODD && !said->err)
		fault(number, "a call failed with another error");
	if (ended->status & ~15)
		fault(number, "the program ended with %d", ended->status);
	if (said->err)
		return;
	if (ended->status)
		tally->refused++;
	else
		tally->right++;
}

static void judge(const struct ended *ended, struct tally *tally)
{
	struct ended program = *ended;
	int status = said->status;

	if (served) {
		if (ended->killed || ended->status)
			fault(number, "pm_serve() did not return");
		program.killed = WIFSIGNALED(status);
		program.status = WIFSIGNALED(status) ? 0 : WEXITSTATUS(status);
		if (said->leaked > tally->leaked)
			tally->leaked = said->leaked;
	}
	if (said->err) {
		tally->failed++;
		if (!is_documented(said->err))
			fault(number, "it failed with %s", strerrorname_np(-said->err));
		if (!served)
			return;
	}
	judge_program(&program, tally);
}

static bool choose(const char *how, const char *what)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].name, what))
			kind = &kinds[i];
	served = !strncmp(how, "serve", 5);
	handled = !!strstr(how, "handler");
	return kind;
}

/* True where nothing was short any more, and all was right. */
static bool run_once(struct tally *tally)
{
	long right = tally->right, failed;
	struct ended ended;

	memset(said, 0, sizeof(*said));
	run_apart(number, served ? serve : execute, NULL, &ended);
	failed = starve_end();
	judge(&ended, tally);
	if (kind->what != STARVE_NOTHING && !failed && tally->right == right)
		fault(number, "nothing was short, and it went wrong");
	return !failed && tally->right > right;
}

int sweep_run(const char *how, const char *what, char *program, long only)
{
	struct tally tally = { 0 };

	if (!choose(how, what))
		return 125;
	said = shared(sizeof(*said));
	command[0] = target;
	command[1] = program;
	setenv("NOMEM_ERRORS", kind->errors, 1);
	/* The answer to what a handler has lost. */
	if (handled)
		setenv("NOMEM_ERRORS", "ENOMEM EMFILE EPERM", 1);
	number = only ? only : 1;
	while (!run_once(&tally) && !only && number < MOST)
		number++;
	if (number == MOST)
		fault(number, "it is never enough");
	if (tally.leaked > said->leaked)
		fault(number, "%zu descriptors are left, and %zu where nothing fails",
		      tally.leaked, said->leaked);
	printf("n = %ld: the run failed %ld, a call %ld, killed %ld, right %ld\n", number,
	       tally.failed, tally.refused, tally.killed, tally.right);
	return 0;
}

/* In the supervisor: its n-th request from here to the next decision fails. */
static int decide_and_starve(void *data, struct pm_call *call, struct pm_verdict *verdict)
{
	starve_end();
	said->held = starve_held();
	if (++said->calls == SETTLED)
		said->settled = said->held;
	starve_begin(STARVE_MEMORY, number, false);
	return decide(data, call, verdict);
}

/* What is held while the same call fails in the same way, over and over. */
int sweep_churn(void)
{
	struct ended ended;
	long ends = 0;

	choose("layer", "memory");
	churns = true;
	said = shared(sizeof(*said));
	own.decide = decide_and_starve;
	command[0] = target;
	command[1] = "opens";
	command[2] = "40";
	setenv("NOMEM_ERRORS", kind->errors, 1);
	for (number = 1; number <= TIMES; number++) {
		memset(said, 0, sizeof(*said));
		run_apart(number, execute, NULL, &ended);
		starve_end();
		if (said->calls < TIMES / 2)
			ends++;
		else if (said->held > said->settled)
			fault(number, "what is held has grown from %ld to %ld", said->settled,
			      said->held);
	}
	printf("n = %d, %ld of them end the run early\n", TIMES, ends);
	return 0;
}
