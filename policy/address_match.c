/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * address_match.c - which socket addresses a rule's address means
 *
 * An address is matched by what the kernel does with it.  IPv4 in the clothes
 * of IPv6 (::ffff:a.b.c.d) is IPv4.  To connect or send to 0.0.0.0 or :: is to
 * do so to this machine, 127.0.0.1 or ::1 (a socket bound to IPv4 makes the
 * former of "::").  To bind to or send to an address of family 0 is to do so to
 * one of AF_INET.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "address.h"

#define MIN_IN6 24	/* without a scope, as RFC 2133 had it */
#define PATH_OFFSET offsetof(struct sockaddr_un, sun_path)

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* An internet address, as it counts. */
struct endpoint {
	bool ip4, ip6;		/* what it is; a mapped one is both */
	uint8_t four[4], six[16];
	uint16_t port;
};

static unsigned int family_of(const void *sockaddr, size_t len)
{
	sa_family_t family = AF_UNSPEC;

	if (len >= sizeof(family))
		memcpy(&family, sockaddr, sizeof(family));
	return family;
}

static bool read_endpoint(enum address_use use, const void *sockaddr, size_t len,
			  struct endpoint *out)
{
	unsigned int family = family_of(sockaddr, len);
	struct sockaddr_in6 in6 = { 0 };
	struct sockaddr_in in;

	*out = (struct endpoint){ 0 };
	if (family == AF_INET6 && len >= MIN_IN6) {
		memcpy(&in6, sockaddr, len < sizeof(in6) ? len : sizeof(in6));
		out->port = ntohs(in6.sin6_port);
		out->ip6 = true;
		memcpy(out->six, &in6.sin6_addr, 16);
		out->ip4 = !memcmp(out->six, mapped_prefix, sizeof(mapped_prefix));
		memcpy(out->four, out->six + 12, 4);
		return true;
	}
	if (len < sizeof(in) ||
	    (family != AF_INET && !(family == AF_UNSPEC && use != ADDRESS_CONNECT)))
		return false;
	memcpy(&in, sockaddr, sizeof(in));
	out->port = ntohs(in.sin_port);
	out->ip4 = true;
	memcpy(out->four, &in.sin_addr, 4);
	return true;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned int bits)
{
	unsigned int whole = bits / 8;
	uint8_t mask = (uint8_t)(0xff00u >> bits % 8);

	return !memcmp(a, b, whole) && (!(bits % 8) || !((a[whole] ^ b[whole]) & mask));
}

/* Only an IPv6 socket says "::", and may mean either loopback by it. */
static bool matches_four(const struct address *address, const struct endpoint *endpoint,
			 enum address_use use)
{
	static const uint8_t any[16], loopback[4] = { 127, 0, 0, 1 };
	bool is_any = endpoint->ip4 ? !memcmp(endpoint->four, any, 4) :
				      !memcmp(endpoint->six, any, 16);

	if (endpoint->ip4 && same_bits(address->ip, endpoint->four, address->bits))
		return true;
	return use != ADDRESS_BIND && is_any && same_bits(address->ip, loopback, address->bits);
}

static bool matches_six(const struct address *address, const struct endpoint *endpoint,
			enum address_use use)
{
	static const uint8_t any[16];
	static const uint8_t loopback[16] = { [15] = 1 };

	if (!endpoint->ip6)
		return false;
	if (same_bits(address->ip, endpoint->six, address->bits))
		return true;
	return use != ADDRESS_BIND && !memcmp(endpoint->six, any, 16) &&
	       same_bits(address->ip, loopback, address->bits);
}

static bool matches_internet(const struct address *address, enum address_use use,
			     const void *sockaddr, size_t len)
{
	struct endpoint endpoint;

	if (!read_endpoint(use, sockaddr, len, &endpoint))
		return false;
	if (address->ports &&
	    (endpoint.port < address->port_min || endpoint.port > address->port_max))
		return false;
	switch (address->kind) {
	case ADDRESS_IP4:
		return matches_four(address, &endpoint, use);
	case ADDRESS_IP6:
		return matches_six(address, &endpoint, use);
	default:
		return true;
	}
}

int address_unix_path(const void *sockaddr, size_t len, char **out)
{
	const char *path = (const char *)sockaddr + PATH_OFFSET;

	if (family_of(sockaddr, len) != AF_UNIX || len <= PATH_OFFSET || !path[0])
		return -ENOENT;
	*out = strndup(path, len - PATH_OFFSET);
	return *out ? 0 : -ENOMEM;
}

