/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <errno.h>

#include "notify.h"

void send_messages(const struct notice *notice)
{
	reply_value(notice, -EOPNOTSUPP);
}
