/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "audit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "audit_json.h"

#define SEEN 1024

/*
 * A call that is being decided on, from CALL to ANSWER; those of several threads
 * are at the same time.
 *
 * Owner: the audit.
 */
struct pending {
	struct pending *next;
	json_object *line;
	json_object *layers;	/* member of line */
	json_object *last;	/* the last of layers */
	json_object *left;	/* the call as the last layer left it, or NULL */
	uint64_t id;
	int nr;			/* as it was made */
	bool redirected;
};

/*
 * Owner: who opened it, and after a fork the supervisor's copy.
 */
struct audit {
	int fd;
	bool decided;
	bool torn;		/* the last line was not written to its end */
	pid_t seen[SEEN];	/* processes whose parent was told, by their numbers */
	const char *container;	/* whose calls these are, or NULL */
	struct pm_observer observer;
	struct pending *pending;
};

static int tell(void *data, const struct pm_event *event);

static int audit_new(int fd, bool decided, struct audit **out)
{
	struct audit *audit = calloc(1, sizeof(*audit));

	if (!audit)
		return -ENOMEM;
	audit->fd = fd;
	audit->decided = decided;
	audit->observer = (struct pm_observer){ .data = audit, .tell = tell, .ignores_fd = true };
	*out = audit;
	return 0;
}

/* Duplicate fd above the standard descriptors, closed by exec. */
static int duplicate(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	return high < 0 ? -errno : high;
}

int audit_open(const char *file, bool decided, struct audit **out)
{
	int err, fd, high;

	fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	high = fd;
	if (fd <= STDERR_FILENO) {
		high = duplicate(fd);
		close(fd);
		if (high < 0)
			return high;
	}
	err = audit_new(high, decided, out);
	if (err)
		close(high);
	return err;
}

int audit_open_fd(int fd, bool decided, struct audit **out)
{
	int err, high;

	high = duplicate(fd);
	if (high < 0)
		return high;
	if (fd > STDERR_FILENO && fcntl(fd, F_SETFD, FD_CLOEXEC)) {
		err = -errno;
		close(high);
		return err;
	}
	err = audit_new(high, decided, out);
	if (err)
		close(high);
	return err;
}

static struct pending *find(struct audit *audit, const struct pm_call *call)
{
	struct pending *pending = audit->pending;

	while (pending && pending->id != call->id)
		pending = pending->next;
	return pending;
}

static void forget(struct audit *audit, struct pending *pending)
{
	struct pending **at = &audit->pending;

	while (*at != pending)
		at = &(*at)->next;
	*at = pending->next;
	json_object_put(pending->line);
	json_object_put(pending->left);
	free(pending);
}

void audit_close(struct audit *audit)
{
	if (!audit)
		return;
	while (audit->pending)
		forget(audit, audit->pending);
	close(audit->fd);
	free(audit);
}

int audit_fd(const struct audit *audit)
{
	return audit->fd;
}

void audit_tag(struct audit *audit, const char *container)
{
	audit->container = container;
}

const struct pm_observer *audit_observer(struct audit *audit)
{
	return &audit->observer;
}

