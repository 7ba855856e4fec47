/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The filter, run by an interpreter of the few instructions that it uses, on
 * every number of every table.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "filter.h"
#include "shapes.h"

#define SUPERVISOR 4711
#define CLONE_UNTRACED_BIT 0x00800000

static uint32_t interpret(const struct sock_fprog *program, const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < program->len; pc++) {
		const struct sock_filter *insn = &program->filter[pc];

		switch (insn->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_true(insn->k <= sizeof(*data) - 4);
			memcpy(&a, (const char *)data + insn->k, 4);
			break;
		case BPF_JMP | BPF_JA:
			pc += insn->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			pc += a == insn->k ? insn->jt : insn->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			pc += a >= insn->k ? insn->jt : insn->jf;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			pc += a & insn->k ? insn->jt : insn->jf;
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= insn->k;
			break;
		case BPF_RET | BPF_K:
			return insn->k;
		default:
			fail_msg("instruction %#x", insn->code);
		}
	}
	fail_msg("fell off the end");
	return 0;
}

static bool wants_opens(void *data, const char *syscall, uint32_t classes)
{
	(void)data;
	(void)syscall;
	return classes & (PM_BIT(PM_CLASS_OPEN_READ) | PM_BIT(PM_CLASS_OPEN_WRITE));
}

static int allow(void *data, struct pm_call *call, struct pm_verdict *verdict)
{
	(void)data;
	(void)call;
	(void)verdict;
	return 0;
}

static struct pm_layer layer = { .name = "opens", .wants = wants_opens, .decide = allow };
static struct pm_layer *layers[] = { &layer };
static const struct pm_options options = { .layers = layers, .nlayers = 1 };
static const uint32_t arches[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386 };

static struct sock_fprog build(bool guard)
{
	struct sock_fprog program;

	assert_int_equal(filter_build(&options, SUPERVISOR, guard, &program), 0);
	assert_true(program.len > 0 && program.len <= BPF_MAXINSNS);
	return program;
}

static uint32_t ask(const struct sock_fprog *program, uint32_t arch, const char *name,
		    unsigned int arg, uint64_t value)
{
	int nr = pm_syscall_number(arch, name);
	struct seccomp_data data = { .nr = nr, .arch = arch };

	assert_true(nr >= 0);
	data.args[arg] = value;
	return interpret(program, &data);
}

#define STOP (SECCOMP_RET_TRACE | FILTER_TRACE_DATA)
#define REFUSE(e) (SECCOMP_RET_ERRNO | (e))

static void every_number(void **state)
{
	struct sock_fprog program = build(false);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		for (int nr = 0; nr <= 1024; nr++) {
			struct seccomp_data data = { .nr = nr, .arch = arches[i] };
			uint32_t action = interpret(&program, &data);
			const char *name = pm_syscall_name(arches[i], nr);

			if (!name || nr > pm_syscall_max(arches[i]) ||
			    (!pm_sysent_find(arches[i], nr) &&
			     !pm_syscall_names_nothing(arches[i], nr)))
				assert_int_equal(action, REFUSE(ENOSYS));
			else if (!strcmp(name, "ptrace"))
				assert_int_equal(action, REFUSE(EPERM));
			else if (filter_stops(&options, false, arches[i], nr) &
				 (STOPS_FOR_LAYERS | STOPS_FOR_US))
				assert_int_equal(action, STOP);
			else
				assert_int_equal(action, SECCOMP_RET_ALLOW);
		}
	}
	free(program.filter);
}

static bool wants_connect(void *data, const char *syscall, uint32_t classes)
{
	(void)data;
	(void)syscall;
	return classes & PM_BIT(PM_CLASS_CONNECT);
}

static void sending_stops_where_it_connects(void **state)
{
	struct pm_layer connects = { .name = "connects", .wants = wants_connect, .decide = allow };
	struct pm_layer *list[] = { &connects };
	const struct pm_options only = { .layers = list, .nlayers = 1 };
	struct sock_fprog program;

	(void)state;
	assert_int_equal(filter_build(&only, SUPERVISOR, false, &program), 0);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(ask(&program, arches[i], "connect", 0, 0), STOP);
		assert_int_equal(ask(&program, arches[i], "sendto", 3, 0), SECCOMP_RET_ALLOW);
		assert_int_equal(ask(&program, arches[i], "sendto", 3, 0x20000000), STOP);
		assert_int_equal(ask(&program, arches[i], "sendmsg", 2, 0x20000000), STOP);
		assert_int_equal(ask(&program, arches[i], "sendmmsg", 3, 0x20000000), STOP);
		assert_int_equal(ask(&program, arches[i], "sendmmsg", 3, 0), SECCOMP_RET_ALLOW);
	}
	assert_int_equal(ask(&program, AUDIT_ARCH_I386, "socketcall", 0, 0), STOP);
	free(program.filter);
}

