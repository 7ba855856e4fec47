/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "audit_json.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

void json_put(struct json *json, json_object *object, const char *key, json_object *value)
{
	if (object && value && !json_object_object_add(object, key, value))
		return;
	json_object_put(value);
	json->failed = true;
}

void json_put_string(struct json *json, json_object *object, const char *key,
		     const char *string)
{
	if (string)
		json_put(json, object, key, json_text(json, string, strlen(string),
						      JSON_MAX_TEXT));
}

/* Bytes of the well-formed UTF-8 character at s, or 0.  RFC 3629, section 4. */
static size_t utf8_length(const unsigned char *s, size_t len)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (len < n)
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/*
 * How many of the first limit bytes are whole characters.  *valid: all of the
 * bytes up to there are UTF-8, so that a cut only splits a character.
 */
static size_t utf8_prefix(const unsigned char *s, size_t len, size_t limit, bool *valid)
{
	size_t at = 0;

	*valid = true;
	while (at < len && at < limit) {
		size_t n = utf8_length(s + at, len - at);

		if (!n) {
			*valid = false;
			return limit < len ? limit : len;
		}
		if (at + n > limit)
			break;
		at += n;
	}
	return at;
}

static json_object *hex(const unsigned char *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	json_object *value;
	char *text;

	text = malloc(2 * len + 1);
	if (!text)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[data[i] >> 4];
		text[2 * i + 1] = digits[data[i] & 15];
	}
	value = json_object_new_string_len(text, (int)(2 * len));
	free(text);
	return value;
}

static void put_cut(struct json *json, json_object *object, size_t len)
{
	json_put(json, object, "len", json_object_new_uint64(len));
	json_put(json, object, "cut", json_object_new_boolean(true));
}

json_object *json_text(struct json *json, const void *data, size_t len, size_t limit)
{
	json_object *object;
	bool valid;
	size_t n = utf8_prefix(data, len, limit, &valid);

	if (valid && n == len)
		return json_object_new_string_len(data, (int)len);
	object = json_object_new_object();
	if (valid)
		json_put(json, object, "utf8", json_object_new_string_len(data, (int)n));
	else
		json_put(json, object, "hex", hex(data, n));
	if (n < len)
		put_cut(json, object, len);
	return object;
}

void json_put_errno(struct json *json, json_object *object, const char *key, int err)
{
	const char *name = strerrorname_np(err);
	char number[16];

	snprintf(number, sizeof(number), "%d", err);
	json_put_string(json, object, key, name ? name : number);
}

void json_put_result(struct json *json, json_object *object, int64_t result)
{
	json_put(json, object, "result", json_object_new_int64(result));
	if (result < 0 && result >= -4095)
		json_put_errno(json, object, "errno", (int)-result);
}

void json_put_verdict(struct json *json, json_object *object, const struct pm_verdict *verdict)
{
	static const char *const names[] = {
		[PM_ALLOW] = "allow",	[PM_REDIRECT] = "redirect", [PM_DENY] = "deny",
		[PM_VALUE] = "value",	[PM_KILL] = "kill",
	};

	json_put_string(json, object, "rule", verdict->rule);
	json_put_string(json, object, "source", verdict->source);
	json_put_string(json, object, "verdict", names[verdict->action]);
	if (verdict->action == PM_DENY)
		json_put_errno(json, object, "errno", verdict->err);
	if (verdict->action == PM_VALUE)
		json_put(json, object, "value", json_object_new_int64(verdict->value));
}

void json_put_time(struct json *json, json_object *object)
{
	char text[64];
	struct timespec now;
	struct tm utc;
	size_t len;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text + len, sizeof(text) - len, ".%09ldZ", now.tv_nsec);
	json_put_string(json, object, "time", text);
}

static void put_block(struct json *json, json_object *object, const void *data, size_t len)
{
	size_t n = len < JSON_MAX_BLOCK ? len : JSON_MAX_BLOCK;

	json_put(json, object, "hex", hex(data, n));
	if (n < len)
		put_cut(json, object, len);
	else
		json_put(json, object, "len", json_object_new_uint64(len));
}

