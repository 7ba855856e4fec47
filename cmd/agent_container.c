/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One listener under its policy.  The process joins the container's network, IPC
 * and UTS namespaces, which files of /proc show to who opens them; it stays in the
 * mount namespace of the agent, where it sees /proc, and looks at the container's
 * root through that.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <pointsman/pointsman.h>

#include "agent.h"
#include "cleanup.h"
#include "command.h"
#include "notify_plain.h"
#include "policy.h"

/* Calls that are complained of, once each. */
#define REFUSED 32

/* Owner: the process. */
struct serving {
	struct agent *agent;
	struct agent_container *container;
	struct policy **policies;
	struct agent_runtime runtime;
	struct oci_judge *judge;
	struct agent_layer *wrapped;
	struct pm_layer **layers;
	const char **names;
	size_t n;
	struct pm_observer observer;
	const char *refused[REFUSED];	/* names of calls: the library's */
	size_t nrefused;
};

static void stop(int signal)
{
	(void)signal;
	pm_serve_stop();
}

/* The agent has died. */
static atomic_bool alone;

/*
 * A thread's body: the process does not outlive the agent for longer than the answers
 * to what has been received take; no other process could give them.
 */
static void *follow(void *data)
{
	struct pollfd agent = { .fd = (int)(intptr_t)data, .events = POLLIN };

	while (poll(&agent, 1, -1) < 1)
		;
	alone = true;
	pm_serve_stop();
	return NULL;
}

static int follow_agent(pid_t agent)
{
	int fd = (int)syscall(SYS_pidfd_open, agent, 0);
	pthread_t thread;

	/* Once it is the parent, the descriptor is of no other one of its number. */
	if (fd < 0 || getppid() != agent)
		return -ESRCH;
	return -pthread_create(&thread, NULL, follow, (void *)(intptr_t)fd);
}

/*
 * Nothing of what the agent has is kept open but for this container: a listener
 * that another process has would not be without one when its own is gone.
 */
static void let_go(const struct agent *agent, int listener)
{
	unsigned int keep[] = { (unsigned int)listener,
				agent->audit ? (unsigned int)audit_fd(agent->audit) : 0 };
	unsigned int from = STDERR_FILENO + 1;

	if (keep[0] > keep[1]) {
		unsigned int low = keep[1];

		keep[1] = keep[0];
		keep[0] = low;
	}
	for (int i = 0; i < 2; i++) {
		if (keep[i] < from)
			continue;
		if (keep[i] > from)
			close_range(from, keep[i] - 1, 0);
		from = keep[i] + 1;
	}
	close_range(from, ~0u, 0);
}

/* A policy's own paths mean what they lead to in the container. */
static int read_policies(struct serving *serving)
{
	const struct agent_policy *policy = serving->container->policy;
	auto_close int here = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char root[32], *error = NULL;
	int err;

	snprintf(root, sizeof(root), "/proc/%d/root", serving->container->pid);
	if (here < 0 || chroot(root) || chdir("/"))
		return -errno;
	err = 0;
	for (; !err && serving->n < policy->nfiles; serving->n += !err) {
		const struct agent_file *file = &policy->files[serving->n];

		err = policy_parse(file->name, file->bytes, file->len,
				   &serving->policies[serving->n], &error);
	}
	if (fchdir(here) || chroot("."))
		err = -errno;
	if (error)
		complain("agent: container %s: %s", serving->container->id, error);
	free(error);
	return err;
}

static int make_layers(struct serving *serving)
{
	size_t n = serving->container->policy->nfiles;
	int err;

	serving->policies = calloc(n, sizeof(*serving->policies));
	serving->layers = calloc(n, sizeof(*serving->layers));
	serving->names = calloc(n, sizeof(*serving->names));
	serving->wrapped = calloc(n, sizeof(*serving->wrapped));
	if (!serving->policies || !serving->wrapped || !serving->layers || !serving->names)
		return -ENOMEM;
	err = oci_judge_new(serving->container->profile, serving->container->id, &serving->judge);
	if (!err)
		err = read_policies(serving);
	for (size_t i = 0; i < serving->n; i++) {
		runtime_wrap(&serving->runtime, policy_layer(serving->policies[i]),
			     i + 1 < serving->n ? NULL : serving->judge, &serving->wrapped[i]);
		serving->layers[i] = &serving->wrapped[i].layer;
		serving->names[i] = serving->layers[i]->name;
	}
	return err;
}

