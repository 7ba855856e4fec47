/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A layer that decides in a process of its own: what it says and does arrives, and
 * what becomes of a call that it forgets, stalls at, or dies of.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "bytes.h"
#include "call_private.h"
#include "call_steps.h"

#define SHORT 1000	/* ms: a limit that is waited for, and in which others answer */
#define BRIEF 200	/* ms: where nobody answers anyway */
#define NEVER 600000	/* ms: one that is not; the test would be ended before */
#define PATHS 0x1000
#define WORDS 0x2000
#define ADDRESS 0x3000

/* Shared by all processes of a test. */
struct page {
	_Atomic int handled, started, late;
	pid_t process;
	pthread_barrier_t both;
	char written[32];
	int results[16];
};

static struct page *page;
static const struct pm_verdict allow = { .action = PM_ALLOW, .rule = "allowed" };
static uint64_t words[] = { PATHS, PATHS, 0 };
static struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = 1 };

static int set_up(void **state)
{
	pthread_barrierattr_t shared;

	(void)state;
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		    0);
	if (page == MAP_FAILED)
		return -1;
	pthread_barrierattr_init(&shared);
	pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	return pthread_barrier_init(&page->both, &shared, 2);
}

static int tear_down(void **state)
{
	(void)state;
	return munmap(page, sizeof(*page));
}

static struct pm_layer *layer_of(void (*handle)(void *, struct pm_request *), unsigned int limit,
				 unsigned int threads)
{
	const struct pm_handler handler = { .name = "test", .handle = handle, .limit = limit,
					    .threads = threads };
	struct pm_layer *layer;

	assert_int_equal(pm_handler_layer(&handler, &layer), 0);
	assert_string_equal(layer->name, "test");
	assert_true(layer->concurrent);
	assert_true(layer->wants(layer->data, "openat", 0));
	return layer;
}

static void read_one(struct pm_call *call, const char *name, const uint64_t args[6])
{
	static struct memory memory;

	memory.count = 0;
	memory_add(&memory, PATHS, "/etc/motd", 10);
	memory_add(&memory, WORDS, words, sizeof(words));
	memory_add(&memory, ADDRESS, &address, sizeof(address));
	assert_int_equal(read_call(call, &memory, WIDE, name, args), 0);
	call->tgid = call->tid = getpid();
	call->id = 77;
}

#define READ_ONE(call, name, ...) read_one(call, name, (const uint64_t[6]){ __VA_ARGS__ })

static int ask(struct pm_layer *layer, struct pm_call *call, struct pm_verdict *verdict)
{
	*verdict = (struct pm_verdict){ .action = PM_ALLOW };
	return layer->decide(layer->data, call, verdict);
}

/* Ask about an open, and look at the action alone. */
static enum pm_action ask_open(struct pm_layer *layer)
{
	struct pm_verdict verdict;
	struct pm_call call;

	READ_ONE(&call, "openat", CWD, PATHS, O_RDONLY);
	assert_int_equal(ask(layer, &call, &verdict), 0);
	pm_call_clear(&call);
	return verdict.action;
}

static void is_late(struct pm_layer *layer, const char *rule)
{
	struct pm_verdict verdict;
	struct pm_call call;

	READ_ONE(&call, "openat", CWD, PATHS, O_RDONLY);
	assert_int_equal(ask(layer, &call, &verdict), 0);
	assert_int_equal(verdict.action, PM_DENY);
	assert_int_equal(verdict.err, EPERM);
	assert_string_equal(verdict.rule, rule);
	assert_false(pm_call_changed(&call));
	pm_call_clear(&call);
}

static void handle_allow(void *data, struct pm_request *request)
{
	(void)data;
	page->handled++;
	pm_request_answer(request, &allow);
}

/* What a layer must not be made of. */
static void garbage(void **state)
{
	const struct pm_verdict redirect = { .action = PM_REDIRECT };
	const struct pm_verdict odd = { .action = PM_DENY };
	struct pm_handler handler = { .handle = handle_allow, .limit = 1 };
	struct pm_layer *layer;

	(void)state;
	handler.limit = 0;
	assert_int_equal(pm_handler_layer(&handler, &layer), -EINVAL);
	handler.limit = 1;
	handler.handle = NULL;
	assert_int_equal(pm_handler_layer(&handler, &layer), -EINVAL);
	handler.handle = handle_allow;
	handler.late = &redirect;
	assert_int_equal(pm_handler_layer(&handler, &layer), -EINVAL);
	handler.late = &odd;
	assert_int_equal(pm_handler_layer(&handler, &layer), -EINVAL);
	pm_layer_free(NULL);
}