static void put_inet6(struct json *json, json_object *object, const struct sockaddr_in6 *in6)
{
	char text[INET6_ADDRSTRLEN];

	json_put_string(json, object, "address",
			inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text)));
	json_put(json, object, "port", json_object_new_int(ntohs(in6->sin6_port)));
	if (in6->sin6_scope_id)
		json_put(json, object, "scope", json_object_new_uint64(in6->sin6_scope_id));
}

/* A path ends at its NUL, an abstract name at the length: unix(7). */
static void put_unix(struct json *json, json_object *object, const char *path, size_t len)
{
	if (!len)
		json_put(json, object, "unnamed", json_object_new_boolean(true));
	else if (path[0])
		json_put(json, object, "path",
			 json_text(json, path, strnlen(path, len), JSON_MAX_TEXT));
	else
		json_put(json, object, "abstract",
			 json_text(json, path + 1, len - 1, JSON_MAX_TEXT));
}

void json_put_address(struct json *json, json_object *object, const void *addr, size_t len)
{
	union {
		struct sockaddr_storage any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
		struct sockaddr_nl nl;
	} u = { 0 };
	const size_t family = sizeof(u.any.ss_family);
	char text[INET6_ADDRSTRLEN];

	memcpy(&u, addr, len < sizeof(u) ? len : sizeof(u));
	if (len >= sizeof(u.in) && u.any.ss_family == AF_INET) {
		json_put_string(json, object, "family", "inet");
		json_put_string(json, object, "address",
				inet_ntop(AF_INET, &u.in.sin_addr, text, sizeof(text)));
		json_put(json, object, "port", json_object_new_int(ntohs(u.in.sin_port)));
	} else if (len >= offsetof(struct sockaddr_in6, sin6_scope_id) &&
		   u.any.ss_family == AF_INET6) {
		json_put_string(json, object, "family", "inet6");
		put_inet6(json, object, &u.in6);
	} else if (len >= family && len <= sizeof(u.un) && u.any.ss_family == AF_UNIX) {
		json_put_string(json, object, "family", "unix");
		put_unix(json, object, u.un.sun_path, len - family);
	} else if (len >= sizeof(u.nl) && u.any.ss_family == AF_NETLINK) {
		json_put_string(json, object, "family", "netlink");
		json_put(json, object, "pid", json_object_new_uint64(u.nl.nl_pid));
		json_put(json, object, "groups", json_object_new_uint64(u.nl.nl_groups));
	} else if (len >= family && u.any.ss_family == AF_UNSPEC) {
		json_put_string(json, object, "family", "unspec");
	} else {
		snprintf(text, sizeof(text), "%u", u.any.ss_family);
		json_put_string(json, object, "family", len >= family ? text : NULL);
		put_block(json, object, addr, len);
	}
}

static void put_path(struct json *json, json_object *object, struct pm_call *call,
		     struct pm_item *item)
{
	const struct pm_where *where = pm_item_where(call, item);

	json_put(json, object, "text", json_text(json, item->data, item->len, JSON_MAX_TEXT));
	if (item->dirfd != AT_FDCWD)
		json_put(json, object, "dirfd", json_object_new_int(item->dirfd));
	if (item->nofollow)
		json_put(json, object, "nofollow", json_object_new_boolean(true));
	if (!where)
		return;
	json_put_string(json, object, "name", where->name);
	if (where->err)
		json_put_errno(json, object, "errno", where->err);
	else if (where->missing)
		json_put(json, object, "missing", json_object_new_boolean(true));
}

static void put_list(struct json *json, json_object *object, const struct pm_item *item)
{
	json_object *list = json_object_new_array();
	size_t left = JSON_MAX_LIST, i;

	for (i = 0; list && i < item->nstr && i < JSON_MAX_STRINGS; i++) {
		size_t len = strlen(item->strv[i]);
		json_object *text;

		if (len < JSON_MAX_TEXT ? len > left : left < JSON_MAX_TEXT)
			break;
		left -= len < JSON_MAX_TEXT ? len : JSON_MAX_TEXT;
		text = json_text(json, item->strv[i], len, JSON_MAX_TEXT);
		if (!text || json_object_array_add(list, text)) {
			json_object_put(text);
			json->failed = true;
		}
	}
	json_put(json, object, "list", list);
	if (i < item->nstr)
		put_cut(json, object, item->nstr);
}

