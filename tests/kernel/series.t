#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The patch series: it applies, every step of it builds, the tools are clean.
exec "${PM_SRC:-$(dirname "$0")/../..}/kernel/scripts/check"
