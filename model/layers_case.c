// SPDX-License-Identifier: LGPL-2.1-or-later
/* Layers and calls from a number, and what the model says of them. */
#define _GNU_SOURCE
#include "layers.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <pointsman/pointsman.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What the kernel keeps to itself. */
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513
#define ERESTARTNOHAND 514

const int numbers[NUMBERS] = {
	SYS_lseek, SYS_read, SYS_getppid, SYS_pause, SYS_vfork, SYS_readlinkat, SYS_openat,
};

const char *const names[ALL_NAMES] = {
	"link0",    "link1",	    "./link2", "sub/../link3", "file4",
	".//file5", "sub/up/file6", "file7",   "missing",      "sub/missing/x",
};

static bool names_path(int nr)
{
	return nr == SYS_readlinkat || nr == SYS_openat;
}

/* ---- from a number ---- */

/* splitmix64 */
static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static unsigned int below(uint64_t *r, unsigned int n)
{
	return (unsigned int)(next(r) >> 33) % n;
}

static bool percent(uint64_t *r, unsigned int n)
{
	return below(r, 100) < n;
}

static uint64_t some_name(uint64_t *r)
{
	return NAMES + NAME_SPACE * below(r, ALL_NAMES);
}

static uint64_t some_argument(uint64_t *r, int nr, int i)
{
	static const uint64_t any[] = {
		0, 1, 0xffffffff, 0x100000000, 0x8000000080000000, ~0ULL, 0x1234567887654321,
	};
	static const uint64_t whence[] = { SEEK_SET, SEEK_END, 9 };
	static const uint64_t fds[] = {
		FD_SMALL, FD_LARGE,
		FD_SMALL, FD_LARGE,
		FD_NONE,  FD_SLEEP,
		FD_SLEEP, FD_LARGE | 1ULL << 32, /* whose upper half the call does not look at */
	};
	static const uint64_t dirs[] = { (uint64_t)AT_FDCWD, FD_DIR, FD_DIR, (uint32_t)AT_FDCWD,
					 FD_NONE };
	static const uint64_t open_flags[] = { O_RDONLY, O_RDONLY | O_CLOEXEC, O_PATH };

	if (names_path(nr)) {
		switch (i) {
		case 0:
			return dirs[below(r, COUNT(dirs))];
		case 1:
			return some_name(r);
		case 2:
			return nr == SYS_openat ? open_flags[below(r, COUNT(open_flags))] : BUFFER;
		case 3:
			return nr == SYS_openat ? 0 : 5 + 200 * below(r, 2);
		}
	}
	switch (i) {
	case 0:
		return fds[below(r, COUNT(fds))];
	case 1:
		return BUFFER + 16 * below(r, 8);
	case 2:
		return whence[below(r, COUNT(whence))];
	default:
		return any[below(r, COUNT(any))];
	}
}

/* Most are those that depend on arguments and cost little. */
static int some_number(uint64_t *r, bool path)
{
	static const uint8_t often[] = { LSEEK, LSEEK, LSEEK, GETPPID, GETPPID, READ };
	unsigned int p = below(r, 100);

	if (path)
		return p < 50 ? READLINKAT : OPENAT;
	return p < 2 ? VFORK : p < 4 ? PAUSE : often[below(r, COUNT(often))];
}

static struct model_change some_change(uint64_t *r, int nr)
{
	struct model_change change = { .mask = below(r, 64) & below(r, 64) };
	bool path = names_path(nr);

	change.changes_nr = percent(r, 40);
	change.nr = change.changes_nr ? numbers[some_number(r, path)] : nr;
	if (!change.mask && !change.changes_nr)
		change.mask = 1;
	/* What one of them takes for a buffer the other takes for flags. */
	if (path && change.changes_nr)
		change.mask |= 12;
	for (int i = 0; i < 6; i++)
		if (change.mask & 1U << i)
			change.args[i] = some_argument(r, change.nr, i);
	/* pm_call_set_path(): "a dirfd of the call no longer counts" */
	if (path && change.mask & 2) {
		change.mask |= 1;
		change.args[0] = (uint64_t)AT_FDCWD;
	}
	return change;
}

/* nr: of the call that it can be about; 0 where it can be any without a path. */
static struct says some_says(uint64_t *r, int nr, int mark)
{
	unsigned int p = below(r, 100);
	struct says says = { .log = percent(r, 20) };

