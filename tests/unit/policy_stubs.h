/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * policy_stubs.h - calls made by hand, and what the library would do to them
 *
 * A call for one test.  Where its paths lead is said by the test; what a layer
 * changes is recorded.
 */
#ifndef POINTSMAN_POLICY_STUBS_H
#define POINTSMAN_POLICY_STUBS_H

#include <pointsman/pointsman.h>

#define STUB_ITEMS 8

struct stub_item {
	struct pm_where where;
	char text[8192], name[8192];
	char *strv[64];
	size_t nset; /* how often it was changed */
};

/* A symbolic link, met by a new path and by that of a socket. */
struct stub_link {
	const char *from, *to;
};

struct stub_call {
	struct pm_call call;
	struct pm_item items[STUB_ITEMS];
	struct stub_item stubs[STUB_ITEMS];
	struct stub_link links[STUB_ITEMS];
	const char *resolved;  /* what pm_call_resolve() answers; NULL: the path cleaned */
	int set_error;	       /* what all pm_call_set_*() answer */
	unsigned int args_set; /* bits of the arguments that were changed */
	bool nr_set;
	bool no_create;	       /* pm_call_forbid_create() */
	bool straight;	       /* what pm_item_leads_straight() answers */
	unsigned int nstraight; /* how often it was asked */
};

void stub_init(struct stub_call *stub, const char *syscall);
/* A path, spelled so, that leads to name. */
struct pm_item *stub_path(struct stub_call *stub, uint32_t classes, const char *text,
			  const char *name);
struct pm_where *stub_where(struct stub_call *stub, const struct pm_item *item);
struct pm_item *stub_sockaddr(struct stub_call *stub, uint32_t classes, const void *addr,
			      size_t len);
struct pm_item *stub_strv(struct stub_call *stub, const char *role, const char *const *strv);
/* The strings joined by a space. */
const char *stub_joined(struct stub_call *stub, const struct pm_item *item);

#endif