static int join_namespaces(const struct agent_container *container)
{
	auto_close int pidfd = (int)syscall(SYS_pidfd_open, container->pid, 0);

	if (pidfd < 0)
		return -errno;
	return setns(pidfd, CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) ? -errno : 0;
}

static int tell(const struct serving *serving, const char *event)
{
	const struct agent_container *container = serving->container;
	const struct audit_container line = {
		.event = event, .policy = container->policy->name, .policies = serving->names,
		.npolicies = serving->n, .bundle = container->bundle, .pid = container->pid,
	};

	return serving->agent->audit ? audit_container(serving->agent->audit, &line) : 0;
}

/* Without an audit nothing else would say why a container does not start. */
static void complain_once(struct serving *serving, const char *call)
{
	for (size_t i = 0; i < serving->nrefused; i++)
		if (!strcmp(serving->refused[i], call))
			return;
	if (serving->nrefused == REFUSED)
		return;
	serving->refused[serving->nrefused++] = call;
	complain("agent: container %s: %s is refused: it was inspected, and there is no redirect here to run it with",
		 serving->container->id, call);
}

static int observe(void *data, const struct pm_event *event)
{
	struct serving *serving = data;
	const struct pm_observer *audit =
		serving->agent->audit ? audit_observer(serving->agent->audit) : NULL;

	if (event->kind == PM_EVENT_ANSWER && event->verdict && event->verdict->rule &&
	    !strcmp(event->verdict->rule, PLAIN_REFUSED))
		complain_once(serving, event->call->name);
	return audit ? audit->tell(audit->data, event) : 0;
}

static void handle_signals(void)
{
	struct sigaction action = { .sa_handler = stop };
	sigset_t set;

	sigaction(SIGTERM, &action, NULL);
	/* What a terminal sends is for the agent to act on. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static unsigned int agreed_unsafe(const struct serving *serving)
{
	unsigned int unsafe = serving->n ? ~0u : 0;

	for (size_t i = 0; i < serving->n; i++)
		unsafe &= policy_unsafe(serving->policies[i]);
	return unsafe;
}

/* Returns what pm_serve() does, or a negative errno. */
static int serve(struct serving *serving, const char *event)
{
	struct pm_options options = { 0 };
	int err = make_layers(serving);

	/* A container that runs already has no runtime in it. */
	if (!strcmp(event, "begin"))
		runtime_know(&serving->runtime, serving->container->runtime);
	if (!err)
		err = join_namespaces(serving->container);
	if (!err)
		err = tell(serving, event);
	if (err)
		return err;
	options.layers = serving->layers;
	options.nlayers = serving->n;
	serving->observer = (struct pm_observer){ .data = serving, .tell = observe };
	options.observer = &serving->observer;
	options.unsafe = agreed_unsafe(serving);
	err = pm_serve(&options, serving->container->listener);
	if (err >= 0)
		tell(serving, !err ? "end" : alone ? "left" : "hand-over");
	return err;
}

_Noreturn void agent_serve(struct agent *agent, struct agent_container *container,
			   const char *event)
{
	struct serving serving = { .agent = agent, .container = container };
	int err;

	let_go(agent, container->listener);
	if (agent->audit)
		audit_tag(agent->audit, container->id);
	err = follow_agent(agent->pid);
	handle_signals();
	if (!err)
		err = serve(&serving, event);
	if (err < 0)
		complain("agent: container %s: cannot be served: %s", container->id, strerror(-err));
	_exit(err < 0 ? AGENT_FAILED : err ? AGENT_STOPPED : AGENT_OVER);
}
