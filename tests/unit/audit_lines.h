/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * audit_lines.h - what the tests of the audit share: the two functions of the
 * library that it calls, and a way to look at a member of a line
 */
#ifndef POINTSMAN_TEST_AUDIT_LINES_H
#define POINTSMAN_TEST_AUDIT_LINES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit_json.h"

const char *pm_class_name(enum pm_class class)
{
	return class == PM_CLASS_OPEN_READ ? "open-read" : "other";
}

static struct pm_where nowhere = { .fd = -1 };

const struct pm_where *pm_item_where(struct pm_call *call, struct pm_item *item)
{
	(void)call;
	(void)item;
	return &nowhere;
}

/* What a member, "a.b.2.c", looks like as JSON, or "" where it is not there. */
static inline const char *member(json_object *object, const char *path)
{
	char copy[128], *save, *key;

	snprintf(copy, sizeof(copy), "%s", path);
	for (key = strtok_r(copy, ".", &save); key && object; key = strtok_r(NULL, ".", &save)) {
		if (json_object_is_type(object, json_type_array))
			object = json_object_array_get_idx(object, strtoul(key, NULL, 10));
		else
			object = json_object_object_get(object, key);
	}
	return object ? json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
						       JSON_C_TO_STRING_NOSLASHESCAPE) : "";
}

#define assert_member(object, path, json) assert_string_equal(member(object, path), json)

#endif
