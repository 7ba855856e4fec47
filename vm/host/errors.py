# SPDX-License-Identifier: LGPL-2.1-or-later
"""What ends a run without a status of the command."""

# Distinct from what shells and programs use: 126, 127 and 128+n are the command's.
EXIT_FAILURE = 125


class Failure(Exception):
    """The run failed; the message says why, the console log follows it."""
