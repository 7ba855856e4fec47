#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The library's chain of layers does what the rules as a program say.
exec "${PM_BUILD:?run by tests/harness/run}/model/layers"
