/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * user.c - a program of somebody else's, in C and in C++: no directory is made
 * that is called "no"
 *
 * Its own names are some that the library has inside.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <pointsman/pointsman.h>

int settle(int number);
int regs_get(int number);
extern int arena_new;

int settle(int number) { return number + 1; }
int regs_get(int number) { return number + 2; }
int arena_new = 4;

static bool wants(void *data, const char *syscall, uint32_t classes)
{
	(void)data;
	(void)syscall;
	return classes & PM_BIT(PM_CLASS_CREATE);
}

static int decide(void *data, struct pm_call *call, struct pm_verdict *verdict)
{
	struct pm_item *item = pm_call_item(call, PM_ITEM_PATH, NULL);

	if (item && !strcmp((const char *)item->data, (const char *)data)) {
		verdict->action = PM_DENY;
		verdict->err = EXDEV;
	}
	return 0;
}

/* Of each call the layer gives one verdict, before the call is answered. */
static int tell(void *data, const struct pm_event *event)
{
	unsigned int *verdicts = (unsigned int *)data;

	switch (event->kind) {
	case PM_EVENT_CALL:
		*verdicts = 0;
		return 0;
	case PM_EVENT_VERDICT:
		++*verdicts;
		return 0;
	case PM_EVENT_ANSWER:
		return *verdicts == 1 ? 0 : -EPROTO;
	case PM_EVENT_RESULT:
		break;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static char no[] = "no";
	static unsigned int verdicts;
	struct pm_observer observer;
	struct pm_layer layer;
	struct pm_layer *layers[1] = { &layer };
	struct pm_options options;
	enum pm_stage stage;

	if (argc < 2 || settle(1) != 2 || regs_get(1) != 3 || arena_new != 4)
		return 2;
	memset(&layer, 0, sizeof(layer));
	layer.name = "user";
	layer.data = no;
	layer.wants = wants;
	layer.decide = decide;
	memset(&options, 0, sizeof(options));
	options.layers = layers;
	options.nlayers = 1;
	memset(&observer, 0, sizeof(observer));
	observer.data = &verdicts;
	observer.tell = tell;
	options.observer = &observer;
	pm_exec(&options, argv[1], argv + 1, &stage);
	fprintf(stderr, "user: %s\n", pm_error());
	return 125;
}
