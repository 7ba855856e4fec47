# SPDX-License-Identifier: LGPL-2.1-or-later
"""Shorten the audit's lines on standard input: what was named, decided and run."""
import json
import sys


def short(item):
    if item["kind"] == "path":
        return item.get("name", item.get("text"))
    if item["kind"] == "address":
        return f'{item.get("address")}:{item.get("port")}'
    return item.get("list", item.get("text"))


def named(deep):
    return {key: short(item) for key, item in deep.items()
            if key != "cut" and key != "len" and item["kind"] in ("path", "address", "list")
            and key != "envp"}


for line in sys.stdin:
    entry = json.loads(line)
    if entry["type"] == "call":
        shown = {"id": entry["id"], "comm": entry["comm"], "call": entry["call"],
                 **named(entry.get("deep", {})), "verdict": entry["verdict"],
                 "rule": entry.get("rule"), "source": entry.get("source")}
        if "ran" in entry:
            shown["ran"] = {"call": entry["ran"]["call"], **named(entry["ran"].get("deep", {}))}
        if "holds" in entry:
            shown["holds"] = entry["holds"]
    elif entry["type"] == "result":
        shown = {"id": entry["id"], "result": entry["result"]}
        if "errno" in entry:
            shown["errno"] = entry["errno"]
    else:
        continue
    print("   ", json.dumps(shown))
