/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The audit's lines: cmd/audit.c, without the library
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit.h"
#include "audit_lines.h"

/* A file with an audit that appends to it. */
struct fixture {
	char dir[32];
	char file[64];
	struct audit *audit;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/test-audit-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->file, sizeof(f->file), "%s/audit", f->dir);
	assert_int_equal(audit_open(f->file, false, &f->audit), 0);
	nowhere = (struct pm_where){ .fd = -1 };
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	audit_close(f->audit);
	unlink(f->file);
	rmdir(f->dir);
	free(f);
	return 0;
}

/* The lines of the file as a string; the caller frees it. */
static char *contents(const struct fixture *f)
{
	FILE *file = fopen(f->file, "r");
	char *text = NULL;
	size_t size = 0;

	assert_non_null(file);
	if (getdelim(&text, &size, '\0', file) < 0)
		text[0] = '\0';
	fclose(file);
	return text;
}

/* The last line of the file, parsed; the caller puts it. */
static json_object *last_line(const struct fixture *f)
{
	char *text = contents(f);
	size_t len = strlen(text);
	json_object *line;
	char *start;

	assert_true(len > 0);
	assert_int_equal(text[len - 1], '\n');
	text[len - 1] = '\0';
	start = strrchr(text, '\n');
	line = json_tokener_parse(start ? start + 1 : text);
	assert_non_null(line);
	free(text);
	return line;
}

/* An open of a path, as it is read. */
struct open_call {
	struct pm_call call;
	struct pm_item item;
	char path[64];
};

static void make_open(struct open_call *open, uint64_t id, const char *path)
{
	*open = (struct open_call){
		.call = { .tgid = 100, .tid = 101, .comm = "cat", .arch = AUDIT_ARCH_X86_64,
			  .nr = 257, .name = "openat", .nitems = 1, .id = id,
			  .args = { (uint64_t)-100, 0x1000, 0, 0, 0, 0 } },
		.item = { .kind = PM_ITEM_PATH, .role = "pathname", .arg = 1,
			  .classes = PM_BIT(PM_CLASS_OPEN_READ), .dirfd = AT_FDCWD },
	};
	snprintf(open->path, sizeof(open->path), "%s", path);
	open->item.data = (unsigned char *)open->path;
	open->item.len = strlen(open->path);
	open->call.items = &open->item;
}

static int say(struct fixture *f, const struct pm_event *event)
{
	const struct pm_observer *observer = audit_observer(f->audit);

	return observer->tell(observer->data, event);
}

static const struct pm_layer first = { .name = "a.yaml" }, second = { .name = "b.yaml" };

static void verdict(struct fixture *f, struct open_call *open, size_t depth,
		    const struct pm_verdict *said)
{
	assert_int_equal(say(f, &(struct pm_event){ .kind = PM_EVENT_VERDICT, .call = &open->call,
						    .verdict = said, .depth = depth,
						    .layer = depth ? &second : &first }), 0);
}

static int answer(struct fixture *f, struct open_call *open, const struct pm_verdict *said,
		  int nr, const char *name)
{
	return say(f, &(struct pm_event){ .kind = PM_EVENT_ANSWER, .call = &open->call,
					  .verdict = said, .layer = &first, .ran_nr = nr,
					  .ran_name = name, .holds = "file" });
}

/* A call that one layer says something of. */
static int whole_call(struct fixture *f, uint64_t id, const struct pm_verdict *said)
{
	struct open_call open;

	make_open(&open, id, "/etc/hostname");
	assert_int_equal(say(f, &(struct pm_event){ .kind = PM_EVENT_CALL,
						    .call = &open.call }), 0);
	verdict(f, &open, 0, said);
	return answer(f, &open, said, said->action == PM_DENY ? -1 : 257, "openat");
}

