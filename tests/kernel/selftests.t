#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The kernel's own selftests and those of the series, in the virtual machine, on
# the stock, the patched and the debug kernel.
exec "${PM_SRC:-$(dirname "$0")/../..}/kernel/scripts/run-selftests" series stock redirect debug