static void other_tables(void **state)
{
	struct sock_fprog program = build(false);
	const int numbers[] = { -1, 0x40000000, 0x40000000 + 257, 0x40000000 + 520, 1 << 30 | 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct seccomp_data data = { .nr = numbers[i], .arch = AUDIT_ARCH_X86_64 };

		assert_int_equal(interpret(&program, &data), REFUSE(ENOSYS));
	}
	assert_int_equal(interpret(&program, &(struct seccomp_data){ .arch = AUDIT_ARCH_AARCH64 }),
			 REFUSE(ENOSYS));
	free(program.filter);
}

static void arguments_that_matter(void **state)
{
	struct sock_fprog program = build(false);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		uint32_t arch = arches[i];

		assert_int_equal(ask(&program, arch, "openat", 0, 0), STOP);
		assert_int_equal(ask(&program, arch, "clone3", 0, 0), STOP);
		assert_int_equal(ask(&program, arch, "io_uring_setup", 0, 0), STOP);
		assert_int_equal(ask(&program, arch, "clone", 0, CLONE_VM), SECCOMP_RET_ALLOW);
		assert_int_equal(ask(&program, arch, "clone", 0, CLONE_UNTRACED_BIT | CLONE_VM),
				 STOP);
		assert_int_equal(ask(&program, arch, "kill", 0, SUPERVISOR), REFUSE(EPERM));
		assert_int_equal(ask(&program, arch, "kill", 0, (uint32_t)-SUPERVISOR),
				 REFUSE(EPERM));
		assert_int_equal(ask(&program, arch, "setpriority", 1, SUPERVISOR),
				 REFUSE(EPERM));
		assert_int_equal(ask(&program, arch, "clone", 0, CLONE_PARENT), STOP);
		assert_int_equal(ask(&program, arch, "kill", 0, SUPERVISOR + 1),
				 SECCOMP_RET_ALLOW);
		assert_int_equal(ask(&program, arch, "pidfd_open", 0, SUPERVISOR), REFUSE(EPERM));
		assert_int_equal(ask(&program, arch, "process_vm_writev", 0, SUPERVISOR),
				 REFUSE(EPERM));
		assert_int_equal(ask(&program, arch, "munmap", 0, 0), SECCOMP_RET_ALLOW);
	}
	free(program.filter);
}

/* What is verified of an arena is believed of a forked copy. */
static void kept_from_fork(void **state)
{
	struct sock_fprog program = build(false), notify;
	struct filter_table table;

	(void)state;
	assert_int_equal(filter_build(&options, SUPERVISOR, FILTER_NOTIFY, &notify), 0);
	for (size_t i = 0; i < 2; i++) {
		uint32_t arch = arches[i];

		assert_int_equal(ask(&program, arch, "madvise", 2, MADV_DONTFORK), STOP);
		/* The kernel looks at 32 bits. */
		assert_int_equal(ask(&program, arch, "madvise", 2, 1ULL << 32 | MADV_DONTFORK),
				 STOP);
		assert_int_equal(ask(&program, arch, "madvise", 2, MADV_DOFORK), SECCOMP_RET_ALLOW);
		assert_int_equal(ask(&program, arch, "process_madvise", 3, MADV_DONTFORK), STOP);
		assert_int_equal(ask(&program, arch, "process_madvise", 3, MADV_COLD),
				 SECCOMP_RET_ALLOW);
		assert_int_equal(ask(&notify, arch, "madvise", 2, MADV_DONTFORK),
				 SECCOMP_RET_ALLOW);
		/* Also where every call stops. */
		assert_int_equal(filter_table(&options, 0, arch, &table), 0);
		assert_true(filter_reason(&table, pm_syscall_number(arch, "madvise")));
		assert_true(filter_reason(&table, pm_syscall_number(arch, "process_madvise")));
		filter_table_clear(&table);
	}
	free(program.filter);
	free(notify.filter);
}

static bool wants_all(void *data, const char *syscall, uint32_t classes)
{
	(void)data;
	(void)syscall;
	(void)classes;
	return true;
}

