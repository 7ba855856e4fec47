/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#define MAX_ERRNO 4095

/*
 * Held around what does not say that it may be called from several threads at
 * once.  One for all: what shares its data with another of them needs no more.
 */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

/*
 * What leads around every other decision is refused by the library, outside
 * of all layers.
 */
static const struct {
	const char *name;
	const char *rule;
	int err;
	unsigned int unsafe;
} built_in[] = {
	{ "io_uring_setup", "built-in: io_uring", ENOSYS, PM_UNSAFE_IO_URING },
	{ "open_by_handle_at", "built-in: handles", EPERM, PM_UNSAFE_HANDLES },
};

int chain_check(const struct pm_options *options)
{
	for (size_t i = 0; i < options->nlayers; i++)
		if (!options->layers || !options->layers[i] || !options->layers[i]->decide)
			return -EINVAL;
	return options->observer && !options->observer->tell ? -EINVAL : 0;
}

bool verdict_is_sound(const struct pm_verdict *verdict)
{
	switch (verdict->action) {
	case PM_ALLOW:
	case PM_REDIRECT:
	case PM_VALUE:
	case PM_KILL:
		return true;
	case PM_DENY:
		return verdict->err >= 1 && verdict->err <= MAX_ERRNO;
	default:
		return false;
	}
}

bool chain_wants(const struct pm_options *options, const char *syscall)
{
	return chain_wants_for(options, syscall, pm_syscall_classes(syscall));
}

bool chain_wants_for(const struct pm_options *options, const char *syscall, uint32_t classes)
{
	for (size_t i = 0; i < options->nlayers; i++) {
		const struct pm_layer *layer = options->layers[i];

		if (!layer->wants || layer->wants(layer->data, syscall, classes))
			return true;
	}
	/* Asked of all numbers at each start: most differ in their first letter. */
	for (size_t i = 0; i < sizeof(built_in) / sizeof(built_in[0]); i++)
		if (!(options->unsafe & built_in[i].unsafe) && syscall[0] == built_in[i].name[0] &&
		    !strcmp(syscall, built_in[i].name))
			return true;
	return false;
}

int chain_tell(const struct pm_options *options, const struct pm_event *event)
{
	const struct pm_observer *observer = options->observer;
	int err;

	if (!observer)
		return 0;
	if (!observer->concurrent)
		pthread_mutex_lock(&one_at_a_time);
	err = observer->tell(observer->data, event);
	if (!observer->concurrent)
		pthread_mutex_unlock(&one_at_a_time);
	return err;
}

/* A number that is no errno would be a result to the target. */
static struct pm_verdict denial(int err, const char *rule)
{
	return (struct pm_verdict){ .action = PM_DENY,
				    .err = err >= 1 && err <= MAX_ERRNO ? err : EPERM,
				    .rule = rule };
}

void chain_refuse(struct outcome *outcome, int err, const char *rule)
{
	*outcome = (struct outcome){ .verdict = denial(err, rule) };
}

static bool final(const struct pm_verdict *verdict)
{
	return verdict->action != PM_ALLOW && verdict->action != PM_REDIRECT;
}

/* Ask one layer and tell what it said.  An error is a denial, and so is what is no verdict. */
static void ask(const struct pm_options *options, size_t depth, struct pm_call *call,
		struct outcome *said)
{
	const struct pm_layer *layer = options->layers[depth];
	int err;

	*said = (struct outcome){ .layer = layer };
	if (!layer->concurrent)
		pthread_mutex_lock(&one_at_a_time);
	err = layer->decide(layer->data, call, &said->verdict);
	if (!layer->concurrent)
		pthread_mutex_unlock(&one_at_a_time);
	if (err)
		said->verdict = denial(-err, "error of the layer");
	else if (!verdict_is_sound(&said->verdict))
		said->verdict = denial(EPERM, "no verdict of the layer");
	err = chain_tell(options, &(struct pm_event){ .kind = PM_EVENT_VERDICT,
						      .call = call,
						      .verdict = &said->verdict,
						      .layer = layer,
						      .depth = depth });
	if (err)
		chain_refuse(said, -err, "error of the observer");
}

static void ask_built_in(const struct pm_options *options, struct pm_call *call,
			 struct outcome *outcome)
{
	for (size_t i = 0; i < sizeof(built_in) / sizeof(built_in[0]); i++)
		if (!(options->unsafe & built_in[i].unsafe) && call->name &&
		    !strcmp(call->name, built_in[i].name))
			chain_refuse(outcome, built_in[i].err, built_in[i].rule);
}

void chain_decide(const struct pm_options *options, struct pm_call *call,
		  struct outcome *outcome)
{
	bool redirected = false, logged = false;
	int err;

	*outcome = (struct outcome){ .verdict = { .action = PM_ALLOW } };
	err = chain_tell(options, &(struct pm_event){ .kind = PM_EVENT_CALL, .call = call });
	if (err) {
		chain_refuse(outcome, -err, "error of the observer");
		return;
	}
	for (size_t depth = 0; depth < options->nlayers; depth++) {
		struct outcome said;

		ask(options, depth, call, &said);
		logged |= said.verdict.log;
		if (said.verdict.action != PM_ALLOW || !redirected)
			*outcome = said;
		if (final(&said.verdict))
			break;
		if (said.verdict.action != PM_REDIRECT)
			continue;
		redirected = true;
		err = pm_call_follow_program(call);
		if (err) {
			chain_refuse(outcome, -err, "built-in: what the kernel would say");
			break;
		}
	}
	if (!final(&outcome->verdict))
		ask_built_in(options, call, outcome);
	outcome->verdict.log |= logged;
}
