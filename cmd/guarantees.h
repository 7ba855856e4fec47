/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * guarantees.h - which guarantee holds for which calls (docs/guarantees.md)
 */
#ifndef POINTSMAN_GUARANTEES_H
#define POINTSMAN_GUARANTEES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <pointsman/pointsman.h>

/* What there is to keep promises with. */
struct guarantees {
	bool kernel_pins;	/* the kernel makes the pins for a listener */
	bool mseal;	/* pins are sealed by the kernel */
	bool openat2;	/* opens can refuse every link */
	bool races;	/* the policies ask for none (PM_UNSAFE_RACES) */
	uint32_t landlock;	/* PM_BIT()s of the classes that a rule set holds */
};

/*
 * Say on standard error what keeps the named file and the used file the same,
 * for each class of calls that the layers want to see.
 */
void guarantees_tell(struct pm_layer *const *layers, size_t n, const struct guarantees *with);

#endif
