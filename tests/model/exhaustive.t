#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The rules as a program keep what they promise, in every small stack of filters.
exec "${PM_BUILD:?run by tests/harness/run}/model/exhaustive"
