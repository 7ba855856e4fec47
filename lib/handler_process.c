/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The keeper starts the handler, and starts it anew where it has died.  It does
 * nothing else, so nothing can happen to it; and it holds the control socket, in
 * which calls wait that no thread has taken yet.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "call_private.h"
#include "chain.h"
#include "changes.h"
#include "courier.h"
#include "handler.h"
#include "supervisor.h"

#define CALL_LIMIT (64u << 20)	/* bytes */

/* Owner: the process of the handler, until it is answered. */
struct request {
	struct request *next;
	uintptr_t id;
	struct pm_call call;
	int sock;
	int64_t until;	/* for our part: whoever waits has the last word */
};

/*
 * What has not been answered.  A struct pm_request is none: it is the number of one, cast,
 * and no number comes twice, so that an answer to what is gone finds nothing.  A fork finds
 * the lock free: a child has no call at hand whose asker does not know whose it is.
 * Owner: the process of the handler.
 */
static struct {
	pthread_mutex_t lock;
	struct request *first;
	uintptr_t last;
	int self;	/* a pidfd; constant */
} open_requests = { .lock = PTHREAD_MUTEX_INITIALIZER, .self = -1 };

static void lock_requests(void)
{
	pthread_mutex_lock(&open_requests.lock);
}

static void unlock_requests(void)
{
	pthread_mutex_unlock(&open_requests.lock);
}

/* Owner: the process of the handler, for its life. */
struct worker {
	const struct pm_handler *handler;
	int control;
	_Atomic int *taken;	/* shared with the keeper: a call has come here */
};

/* Whoever names it owns it until then. */
static struct pm_request *request_name(struct request *request)
{
	lock_requests();
	request->id = ++open_requests.last;
	request->next = open_requests.first;
	open_requests.first = request;
	unlock_requests();
	return (struct pm_request *)request->id;
}

/* Where the request is linked; to NULL where it is not.  Under the lock. */
static struct request **request_find(const struct pm_request *named)
{
	struct request **at = &open_requests.first;

	while (*at && (*at)->id != (uintptr_t)named)
		at = &(*at)->next;
	return at;
}

/* It is the caller's from then on, and nobody else finds it; NULL: it has been taken. */
static struct request *request_take(const struct pm_request *named)
{
	struct request **at, *request;

	lock_requests();
	at = request_find(named);
	request = *at;
	if (request)
		*at = request->next;
	unlock_requests();
	return request;
}

struct pm_call *pm_request_call(struct pm_request *named)
{
	struct request *request;

	lock_requests();
	request = *request_find(named);
	unlock_requests();
	return request ? &request->call : NULL;
}

static void request_free(struct request *request)
{
	close(request->sock);
	pm_call_clear(&request->call);
	free(request);
}

static int request_answer(const struct request *request, const struct pm_verdict *verdict)
{
	const struct bytes_way to = { .sock = request->sock, .peer = -1, .until = request->until };
	const struct changes *changes = request->call.priv->changes;
	struct bytes answer = { 0 };
	int err = changes->err;

	if (!err) {
		verdict_write(verdict, &answer);
		bytes_put(&answer, changes->bytes.at, changes->bytes.len);
		err = bytes_send(&to, &answer);
	}
	bytes_clear(&answer);
	return err == -EPIPE ? -ETIMEDOUT : err;
}

int pm_request_answer(struct pm_request *named, const struct pm_verdict *verdict)
{
	struct request *request;
	int err;

	if (!verdict_is_sound(verdict))
		return pm_request_call(named) ? -EINVAL : -EALREADY;
	request = request_take(named);
	if (!request)
		return -EALREADY;
	err = request_answer(request, verdict);
	request_free(request);
	return err;
}

/* Has whoever asked gone away? */
static bool is_over(int sock)
{
	struct pollfd poller = { .fd = sock };

	return poll(&poller, 1, 0) > 0;
}

static struct request *request_read(int sock, unsigned int limit)
{
	struct request *request = calloc(1, sizeof(*request));
	struct bytes_way from = { .sock = sock, .peer = -1, .until = bytes_now() + limit };
	struct bytes bytes = { 0 };
	struct bytes_left left;
	int err;

