# SPDX-License-Identifier: LGPL-2.1-or-later
"""Shorten the audit on standard input: what was named, decided and run, and how it ended."""
import json
import sys


def short(item):
    if item["kind"] == "address":
        return f'{item.get("address")}:{item.get("port")}'
    return item.get("list") or item.get("name") or item.get("text")


def named(deep):
    return {key: short(deep[key]) for key in ("pathname", "argv", "addr") if key in deep}


entries = [json.loads(line) for line in sys.stdin]
results = {entry["id"]: entry for entry in entries if entry["type"] == "result"}
for entry in entries:
    if entry["type"] != "call":
        continue
    shown = {"comm": entry["comm"], "call": entry["call"], **named(entry.get("deep", {})),
             "source": entry.get("source"), "verdict": entry["verdict"]}
    if "ran" in entry:
        shown["ran"] = {"call": entry["ran"]["call"], **named(entry["ran"].get("deep", {}))}
    result = results.get(entry["id"], {})
    shown["result"] = result.get("errno", result.get("result"))
    print(json.dumps(shown))
