/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* peer.h - what /proc says of a target */
#ifndef POINTSMAN_PEER_H
#define POINTSMAN_PEER_H

#include <stdbool.h>
#include <sys/types.h>

/* Whose rights a thread opens files with: the lines of its status that say its ids and groups. */
struct credentials {
	char lines[4096];
};

/* The supervisor's, of its first thread.  False: they are too long, or cannot be read. */
bool peer_own_credentials(struct credentials *out);
/* Are these the thread's? */
bool peer_has_credentials(pid_t tid, const struct credentials *credentials);
/* Has the thread those that the supervisor has now? */
bool peer_same_credentials(pid_t tid);

/* Is this namespace ("pid", "user", ...) of the thread the calling thread's own? */
bool peer_same_namespace(pid_t tid, const char *kind);

/* Its process and that one's parent, as the supervisor numbers them.  False: it is gone. */
bool peer_family(pid_t tid, pid_t *tgid, pid_t *parent);

/* Does somebody trace the thread? */
bool peer_is_traced(pid_t tid);

#endif
