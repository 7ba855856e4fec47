// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * against [-1] [-s] [-n CASES] [-S SEED] [-j WORKERS] [-t SECONDS] - random scenarios, by the
 * rules and by the kernel that runs
 *
 * A case is one call that a task made.  -s: nothing that a stock kernel does not have; the
 * digest of what the kernel did is the same on every kernel where it did the same.  What
 * differs is made as small as it can be, and printed as a C program; with -1 the first
 * difference is enough, as it is.  -t: so long at most; fewer cases than asked for are a
 * failure.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "scenario.h"

#define MAX_WORKERS 16
#define ENOUGH 3			/* differences that a worker prints */

struct counts {
	uint64_t cases, scenarios, races, differences;
	uint64_t redirects, renumbered, pinned, narrow, chains, traced, signals, killed, notifications, restarted, forks,
		execs, threads, late;
	uint64_t digest;
};

struct wishes {
	uint64_t cases, seed;
	unsigned int kind;
	int workers;
	time_t seconds;
	bool first;
};

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void count(struct counts *counts, const struct scenario *s, const struct results *r)
{
	counts->scenarios++;
	counts->cases += (uint64_t)r->calls;
	counts->traced += s->tracer ? (uint64_t)r->calls : 0;
	counts->chains += s->filter[0].flags & MODEL_CHAIN ? (uint64_t)r->calls : 0;
	counts->threads += s->filter[s->filters - 1].by != BY_TASK ? (uint64_t)r->calls : 0;
	counts->late += (uint64_t)(r->tried - early_filters(s));
	for (int c = 0; c < r->calls; c++) {
		const struct model_outcome *o = &r->result[c].outcome;

		counts->renumbered += o->ran && o->run.nr != s->one[c].call.nr;
		counts->redirects += r->result[c].redirects > 0;
		counts->pinned += o->ran && IN_PIN(o->run.args[0]) &&
				  (o->run.nr == SYS_readlink || s->one[c].narrow);
		counts->narrow += s->one[c].narrow;
		counts->killed += o->end != MODEL_RETURNED;
		counts->restarted += o->evaluations > 1;
		counts->forks += o->forked;
		counts->execs += o->execed;
		for (int i = 0; i < r->result[c].events && i < MAX_EVENTS; i++)
			counts->notifications +=
				r->result[c].event[i].kind == MODEL_SAW_NOTIFICATION;
		for (int i = 0; i < o->frames; i++)
			counts->signals += o->frame[i].kind == MODEL_FRAME_SIGNAL;
	}
}

/* FNV-1a */
static void digest(uint64_t *sum, const void *data, size_t size)
{
	const unsigned char *byte = data;

	for (size_t i = 0; i < size; i++)
		*sum = (*sum ^ byte[i]) * 0x100000001b3;
}

/* What the kernel did, but for numbers of processes. */
static uint64_t digest_of(const struct results *r, uint64_t number)
{
	uint64_t sum = 0xcbf29ce484222325 ^ number;

	digest(&sum, r->installed, sizeof(r->installed));
	for (int c = 0; c < r->calls; c++) {
		const struct model_outcome *o = &r->result[c].outcome;
		long result = o->forked || o->result == getpid() ? 0 : o->result;

		digest(&sum, &o->end, sizeof(o->end));
		digest(&sum, &r->result[c].events, sizeof(r->result[c].events));
		digest(&sum, r->result[c].event, sizeof(r->result[c].event));
		digest(&sum, &o->frames, sizeof(o->frames));
		if (o->end != MODEL_RETURNED)
			break;
		digest(&sum, &result, sizeof(result));
		digest(&sum, o->args, sizeof(o->args));
		for (int i = 0; i < o->frames && i < MODEL_FRAMES; i++) {
			struct model_frame frame = o->frame[i];

			if (frame.result == getpid())
				frame.result = 0;
			digest(&sum, &frame, sizeof(frame));
		}
		digest(&sum, o->child, sizeof(o->child));
	}
	return sum;
}

static void tell(struct scenario *s, uint64_t number, const struct results *expected,
		 const struct results *got, int call)
{
	struct results again_expected, again_got;
	int played, again;

	printf("/* scenario %" PRIu64 ", call %d */\n", number, call);
	results_print(stdout, expected, got, call);
	fflush(stdout);
	played = scenario_shrink(s);
	printf("/* the smallest, after %d: */\n", played);
	scenario_print(stdout, s);
	if (scenario_expect(s, &again_expected)) {
		scenario_play(s, &again_got);
		again = scenario_differs(&again_expected, &again_got);
		if (again < 0)
			printf("/* which does not differ always */\n");
		else
			results_print(stdout, &again_expected, &again_got, again);
	}
	fflush(stdout);
}

