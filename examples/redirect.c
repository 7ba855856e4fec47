/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* redirect FROM TO COMMAND [ARGUMENT...] - who names the file FROM, however, gets TO */
#include <stdio.h>
#include <string.h>

#include <pointsman/pointsman.h>

static bool wants(void *data, const char *syscall, uint32_t classes)
{
	return (void)data, (void)syscall, classes != 0;
}

static int decide(void *data, struct pm_call *call, struct pm_verdict *verdict)
{
	char **argv = data;

	for (size_t i = 0; i < call->nitems; i++) {
		const struct pm_where *where = pm_item_where(call, &call->items[i]);
		int err;

		if (!where || !where->name || strcmp(where->name, argv[1]))
			continue;
		err = pm_call_set_path(call, &call->items[i], argv[2]);
		if (err)
			return err;
		verdict->action = PM_REDIRECT;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct pm_layer layer = { .data = argv, .wants = wants, .decide = decide };
	struct pm_options options = { .layers = (struct pm_layer *[]){ &layer }, .nlayers = 1 };
	enum pm_stage stage;

	if (argc < 4 || pm_exec(&options, argv[3], argv + 3, &stage))
		fprintf(stderr, "redirect: %s\n", argc < 4 ? "FROM TO COMMAND..." : pm_error());
	return 125;
}
