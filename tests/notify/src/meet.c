/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * meet [PLACES] COMMAND... - a layer that decides on no open of a file below
 * /meet/ before PLACES of them are being decided on
 *
 * Who decides on one call after the other never comes to an end with it.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pointsman/pointsman.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t all_here = PTHREAD_COND_INITIALIZER;
static unsigned int places, here;

static bool wants(void *data, const char *syscall, uint32_t classes)
{
	(void)data;
	return !strcmp(syscall, "openat") && classes;
}

static int decide(void *data, struct pm_call *call, struct pm_verdict *verdict)
{
	struct pm_item *item = pm_call_item(call, PM_ITEM_PATH, NULL);

	(void)data;
	if (!item || strncmp((char *)item->data, "/meet/", 6))
		return 0;
	pthread_mutex_lock(&lock);
	if (++here == places)
		pthread_cond_broadcast(&all_here);
	while (here < places)
		pthread_cond_wait(&all_here, &lock);
	pthread_mutex_unlock(&lock);
	verdict->action = PM_VALUE;
	verdict->value = 1000;
	return 0;
}

int main(int argc, char **argv)
{
	struct pm_layer layer = { .wants = wants, .decide = decide, .concurrent = true };
	struct pm_options options = { .layers = (struct pm_layer *[]){ &layer }, .nlayers = 1,
				      .backend = "notify" };
	enum pm_stage stage;

	if (argc < 3)
		return 125;
	places = (unsigned int)atoi(argv[1]);
	pm_exec(&options, argv[2], argv + 2, &stage);
	fprintf(stderr, "meet: %s\n", pm_error());
	return 125;
}