/* Everything of a call is there to be read, and every verdict arrives whole. */
static void handle_look(void *data, struct pm_request *request)
{
	struct pm_call *call = pm_request_call(request);
	struct pm_verdict verdict = { .action = PM_DENY, .err = EXDEV, .log = true };
	char rule[64];
	struct pm_arg path, word;
	const struct pm_where *where;

	(void)data;
	if (!pm_call_arg(call, "path", &path) && !pm_call_arg(call, "argv[1]", &word) &&
	    call->id == 77 && call->arch == WIDE && !strcmp(call->name, "execve") &&
	    call->nitems == 3 && path.item->classes == PM_BIT(PM_CLASS_EXEC)) {
		where = pm_item_where(call, path.item);
		snprintf(rule, sizeof(rule), "%s %s %s %d", path.text, word.text, where->name,
			 where->fd);
		verdict.rule = rule;
		verdict.source = "here:1";
	}
	pm_request_answer(request, &verdict);
}

static void call_and_verdict_arrive(void **state)
{
	struct pm_layer *layer = layer_of(handle_look, NEVER, 1);
	struct pm_verdict verdict;
	struct pm_call call;

	(void)state;
	READ_ONE(&call, "execve", PATHS, WORDS, WORDS);
	assert_int_equal(ask(layer, &call, &verdict), 0);
	assert_int_equal(verdict.action, PM_DENY);
	assert_int_equal(verdict.err, EXDEV);
	assert_true(verdict.log);
	assert_string_equal(verdict.rule, "/etc/motd /etc/motd /etc/motd -1");
	assert_string_equal(verdict.source, "here:1");
	assert_false(pm_call_changed(&call));
	pm_call_clear(&call);
	pm_layer_free(layer);
}

/* What is done to the copy is done to the call. */
static void handle_change(void *data, struct pm_request *request)
{
	const struct pm_verdict verdict = { .action = PM_REDIRECT };
	struct pm_call *call = pm_request_call(request);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = 2 };
	char *const argv[] = { "one", "", "three", NULL };
	struct pm_arg arg;
	int n = 0;

	(void)data;
	if (!pm_call_arg(call, "path", &arg)) {
		page->results[n++] = pm_call_set_path(call, arg.item, "/new");
		page->results[n++] = pm_item_where(call, arg.item)->err;
	}
	if (!pm_call_arg(call, "argv", &arg))
		page->results[n++] = pm_call_set_strv(call, arg.item, argv);
	if (!pm_call_arg(call, "sockaddr", &arg))
		page->results[n++] = pm_call_set_sockaddr(call, arg.item, &to, sizeof(to));
	if (!strcmp(call->name, "stat")) {
		page->results[n++] = pm_call_set_nr(call, pm_syscall_number(WIDE, "lstat"));
		pm_call_forbid_create(call);
		page->results[n++] = pm_call_write(call, (uintptr_t)page->written, "text", 5);
	}
	if (!strcmp(call->name, "openat")) {
		page->results[n++] = pm_call_set_arg(call, 2, O_WRONLY);
		page->results[n++] = pm_call_set_arg(call, 1, 0);
	}
	page->results[n++] = pm_call_follow_program(call);
	page->results[n] = 1;
	pm_request_answer(request, &verdict);
}

static void results_are(const int *expected)
{
	size_t n = 0;

	do
		assert_int_equal(page->results[n], expected[n]);
	while (expected[n++] != 1);
}

#define RESULTS(...) results_are((const int[]){ __VA_ARGS__, 1 })