	if (!request) {
		close(sock);
		return NULL;
	}
	request->sock = sock;
	request->until = from.until;
	err = bytes_receive(&from, &bytes, CALL_LIMIT);
	if (!err) {
		left = (struct bytes_left){ .at = bytes.at, .len = bytes.len };
		err = copy_read(&left, &request->call);
	}
	bytes_clear(&bytes);
	if (!err && !is_over(sock))
		return request;
	request_free(request);
	return NULL;
}

/* The end of the next call's socket, whose other end has our pidfd; or a negative errno. */
static int take_call(int control)
{
	struct pollfd poller = { .fd = control, .events = POLLIN };
	int sock, err;

	while (poll(&poller, 1, -1) < 0)
		;
	lock_requests();
	sock = courier_take_now(control);
	err = sock < 0 ? 0 : courier_pass(sock, open_requests.self);
	unlock_requests();
	if (!err)
		return sock;
	close(sock);
	return err;
}

/* A thread less would be there for every call that comes. */
static void end_process(void *unused)
{
	(void)unused;
	_exit(1);
}

static void *work(void *data)
{
	const struct worker *worker = data;

	pthread_cleanup_push(end_process, NULL);
	for (;;) {
		int sock = take_call(worker->control);
		struct request *request;

		/* No room for a descriptor: whoever asked is told by its end. */
		if (sock < 0)
			continue;
		atomic_store(worker->taken, 1);
		request = request_read(sock, worker->handler->limit);
		if (request)
			worker->handler->handle(worker->handler->data, request_name(request));
	}
	pthread_cleanup_pop(0);
	return NULL;
}

/* Before any thread is there. */
static int know_self(void)
{
	open_requests.self = (int)syscall(SYS_pidfd_open, getpid(), 0);
	if (open_requests.self < 0)
		return -errno;
	return -pthread_atfork(lock_requests, unlock_requests, unlock_requests);
}

/* first: whoever makes the layer waits to hear how it went. */
static _Noreturn void run_handler(const struct worker *worker, bool first)
{
	const struct pm_handler *handler = worker->handler;
	unsigned int threads = handler->threads ? handler->threads : 1;
	struct pollfd poller = { .fd = worker->control };
	int err = know_self();

	if (!err && handler->start)
		err = handler->start(handler->data);
	while (!err && threads--) {
		pthread_t thread;

		err = -pthread_create(&thread, NULL, work, (void *)worker);
	}
	if (first && send(worker->control, &err, sizeof(err), MSG_NOSIGNAL) < 0)
		_exit(1);
	if (err)
		_exit(1);
	/* Until nobody is left who could ask. */
	while (poll(&poller, 1, -1) <= 0)
		;
	_exit(0);
}

/* Whoever makes the layer is told that there is none. */
static _Noreturn void keep_nothing(int control, int err)
{
	send(control, &err, sizeof(err), MSG_NOSIGNAL);
	_exit(1);
}

static void become_keeper(int control)
{
	sigset_t all;
	int err;

	/* As the supervisor: what is sent to a group or a user is for the programs. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_NAME, "pointsman");
	/* A target of the same user must not be able to trace it. */
	prctl(PR_SET_DUMPABLE, 0);
	signal(SIGCHLD, SIG_DFL);
	err = drop_inherited();
	if (err)
		keep_nothing(control, err);
}

_Noreturn void handler_keep(const struct pm_handler *handler, int control)
{
	struct worker worker = { .handler = handler, .control = control };
	struct pollfd poller = { .fd = control };
	bool first = true;

	become_keeper(control);
	worker.taken = mmap(NULL, sizeof(*worker.taken), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (worker.taken == MAP_FAILED)
		keep_nothing(control, -errno);
	/* One that dies before it has taken a call would do so again and again. */
	do {
		pid_t pid;

		atomic_store(worker.taken, 0);
		pid = fork();
		if (pid == 0)
			run_handler(&worker, first);
		if (pid < 0 && first)
			keep_nothing(control, -errno);
		while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		first = false;
	} while (atomic_load(worker.taken) && poll(&poller, 1, 0) <= 0);
	_exit(0);
}
