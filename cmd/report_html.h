/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * report_html.h - the sum of an audit as one page
 *
 * The page is read as it is: nothing is loaded, and nothing runs in it.  What an audit
 * says of programs is theirs, and is written as text only.
 */
#ifndef POINTSMAN_REPORT_HTML_H
#define POINTSMAN_REPORT_HTML_H

#include <stdio.h>

#include "report_sum.h"

/* files are the names of the audits.  Returns 0 or -ENOMEM; errors of to are the caller's. */
int html_write(FILE *to, struct sum *sum, char *const *files, size_t nfiles);

#endif
