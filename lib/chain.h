/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * chain.h - the layers, asked from the innermost outwards (semantics.md,
 * section 3: a layer is a segment)
 */
#ifndef POINTSMAN_CHAIN_H
#define POINTSMAN_CHAIN_H

#include <pointsman/pointsman.h>

/* What the chain said of a call, and which layer decided. */
struct outcome {
	struct pm_verdict verdict;	/* the last that was not a plain allow; else the outermost */
	const struct pm_layer *layer;	/* NULL: the library */
};

/* Can the layers and the observer be asked and told at all?  0 or -EINVAL. */
int chain_check(const struct pm_options *options);

/* Is this a verdict at all? */
bool verdict_is_sound(const struct pm_verdict *verdict);

/*
 * Does any layer, or the library itself, want to see this call for one of these
 * classes?  chain_wants() asks for all that it can have.
 */
bool chain_wants_for(const struct pm_options *options, const char *syscall, uint32_t classes);
bool chain_wants(const struct pm_options *options, const char *syscall);

/*
 * Ask the layers about a call that has been read.  The call is left as the
 * layers changed it.  Tells the observer CALL and VERDICTs.  Never fails: an
 * error of a layer or of the observer becomes a denial.
 */
void chain_decide(const struct pm_options *options, struct pm_call *call,
		  struct outcome *outcome);

/* A denial by the library itself, with what it is for a person; what is no errno is EPERM. */
void chain_refuse(struct outcome *outcome, int err, const char *rule);

/* Tell the observer, where there is one.  Returns 0 or its error. */
int chain_tell(const struct pm_options *options, const struct pm_event *event);

#endif
