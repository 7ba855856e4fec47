/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * policy.c - policies: made, owned, freed, and as layers
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rules.h"
#include "tree.h"

struct rule *rule_new(const char *name, const char *source)
{
	struct rule *rule = calloc(1, sizeof(*rule));

	if (!rule)
		return NULL;
	rule->name = strdup(name);
	rule->source = source ? strdup(source) : NULL;
	if (!rule->name || (source && !rule->source)) {
		rule_free(rule);
		return NULL;
	}
	return rule;
}

static void free_named(struct named_glob *named, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(named[i].name);
		free(named[i].glob);
	}
	free(named);
}

static void clear_match(struct match *match)
{
	for (size_t i = 0; i < match->npatterns; i++)
		pattern_clear(&match->patterns[i]);
	for (size_t i = 0; i < match->nspellings; i++)
		glob_clear(&match->spellings[i]);
	for (size_t i = 0; i < match->naddresses; i++)
		address_clear(&match->addresses[i]);
	free(match->patterns);
	free(match->spellings);
	free(match->addresses);
	free(match->args);
	free_named(match->argv, match->nargv);
	free_named(match->env, match->nenv);
	texts_clear(&match->syscalls);
	texts_clear(&match->anonymous);
	texts_clear(&match->env_absent);
}

static void clear_redirect(struct redirect *redirect)
{
	name_clear(&redirect->path);
	if (redirect->has_address)
		address_clear(&redirect->address);
	texts_clear(&redirect->argv);
	texts_clear(&redirect->argv_prepend);
	texts_clear(&redirect->env_set);
	texts_clear(&redirect->env_unset);
	free(redirect->args);
	free(redirect->syscall);
}

void rule_free(struct rule *rule)
{
	if (!rule)
		return;
	clear_match(&rule->match);
	clear_redirect(&rule->redirect);
	free(rule->name);
	free(rule->source);
	free(rule);
}

static bool looks_at_vectors(const struct rule *rule)
{
	const struct match *match = &rule->match;
	const struct redirect *redirect = &rule->redirect;

	return match->nargv || match->has_argc || match->nenv || match->env_absent.n ||
	       redirect->argv.n || redirect->argv_prepend.n || redirect->env_set.n ||
	       redirect->env_unset.n || redirect->nargs || redirect->syscall;
}

int policy_add_rule(struct policy *policy, struct rule *rule)
{
	struct rule **more;
	int err = 0;

	more = reallocarray(policy->rules, policy->nrules + 1, sizeof(*more));
	if (!more) {
		rule_free(rule);
		return -ENOMEM;
	}
	policy->rules = more;
	policy->rules[policy->nrules] = rule;
	if (rule->whole_call || rule->match.syscalls.n)
		err = index_list_add(&policy->named, policy->nrules);
	else
		policy->wants |= rule->match.classes;
	policy->wants |= guard_classes(rule);
	if (looks_at_vectors(rule))
		policy->layer.ignores_vectors = false;
	if (!err)
		err = index_add(&policy->index, rule, policy->nrules);
	policy->nrules++;
	return err;
}

int policy_new(const char *name, struct policy **out)
{
	struct policy *policy = calloc(1, sizeof(*policy));

	*out = NULL;
	if (!policy)
		return -ENOMEM;
	policy->name = strdup(name);
	if (!policy->name) {
		free(policy);
		return -ENOMEM;
	}
	policy->layer.name = policy->name;
	policy->layer.data = policy;
	policy->layer.wants = policy_wants;
	policy->layer.decide = policy_decide;
	/* A policy does not change: what is asked about one call waits for no other. */
	policy->layer.concurrent = true;
	policy->layer.ignores_comm = true;
	policy->layer.ignores_fd = true;
	policy->layer.ignores_vectors = true;
	*out = policy;
	return 0;
}

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	for (size_t i = 0; i < policy->nrules; i++)
		rule_free(policy->rules[i]);
	for (size_t i = 0; i < PM_NCLASSES; i++)
		free(policy->fallback[i].source);
	index_clear(&policy->index);
	free(policy->named.rules);
	free(policy->rules);
	free(policy->name);
	free(policy);
}

struct pm_layer *policy_layer(struct policy *policy)
{
	return &policy->layer;
}

void policy_watch(struct policy *policy, const struct policy_watch *watch)
{
	policy->watch = watch;
	/* Who watches hears of one decision after the other. */
	policy->layer.concurrent = !watch;
}

unsigned int policy_unsafe(const struct policy *policy)
{
	return policy->unsafe;
}

/* Most policies are small. */
#define FIRST_ROOM 8192

/* Room for more: in the end for one byte more than a policy may have. */
static int make_room(char **bytes, size_t *room)
{
	size_t size = *room ? *room * 4 : FIRST_ROOM;
	char *more;

	if (size > TREE_MAX_BYTES + 1)
		size = TREE_MAX_BYTES + 1;
	more = realloc(*bytes, size);
	if (!more)
		return -ENOMEM;
	*bytes = more;
	*room = size;
	return 0;
}

/*
 * Read all of a file, up to one byte more than a policy may have.  A pipe may
 * be slow; a FIFO that nobody writes to is empty.
 */
static ssize_t read_all(int fd, char **bytes)
{
	size_t len = 0, room = 0;

	while (len <= TREE_MAX_BYTES) {
		ssize_t n;

		if (len == room && make_room(bytes, &room))
			return -ENOMEM;
		n = read(fd, *bytes + len, room - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			struct pollfd ready = { .fd = fd, .events = POLLIN };

			if (poll(&ready, 1, -1) < 0 && errno != EINTR)
				return -errno;
			continue;
		}
		if (n < 0)
			return -errno;
		if (!n)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static int complain_file(const char *file, int err, char **error)
{
	if (asprintf(error, "%s: cannot be read: %s", file, strerror(-err)) < 0) {
		*error = NULL;
		return -ENOMEM;
	}
	return err;
}

int policy_read(const char *file, char **bytes, size_t *len, char **error)
{
	ssize_t read_len;
	int fd;

	*bytes = NULL;
	*error = NULL;
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return complain_file(file, -errno, error);
	read_len = read_all(fd, bytes);
	close(fd);
	if (read_len < 0) {
		free(*bytes);
		*bytes = NULL;
		return complain_file(file, (int)read_len, error);
	}
	*len = (size_t)read_len;
	return 0;
}

int policy_load(const char *file, struct policy **out, char **error)
{
	char *bytes;
	size_t len;
	int err;

	*out = NULL;
	err = policy_read(file, &bytes, &len, error);
	if (err)
		return err;
	err = policy_parse(file, bytes, len, out, error);
	free(bytes);
	return err;
}
