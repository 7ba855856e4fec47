/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "explain_call.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "command.h"
#include "shapes.h"
#include "socket_words.h"
#include "words.h"

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#elif defined(__riscv)
#define NATIVE AUDIT_ARCH_RISCV64
#endif

#define FLAG(name) { #name, (uint64_t)(int64_t)(name) }

static const struct {
	const char *name;
	uint64_t value;
} flags[] = {
	FLAG(O_RDONLY), FLAG(O_WRONLY), FLAG(O_RDWR), FLAG(O_CREAT), FLAG(O_EXCL), FLAG(O_TRUNC),
	FLAG(O_APPEND), FLAG(O_NONBLOCK), FLAG(O_DIRECTORY), FLAG(O_NOFOLLOW), FLAG(O_CLOEXEC),
	FLAG(O_PATH), FLAG(O_TMPFILE), FLAG(O_NOCTTY), FLAG(O_SYNC), FLAG(O_DSYNC), FLAG(O_DIRECT),
	FLAG(O_NOATIME), { "O_LARGEFILE", 0100000 }, FLAG(AT_FDCWD), FLAG(AT_SYMLINK_NOFOLLOW),
	FLAG(AT_SYMLINK_FOLLOW), FLAG(AT_REMOVEDIR), FLAG(AT_EMPTY_PATH), FLAG(AT_EACCESS),
	FLAG(R_OK), FLAG(W_OK), FLAG(X_OK), FLAG(F_OK), FLAG(MSG_FASTOPEN), { "NULL", 0 },
	FLAG(RESOLVE_NO_SYMLINKS), FLAG(RESOLVE_BENEATH), FLAG(RESOLVE_IN_ROOT),
};

/* The words that are left. */
struct reading {
	const char *call;
	char **words;
};

#define MAX_PART 64

/*
 * "O_RDONLY|O_CLOEXEC|0x1".  Returns 0, or -EINVAL with the part that is not known in bad,
 * which has MAX_PART bytes.
 */
static int parse_value(const char *text, uint64_t *out, char *bad)
{
	*out = 0;
	for (;;) {
		size_t len = strcspn(text, "|"), i = 0;
		uint64_t number;
		char *part = bad;

		*part = '\0';
		if (!len || len >= MAX_PART)
			return -EINVAL;
		memcpy(part, text, len);
		part[len] = '\0';
		while (i < sizeof(flags) / sizeof(flags[0]) && strcmp(flags[i].name, part))
			i++;
		if (i < sizeof(flags) / sizeof(flags[0]))
			number = flags[i].value;
		else if (socket_word(part, &number) && number_parse(part, &number))
			return -EINVAL;
		*out |= number;
		if (!text[len])
			return 0;
		text += len + 1;
	}
}

static uint64_t pointer(const void *to)
{
	return (uint64_t)(uintptr_t)to;
}

/* What an address looks like that is not there yet: of its family, and empty. */
static socklen_t empty_address(const struct address *address, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	out->ss_family = (sa_family_t)address_family(address);
	switch (address->kind) {
	case ADDRESS_IP4:
		return sizeof(struct sockaddr_in);
	case ADDRESS_IP6:
		return sizeof(struct sockaddr_in6);
	case ADDRESS_UNIX_UNNAMED:
		return sizeof(sa_family_t);
	default:
		return 16;
	}
}

/* Returns the length, or -EINVAL after a complaint. */
static int parse_address(const char *text, struct sockaddr_storage *out)
{
	struct sockaddr_storage empty;
	struct address address;
	char *why = NULL;
	socklen_t len;
	int got;

	got = address_parse(text, &address, &why);
	if (got) {
		complain("%s", why ? why : strerror(-got));
		free(why);
		return -EINVAL;
	}
	len = empty_address(&address, &empty);
	if (address.kind == ADDRESS_FAMILY || address.kind == ADDRESS_UNIX_UNNAMED) {
		*out = empty;
		got = (int)len;
	} else if (!address_is_one(&address)) {
		complain("'%s' is more than one address, expected one", text);
		got = -EINVAL;
	} else {
		got = address_replace(&address, ADDRESS_BIND, &empty, len, out);
		if (got < 0)
			complain("'%s': %s", text, strerror(-got));
	}
	address_clear(&address);
	return got < 0 ? -EINVAL : got;
}

static int take_address(struct reading *reading, const struct pm_shape *shape,
			struct written_call *out)
{
	int len = parse_address(*reading->words, &out->address);

	if (len < 0)
		return len;
	reading->words++;
	if (shape->kind == PM_SHAPE_MSGHDR) {
		out->message.msg_name = &out->address;
		out->message.msg_namelen = (socklen_t)len;
		out->args[shape->arg] = pointer(&out->message);
	} else {
		out->args[shape->arg] = pointer(&out->address);
		if (shape->len)
			out->args[shape->len - 1] = (uint64_t)len;
	}
	return 0;
}

