/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "oci_judge.h"

#include <errno.h>
#include <json-c/json.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "command.h"

/* Owner: who had it made. */
struct oci_judge {
	struct sock_filter *code;
	size_t len;
};

static json_object *member(json_object *object, const char *name)
{
	json_object *value = NULL;

	return json_object_object_get_ex(object, name, &value) ? value : NULL;
}

static const char *text(json_object *object, const char *name)
{
	const char *value = json_object_get_string(member(object, name));

	return value ? value : "";
}

/* The length of a list, which may be left out; -EINVAL where it is no list. */
static int length_of(json_object *list)
{
	if (!list)
		return 0;
	return json_object_is_type(list, json_type_array) ? (int)json_object_array_length(list) :
							    -EINVAL;
}

/* 0 is no action's number but KILL's, the strictest: so is what is not known here. */
static uint32_t action_of(const char *name, json_object *number)
{
	static const struct {
		const char *name;
		uint32_t action;
	} actions[] = {
		{ "SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS },
		{ "SCMP_ACT_TRAP", SCMP_ACT_TRAP },
		{ "SCMP_ACT_LOG", SCMP_ACT_LOG },
		{ "SCMP_ACT_ALLOW", SCMP_ACT_ALLOW },
		{ "SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY },
	};
	uint32_t value = number ? (uint32_t)json_object_get_int(number) : EPERM;

	if (!strcmp(name, "SCMP_ACT_ERRNO"))
		return SCMP_ACT_ERRNO(value);
	if (!strcmp(name, "SCMP_ACT_TRACE"))
		return SCMP_ACT_TRACE(value);
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (!strcmp(actions[i].name, name))
			return actions[i].action;
	return SCMP_ACT_KILL;
}

static enum scmp_compare comparison_of(const char *name)
{
	static const char *const names[] = {
		[SCMP_CMP_NE] = "SCMP_CMP_NE", [SCMP_CMP_LT] = "SCMP_CMP_LT",
		[SCMP_CMP_LE] = "SCMP_CMP_LE", [SCMP_CMP_EQ] = "SCMP_CMP_EQ",
		[SCMP_CMP_GE] = "SCMP_CMP_GE", [SCMP_CMP_GT] = "SCMP_CMP_GT",
		[SCMP_CMP_MASKED_EQ] = "SCMP_CMP_MASKED_EQ",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i] && !strcmp(names[i], name))
			return (enum scmp_compare)i;
	return _SCMP_CMP_MIN;
}

/* The arguments of one rule; their number, or -EINVAL. */
static int read_args(json_object *args, struct scmp_arg_cmp *out)
{
	int n = length_of(args);

	for (int i = 0; i < n && i < 6; i++) {
		json_object *arg = json_object_array_get_idx(args, (size_t)i);

		out[i] = (struct scmp_arg_cmp){
			.arg = (unsigned int)json_object_get_int(member(arg, "index")),
			.op = comparison_of(text(arg, "op")),
			.datum_a = json_object_get_uint64(member(arg, "value")),
			.datum_b = json_object_get_uint64(member(arg, "valueTwo")),
		};
		if (out[i].op == _SCMP_CMP_MIN || out[i].arg > 5)
			return -EINVAL;
	}
	return n > 6 ? -EINVAL : n;
}

/*
 * A rule that asks for the same argument twice is one rule for each comparison, to
 * runtimes as well: so are they made here.
 */
static bool repeats(const struct scmp_arg_cmp *args, int n)
{
	unsigned int seen = 0;

	for (int i = 0; i < n; i++) {
		if (seen >> args[i].arg & 1)
			return true;
		seen |= 1u << args[i].arg;
	}
	return false;
}

static int add_name(scmp_filter_ctx filter, uint32_t action, const char *name,
		    const struct scmp_arg_cmp *args, int n)
{
	int nr = seccomp_syscall_resolve_name(name), err = 0;

	/* Left out by runtimes, too. */
	if (nr == __NR_SCMP_ERROR)
		return 0;
	if (!repeats(args, n))
		return seccomp_rule_add_array(filter, action, nr, (unsigned int)n, args);
	for (int i = 0; !err && i < n; i++)
		err = seccomp_rule_add_array(filter, action, nr, 1, &args[i]);
	return err;
}

static int add_rule(scmp_filter_ctx filter, uint32_t otherwise, json_object *rule)
{
	json_object *names = member(rule, "names");
	uint32_t action = action_of(text(rule, "action"), member(rule, "errnoRet"));
	struct scmp_arg_cmp args[6];
	int n = read_args(member(rule, "args"), args), err = n < 0 ? n : 0;
	int count = length_of(names);

	/* libseccomp refuses a rule that says what is so anyway. */
	if (err || action == otherwise)
		return err;
	for (int i = 0; !err && i < count; i++) {
		const char *name =
			json_object_get_string(json_object_array_get_idx(names, (size_t)i));

		err = name ? add_name(filter, action, name, args, n) : -EINVAL;
	}
	return err ? err : count < 0 ? count : 0;
}

static int add_arches(scmp_filter_ctx filter, json_object *arches)
{
	int n = length_of(arches), err = n < 0 ? n : 0;

	for (int i = 0; !err && i < n; i++) {
		const char *name =
			json_object_get_string(json_object_array_get_idx(arches, (size_t)i));

		if (!name)
			err = -EINVAL;
		else if (!strcmp(name, "SCMP_ARCH_X86"))
			err = seccomp_arch_add(filter, SCMP_ARCH_X86);
		else if (!strcmp(name, "SCMP_ARCH_X32"))
			err = seccomp_arch_add(filter, SCMP_ARCH_X32);
		if (err == -EEXIST)
			err = 0;
	}
	return err;
}

/* The filter's instructions, from where libseccomp puts them. */
static int take_code(scmp_filter_ctx filter, struct oci_judge *judge)
{
	auto_close int fd = memfd_create("filter", MFD_CLOEXEC);
	struct stat st;
	int err = fd < 0 ? -errno : seccomp_export_bpf(filter, fd);

	if (!err && fstat(fd, &st))
		err = -errno;
	if (err)
		return err;
	judge->code = malloc((size_t)st.st_size);
	judge->len = (size_t)st.st_size / sizeof(*judge->code);
	return judge->code && pread(fd, judge->code, (size_t)st.st_size, 0) == st.st_size ? 0 :
											    -ENOMEM;
}

static int make(json_object *profile, struct oci_judge *judge)
{
	uint32_t otherwise = action_of(text(profile, "defaultAction"),
				       member(profile, "defaultErrnoRet"));
	json_object *rules = member(profile, "syscalls");
	scmp_filter_ctx filter = seccomp_init(otherwise);
	int n = length_of(rules), err = n < 0 ? n : -EINVAL;

	if (filter && n >= 0)
		err = add_arches(filter, member(profile, "architectures"));
	for (int i = 0; !err && i < n; i++)
		err = add_rule(filter, otherwise, json_object_array_get_idx(rules, (size_t)i));
	if (!err)
		err = take_code(filter, judge);
	if (filter)
		seccomp_release(filter);
	return err;
}

void oci_judge_free(struct oci_judge *judge)
{
	if (!judge)
		return;
	free(judge->code);
	free(judge);
}

int oci_profile_read(const char *bundle, const char *id, char **out)
{
	auto_free char *path = NULL;
	json_object *config, *profile;
	int err = 0;

	if (asprintf(&path, "%s/config.json", bundle ? bundle : "") < 0)
		return -ENOMEM;
	config = json_object_from_file(path);
	profile = member(member(config, "linux"), "seccomp");
	*out = profile ? strdup(json_object_to_json_string_ext(profile, JSON_C_TO_STRING_PLAIN)) :
			 NULL;
	if (!*out)
		err = profile ? -ENOMEM : -ENOENT;
	json_object_put(config);
	if (err)
		complain("agent: container %s: its profile in '%s' cannot be read: %s", id, path,
			 strerror(-err));
	return err;
}

int oci_judge_new(const char *profile, const char *id, struct oci_judge **out)
{
	struct oci_judge *judge = calloc(1, sizeof(*judge));
	json_object *object = json_tokener_parse(profile);
	int err = judge ? -EINVAL : -ENOMEM;

	if (judge && json_object_is_type(object, json_type_object))
		err = make(object, judge);
	json_object_put(object);
	if (err) {
		complain("agent: container %s: its profile cannot be understood: %s", id,
			 strerror(-err));
		oci_judge_free(judge);
		return err;
	}
	*out = judge;
	return 0;
}

static bool jumps(uint16_t op, uint32_t a, uint32_t k)
{
	switch (op) {
	case BPF_JEQ:
		return a == k;
	case BPF_JGT:
		return a > k;
	case BPF_JGE:
		return a >= k;
	default:
		return a & k;
	}
}

/* What libseccomp makes uses these; anything else is a reason to stop. */
static uint32_t run(const struct oci_judge *judge, const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < judge->len; pc++) {
		const struct sock_filter *at = &judge->code[pc];

		switch (at->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (at->k > sizeof(*data) - sizeof(a))
				return SECCOMP_RET_KILL_PROCESS;
			memcpy(&a, (const char *)data + at->k, sizeof(a));
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= at->k;
			break;
		case BPF_JMP | BPF_JA:
			pc += at->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
		case BPF_JMP | BPF_JGT | BPF_K:
		case BPF_JMP | BPF_JGE | BPF_K:
		case BPF_JMP | BPF_JSET | BPF_K:
			pc += jumps(BPF_OP(at->code), a, at->k) ? at->jt : at->jf;
			break;
		case BPF_RET | BPF_K:
			return at->k;
		default:
			return SECCOMP_RET_KILL_PROCESS;
		}
	}
	return SECCOMP_RET_KILL_PROCESS;
}

uint32_t oci_judge_asks(const struct oci_judge *judge, const struct pm_call *call)
{
	struct seccomp_data data = { .nr = call->nr, .arch = call->arch };

	for (int i = 0; i < 6; i++)
		data.args[i] = call->args[i];
	return run(judge, &data);
}
