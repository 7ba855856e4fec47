/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* init.h - the first process of a pid namespace does not become the program */
#ifndef POINTSMAN_INIT_H
#define POINTSMAN_INIT_H

/*
 * As pid 1 the program could not be killed, and would be handed the supervisor
 * and every orphan as children of its own.  So pid 1 stays what it is: it
 * starts the program as a child, hands signals on, reaps, and exits with the
 * program's status (128 and the number of the signal that killed it).
 *
 * Returns 0 in the child, and everywhere but in pid 1; -errno where the child
 * could not be started.
 */
int init_step_aside(void);

#endif