static void put_how(struct json *json, json_object *object, const struct pm_item *item)
{
	struct open_how how;
	char text[24];

	if (strcmp(item->role, "how") || item->len < sizeof(how))
		return;
	memcpy(&how, item->data, sizeof(how));
	snprintf(text, sizeof(text), "0x%" PRIx64, (uint64_t)how.flags);
	json_put_string(json, object, "flags", text);
	snprintf(text, sizeof(text), "0x%" PRIx64, (uint64_t)how.mode);
	json_put_string(json, object, "mode", text);
	snprintf(text, sizeof(text), "0x%" PRIx64, (uint64_t)how.resolve);
	json_put_string(json, object, "resolve", text);
}

static void put_classes(struct json *json, json_object *object, uint32_t classes)
{
	json_object *list;

	if (!classes)
		return;
	list = json_object_new_array();
	for (int class = 0; list && class < PM_NCLASSES; class++) {
		json_object *name;

		if (!(classes & PM_BIT(class)))
			continue;
		name = json_object_new_string(pm_class_name(class));
		if (!name || json_object_array_add(list, name)) {
			json_object_put(name);
			json->failed = true;
		}
	}
	json_put(json, object, "classes", list);
}

static json_object *one_item(struct json *json, struct pm_call *call, struct pm_item *item)
{
	static const char *const kinds[] = {
		[PM_ITEM_PATH] = "path",	 [PM_ITEM_STRING] = "string",
		[PM_ITEM_SOCKADDR] = "address",	 [PM_ITEM_STRV] = "list",
		[PM_ITEM_BLOCK] = "block",
	};
	json_object *object = json_object_new_object();

	json_put_string(json, object, "kind", kinds[item->kind]);
	json_put(json, object, "arg", json_object_new_int(item->arg));
	put_classes(json, object, item->classes);
	if (item->kind == PM_ITEM_STRV ? !item->strv : !item->data)
		return object;
	switch (item->kind) {
	case PM_ITEM_PATH:
		put_path(json, object, call, item);
		break;
	case PM_ITEM_STRING:
		json_put(json, object, "text",
			 json_text(json, item->data, item->len, JSON_MAX_TEXT));
		break;
	case PM_ITEM_SOCKADDR:
		json_put_address(json, object, item->data, item->len);
		break;
	case PM_ITEM_STRV:
		put_list(json, object, item);
		break;
	case PM_ITEM_BLOCK:
		put_how(json, object, item);
		put_block(json, object, item->data, item->len);
		break;
	}
	return object;
}

/* The key of item i: its role, or "role[n]" for the n'th after the first of that role. */
static void item_key(const struct pm_call *call, size_t i, char *key, size_t size)
{
	size_t before = 0;

	for (size_t j = 0; j < i; j++)
		before += !strcmp(call->items[j].role, call->items[i].role);
	if (before)
		snprintf(key, size, "%s[%zu]", call->items[i].role, before);
	else
		snprintf(key, size, "%s", call->items[i].role);
}

json_object *json_deep(struct json *json, struct pm_call *call)
{
	json_object *deep = json_object_new_object();
	size_t n = call->nitems < JSON_MAX_ITEMS ? call->nitems : JSON_MAX_ITEMS;
	char key[64];

	for (size_t i = 0; i < n; i++) {
		item_key(call, i, key, sizeof(key));
		json_put(json, deep, key, one_item(json, call, &call->items[i]));
	}
	if (n < call->nitems)
		put_cut(json, deep, call->nitems);
	return deep;
}

void json_put_call(struct json *json, json_object *object, struct pm_call *call)
{
	json_object *args = json_object_new_array();
	char text[24];

	json_put_string(json, object, "call", call->name);
	json_put(json, object, "nr", json_object_new_int(call->nr));
	for (int i = 0; args && i < 6; i++) {
		json_object *arg;

		snprintf(text, sizeof(text), "0x%" PRIx64, call->args[i]);
		arg = json_object_new_string(text);
		if (!arg || json_object_array_add(args, arg)) {
			json_object_put(arg);
			json->failed = true;
		}
	}
	json_put(json, object, "args", args);
	if (call->nitems)
		json_put(json, object, "deep", json_deep(json, call));
}