static void changes_arrive(void **state)
{
	struct pm_layer *layer = layer_of(handle_change, NEVER, 1);
	struct pm_verdict verdict;
	struct pm_call call;

	(void)state;
	READ_ONE(&call, "openat", 5, PATHS, O_RDONLY);
	assert_int_equal(ask(layer, &call, &verdict), 0);
	assert_int_equal(verdict.action, PM_REDIRECT);
	assert_null(verdict.rule);
	RESULTS(0, EOPNOTSUPP, 0, -EINVAL, 0);
	assert_string_equal(call.items[0].data, "/new");
	assert_int_equal(call.items[0].classes, BIT_WRITE);
	assert_int_equal(call.items[0].dirfd, AT_FDCWD);
	assert_int_equal(call.args[2], O_WRONLY);
	assert_int_equal(pm_item_where(&call, &call.items[0])->err, 0);
	pm_call_clear(&call);

	READ_ONE(&call, "execve", PATHS, WORDS, WORDS);
	assert_int_equal(ask(layer, &call, &verdict), 0);
	RESULTS(0, EOPNOTSUPP, 0, -EOPNOTSUPP);
	assert_int_equal(call.items[1].nstr, 3);
	assert_string_equal(call.items[1].strv[0], "one");
	assert_string_equal(call.items[1].strv[1], "");
	assert_string_equal(call.items[1].strv[2], "three");
	assert_null(call.items[1].strv[3]);
	pm_call_clear(&call);

	READ_ONE(&call, "connect", 3, ADDRESS, sizeof(address));
	assert_int_equal(ask(layer, &call, &verdict), 0);
	RESULTS(0, 0);
	assert_int_equal(((struct sockaddr_in *)call.items[0].data)->sin_port, 2);
	pm_call_clear(&call);

	READ_ONE(&call, "stat", PATHS, 0);
	assert_int_equal(ask(layer, &call, &verdict), 0);
	RESULTS(0, EOPNOTSUPP, 0, 0, 0);
	assert_string_equal(call.name, "lstat");
	assert_true(pm_call_no_create(&call));
	assert_string_equal(page->written, "text");
	pm_call_clear(&call);
	pm_layer_free(layer);
}

/* Where it cannot be done to the call, the call is denied with that. */
static void handle_write_nowhere(void *data, struct pm_request *request)
{
	const struct pm_verdict verdict = { .action = PM_VALUE };

	(void)data;
	page->results[0] = pm_call_write(pm_request_call(request), 8, "text", 5);
	pm_request_answer(request, &verdict);
}

static void changes_that_fail(void **state)
{
	struct pm_layer *layer = layer_of(handle_write_nowhere, NEVER, 1);
	struct pm_verdict verdict;
	struct pm_call call;

	(void)state;
	READ_ONE(&call, "uname", 8);
	assert_int_equal(ask(layer, &call, &verdict), -EFAULT);
	assert_int_equal(page->results[0], 0);
	pm_call_clear(&call);
	pm_layer_free(layer);
}

/* As much as execve takes. */
static void handle_double(void *data, struct pm_request *request)
{
	const struct pm_verdict verdict = { .action = PM_REDIRECT };
	struct pm_call *call = pm_request_call(request);
	struct pm_arg argv;

	(void)data;
	if (!pm_call_arg(call, "argv", &argv) && !argv.item->strv[argv.len - 1][70000])
		pm_call_set_strv(call, argv.item, argv.item->strv);
	pm_request_answer(request, &verdict);
}

static void large_calls(void **state)
{
	enum { COUNT = 60, LONG = 70000 };
	struct pm_layer *layer = layer_of(handle_double, NEVER, 1);
	static uint64_t many[COUNT + 1];
	struct memory memory = { 0 };
	char *text = malloc(LONG + 1);
	struct pm_verdict verdict;
	struct pm_call call;

	(void)state;
	memset(text, 'a', LONG);
	text[LONG] = '\0';
	for (int i = 0; i < COUNT; i++)
		many[i] = 0x100000;
	memory_add(&memory, 0x100000, text, LONG + 1);
	memory_add(&memory, 0x8000, many, sizeof(many));
	assert_int_equal(READ(&call, &memory, WIDE, "execve", 0x100000 + LONG - 5, 0x8000,
			      0x8000 + 8 * COUNT), 0);
	assert_int_equal(ask(layer, &call, &verdict), 0);
	assert_int_equal(verdict.action, PM_REDIRECT);
	assert_true(pm_call_changed(&call));
	assert_int_equal(call.items[1].nstr, COUNT);
	assert_string_equal(call.items[1].strv[COUNT - 1], text);
	pm_call_clear(&call);
	free(text);
	pm_layer_free(layer);
}

