/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * named.c - an address that is sent to is what it is taken for
 *
 * To connect or send to 0.0.0.0 or :: is to do so to the loopback address; but
 * where a socket of IPv4 is bound, it is to the address that it is bound to
 * (ip_route_output()), and another thread can bind it at any time.  So what is
 * decided on, and runs, names the loopback address.
 *
 * To send to an address of family 0 is to do so to one of IPv4; but a raw socket
 * of IPv6 takes it for one of its own, where it is long enough.  So it is not.
 */
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include "call_private.h"

/* Sending takes family 0 for IPv4; connecting to it ends a connection. */
static bool sends_without_family(const struct pm_item *item)
{
	return item->len >= sizeof(struct sockaddr_in) && !item->data[0] && !item->data[1] &&
	       !(item->classes & PM_BIT(PM_CLASS_CONNECT));
}

static void name_loopback(struct pm_item *item)
{
	static const unsigned char any[16], mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const unsigned char loopback4[4] = { 127, 0, 0, 1 }, loopback6[16] = { [15] = 1 };
	unsigned char *four = item->data + offsetof(struct sockaddr_in, sin_addr);
	unsigned char *six = item->data + offsetof(struct sockaddr_in6, sin6_addr);
	sa_family_t family = AF_UNSPEC;

	if (item->len >= sizeof(family))
		memcpy(&family, item->data, sizeof(family));
	if (family == AF_INET6 && item->len >= offsetof(struct sockaddr_in6, sin6_scope_id)) {
		if (!memcmp(six, any, 16))
			memcpy(six, loopback6, 16);
		else if (!memcmp(six, mapped, 12) && !memcmp(six + 12, any, 4))
			memcpy(six + 12, loopback4, 4);
		return;
	}
	if (item->len >= sizeof(struct sockaddr_in) && !memcmp(four, any, 4) &&
	    (family == AF_INET || sends_without_family(item)))
		memcpy(four, loopback4, 4);
}

void call_name_address(struct pm_call *call)
{
	for (size_t i = 0; i < call->nitems; i++) {
		struct pm_item *item = &call->items[i];

		if (item->kind != PM_ITEM_SOCKADDR ||
		    !(item->classes & (PM_BIT(PM_CLASS_CONNECT) | PM_BIT(PM_CLASS_SEND))))
			continue;
		name_loopback(item);
		if (!sends_without_family(item))
			continue;
		item->len = sizeof(struct sockaddr_in);
		call_store_length(call, item);
	}
}