static int work(const struct wishes *wishes, int worker, struct counts *counts)
{
	time_t until = seconds() + wishes->seconds;
	uint64_t share = (wishes->cases - 1) / (uint64_t)wishes->workers + 1;
	int err = scenario_prepare();

	if (err) {
		printf("Bail out! no scenario can be played here: %s\n", strerror(-err));
		return 1;
	}
	for (uint64_t number = (uint64_t)worker; counts->cases < share;
	     number += (uint64_t)wishes->workers) {
		struct scenario s;
		struct results expected, got;
		int call;

		if (wishes->seconds && seconds() >= until)
			break;
		scenario_random(&s, wishes->seed, number, wishes->kind);
		if (!scenario_expect(&s, &expected)) {
			/* As far as it does not depend on who is faster. */
			s.calls = expected.calls;
			counts->races++;
			if (!s.calls || !scenario_expect(&s, &expected))
				continue;
		}
		scenario_play(&s, &got);
		count(counts, &s, &expected);
		counts->digest ^= digest_of(&got, number);
		call = scenario_differs(&expected, &got);
		if (call < 0)
			continue;
		counts->differences++;
		if (wishes->first) {
			printf("/* scenario %" PRIu64 ", call %d */\n", number, call);
			results_print(stdout, &expected, &got, call);
			break;
		}
		if (counts->differences <= ENOUGH)
			tell(&s, number, &expected, &got, call);
		else
			break;
	}
	return 0;
}

static void sum(struct counts *all, const struct counts *one)
{
	all->cases += one->cases;
	all->scenarios += one->scenarios;
	all->races += one->races;
	all->differences += one->differences;
	all->redirects += one->redirects;
	all->renumbered += one->renumbered;
	all->pinned += one->pinned;
	all->narrow += one->narrow;
	all->chains += one->chains;
	all->traced += one->traced;
	all->signals += one->signals;
	all->killed += one->killed;
	all->notifications += one->notifications;
	all->restarted += one->restarted;
	all->forks += one->forks;
	all->execs += one->execs;
	all->threads += one->threads;
	all->late += one->late;
	all->digest ^= one->digest;
}

int main(int argc, char **argv)
{
	struct wishes wishes = { .cases = 1000, .seed = 1, .workers = 2 };
	struct counts *counts, all = { 0 };
	time_t start = seconds();
	bool good = true;
	int option;

	while ((option = getopt(argc, argv, "1sn:S:j:t:")) != -1) {
		if (option == '1')
			wishes.first = true;
		else if (option == 's')
			wishes.kind |= RANDOM_STOCK;
		else if (option == 'n')
			wishes.cases = strtoull(optarg, NULL, 0);
		else if (option == 'S')
			wishes.seed = strtoull(optarg, NULL, 0);
		else if (option == 'j')
			wishes.workers = atoi(optarg);
		else if (option == 't')
			wishes.seconds = atoi(optarg);
		else
			return 2;
	}
	if (wishes.workers < 1 || wishes.workers > MAX_WORKERS)
		return 2;
	if (!(wishes.kind & RANDOM_STOCK))
		good = edges_hold();
	if (!closed_excludes_none())
		good = false;
	counts = mmap(NULL, sizeof(*counts) * MAX_WORKERS, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED)
		return 2;
	for (int w = 0; w < wishes.workers; w++) {
		pid_t pid = fork();

		if (pid < 0)
			return 2;
		if (!pid) {
			int err = work(&wishes, w, &counts[w]);

			fflush(stdout);
			_exit(err);
		}
	}
	for (int w = 0; w < wishes.workers; w++) {
		int status;

		pid_t pid = wait(&status);

		if (pid < 0 || status) {
			printf("# a worker ends with status %#x\n", status);
			good = false;
		}
	}
	for (int w = 0; w < wishes.workers; w++)
		sum(&all, &counts[w]);
	printf("# %" PRIu64 " cases, %" PRIu64 " stacks, %" PRIu64 " cut short by a race, %ld s\n",
	       all.cases, all.scenarios, all.races, (long)(seconds() - start));
	printf("# of them: %" PRIu64 " below a chain filter, %" PRIu64 " traced, %" PRIu64
	       " redirected, %" PRIu64 " ran with another number, %" PRIu64 " with a pin, %" PRIu64
	       " by int 0x80, %" PRIu64 " started again, %" PRIu64
	       " killed, %" PRIu64 " forked, %" PRIu64 " became another program, %" PRIu64
	       " with a second thread; %" PRIu64 " filters for all threads while one waited, %" PRIu64
	       " notifications, %" PRIu64 " signals handled\n",
	       all.chains, all.traced, all.redirects, all.renumbered, all.pinned, all.narrow,
	       all.restarted, all.killed,
	       all.forks, all.execs, all.threads, all.late, all.notifications, all.signals);
	printf("# digest %016" PRIx64 "\n", all.digest);
	printf("%sok 1 - the kernel does what the rules say\n",
	       good && !all.differences ? "" : "not ");
	printf("%sok 2 - %" PRIu64 " cases or more\n", all.cases >= wishes.cases ? "" : "not ",
	       wishes.cases);
	printf("1..2\n");
	return !good || all.differences;
}
