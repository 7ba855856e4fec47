/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * address.h - socket addresses as rules spell them
 *
 *	127.0.0.1:80  10.0.0.0/8:1000-2000  10.0.0.1	IPv4, any port where none is said
 *	[::1]:443  [fe80::/10]:*			IPv6
 *	*:53  *						IPv4 and IPv6
 *	unix:/run/x.sock  unix:/run/x-?  unix:@name  unix:unnamed  unix:*
 *	family:netlink  family:40
 */
#ifndef POINTSMAN_ADDRESS_H
#define POINTSMAN_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/socket.h>

#include "pattern.h"

enum address_kind {
	ADDRESS_IP,		/* any, of either version */
	ADDRESS_IP4,
	ADDRESS_IP6,
	ADDRESS_UNIX,		/* any */
	ADDRESS_UNIX_PATH,
	ADDRESS_UNIX_ABSTRACT,
	ADDRESS_UNIX_UNNAMED,
	ADDRESS_FAMILY,
};

/*
 * Owner: whoever holds the struct; address_clear().
 */
struct address {
	enum address_kind kind;
	uint8_t ip[16];			/* network order; IP4: the first four */
	unsigned int bits;		/* of the prefix */
	bool ports;			/* port_min and port_max count */
	uint16_t port_min, port_max;
	struct pattern path;		/* UNIX_PATH */
	char *spelling;			/* UNIX_PATH, UNIX_ABSTRACT: as written, the name alone */
	unsigned int family;		/* FAMILY */
};

/*
 * Returns 0, -ENOMEM, or -EINVAL with *why set to what is wrong and what was
 * expected, for the caller to free.
 */
int address_parse(const char *text, struct address *out, char **why);
void address_clear(struct address *address);

/* Does it name one address, to redirect to?  The port may be left open. */
bool address_is_one(const struct address *address);
/* AF_INET, AF_INET6, AF_UNIX, the number of another, or AF_UNSPEC for ADDRESS_IP. */
unsigned int address_family(const struct address *address);
/* The number of a family that has a name here, "inet6" or "netlink".  Returns 0 or -EINVAL. */
int family_by_name(const char *name, uint64_t *out);
/* The name, or NULL. */
const char *family_name(unsigned int family);

/* What a call does with an address; it changes what the address means. */
enum address_use { ADDRESS_CONNECT, ADDRESS_BIND, ADDRESS_SEND };

/*
 * Does it match what the call names?  path, or NULL, is where the path of an
 * AF_UNIX address leads.
 */
bool address_matches(const struct address *address, enum address_use use, const void *sockaddr,
		     size_t len, const char *path);
/* The path of an AF_UNIX address, for the caller to free; 0, -ENOENT (none), -ENOMEM. */
int address_unix_path(const void *sockaddr, size_t len, char **out);

/*
 * The address to use instead of old.  Returns its length, or -EAFNOSUPPORT
 * where it is of another family, -ENAMETOOLONG.
 */
int address_replace(const struct address *to, enum address_use use, const void *old,
		    size_t old_len, struct sockaddr_storage *out);

#endif