/* Another thread answers, after handle() has long returned. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct pm_request *request;
} mailbox = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL };

static void *answer_later(void *data)
{
	for (;;) {
		struct pm_request *request;

		pthread_mutex_lock(&mailbox.lock);
		while (!mailbox.request)
			pthread_cond_wait(&mailbox.changed, &mailbox.lock);
		request = mailbox.request;
		mailbox.request = NULL;
		pthread_cond_signal(&mailbox.changed);
		pthread_mutex_unlock(&mailbox.lock);
		pm_request_answer(request, &allow);
	}
	return data;
}

static int start_thread(void *data)
{
	pthread_t thread;

	page->started++;
	return -pthread_create(&thread, NULL, answer_later, data);
}

static void handle_leave(void *data, struct pm_request *request)
{
	(void)data;
	pthread_mutex_lock(&mailbox.lock);
	mailbox.request = request;
	pthread_cond_signal(&mailbox.changed);
	while (mailbox.request)
		pthread_cond_wait(&mailbox.changed, &mailbox.lock);
	pthread_mutex_unlock(&mailbox.lock);
}

static void answered_by_another_thread(void **state)
{
	const struct pm_handler handler = { .start = start_thread, .handle = handle_leave,
					    .limit = NEVER };
	struct pm_layer *layer;

	(void)state;
	assert_int_equal(pm_handler_layer(&handler, &layer), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(ask_open(layer), PM_ALLOW);
	assert_int_equal(page->started, 1);
	pm_layer_free(layer);
}

static int refuse_start(void *data)
{
	(void)data;
	return -ENOTTY;
}

static int crash_start(void *data)
{
	(void)data;
	abort();
}

static void start_fails(void **state)
{
	struct pm_handler handler = { .start = refuse_start, .handle = handle_allow,
				      .limit = NEVER };
	struct pm_layer *layer;

	(void)state;
	assert_int_equal(pm_handler_layer(&handler, &layer), -ENOTTY);
	handler.start = crash_start;
	assert_int_equal(pm_handler_layer(&handler, &layer), -ECHILD);
}

/* The first is forgotten; when the second comes the first is answered, too late. */
static struct pm_request *forgotten;

static void handle_forget(void *data, struct pm_request *request)
{
	(void)data;
	if (!forgotten) {
		forgotten = request;
		return;
	}
	page->late = pm_request_answer(forgotten, &allow);
	page->results[0] = pm_request_answer(forgotten, &allow);
	pm_request_answer(request, &allow);
}

static void forgets(void **state)
{
	struct pm_layer *layer = layer_of(handle_forget, SHORT, 1);
	int64_t start = bytes_now();

	(void)state;
	is_late(layer, "handler: no answer in time");
	assert_true(bytes_now() - start >= SHORT);
	assert_int_equal(ask_open(layer), PM_ALLOW);
	assert_int_equal(page->late, -ETIMEDOUT);
	assert_int_equal(page->results[0], -EALREADY);
	pm_layer_free(layer);
}

/* What has been answered is answered again while another call waits. */
static void handle_again(void *data, struct pm_request *request)
{
	const struct pm_verdict deny = { .action = PM_DENY, .err = EXDEV }, bad = { .action = PM_DENY };
	static struct pm_request *before;

	(void)data;
	if (before) {
		page->results[0] = pm_request_answer(before, &deny);
		page->results[1] = pm_request_answer(before, &bad);
		page->results[2] = pm_request_call(before) ? 1 : 0;
		page->results[3] = pm_request_call(request) ? 1 : 0;
	}
	before = request;
	page->handled++;
	pm_request_answer(request, &allow);
}

static void answered_again(void **state)
{
	struct pm_layer *layer = layer_of(handle_again, NEVER, 1);

	(void)state;
	for (int i = 0; i < 5; i++) {
		page->results[0] = page->results[1] = page->results[2] = page->results[3] = 0;
		assert_int_equal(ask_open(layer), PM_ALLOW);
		assert_int_equal(page->handled, i + 1);
		assert_int_equal(page->results[0], i ? -EALREADY : 0);
		assert_int_equal(page->results[1], i ? -EALREADY : 0);
		assert_int_equal(page->results[2], 0);
		assert_int_equal(page->results[3], i ? 1 : 0);
	}
	pm_layer_free(layer);
}

