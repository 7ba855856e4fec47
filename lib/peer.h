/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* peer.h - what /proc says of a target */
#ifndef POINTSMAN_PEER_H
#define POINTSMAN_PEER_H

#include <stdbool.h>
#include <sys/types.h>

/* Does the thread open files with the rights of the supervisor: ids and groups? */
bool peer_same_credentials(pid_t tid);

#endif