/* asks NAME with its flags, and a word where the mark would be; as filter_answers() says. */
static uint32_t sent(const struct pm_options *asked, const struct sock_fprog *program,
		     uint32_t arch, const char *name, unsigned int arg, uint64_t flags,
		     uint64_t mark)
{
	struct seccomp_data data = { .nr = pm_syscall_number(arch, name), .arch = arch };
	uint64_t args[6] = { 0 };
	uint32_t action;

	args[arg] = data.args[arg] = flags;
	args[FILTER_DIVERTED_ARG] = data.args[FILTER_DIVERTED_ARG] = mark;
	action = interpret(program, &data);
	assert_int_equal(action == SECCOMP_RET_USER_NOTIF,
			 filter_answers(asked, FILTER_ANSWERS, arch, data.nr, args));
	return action;
}

/* What only looks comes by a notification, without the mark; the rest, and all else, stops. */
static void what_only_looks(void **state)
{
	static const char *const looks[] = { "stat", "lstat", "newfstatat", "statx", "access",
					     "faccessat", "faccessat2", "readlink", "readlinkat" };
	static const int other[] = { O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_PATH, O_TMPFILE,
				     O_ASYNC, O_ACCMODE };
	struct pm_layer all = { .name = "all", .wants = wants_all, .decide = allow };
	struct pm_layer *wide[] = { &all };
	struct pm_options wanted = { .layers = wide, .nlayers = 1 };
	const uint64_t mark = FILTER_DIVERTED;
	struct sock_fprog program;

	(void)state;
	assert_int_equal(filter_build(&wanted, SUPERVISOR, FILTER_ANSWERS, &program), 0);
	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		const char *name = looks[i];

		assert_int_equal(sent(&wanted, &program, arches[0], name, 0, 0, 0),
				 SECCOMP_RET_USER_NOTIF);
		assert_int_equal(sent(&wanted, &program, arches[0], name, 0, 0, mark), STOP);
		assert_int_equal(sent(&wanted, &program, arches[0], name, 0, 0,
				      1ULL << 32 | mark), STOP);
		if (pm_syscall_number(arches[1], name) >= 0)
			assert_int_equal(sent(&wanted, &program, arches[1], name, 0, 0, 0), STOP);
	}
	for (unsigned int arg = 1; arg <= 2; arg++) {
		const char *name = arg == 1 ? "open" : "openat";

		assert_int_equal(sent(&wanted, &program, arches[0], name, arg,
				      O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW, 0),
				 SECCOMP_RET_USER_NOTIF);
		assert_int_equal(sent(&wanted, &program, arches[0], name, arg, 0, mark), STOP);
		assert_int_equal(sent(&wanted, &program, arches[0], name, arg, O_NOFOLLOW, 0),
				 STOP);
		for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
			assert_int_equal(sent(&wanted, &program, arches[0], name, arg,
					      (uint64_t)other[i], 0), STOP);
	}
	assert_int_equal(sent(&wanted, &program, arches[0], "openat2", 0, 0, 0), STOP);
	assert_int_equal(sent(&wanted, &program, arches[0], "mkdir", 0, 0, 0), STOP);
	free(program.filter);
	/* An open that is let go on may have to wait. */
	wanted.unsafe = PM_UNSAFE_RACES;
	assert_int_equal(filter_build(&wanted, SUPERVISOR, FILTER_ANSWERS, &program), 0);
	assert_int_equal(sent(&wanted, &program, arches[0], "openat", 2, 0, 0), STOP);
	assert_int_equal(sent(&wanted, &program, arches[0], "stat", 0, 0, 0),
			 SECCOMP_RET_USER_NOTIF);
	free(program.filter);
	/* Who asks about opens only.  What they are relative to is known where they are answered. */
	assert_int_equal(filter_build(&options, SUPERVISOR, FILTER_ANSWERS, &program), 0);
	assert_int_equal(sent(&options, &program, arches[0], "stat", 0, 0, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(sent(&options, &program, arches[0], "openat", 2, 0, 0),
			 SECCOMP_RET_USER_NOTIF);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(ask(&program, arches[i], "chdir", 0, 0), STOP);
		assert_int_equal(ask(&program, arches[i], "fchdir", 0, 0), STOP);
	}
	free(program.filter);
	program = build(false);
	assert_int_equal(ask(&program, arches[0], "chdir", 0, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(ask(&program, arches[0], "fchdir", 0, 0), SECCOMP_RET_ALLOW);
	free(program.filter);
}

static void guard_without_mseal(void **state)
{
	static const char *const moving[] = { "munmap", "mremap", "mprotect", "pkey_mprotect",
					      "madvise", "remap_file_pages", "brk" };
	struct sock_fprog program = build(true);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const char *mmap_name = i ? "mmap2" : "mmap";

		for (size_t j = 0; j < sizeof(moving) / sizeof(moving[0]); j++)
			assert_int_equal(ask(&program, arches[i], moving[j], 0, 0), STOP);
		assert_int_equal(ask(&program, arches[i], mmap_name, 3, MAP_PRIVATE),
				 SECCOMP_RET_ALLOW);
		assert_int_equal(ask(&program, arches[i], mmap_name, 3, MAP_PRIVATE | MAP_FIXED),
				 STOP);
		assert_int_equal(ask(&program, arches[i], "process_madvise", 0, 0),
				 REFUSE(ENOSYS));
	}
	assert_int_equal(ask(&program, AUDIT_ARCH_X86_64, "shmat", 0, 0), STOP);
	assert_int_equal(ask(&program, AUDIT_ARCH_I386, "ipc", 0, 0), STOP);
	assert_int_equal(ask(&program, AUDIT_ARCH_I386, "mmap", 0, 0), STOP);
	free(program.filter);
}

/* Whatever the layers want, and in whatever order the calls are looked for. */
static void what_is_known_of_calls(void **state)
{
	static const struct {
		const char *name;
		int arg;
	} reaching[] = {
		{ "kill", 0 }, { "tkill", 0 }, { "tgkill", 0 }, { "rt_sigqueueinfo", 0 },
		{ "rt_tgsigqueueinfo", 0 }, { "pidfd_open", 0 }, { "process_vm_readv", 0 },
		{ "process_vm_writev", 0 }, { "prlimit64", 0 }, { "kcmp", 0 },
		{ "perf_event_open", 1 }, { "move_pages", 0 }, { "migrate_pages", 0 },
		{ "sched_setaffinity", 0 }, { "sched_setscheduler", 0 }, { "sched_setattr", 0 },
		{ "sched_setparam", 0 }, { "setpriority", 1 }, { "ioprio_set", 1 },
		{ "getpid", -1 }, { "sendto", -1 }, { "a", -1 }, { "zzz", -1 },
	};
	static const struct {
		const char *name;
		unsigned int how;
	} seen[] = {
		{ "clone3", 0 }, { "prctl", 0 }, { "seccomp", 0 },
		{ "clone3", FILTER_NOTIFY }, { "prctl", FILTER_NOTIFY },
		{ "execve", FILTER_NOTIFY }, { "execveat", FILTER_NOTIFY },
		{ "munmap", FILTER_GUARD }, { "mremap", FILTER_GUARD }, { "mprotect", FILTER_GUARD },
		{ "pkey_mprotect", FILTER_GUARD }, { "madvise", FILTER_GUARD },
		{ "shmat", FILTER_GUARD }, { "remap_file_pages", FILTER_GUARD },
		{ "brk", FILTER_GUARD }, { "io_setup", FILTER_GUARD },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(reaching) / sizeof(reaching[0]); i++) {
		int nr = pm_syscall_number(AUDIT_ARCH_X86_64, reaching[i].name);

		if (filter_reaches(AUDIT_ARCH_X86_64, nr) != reaching[i].arg)
			fail_msg("%s", reaching[i].name);
	}
	for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
		int nr = pm_syscall_number(AUDIT_ARCH_X86_64, seen[i].name);

		if (!(filter_stops(&options, seen[i].how, AUDIT_ARCH_X86_64, nr) & STOPS_FOR_US))
			fail_msg("%s", seen[i].name);
	}
}