/* Several threads answer one request: one of them has answered it. */
static void *answer_too(void *data)
{
	if (!pm_request_answer(data, &allow))
		page->started++;
	else
		page->late++;
	return NULL;
}

static void handle_together(void *data, struct pm_request *request)
{
	pthread_t threads[4];

	(void)data;
	for (int i = 0; i < 4; i++)
		if (pthread_create(&threads[i], NULL, answer_too, request))
			abort();
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	page->handled++;
}

static void answered_by_all(void **state)
{
	struct pm_layer *layer = layer_of(handle_together, NEVER, 1);

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_int_equal(ask_open(layer), PM_ALLOW);
		/* The next one is taken when all have tried. */
		while (page->handled <= i)
			sched_yield();
		assert_int_equal(page->started, i + 1);
		assert_int_equal(page->late, 3 * (i + 1));
	}
	pm_layer_free(layer);
}

static void handle_nothing(void *data, struct pm_request *request)
{
	(void)data;
	(void)request;
	page->handled++;
}

static int start_with_little(void *data)
{
	const struct rlimit few = { 16, 16 };

	(void)data;
	return setrlimit(RLIMIT_NOFILE, &few) ? -errno : 0;
}

/* One that forgets everything comes to its limit of descriptors; then nobody waits. */
static void forgets_too_much(void **state)
{
	const struct pm_handler handler = { .start = start_with_little, .handle = handle_nothing,
					    .limit = BRIEF };
	struct pm_layer *layer;
	bool waited = true;

	(void)state;
	assert_int_equal(pm_handler_layer(&handler, &layer), 0);
	for (int i = 0; i < 17 && waited; i++) {
		struct pm_verdict verdict;
		struct pm_call call;

		READ_ONE(&call, "openat", CWD, PATHS, O_RDONLY);
		assert_int_equal(ask(layer, &call, &verdict), 0);
		assert_int_equal(verdict.action, PM_DENY);
		waited = strcmp(verdict.rule, "handler: no answer") != 0;
		pm_call_clear(&call);
	}
	assert_false(waited);
	pm_layer_free(layer);
}

static void handle_stall(void *data, struct pm_request *request)
{
	(void)data;
	(void)request;
	page->handled++;
	for (;;)
		pause();
}

/* One thread stalls, and nothing else is there: whatever comes later waits in vain. */
static void stalls(void **state)
{
	struct pm_layer *layer = layer_of(handle_stall, BRIEF, 1);

	(void)state;
	is_late(layer, "handler: no answer in time");
	is_late(layer, "handler: no answer in time");
	/* Or none, where it has not come to it. */
	assert_true(page->handled <= 1);
	pm_layer_free(layer);
}

/* The first stalls for as long as nobody waits for it; what has waited then is over. */
static void handle_wait(void *data, struct pm_request *request)
{
	(void)data;
	page->handled++;
	if (page->handled == 1)
		while (pm_request_answer(request, &(struct pm_verdict){ .action = PM_DENY }) ==
			       -EINVAL && !page->late)
			sched_yield();
	else
		pm_request_answer(request, &allow);
}

static void what_is_over_is_not_handled(void **state)
{
	struct pm_layer *layer = layer_of(handle_wait, SHORT, 1);

	(void)state;
	is_late(layer, "handler: no answer in time");
	is_late(layer, "handler: no answer in time");
	page->late = 1;
	assert_int_equal(ask_open(layer), PM_ALLOW);
	/* The second came when it was over. */
	assert_int_equal(page->handled, 2);
	pm_layer_free(layer);
}

/* It dies of every second call: that one is answered at once, the next as ever. */
static void handle_crash(void *data, struct pm_request *request)
{
	(void)data;
	if (page->handled++ % 2)
		pm_request_answer(request, &allow);
	else if (page->handled % 4 == 1)
		raise(SIGKILL);
	else
		exit(0);
}

