/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* read_strv.c - argv and envp: many strings, read a few pages at a time */
#include "call_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

#define WINDOW (16u * PAGE)
#define POINTER_COST 8u		/* what the kernel counts, for 32-bit programs too */

/*
 * The part of the target's memory that was read last.  It grows as long as the
 * reading goes on where the part ends, as it does in most vectors.
 */
struct window {
	const struct pm_reader *reader;
	unsigned char *bytes;
	uint64_t base;
	size_t len;
	size_t next;		/* how much to read next, in bytes */
};

struct text {
	char *bytes;
	size_t len, room, count;
};

static ssize_t window_fill(struct window *window, uint64_t from, size_t len)
{
	ssize_t n = window->reader->read(window->reader->data, from, window->bytes, len);

	window->base = from;
	window->len = n < 0 ? 0 : (size_t)n;
	return n;
}

/* The bytes at addr, as many as are at hand: a count > 0 or a negative errno. */
static ssize_t window_at(struct window *window, uint64_t addr, const unsigned char **bytes)
{
	ssize_t n;

	if (addr - window->base >= window->len) {
		if (addr != window->base + window->len)
			window->next = PAGE;
		else if (window->next < WINDOW)
			window->next *= 2;
		/* With what is before it in its page: others of the vector often are. */
		n = window_fill(window, addr - addr % PAGE, window->next);
		if (n <= (ssize_t)(addr - window->base))
			n = window_fill(window, addr, window->next - (size_t)(addr % PAGE));
		if (n <= 0)
			return n ? n : -EFAULT;
	}
	*bytes = window->bytes + (addr - window->base);
	return (ssize_t)(window->len - (addr - window->base));
}

static int text_add(struct text *text, const unsigned char *bytes, size_t len)
{
	if (text->room - text->len < len) {
		size_t room = text->room ? text->room : PAGE;
		char *grown;

		while (room - text->len < len)
			room *= 2;
		grown = realloc(text->bytes, room);
		if (!grown)
			return -ENOMEM;
		text->bytes = grown;
		text->room = room;
	}
	memcpy(text->bytes + text->len, bytes, len);
	text->len += len;
	return 0;
}

static int read_string(struct window *window, uint64_t addr, size_t *used, struct text *text)
{
	size_t limit = VECTOR_BYTES - *used < STRING_BYTES ? VECTOR_BYTES - *used : STRING_BYTES;
	const unsigned char *bytes, *end = NULL;
	size_t len = 0;

	while (!end) {
		ssize_t n = window_at(window, addr + len, &bytes);
		int err;

		if (n < 0)
			return (int)n;
		if ((size_t)n > limit - len)
			n = (ssize_t)(limit - len);
		end = memchr(bytes, '\0', (size_t)n);
		if (end)
			n = end + 1 - bytes;
		else if ((size_t)n == limit - len)
			return -E2BIG;
		err = text_add(text, bytes, (size_t)n);
		if (err)
			return err;
		len += (size_t)n;
	}
	*used += len;
	text->count++;
	return 0;
}

static int read_pointer(struct window *window, uint64_t addr, size_t width, uint64_t *pointer)
{
	const unsigned char *bytes;
	unsigned char split[8];
	ssize_t n = window_at(window, addr, &bytes);

	if (n < 0)
		return (int)n;
	if ((size_t)n < width) {
		int err = read_exact(window->reader, addr, split, width);

		if (err)
			return err;
		bytes = split;
	}
	*pointer = load_le(bytes, width);
	return 0;
}

char **strv_pack(const char *text, size_t len, size_t count)
{
	char **strv = malloc((count + 1) * sizeof(*strv) + len);
	char *at;

	if (!strv)
		return NULL;
	at = (char *)(strv + count + 1);
	if (len)
		memcpy(at, text, len);
	for (size_t i = 0; i < count; i++) {
		strv[i] = at;
		at += strlen(at) + 1;
	}
	strv[count] = NULL;
	return strv;
}

int read_strv(const struct pm_reader *reader, uint64_t addr, size_t width, size_t *used,
	      struct pm_item *item)
{
	auto_free unsigned char *memory = malloc(2 * WINDOW);
	struct window pointers = { reader, memory, 0, 0, PAGE };
	struct window strings = { reader, memory + WINDOW, 0, 0, PAGE };
	struct text text = { 0 };
	uint64_t string = 0;
	int err = memory ? 0 : -ENOMEM;

	while (!err && addr) {
		err = read_pointer(&pointers, addr, width, &string);
		if (err || !string)
			break;
		if (VECTOR_BYTES - *used <= POINTER_COST)
			err = -E2BIG;
		*used += POINTER_COST;
		if (!err)
			err = read_string(&strings, string, used, &text);
		addr += width;
	}
	if (!err) {
		item->strv = strv_pack(text.bytes, text.len, text.count);
		item->nstr = item->strv ? text.count : 0;
		err = item->strv ? 0 : -ENOMEM;
	}
	free(text.bytes);
	return err;
}