static void test_start(void **state)
{
	struct fixture *f = *state;
	char *const command[] = { "cat", "\xff", NULL };
	const char *const policies[] = { "a.yaml", "b.yaml" };
	const struct audit_start start = { .command = command, .policies = policies,
					   .npolicies = 2, .backend = "auto", .mseal = true };
	json_object *line;

	assert_int_equal(audit_begin(f->audit, &start), 0);
	line = last_line(f);
	assert_member(line, "v", "1");
	assert_member(line, "type", "\"start\"");
	assert_member(line, "version", "\"" PM_VERSION "\"");
	assert_member(line, "command", "[\"cat\",{\"hex\":\"ff\"}]");
	assert_member(line, "policies", "[\"a.yaml\",\"b.yaml\"]");
	assert_member(line, "backend", "\"auto\"");
	assert_member(line, "landlock", "false");
	assert_member(line, "mseal", "true");
	assert_int_equal(strlen(member(line, "time")), strlen("\"2026-01-02T03:04:05.123456789Z\""));
	json_object_put(line);
}

static void test_allow(void **state)
{
	const struct pm_verdict allow = { .action = PM_ALLOW, .rule = "rules[0]",
					  .source = "a.yaml:3" };
	struct fixture *f = *state;
	json_object *line;

	nowhere.name = "/etc/hostname";
	assert_int_equal(whole_call(f, 7, &allow), 0);
	line = last_line(f);
	assert_member(line, "type", "\"call\"");
	assert_member(line, "id", "7");
	assert_member(line, "tgid", "100");
	assert_member(line, "tid", "101");
	assert_member(line, "comm", "\"cat\"");
	assert_member(line, "arch", "\"x86_64\"");
	assert_member(line, "call", "\"openat\"");
	assert_member(line, "nr", "257");
	assert_member(line, "args", "[\"0xffffffffffffff9c\",\"0x1000\",\"0x0\",\"0x0\",\"0x0\","
				    "\"0x0\"]");
	assert_member(line, "deep", "{\"pathname\":{\"kind\":\"path\",\"arg\":1,"
				    "\"classes\":[\"open-read\"],\"text\":\"/etc/hostname\","
				    "\"name\":\"/etc/hostname\"}}");
	assert_member(line, "layers", "[{\"depth\":0,\"name\":\"a.yaml\",\"rule\":\"rules[0]\","
				      "\"source\":\"a.yaml:3\",\"verdict\":\"allow\"}]");
	assert_member(line, "layer", "\"a.yaml\"");
	assert_member(line, "rule", "\"rules[0]\"");
	assert_member(line, "source", "\"a.yaml:3\"");
	assert_member(line, "verdict", "\"allow\"");
	assert_member(line, "holds", "\"file\"");
	assert_member(line, "ran", "");
	json_object_put(line);
}

static void test_another_number_ran(void **state)
{
	const struct pm_verdict allow = { .action = PM_ALLOW };
	struct fixture *f = *state;
	struct open_call open;
	json_object *line;

	make_open(&open, 1, "/etc/hostname");
	say(f, &(struct pm_event){ .kind = PM_EVENT_CALL, .call = &open.call });
	verdict(f, &open, 0, &allow);
	assert_int_equal(answer(f, &open, &allow, 437, "openat2"), 0);
	line = last_line(f);
	assert_member(line, "ran", "{\"call\":\"openat2\",\"nr\":437}");
	json_object_put(line);
}

static void test_deny(void **state)
{
	const struct pm_verdict deny = { .action = PM_DENY, .err = EACCES, .rule = "default" };
	const struct pm_verdict odd = { .action = PM_DENY, .err = 3000 };
	struct fixture *f = *state;
	json_object *line;

	nowhere.err = ENOENT;
	nowhere.name = "/nowhere";
	assert_int_equal(whole_call(f, 8, &deny), 0);
	line = last_line(f);
	assert_member(line, "verdict", "\"deny\"");
	assert_member(line, "errno", "\"EACCES\"");
	assert_member(line, "layers.0.errno", "\"EACCES\"");
	assert_member(line, "deep.pathname.errno", "\"ENOENT\"");
	assert_member(line, "source", "");
	assert_member(line, "ran", "");
	json_object_put(line);
	assert_int_equal(whole_call(f, 9, &odd), 0);
	line = last_line(f);
	assert_member(line, "errno", "\"3000\"");
	json_object_put(line);
}