/* The rest are the arguments; without any the program's name is. */
static void take_vector(struct reading *reading, const struct pm_shape *shape,
			struct written_call *out)
{
	if (!strcmp(shape->role, "envp")) {
		out->args[shape->arg] = pointer(environ);
		return;
	}
	if (!*reading->words)
		out->argv[0] = reading->words[-1];
	out->args[shape->arg] = pointer(*reading->words ? reading->words : out->argv);
	while (*reading->words)
		reading->words++;
}

static int take_number(struct reading *reading, uint64_t *out)
{
	const char *word = *reading->words;
	char bad[MAX_PART];

	if (!word)
		return 0;
	if (parse_value(word, out, bad)) {
		struct nearest nearest = { .word = bad };

		for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
			nearest_try(&nearest, flags[i].name);
		socket_nearest(&nearest);
		complain("'%s' is no number and no flag that is known here, for %s%s", word,
			 reading->call, nearest_hint(&nearest));
		return -EINVAL;
	}
	reading->words++;
	return 0;
}

static int take_how(struct reading *reading, const struct pm_shape *shape,
		    struct written_call *out)
{
	uint64_t value = 0;
	int err = take_number(reading, &value);

	out->how.flags = value;
	if (!err) {
		value = 0;
		err = take_number(reading, &value);
		out->how.resolve = value;
	}
	out->args[shape->arg] = pointer(&out->how);
	out->args[shape->len - 1] = sizeof(out->how);
	return err;
}

static int take_shape(struct reading *reading, const struct pm_shape *shape,
		      struct written_call *out)
{
	const char *word = *reading->words;

	if (shape->kind == PM_SHAPE_STRV) {
		take_vector(reading, shape, out);
		return 0;
	}
	if (!word) {
		if (shape->options & PM_SHAPE_NULL || !shape->classes)
			return 0;
		complain("%s: %s is missing", reading->call, shape->role);
		return -EINVAL;
	}
	switch (shape->kind) {
	case PM_SHAPE_PATH:
	case PM_SHAPE_STRING:
		out->args[shape->arg] = strcmp(word, "NULL") ? pointer(word) : 0;
		reading->words++;
		return 0;
	case PM_SHAPE_SOCKADDR:
	case PM_SHAPE_MSGHDR:
		return take_address(reading, shape, out);
	case PM_SHAPE_BLOCK:
		if (!strcmp(shape->role, "how"))
			return take_how(reading, shape, out);
		return take_number(reading, &out->args[shape->arg]);
	default:
		return take_number(reading, &out->args[shape->arg]);
	}
}

/* Does an argument from this one on take its word as it is? */
static bool shape_follows(const struct pm_sysent *ent, unsigned int arg)
{
	PM_SHAPE_EACH(ent, shape)
		if (shape->arg >= arg)
			return true;
	return false;
}

static int take_argument(struct reading *reading, const struct pm_sysent *ent, unsigned int arg,
			 struct written_call *out)
{
	const struct pm_shape *shape = NULL;
	char bad[MAX_PART];
	uint64_t value;

	PM_SHAPE_EACH(ent, own)
		if (own->arg == arg)
			return take_shape(reading, own, out);
	switch (ent ? pm_sysent_arg(ent, arg, &shape) : PM_ARG_PLAIN) {
	case PM_ARG_LENGTH:
		return 0;
	case PM_ARG_DIRFD:
		out->args[arg] = (uint64_t)(int64_t)AT_FDCWD;
		/* fallthrough */
	default:
		/* A descriptor may be left out: the word is for what comes. */
		if (*reading->words && parse_value(*reading->words, &value, bad) && ent &&
		    shape_follows(ent, arg + 1))
			return 0;
		return take_number(reading, &out->args[arg]);
	}
}

bool is_call(const char *word)
{
	return pm_syscall_number(NATIVE, word) >= 0;
}

int call_from_words(char **words, struct written_call *out)
{
	struct reading reading = { .call = words[0], .words = words + 1 };
	const struct pm_sysent *ent;
	int err = 0;

	*out = (struct written_call){ .arch = NATIVE };
	out->nr = pm_syscall_number(NATIVE, words[0]);
	ent = pm_sysent_find(NATIVE, out->nr);
	for (unsigned int arg = 0; arg < 6 && !err; arg++)
		err = take_argument(&reading, ent, arg, out);
	if (!err && *reading.words) {
		complain("'%s' is one word more than %s takes", *reading.words, words[0]);
		err = -EINVAL;
	}
	return err;
}
