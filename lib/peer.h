/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* peer.h - what /proc says of a target */
#ifndef POINTSMAN_PEER_H
#define POINTSMAN_PEER_H

#include <stdbool.h>
#include <sys/types.h>

/* Does the thread open files with the rights of the supervisor: ids and groups? */
bool peer_same_credentials(pid_t tid);

/* Is this namespace ("pid", "user", ...) of the thread the calling thread's own? */
bool peer_same_namespace(pid_t tid, const char *kind);

/* Its process and that one's parent, as the supervisor numbers them.  False: it is gone. */
bool peer_family(pid_t tid, pid_t *tgid, pid_t *parent);

/* Does somebody trace the thread? */
bool peer_is_traced(pid_t tid);

#endif