static int count_start(void *data)
{
	(void)data;
	page->started++;
	return 0;
}

/* Each first call of two gets no answer, and each second one does, of a process that is new. */
static void starts_again(void (*handle)(void *, struct pm_request *), unsigned int threads,
			 int times, void (*after)(void))
{
	const struct pm_handler handler = { .start = count_start, .handle = handle,
					    .limit = NEVER, .threads = threads };
	struct pm_layer *layer;

	assert_int_equal(pm_handler_layer(&handler, &layer), 0);
	for (int i = 1; i <= times; i++) {
		is_late(layer, "handler: no answer");
		if (after)
			after();
		assert_int_equal(ask_open(layer), PM_ALLOW);
		assert_int_equal(page->started, 1 + i);
	}
	pm_layer_free(layer);
}

static void crashes(void **state)
{
	(void)state;
	starts_again(handle_crash, 1, 10, NULL);
}

/* It forks, and dies: the child has all that it had. */
static void handle_fork(void *data, struct pm_request *request)
{
	pid_t child;

	(void)data;
	if (page->handled++ % 2) {
		pm_request_answer(request, &allow);
		return;
	}
	child = fork();
	while (child == 0)
		pause();
	page->process = child;
	raise(SIGKILL);
}

static void end_child(void)
{
	assert_true(page->process > 0);
	assert_int_equal(kill(page->process, SIGKILL), 0);
}

static void dies_and_leaves_a_child(void **state)
{
	(void)state;
	starts_again(handle_fork, 2, 5, end_child);
}

/* A thread that ends takes no call any more, so it is as if the process had. */
static void handle_end(void *data, struct pm_request *request)
{
	(void)data;
	if (page->handled++ % 2)
		pm_request_answer(request, &allow);
	else
		pthread_exit(NULL);
}

static void threads_end(void **state)
{
	(void)state;
	starts_again(handle_end, 2, 5, NULL);
}

static int start_once(void *data)
{
	(void)data;
	return page->started++ ? -EIO : 0;
}

/* What cannot be started again is gone for good, and nobody waits for it. */
static void does_not_start_again(void **state)
{
	const struct pm_verdict value = { .action = PM_VALUE, .value = 5, .rule = "configured" };
	const struct pm_handler handler = { .start = start_once, .handle = handle_crash,
					    .limit = NEVER, .late = &value };
	struct pm_layer *layer;

	(void)state;
	assert_int_equal(pm_handler_layer(&handler, &layer), 0);
	for (int i = 0; i < 3; i++) {
		struct pm_verdict verdict;
		struct pm_call call;

		READ_ONE(&call, "openat", CWD, PATHS, O_RDONLY);
		assert_int_equal(ask(layer, &call, &verdict), 0);
		assert_int_equal(verdict.action, PM_VALUE);
		assert_int_equal(verdict.value, 5);
		assert_string_equal(verdict.rule, "configured");
		pm_call_clear(&call);
	}
	assert_int_equal(page->handled, 1);
	assert_int_equal(page->started, 2);
	pm_layer_free(layer);
}

static void handle_meet(void *data, struct pm_request *request)
{
	(void)data;
	pthread_barrier_wait(&page->both);
	pm_request_answer(request, &allow);
}

static void *ask_for_thread(void *data)
{
	struct pm_verdict verdict = { .action = PM_KILL };
	struct pm_layer *layer = data;
	struct memory memory = text_memory(PATHS, "/etc/motd");
	struct pm_call call;

	if (!READ(&call, &memory, WIDE, "openat", CWD, PATHS, O_RDONLY))
		ask(layer, &call, &verdict);
	pm_call_clear(&call);
	return verdict.action == PM_ALLOW ? NULL : "not allowed";
}

/* Two calls of two threads are with two threads of the handler at once. */
static void two_at_once(void **state)
{
	struct pm_layer *layer = layer_of(handle_meet, NEVER, 2);
	pthread_t threads[2];

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_for_thread, layer), 0);
	for (int i = 0; i < 2; i++) {
		void *failed;

		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	pm_layer_free(layer);
}

