/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* relay.h - a relay that is told where each connection is meant to go */
#ifndef POINTSMAN_EXAMPLE_RELAY_H
#define POINTSMAN_EXAMPLE_RELAY_H

#include <netinet/in.h>

/*
 * Whoever connects to listener is meant to be connected to meant.  relay is the
 * other end of the socket of relay(); listener stays the caller's.  Returns 0 or a
 * negative errno.
 */
int hand_over(int relay, int listener, const struct sockaddr_in *meant);

/* Until the other end is closed, and every connection has ended. */
_Noreturn void relay(int sock);

#endif
