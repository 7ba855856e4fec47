/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "call_words.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "socket_words.h"

#define MAX_WORDS 12	/* of an argv */
#define MAX_WORD  60	/* bytes of each */

/* How many bytes at this place are one printable character of UTF-8; 0: none. */
static size_t printable(const unsigned char *at, size_t len)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = at[0] < 0x80 ? 1 : at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
	uint32_t point = n == 1 ? at[0] : at[0] & (0x7f >> n);

	if (n > len || (at[0] >= 0x80 && at[0] < 0xc2) || at[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (at[i] & 0x3f);
	}
	/* Controls, and what turns the direction of a line around. */
	if (point < ' ' || (point >= 0x7f && point < 0xa0) || point > 0x10ffff ||
	    point < least[n] || (point >= 0xd800 && point < 0xe000) ||
	    (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
	    (point >= 0x2060 && point <= 0x206f) || point == 0xfeff)
		return 0;
	return n;
}

void words_text(FILE *to, const char *bytes, size_t len)
{
	const unsigned char *at = (const unsigned char *)bytes, *end = at + len;

	while (at < end) {
		size_t n = printable(at, (size_t)(end - at));

		if (!n)
			fprintf(to, "\\x%02x", *at++);
		else if (*at == '\\')
			fputs("\\\\", to), at++;
		else
			fwrite(at, 1, n, to), at += n;
	}
}

const char *words_member(json_object *object, const char *key, const char *fallback)
{
	json_object *value;

	if (!json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return fallback;
	return json_object_get_string(value);
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *words_bytes(json_object *string, size_t *len)
{
	const char *text, *hex;
	json_object *value;
	char *out;

	if (json_object_is_type(string, json_type_string)) {
		*len = (size_t)json_object_get_string_len(string);
		out = malloc(*len + 1);
		if (out)
			memcpy(out, json_object_get_string(string), *len + 1);
		return out;
	}
	if (!json_object_is_type(string, json_type_object))
		return NULL;
	text = words_member(string, "utf8", NULL);
	if (text)
		return words_bytes((json_object_object_get_ex(string, "utf8", &value), value), len);
	hex = words_member(string, "hex", NULL);
	out = hex ? malloc(strlen(hex) / 2 + 1) : NULL;
	if (!out)
		return NULL;
	for (*len = 0; digit(hex[0]) >= 0 && digit(hex[1]) >= 0; hex += 2)
		out[(*len)++] = (char)(digit(hex[0]) << 4 | digit(hex[1]));
	out[*len] = '\0';
	return out;
}

static void put_string(FILE *to, json_object *string, size_t most)
{
	size_t len = 0;
	char *bytes = words_bytes(string, &len);

	if (!bytes)
		return;
	words_text(to, bytes, len < most ? len : most);
	if (len > most)
		fputs("...", to);
	free(bytes);
}

static void put_path(FILE *to, json_object *path)
{
	json_object *name;

	if (!json_object_object_get_ex(path, "name", &name) &&
	    !json_object_object_get_ex(path, "text", &name))
		return;
	put_string(to, name, SIZE_MAX);
}

void words_address(FILE *to, json_object *address)
{
	const char *family = words_member(address, "family", ""), *ip;
	json_object *value;

	if (!strcmp(family, "inet") || !strcmp(family, "inet6")) {
		ip = words_member(address, "address", "");
		json_object_object_get_ex(address, "port", &value);
		fprintf(to, strchr(ip, ':') ? "[%s]:%d" : "%s:%d", ip, json_object_get_int(value));
	} else if (!strcmp(family, "unix")) {
		fputs("unix:", to);
		if (json_object_object_get_ex(address, "path", &value)) {
			put_string(to, value, SIZE_MAX);
		} else if (json_object_object_get_ex(address, "abstract", &value)) {
			fputc('@', to);
			put_string(to, value, SIZE_MAX);
		} else {
			fputs("unnamed", to);
		}
	} else {
		json_object_object_get_ex(address, "family", &value);
		fputs("family:", to);
		words_text(to, json_object_get_string(value), strlen(json_object_get_string(value)));
	}
}

static void put_list(FILE *to, json_object *item)
{
	json_object *list;
	size_t n;

	if (!json_object_object_get_ex(item, "list", &list) ||
	    !json_object_is_type(list, json_type_array))
		return;
	n = json_object_array_length(list);
	fputc('[', to);
	for (size_t i = 0; i < n && i < MAX_WORDS; i++) {
		if (i)
			fputc(' ', to);
		put_string(to, json_object_array_get_idx(list, i), MAX_WORD);
	}
	fputs(n > MAX_WORDS ? " ...]" : "]", to);
}

void words_named(FILE *to, json_object *object, const char *before)
{
	bool first = true, path = false;
	json_object *deep;

	if (words_socket(to, object, before) || !json_object_object_get_ex(object, "deep", &deep))
		return;
	json_object_object_foreach(deep, role, item) {
		const char *kind = words_member(item, "kind", "");
		bool is_path = !strcmp(kind, "path");

		/* An environment is long, and structures say little. */
		if (!strcmp(kind, "block") || !strcmp(role, "envp") ||
		    !json_object_is_type(item, json_type_object))
			continue;
		if (first)
			fputs(before, to);
		else if (!strncmp(role, "interpreter", strlen("interpreter")))
			fputs(" by ", to);
		else
			fputs(is_path && path ? " -> " : " ", to);
		first = false;
		path |= is_path;
		if (is_path)
			put_path(to, item);
		else if (!strcmp(kind, "address"))
			words_address(to, item);
		else if (!strcmp(kind, "list"))
			put_list(to, item);
		else
			put_string(to, json_object_object_get(item, "text"), MAX_WORD);
	}
}

const char *words_errno(const char *name)
{
	for (int number = 1; number < 4096; number++) {
		const char *known = strerrorname_np(number);

		if (known && !strcmp(known, name))
			return strerror(number);
	}
	return name;
}
