/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_address.c - any text as an address of a rule, and any bytes as a socket
 * address that it is asked about
 *
 * The text ends at the first line feed; the bytes are the rest.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct address *address, const uint8_t *bytes, size_t len)
{
	static const enum address_use uses[] = { ADDRESS_CONNECT, ADDRESS_BIND, ADDRESS_SEND };
	struct sockaddr_storage new;
	char *path;

	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
		int new_len = -1;

		address_matches(address, uses[i], bytes, len, NULL);
		address_matches(address, uses[i], bytes, len, "/some/where");
		if (address_is_one(address))
			new_len = address_replace(address, uses[i], bytes, len, &new);
		/* What is put in the place of another is what the rule says. */
		if (new_len >= 0 &&
		    !address_matches(address, uses[i], &new, (size_t)new_len, NULL))
			abort();
	}
	if (!address_unix_path(bytes, len, &path))
		free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = memchr(data, '\n', size);
	size_t len = end ? (size_t)(end - data) : size;
	size_t rest = end ? size - len - 1 : 0;
	char *text = strndup((const char *)data, len), *why = NULL;
	uint8_t *bytes = malloc(rest < 128 ? rest + !rest : 128);
	struct address address;
	int err;

	if (!text || !bytes)
		abort();
	if (rest > 128)
		rest = 128;
	if (rest)
		memcpy(bytes, end + 1, rest);
	err = address_parse(text, &address, &why);
	if (!err) {
		use(&address, bytes, rest);
		address_clear(&address);
	} else if (err != -EINVAL || !why) {
		abort();
	}
	free(why);
	free(bytes);
	free(text);
	return 0;
}
