/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fork.h - a new process that is not left stopped */
#ifndef POINTSMAN_FORK_H
#define POINTSMAN_FORK_H

#include <sys/types.h>

/*
 * fork_steady() - fork(2), or clone(2) with FLAGS beside SIGCHLD
 *
 * A stop of the process group that comes while the kernel forks is kept for the new
 * process as well; the SIGCONT after it is not, where SIGCONT is neither caught nor
 * blocked, for then the kernel drops it before it looks for forks under way.  The new
 * process would stay stopped when the rest of the group has gone on.  Signals are
 * blocked meanwhile; both processes have the mask that the caller had.
 *
 * Returns what fork(2) does, and errno.
 */
pid_t fork_steady(unsigned long flags);

/*
 * wait_apart() - wait for the end of a child that leaves its process group
 *
 * A stop of the group that has reached the child before it left is ended; what ends
 * it for the group would not reach the child any more.
 *
 * Returns as waitpid(2) does; the status is STATUS's.
 */
pid_t wait_apart(pid_t child, int *status);

/*
 * fork_apart() - a process that is nobody's child, in a session of its own
 *
 * Neither who waits for all its children nor who reaps its descendants' orphans meets
 * it, and what comes to the caller's process group does not reach it.  FLAGS: as above.
 *
 * Returns 1 in the new process; in the caller 0 or a negative errno (where SIGCHLD is
 * ignored, a failure of the second of the two forks is not told).
 */
int fork_apart(unsigned long flags);

#endif
