#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Arguments as long as the kernel takes them.
# shellcheck source=tests/behaviour/ptrace.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/behaviour/ptrace.sh"

limits=$helpers/limits

both 'a path of 4095 bytes, and one of 4096' "$limits" path
both 'an argv of 2 MiB, and more' "$limits" argv
both '1024 messages with addresses' "$limits" sendmmsg

done_testing