	if (p < 45) {
		says.what = SAY_CHANGE;
		says.change = some_change(r, nr);
	} else if (p < 55) {
		says.what = SAY_DENY;
		says.err = 200 + mark;
	} else if (p < 65) {
		says.what = SAY_VALUE;
		says.value = percent(r, 10) ? -EINTR : 1000 + mark;
	} else if (p < 66) {
		says.what = SAY_KILL;
	} else if (p < 70) {
		says.what = SAY_FAIL;
		says.err = 300 + mark;
	}
	return says;
}

static void some_opinion(uint64_t *r, struct opinion *o, bool path, int layer)
{
	int nr = path ? SYS_openat : SYS_lseek;

	o->rules = (int)below(r, MAX_RULES + 1);
	for (int n = 0; n < o->rules; n++) {
		struct rule *rule = &o->rule[n];

		*rule = (struct rule){ .call = ANY, .half = ANY };
		if (percent(r, 85))
			rule->call = (uint8_t)some_number(r, path);
		if (rule->call == ANY || percent(r, 50)) {
			rule->half = (uint8_t)below(r, 12);
			rule->value = (uint32_t)(some_argument(r, nr, rule->half / 2) >>
						 (rule->half & 1 ? 32 : 0));
		}
		/* A buffer for flags, again: what it says is about one of them. */
		if (path && rule->call == ANY)
			rule->call = READLINKAT;
		rule->says = some_says(r, path ? numbers[rule->call] : nr, 10 * layer + n);
	}
	if (percent(r, 50)) {
		o->otherwise = some_says(r, nr, 10 * layer + 9);
		if (path && o->otherwise.what == SAY_CHANGE && !o->otherwise.change.changes_nr)
			o->otherwise.change.mask &= 3 | 48;
	}
}

static enum model_signal some_signal(uint64_t *r)
{
	unsigned int p = below(r, 100);

	return p < 3  ? MODEL_SIGNAL_KILLS :
	       p < 50 ? MODEL_SIGNAL_RESTARTS :
			MODEL_SIGNAL_INTERRUPTS;
}

void stack_random(struct stack *s, uint64_t seed, uint64_t number)
{
	uint64_t state = seed * 0xd1342543de82ef95 + number, *r = &state;

	state = next(r);
	memset(s, 0, sizeof(*s));
	s->layers = 1 + (int)below(r, MAX_LAYERS);
	for (int i = 0; i < s->layers; i++) {
		s->layer[i].wants = below(r, 1 << NUMBERS) | below(r, 1 << NUMBERS);
		s->layer[i].handler = percent(r, 6);
		s->layer[i].concurrent = percent(r, 50);
	}
	s->calls = MAX_CALLS;
	for (int c = 0; c < s->calls; c++) {
		struct one *one = &s->one[c];
		bool path = percent(r, 30);

		one->call.nr = numbers[some_number(r, path)];
		for (int i = 0; i < 6; i++)
			one->call.args[i] = some_argument(r, one->call.nr, i);
		for (int i = 0; i < s->layers; i++)
			some_opinion(r, &one->opinion[i], path, i);
		for (int n = 0; n < MAX_STEPS; n++) {
			if (percent(r, 4))
				one->step[n].asked = some_signal(r);
			if (percent(r, 50))
				one->step[n].sleep = some_signal(r);
		}
	}
}

const struct says *layer_says(const struct stack *s, int layer, int c,
			      const struct model_call *call)
{
	const struct opinion *o = &s->one[c].opinion[layer];

	for (int i = 0; i < o->rules; i++) {
		const struct rule *rule = &o->rule[i];
		uint8_t half = rule->half;

		if (rule->call != ANY && numbers[rule->call] != call->nr)
			continue;
		if (half == ANY ||
		    rule->value == (uint32_t)(call->args[half / 2] >> (half & 1 ? 32 : 0)))
			return &rule->says;
	}
	return &o->otherwise;
}

/* ---- what calls do that run ---- */

static int name_of(uint64_t address)
{
	return (int)((address - NAMES) / NAME_SPACE);
}

static struct model_run run_path(const struct model_call *call, int *found)
{
	int dirfd = (int)call->args[0], name = name_of(call->args[1]);
	int dir = dirfd == FD_DIR;
	long size = (long)call->args[3];