static void test_value_and_kill(void **state)
{
	const struct pm_verdict value = { .action = PM_VALUE, .value = -5 };
	const struct pm_verdict kill = { .action = PM_KILL };
	struct fixture *f = *state;
	json_object *line;

	assert_int_equal(whole_call(f, 1, &value), 0);
	line = last_line(f);
	assert_member(line, "verdict", "\"value\"");
	assert_member(line, "value", "-5");
	json_object_put(line);
	assert_int_equal(whole_call(f, 2, &kill), 0);
	line = last_line(f);
	assert_member(line, "verdict", "\"kill\"");
	json_object_put(line);
}

/* A redirect by the inner layer, then another by the outer one. */
static void test_redirect(void **state)
{
	const struct pm_verdict redirect = { .action = PM_REDIRECT, .rule = "rules[1]" };
	struct fixture *f = *state;
	struct open_call open;
	json_object *line;

	make_open(&open, 9, "/a");
	say(f, &(struct pm_event){ .kind = PM_EVENT_CALL, .call = &open.call });
	strcpy(open.path, "/b");
	verdict(f, &open, 0, &redirect);
	strcpy(open.path, "/c");
	verdict(f, &open, 1, &redirect);
	assert_int_equal(answer(f, &open, &redirect, 437, "openat2"), 0);
	line = last_line(f);
	assert_member(line, "verdict", "\"redirect\"");
	assert_member(line, "deep.pathname.text", "\"/a\"");
	assert_member(line, "layers.0.left.deep.pathname.text", "\"/b\"");
	assert_member(line, "layers.1.left", "");
	assert_member(line, "ran.deep.pathname.text", "\"/c\"");
	assert_member(line, "ran.call", "\"openat2\"");
	assert_member(line, "ran.nr", "437");
	json_object_put(line);

	assert_int_equal(say(f, &(struct pm_event){ .kind = PM_EVENT_RESULT, .call = &open.call,
						    .verdict = &redirect, .layer = &first,
						    .ran_nr = 437, .ran_name = "openat2",
						    .result = -ENOENT }), 0);
	line = last_line(f);
	assert_member(line, "type", "\"result\"");
	assert_member(line, "id", "9");
	assert_member(line, "call", "\"openat2\"");
	assert_member(line, "result", "-2");
	assert_member(line, "errno", "\"ENOENT\"");
	json_object_put(line);
}

/* The library refused before it told of a call. */
static void test_answer_alone(void **state)
{
	const struct pm_verdict deny = { .action = PM_DENY, .err = EFAULT, .rule = "unreadable" };
	struct fixture *f = *state;
	struct open_call open;
	json_object *line;

	make_open(&open, 3, "/a");
	open.item.data = NULL;
	assert_int_equal(say(f, &(struct pm_event){ .kind = PM_EVENT_ANSWER, .call = &open.call,
						    .verdict = &deny, .ran_nr = -1 }), 0);
	line = last_line(f);
	assert_member(line, "id", "3");
	assert_member(line, "layers", "[]");
	assert_member(line, "layer", "\"pointsman\"");
	assert_member(line, "rule", "\"unreadable\"");
	assert_member(line, "deep.pathname.text", "");
	json_object_put(line);
}

static void test_decided_only(void **state)
{
	const struct pm_verdict allow = { .action = PM_ALLOW };
	const struct pm_verdict logged = { .action = PM_ALLOW, .log = true };
	const struct pm_verdict deny = { .action = PM_DENY, .err = EPERM };
	struct fixture *f = *state;
	json_object *line;
	char *text;

	audit_close(f->audit);
	assert_int_equal(audit_open(f->file, true, &f->audit), 0);
	assert_int_equal(whole_call(f, 1, &allow), 0);
	text = contents(f);
	assert_string_equal(text, "");
	free(text);
	assert_int_equal(whole_call(f, 2, &logged), 0);
	line = last_line(f);
	assert_member(line, "id", "2");
	assert_member(line, "layers.0.log", "true");
	json_object_put(line);
	assert_int_equal(whole_call(f, 3, &deny), 0);
	line = last_line(f);
	assert_member(line, "id", "3");
	json_object_put(line);
}

