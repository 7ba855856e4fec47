# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reports of the kernel in its console's log."""

import re

# What panic_on_warn does not end at once, and what ended a run that panicked.
_REPORT = re.compile(
    r"^(?:\[[^\]]*\]\s*)*(?:\S+: )?("
    r"WARNING: |BUG: |kernel BUG at|BUG \S+ \(|Kernel panic|Oops|"
    r"INFO: (?:possible|inconsistent|suspicious|trying to register|task )|"
    r"(?:rcu: )?INFO: rcu|watchdog: BUG|"
    r"UBSAN: |KASAN: |KFENCE: |kmemleak: \d+ new|"
    r"possible (?:recursive|circular)|refcount_t: |"
    r"unreferenced object|Unable to mount|"
    r".*DEBUG_LOCKS_WARN_ON|.*nobody cared)", re.MULTILINE)


def report(log):
    """The first line of a report in @log, or None."""
    log = log.replace("\r", "")
    found = _REPORT.search(log)
    return log[found.start():].split("\n", 1)[0] if found else None
