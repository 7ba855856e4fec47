// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A stack of layers by the library: pm_exec() runs this program again (layers_task.c)
 * below them.  Layers and observer write down what they see; who has started it all sends
 * the signals that come while a call sleeps.
 *
 * Nothing is done at a time, all of it on a condition.  What does not come in PATIENCE
 * seconds is a difference.
 */
#define _GNU_SOURCE
#include "layers.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/futex.h>
#include <pointsman/pointsman.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE 60
#define FD_SLEEP_END 101
#define HANDLER_LIMIT 60000 /* milliseconds */

static struct shared *shared;
static char shared_text[16]; /* its descriptor, as a number */
static const struct stack *stack;
static const char *program, *backend;
static const int signals[] = { 0, SIGUSR1, SIGUSR2, SIGKILL };

/* ---- in the supervisor ---- */

static struct note *note(int c, int kind, const struct model_call *call)
{
	static struct note lost;
	int n = shared->notes[c];
	struct note *note = n < MAX_NOTES ? &shared->note[c][n] : &lost;

	shared->notes[c] = n + 1;
	*note = (struct note){ .kind = kind };
	if (call)
		note->call = *call;
	return note;
}

static uint64_t address_of(const char *text)
{
	for (unsigned int i = 0; i < ALL_NAMES; i++)
		if (!strcmp(text, names[i]))
			return NAMES + NAME_SPACE * i;
	return 0;
}

/* As the model has it. */
static struct model_call as_model(struct pm_call *call)
{
	const struct pm_item *path = pm_call_item(call, PM_ITEM_PATH, NULL);
	struct model_call is = { .nr = call->nr };

	memcpy(is.args, call->args, sizeof(is.args));
	if (path)
		is.args[1] = address_of((const char *)path->data);
	return is;
}

/* The call that this thread is asked about, and told of, last. */
static _Thread_local struct {
	uint64_t id;
	int index;
} last;

/*
 * Which call under test it is, or -1.  One that was killed is still decided on when
 * somebody else makes the next one.
 */
static int index_of(const struct pm_call *call)
{
	if (!last.id || last.id != call->id) {
		last.index = shared->task && call->tid == shared->task ? shared->current : -1;
		last.id = call->id;
	}
	return last.index;
}

static int change(struct pm_call *call, const struct model_change *change)
{
	struct pm_item *path = pm_call_item(call, PM_ITEM_PATH, NULL);
	int err = 0;

	if (change->changes_nr)
		err = pm_call_set_nr(call, change->nr);
	for (unsigned int i = 0; i < 6 && !err; i++) {
		if (!(change->mask & 1U << i))
			continue;
		if (i == 1 && path)
			err = pm_call_set_path(call, path,
					       names[(change->args[1] - NAMES) / NAME_SPACE]);
		else
			err = pm_call_set_arg(call, i, change->args[i]);
	}
	return err;
}

static int decide_as(int layer, struct pm_call *call, struct pm_verdict *verdict)
{
	const struct model_call is = as_model(call);
	const int c = index_of(call);
	const struct says *says;
	int step;

	if (c < 0)
		return 0;
	note(c, NOTE_ASKED, &is)->layer = layer;
	step = shared->step;
	shared->step = step + 1;
	if (step < MAX_STEPS && stack->one[c].step[step].asked)
		kill(call->tgid, signals[stack->one[c].step[step].asked]);
	says = layer_says(stack, layer, c, &is);
	verdict->log = says->log;
	switch (says->what) {
	case SAY_ALLOW:
		return 0;
	case SAY_CHANGE:
		verdict->action = PM_REDIRECT;
		return change(call, &says->change);
	case SAY_DENY:
		verdict->action = PM_DENY;
		verdict->err = says->err;
		return 0;
	case SAY_VALUE:
		verdict->action = PM_VALUE;
		verdict->value = says->value;
		return 0;
	case SAY_KILL:
		verdict->action = PM_KILL;
		return 0;
	case SAY_FAIL:
		return -says->err;
	}
	return -EINVAL;
}

static int decide(void *data, struct pm_call *call, struct pm_verdict *verdict)
{
	return decide_as((int)(intptr_t)data, call, verdict);
}

/* The same in a process of its own. */
static void handle(void *data, struct pm_request *request)
{
	struct pm_verdict verdict = { .action = PM_ALLOW };
	int err = decide_as((int)(intptr_t)data, pm_request_call(request), &verdict);

	/* A handler has no other way to fail. */
	if (err)
		verdict = (struct pm_verdict){ .action = PM_DENY, .err = -err };
	pm_request_answer(request, &verdict);
}

