/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* error.h - the message behind an errno, made where the cause is known */
#ifndef POINTSMAN_ERROR_H
#define POINTSMAN_ERROR_H

/* Keeps the message for pm_error() and returns err, so that it can be returned. */
int pm_fail(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
