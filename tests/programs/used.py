# SPDX-License-Identifier: LGPL-2.1-or-later
"""used.py AUDIT RULES EXE - was each rule used, and was the program mediated?

The policy has so many rules.  Of the program, whose file matches the pattern EXE,
calls must have been redirected and denied, and most must have been allowed.
"""
import collections
import fnmatch
import json
import sys

audit, rules, exe = sys.argv[1], int(sys.argv[2]), sys.argv[3]
used = collections.Counter()
own = collections.Counter()
redirected, returned = set(), set()
problems = []

with open(audit, encoding="utf-8") as lines:
    for line in lines:
        entry = json.loads(line)
        if entry["type"] == "result":
            returned.add(entry["id"])
        if entry["type"] != "call":
            continue
        for layer in entry.get("layers", []):
            used[layer.get("rule")] += 1
        if entry["verdict"] == "redirect":
            redirected.add(entry["id"])
        # Of a process that is dying nothing can be read.
        own_exe = entry.get("exe")
        if isinstance(own_exe, str) and fnmatch.fnmatch(own_exe, exe):
            own[entry["verdict"]] += 1

for n in range(rules):
    if not used[f"rules[{n}]"]:
        problems.append(f"rules[{n}] was never used")
for verdict in "redirect", "deny":
    if not own[verdict]:
        problems.append(f"nothing of {exe} was answered with {verdict}")
if own["allow"] * 2 <= sum(own.values()):
    problems.append(f"of {exe} most was not allowed")
if returned - redirected:
    problems.append("results of what was not redirected")

print(f"{exe}:", ", ".join(f"{n} {verdict}" for verdict, n in sorted(own.items())) or "no calls")
print("\n".join(problems), end="")
sys.exit(1 if problems else 0)