static bool wants(void *data, const char *syscall, uint32_t classes)
{
	(void)classes;
	for (int n = 0; n < NUMBERS; n++)
		if (stack->layer[(intptr_t)data].wants & 1U << n &&
		    pm_syscall_number(AUDIT_ARCH_X86_64, syscall) == numbers[n])
			return true;
	return false;
}

static int tell(void *data, const struct pm_event *event)
{
	static const int kinds[] = { [PM_EVENT_CALL] = NOTE_CALL,
				     [PM_EVENT_VERDICT] = NOTE_VERDICT,
				     [PM_EVENT_ANSWER] = NOTE_ANSWER,
				     [PM_EVENT_RESULT] = NOTE_RESULT };
	struct pm_layer *const *layers = data;
	struct model_call is = as_model(event->call);
	const int c = index_of(event->call);
	struct note *n;

	if (c < 0 || (stack->silent && event->kind == PM_EVENT_RESULT))
		return 0;
	n = note(c, kinds[event->kind], &is);
	if (event->kind == PM_EVENT_CALL)
		return 0;
	n->action = event->verdict->action;
	n->log = event->kind != PM_EVENT_RESULT && event->verdict->log;
	if (event->kind == PM_EVENT_RESULT)
		n->value = event->result;
	else if (n->action == PM_DENY)
		n->value = event->verdict->err;
	else if (n->action == PM_VALUE)
		n->value = event->verdict->value;
	n->layer = -1;
	for (int i = 0; i < stack->layers; i++)
		if (layers[i] == event->layer)
			n->layer = i;
	return 0;
}

static _Noreturn void become_program(void)
{
	static struct pm_layer plain[MAX_LAYERS];
	static struct pm_layer *layers[MAX_LAYERS];
	const struct pm_observer observer = { .data = layers, .tell = tell };
	struct pm_options options = { .layers = layers,
				      .nlayers = (size_t)stack->layers,
				      .observer = &observer,
				      .backend = backend };
	const char *const argv[] = { program, "task", shared_text, NULL };
	enum pm_stage stage;
	int err;

	for (int i = 0; i < stack->layers; i++) {
		const struct pm_handler handler = { .name = "handler",
						    .data = (void *)(intptr_t)i,
						    .wants = wants,
						    .handle = handle,
						    .limit = HANDLER_LIMIT };

		layers[i] = &plain[i];
		plain[i] = (struct pm_layer){ .name = "layer",
					      .data = (void *)(intptr_t)i,
					      .wants = wants,
					      .decide = decide,
					      .concurrent = stack->layer[i].concurrent };
		err = stack->layer[i].handler ? pm_handler_layer(&handler, &layers[i]) : 0;
		if (err) {
			fprintf(stderr, "no handler: %s\n", strerror(-err));
			_exit(2);
		}
	}
	err = pm_exec(&options, program, (char *const *)argv, &stage);
	fprintf(stderr, "cannot run: %s\n", *pm_error() ? pm_error() : strerror(-err));
	_exit(2);
}

/* ---- who has started it ---- */

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static bool read_file(pid_t pid, const char *name, char *text, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	return n > 0;
}

/* Does it sleep in a call that runs?  Who waits for a tracer has another state. */
static bool sleeps(pid_t pid, struct model_call *call)
{
	char text[512], *end;
	uint64_t *args = call->args;
	long nr;

	if (!read_file(pid, "stat", text, sizeof(text)))
		return false;
	end = strrchr(text, ')');
	if (!end || strncmp(end, ") S", 3) || !read_file(pid, "syscall", text, sizeof(text)) ||
	    sscanf(text, "%ld %lx %lx %lx %lx %lx %lx", &nr, &args[0], &args[1], &args[2], &args[3],
		   &args[4], &args[5]) != 7)
		return false;
	call->nr = (int)nr;
	return (nr == SYS_read && (unsigned int)args[0] == FD_SLEEP && args[2]) || nr == SYS_pause;
}

/* As long as a call that may sleep is being made. */
static void watch(int c, time_t since)
{
	const struct one *one = &stack->one[c];
	struct model_call call;

	while (shared->done == c && !shared->seen[c].ended && seconds() - since < PATIENCE) {
		pid_t pid = shared->task;
		enum model_signal signal = MODEL_NO_SIGNAL;
		int step, frames = shared->seen[c].frames;

		if (!pid || !sleeps(pid, &call) || shared->done != c) {
			usleep(50);
			continue;
		}
		note(c, NOTE_SLEEP, &call);
		step = shared->step;
		shared->step = step + 1;
		if (step < MAX_STEPS)
			signal = one->step[step].sleep;
		if (signal == MODEL_NO_SIGNAL && call.nr == SYS_pause)
			signal = MODEL_SIGNAL_INTERRUPTS;
		if (signal == MODEL_NO_SIGNAL) {
			if (write(FD_SLEEP_END, "!", 1) != 1)
				abort();
		} else {
			kill(pid, signals[signal]);
		}
		while (shared->done == c && !shared->seen[c].ended &&
		       shared->seen[c].frames == frames && seconds() - since < PATIENCE)
			usleep(50);
	}
}