/* A NUL in a name is a byte that only a wildcard matches. */
static bool matches_abstract(const struct address *address, const void *sockaddr, size_t len)
{
	const char *path = (const char *)sockaddr + PATH_OFFSET;
	char name[sizeof(struct sockaddr_storage)];
	size_t n;

	if (len <= PATH_OFFSET || path[0])
		return false;
	n = len - PATH_OFFSET - 1;
	if (n >= sizeof(name))
		return false;
	memcpy(name, path + 1, n);
	name[n] = '\0';
	for (size_t i = 0; i < n; i++)
		if (!name[i])
			name[i] = (char)0xff;
	return !fnmatch(address->spelling, name, 0);
}

static bool matches_path(const struct address *address, const void *sockaddr, size_t len,
			 const char *path)
{
	char *spelling, *clean;
	bool matches = false;

	if (path && pattern_matches(&address->path, path))
		return true;
	if (address_unix_path(sockaddr, len, &spelling))
		return false;
	if (spelling[0] == '/' && !path) {
		clean = path_clean(spelling);
		matches = clean && pattern_matches(&address->path, clean);
		free(clean);
	}
	free(spelling);
	return matches;
}

bool address_matches(const struct address *address, enum address_use use, const void *sockaddr,
		     size_t len, const char *path)
{
	unsigned int family = family_of(sockaddr, len);

	/* Too short to have a family: nothing that a rule could mean. */
	if (len < sizeof(sa_family_t))
		return false;
	switch (address->kind) {
	case ADDRESS_IP:
	case ADDRESS_IP4:
	case ADDRESS_IP6:
		return matches_internet(address, use, sockaddr, len);
	case ADDRESS_UNIX:
		return family == AF_UNIX;
	case ADDRESS_UNIX_PATH:
		return family == AF_UNIX && matches_path(address, sockaddr, len, path);
	case ADDRESS_UNIX_ABSTRACT:
		return family == AF_UNIX && matches_abstract(address, sockaddr, len);
	case ADDRESS_UNIX_UNNAMED:
		return family == AF_UNIX && len <= PATH_OFFSET;
	default:
		return family == address->family;
	}
}

static int replace_four(const struct address *to, const struct endpoint *old, uint16_t port,
			struct sockaddr_storage *out)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };

	if (!old->ip4 || old->ip6 || to->kind != ADDRESS_IP4)
		return -EAFNOSUPPORT;
	memcpy(&in.sin_addr, to->ip, 4);
	memcpy(out, &in, sizeof(in));
	return sizeof(in);
}

/* The socket is an IPv6 one: IPv4 goes into its clothes. */
static int replace_six(const struct address *to, const void *old, size_t old_len, uint16_t port,
		       struct sockaddr_storage *out)
{
	struct sockaddr_in6 in6 = { 0 };
	size_t len = old_len < sizeof(in6) ? old_len : sizeof(in6);

	memcpy(&in6, old, len);
	in6.sin6_port = htons(port);
	in6.sin6_scope_id = 0;
	if (to->kind == ADDRESS_IP4) {
		memcpy(&in6.sin6_addr, mapped_prefix, 12);
		memcpy((char *)&in6.sin6_addr + 12, to->ip, 4);
	} else {
		memcpy(&in6.sin6_addr, to->ip, 16);
	}
	memcpy(out, &in6, sizeof(in6));
	return sizeof(in6);
}

static int replace_unix(const struct address *to, struct sockaddr_storage *out)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t n = strlen(to->spelling);
	bool abstract = to->kind == ADDRESS_UNIX_ABSTRACT;

	if (n + 1 > sizeof(un.sun_path))
		return -ENAMETOOLONG;
	memcpy(un.sun_path + abstract, to->spelling, n);
	memcpy(out, &un, sizeof(un));
	return (int)(PATH_OFFSET + n + 1);
}

int address_replace(const struct address *to, enum address_use use, const void *old,
		    size_t old_len, struct sockaddr_storage *out)
{
	unsigned int family = family_of(old, old_len);
	struct endpoint endpoint;
	uint16_t port;

	memset(out, 0, sizeof(*out));
	if (to->kind == ADDRESS_UNIX_PATH || to->kind == ADDRESS_UNIX_ABSTRACT)
		return family == AF_UNIX ? replace_unix(to, out) : -EAFNOSUPPORT;
	if (!read_endpoint(use, old, old_len, &endpoint))
		return -EAFNOSUPPORT;
	port = to->ports ? to->port_min : endpoint.port;
	return endpoint.ip6 ? replace_six(to, old, old_len, port, out) :
			      replace_four(to, &endpoint, port, out);
}
