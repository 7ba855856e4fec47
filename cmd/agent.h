/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent.h - pointsman agent: the seccomp agent of OCI runtimes, in parts
 *
 * agent.c		the command: options, policies
 * agent_listen.c	where runtimes connect
 * agent_socket.c	the same, and other descriptors, from a service manager
 * agent_message.c	what a runtime sends: a listener and the container's state
 * agent_loop.c		takes listeners, and keeps a process for each
 * agent_container.c	that process: one listener under its policy
 * agent_runtime.c	what the runtime still does under the filter
 * agent_state.c	what it finds out of a container, and hands on with it
 * agent_manager.c	what the service manager is told, and keeps for us
 * agent_replace.c	another agent takes this one's place
 *
 * The main process decides on nothing and parses only what runtimes send, and the
 * configuration of their containers.  Each
 * listener has a process of its own, which has no other one's descriptors.  It
 * ends with the main process, and then the kernel does what it does for a
 * listener that nobody has: ENOSYS, or what SECCOMP_FILTER_FLAG_KILL_ORPHANS says.
 */
#ifndef POINTSMAN_AGENT_H
#define POINTSMAN_AGENT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <pointsman/pointsman.h>

#include "audit.h"
#include "oci_judge.h"

/* A policy file as it was read, since containers have views of their own. */
struct agent_file {
	const char *name;
	char *bytes;
	size_t len;
};

/* What listenerMetadata names. */
struct agent_policy {
	char *name;
	struct agent_file *files;	/* innermost first */
	size_t nfiles;
};

/*
 * Owner: agent_command().  The strings are the caller's argv, where nothing else
 * is said.
 */
struct agent_options {
	const char *socket;		/* or NULL: one from the service manager */
	struct agent_policy *policies;
	size_t npolicies;
	const char *audit_file;		/* or NULL */
	bool audit_decided;
	bool replace;
	bool help;
};

/* A connected runtime that has not said everything yet. Owner: the agent. */
struct agent_connection {
	int fd;
	char *text;
	size_t len;
	int fds[16];
	size_t nfds;
};

/* A listener and whose it is. Owner: the agent, and the process that serves it. */
struct agent_container {
	struct agent_container *next;
	char *text;			/* what the runtime sent, and what was found out since */
	char *id, *bundle;
	char *metadata;			/* or NULL */
	char *profile;			/* of its config.json; NULL: not read yet */
	pid_t pid;			/* of a process of the container; 0: not known yet */
	uint64_t started;		/* when that process was, in ticks since boot */
	pid_t runtime;			/* the process in which the runtime ends; 0: not known */
	bool named;			/* the runtime said which process, and which bundle */
	bool runs;			/* it ran already, and this was executed in it */
	int listener;
	int state;			/* a memfd of text, where there is a store; else -1 */
	char kept[32];			/* its name in the store */
	const struct agent_policy *policy;
	pid_t server;			/* the process that serves it; 0: none */
};

/* Owner: agent_command(), for its life. */
struct agent {
	struct agent_options options;
	struct audit *audit;		/* or NULL */
	pid_t pid;			/* the main process */
	int socket;			/* listening */
	int signals;			/* a signalfd */
	bool told;			/* by a signal: it is to end */
	int successor;			/* a connection of who takes its place, or -1 */
	int64_t heard_out;		/* till then, in ms, what else has connected is heard out */
	bool ends;
	bool full;			/* no descriptors for another container */
	struct agent_connection *connections;
	size_t nconnections;
	struct agent_container *containers;
};

/* agent.c.  What metadata names; NULL: nothing that is known here. */
const struct agent_policy *agent_find_policy(const struct agent_options *options,
					     const char *metadata);

/*
 * agent_listen.c.  Returns 0 or a negative errno after a complaint; with --replace
 * there is none of -EADDRINUSE: somebody listens.
 */
int agent_listen(struct agent *agent);
/* Have it listen, also where it does: who connects is told that it is this process. */
int agent_listen_on(int fd);

/*
 * agent_socket.c.  agent_inherit() takes what a service manager hands over: the socket
 * (-1 where there is none), and descriptors that it kept for us, as containers.  Returns
 * 0 or a negative errno after a complaint.
 */
