#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The kernel's own seccomp selftests, on the stock kernel.
exec "${PM_SRC:-$(dirname "$0")/../..}/kernel/scripts/run-selftests" series stock
