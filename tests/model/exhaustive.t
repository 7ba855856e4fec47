#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The rules as a program keep what they promise, in every small stack of filters.
# PM_SOAK=1: with a tracer, too, of up to four.
exec "${PM_BUILD:?run by tests/harness/run}/model/exhaustive" 4 $((${PM_SOAK:-0} + 3))