int agent_inherit(struct agent *agent);
/* Is this a listening socket of the kind that runtimes connect to? */
bool agent_is_listening(int fd);

/*
 * agent_message.c.  agent_receive() reads what there is: 1 all has come, 0 more is
 * to come, or a negative errno: there is nothing to be had from it.
 */
#define AGENT_TEXT_MAX ((size_t)64 << 10)
int agent_receive(struct agent_connection *connection);
void agent_connection_clear(struct agent_connection *connection);
/* Is this another agent's request, see agent_replace.c? */
bool agent_is_request(const struct agent_connection *connection);
/*
 * The container of a message; takes text and the listener, also where it fails.
 * NULL after a complaint.  ours: the text is from an agent, and what that found out
 * counts.
 */
struct agent_container *agent_container_new(char *text, int listener, bool ours);
/* The same of what a connection has received; takes that. */
struct agent_container *agent_container_of(struct agent_connection *connection);
void agent_container_free(struct agent_container *container);
bool agent_is_listener(int fd);
/* The member of a message that an agent adds. */
#define AGENT_MEMBER "pointsman"

/*
 * agent_state.c.  Find out what is not known yet of one of the agent's containers,
 * and write it into its text.  Returns 0 or a negative errno, after a complaint where
 * it is not over already.
 */
#define AGENT_STATE_MAX ((size_t)1 << 20)
int agent_know(const struct agent *agent, struct agent_container *container);

/* agent_loop.c.  Returns the exit status. */
int agent_loop(struct agent *agent);
/* Serve it: refused after a complaint, or added to those of the agent; taken. */
void agent_add(struct agent *agent, struct agent_container *container, const char *event);
/* The same of a list that was served before; taken. */
void agent_resume(struct agent *agent, struct agent_container *containers);
/*
 * Have all that are served answer what they have received, and end; listeners stay.
 * until: of CLOCK_MONOTONIC in ms.  False where one has not ended by then.
 */
bool agent_stop_all(struct agent *agent, int64_t until);
/* Have those signals wait that agent_loop() hears; *before is what was blocked. */
void agent_block_signals(sigset_t *before);
/* So long are those heard out who have connected when the agent is to end. */
#define AGENT_HEAR_OUT_MS 10000

/* agent_container.c.  The body of a process; does not return. */
enum {
	AGENT_OVER = 0,		/* the container is gone */
	AGENT_STOPPED = 3,	/* to be served by somebody else */
	AGENT_FAILED = 4,
};
_Noreturn void agent_serve(struct agent *agent, struct agent_container *container,
			   const char *event);

/* agent_runtime.c. Owner: the process that serves. */
struct agent_runtime {
	pid_t pid;		/* the container's first process; 0: its program is not known */
	struct stat program;	/* that it ran when the listener was handed over */
};

/*
 * A policy that lets the runtime end, and the outermost one the container's own
 * profile decide (judge; NULL in others).  layer is what is asked.
 */
struct agent_layer {
	struct pm_layer layer;
	struct pm_layer *policy;
	const struct agent_runtime *runtime;
	const struct oci_judge *judge;
};
void runtime_know(struct agent_runtime *runtime, pid_t pid);
void runtime_wrap(const struct agent_runtime *runtime, struct pm_layer *policy,
		  const struct oci_judge *judge, struct agent_layer *layer);

/*
 * agent_manager.c: what sd_notify(3) and sd_listen_fds(3) say, written out.  Do
 * nothing without a service manager.
 */
void manager_tell(const char *message);
bool manager_keeps(void);
/* Keep these two for the next of us, or no longer what has this name ("": nothing has). */
void manager_keep(struct agent_container *container);
void manager_forget(const char *name);

/*
 * agent_replace.c.  The new one: returns 0 with the socket and containers taken
 * over, -ENOENT where nobody listens, or another negative errno after a complaint;
 * until: of CLOCK_MONOTONIC in ms.
 * The old one: returns true where it is no longer needed.
 */
#define AGENT_TAKE_OVER_MS 20000
int agent_take_over(struct agent *agent, int64_t until);
bool agent_hand_over(struct agent *agent, int connection);
/* Somebody else has asked before: who has this connection is to ask again. */
void agent_put_off(int connection);
#define AGENT_REQUEST "{\"pointsman\":\"hand-over\"}"

#endif
