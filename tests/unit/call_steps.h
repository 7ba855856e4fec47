/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* call_steps.h - what the tests of calls share: read one, fail to, lay it out and read it again */
#ifndef POINTSMAN_TEST_CALL_STEPS_H
#define POINTSMAN_TEST_CALL_STEPS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <sys/inotify.h>
#include <sys/socket.h>

#include "memory_ranges.h"
#include "shapes.h"

#define WIDE AUDIT_ARCH_X86_64
#define NARROW AUDIT_ARCH_I386
#ifndef PAGE
#define PAGE 4096u
#endif
#define CWD ((uint64_t)(int64_t)AT_FDCWD)

#define BIT_READ PM_BIT(PM_CLASS_OPEN_READ)
#define BIT_WRITE PM_BIT(PM_CLASS_OPEN_WRITE)
#define BIT_CREATE PM_BIT(PM_CLASS_CREATE)

/* In place of the real one: says what it was asked. */
static _Thread_local struct {
	int dirfd, err;
	unsigned int flags, count;
	uint64_t resolve;
	struct pm_view_known known;
	char path[4096];
} asked;

int pm_resolve(const struct pm_view *view, int dirfd, const char *path, unsigned int flags,
	       uint64_t resolve, struct pm_where *out)
{
	asked.known = view->known ? *view->known : (struct pm_view_known){ 0 };
	asked.dirfd = dirfd;
	asked.flags = flags;
	asked.resolve = resolve;
	asked.count++;
	snprintf(asked.path, sizeof(asked.path), "%s", path);
	*out = (struct pm_where){ .fd = -1 };
	if (!asked.err)
		out->name = strdup(path);
	return asked.err;
}

void pm_where_free(struct pm_where *where)
{
	free(where->name);
	free(where->self_name);
}

static inline int read_call(struct pm_call *call, struct memory *memory, uint32_t arch,
			    const char *name, const uint64_t *args)
{
	struct pm_reader reader = memory_ranges_reader(memory);
	int nr = pm_syscall_number(arch, name);

	if (nr < 0)
		fail_msg("%s is no call", name);
	*call = (struct pm_call){ .tgid = 1, .tid = 1, .arch = arch, .nr = nr };
	memcpy(call->args, args, sizeof(call->args));
	return pm_call_read(call, &reader);
}

#define READ(call, memory, arch, name, ...) \
	read_call(call, memory, arch, name, (const uint64_t[6]){ __VA_ARGS__ })

static inline void expect_error(int err, struct memory *memory, uint32_t arch, const char *name,
				const uint64_t *args)
{
	struct pm_call call;
	int got = read_call(&call, memory, arch, name, args);

	if (got != err)
		fail_msg("%s: %d, not %d", name, got, err);
	pm_call_clear(&call);
}

#define FAILS(err, memory, arch, name, ...) \
	expect_error(err, memory, arch, name, (const uint64_t[6]){ __VA_ARGS__ })

static inline struct pm_item *path_of(struct pm_call *call, const char *role)
{
	struct pm_item *item = pm_call_item(call, PM_ITEM_PATH, role);

	assert_non_null(item);
	return item;
}

/* One text, alone in memory. */
static inline struct memory text_memory(uint64_t addr, const char *text)
{
	struct memory memory = { 0 };

	memory_add(&memory, addr, text, strlen(text) + 1);
	return memory;
}

static inline void same_item(const struct pm_item *a, const struct pm_item *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_string_equal(a->role, b->role);
	assert_int_equal(a->classes, b->classes);
	assert_int_equal(a->dirfd, b->dirfd);
	assert_int_equal(a->nofollow, b->nofollow);
	assert_int_equal(a->empty_ok, b->empty_ok);
	if (a->kind == PM_ITEM_STRV) {
		assert_int_equal(a->nstr, b->nstr);
		for (size_t i = 0; i < a->nstr; i++)
			assert_string_equal(a->strv[i], b->strv[i]);
		assert_null(b->strv[b->nstr]);
		return;
	}
	assert_int_equal(a->len, b->len);
	/* Headers differ in the pointers inside. */
	if (a->kind != PM_ITEM_BLOCK)
		assert_memory_equal(a->data, b->data, a->len);
}

/* Lay out, and read the pin as the kernel would: it has to be the same call. */
static inline void round_trip(struct pm_call *call)
{
	size_t size = pm_call_layout_size(call), seen = 0;
	uint64_t base = call->arch == NARROW ? 0xf0000000 : 0x7f1200000000;
	unsigned char *pin = malloc(size + 1);
	struct memory memory = { 0 };
	struct pm_reader reader = memory_ranges_reader(&memory);
	struct pm_run run;

	assert_true(size && size % 8 == 0);
	memset(pin, 0xee, size + 1);
	memory_add(&memory, base, pin, size);
	assert_int_equal(pm_call_layout(call, pin, size - 1, base, &run), -ENOMEM);
	assert_int_equal(pm_call_layout(call, pin, size, base, &run), 0);
	assert_int_equal(pin[size], 0xee);
	for (size_t s = 0; s < run.nsteps; s++) {
		struct pm_call again = { .arch = call->arch, .nr = run.steps[s].nr };

		memcpy(again.args, run.steps[s].args, sizeof(again.args));
		assert_int_equal(pm_call_read(&again, &reader), 0);
		for (size_t i = 0; i < again.nitems; i++) {
			struct pm_item *old = &call->items[seen++];
			bool header = old->kind == PM_ITEM_BLOCK && run.steps[0].msg_len_addr;

			if (header)
				old->role = again.items[i].role;
			same_item(old, &again.items[i]);
		}
		for (int i = 0; s == 0 && i < 6; i++)
			if (run.pinned & 1u << i)
				assert_true(run.steps[0].args[i] - base < size);
		pm_call_clear(&again);
	}
	assert_int_equal(seen, call->nitems);
	pm_run_clear(&run);
	free(pin);
}

#endif
