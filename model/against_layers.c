// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * against_layers [-b BACKEND] [-n CASES] [-S SEED] [-j WORKERS] - random layers, by the rules
 * and by the library
 *
 * A case is one call that a program made.  What differs is made as small as it can be, and
 * printed.  Runs in an empty directory of its own, in which it leaves files.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pointsman/pointsman.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "layers.h"

#define MAX_WORKERS 16
#define ENOUGH 3 /* differences that a worker prints */

struct counts {
	uint64_t cases, stacks, differences;
	uint64_t stopped, redirected, renumbered, paths, signals, restarted, slept, killed, forked,
		handlers;
};

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void count(struct counts *counts, const struct stack *s, const struct results *r)
{
	counts->stacks++;
	counts->cases += (uint64_t)r->calls;
	for (int i = 0; i < s->layers; i++)
		counts->handlers += s->layer[i].handler;
	for (int c = 0; c < r->calls; c++) {
		const struct result *one = &r->result[c];
		const struct model_outcome *o = &one->outcome;
		bool redirected = false, slept = false;

		for (int n = 0; n < one->notes && n < MAX_NOTES; n++) {
			slept |= one->note[n].kind == NOTE_SLEEP;
			redirected |= one->note[n].kind == NOTE_ANSWER &&
				      one->note[n].action == PM_REDIRECT;
		}
		counts->stopped += one->notes > 0;
		counts->redirected += redirected;
		counts->renumbered += o->ran && o->run.nr != s->one[c].call.nr;
		counts->paths += one->found != 0;
		counts->signals += (uint64_t)o->frames;
		counts->restarted += o->evaluations > 1;
		counts->slept += slept;
		counts->killed += o->end != MODEL_RETURNED;
		counts->forked += o->forked;
	}
}

static void tell(struct stack *s, uint64_t number, const struct results *expected,
		 const struct results *got, int call)
{
	static struct results again_expected, again_got;
	int played;

	printf("# stack %" PRIu64 ", call %d\n", number, call);
	stack_print_results(stdout, expected, got, call);
	fflush(stdout);
	played = stack_shrink(s);
	printf("# the smallest, after %d:\n", played);
	stack_print(stdout, s);
	stack_expect(s, &again_expected);
	stack_play(s, &again_expected, &again_got);
	call = stack_differs(&again_expected, &again_got);
	if (call < 0)
		printf("# which does not differ always\n");
	else
		stack_print_results(stdout, &again_expected, &again_got, call);
	fflush(stdout);
}

static int work(const char *program, const char *backend, uint64_t seed, uint64_t share,
		uint64_t number, uint64_t workers, struct counts *counts)
{
	static struct stack s;
	static struct results expected, got;
	char dir[32];
	int err;

	snprintf(dir, sizeof(dir), "%" PRIu64, number);
	if (mkdir(dir, 0755) || chdir(dir))
		err = -errno;
	else
		err = stack_prepare(program, backend);
	if (err) {
		printf("Bail out! no stack can be played here: %s\n", strerror(-err));
		return 1;
	}
	for (; counts->cases < share && counts->differences < ENOUGH; number += workers) {
		int call;

		stack_random(&s, seed, number);
		s.silent = !strcmp(backend, "notify");
		stack_expect(&s, &expected);
		stack_play(&s, &expected, &got);
		count(counts, &s, &expected);
		call = stack_differs(&expected, &got);
		if (call < 0)
			continue;
		counts->differences++;
		tell(&s, number, &expected, &got, call);
	}
	return 0;
}

static void sum(struct counts *all, const struct counts *one)
{
	all->cases += one->cases;
	all->stacks += one->stacks;
	all->differences += one->differences;
	all->stopped += one->stopped;
	all->redirected += one->redirected;
	all->renumbered += one->renumbered;
	all->paths += one->paths;
	all->signals += one->signals;
	all->restarted += one->restarted;
	all->slept += one->slept;
	all->killed += one->killed;
	all->forked += one->forked;
	all->handlers += one->handlers;
}

static int be_task(const char *fd)
{
	struct shared *shared =
		mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, atoi(fd), 0);

	return shared == MAP_FAILED ? 2 : task_main(shared);
}

int main(int argc, char **argv)
{
	const char *backend = "ptrace";
	char program[PATH_MAX];
	uint64_t cases = 1000, seed = 1, workers = 2;
	struct counts *counts, all = { 0 };
	time_t start = seconds();
	bool good = true;
	int option;

	if (argc == 3 && !strcmp(argv[1], "task"))
		return be_task(argv[2]);
	while ((option = getopt(argc, argv, "b:n:S:j:")) != -1) {
		if (option == 'b')
			backend = optarg;
		else if (option == 'n')
			cases = strtoull(optarg, NULL, 0);
		else if (option == 'S')
			seed = strtoull(optarg, NULL, 0);
		else if (option == 'j')
			workers = strtoull(optarg, NULL, 0);
		else
			return 2;
	}
	if (workers < 1 || workers > MAX_WORKERS || !realpath("/proc/self/exe", program))
		return 2;
	counts = mmap(NULL, sizeof(*counts) * MAX_WORKERS, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED)
		return 2;
	for (uint64_t w = 0; w < workers; w++) {
		pid_t pid = fork();

		if (pid < 0)
			return 2;
		if (!pid) {
			int err = work(program, backend, seed, (cases - 1) / workers + 1, w,
				       workers, &counts[w]);

			fflush(stdout);
			_exit(err);
		}
	}
	for (uint64_t w = 0; w < workers; w++) {
		int status;

		if (wait(&status) < 0 || status) {
			printf("# a worker ends with status %#x\n", status);
			good = false;
		}
	}
	for (uint64_t w = 0; w < workers; w++)
		sum(&all, &counts[w]);
	printf("# %" PRIu64 " cases, %" PRIu64 " stacks, %" PRIu64
	       " layers that are handlers, %ld s\n",
	       all.cases, all.stacks, all.handlers, (long)(seconds() - start));
	printf("# of them: %" PRIu64 " stopped, %" PRIu64 " redirected, %" PRIu64
	       " ran with another number, %" PRIu64 " found by a path, %" PRIu64 " slept, %" PRIu64
	       " started again, %" PRIu64 " killed, %" PRIu64 " forked; %" PRIu64
	       " signals handled\n",
	       all.stopped, all.redirected, all.renumbered, all.paths, all.slept, all.restarted,
	       all.killed, all.forked, all.signals);
	printf("%sok 1 - the library does what the rules say\n",
	       good && !all.differences ? "" : "not ");
	printf("%sok 2 - %" PRIu64 " cases or more\n", all.cases >= cases ? "" : "not ", cases);
	printf("1..2\n");
	return !good || all.differences || all.cases < cases;
}