	if (dirfd != AT_FDCWD && dirfd != FD_DIR)
		return (struct model_run){ .value = -EBADF };
	if (call->nr == SYS_openat && name >= NAME_LINKS && name < NAME_FILES) {
		*found = FILE_LEN(name, dir);
		return (struct model_run){ .value = 1 };
	}
	if (call->nr == SYS_readlinkat && name < NAME_LINKS) {
		*found = LINK_LEN(name, dir) < size ? LINK_LEN(name, dir) : (int)size;
		return (struct model_run){ .value = *found };
	}
	/* A file is no link; links lead nowhere. */
	return (struct model_run){ .value = name >= NAME_LINKS && name < NAME_FILES ? -EINVAL :
										      -ENOENT };
}

static struct model_run run_call(const struct model_call *call, int *found)
{
	switch (call->nr) {
	case SYS_lseek:
		return world_lseek(call);
	case SYS_read:
		if ((unsigned int)call->args[0] != FD_SLEEP)
			return (struct model_run){ .value = -EBADF };
		return (struct model_run){ .sleeps = call->args[2] != 0,
					   .value = call->args[2] != 0 };
	case SYS_pause:
		return (struct model_run){ .sleeps = true,
					   .interrupted = MODEL_RESTARTNOHAND,
					   .then = MODEL_SIGNAL_INTERRUPTS };
	case SYS_vfork:
		return (struct model_run){ .forks = true, .value = 1 };
	case SYS_getppid:
		return (struct model_run){ .value = 1 };
	default:
		return run_path(call, found);
	}
}

/* ---- by the model ---- */

struct world {
	struct model_world world; /* the first: what the callbacks get */
	const struct stack *s;
	int call, step;
	bool pending; /* a signal, in this evaluation */
	struct result *result;
	struct note answer; /* what comes of it so far */
};

static struct world *world_of(struct model_world *w)
{
	return (struct world *)w;
}

/* Filter 0 is the outermost, layer 0 the innermost. */
static int layer_of(struct model_world *w, int filter)
{
	return w->filters - 1 - filter;
}

static struct note *note(struct world *w, int kind, const struct model_call *call)
{
	static struct note lost;
	struct note *n = w->result->notes < MAX_NOTES ? &w->result->note[w->result->notes] : &lost;

	w->result->notes++;
	*n = (struct note){ .kind = kind };
	if (call)
		n->call = *call;
	return n;
}

static const struct step *next_step(struct world *w)
{
	static const struct step nothing;

	return w->step < MAX_STEPS ? &w->s->one[w->call].step[w->step++] : &nothing;
}

static unsigned int flags(struct model_world *w, int i)
{
	(void)w, (void)i;
	return MODEL_CHAIN | MODEL_KILLABLE;
}

static bool listens(struct model_world *w, int i)
{
	(void)w, (void)i;
	return true;
}

/* What a layer says, and is told to have said. */
static const struct says *ask(struct world *w, int layer, const struct model_call *call,
			      struct model_call *changed)
{
	const struct says *says = layer_says(w->s, layer, w->call, call);
	bool outermost = layer == w->s->layers - 1, final = true;
	struct note *v;

	if (layer == 0) {
		note(w, NOTE_CALL, call);
		w->pending = false;
		w->answer = (struct note){ .kind = NOTE_ANSWER, .action = PM_ALLOW };
	}
	*changed = *call;
	note(w, NOTE_ASKED, call)->layer = layer;
	v = note(w, NOTE_VERDICT, NULL);
	v->layer = layer;
	v->log = says->log && says->what != SAY_FAIL;
	switch (says->what) {
	case SAY_ALLOW:
		v->action = PM_ALLOW;
		final = false;
		break;
	case SAY_CHANGE:
		v->action = PM_REDIRECT;
		final = false;
		for (int i = 0; i < 6; i++)
			if (says->change.mask & 1U << i)
				changed->args[i] = says->change.args[i];
		if (says->change.changes_nr)
			changed->nr = says->change.nr;
		break;
	case SAY_DENY:
	case SAY_FAIL:
		v->action = PM_DENY;
		v->value = says->err;
		break;
	case SAY_VALUE:
		v->action = PM_VALUE;
		v->value = says->value;
		break;
	case SAY_KILL:
		v->action = PM_KILL;
		break;
	}
	v->call = *changed;
	if (v->action != PM_ALLOW || w->answer.action != PM_REDIRECT) {
		w->answer.action = v->action;
		w->answer.layer = layer;
		w->answer.value = v->value;
	}
	w->answer.log |= v->log;
	w->answer.call = *changed;
	if (final || outermost)
		*note(w, NOTE_ANSWER, NULL) = w->answer;
	return says;
}