static void test_file_is_private_and_kept(void **state)
{
	const struct pm_verdict allow = { .action = PM_ALLOW };
	struct fixture *f = *state;
	struct stat st;
	json_object *line;
	char *text;

	assert_int_equal(stat(f->file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(whole_call(f, 1, &allow), 0);
	audit_close(f->audit);
	assert_int_equal(audit_open(f->file, false, &f->audit), 0);
	assert_int_equal(whole_call(f, 2, &allow), 0);
	text = contents(f);
	assert_non_null(strstr(text, "\"id\":1,"));
	free(text);
	line = last_line(f);
	assert_member(line, "id", "2");
	json_object_put(line);
	assert_true(fcntl(audit_fd(f->audit), F_GETFD) & FD_CLOEXEC);
}

static void test_descriptors(void **state)
{
	struct audit *audit;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(audit_open_fd(fds[1], false, &audit), 0);
	assert_true(audit_fd(audit) > STDERR_FILENO);
	assert_true(fcntl(fds[1], F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(audit_fd(audit), F_GETFD) & FD_CLOEXEC);
	audit_close(audit);
	close(fds[0]);
	close(fds[1]);
	/* The program keeps its standard error. */
	assert_int_equal(audit_open_fd(STDERR_FILENO, false, &audit), 0);
	assert_false(fcntl(STDERR_FILENO, F_GETFD) & FD_CLOEXEC);
	audit_close(audit);
	assert_int_equal(audit_open_fd(9999, false, &audit), -EBADF);
	assert_int_equal(audit_open("/nonexistent/audit", false, &audit), -ENOENT);
}

/* What cannot be written denies the call, and does not end the supervisor. */
static void test_write_errors(void **state)
{
	const struct pm_verdict allow = { .action = PM_ALLOW };
	struct fixture *f = *state;
	sigset_t pending;
	int fds[2];

	audit_close(f->audit);
	assert_int_equal(audit_open("/dev/full", false, &f->audit), 0);
	assert_int_equal(whole_call(f, 1, &allow), -ENOSPC);
	audit_close(f->audit);
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	assert_int_equal(audit_open_fd(fds[1], false, &f->audit), 0);
	close(fds[1]);
	assert_int_equal(whole_call(f, 1, &allow), -EPIPE);
	sigpending(&pending);
	assert_false(sigismember(&pending, SIGPIPE));
}

/* A line that broke off costs its reader that line only. */
static void test_torn_line(void **state)
{
	const struct pm_verdict allow = { .action = PM_ALLOW };
	struct fixture *f = *state;
	struct rlimit before, limit;
	json_object *line;
	char *text;

	assert_int_equal(whole_call(f, 1, &allow), 0);
	getrlimit(RLIMIT_FSIZE, &before);
	limit = before;
	text = contents(f);
	limit.rlim_cur = strlen(text) + 20;
	free(text);
	setrlimit(RLIMIT_FSIZE, &limit);
	assert_int_equal(whole_call(f, 2, &allow), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(whole_call(f, 3, &allow), 0);
	line = last_line(f);
	assert_member(line, "id", "3");
	json_object_put(line);
}

/* A pipe that takes less than a line at a time, and sometimes nothing. */
static void test_short_writes(void **state)
{
	const struct pm_verdict allow = { .action = PM_ALLOW };
	struct fixture *f = *state;
	char buf[7000];
	int fds[2], status;
	pid_t child;

	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	fcntl(fds[1], F_SETPIPE_SZ, 4096);
	audit_close(f->audit);
	assert_int_equal(audit_open_fd(fds[1], false, &f->audit), 0);
	close(fds[1]);
	child = fork();
	if (!child) {
		close(fds[0]);
		for (uint64_t id = 0; id < 200; id++)
			if (whole_call(f, id, &allow))
				_exit(1);
		_exit(0);
	}
	audit_close(f->audit);
	f->audit = NULL;
	fcntl(fds[0], F_SETFL, 0);
	{
		FILE *from = fdopen(fds[0], "r");
		uint64_t id = 0;

		for (; fgets(buf, sizeof(buf), from); id++) {
			json_object *line = json_tokener_parse(buf);

			assert_int_equal(json_object_get_int64(json_object_object_get(line, "id")), id);
			json_object_put(line);
		}
		assert_int_equal(id, 200);
		fclose(from);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* Several supervisors that write to one file. */
static void test_lines_do_not_mix(void **state)
{
	const struct pm_verdict allow = { .action = PM_ALLOW };
	struct fixture *f = *state;
	char buf[8192];
	size_t lines = 0;
	FILE *file;

	for (int i = 0; i < 4; i++) {
		if (fork())
			continue;
		for (uint64_t id = 0; id < 500; id++)
			if (whole_call(f, id, &allow))
				_exit(1);
		_exit(0);
	}
	for (int i = 0, status; i < 4; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	file = fopen(f->file, "r");
	for (; fgets(buf, sizeof(buf), file); lines++) {
		json_object *line = json_tokener_parse(buf);

		assert_non_null(line);
		json_object_put(line);
	}
	fclose(file);
	assert_int_equal(lines, 2000);
}

/* Two threads' calls are decided on at the same time. */
static void test_calls_interleave(void **state)
{
	const struct pm_verdict allow = { .action = PM_ALLOW };
	const struct pm_verdict deny = { .action = PM_DENY, .err = EACCES };
	struct open_call one, other;
	struct fixture *f = *state;
	json_object *line;

	make_open(&one, 1, "/one");
	make_open(&other, 2, "/other");
	assert_int_equal(say(f, &(struct pm_event){ .kind = PM_EVENT_CALL, .call = &one.call }), 0);
	assert_int_equal(say(f, &(struct pm_event){ .kind = PM_EVENT_CALL, .call = &other.call }),
			 0);
	verdict(f, &one, 0, &allow);
	verdict(f, &other, 0, &deny);
	assert_int_equal(answer(f, &other, &deny, -1, NULL), 0);
	line = last_line(f);
	assert_member(line, "id", "2");
	assert_member(line, "deep.pathname.text", "\"/other\"");
	assert_member(line, "verdict", "\"deny\"");
	json_object_put(line);
	verdict(f, &one, 1, &allow);
	assert_int_equal(answer(f, &one, &allow, 257, "openat"), 0);
	line = last_line(f);
	assert_member(line, "id", "1");
	assert_member(line, "deep.pathname.text", "\"/one\"");
	assert_member(line, "layers.1.name", "\"b.yaml\"");
	assert_member(line, "verdict", "\"allow\"");
	json_object_put(line);
}

/* What an agent says of a container, and whose the calls are. */
static void test_container(void **state)
{
	static const char *const layers[] = { "a.yaml", "b.yaml" };
	const struct pm_verdict allow = { .action = PM_ALLOW };
	const struct audit_container container = { .event = "begin", .policy = "web",
						   .policies = layers, .npolicies = 2,
						   .bundle = "/bundle", .pid = 42 };
	struct fixture *f = *state;
	json_object *line;

	audit_tag(f->audit, "c-1");
	assert_int_equal(audit_container(f->audit, &container), 0);
	line = last_line(f);
	assert_member(line, "type", "\"container\"");
	assert_member(line, "container", "\"c-1\"");
	assert_member(line, "event", "\"begin\"");
	assert_member(line, "policy", "\"web\"");
	assert_member(line, "policies", "[\"a.yaml\",\"b.yaml\"]");
	assert_member(line, "bundle", "\"/bundle\"");
	assert_member(line, "pid", "42");
	json_object_put(line);
	assert_int_equal(whole_call(f, 1, &allow), 0);
	line = last_line(f);
	assert_member(line, "type", "\"call\"");
	assert_member(line, "container", "\"c-1\"");
	json_object_put(line);
}

#define with_file(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_file(test_start),
		with_file(test_allow),
		with_file(test_another_number_ran),
		with_file(test_deny),
		with_file(test_value_and_kill),
		with_file(test_redirect),
		with_file(test_answer_alone),
		with_file(test_decided_only),
		with_file(test_file_is_private_and_kept),
		cmocka_unit_test(test_descriptors),
		with_file(test_write_errors),
		with_file(test_torn_line),
		with_file(test_short_writes),
		with_file(test_lines_do_not_mix),
		with_file(test_calls_interleave),
		with_file(test_container),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
