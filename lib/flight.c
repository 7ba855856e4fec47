/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "flight.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "memory.h"

static void read_comm(pid_t tid, char comm[16])
{
	auto_close int fd = -1;
	char path[64];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/comm", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? 0 : read(fd, comm, 15);
	comm[len > 0 ? len : 0] = '\0';
	comm[strcspn(comm, "\n")] = '\0';
}

/* Does anybody look at the thread's name? */
static bool wants_comm(const struct pm_options *options)
{
	bool wanted = options->observer;

	for (size_t i = 0; !wanted && i < options->nlayers; i++)
		wanted = !options->layers[i]->ignores_comm;
	return wanted;
}

struct flight *flight_new(const struct pm_options *options, pid_t tgid, pid_t tid, uint32_t arch,
			  int nr, const uint64_t args[6], uint64_t id)
{
	/* For each call: glibc keeps what was freed last for malloc, and not for calloc. */
	struct flight *flight = malloc(sizeof(*flight));

	if (!flight)
		return NULL;
	*flight = (struct flight){ .call = { .tgid = tgid, .tid = tid, .arch = arch, .nr = nr,
					     .id = id } };
	memcpy(flight->call.args, args, sizeof(flight->call.args));
	if (wants_comm(options))
		read_comm(tid, flight->call.comm);
	return flight;
}

void flight_free(struct flight *flight)
{
	if (!flight)
		return;
	if (flight->changes) {
		flight->changes->now--;
		flight->changes->made++;
	}
	slot_drop(&flight->slot);
	program_clear(&flight->program);
	pm_run_clear(&flight->run);
	pm_call_clear(&flight->call);
	free(flight);
}

int flight_read(struct flight *flight, bool vectors)
{
	struct pm_call *call = &flight->call;
	struct pm_reader reader = memory_reader(&call->tid);
	uint64_t args[6];
	int nr = call->nr, err;

	memcpy(args, call->args, sizeof(args));
	err = vectors ? pm_call_read(call, &reader) : call_read_but_vectors(call, &reader);
	flight->as_made = call->nr == nr && !memcmp(call->args, args, sizeof(args));
	return err;
}

int flight_decide(const struct pm_options *options, struct flight *flight)
{
	int err = script_add_items(&flight->call);

	if (err)
		return err;
	flight->told = true;
	chain_decide(options, &flight->call, &flight->outcome);
	return 0;
}

bool flight_runs(const struct flight *flight)
{
	return flight->outcome.verdict.action == PM_ALLOW ||
	       flight->outcome.verdict.action == PM_REDIRECT;
}

bool flight_runs_as_made(const struct pm_options *options, const struct flight *flight)
{
	return options->unsafe & PM_UNSAFE_RACES &&
	       flight->outcome.verdict.action == PM_ALLOW && flight->as_made &&
	       !pm_call_changed(&flight->call) && !pm_call_no_create(&flight->call);
}

/* The number that runs. */
static int runs_as(const struct flight *flight)
{
	return flight->run.nsteps ? flight->run.steps[0].nr : flight->call.nr;
}

void flight_tell(const struct pm_options *options, struct flight *flight, const char *holds,
		 int fails)
{
	bool runs = !fails && flight_runs(flight);
	int nr = runs_as(flight), err;

	if (!flight->told)
		return;
	err = chain_tell(options, &(struct pm_event){
		.kind = PM_EVENT_ANSWER,
		.call = &flight->call,
		.verdict = &flight->outcome.verdict,
		.layer = flight->outcome.layer,
		.ran_nr = runs ? nr : -1,
		.ran_name = runs ? pm_syscall_name(flight->call.arch, nr) : NULL,
		.fails = fails,
		.holds = runs ? holds : "",
	});
	if (err)
		chain_refuse(&flight->outcome, -err, "error of the observer");
}

void flight_tell_result(const struct pm_options *options, struct flight *flight, int64_t result)
{
	int nr = runs_as(flight);

	if (!flight->tell)
		return;
	chain_tell(options, &(struct pm_event){
		.kind = PM_EVENT_RESULT,
		.call = &flight->call,
		.verdict = &flight->outcome.verdict,
		.layer = flight->outcome.layer,
		.ran_nr = nr,
		.ran_name = pm_syscall_name(flight->call.arch, nr),
		.result = result,
	});
}

void flight_refuse(const struct pm_options *options, struct flight *flight, int err,
		   const char *rule)
{
	chain_refuse(&flight->outcome, -err, rule);
	if (flight->told)
		return;
	flight->told = true;
	err = chain_tell(options, &(struct pm_event){ .kind = PM_EVENT_CALL,
						      .call = &flight->call });
	if (err)
		chain_refuse(&flight->outcome, -err, "error of the observer");
}
