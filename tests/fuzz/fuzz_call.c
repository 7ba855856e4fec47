/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The shape reader on any memory and any registers.  What could be read is
 * laid out, read again from the pin, and has to be the same; then it is
 * changed in every way.
 *
 * The input: a byte for the table, two for the number, two for another number,
 * four for each register, and the target's memory.
 */
#include <linux/audit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>

#include "call.h"
#include "shapes.h"

#define HEADER (1 + 2 + 2 + 6 * 4)
#define MEMORY 0x10000u
#define PIN 0x40000000u

struct area {
	uint64_t addr;
	const uint8_t *bytes;
	size_t len;
};

/* Two areas: the target's memory and the pin. */
static ssize_t area_read(void *data, uint64_t addr, void *buf, size_t len)
{
	const struct area *area = data;

	for (int i = 0; i < 2; i++) {
		uint64_t at = addr - area[i].addr;

		if (at >= area[i].len)
			continue;
		if (len > area[i].len - at)
			len = area[i].len - at;
		memcpy(buf, area[i].bytes + at, len);
		return (ssize_t)len;
	}
	return -EFAULT;
}

static void check(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "does not hold: %s\n", what);
	abort();
}

#define CHECK(what) check(what, #what)

static uint64_t word(const uint8_t *from, size_t width)
{
	uint64_t value = 0;

	memcpy(&value, from, width);
	return value;
}

/* A register: by the first byte a small number, a pointer, or something large. */
static uint64_t argument(const uint8_t *from, size_t memory)
{
	uint64_t value = word(from + 1, 3);

	switch (from[0] % 4) {
	case 0:
		return value;
	case 1:
		return MEMORY + (memory ? value % (memory + 16) : value);
	case 2:
		return ~value;
	default:
		return value << (from[0] / 4);
	}
}

static void check_item(const struct pm_item *item)
{
	CHECK(item->arg < 6 && item->role && item->classes < PM_BIT(PM_NCLASSES));
	switch (item->kind) {
	case PM_ITEM_PATH:
		CHECK(item->len < 4096);
		/* fall through */
	case PM_ITEM_STRING:
		CHECK(strlen((const char *)item->data) == item->len && item->len <= 4096);
		break;
	case PM_ITEM_SOCKADDR:
		CHECK(item->len <= 128);
		break;
	case PM_ITEM_STRV:
		CHECK(!item->strv[item->nstr]);
		break;
	case PM_ITEM_BLOCK:
		CHECK(item->len <= 4096);
		break;
	}
}

static void check_same(const struct pm_item *a, const struct pm_item *b)
{
	CHECK(a->kind == b->kind && a->classes == b->classes && a->dirfd == b->dirfd);
	CHECK(a->nofollow == b->nofollow && a->empty_ok == b->empty_ok);
	CHECK(a->nstr == b->nstr && a->len == b->len);
	for (size_t i = 0; i < a->nstr; i++)
		CHECK(!strcmp(a->strv[i], b->strv[i]));
	if (a->kind != PM_ITEM_STRV && a->kind != PM_ITEM_BLOCK)
		CHECK(!memcmp(a->data, b->data, a->len));
}

/* Lay it out; with again set, read each step from the pin and compare. */
static void lay_out(const struct pm_call *call, bool again)
{
	size_t size = pm_call_layout_size(call), seen = 0;
	uint8_t *pin = malloc(size ? size : 1);
	struct area area[2] = { { PIN, pin, size }, { 0, NULL, 0 } };
	const struct pm_reader reader = { area, area_read };
	struct pm_run run;

	if (!pin)
		return;
	CHECK(pm_call_layout(call, pin, size, PIN, &run) == 0);
	CHECK(run.nsteps >= 1);
	for (size_t s = 0; again && size && s < run.nsteps; s++) {
		struct pm_call copy = { .arch = call->arch, .nr = run.steps[s].nr };

		memcpy(copy.args, run.steps[s].args, sizeof(copy.args));
		CHECK(pm_call_read(&copy, &reader) == 0);
		for (size_t i = 0; i < copy.nitems; i++)
			check_same(&call->items[seen++], &copy.items[i]);
		pm_call_clear(&copy);
	}
	CHECK(!again || !size || seen == call->nitems);
	pm_run_clear(&run);
	free(pin);
}

static void change_item(struct pm_call *call, struct pm_item *item)
{
	char *const strv[] = { (char[]){ "new" }, (char[]){ "" }, NULL };
	uint8_t addr[128] = { 0 };

	switch (item->kind) {
	case PM_ITEM_PATH:
		CHECK(pm_call_set_path(call, item, "some/new/name") == 0);
		break;
	case PM_ITEM_SOCKADDR:
		if (item->len >= 2)
			memcpy(addr, item->data, 2);
		pm_call_set_sockaddr(call, item, addr, 100);
		break;
	case PM_ITEM_STRV:
		CHECK(pm_call_set_strv(call, item, strv) == 0);
		break;
	default:
		break;
	}
}

static void change(struct pm_call *call, int nr, const uint8_t *from)
{
	struct pm_open_how how;

	for (size_t i = 0; i < call->nitems; i++)
		change_item(call, &call->items[i]);
	lay_out(call, true);
	for (unsigned int i = 0; i < 6; i++)
		pm_call_set_arg(call, i, word(from + i, 3));
	pm_call_open_how(call, &how);
	lay_out(call, false);
	pm_call_set_nr(call, nr);
	for (size_t i = 0; i < call->nitems; i++)
		check_item(&call->items[i]);
	pm_call_open_how(call, &how);
	lay_out(call, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pm_call call = { 0 };
	struct area area[2] = { { 0 } };
	const struct pm_reader reader = { area, area_read };
	int err, other;

	if (size < HEADER)
		return 0;
	area[0] = (struct area){ MEMORY, data + HEADER, size - HEADER };
	call.arch = data[0] & 1 ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64;
	call.nr = (int)(word(data + 1, 2) % (unsigned int)(pm_syscall_max(call.arch) + 2));
	other = (int)(word(data + 3, 2) % (unsigned int)(pm_syscall_max(call.arch) + 2));
	for (unsigned int i = 0; i < 6; i++)
		call.args[i] = argument(data + 5 + i * 4, size - HEADER);
	err = pm_call_read(&call, &reader);
	CHECK(err <= 0);
	for (size_t i = 0; i < call.nitems && !err; i++)
		check_item(&call.items[i]);
	if (!err) {
		lay_out(&call, true);
		change(&call, other, data + 5);
	}
	pm_call_clear(&call);
	return 0;
}
