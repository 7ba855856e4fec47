/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * audit.h - what was asked, what was decided and what ran, one JSON object a
 * line
 *
 * docs/audit.md is the schema.  An audit is opened and its first line written
 * before the run; the observer is then called in the supervisor, which has
 * inherited it.  Every line is handed to the kernel in one write(2), before
 * the call that it speaks of is answered.  Nothing is buffered: the two
 * processes that know an audit never write a byte twice.
 *
 * A line that cannot be written is an error of the observer, and the call is
 * denied with it.
 */
#ifndef POINTSMAN_AUDIT_H
#define POINTSMAN_AUDIT_H

#include <stdbool.h>
#include <stddef.h>

#include <pointsman/pointsman.h>

#define AUDIT_VERSION 1

struct audit;

/*
 * Open an audit that appends to file, which is made with mode 0600 where it is
 * not there, or one that writes to the descriptor fd.  audit_open_fd() takes
 * fd over: it writes to a duplicate that exec closes, and fd itself is set to
 * be closed by exec too, unless it is standard input, output or error.
 *
 * decided: leave out calls that every layer plainly allowed and no rule asked
 * to log.
 *
 * Return 0 with *out owned by the caller, or a negative errno.
 */
int audit_open(const char *file, bool decided, struct audit **out);
int audit_open_fd(int fd, bool decided, struct audit **out);
void audit_close(struct audit *audit);

/* The descriptor that lines are written to, to be kept open in the supervisor. */
int audit_fd(const struct audit *audit);

/*
 * All lines from now on say whose calls these are, a container's: its id, which
 * lives as long as the audit.
 */
void audit_tag(struct audit *audit, const char *container);

/* What an agent says of a container that the audit is tagged with. */
struct audit_container {
	const char *event;		/* "begin", "resume", "hand-over", "left", "end" */
	const char *policy;		/* the rest: or NULL, 0 */
	const char *const *policies;	/* names of its layers, innermost first */
	size_t npolicies;
	const char *bundle;
	pid_t pid;
};
int audit_container(struct audit *audit, const struct audit_container *container);

/* What the first line says. */
struct audit_start {
	char *const *command;		/* NULL-terminated */
	const char *const *policies;	/* names of the layers, innermost first */
	size_t npolicies;
	const char *backend;		/* as asked for */
	bool landlock;			/* a rule set lies under the policies */
	bool mseal;			/* pins are sealed by the kernel */
};

/* Write the first line.  Returns 0 or a negative errno. */
int audit_begin(struct audit *audit, const struct audit_start *start);

/* The observer to hand to pm_exec(); valid as long as the audit. */
const struct pm_observer *audit_observer(struct audit *audit);

#endif