/* Until the program has ended.  Its supervisor goes with it. */
static void follow(pid_t pid, struct results *got)
{
	const struct timespec tick = { .tv_nsec = 20000000 };
	time_t since = seconds();
	int done = -1, status;

	while (!waitpid(pid, &status, WNOHANG)) {
		if (shared->done != done)
			since = seconds();
		done = shared->done;
		if (seconds() - since >= PATIENCE) {
			got->stuck = "nothing happens";
			if (shared->task)
				kill(shared->task, SIGKILL);
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			return;
		}
		if (shared->watch) {
			shared->watch = 0;
			watch(shared->current, since);
			continue;
		}
		syscall(SYS_futex, &shared->watch, FUTEX_WAIT, 0, &tick, NULL, 0);
	}
	if (status)
		got->stuck = "the program, or its supervisor, ends badly";
}

static void collect(struct results *got)
{
	got->calls = shared->done;
	for (int c = 0; c < got->calls; c++) {
		const struct seen *seen = &shared->seen[c];
		struct result *r = &got->result[c];
		struct model_outcome *o = &r->outcome;

		if (seen->ended)
			o->end = WIFSIGNALED(seen->ended) && WTERMSIG(seen->ended) == SIGKILL ?
					 MODEL_KILLED_SIGKILL :
					 MODEL_KILLED_SIGSYS;
		o->result = (long)seen->after.nr;
		memcpy(o->args, seen->after.args, sizeof(o->args));
		o->forked = seen->forked;
		memcpy(o->child, seen->child, sizeof(o->child));
		o->frames = seen->frames;
		memcpy(o->frame, seen->frame, sizeof(o->frame));
		r->found = seen->found;
		r->notes = shared->notes[c];
		memcpy(r->note, shared->note[c], sizeof(r->note));
	}
}

void stack_play(const struct stack *s, const struct results *expected, struct results *got)
{
	pid_t pid;

	memset(got, 0, sizeof(*got));
	memset(shared, 0, sizeof(*shared));
	shared->calls = s->calls;
	for (int c = 0; c < s->calls; c++) {
		shared->call[c] = s->one[c].call;
		for (int n = 0; n < expected->result[c].notes && n < MAX_NOTES; n++)
			shared->sleeps[c] |= expected->result[c].note[n].kind == NOTE_SLEEP;
	}
	stack = s;
	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		got->stuck = "no process can be made";
		return;
	}
	if (!pid)
		become_program();
	follow(pid, got);
	collect(got);
}

/* ---- once ---- */

/* The links and files that the paths name, in a directory. */
static int fill(int dirfd, int dir)
{
	char name[16], text[64];
	int fd;

	memset(text, 'x', sizeof(text));
	for (int i = 0; i < NAME_FILES; i++) {
		snprintf(name, sizeof(name), i < NAME_LINKS ? "link%d" : "file%d", i);
		if (i < NAME_LINKS) {
			text[LINK_LEN(i, dir)] = 0;
			if (symlinkat(text, dirfd, name))
				return -errno;
			text[LINK_LEN(i, dir)] = 'x';
			continue;
		}
		fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (fd < 0 || ftruncate(fd, FILE_LEN(i, dir)) || close(fd))
			return -errno;
	}
	if (mkdirat(dirfd, "sub", 0755) || symlinkat("..", dirfd, "sub/up"))
		return -errno;
	return 0;
}

/* In the current directory, which is empty. */
int stack_prepare(const char *by, const char *how)
{
	int memory = memfd_create("shared", 0), pipes[2], dir, err;

	program = by;
	backend = how;
	if (memory < 0 || ftruncate(memory, sizeof(*shared)) || pipe2(pipes, O_CLOEXEC))
		return -errno;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	if (shared == MAP_FAILED)
		return -errno;
	snprintf(shared_text, sizeof(shared_text), "%d", memory);
	if (dup2(pipes[0], FD_SLEEP) < 0 || dup3(pipes[1], FD_SLEEP_END, O_CLOEXEC) < 0)
		return -errno;
	close(pipes[0]);
	close(pipes[1]);
	err = sized_file(FD_SMALL, SIZE_SMALL);
	if (!err)
		err = sized_file(FD_LARGE, SIZE_LARGE);
	if (!err)
		err = fill(AT_FDCWD, 0);
	if (err)
		return err;
	if (mkdir("other", 0755))
		return -errno;
	dir = open("other", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || dup2(dir, FD_DIR) < 0)
		return -errno;
	close(dir);
	return fill(FD_DIR, 1);
}
