#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The kernel's own seccomp selftests and those of the series, under every checker.
exec "${PM_SRC:-$(dirname "$0")/../..}/kernel/scripts/run-selftests" series debug
