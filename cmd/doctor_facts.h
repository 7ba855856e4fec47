/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* doctor_facts.h - what is probed, in words, and what to do where it is missing */
#ifndef POINTSMAN_DOCTOR_FACTS_H
#define POINTSMAN_DOCTOR_FACTS_H

#include <stddef.h>

#include "probe.h"

/* Whose need it is. */
enum need {
	NEED_BOTH,
	NEED_PTRACE,
	NEED_NOTIFY,
	NEED_NONE,	/* it is better with it */
	NNEEDS
};

struct fact_row {
	enum probe_fact fact;
	enum need need;
	const char *name;	/* in JSON */
	const char *what;
};

extern const struct fact_row fact_rows[];
extern const size_t nfact_rows;

/* Why a fact is as it is, in a few words; NULL where it works. */
const char *fact_why(const struct probe *probe, enum probe_fact fact);

/* What to do about it; NULL where it works, or where something else has to be mended first. */
const char *fact_remedy(const struct probe *probe, enum probe_fact fact);

#endif