/* All of buf; a regular file takes it in one write(2).  Returns 0 or -errno. */
static int write_all(int fd, const char *buf, size_t len)
{
	while (len) {
		ssize_t n = write(fd, buf, len);

		if (n > 0) {
			buf += n;
			len -= (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			struct pollfd ready = { .fd = fd, .events = POLLOUT };

			if (poll(&ready, 1, -1) < 0 && errno != EINTR)
				return -errno;
			continue;
		}
		return n < 0 ? -errno : -EIO;
	}
	return 0;
}

/*
 * The signals of a write that fails are an error like the others, not the
 * death of the supervisor and of all that it holds.
 */
static int write_quietly(int fd, const char *buf, size_t len)
{
	const struct timespec now = { 0 };
	sigset_t fatal, before, pending;
	int err;

	sigemptyset(&fatal);
	sigaddset(&fatal, SIGPIPE);
	sigaddset(&fatal, SIGXFSZ);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &fatal, &before);
	err = write_all(fd, buf, len);
	if (err == -EPIPE && !sigismember(&pending, SIGPIPE))
		while (sigtimedwait(&fatal, NULL, &now) < 0 && errno == EINTR)
			;
	if (err == -EFBIG && !sigismember(&pending, SIGXFSZ))
		while (sigtimedwait(&fatal, NULL, &now) < 0 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

/*
 * Write one line.  After one that broke off (a full disk) the next begins on a
 * line of its own, so that a reader loses one line and not two.
 */
static int write_line(struct audit *audit, json_object *object)
{
	size_t len, torn = audit->torn;
	const char *text;
	char *line;
	int err;

	text = json_object_to_json_string_length(object, JSON_C_TO_STRING_PLAIN |
							 JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	line = text ? malloc(torn + len + 1) : NULL;
	if (!line)
		return -ENOMEM;
	line[0] = '\n';
	memcpy(line + torn, text, len);
	line[torn + len] = '\n';
	err = write_quietly(audit->fd, line, torn + len + 1);
	audit->torn = err;
	free(line);
	return err;
}

/*
 * Does the file that lines are appended to end within one, since another run
 * met a full disk?  One that may not be read is taken to be whole.
 */
static bool ends_torn(int fd)
{
	int flags = fcntl(fd, F_GETFL), in;
	char proc[32], last = '\n';
	struct stat st;

	if (flags < 0 || !(flags & O_APPEND) || fstat(fd, &st) || !S_ISREG(st.st_mode) ||
	    !st.st_size)
		return false;
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	in = open(proc, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return false;
	if (pread(in, &last, 1, st.st_size - 1) != 1)
		last = '\n';
	close(in);
	return last != '\n';
}

static json_object *new_line(const struct audit *audit, struct json *json, const char *type)
{
	json_object *line = json_object_new_object();

	json_put(json, line, "v", json_object_new_int(AUDIT_VERSION));
	json_put_string(json, line, "type", type);
	json_put_string(json, line, "container", audit->container);
	return line;
}

/* Write line where it could be made, and put it. */
static int finish_line(struct audit *audit, struct json *json, json_object *line)
{
	int err = json->failed ? -ENOMEM : write_line(audit, line);

	json_object_put(line);
	return err;
}

static json_object *string_list(struct json *json, const char *const *strings, size_t n)
{
	json_object *list = json_object_new_array();

	for (size_t i = 0; list && i < n; i++) {
		json_object *text = json_text(json, strings[i], strlen(strings[i]), JSON_MAX_TEXT);

		if (!text || json_object_array_add(list, text)) {
			json_object_put(text);
			json->failed = true;
		}
	}
	return list;
}

int audit_begin(struct audit *audit, const struct audit_start *start)
{
	struct json json = { 0 };
	json_object *line = new_line(audit, &json, "start");
	struct utsname system = { 0 };
	size_t n = 0;

	uname(&system);
	audit->torn = ends_torn(audit->fd);
	while (start->command[n] && n < JSON_MAX_STRINGS)
		n++;
	json_put_time(&json, line);
	json_put_string(&json, line, "version", PM_VERSION);
	json_put(&json, line, "pid", json_object_new_int(getpid()));
	json_put(&json, line, "command",
		 string_list(&json, (const char *const *)start->command, n));
	if (start->command[n])
		json_put(&json, line, "cut", json_object_new_boolean(true));
	json_put(&json, line, "policies",
		 string_list(&json, start->policies, start->npolicies));
	json_put_string(&json, line, "kernel", system.release);
	json_put_string(&json, line, "machine", system.machine);
	json_put_string(&json, line, "backend", start->backend);
	json_put(&json, line, "landlock", json_object_new_boolean(start->landlock));
	json_put(&json, line, "mseal", json_object_new_boolean(start->mseal));
	return finish_line(audit, &json, line);
}

int audit_container(struct audit *audit, const struct audit_container *container)
{
	struct json json = { 0 };
	json_object *line = new_line(audit, &json, "container");

	json_put_time(&json, line);
	json_put_string(&json, line, "event", container->event);
	json_put_string(&json, line, "policy", container->policy);
	if (container->npolicies)
		json_put(&json, line, "policies",
			 string_list(&json, container->policies, container->npolicies));
	json_put_string(&json, line, "bundle", container->bundle);
	if (container->pid)
		json_put(&json, line, "pid", json_object_new_int(container->pid));
	return finish_line(audit, &json, line);
}

static void put_arch(struct json *json, json_object *line, const struct pm_call *call)
{
	static const struct {
		uint32_t arch;
		const char *name;
	} known[] = {
		{ AUDIT_ARCH_X86_64, "x86_64" },
		{ AUDIT_ARCH_I386, "i386" },
		{ AUDIT_ARCH_AARCH64, "aarch64" },
		{ AUDIT_ARCH_ARM, "arm" },
		{ AUDIT_ARCH_RISCV64, "riscv64" },
	};
	char number[16];

	snprintf(number, sizeof(number), "0x%x", call->arch);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].arch == call->arch) {
			json_put_string(json, line, "arch", known[i].name);
			return;
		}
	}
	json_put_string(json, line, "arch", number);
}

static void put_task(struct json *json, json_object *line, const struct pm_call *call)
{
	json_put(json, line, "tgid", json_object_new_int(call->tgid));
	json_put(json, line, "tid", json_object_new_int(call->tid));
	json_put(json, line, "comm",
		 json_text(json, call->comm, strnlen(call->comm, sizeof(call->comm)),
			   sizeof(call->comm)));
}

/* The program that the process runs, as the supervisor sees it; left out where it is not told. */
static void put_exe(struct json *json, json_object *line, const struct pm_call *call)
{
	char proc[32], exe[4096];
	ssize_t len;

	snprintf(proc, sizeof(proc), "/proc/%d/exe", call->tgid);
	len = readlink(proc, exe, sizeof(exe));
	if (len > 0)
		json_put(json, line, "exe", json_text(json, exe, (size_t)len, JSON_MAX_TEXT));
}

/* The parent, with the first line of a process, and where it becomes another program. */
static void put_parent(struct audit *audit, struct json *json, json_object *line,
		       const struct pm_call *call)
{
	pid_t *seen = &audit->seen[call->tgid % SEEN];
	char proc[32], stat[512];
	const char *at;
	int fd, parent;
	ssize_t len;

	if (*seen == call->tgid && strncmp(call->name ? call->name : "", "execve", 6))
		return;
	snprintf(proc, sizeof(proc), "/proc/%d/stat", call->tgid);
	fd = open(proc, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	len = read(fd, stat, sizeof(stat) - 1);
	close(fd);
	stat[len > 0 ? len : 0] = '\0';
	/* "4243 (what it calls itself) R 4242 ..." */
	at = strrchr(stat, ')');
	if (!at || sscanf(at, ") %*c %d", &parent) != 1)
		return;
	json_put(json, line, "ppid", json_object_new_int(parent));
	*seen = call->tgid;
}

static int tell_call(struct audit *audit, const struct pm_event *event)
{
	struct pending *pending = calloc(1, sizeof(*pending));
	struct json json = { 0 };
	json_object *line;

	if (!pending)
		return -ENOMEM;
	line = new_line(audit, &json, "call");
	json_put(&json, line, "id", json_object_new_uint64(event->call->id));
	json_put_time(&json, line);
	put_task(&json, line, event->call);
	put_parent(audit, &json, line, event->call);
	put_exe(&json, line, event->call);
	put_arch(&json, line, event->call);
	json_put_call(&json, line, event->call);
	pending->layers = json_object_new_array();
	json_put(&json, line, "layers", pending->layers);
	if (json.failed) {
		json_object_put(line);
		free(pending);
		return -ENOMEM;
	}
	pending->line = line;
	pending->id = event->call->id;
	pending->nr = event->call->nr;
	pending->next = audit->pending;
	audit->pending = pending;
	return 0;
}

static int tell_verdict(struct audit *audit, const struct pm_event *event)
{
	struct pending *pending = find(audit, event->call);
	struct json json = { 0 };
	json_object *said;

	if (!pending)
		return -EPROTO;
	/* What this layer was asked about is what the one before it left. */
	if (pending->left) {
		json_put(&json, pending->last, "left", pending->left);
		pending->left = NULL;
	}
	said = json_object_new_object();
	json_put(&json, said, "depth", json_object_new_uint64(event->depth));
	json_put_string(&json, said, "name", event->layer ? event->layer->name : "pointsman");
	json_put_verdict(&json, said, event->verdict);
	if (event->verdict->log)
		json_put(&json, said, "log", json_object_new_boolean(true));
	if (!said || json_object_array_add(pending->layers, said)) {
		json_object_put(said);
		return -ENOMEM;
	}
	pending->last = said;
	if (event->verdict->action == PM_REDIRECT) {
		pending->redirected = true;
		pending->left = json_object_new_object();
		json_put_call(&json, pending->left, event->call);
	}
	return json.failed ? -ENOMEM : 0;
}

/* Does --audit-decided leave this one out? */
static bool unwanted(const struct audit *audit, const struct pm_verdict *verdict)
{
	return audit->decided && verdict->action == PM_ALLOW && !verdict->log;
}

static void put_ran(struct json *json, const struct pending *pending,
		    const struct pm_event *event)
{
	json_object *ran;

	if (event->ran_nr < 0 || (!pending->redirected && event->ran_nr == pending->nr))
		return;
	ran = json_object_new_object();
	if (pending->redirected) {
		json_put_call(json, ran, event->call);
		json_object_object_del(ran, "call");
		json_object_object_del(ran, "nr");
	}
	json_put_string(json, ran, "call", event->ran_name);
	json_put(json, ran, "nr", json_object_new_int(event->ran_nr));
	json_put(json, pending->line, "ran", ran);
}

static int tell_answer(struct audit *audit, const struct pm_event *event)
{
	struct pending *pending = find(audit, event->call);
	struct json json = { 0 };
	json_object *line;
	int err = 0;

	/* Refused before any layer was asked, without a CALL. */
	if (!pending) {
		err = tell_call(audit, event);
		if (err)
			return err;
		pending = find(audit, event->call);
	}
	if (!unwanted(audit, event->verdict) || pending->redirected) {
		json_put_string(&json, pending->line, "layer",
				event->layer ? event->layer->name : "pointsman");
		json_put_verdict(&json, pending->line, event->verdict);
		put_ran(&json, pending, event);
		if (event->fails)
			json_put_errno(&json, pending->line, "fails", event->fails);
		if (event->holds && event->holds[0])
			json_put_string(&json, pending->line, "holds", event->holds);
		line = pending->line;
		pending->line = NULL;
		err = finish_line(audit, &json, line);
	}
	forget(audit, pending);
	return err;
}

static int tell_result(struct audit *audit, const struct pm_event *event)
{
	struct json json = { 0 };
	json_object *line;

	if (unwanted(audit, event->verdict))
		return 0;
	line = new_line(audit, &json, "result");
	json_put(&json, line, "id", json_object_new_uint64(event->call->id));
	json_put_time(&json, line);
	put_task(&json, line, event->call);
	json_put_string(&json, line, "call", event->ran_name);
	json_put(&json, line, "nr", json_object_new_int(event->ran_nr));
	json_put_result(&json, line, event->result);
	return finish_line(audit, &json, line);
}

static int tell(void *data, const struct pm_event *event)
{
	switch (event->kind) {
	case PM_EVENT_CALL:
		return tell_call(data, event);
	case PM_EVENT_VERDICT:
		return tell_verdict(data, event);
	case PM_EVENT_ANSWER:
		return tell_answer(data, event);
	case PM_EVENT_RESULT:
		return tell_result(data, event);
	}
	return -EPROTO;
}
