/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * address.c - socket addresses as rules spell them
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "address.h"
#include "words.h"

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static const struct {
	const char *name;
	unsigned int family;
} families[] = {
	{ "unspec", AF_UNSPEC },       { "unix", AF_UNIX },	  { "inet", AF_INET },
	{ "ax25", AF_AX25 },	       { "ipx", AF_IPX },	  { "appletalk", AF_APPLETALK },
	{ "netrom", AF_NETROM },       { "x25", AF_X25 },	  { "inet6", AF_INET6 },
	{ "rose", AF_ROSE },	       { "key", AF_KEY },	  { "netlink", AF_NETLINK },
	{ "packet", AF_PACKET },       { "rds", AF_RDS },	  { "pppox", AF_PPPOX },
	{ "llc", AF_LLC },	       { "ib", AF_IB },		  { "can", AF_CAN },
	{ "tipc", AF_TIPC },	       { "bluetooth", AF_BLUETOOTH }, { "iucv", AF_IUCV },
	{ "rxrpc", AF_RXRPC },	       { "phonet", AF_PHONET },	  { "ieee802154", AF_IEEE802154 },
	{ "caif", AF_CAIF },	       { "alg", AF_ALG },	  { "nfc", AF_NFC },
	{ "vsock", AF_VSOCK },	       { "kcm", AF_KCM },	  { "qipcrtr", AF_QIPCRTR },
	{ "smc", AF_SMC },	       { "xdp", AF_XDP },	  { "mctp", AF_MCTP },
};

__attribute__((format(printf, 2, 3)))
static int complain(char **why, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vasprintf(why, format, args);
	va_end(args);
	if (len < 0) {
		*why = NULL;
		return -ENOMEM;
	}
	return -EINVAL;
}

static int complain_form(const char *text, char **why)
{
	return complain(why, "'%s' is no address, expected IPV4[/BITS][:PORTS], "
			"'[IPV6[/BITS]]:PORTS', '*:PORTS', unix:PATH, unix:@NAME or family:NAME",
			text);
}

static int parse_port(const char *text, size_t len, uint16_t *out)
{
	uint32_t port = 0;

	if (!len || len > 5)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		port = port * 10 + (uint32_t)(text[i] - '0');
	}
	if (port > UINT16_MAX)
		return -EINVAL;
	*out = (uint16_t)port;
	return 0;
}

/* "", ":*", ":80" or ":1000-2000". */
static int parse_ports(const char *text, const char *ports, struct address *out, char **why)
{
	const char *dash;
	size_t len;

	if (!*ports || !strcmp(ports, ":*"))
		return 0;
	if (*ports != ':')
		return complain_form(text, why);
	ports++;
	dash = strchr(ports, '-');
	len = dash ? (size_t)(dash - ports) : strlen(ports);
	if (parse_port(ports, len, &out->port_min) ||
	    parse_port(dash ? dash + 1 : ports, dash ? strlen(dash + 1) : len, &out->port_max) ||
	    out->port_min > out->port_max)
		return complain(why, "'%s' has port '%s', expected 0..65535, a range LOW-HIGH or *",
				text, ports);
	out->ports = true;
	return 0;
}

static int parse_bits(const char *text, const char *bits, unsigned int most, struct address *out,
		      char **why)
{
	uint16_t number = 0;

	if (!bits) {
		out->bits = most;
		return 0;
	}
	if (parse_port(bits, strlen(bits), &number) || number > most)
		return complain(why, "'%s' has prefix length '%s', expected 0..%u", text, bits,
				most);
	out->bits = number;
	for (unsigned int bit = number; bit < most; bit++)
		if (out->ip[bit / 8] & (0x80u >> bit % 8))
			return complain(why, "'%s' has bits set after the first %u, expected none",
					text, out->bits);
	return 0;
}

/* ip is "ADDRESS" or "ADDRESS/BITS", and is taken apart here. */
static int parse_ip(const char *text, char *ip, int family, struct address *out, char **why)
{
	char *slash = strchr(ip, '/');
	int err;

	if (slash)
		*slash++ = '\0';
	if (family == AF_INET6 && strchr(ip, '%'))
		return complain(why, "'%s' names a zone, expected an address without one", text);
	if (inet_pton(family, ip, out->ip) != 1)
		return complain_form(text, why);
	out->kind = family == AF_INET ? ADDRESS_IP4 : ADDRESS_IP6;
	err = parse_bits(text, slash, family == AF_INET ? 32 : 128, out, why);
	if (!err && family == AF_INET6 && out->bits >= 96 &&
	    !memcmp(out->ip, mapped_prefix, sizeof(mapped_prefix))) {
		/* An IPv4 address in the clothes of IPv6 is one. */
		out->kind = ADDRESS_IP4;
		out->bits -= 96;
		memmove(out->ip, out->ip + 12, 4);
		memset(out->ip + 4, 0, 12);
	}
	return err;
}