static int decide_nothing(void *data, struct pm_call *call, struct pm_verdict *verdict)
{
	(void)data, (void)call, (void)verdict;
	return 0;
}

/* What is kept says of every number what it was made of, up to the last one. */
static void kept_to_the_last(void **state)
{
	static const uint32_t both[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386 };
	struct pm_layer all = { .name = "all", .decide = decide_nothing };
	struct pm_layer *const list[] = { &all };
	const struct pm_options wanted = { .layers = list, .nlayers = 1 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		int max = pm_syscall_max(both[i]), last = max + 8;
		struct filter_table table;

		while (!pm_syscall_name(both[i], last))
			last--;
		assert_int_equal(filter_table(&wanted, 0, both[i], &table), 0);
		for (int nr = -1; nr <= max + 8; nr++)
			if (!!(filter_reason(&table, nr) & STOPS_FOR_LAYERS) !=
			    !!pm_syscall_name(both[i], nr))
				fail_msg("%d", nr);
		assert_true(filter_reason(&table, last) & STOPS_FOR_LAYERS);
		filter_table_clear(&table);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_known_of_calls),
		cmocka_unit_test(every_number),
		cmocka_unit_test(sending_stops_where_it_connects),
		cmocka_unit_test(other_tables),
		cmocka_unit_test(arguments_that_matter),
		cmocka_unit_test(kept_from_fork),
		cmocka_unit_test(what_only_looks),
		cmocka_unit_test(guard_without_mseal),
		cmocka_unit_test(kept_to_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
