/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * oci_runtime.h - calls that runtimes make between loading a container's filter
 * and handing over its listener
 */
#ifndef POINTSMAN_OCI_RUNTIME_H
#define POINTSMAN_OCI_RUNTIME_H

#include <stddef.h>

/*
 * Who makes a call of this name then, or NULL: nobody.  Sent to a listener that no
 * agent has yet, it would wait for ever.
 */
const char *oci_runtime_calls(const char *syscall);

#endif