static int parse_internet(const char *text, struct address *out, char **why)
{
	const char *ports;
	size_t len, skip = 0;
	char ip[64];
	int family = AF_INET;
	int err;

	if (text[0] == '[') {
		family = AF_INET6;
		len = strcspn(++text, "]");
		skip = 1;
		if (!text[len])
			return complain_form(text - 1, why);
	} else {
		len = strcspn(text, ":");
	}
	ports = text + len + skip;
	if (len >= sizeof(ip))
		return complain_form(text - skip, why);
	memcpy(ip, text, len);
	ip[len] = '\0';
	if (!skip && !strcmp(ip, "*"))
		out->kind = ADDRESS_IP;
	else {
		err = parse_ip(text - skip, ip, family, out, why);
		if (err)
			return err;
	}
	return parse_ports(text - skip, ports, out, why);
}

static int parse_unix(const char *text, struct address *out, char **why)
{
	const char *name = text + strlen("unix:");
	int err;

	if (!strcmp(name, "*")) {
		out->kind = ADDRESS_UNIX;
		return 0;
	}
	if (!strcmp(name, "unnamed")) {
		out->kind = ADDRESS_UNIX_UNNAMED;
		return 0;
	}
	if (name[0] == '@') {
		out->kind = ADDRESS_UNIX_ABSTRACT;
		out->spelling = strdup(name + 1);
		return out->spelling ? 0 : -ENOMEM;
	}
	if (name[0] != '/')
		return complain(why, "'%s' is no address, expected an absolute path, @NAME, * or "
				"unnamed after 'unix:'", text);
	out->spelling = strdup(name);
	if (!out->spelling)
		return -ENOMEM;
	if (glob_special(name) && glob_flaw(name, true))
		return complain(why, "'%s' has %s: never so", text, glob_flaw(name, true));
	err = pattern_init(&out->path, glob_special(name) ? PATTERN_GLOB : PATTERN_PATH, name);
	if (!err)
		out->kind = ADDRESS_UNIX_PATH;
	return err;
}

int family_by_name(const char *name, uint64_t *out)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		if (!strcmp(families[i].name, name)) {
			*out = families[i].family;
			return 0;
		}
	}
	return -EINVAL;
}

const char *family_name(unsigned int family)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (families[i].family == family)
			return families[i].name;
	return NULL;
}

static int parse_family(const char *text, struct address *out, char **why)
{
	const char *name = text + strlen("family:");
	uint64_t known;
	uint16_t number;

	out->kind = ADDRESS_FAMILY;
	if (!family_by_name(name, &known)) {
		out->family = (unsigned int)known;
		return 0;
	}
	if (parse_port(name, strlen(name), &number))
		return complain(why, "'%s' names no family, expected one such as netlink, packet "
				"or vsock, or its number", text);
	out->family = number;
	return 0;
}

int address_parse(const char *text, struct address *out, char **why)
{
	int err;

	*out = (struct address){ .kind = ADDRESS_IP };
	if (!strncmp(text, "unix:", 5))
		err = parse_unix(text, out, why);
	else if (!strncmp(text, "family:", 7))
		err = parse_family(text, out, why);
	else
		err = parse_internet(text, out, why);
	if (err)
		address_clear(out);
	return err;
}

void address_clear(struct address *address)
{
	if (address->kind == ADDRESS_UNIX_PATH)
		pattern_clear(&address->path);
	free(address->spelling);
	*address = (struct address){ .kind = ADDRESS_IP };
}

bool address_is_one(const struct address *address)
{
	if (address->ports && address->port_min != address->port_max)
		return false;
	switch (address->kind) {
	case ADDRESS_IP4:
		return address->bits == 32;
	case ADDRESS_IP6:
		return address->bits == 128;
	case ADDRESS_UNIX_PATH:
	case ADDRESS_UNIX_ABSTRACT:
		return !glob_special(address->spelling);
	default:
		return false;
	}
}

unsigned int address_family(const struct address *address)
{
	switch (address->kind) {
	case ADDRESS_IP:
		return AF_UNSPEC;
	case ADDRESS_IP4:
		return AF_INET;
	case ADDRESS_IP6:
		return AF_INET6;
	case ADDRESS_FAMILY:
		return address->family;
	default:
		return AF_UNIX;
	}
}
