/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* find.h - who decides on our calls */
#ifndef FIND_H
#define FIND_H

#include <sys/types.h>

/* Ends the program where nobody is found. */
pid_t find_supervisor(void);

#endif
