/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "socket_words.h"

#include <ctype.h>
#include <errno.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "address.h"
#include "call_words.h"

#define NAME(name) { #name, name }

struct constant {
	const char *name;
	unsigned int value;
};

static const struct constant types[] = {
	NAME(SOCK_STREAM),    NAME(SOCK_DGRAM), NAME(SOCK_RAW),	   NAME(SOCK_RDM),
	NAME(SOCK_SEQPACKET), NAME(SOCK_DCCP),	NAME(SOCK_PACKET), { NULL, 0 },
};

static const struct constant type_flags[] = {
	NAME(SOCK_NONBLOCK),
	NAME(SOCK_CLOEXEC),
	{ NULL, 0 },
};

static const struct constant ip_protocols[] = {
	NAME(IPPROTO_ICMP), NAME(IPPROTO_IGMP), NAME(IPPROTO_TCP),     NAME(IPPROTO_UDP),
	NAME(IPPROTO_DCCP), NAME(IPPROTO_IPV6), NAME(IPPROTO_GRE),     NAME(IPPROTO_ESP),
	NAME(IPPROTO_AH),   NAME(IPPROTO_SCTP), NAME(IPPROTO_UDPLITE), NAME(IPPROTO_ICMPV6),
	NAME(IPPROTO_RAW),  { "IPPROTO_MPTCP", 262 },
	/* The same as no choice: taken, and not shown. */
	NAME(IPPROTO_IP),   { NULL, 0 },
};

static const struct constant netlink_protocols[] = {
	NAME(NETLINK_ROUTE),	 NAME(NETLINK_USERSOCK),       NAME(NETLINK_SOCK_DIAG),
	NAME(NETLINK_XFRM),	 NAME(NETLINK_SELINUX),	       NAME(NETLINK_AUDIT),
	NAME(NETLINK_CONNECTOR), NAME(NETLINK_NETFILTER),      NAME(NETLINK_KOBJECT_UEVENT),
	NAME(NETLINK_GENERIC),	 NAME(NETLINK_CRYPTO),	       { NULL, 0 },
};

static const struct constant *const tables[] = {
	types, type_flags, ip_protocols, netlink_protocols,
};

int socket_word(const char *name, uint64_t *out)
{
	char family[32];
	size_t i = 0;

	for (size_t table = 0; table < sizeof(tables) / sizeof(tables[0]); table++) {
		for (const struct constant *at = tables[table]; at->name; at++) {
			if (!strcmp(at->name, name)) {
				*out = at->value;
				return 0;
			}
		}
	}
	if ((strncmp(name, "AF_", 3) && strncmp(name, "PF_", 3)) ||
	    strlen(name) - 3 >= sizeof(family))
		return -EINVAL;
	for (name += 3; name[i]; i++) {
		if (islower((unsigned char)name[i]))
			return -EINVAL;
		family[i] = (char)tolower((unsigned char)name[i]);
	}
	family[i] = '\0';
	return family_by_name(!strcmp(family, "local") ? "unix" : family, out);
}

void socket_nearest(struct nearest *nearest)
{
	for (size_t table = 0; table < sizeof(tables) / sizeof(tables[0]); table++)
		for (const struct constant *at = tables[table]; at->name; at++)
			nearest_try(nearest, at->name);
}

static const char *name_of(const struct constant *names, unsigned int value)
{
	for (; names->name; names++)
		if (names->value == value)
			return names->name;
	return NULL;
}

static void put_family(FILE *to, unsigned int value)
{
	const char *name = family_name(value);

	if (!name) {
		fprintf(to, "%u", value);
		return;
	}
	fputs("AF_", to);
	for (; *name; name++)
		fputc(toupper((unsigned char)*name), to);
}

static void put_type(FILE *to, unsigned int value)
{
	const unsigned int mask = 0xf;	/* SOCK_TYPE_MASK of the kernel */
	const char *name = name_of(types, value & mask);
	unsigned int rest = value & ~mask;

	if (name)
		fputs(name, to);
	else
		fprintf(to, "%u", value & mask);
	for (const struct constant *flag = type_flags; flag->name; flag++) {
		if (!(rest & flag->value))
			continue;
		fprintf(to, "|%s", flag->name);
		rest &= ~flag->value;
	}
	if (rest)
		fprintf(to, "|0x%x", rest);
}

static void put_protocol(FILE *to, unsigned int family, unsigned int value)
{
	const char *name = NULL;

	if (family == AF_NETLINK)
		name = name_of(netlink_protocols, value);
	else if (value && (family == AF_INET || family == AF_INET6))
		name = name_of(ip_protocols, value);
	if (name)
		fputs(name, to);
	else
		fprintf(to, "%u", value);
}

/* The kernel takes ints. */
static unsigned int register_of(json_object *args, size_t i)
{
	return (unsigned int)strtoull(
		json_object_get_string(json_object_array_get_idx(args, i)) ?: "0", NULL, 0);
}

bool words_socket(FILE *to, json_object *call, const char *before)
{
	const char *name = words_member(call, "call", "");
	json_object *args;

	if ((strcmp(name, "socket") && strcmp(name, "socketpair")) ||
	    !json_object_object_get_ex(call, "args", &args) ||
	    !json_object_is_type(args, json_type_array) || json_object_array_length(args) < 3)
		return false;
	fputs(before, to);
	put_family(to, register_of(args, 0));
	fputc(' ', to);
	put_type(to, register_of(args, 1));
	fputc(' ', to);
	put_protocol(to, register_of(args, 0), register_of(args, 2));
	return true;
}