static uint32_t returns(struct model_world *w, int i, const struct model_call *call)
{
	struct world *world = world_of(w);
	const struct says *says = layer_says(world->s, layer_of(w, i), world->call, call);
	struct model_call changed;

	if (says->what != SAY_KILL)
		return SECCOMP_RET_USER_NOTIF;
	next_step(world);
	ask(world, layer_of(w, i), call, &changed);
	return SECCOMP_RET_KILL_PROCESS;
}

static struct model_answer answers(struct model_world *w, int i, const struct model_call *call)
{
	struct world *world = world_of(w);
	struct model_answer answer = { .then = next_step(world)->asked };
	struct model_call changed;
	const struct says *says = ask(world, layer_of(w, i), call, &changed);

	world->pending |= answer.then != MODEL_NO_SIGNAL;
	switch (says->what) {
	case SAY_DENY:
	case SAY_FAIL:
		answer.kind = MODEL_ERROR;
		answer.value = -says->err;
		break;
	case SAY_VALUE:
		answer.kind = MODEL_VALUE;
		answer.value = says->value;
		break;
	case SAY_CHANGE:
		answer.kind = MODEL_REDIRECT;
		answer.change = says->change;
		break;
	default:
		answer.kind = MODEL_CONTINUE;
	}
	return answer;
}

static struct model_trace traces(struct model_world *w, const struct model_call *call)
{
	(void)w, (void)call;
	return (struct model_trace){ 0 };
}

static bool tells_result(const struct world *w)
{
	return w->world.filters && w->answer.action == PM_REDIRECT && !w->s->silent;
}

static struct model_run runs(struct model_world *w, const struct model_call *call)
{
	struct world *world = world_of(w);
	int found = 0;
	struct model_run run = run_call(call, &found);
	const struct step *s =
		world->step < MAX_STEPS ? &world->s->one[world->call].step[world->step] : NULL;
	long value = run.value;

	if (run.sleeps && s && s->sleep != MODEL_NO_SIGNAL)
		run.then = s->sleep;
	if (run.sleeps && world->pending)
		value = run.interrupted == MODEL_RESTARTSYS ? -ERESTARTSYS : -ERESTARTNOHAND;
	else if (run.forks && world->pending)
		value = -ERESTARTNOINTR;
	if (!run.sleeps || world->pending)
		world->result->found = found;
	/* A call that sleeps is told of when it sleeps. */
	if (tells_result(world) && (!run.sleeps || world->pending)) {
		struct note *n = note(world, NOTE_RESULT, call);

		n->value = value;
		n->layer = world->answer.layer;
		n->action = PM_REDIRECT;
	}
	return run;
}

static void told(struct model_world *w, const struct model_event *event)
{
	struct world *world = world_of(w);
	struct model_run run;
	enum model_signal then;
	int found;

	if (event->kind != MODEL_SAW_SLEEP)
		return;
	run = run_call(&event->call, &found);
	note(world, NOTE_SLEEP, &event->call);
	then = next_step(world)->sleep;
	if (then == MODEL_NO_SIGNAL)
		then = run.then;
	if (!tells_result(world) || then == MODEL_SIGNAL_KILLS)
		return;
	*note(world, NOTE_RESULT, &event->call) = (struct note){
		.kind = NOTE_RESULT,
		.layer = world->answer.layer,
		.action = PM_REDIRECT,
		.call = event->call,
		.value = then == MODEL_NO_SIGNAL	     ? run.value :
			 run.interrupted == MODEL_RESTARTSYS ? -ERESTARTSYS :
							       -ERESTARTNOHAND,
	};
}

void stack_expect(const struct stack *s, struct results *results)
{
	struct world w = { .world = { .flags = flags,
				      .listens = listens,
				      .returns = returns,
				      .answers = answers,
				      .traces = traces,
				      .runs = runs,
				      .tell = told },
			   .s = s };

	memset(results, 0, sizeof(*results));
	results->calls = s->calls;
	for (int c = 0; c < s->calls; c++) {
		struct result *result = &results->result[c];
		bool wanted = false;

		for (int i = 0; i < s->layers; i++)
			for (int n = 0; n < NUMBERS; n++)
				wanted |= numbers[n] == s->one[c].call.nr &&
					  (s->layer[i].wants & 1U << n);
		/* What no layer wants is not stopped. */
		w.world.filters = wanted ? s->layers : 0;
		w.call = c;
		w.step = 0;
		w.pending = false;
		w.result = result;
		model_call(&w.world, &s->one[c].call, &result->outcome);
	}
}
