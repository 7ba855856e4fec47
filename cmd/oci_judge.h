/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * oci_judge.h - what a container's own profile says of a call that an agent has
 * made of another one
 *
 * The kernel does not ask the filter that sent a call to its listener about what
 * the listener answers (semantics.md, section 3: who redirects is outside), and a
 * container has one filter only.  So the profile is asked here.
 */
#ifndef POINTSMAN_OCI_JUDGE_H
#define POINTSMAN_OCI_JUDGE_H

#include <pointsman/pointsman.h>

struct oci_judge;

/*
 * The profile of the container whose bundle this is: linux.seccomp of its config.json,
 * as text, which is the caller's.  Returns 0, or a negative errno after a complaint
 * about the container of this id.
 */
int oci_profile_read(const char *bundle, const char *id, char **out);
/* The filter that libseccomp makes of such a text.  Fails in the same way. */
int oci_judge_new(const char *profile, const char *id, struct oci_judge **out);
void oci_judge_free(struct oci_judge *judge);

/* What its filter returns for the call as it stands: SECCOMP_RET_*. */
uint32_t oci_judge_asks(const struct oci_judge *judge, const struct pm_call *call);

#endif