/* All of it ends with the last who could ask, and a handler that stalls too. */
static void ends_with_the_layer(void **state)
{
	struct pm_layer *layer;
	int ends[2], byte;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	layer = layer_of(handle_stall, BRIEF, 1);
	close(ends[1]);
	is_late(layer, "handler: no answer in time");
	pm_layer_free(layer);
	/* The end of the pipe: no process has the other one any more. */
	assert_int_equal(read(ends[0], &byte, 1), 0);
	close(ends[0]);
}

/* Of the caller's descriptors it has those that exec closes, and none of the others. */
static void inherits_what_exec_closes(void **state)
{
	struct pm_layer *layer;
	struct pollfd reader;
	int theirs[2], ours[2];
	char byte;

	(void)state;
	assert_int_equal(pipe(theirs), 0);
	assert_int_equal(pipe2(ours, O_CLOEXEC), 0);
	layer = layer_of(handle_allow, NEVER, 1);
	close(theirs[1]);
	close(ours[1]);
	assert_int_equal(read(theirs[0], &byte, 1), 0);
	reader = (struct pollfd){ .fd = ours[0], .events = POLLIN };
	assert_int_equal(poll(&reader, 1, 0), 0);
	pm_layer_free(layer);
	assert_int_equal(read(ours[0], &byte, 1), 0);
	close(theirs[0]);
	close(ours[0]);
}

/* A path that nobody has asked about yet. */
static void handle_resolve(void *data, struct pm_request *request)
{
	struct pm_where where;

	(void)data;
	page->results[0] = pm_call_resolve(pm_request_call(request), "/new", true, &where);
	page->results[1] = asked.known.root || asked.known.names || asked.known.rights ||
			   asked.known.users;
	pm_where_free(&where);
	pm_request_answer(request, &allow);
}

/*
 * That the target has the root and the rights of the supervisor says nothing of the
 * handler, which may have been started with others.
 */
static void resolves_for_itself(void **state)
{
	struct pm_layer *layer = layer_of(handle_resolve, NEVER, 1);
	struct pm_verdict verdict;
	struct pm_call call;

	(void)state;
	READ_ONE(&call, "openat", CWD, PATHS, O_RDONLY);
	call.priv->known = (struct pm_view_known){ .root = true, .names = true, .rights = true,
						    .users = true, .opens = true };
	assert_int_equal(ask(layer, &call, &verdict), 0);
	assert_int_equal(verdict.action, PM_ALLOW);
	assert_int_equal(page->results[0], 0);
	assert_false(page->results[1]);
	pm_call_clear(&call);
	pm_layer_free(layer);
}

/* Whoever makes a layer gets no children by it. */
static void no_children(void **state)
{
	struct pm_layer *layer;

	(void)state;
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	layer = layer_of(handle_allow, NEVER, 1);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	pm_layer_free(layer);
}

/* An answer that is none leaves the request as it was. */
static void handle_badly(void *data, struct pm_request *request)
{
	const struct pm_verdict bad[] = {
		{ .action = PM_DENY }, { .action = PM_DENY, .err = 4096 },
		{ .action = PM_DENY, .err = -1 }, { .action = (enum pm_action)17 },
	};

	(void)data;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		page->results[i] = pm_request_answer(request, &bad[i]);
	pm_request_answer(request, &allow);
}

static void bad_answers(void **state)
{
	struct pm_layer *layer = layer_of(handle_badly, NEVER, 1);

	(void)state;
	assert_int_equal(ask_open(layer), PM_ALLOW);
	for (int i = 0; i < 4; i++)
		assert_int_equal(page->results[i], -EINVAL);
	pm_layer_free(layer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(garbage),
		TEST(call_and_verdict_arrive),
		TEST(changes_arrive),
		TEST(changes_that_fail),
		TEST(large_calls),
		TEST(answered_by_another_thread),
		TEST(start_fails),
		TEST(forgets),
		TEST(answered_again),
		TEST(answered_by_all),
		TEST(forgets_too_much),
		TEST(stalls),
		TEST(what_is_over_is_not_handled),
		TEST(crashes),
		TEST(dies_and_leaves_a_child),
		TEST(threads_end),
		TEST(resolves_for_itself),
		TEST(inherits_what_exec_closes),
		TEST(does_not_start_again),
		TEST(two_at_once),
		TEST(ends_with_the_layer),
		TEST(no_children),
		TEST(bad_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
